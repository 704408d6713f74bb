"""Runs one program: in a root folder, as a user, and only as long as its parent lives.

    launch.py PARENT FOLDER ROOT USER GROUP MOUNTS OTHER -- PROGRAM ARGUMENT...

ROOT, USER, GROUP and OTHER may be empty. MOUNTS is a list in JSON; who is not root has none. OTHER is
a process whose namespaces the program enters, on the terminal that it is given. Otherwise the program is the first process of a PID namespace of its
own, as in a container: when it ends, the kernel ends whatever it left behind, wherever that
hid. This process waits outside for its exit code. Where no namespace can be made, the program
takes this process's place, and what it leaves behind in another process group lives on.

It keeps no privilege but those of root in a container that do not lead out of a root folder. Who
is to be root where it would see the machine's other processes is nobody instead.

A shell's exit codes tell why nothing ran: 126 when the program may not be run, 127 when it is
not there; 128 and the signal's number when a signal ended it.
"""

import ctypes
import errno
import fcntl
import json
import os
import select
import signal
import sys
import termios
import warnings  # noqa: F401  # PATH is searched with it where its own folder is out of reach

PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18
PR_CAPBSET_DROP = 24
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
CAPABILITY_VERSION = 0x20080522
# By number, from linux/capability.h. Of those that Docker gives by default these are left out:
# SYS_CHROOT and MKNOD lead out of a root folder, NET_RAW, AUDIT_WRITE, SETPCAP and SETFCAP reach
# what the program shares with the machine.
CAPABILITIES = {
    "CHOWN": 0,
    "DAC_OVERRIDE": 1,
    "FOWNER": 3,
    "FSETID": 4,
    "KILL": 5,
    "SETGID": 6,
    "SETUID": 7,
    "NET_BIND_SERVICE": 10,
}
NOBODY = "65534"
PASSED_OVER = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)

libc = ctypes.CDLL(None)


def main() -> None:
    """Prepares this process, and becomes the program."""
    parent, folder, root, user, group, mounts, other, _, *command = sys.argv[1:]
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != int(parent):
        sys.exit(1)
    mount_all(json.loads(mounts))
    if enter(other) if other else make_namespace():
        wait_outside()
    elif user == "0":
        user = group = NOBODY
    if other:
        take_terminal()
    if root:
        os.chroot(root)
    os.chdir(folder)
    drop_capabilities()
    if group:
        os.setgroups([])
        os.setgid(int(group))
    if user:
        os.setuid(int(user))
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # Another user is another life: the kernel forgets what was asked before.
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    run(command)


def mount_all(mounts: list[tuple[str, str, bool, int]]) -> None:
    """Mounts folders and file systems in memory, which nobody but this program sees."""
    if not mounts:
        return
    if libc.unshare(CLONE_NEWNS) != 0:
        sys.exit("the kernel lets nothing be mounted")
    mount("none", "/", MS_REC | MS_PRIVATE)
    for source, target, is_read_only, mebibytes in mounts:
        if not source:
            mount("tmpfs", target, 0, f"size={mebibytes}m,mode=1777")
            continue
        mount(source, target, MS_BIND)
        if is_read_only:
            mount("none", target, MS_REMOUNT | MS_BIND | MS_RDONLY)


def mount(source: str, target: str, flags: int, options: str = "") -> None:
    """Mounts one; without it the program would run, and not see what it should."""
    kind = b"tmpfs" if options else None
    if libc.mount(source.encode(), target.encode(), kind, flags, options.encode()) != 0:
        sys.exit(f"the kernel does not mount {target}")


def drop_capabilities() -> None:
    """Keeps those of the table that are there, for now and for what is executed later."""
    kept = sum(1 << number for number in CAPABILITIES.values())
    for number in range(64):
        if not kept >> number & 1:
            libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0)
    libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    # Effective, permitted and inheritable, of the lower 32 capabilities and of the upper ones.
    sets = (ctypes.c_uint32 * 6)()
    libc.capget(header, sets)
    sets[:] = [sets[1] & kept, sets[1] & kept, 0, 0, 0, 0]
    if libc.capset(header, sets) != 0:
        sys.exit("the kernel takes no capabilities away")


def make_namespace() -> bool:
    """Makes a PID namespace for the next child; an ordinary user's lies in a user namespace."""
    if os.geteuid() == 0:
        return bool(libc.unshare(CLONE_NEWPID) == 0)
    user, group = os.getuid(), os.getgid()
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0:
        return False
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)
    return True


def enter(other: str) -> bool:
    """Enters the namespaces of a process, as far as they are not this one's own: its mounts and, for
    the next child, its processes. An ordinary user's lie in a user namespace.
    """
    kinds = ("mnt", "pid") if os.geteuid() == 0 else ("user", "pid")
    is_elsewhere = False
    for kind in kinds:
        own, theirs = f"/proc/self/ns/{kind}", f"/proc/{other}/ns/{kind}"
        if os.stat(own).st_ino == os.stat(theirs).st_ino:
            continue
        file = os.open(theirs, os.O_RDONLY)
        if libc.setns(file, 0) != 0:
            sys.exit("the kernel lets nobody enter the container")
        os.close(file)
        is_elsewhere = is_elsewhere or kind == "pid"
    return is_elsewhere


def take_terminal() -> None:
    """Leads a session of its own on the terminal that it was given, whose keys reach it then."""
    if os.getsid(0) != os.getpid():
        os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def wait_outside() -> None:
    """Forks; returns in the child, and in the parent ends as the child ends.

    Signals reach both, for they are one process group; only the child is meant.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child:
        for number in PASSED_OVER:
            signal.signal(number, signal.SIG_IGN)
        os.close(reader)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        os._exit(128 - code if code < 0 else code)
    os.close(writer)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if select.select([reader], [], [], 0)[0]:
        os._exit(1)


def run(command: list[str]) -> None:
    """Becomes the program."""
    try:
        os.execvpe(command[0], command, os.environ)
    except FileNotFoundError:
        sys.stderr.write(f'exec: "{command[0]}": executable file not found in $PATH\n')
        os._exit(127)
    except OSError as error:
        # What runc writes, and how it ends (aws-samples/amazon-bedrock-serverless-prompt-chaining
        # issue 213).
        is_foreign = error.errno == errno.ENOEXEC
        why = "exec format error" if is_foreign else error.strerror
        sys.stderr.write(f"exec {command[0]}: {why}\n")
        os._exit(1 if is_foreign else 126)


main()

"""Runs one program: in a root folder, as a user, and only as long as its parent lives.

    launch.py PARENT FOLDER ROOT USER GROUP -- PROGRAM ARGUMENT...

ROOT, USER and GROUP may be empty. A shell's exit codes tell why nothing ran: 126 when the
program may not be run, 127 when it is not there.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38


def main() -> None:
    parent, folder, root, user, group, _, *command = sys.argv[1:]
    libc = ctypes.CDLL(None)
    if root:
        os.chroot(root)
    os.chdir(folder)
    if group:
        os.setgroups([])
        os.setgid(int(group))
    if user:
        os.setuid(int(user))
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != int(parent):
        sys.exit(1)
    try:
        os.execvpe(command[0], command, os.environ)
    except FileNotFoundError:
        sys.stderr.write(f'exec: "{command[0]}": executable file not found in $PATH\n')
        os._exit(127)
    except OSError as error:
        sys.stderr.write(f"exec {command[0]}: {error.strerror}\n")
        os._exit(126)


main()

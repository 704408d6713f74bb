//! What builds here ends with the run that began it, however that ends, and leaves nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Stdio};

use deployer_tests::{Lab, deployer, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A builder that says who it is, what it was started with, and goes on for ever.
const BUILDER: &str = "#!/bin/sh
case \"$1\" in --version) exit 0;; esac
trap '' TERM
env > \"$TMPDIR/environment\"
echo $$ > \"$TMPDIR/pid.new\" && mv \"$TMPDIR/pid.new\" \"$TMPDIR/pid\"
while :; do sleep 1; done
";

const STACK: &str = "\
stack: builds
region: eu-west-1
network: { nat: none }
services: { web: { image: { build: { dockerfile: Dockerfile } } } }
";

/// A run that builds.
struct Run {
    lab: Lab,
    folder: TempDir,
    child: Child,
    builder: Pid,
}

impl Run {
    fn begin() -> Self {
        let (lab, folder) = (Lab::start_hollow(), tempfile::tempdir().expect("a folder"));
        let write = |name: &str, text: &str| {
            fs::write(folder.path().join(name), text).expect("a file");
        };
        write("deployer.yaml", STACK);
        write("Dockerfile", "FROM scratch\n");
        write("buildah", BUILDER);
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(folder.path().join("buildah"), executable).expect("a file of ours");
        fs::create_dir(folder.path().join("tmp")).expect("a folder");
        let stack = folder.path().join("deployer.yaml").display().to_string();
        let child = deployer(&lab, &["apply", "--yes", "--file", &stack])
            .env("PATH", format!("{}:/usr/bin:/bin", folder.path().display()))
            .env("TMPDIR", folder.path().join("tmp"))
            .env("DEPLOYER_PLAN_KEY", "0123456789abcdef0123456789abcdef")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let pid = folder.path().join("tmp/pid");
        wait_until("the builder is there", || pid.exists());
        let builder = fs::read_to_string(pid).expect("a number");
        let builder = builder.trim().parse().ok().and_then(Pid::from_raw).expect("a number");
        Self { lab, folder, child, builder }
    }

    fn temporary(&self) -> &Path {
        self.folder.path()
    }

    fn signal(&self, signal: Signal) {
        let run = Pid::from_raw(self.child.id().cast_signed()).expect("a number");
        kill_process(run, signal).expect("it runs");
    }

    /// Neither the builder, which does not heed SIGTERM, nor a folder of it is left.
    fn leaves_nothing(&mut self) {
        self.child.wait().expect("it has ended");
        wait_until("the builder has ended", || has_ended(self.builder));
        let folders = || {
            let all = fs::read_dir(self.temporary().join("tmp")).expect("a folder");
            let names = all.map(|it| it.expect("an entry").file_name().into_string());
            names.filter(|it| it.as_ref().is_ok_and(|it| it.starts_with("deployer-"))).count()
        };
        wait_until("its folders are gone", || folders() == 0);
    }
}

/// Whether a process has ended, be it waited for or not: whoever inherits one may not care. Its state
/// stands behind its name (proc(5)).
fn has_ended(process: Pid) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero()));
    let state = status.ok().and_then(|it| Some(it.rsplit_once(')')?.1.trim_start().to_owned()));
    state.is_none_or(|state| state.starts_with(['Z', 'X']))
}

#[test]
fn a_build_ends_with_the_run_that_is_killed() {
    let mut run = Run::begin();
    run.signal(Signal::KILL);
    run.leaves_nothing();
}

#[test]
fn a_build_ends_with_the_terminal_and_the_lock_is_released() {
    let mut run = Run::begin();
    run.signal(Signal::HUP);
    run.leaves_nothing();
    let left = run.lab.everything();
    assert!(!left.iter().any(|it| it.contains("/lock/")), "{left:#?}");
}

#[test]
fn a_build_ends_with_a_second_interrupt() {
    let mut run = Run::begin();
    run.signal(Signal::INT);
    std::thread::yield_now();
    run.signal(Signal::INT);
    run.leaves_nothing();
}

/// Nothing has begun that an interrupt would have to leave in order.
#[test]
fn a_stack_that_never_comes_is_given_up_at_the_first_signal() {
    let (lab, folder) = (Lab::start_hollow(), tempfile::tempdir().expect("a folder"));
    let pipe = folder.path().join("deployer.yaml");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo starts");
    assert!(made.success());
    let mut child = deployer(&lab, &["plan", "--file", &pipe.display().to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    // A pipe opens for its writer once somebody reads.
    let writer = fs::File::options().write(true).open(&pipe).expect("a pipe");
    let run = Pid::from_raw(child.id().cast_signed()).expect("a number");
    kill_process(run, Signal::INT).expect("it runs");
    wait_until("it has ended", || has_ended(run));
    assert_eq!(child.wait().expect("our child").code(), Some(130));
    drop(writer);
}

#[test]
fn a_build_gets_nothing_to_act_with_in_our_place() {
    let mut run = Run::begin();
    let environment = fs::read_to_string(run.temporary().join("tmp/environment"));
    let environment = environment.expect("an environment");
    for name in ["AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "DEPLOYER_PLAN_KEY"] {
        assert!(!environment.contains(name), "{name}: {environment}");
    }
    assert!(environment.contains("AWS_REGION="), "{environment}");
    run.signal(Signal::KILL);
    run.leaves_nothing();
}

//! The image run: an empty root, the layers, and nothing else.

use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::thread;

use crate::probe;

/// A loopback address of our own, so that port 53 is free.
const NAMESERVER: &str = "127.65.53.2";

#[tokio::test]
async fn the_image_runs_in_an_empty_root_as_its_own_user() {
    let root = unpacked().await;
    let mode = |path: &str| {
        root.path().join(path).metadata().expect("it is there").permissions().mode() & 0o7777
    };
    assert_eq!(mode("tmp"), 0o1777);
    assert_eq!(mode("probe"), 0o755);
    assert_eq!(mode("etc/passwd"), 0o644);
    assert_eq!(mode("etc/ssl/certs/rds-global-bundle.pem"), 0o644);
    let Some(said) = run(root.path(), &[]) else { return };
    let certificates = said.lines().find_map(|line| line.strip_prefix("certificates: "));
    let certificates: u32 = certificates.and_then(|n| n.parse().ok()).expect("it counts them");
    assert!(certificates > 100, "{said}");
    assert!(said.contains("temporary file: Ok(())"), "{said}");
}

#[tokio::test]
async fn the_image_resolves_names_in_an_empty_root() {
    let root = unpacked().await;
    let etc = root.path().join("etc");
    std::fs::write(etc.join("hosts"), "192.0.2.8 written.example\n").expect("writes");
    let resolver = format!("nameserver {NAMESERVER}\noptions timeout:5 attempts:1\n");
    std::fs::write(etc.join("resolv.conf"), resolver).expect("writes");
    let Some(said) = run(root.path(), &["resolve", "written.example"]) else { return };
    assert_eq!(said.trim(), "192.0.2.8", "from /etc/hosts");

    let socket = UdpSocket::bind((NAMESERVER, 53)).expect("root may");
    thread::spawn(move || answer_queries(&socket));
    let said = run(root.path(), &["resolve", "asked.example"]).expect("root still");
    assert_eq!(said.trim(), "192.0.2.7", "from the name server");
}

async fn unpacked() -> tempfile::TempDir {
    let image = probe::image().await;
    let root = tempfile::tempdir().expect("a directory");
    for layer in image.layers() {
        probe::unpack(layer, root.path());
    }
    std::fs::set_permissions(root.path(), PermissionsExt::from_mode(0o755)).expect("ours");
    root
}

/// What the image's program says, or nothing where changing the root is not allowed.
#[expect(clippy::print_stderr, reason = "a part that is left out is reported")]
fn run(root: &Path, arguments: &[&str]) -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("left out: running the image needs root, for chroot");
        return None;
    }
    let output = Command::new("chroot")
        .args(["--userspec", "65532:65532"])
        .arg(root)
        .arg("/probe")
        .args(arguments)
        .output()
        .expect("chroot is part of coreutils");
    assert!(output.status.success(), "{output:?}");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Answers every question for an IPv4 address with 192.0.2.7, and all others with nothing.
fn answer_queries(socket: &UdpSocket) {
    let mut packet = [0; 512];
    while let Ok((length, from)) = socket.recv_from(&mut packet) {
        let query = &packet[..length];
        let name = query[12..].iter().position(|&byte| byte == 0).expect("a name ends");
        let question = &query[12..12 + name + 5];
        let is_ipv4 = question[name + 1..name + 3] == [0, 1];
        let mut answer = query[..2].to_vec();
        answer.extend([0x81, 0x80, 0, 1, 0, u8::from(is_ipv4), 0, 0, 0, 0]);
        answer.extend(question);
        if is_ipv4 {
            answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7]);
        }
        socket.send_to(&answer, from).expect("it asked a moment ago");
    }
}

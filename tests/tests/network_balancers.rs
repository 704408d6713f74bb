//! Network load balancers: connections, what is decrypted on the way, and datagrams, from nothing to a
//! task and back in one run.

use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::process::Command;
use std::time::Duration;

use deployer_tests::{Lab, Ran, run, wait_until};

const PATIENCE: Option<Duration> = Some(Duration::from_secs(5));

/// Says back what it hears: connections on port 8080, datagrams on port 5353.
fn stack() -> String {
    let archive = deployer_tests::root().join("tests/contracts/images/echo.tar");
    format!(
        "\
stack: devices
region: eu-west-1
network: {{ cidr: 10.60.0.0/16, nat: none }}
load-balancers:
  edge: {{ type: network, addresses: static, domains: [mqtt.example.com], from: [0.0.0.0/0] }}
repositories: {{ broker: {{ force-delete: true }} }}
services:
  broker:
    image: {{ repository: broker, build: {{ archive: {} }} }}
    subnets: public
    ports:
      plain: {{ port: 8080, protocol: tcp, route: {{ load-balancer: edge, port: 1883 }} }}
      secure: {{ port: 8080, protocol: tcp, route: {{ load-balancer: edge, port: 8883, protocol: tls }} }}
      syslog: {{ port: 5353, protocol: udp, health: {{ port: 8080 }}, route: {{ load-balancer: edge, port: 5514 }} }}
",
        archive.display()
    )
}

fn connect(address: &str) -> Option<String> {
    let mut stream = TcpStream::connect((address, 1883)).ok()?;
    stream.set_read_timeout(PATIENCE).ok()?;
    stream.write_all(b"hello").ok()?;
    let mut heard = String::new();
    stream.read_to_string(&mut heard).ok()?;
    Some(heard)
}

fn send(address: &str) -> Option<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0").ok()?;
    socket.set_read_timeout(PATIENCE).ok()?;
    socket.send_to(b"hello", (address, 5514)).ok()?;
    let mut heard = [0; 64];
    let length = socket.recv(&mut heard).ok()?;
    Some(heard[..length].to_vec())
}

/// What comes back to whoever trusts the lab's authority: its own words.
fn encrypted(lab: &Lab, address: &str) -> String {
    let authority =
        lab.get("/_lab")["authority"]["certificate"].as_str().expect("a file").to_owned();
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--http0.9", "--max-time", "10"])
        .args(["--cacert", &authority, "--resolve", &format!("mqtt.example.com:8883:{address}")])
        .arg("https://mqtt.example.com:8883/hello")
        .output()
        .expect("curl runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn connections_and_datagrams_reach_a_task_after_one_run() {
    let lab = Lab::start(0.02);
    let folder = tempfile::tempdir().expect("a folder");
    lab.hosted_zone("example.com");
    let others = lab.everything();
    let path = folder.path().join("devices");
    std::fs::write(&path, stack()).expect("a file");
    let path = path.display().to_string();
    let run = |words: &str| -> Ran {
        let words: Vec<&str> = words.split(' ').chain(["--file", &path]).collect();
        run(&lab, &words)
    };

    run("apply --yes").expect(0);
    let answer = lab.get("/_lab/resolve?name=mqtt.example.com&type=A");
    let address = answer["answers"][0]["value"].as_str().expect("an address").to_owned();
    wait_until("connections are passed on", || connect(&address).as_deref() == Some("hello"));
    wait_until("datagrams are passed on", || send(&address).as_deref() == Some(b"hello"));
    let heard = encrypted(&lab, &address);
    assert!(heard.starts_with("GET /hello HTTP/1.1"), "{heard}");

    let again = run("plan").expect(0);
    assert!(again.stdout.starts_with("No changes."), "{}", again.stdout);
    let outputs = run("outputs").expect(0);
    assert!(outputs.stdout.contains("mqtt.example.com"), "{}", outputs.stdout);
    run("destroy --yes").expect(0);
    let left = lab.everything();
    assert_eq!(left.len(), others.len(), "{left:?}");
}

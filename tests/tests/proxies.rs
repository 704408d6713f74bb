//! Proxies and certificates as people's networks have them.

use std::process::Command;

use deployer_tests::{Lab, Manners, Proxy, Ran, credentials_after, deployer, finish};
use tempfile::TempDir;

/// A repository with an image in it.
const IMAGE: [&str; 4] = ["--file", "tests/contracts/image.yaml", "--env", "base"];

/// The lab in TLS, under this name.
fn secure(lab: &Lab, name: &str) -> String {
    let (_, port) = lab.address().rsplit_once(':').expect("a port");
    format!("https://{name}:{port}")
}

/// A command against the lab in TLS, under a name, whose authority is trusted.
fn over_tls(lab: &Lab, name: &str, command: &[&str]) -> Command {
    let mut command = deployer(lab, &[command, &IMAGE].concat());
    without_proxies(&mut command)
        .env("AWS_ENDPOINT_URL", secure(lab, name))
        .env("AWS_CA_BUNDLE", lab.authority());
    command
}

/// What this machine has itself does not count.
fn without_proxies(command: &mut Command) -> &mut Command {
    for name in ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command
}

/// Nobody is shown the password.
fn silent(ran: Ran) -> Ran {
    for text in [&ran.stdout, &ran.stderr] {
        assert!(!text.contains(Proxy::PASSWORD), "{text}");
    }
    ran
}

#[test]
fn all_calls_and_the_push_go_through_the_proxy() {
    let (lab, proxy) = (Lab::start_hollow(), Proxy::start(Manners::Open));
    let run = |command: &[&str]| {
        let mut command = over_tls(&lab, "127.0.0.1", command);
        silent(finish(command.env("https_proxy", proxy.url())))
    };
    run(&["apply", "--yes"]).expect(0);
    let tunnels = proxy.tunnels();
    assert!(tunnels.iter().all(|host| host.starts_with("127.0.0.1:")), "{tunnels:?}");
    assert!(!tunnels.is_empty());
    run(&["plan", "--check"]).expect(0);
    assert!(proxy.tunnels().len() > tunnels.len());
    run(&["destroy", "--yes"]).expect(0);
}

#[test]
fn what_no_proxy_names_is_reached_without_and_the_registry_is_asked_by_its_own_name() {
    let (lab, proxy) = (Lab::start_hollow(), Proxy::start(Manners::Open));
    let run = |command: &[&str]| {
        let mut command = over_tls(&lab, "localhost", command);
        command.env("HTTPS_PROXY", proxy.url()).env("NO_PROXY", "localhost");
        silent(finish(&mut command))
    };
    run(&["plan"]).expect(0);
    assert_eq!(proxy.tunnels(), Vec::<String>::new(), "the plan asks AWS alone");
    run(&["apply", "--yes"]).expect(0);
    let tunnels = proxy.tunnels();
    assert!(!tunnels.is_empty(), "the image was pushed through it");
    assert!(tunnels.iter().all(|host| host.starts_with("127.0.0.1:")), "{tunnels:?}");
}

#[test]
fn a_proxy_that_lets_nobody_through_is_named() {
    let (lab, proxy) = (Lab::start_hollow(), Proxy::start(Manners::Closed));
    let mut plan = over_tls(&lab, "127.0.0.1", &["plan"]);
    let ran = silent(finish(plan.env("HTTPS_PROXY", proxy.url())).expect(1));
    assert!(ran.stderr.contains("the proxy that HTTPS_PROXY names"), "{}", ran.stderr);
    let open = Proxy::start(Manners::Open);
    let stranger = open.url().replace("me:", "you:");
    let ran = silent(finish(plan.env("HTTPS_PROXY", stranger)).expect(1));
    assert!(ran.stderr.contains("check its user and password"), "{}", ran.stderr);
}

#[test]
fn certificates_are_trusted_that_the_variable_or_the_profile_names_and_no_others() {
    let lab = Lab::start_hollow();
    let mut plan = over_tls(&lab, "127.0.0.1", &["plan"]);
    finish(&mut plan).expect(0);
    let stranger = finish(plan.env_remove("AWS_CA_BUNDLE")).expect(1);
    assert!(stranger.stderr.contains("with AWS_CA_BUNDLE"), "{}", stranger.stderr);
    let folder = TempDir::new().expect("a folder");
    let config = folder.path().join("config");
    let profile = format!("[profile ours]\nca_bundle = {}\n", lab.authority());
    std::fs::write(&config, profile).expect("a file");
    finish(plan.env("AWS_CONFIG_FILE", &config).env("AWS_PROFILE", "ours")).expect(0);
    let wrong = finish(plan.env("AWS_CA_BUNDLE", "/nonexistent.pem")).expect(1);
    assert!(wrong.stderr.contains("AWS_CA_BUNDLE names it"), "{}", wrong.stderr);
}

#[test]
fn the_credentials_of_a_container_are_asked_for_without_a_proxy_and_again() {
    let (lab, proxy) = (Lab::start_hollow(), Proxy::start(Manners::Closed));
    let mut plan = over_tls(&lab, "127.0.0.1", &["plan"]);
    plan.env("AWS_ACCESS_KEY_ID", "")
        .env("AWS_SECRET_ACCESS_KEY", "")
        // They fail more often than the SDK asks by itself.
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", credentials_after(4))
        .env("HTTP_PROXY", proxy.url());
    let ran = finish(&mut plan).expect(0);
    assert!(ran.stderr.contains("waiting: there are no credentials yet"), "{}", ran.stderr);
}

//! Pushing to a real registry, steady and unsteady.

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use deployer_image::{Digest, Progress, PushError, Pushed, Target, build, push};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use crate::probe;
use crate::quick::Quick;
use crate::registry::{Registry, target};
use crate::unsteady::{self, Mishap};

#[tokio::test]
async fn a_second_push_uploads_nothing() {
    let registry = Registry::start();
    let image = probe::image().await;
    let target = registry.target("v1");
    let pushed = push(&image, &target, &Quick, &mut |_| {}).await.expect("the registry takes it");
    let all =
        Pushed { digest: image.digest().clone(), uploaded: 3, bytes: image.size(), skipped: 0 };
    assert_eq!(pushed, all);
    let requests = registry.hear("\"PUT /v2/notes/manifests/v1 ");
    assert!(requests.iter().any(|line| line.contains("\"PUT /v2/notes/blobs/uploads/")));
    assert!(!requests.iter().any(|line| line.contains("\"PATCH ")), "an upload in chunks");

    let before = registry.files();
    let again = push(&image, &target, &Quick, &mut |_| {}).await.expect("the registry has it");
    assert_eq!(again, Pushed { uploaded: 0, bytes: 0, skipped: 3, ..all });
    assert_eq!(registry.files(), before);
}

#[tokio::test]
async fn a_second_tag_uploads_no_blob() {
    let registry = Registry::start();
    let image = probe::image().await;
    push(&image, &registry.target("v1"), &Quick, &mut |_| {}).await.expect("the registry takes it");
    let pushed =
        push(&image, &registry.target("v2"), &Quick, &mut |_| {}).await.expect("a tag more");
    assert_eq!((pushed.uploaded, pushed.skipped), (0, 3));
    assert_eq!(digest_of(&registry, "v2"), *image.digest());
}

#[tokio::test]
async fn a_changed_binary_uploads_its_own_layer_only() {
    let registry = Registry::start();
    let image = probe::image().await;
    push(&image, &registry.target("v1"), &Quick, &mut |_| {}).await.expect("the registry takes it");
    let directory = tempfile::tempdir().expect("a directory");
    let other = directory.path().join("probe");
    let mut bytes = std::fs::read(probe::binary().await).expect("reads");
    bytes.push(0);
    std::fs::write(&other, bytes).expect("writes");
    let changed = probe::pack(&other).await;

    let mut skipped = Vec::new();
    let mut uploaded = Vec::new();
    let mut hear = |progress| match progress {
        Progress::Skipped { digest, .. } => skipped.push(digest),
        Progress::Uploading { digest, sent, size } if sent == size => uploaded.push(digest),
        _ => {}
    };
    let pushed =
        push(&changed, &registry.target("v1"), &Quick, &mut hear).await.expect("the tag moves");
    assert_eq!(pushed.uploaded, 2);
    assert_eq!(skipped, [image.layers()[0].digest.clone()]);
    assert!(uploaded.contains(&changed.layers()[1].digest), "{uploaded:?}");
    assert_eq!(digest_of(&registry, "v1"), *changed.digest());
}

/// Each is a manifest whose subject is the image, with one document.
#[tokio::test]
async fn what_is_in_an_image_and_how_it_came_about_is_stored_beside_it() {
    let registry = Registry::start();
    let (source, settings) = (probe::source(), probe::settings());
    let built = build(&source, probe::PLATFORM, &settings, &mut |_| {}).await;
    let image = built.expect("the probe builds");
    push(&image, &registry.target("v1"), &Quick, &mut |_| {}).await.expect("the registry takes it");
    let about = registry.documents("subject");
    let about = about.iter().filter(|it| it["subject"]["digest"] == image.digest().as_str());
    let mut kinds = Vec::new();
    for manifest in about {
        let kind = manifest["artifactType"].as_str().expect("a type");
        assert_eq!(manifest["layers"][0]["mediaType"], kind);
        kinds.push(kind);
    }
    kinds.sort_unstable();
    assert_eq!(kinds, ["application/spdx+json", "application/vnd.in-toto+json"]);

    let bills = registry.documents("spdxVersion");
    let bill = bills.iter().find(|it| it["spdxVersion"] == "SPDX-2.3").expect("a bill");
    let packages = bill["packages"].as_array().expect("packages");
    let named = |name: &str| packages.iter().any(|package| package["name"] == name);
    assert!(named("probe") && named(image.digest().as_str()), "{bill:#}");
    let statements = registry.documents("predicateType");
    let statement = statements.first().expect("a statement");
    assert_eq!(statement["subject"][0]["digest"]["sha256"], image.digest().hex());
    assert_eq!(statement["predicate"]["buildDefinition"]["externalParameters"]["build"], "cargo");
}

#[tokio::test]
async fn a_wrong_password_is_said_so_and_not_shown() {
    let registry = Registry::start();
    let wrong = target(&registry.endpoint(), "v1", "wrong-password");
    let error = failure(&wrong).await;
    assert!(matches!(error, PushError::Denied(_)), "{error:?}");
    assert_eq!(
        error.to_string(),
        format!(
            "{} answered 401 UNAUTHORIZED (authentication required) when asked to look for v1 in \
             notes; check the user, the password and what they may do",
            registry.address
        )
    );
    assert!(!format!("{error:?}").contains("wrong-password"));
}

/// An upload may go on elsewhere, where the password is nobody's business.
#[tokio::test]
async fn a_password_goes_to_the_registry_alone() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let elsewhere = listener.local_addr().expect("bound");
    let asked = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.expect("a connection");
        let mut asked = vec![0; 16384];
        let length = client.read(&mut asked).await.unwrap_or_default();
        String::from_utf8_lossy(&asked[..length]).to_lowercase()
    });
    // The tag, the manifest and the first layer are asked for, and its upload is begun.
    let begun = format!("202 Accepted\r\nlocation: http://{elsewhere}/upload");
    let answers = ["404 Not Found", "404 Not Found", "404 Not Found", &begun];
    let answers = answers.map(|status| unsteady::answer(status, "", ""));
    let door = unsteady::scripted(answers.into()).await;
    let target = target(&door, "v1", "right-password");
    drop(push(&probe::image().await, &target, &Quick, &mut |_| {}).await);
    let asked = asked.await.expect("no panic");
    assert!(asked.starts_with("put /upload?digest=sha256:"), "{asked}");
    assert!(!asked.contains("authorization"), "{asked}");
}

/// Whose token it is that a challenge leads to, nobody knows.
#[tokio::test]
async fn a_challenge_that_leads_elsewhere_is_not_followed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let elsewhere = listener.local_addr().expect("bound");
    let challenge =
        format!("401 Unauthorized\r\nwww-authenticate: Bearer realm=\"http://{elsewhere}/token\"");
    let door = unsteady::scripted(vec![unsteady::answer(&challenge, "", ""); 2]).await;
    let error = failure(&target(&door, "v1", "right-password")).await;
    assert!(matches!(error, PushError::Authentication(..)), "{error:?}");
    let asked = tokio::time::timeout(Duration::from_millis(100), listener.accept()).await;
    assert!(asked.is_err(), "nobody was asked for a token");
}

#[tokio::test]
async fn a_busy_registry_and_a_closed_connection_are_tried_again() {
    let registry = Registry::start();
    let mishaps = vec![Mishap::Unavailable, Mishap::Closed];
    let door = unsteady::open(registry.address.clone(), mishaps).await;
    let image = probe::image().await;
    let mut reasons = Vec::new();
    let target = target(&door, "v1", "right-password");
    let mut hear = |progress| {
        if let Progress::Retrying { reason, .. } = progress {
            reasons.push(reason);
        }
    };
    let pushed = push(&image, &target, &Quick, &mut hear).await.expect("the third attempt");
    assert_eq!(pushed.uploaded, 3);
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    assert!(reasons[0].contains("answered 503 when asked to look for v1"), "{reasons:?}");
    assert!(reasons[1].starts_with("no answer from 127.0.0.1:"), "{reasons:?}");
}

#[tokio::test]
async fn an_upload_cut_off_half_way_begins_again() {
    let registry = Registry::start();
    let door = unsteady::open(registry.address.clone(), vec![Mishap::CutAfter(60_000)]).await;
    let image = probe::image().await;
    let mut retried = 0;
    let target = target(&door, "v1", "right-password");
    let mut hear = |progress| {
        retried += i32::from(matches!(progress, Progress::Retrying { .. }));
    };
    let pushed = push(&image, &target, &Quick, &mut hear).await.expect("the second attempt");
    assert_eq!(pushed.uploaded, 3);
    assert_eq!(retried, 1);
    assert_eq!(digest_of(&registry, "v1"), *image.digest());
}

#[tokio::test]
async fn nothing_is_changed_without_permission_and_all_of_it_once_there_is() {
    let registry = Registry::start();
    let image = probe::image().await;
    let forbidden = registry.target("v1").while_permitted(|| false);
    let error = failure(&forbidden).await.to_string();
    assert!(error.contains("it may not be done now"), "{error}");
    let asked = AtomicUsize::new(0);
    let late =
        registry.target("v1").while_permitted(move || asked.fetch_add(1, Ordering::Relaxed) > 1);
    let pushed = push(&image, &late, &Quick, &mut |_| {}).await.expect("it is permitted by then");
    assert_eq!(pushed.skipped, 0, "the first push left nothing");
    assert_eq!(digest_of(&registry, "v1"), *image.digest());
}

#[tokio::test]
async fn a_tag_that_does_not_move_and_names_this_very_image_is_no_refusal() {
    let image = probe::image().await;
    let ours = image.digest().to_string();
    for (there, is_ours) in [(ours.as_str(), true), ("sha256:0", false)] {
        let taken = r#"{"errors":[{"code":"TAG_INVALID","message":"it already exists"}]}"#;
        // The tag is asked for, then the manifest; it is stored, refused, and asked for again.
        let answers = [
            unsteady::answer("404 Not Found", "", ""),
            unsteady::answer("200 OK", &ours, ""),
            unsteady::answer("400 Bad Request", "", taken),
            unsteady::answer("200 OK", there, ""),
        ];
        let door = unsteady::scripted(answers.into()).await;
        let target = target(&door, "v1", "right-password");
        let pushed = push(&image, &target, &Quick, &mut |_| {}).await;
        assert_eq!(pushed.is_ok(), is_ours, "{pushed:?}");
    }
}

#[tokio::test]
async fn a_registry_that_is_always_busy_is_given_up() {
    let door = unsteady::open(String::new(), vec![Mishap::Unavailable; 20]).await;
    let error = failure(&target(&door, "v1", "right-password")).await.to_string();
    assert!(error.ends_with("answered 503 when asked to look for v1 in notes (tried 5 times)"));
}

/// A registry that is ill and busy at times: each request has its own tries, and so has each way to
/// fail.
#[tokio::test]
async fn what_fails_often_in_all_and_never_too_often_at_one_thing_is_pushed() {
    let (ill, busy) = ("503 Service Unavailable", "429 Too Many Requests");
    let (absent, begun) = ("404 Not Found", "202 Accepted\r\nlocation: /v2/notes/blobs/uploads/1");
    // The tag and the manifest are asked for, then the first layer, which is begun and sent.
    let asked = [vec![absent; 2], vec![ill; 4], vec![busy; 4], vec![absent]].concat();
    let sent = [vec![busy; 4], vec![ill; 4], vec![begun], vec![ill]].concat();
    let answers = [asked, sent].concat();
    let answers = answers.into_iter().map(|status| unsteady::answer(status, "", "")).collect();
    let door = unsteady::scripted(answers).await;
    let target = target(&door, "v1", "right-password");
    let image = probe::image().await;
    let pushed = push(&image, &target, &Quick, &mut |_| {}).await;
    assert!(pushed.is_ok(), "{pushed:?}");
}

#[tokio::test]
async fn builds_and_pushes_can_be_spawned() {
    fn is_send<T: Send>(_: &T) {}
    let image = probe::image().await;
    let target = target("http://127.0.0.1:1", "v1", "");
    let mut hear = |_| {};
    is_send(&push(&image, &target, &Quick, &mut hear));
    let (source, settings) = (probe::source(), probe::settings());
    is_send(&build(&source, probe::PLATFORM, &settings, &mut hear));
}

async fn failure(target: &Target) -> PushError {
    let image = probe::image().await;
    push(&image, target, &Quick, &mut |_| {}).await.expect_err("the registry does not take it")
}

/// What another tool sees under a tag.
fn digest_of(registry: &Registry, tag: &str) -> Digest {
    let image = format!("docker://{}/notes:{tag}", registry.address);
    let output = Command::new("skopeo")
        .args(["inspect", "--tls-verify=false", "--format", "{{.Digest}}", "--creds"])
        .args([&Registry::credentials(), &image])
        .output();
    let output = output.expect("skopeo is needed: apt-get install skopeo");
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Digest::try_from(text).unwrap_or_else(|e| panic!("{e}: {output:?}"))
}

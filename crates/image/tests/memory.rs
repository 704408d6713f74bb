//! The memory a build and a push take. Alone in its process, which is what is measured.

#[path = "it/probe.rs"]
#[expect(dead_code, reason = "the other tests use the rest")]
mod probe;
#[path = "it/quick.rs"]
mod quick;
#[path = "it/registry.rs"]
#[expect(dead_code, reason = "the other tests use the rest")]
mod registry;

use std::io::Write as _;

use deployer_image::push;

/// What deployer promises for its whole process.
const BUDGET: u64 = 40 * 1024;

#[tokio::test]
async fn a_large_binary_is_packed_and_pushed_in_little_memory() {
    let directory = tempfile::tempdir().expect("a directory");
    let binary = directory.path().join("probe");
    std::fs::copy(probe::binary().await, &binary).expect("copies");
    let mut file = std::fs::File::options().append(true).open(&binary).expect("opens");
    // Bytes that do not compress, from xorshift.
    let mut state = 88_172_645_463_325_252_u64;
    for _ in 0..20 * 1024 {
        let block: Vec<u8> = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        })
        .take(128)
        .flatten()
        .collect();
        file.write_all(&block).expect("writes");
    }
    drop(file);

    let registry = registry::Registry::start();
    let image = probe::pack(&binary).await;
    assert!(image.size() > 20 * 1024 * 1024);
    push(&image, &registry.target("v1"), &quick::Quick, &mut |_| {})
        .await
        .expect("the registry takes it");

    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|line| line.split_whitespace().next()).expect("Linux says so");
    let peak: u64 = peak.parse().expect("a number of KiB");
    assert!(peak < BUDGET, "{peak} KiB");
}

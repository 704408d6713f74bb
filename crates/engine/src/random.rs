//! What nobody can guess.

/// Bytes that nobody can guess.
///
/// # Panics
/// When the operating system has no randomness to give; nothing made without it would be secret.
pub(crate) fn random<const LENGTH: usize>() -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

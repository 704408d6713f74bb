//! Random texts from the operating system's generator.

/// A text of so many characters, each as likely as any other of `alphabet`.
///
/// # Panics
/// When the operating system has no randomness to give; nothing made without it would be secret.
pub(crate) fn text(length: u32, alphabet: &str) -> String {
    let alphabet = alphabet.as_bytes();
    let size = u8::try_from(alphabet.len()).expect("an alphabet has fewer than 256 characters");
    // Bytes beyond the last whole multiple would make the first characters likelier.
    let usable = u8::MAX - u8::MAX % size;
    (0..length)
        .map(|_| {
            loop {
                let byte = byte();
                if byte < usable {
                    break char::from(alphabet[usize::from(byte % size)]);
                }
            }
        })
        .collect()
}

/// A token that names one request, for calls that AWS is to take once.
pub(crate) fn token() -> String {
    text(32, "0123456789abcdef")
}

/// A number to begin other numbers with, such as the lengths of pauses.
pub(crate) fn seed() -> u64 {
    u64::from_le_bytes(std::array::from_fn(|_| byte()))
}

fn byte() -> u8 {
    let mut bytes = [0];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes[0]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_character_of_the_alphabet_comes_up_and_no_other() {
        let made = text(4096, "abcdefg");
        assert_eq!(made.len(), 4096);
        assert_eq!(made.chars().collect::<BTreeSet<_>>(), "abcdefg".chars().collect());
        assert_ne!(token(), token());
    }
}

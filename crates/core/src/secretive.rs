//! What is secret by its name or by its shape. It errs on the side of finding too much.

/// What no name holds but that of a secret.
const TELLING: [&str; 9] = [
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "TOKEN",
    "CREDENTIAL",
    "SIGNATURE",
    "PRIVATE",
    "BEARER",
];

/// What a word of the name of a secret ends in.
const ENDINGS: [&str; 12] = [
    "PASS",
    "PWD",
    "PW",
    "KEY",
    "KEYS",
    "AUTH",
    "AUTHORIZATION",
    "DSN",
    "SALT",
    "COOKIE",
    "CREDS",
    "JWT",
];

/// How the values begin that some issuers of secrets give out, so that they can be found where they
/// have been left behind: GitHub, GitLab, Slack, Stripe, the tokens of RFC 7519, and AWS, whose
/// identifiers of keys come with the keys themselves.
pub const ISSUED: [&str; 11] = [
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "sk_live_",
    "eyJhbGciOi",
    "AKIA",
    "ASIA",
];

/// Whether what has this name is secret, whichever way it is written: `DB_PASS`, `apiKey`,
/// `--smtp-auth`.
pub fn is_secretive(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let is_telling = TELLING.iter().any(|word| upper.contains(word));
    is_telling || words(name).iter().any(|word| ENDINGS.iter().any(|ending| word.ends_with(ending)))
}

/// The words of a name in capitals.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_small = false;
    for letter in name.chars() {
        let is_edge = !letter.is_ascii_alphanumeric() || (was_small && letter.is_ascii_uppercase());
        if is_edge {
            words.push(String::new());
        }
        was_small = letter.is_ascii_lowercase();
        if letter.is_ascii_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.push(letter.to_ascii_uppercase());
        }
    }
    words
}

/// Whether a value is plainly a secret, whatever it is called: a private key, or what an issuer of
/// secrets gives out.
pub fn is_plainly_secret(value: &str) -> bool {
    value.contains("PRIVATE KEY-----") || ISSUED.iter().any(|begin| value.starts_with(begin))
}

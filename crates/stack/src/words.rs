//! What may be a name.

use deployer_core::Address;

/// Whether a text can be part of an address: lower-case letters, digits and single hyphens.
pub(crate) fn is_word(text: &str) -> bool {
    !text.contains('/') && format!("name/{text}").parse::<Address>().is_ok()
}

/// A key as keys are written here: `desiredCount` and `desired_count` as `desired-count`.
pub(crate) fn kebab(key: &str) -> String {
    let mut written = String::new();
    let mut is_after_small = false;
    for letter in key.chars() {
        if letter.is_ascii_uppercase() && is_after_small {
            written.push('-');
        }
        is_after_small = letter.is_ascii_lowercase();
        written.push(if letter == '_' { '-' } else { letter.to_ascii_lowercase() });
    }
    written
}

/// A text with letters of Latin scripts as those from a to z that people write for them: `cafe` for
/// `café`, `groesse` for `größe`.
pub(crate) fn latin(text: &str) -> String {
    text.chars().map(|c| letters(c).map_or_else(|| c.to_string(), str::to_owned)).collect()
}

/// What is written for a letter with a mark. German and the Nordic languages have two letters for
/// some.
fn letters(letter: char) -> Option<&'static str> {
    Some(match letter {
        'ä' | 'æ' => "ae",
        'ö' | 'ø' | 'œ' => "oe",
        'ü' => "ue",
        'Ä' | 'Æ' => "AE",
        'Ö' | 'Ø' | 'Œ' => "OE",
        'Ü' => "UE",
        'ß' => "ss",
        'å' => "aa",
        'Å' => "AA",
        'þ' => "th",
        'à' | 'á' | 'â' | 'ã' | 'ā' | 'ă' | 'ą' => "a",
        'ç' | 'ć' | 'č' | 'ĉ' | 'ċ' => "c",
        'ð' | 'đ' | 'ď' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ė' | 'ę' | 'ě' => "e",
        'ğ' | 'ģ' | 'ĝ' | 'ġ' => "g",
        'ì' | 'í' | 'î' | 'ï' | 'ī' | 'į' | 'ı' => "i",
        'ķ' => "k",
        'ł' | 'ļ' | 'ľ' | 'ĺ' => "l",
        'ñ' | 'ń' | 'ň' | 'ņ' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ō' | 'ő' => "o",
        'ŕ' | 'ř' => "r",
        'ś' | 'š' | 'ş' | 'ș' => "s",
        'ť' | 'ţ' | 'ț' => "t",
        'ù' | 'ú' | 'û' | 'ū' | 'ů' | 'ű' | 'ų' => "u",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        'À' | 'Á' | 'Â' | 'Ã' | 'Ā' | 'Ă' | 'Ą' => "A",
        'Ç' | 'Ć' | 'Č' => "C",
        'Ð' | 'Đ' | 'Ď' => "D",
        'È' | 'É' | 'Ê' | 'Ë' | 'Ē' | 'Ė' | 'Ę' | 'Ě' => "E",
        'Ğ' => "G",
        'Ì' | 'Í' | 'Î' | 'Ï' | 'Ī' | 'İ' => "I",
        'Ł' | 'Ľ' => "L",
        'Ñ' | 'Ń' | 'Ň' => "N",
        'Ò' | 'Ó' | 'Ô' | 'Õ' | 'Ō' | 'Ő' => "O",
        'Ř' => "R",
        'Ś' | 'Š' | 'Ş' | 'Ș' => "S",
        'Ť' | 'Ț' => "T",
        'Ù' | 'Ú' | 'Û' | 'Ū' | 'Ů' | 'Ű' => "U",
        'Ý' => "Y",
        'Ź' | 'Ż' | 'Ž' => "Z",
        _ => return None,
    })
}

/// A name in capitals, with underscores for what is neither a letter nor a digit.
pub(crate) fn capitals(name: &str) -> String {
    let letters = latin(name).to_uppercase();
    letters.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

/// The name of an environment variable that stands for a thing: `MAIN` for `main`.
pub(crate) fn variable(name: &str) -> String {
    let name = capitals(name);
    if name.starts_with(|c: char| c.is_ascii_digit()) || name.is_empty() {
        return format!("_{name}");
    }
    name
}

/// What the names of environment variables are made of that are handed over.
pub(crate) const VARIABLE: &str = "letters, digits and underscores, beginning with no digit";

/// Whether an environment variable that is handed over can be called so: every shell can read it.
pub(crate) fn is_variable(text: &str) -> bool {
    let fine = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    fine && !text.is_empty() && !text.starts_with(|c: char| c.is_ascii_digit())
}

/// What a container cannot have as the name of an environment variable: nothing, and what separates
/// names from values and variables from each other. ECS takes the rest, and programs read it.
pub(crate) fn is_refused_variable(text: &str) -> bool {
    text.is_empty() || text.contains(['=', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_with_marks_become_those_people_write_for_them() {
        for (text, plain) in
            [("café", "cafe"), ("größe", "groesse"), ("Büro", "Buero"), ("Łódź", "Lodz")]
        {
            assert_eq!(latin(text), plain);
        }
        assert_eq!(variable("Ü"), "UE");
    }

    #[test]
    fn keys_are_read_however_others_write_them() {
        for key in ["desiredCount", "desired_count", "DesiredCount", "desired-count"] {
            assert_eq!(kebab(key), "desired-count");
        }
        assert_eq!(kebab("multiAZ"), "multi-az");
    }
}

//! A command that says how it ended, by what it prints: a session itself never says (`ExecuteCommand`
//! in the ECS API reference has no exit code; amazon-ecs-agent#2846).

/// A command with a mark before what it prints and one behind it, which nobody can guess.
pub(crate) struct Script {
    /// As one line, for a side that splits it as a shell does.
    pub(crate) line: String,
    mark: String,
}

impl Script {
    /// One that runs these words, by way of `sh`. `is_echoed` says whether a terminal shows what is
    /// typed; what is piped through needs no echo.
    pub(crate) fn of(command: &[String], mark: &str, is_echoed: bool) -> Self {
        let words: Vec<String> = command.iter().map(|word| quoted(word)).collect();
        let quiet = if is_echoed { "" } else { "stty -echo 2>/dev/null; " };
        let script =
            format!("{quiet}printf '{mark}<'; {}; printf '{mark}>%s.' \"$?\"", words.join(" "));
        Self { line: format!("sh -c {}", quoted(&script)), mark: mark.to_owned() }
    }

    /// What reads its output.
    pub(crate) fn reader(&self) -> Reader {
        Reader {
            begin: format!("{}<", self.mark).into_bytes(),
            end: format!("{}>", self.mark).into_bytes(),
            held: Vec::new(),
            has_begun: false,
            code: None,
        }
    }
}

/// A word that a shell takes as it is.
fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=,+@%".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Reads what a script prints, in whatever pieces it comes.
pub(crate) struct Reader {
    begin: Vec<u8>,
    end: Vec<u8>,
    /// What may be the beginning of a mark.
    held: Vec<u8>,
    has_begun: bool,
    code: Option<u8>,
}

impl Reader {
    /// What the command itself has printed, of this piece and of what was held back.
    pub(crate) fn read(&mut self, piece: &[u8]) -> Vec<u8> {
        if self.code.is_some() {
            return Vec::new();
        }
        self.held.extend(piece);
        if !self.has_begun {
            let Some(place) = find(&self.held, &self.begin) else { return Vec::new() };
            self.held.drain(..place + self.begin.len());
            self.has_begun = true;
        }
        if let Some(place) = find(&self.held, &self.end) {
            let shown: Vec<u8> = self.held.drain(..place).collect();
            let rest = std::str::from_utf8(&self.held[self.end.len()..]).unwrap_or_default();
            self.code = rest.split_once('.').and_then(|(code, _)| code.parse().ok());
            return shown;
        }
        let kept = (1..self.end.len()).rev().find(|kept| self.held.ends_with(&self.end[..*kept]));
        let given = self.held.len() - kept.unwrap_or(0);
        self.held.drain(..given).collect()
    }

    /// Whether the command has begun.
    pub(crate) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// With what the command ended, once it has.
    pub(crate) fn code(&self) -> Option<u8> {
        self.code
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(command: &[&str]) -> Script {
        let words: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
        Script::of(&words, "m4rk", true)
    }

    #[test]
    fn words_stay_as_they_are() {
        let line = script(&["echo", "a b", "it's", "$HOME", ""]).line;
        let ran = std::process::Command::new("sh").args(["-c", &line]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&ran.stdout), "m4rk<a b it's $HOME \nm4rk>0.");
    }

    #[test]
    fn what_is_printed_is_told_from_what_tells_of_it_however_it_is_cut() {
        let all = b"sh: job control off\r\nm4rk<one m4rk two three\r\nm4rk>42.\r\n";
        for size in 1..all.len() {
            let mut reader = script(&["x"]).reader();
            let mut shown = Vec::new();
            for piece in all.chunks(size) {
                shown.extend(reader.read(piece));
            }
            assert_eq!(String::from_utf8_lossy(&shown), "one m4rk two three\r\n", "{size}");
            assert_eq!(reader.code(), Some(42));
        }
    }

    #[test]
    fn what_never_began_shows_nothing() {
        let mut reader = script(&["x"]).reader();
        assert_eq!(reader.read(b"exec: sh: not found"), b"");
        assert!(!reader.has_begun());
    }
}

//! A notebook in one sentence: how much is in it, and the words it uses most.

use std::collections::BTreeMap;

use crate::data::{DataError, PageRequest, Repository};

const PER_PAGE: u16 = 100;
const SHORTEST_WORD: usize = 4;
const WORDS: usize = 3;

/// Reads the newest notes of a notebook and sums them up.
pub(super) async fn of(
    repository: &dyn Repository,
    notebook: &str,
    most: usize,
) -> Result<String, DataError> {
    let mut digest = Digest::default();
    let mut request = PageRequest { search: None, before: None, limit: PER_PAGE };
    loop {
        let page = repository.notes(notebook, &request).await?;
        for note in &page.notes {
            digest.add(&note.body);
        }
        request.before = page.next;
        if request.before.is_none() {
            return Ok(digest.sentence());
        }
        if digest.notes >= most {
            return Ok(format!("the newest: {}", digest.sentence()));
        }
    }
}

#[derive(Debug, Default)]
struct Digest {
    notes: usize,
    words: usize,
    uses: BTreeMap<String, usize>,
}

impl Digest {
    fn add(&mut self, body: &str) {
        self.notes += 1;
        for word in body.split(|sign: char| !sign.is_alphanumeric()).filter(|word| !word.is_empty())
        {
            self.words += 1;
            if word.chars().count() >= SHORTEST_WORD {
                *self.uses.entry(word.to_lowercase()).or_default() += 1;
            }
        }
    }

    fn sentence(self) -> String {
        let plural = |number: usize| if number == 1 { "" } else { "s" };
        let (notes, words) = (self.notes, self.words);
        let counts = format!("{notes} note{}, {words} word{}", plural(notes), plural(words));
        let mut uses: Vec<_> = self.uses.into_iter().collect();
        // The sort is stable, so words used equally often stay in the order of the alphabet.
        uses.sort_by_key(|(_, uses)| std::cmp::Reverse(*uses));
        let most: Vec<_> = uses.into_iter().take(WORDS).map(|(word, _)| word).collect();
        if most.is_empty() { counts } else { format!("{counts}; mostly {}", most.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::{self, Body, HOME},
        settings::DatabaseSettings,
    };

    #[tokio::test]
    async fn a_notebook_without_end_is_summed_up_in_a_part() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("notes.db");
        let notes = data::connect(&DatabaseSettings::Sqlite { file, temporary: false });
        notes.migrate().await.expect("tables");
        let body = Body::parse("milk").expect("a text");
        for _ in 0..=PER_PAGE {
            notes.add_note(HOME, &body, None).await.expect("added");
        }
        let all = of(&notes, HOME, 1000).await.expect("summed up");
        assert_eq!(all, "101 notes, 101 words; mostly milk");
        let part = of(&notes, HOME, 100).await.expect("summed up");
        assert_eq!(part, "the newest: 100 notes, 100 words; mostly milk");
    }

    #[test]
    fn the_words_used_most_come_first_and_short_ones_do_not_count() {
        let mut digest = Digest::default();
        digest.add("Milk and bread");
        digest.add("more milk, the bread of the baker; Milk!");
        assert_eq!(digest.sentence(), "2 notes, 11 words; mostly milk, bread, baker");
        let mut single = Digest::default();
        single.add("ok");
        assert_eq!(single.sentence(), "1 note, 1 word");
    }
}

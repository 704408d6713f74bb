//! A notebook, its forms and its notes as HTML.

use maud::{Markup, html};

use super::form::{SEEN, TOKEN};
use crate::{
    clock,
    data::{HOME, Note, Notebook, Page},
};

/// What a notebook's page shows.
pub(super) struct NotebookView<'v> {
    pub(super) notebook: &'v Notebook,
    pub(super) page: &'v Page,
    pub(super) search: &'v str,
    pub(super) token: &'v str,
    /// The other notebooks that this visitor has opened.
    pub(super) others: &'v [Notebook],
}

/// Tells the address of a notebook.
pub(super) fn address(notebook: &str) -> String {
    if notebook == HOME { "/".to_owned() } else { format!("/notebooks/{notebook}") }
}

/// Shows a notebook.
pub(super) fn notebook(view: &NotebookView<'_>) -> Markup {
    let address = address(&view.notebook.id);
    html! {
        h1 dir="auto" { (view.notebook.title) }
        @if let Some(digest) = &view.notebook.digest { p.digest { (digest) } }
        @if view.notebook.id != HOME {
            p { "Whoever has the link to this page can read and write here." }
        }
        (add_form(view))
        (search_form(&address, view.search))
        (list(view, &address))
        (notebooks(view))
    }
}

fn add_form(view: &NotebookView<'_>) -> Markup {
    html! {
        form.card method="post" action={ "/notebooks/" (view.notebook.id) "/notes" }
            data-enhance="Added" {
            (token(view.token))
            label for="body" { "A new note" }
            textarea #body name="body" dir="auto" required maxlength="2000" rows="3" {}
            button { "Add" }
        }
    }
}

fn search_form(address: &str, search: &str) -> Markup {
    html! {
        form.row role="search" action=(address) data-search="" {
            label for="search" { "Search" }
            input #search type="search" name="q" dir="auto" value=(search) maxlength="100";
            button.second { "Find" }
        }
    }
}

fn list(view: &NotebookView<'_>, address: &str) -> Markup {
    let notes = &view.page.notes;
    html! {
        section #notes aria-label="Notes" {
            @if notes.is_empty() {
                p { @if view.search.is_empty() { "No notes yet." } @else { "No note has this text." } }
            }
            ul.notes { @for note in notes { (item(note, view.token)) } }
            @if let Some(next) = &view.page.next {
                p { a href=(older(address, view.search, next)) { "Older notes" } }
            }
        }
    }
}

fn older(address: &str, search: &str, before: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if !search.is_empty() {
        query.append_pair("q", search);
    }
    format!("{address}?{}", query.append_pair("before", before).finish())
}

fn item(note: &Note, form_token: &str) -> Markup {
    let address = format!("/notebooks/{}/notes/{}", note.notebook_id, note.id);
    let words: String = note.body.chars().take(30).collect();
    html! {
        li.card {
            p.body dir="auto" { (note.body) }
            p.quiet {
                time datetime=(clock::rfc3339(note.created_at)) { (clock::readable(note.created_at)) }
                @if note.updated_at != note.created_at { " · edited" }
            }
            div.row {
                a.button.second href={ (address) "/edit" } { "Edit" span.hidden { " the note “" bdi { (words) } "”" } }
                form method="post" action={ (address) "/delete" } data-enhance="Deleted" {
                    (token(form_token))
                    button.second { "Delete" span.hidden { " the note “" bdi { (words) } "”" } }
                }
            }
        }
    }
}

fn notebooks(view: &NotebookView<'_>) -> Markup {
    html! {
        section aria-labelledby="notebooks" {
            h2 #notebooks { "Notebooks" }
            ul {
                @if view.notebook.id != HOME { li { a href="/" { "Notes for everyone" } } }
                @for other in view.others {
                    li { a dir="auto" href=(address(&other.id)) { (other.title) } }
                }
            }
            form.row method="post" action="/notebooks" data-enhance="Made" {
                (token(view.token))
                label for="title" { "A new notebook" }
                input #title name="title" dir="auto" required maxlength="100";
                button.second { "Make" }
            }
        }
    }
}

/// Shows a note to be changed to a text, and the problem that stood in the way the last time.
pub(super) fn editor(note: &Note, body: &str, problem: Option<&str>, form_token: &str) -> Markup {
    html! {
        h1 { "Edit a note" }
        @if let Some(problem) = problem {
            p role="alert" { "Not saved: " (problem) ". To replace it all the same, save again." }
            p.card.body dir="auto" { (note.body) }
        }
        form.card method="post" action={ "/notebooks/" (note.notebook_id) "/notes/" (note.id) }
            data-enhance="Saved" {
            (token(form_token))
            input type="hidden" name=(SEEN) value=(note.updated_at);
            label for="body" { "The note" }
            // The first line break of a text area is not part of its text.
            textarea #body name="body" dir="auto" required maxlength="2000" rows="6" { "\n" (body) }
            div.row {
                button { "Save" }
                a.button.second href=(address(&note.notebook_id)) { "Cancel" }
            }
        }
    }
}

fn token(token: &str) -> Markup {
    html! { input type="hidden" name=(TOKEN) value=(token); }
}

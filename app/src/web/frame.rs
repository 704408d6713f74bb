//! What is around the content of every page.

use axum::response::Html;
use maud::{DOCTYPE, Markup, html};

use super::assets::{ICON, SCRIPT, STYLE};
use crate::app::App;

/// Puts the content of a page into its frame.
pub(crate) fn frame(app: &App, title: &str, content: &Markup) -> Html<String> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Notes" }
                link rel="icon" type="image/svg+xml" href=(ICON.path);
                link rel="stylesheet" href=(STYLE.path);
                script type="module" src=(SCRIPT.path) {}
            }
            body {
                a.skip href="#content" { "Skip to the content" }
                header.site { a.brand href="/" { "Notes" } }
                main #content tabindex="-1" { (content) }
                p #status .quiet role="status" {}
                (footer(app))
            }
        }
    };
    Html(page.into_string())
}

fn footer(app: &App) -> Markup {
    html! {
        footer.site {
            p {
                "Visitors: "
                output #visitors aria-live="off" { (app.visitors.number()) }
                " · "
                a href="/api/v1/docs" { "API" }
            }
            p.version {
                "notes " (app.about.version)
                @if let Some(image) = &app.about.image { " · image " code { (image) } }
            }
        }
    }
}

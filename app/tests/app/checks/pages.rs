//! The pages, the way a browser without JavaScript uses them.

use reqwest::{Client, Response, StatusCode};

use super::Deployment;

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

pub(super) async fn check(deployment: &Deployment, client: &Client) {
    let home = get(client, &deployment.at("/")).await;
    assert_eq!(home.headers()["content-security-policy"], POLICY);
    assert_eq!(home.headers()["cache-control"], "no-store");
    let home = home.text().await.unwrap();
    assets(deployment, client, &home).await;
    let notebook = make_a_notebook(deployment, client, &home).await;
    write_notes(deployment, client, &notebook).await;
    refuse_what_is_not_ours(deployment, client, &notebook).await;
    answer_what_makes_no_sense_with_a_page(deployment, client).await;
}

async fn answer_what_makes_no_sense_with_a_page(deployment: &Deployment, client: &Client) {
    for (path, status) in [
        ("/nowhere", StatusCode::NOT_FOUND),
        ("/notebooks/%FF", StatusCode::NOT_FOUND),
        ("/notebooks/0123", StatusCode::NOT_FOUND),
        ("/?q=one&q=two", StatusCode::BAD_REQUEST),
        ("/?before='", StatusCode::UNPROCESSABLE_ENTITY),
        ("/notebooks", StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let answer = client.get(deployment.at(path)).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        let allowed = answer.headers().get("allow").is_some();
        assert_eq!(allowed, status == StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert!(answer.text().await.unwrap().contains("To the notes"), "{path}");
    }
    let asset = client.get(deployment.at("/assets/%FF")).send().await.unwrap();
    assert_eq!(asset.status(), StatusCode::NOT_FOUND);
}

async fn get(client: &Client, address: &str) -> Response {
    let answer = client.get(address).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{address}");
    answer
}

/// Follows each reference of the page to style, script and icon.
async fn assets(deployment: &Deployment, client: &Client, page: &str) {
    let references: Vec<_> = page.split('"').filter(|text| text.starts_with("/assets/")).collect();
    assert_eq!(references.len(), 3, "{page}");
    for path in references {
        let answer = get(client, &deployment.at(path)).await;
        assert_eq!(answer.headers()["cache-control"], "public, max-age=31536000, immutable");
    }
    let old = client.get(deployment.at("/assets/notes.0000.css")).send().await.unwrap();
    assert_eq!(old.status(), StatusCode::NOT_FOUND);
}

/// Makes a notebook with the form and tells its path.
async fn make_a_notebook(deployment: &Deployment, client: &Client, home: &str) -> String {
    let form = [("token", token(home)), ("title", "A <notebook> & more")];
    let made = post(client, &deployment.at("/notebooks"), &form).await;
    assert_eq!(made.status(), StatusCode::OK);
    let path = made.url().path().to_owned();
    assert!(path.starts_with("/notebooks/"), "{path}");
    let page = made.text().await.unwrap();
    assert!(page.contains("A &lt;notebook&gt; &amp; more"), "{page}");
    let home = get(client, &deployment.at("/")).await.text().await.unwrap();
    assert!(home.contains(&path), "the session remembers the notebook");
    path
}

async fn write_notes(deployment: &Deployment, client: &Client, notebook: &str) {
    let page = get(client, &deployment.at(notebook)).await.text().await.unwrap();
    let token = token(&page);
    let add = deployment.at(&format!("{notebook}/notes"));
    for body in ["Buy milk", "ÜBER ÖL, Σ and Ж", "50 % off_<script>"] {
        let page = post(client, &add, &[("token", token), ("body", body)]).await;
        assert_eq!(page.status(), StatusCode::OK);
    }
    let all = get(client, &deployment.at(notebook)).await.text().await.unwrap();
    assert!(all.contains("Buy milk") && all.contains("50 % off_&lt;script&gt;"), "{all}");
    let search = async |text: &str| {
        let address = deployment.at(&format!("{notebook}?q={text}"));
        notes_on(&get(client, &address).await.text().await.unwrap())
    };
    assert_eq!(search("MILK").await, 1);
    assert_eq!(search("über öl, σ and ж").await, 1, "capitals are found in every alphabet");
    assert_eq!(search("%25").await, 1, "a percent sign is a sign like any other");
    assert_eq!(search("k_o").await, 0, "and so is an underscore");
    let edit = all.split('"').find(|text| text.ends_with("/edit")).unwrap();
    let editor = get(client, &deployment.at(edit)).await.text().await.unwrap();
    assert!(editor.contains("50 % off_"), "{editor}");
    let note = deployment.at(edit.trim_end_matches("/edit"));
    let save = async |editor: &str, body: &str| {
        let form = [("token", token), ("seen", field(editor, "seen")), ("body", body)];
        let saved = post(client, &note, &form).await;
        (saved.status(), saved.text().await.unwrap())
    };
    let (_, saved) = save(&editor, "Changed").await;
    assert!(saved.contains("Changed") && saved.contains("edited") && !saved.contains("50 %"));
    let (status, editor) = save(&editor, "Changed by another").await;
    assert_eq!(status, StatusCode::CONFLICT, "the note is not the one that was shown");
    assert!(editor.contains("Changed<") && editor.contains("Changed by another"), "{editor}");
    let (status, saved) = save(&editor, "Changed by another").await;
    assert!(status.is_success() && saved.contains("Changed by another"), "{saved}");
    let deleted = post(client, &format!("{note}/delete"), &[("token", token)]).await;
    assert_eq!(notes_on(&deleted.text().await.unwrap()), 2);
    let again = post(client, &format!("{note}/delete"), &[("token", token)]).await;
    assert_eq!(again.status(), StatusCode::NOT_FOUND);
}

async fn refuse_what_is_not_ours(deployment: &Deployment, client: &Client, notebook: &str) {
    let page = get(client, &deployment.at(notebook)).await.text().await.unwrap();
    let token = token(&page);
    let add = deployment.at(&format!("{notebook}/notes"));
    let stranger = deployment.client();
    let forged = post(&stranger, &add, &[("token", token), ("body", "forged")]).await;
    assert_eq!(forged.status(), StatusCode::FORBIDDEN, "a token is good for one visitor");
    let bare = post(client, &add, &[("body", "bare")]).await;
    assert_eq!(bare.status(), StatusCode::FORBIDDEN, "a form needs a token");
    for body in [String::new(), "x".repeat(2001), "a\0b".into()] {
        let refused = post(client, &add, &[("token", token), ("body", &body)]).await;
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
    // The connection ends with such a request, so it is one that nobody else uses.
    let huge = "x".repeat(70 * 1024);
    let refused = post(&stranger, &add, &[("token", token), ("body", &huge)]).await;
    assert!(refused.status().is_client_error());
}

async fn post(client: &Client, address: &str, form: &[(&str, &str)]) -> Response {
    client.post(address).form(form).send().await.unwrap()
}

/// Finds the token that the forms of a page carry.
fn token(page: &str) -> &str {
    field(page, "token")
}

/// Finds the value of the first hidden field of a name.
fn field<'p>(page: &'p str, name: &str) -> &'p str {
    let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
    rest.split('"').next().unwrap()
}

fn notes_on(page: &str) -> usize {
    page.matches("<li class=\"card\">").count()
}

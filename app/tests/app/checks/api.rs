//! The JSON API.

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use super::Deployment;

pub(super) async fn check(deployment: &Deployment, client: &Client) {
    let api = Api { deployment, client };
    api.description().await;
    let notebook = api.notebook().await;
    api.one_note(&notebook).await;
    api.pages(&notebook).await;
    api.idempotency(&notebook).await;
    api.problems(&notebook).await;
}

struct Api<'a> {
    deployment: &'a Deployment,
    client: &'a Client,
}

impl Api<'_> {
    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let address = self.deployment.at(&format!("/api/v1{path}"));
        let mut request = self.client.request(method, address);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    async fn add(&self, notebook: &str, body: &str) -> Value {
        let path = format!("/notebooks/{notebook}/notes");
        let (status, note) = self.call(Method::POST, &path, Some(json!({ "body": body }))).await;
        assert_eq!(status, StatusCode::CREATED, "{note}");
        note
    }

    async fn description(&self) {
        let (status, document) = self.call(Method::GET, "/openapi.json", None).await;
        assert_eq!(status, StatusCode::OK);
        let operations: usize = document["paths"]
            .as_object()
            .unwrap()
            .values()
            .map(|path| path.as_object().unwrap().len())
            .sum();
        assert_eq!(operations, 7);
        let docs = self.client.get(self.deployment.at("/api/v1/docs")).send().await.unwrap();
        let page = docs.text().await.unwrap();
        assert!(page.contains("Idempotency-Key") && page.contains("NotePage"), "{page}");
    }

    async fn notebook(&self) -> String {
        let title = json!({ "title": "Made by a check" });
        let (status, made) = self.call(Method::POST, "/notebooks", Some(title)).await;
        assert_eq!(status, StatusCode::CREATED);
        let id = made["id"].as_str().unwrap().to_owned();
        let (status, read) = self.call(Method::GET, &format!("/notebooks/{id}"), None).await;
        assert_eq!((status, &read["title"]), (StatusCode::OK, &json!("Made by a check")));
        id
    }

    async fn one_note(&self, notebook: &str) {
        let note = self.add(notebook, "  Grüße aus Zürich 🏔  ").await;
        assert_eq!(note["body"], "Grüße aus Zürich 🏔");
        assert_eq!(note["notebook"], *notebook);
        let path = format!("/notebooks/{notebook}/notes/{}", note["id"].as_str().unwrap());
        assert_eq!(self.call(Method::GET, &path, None).await, (StatusCode::OK, note));
        let change = Some(json!({ "body": "changed" }));
        let (status, changed) = self.call(Method::PUT, &path, change.clone()).await;
        assert_eq!((status, &changed["body"]), (StatusCode::OK, &json!("changed")));
        assert_eq!(self.call(Method::DELETE, &path, None).await.0, StatusCode::NO_CONTENT);
        for (method, body) in [(Method::GET, None), (Method::PUT, change), (Method::DELETE, None)] {
            assert_eq!(self.call(method, &path, body).await.0, StatusCode::NOT_FOUND);
        }
    }

    async fn pages(&self, notebook: &str) {
        for number in 1..=5 {
            self.add(notebook, &format!("note {number}")).await;
        }
        let (mut seen, mut before) = (Vec::new(), String::new());
        loop {
            let path = format!("/notebooks/{notebook}/notes?limit=2{before}");
            let (status, page) = self.call(Method::GET, &path, None).await;
            assert_eq!(status, StatusCode::OK, "{page}");
            let notes = page["notes"].as_array().unwrap();
            seen.extend(notes.iter().map(|note| note["body"].as_str().unwrap().to_owned()));
            let Some(next) = page["next"].as_str() else { break };
            before = format!("&before={next}");
        }
        assert_eq!(seen, ["note 5", "note 4", "note 3", "note 2", "note 1"]);
    }

    async fn idempotency(&self, notebook: &str) {
        let address = self.deployment.at(&format!("/api/v1/notebooks/{notebook}/notes"));
        let send = async |key: &str| {
            let body = json!({ "body": "once" });
            let request = self.client.post(&address).header("Idempotency-Key", key).json(&body);
            let answer = request.send().await.unwrap();
            (answer.status(), answer.json::<Value>().await.unwrap())
        };
        let (first, second) = tokio::join!(send("one"), send("one"));
        assert_eq!(first.1["id"], second.1["id"], "two at once are one");
        let mut statuses = [first.0, second.0];
        statuses.sort();
        assert_eq!(statuses, [StatusCode::OK, StatusCode::CREATED]);
        assert_ne!(send("two").await.1["id"], first.1["id"]);
    }

    async fn problems(&self, notebook: &str) {
        let notes = format!("/notebooks/{notebook}/notes");
        let empty = Some(json!({ "body": " " }));
        let unknown = Some(json!({ "body": "x", "colour": "red" }));
        for (method, path, body, status) in [
            (Method::GET, "/notebooks/0123456789", None, StatusCode::NOT_FOUND),
            (Method::GET, "/notebooks/%00", None, StatusCode::NOT_FOUND),
            (Method::GET, "/notebooks/%FF", None, StatusCode::BAD_REQUEST),
            (Method::GET, "/nowhere", None, StatusCode::NOT_FOUND),
            (Method::GET, "/", None, StatusCode::NOT_FOUND),
            (Method::GET, "/../v2/notebooks", None, StatusCode::NOT_FOUND),
            (Method::PATCH, &notes, None, StatusCode::METHOD_NOT_ALLOWED),
            (Method::POST, &notes, empty, StatusCode::UNPROCESSABLE_ENTITY),
            (Method::POST, &notes, unknown, StatusCode::UNPROCESSABLE_ENTITY),
            (Method::POST, &notes, None, StatusCode::UNSUPPORTED_MEDIA_TYPE),
            (Method::GET, &format!("{notes}?limit=0"), None, StatusCode::UNPROCESSABLE_ENTITY),
            (Method::GET, &format!("{notes}?limit=many"), None, StatusCode::BAD_REQUEST),
        ] {
            let (found, problem) = self.call(method.clone(), path, body).await;
            assert_eq!(found, status, "{method} {path}: {problem}");
            assert_eq!(problem["status"], status.as_u16(), "{method} {path}: {problem}");
            assert!(problem["detail"].is_string(), "{method} {path}: {problem}");
        }
    }
}

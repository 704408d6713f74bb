//! The description of the API as a page: no script, nothing from elsewhere, readable on a phone.

use maud::{Markup, html};
use serde_json::Value;
use utoipa::openapi::OpenApi;

/// Renders the whole description.
pub(super) fn content(document: &OpenApi) -> Markup {
    let document = serde_json::to_value(document).expect("the description is JSON");
    html! {
        h1 { "API" }
        p { (text(&document["info"]["description"])) }
        p { a href={ (super::ROOT) "/openapi.json" } { "The OpenAPI document" } }
        @for (path, methods) in entries(&document["paths"]) {
            @for (method, operation) in entries(methods) {
                (self::operation(path, method, operation))
            }
        }
        h2 { "Documents" }
        @for (name, schema) in entries(&document["components"]["schemas"]) {
            (self::schema(name, schema))
        }
    }
}

fn operation(path: &str, method: &str, operation: &Value) -> Markup {
    let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    html! {
        section.card {
            h2 { (text(&operation["summary"])) }
            p { code { (method.to_uppercase()) " " (super::ROOT) (path) } }
            p { (text(&operation["description"])) }
            @if let Some(body) = reference(&operation["requestBody"]["content"]) {
                p { "Takes a " a href={ "#" (body) } { (body) } "." }
            }
            @if !parameters.is_empty() {
                table {
                    caption.hidden { "Parameters" }
                    tr { th scope="col" { "Parameter" } th scope="col" { "In" } th scope="col" { "Meaning" } }
                    @for parameter in parameters {
                        tr {
                            td { code { (text(&parameter["name"])) } }
                            td { (text(&parameter["in"])) }
                            td { (text(&parameter["description"])) }
                        }
                    }
                }
            }
            table {
                caption.hidden { "Answers" }
                tr { th scope="col" { "Status" } th scope="col" { "Meaning" } th scope="col" { "Document" } }
                @for (status, response) in entries(&operation["responses"]) {
                    tr {
                        td { (status) }
                        td { (text(&response["description"])) }
                        td { @if let Some(body) = reference(&response["content"]) { a href={ "#" (body) } { (body) } } }
                    }
                }
            }
        }
    }
}

fn schema(name: &str, schema: &Value) -> Markup {
    html! {
        section.card id=(name) {
            h3 { (name) }
            p { (text(&schema["description"])) }
            table {
                caption.hidden { "Fields" }
                tr { th scope="col" { "Field" } th scope="col" { "Meaning" } }
                @for (field, schema) in entries(&schema["properties"]) {
                    tr { td { code { (field) } } td { (text(&schema["description"])) } }
                }
            }
        }
    }
}

/// Finds the name of the document in a list of contents.
fn reference(contents: &Value) -> Option<&str> {
    let (_, content) = entries(contents).next()?;
    content["schema"]["$ref"].as_str()?.rsplit('/').next()
}

fn entries(object: &Value) -> impl Iterator<Item = (&str, &Value)> {
    object.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

//! What a load balancer answers itself, as it is written.

use std::collections::BTreeMap;

use deployer_core::Code;
use deployer_kinds::{Action, Redirect, Respond};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize};

use crate::draft::Draft;
use crate::sections::service::{Asked, OneOrMore, paths, paths_schema, values};
use crate::text_form::{TextOr, text_or};

/// Requests that a load balancer answers itself: what they ask for, and the answer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Answer {
    /// The path or paths, with `*` and `?`; all when left out.
    #[serde(default, deserialize_with = "paths")]
    #[schemars(schema_with = "paths_schema")]
    path: Vec<String>,
    /// The host or hosts, with `*` and `?`; any when left out.
    #[serde(default, deserialize_with = "paths")]
    #[schemars(schema_with = "paths_schema")]
    host: Vec<String>,
    /// The request method or methods; any when left out.
    #[serde(default, deserialize_with = "paths")]
    #[schemars(schema_with = "paths_schema")]
    method: Vec<String>,
    /// What headers are to be, with `*` and `?`: `{ x-beta: "yes" }`.
    #[serde(default)]
    header: BTreeMap<String, OneOrMore>,
    /// What parameters of the query are to be, with `*` and `?`: `{ version: "2" }`.
    #[serde(default)]
    query: BTreeMap<String, OneOrMore>,
    /// Its turn among the routes and answers of the load balancer, 1 to 50000, the lowest first;
    /// when left out, as that of a route.
    priority: Option<u32>,
    /// Where clients are sent: a URL, or a mapping of `protocol`, `host`, `port`, `path`, `query` and
    /// `status`. What is left out stays as it was asked for, and `#{host}`, `#{path}` and `#{query}`
    /// stand for it: `https://www.example.com/blog/#{path}`.
    #[serde(default, deserialize_with = "redirection")]
    #[schemars(schema_with = "redirection_schema", extend("x-excludes" = ["respond"]))]
    redirect: Option<Redirection>,
    /// What is answered: `{ status: 503, body: "Back at noon." }`.
    #[schemars(extend("x-excludes" = ["redirect"]))]
    respond: Option<Response>,
}

/// Where clients are sent. What is left out stays as it was asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Redirection {
    /// `https` or `http`.
    protocol: Option<Protocol>,
    /// The host: `www.example.com`, `www.#{host}`.
    host: Option<String>,
    /// The port; that of the protocol when left out.
    port: Option<u16>,
    /// The path: `/new/#{path}`, where `#{path}` is without its leading slash.
    path: Option<String>,
    /// The query, without the question mark; none when empty.
    query: Option<String>,
    /// 301, which clients remember, or 302, which they do not and which it is when left out.
    status: Option<u16>,
}

/// What a client is sent to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Protocol {
    /// HTTP over TLS.
    Https,
    /// Plain HTTP.
    Http,
}

/// What is answered.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Response {
    /// The status, 200 to 299 or 400 to 599.
    status: u16,
    /// What the body is: `text/plain`, `text/css`, `text/html`, `application/javascript` or
    /// `application/json`.
    #[serde(rename = "type", default = "plain")]
    content_type: String,
    /// The text, of at most 1024 characters.
    #[serde(default)]
    body: String,
}

/// Which field of a rule comes from which key beside what is asked.
pub(in crate::sections) const ANSWERED: &[(&str, &str)] = &[
    ("action.redirect", "redirect"),
    ("action.redirect.host", "redirect.host"),
    ("action.redirect.port", "redirect.port"),
    ("action.redirect.path", "redirect.path"),
    ("action.redirect.query", "redirect.query"),
    ("action.respond", "respond"),
    ("action.respond.status", "respond.status"),
    ("action.respond.content-type", "respond.type"),
    ("action.respond.body", "respond.body"),
];

impl Answer {
    /// What it asks of a request.
    pub(in crate::sections) fn asked(&self) -> Asked<'_> {
        let Self { path, host, method, header, query, priority, .. } = self;
        let (header, query) = (values(header), values(query));
        Asked { path, host, method, header, query, priority: *priority }
    }

    /// What becomes of a request; reports what is none, or two.
    pub(in crate::sections) fn action(&self, draft: &mut Draft, path: &[&str]) -> Option<Action> {
        match (&self.redirect, &self.respond) {
            (Some(redirect), None) => {
                if let Some(status) = redirect.status.filter(|status| ![301, 302].contains(status))
                {
                    let at = [path, &["redirect", "status"]].concat();
                    let title = format!("a load balancer does not redirect with {status}");
                    let help = "write 301, which clients remember, or 302";
                    draft.error(Code::BadValue, title, &at, "", help);
                }
                Some(Action::Redirect(redirect.spec()))
            }
            (None, Some(Response { status, content_type, body })) => {
                let (content_type, body) = (content_type.clone(), body.clone());
                Some(Action::Respond(Respond { status: *status, content_type, body }))
            }
            (both, _) => {
                let (code, title, help) = if both.is_some() {
                    let help = "keep one of `redirect:` and `respond:`";
                    (Code::BadValue, "answers in two ways", help)
                } else {
                    let help = "add `redirect:` or `respond:`";
                    (Code::MissingKey, "does not say what is answered", help)
                };
                let title = format!("`{}` {title}", path.join("."));
                draft.key_error(code, title, path, "", help);
                None
            }
        }
    }
}

impl Redirection {
    fn spec(&self) -> Redirect {
        let (protocol, port) = match self.protocol {
            Some(Protocol::Https) => (Some("HTTPS"), Some(443)),
            Some(Protocol::Http) => (Some("HTTP"), Some(80)),
            None => (None, None),
        };
        let same = Redirect::nowhere();
        Redirect {
            protocol: protocol.map_or(same.protocol, str::to_owned),
            host: self.host.clone().unwrap_or(same.host),
            port: self.port.or(port).map_or(same.port, |port| port.to_string()),
            path: self.path.clone().unwrap_or(same.path),
            query: self.query.clone().unwrap_or(same.query),
            permanent: self.status == Some(301),
        }
    }

    /// A URL, or a path at the same host.
    fn of_text(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is not where a redirect leads: write a URL such as \
                 `https://www.example.com/#{{path}}`, or a path such as `/new/#{{path}}`"
            )
        };
        let (protocol, rest) = match text.split_once("://") {
            Some(("https", rest)) => (Some(Protocol::Https), rest),
            Some(("http", rest)) => (Some(Protocol::Http), rest),
            Some(("#{protocol}", rest)) => (None, rest),
            None if text.starts_with('/') => (None, text),
            _ => return Err(wrong()),
        };
        let (place, query) = match rest.split_once('?') {
            Some((place, query)) => (place, Some(query.to_owned())),
            None => (rest, None),
        };
        let (authority, path) = match place.find('/') {
            Some(at) => (&place[..at], Some(place[at..].to_owned())),
            None => (place, None),
        };
        let (host, port) = match authority.split_once(':') {
            Some((host, "#{port}")) => (host, None),
            Some((host, port)) => (host, Some(port.parse().map_err(|_| wrong())?)),
            None => (authority, None),
        };
        if host.is_empty() != text.starts_with('/') {
            return Err(wrong());
        }
        let host = (!host.is_empty()).then(|| host.to_owned());
        Ok(Self { protocol, host, port, path, query, status: None })
    }
}

fn redirection<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Redirection>, D::Error> {
    let form =
        TextOr { of_text: |text| Redirection::of_text(&text), of_mapping: |it: Redirection| it };
    deserializer.deserialize_any(form).map(Some)
}

fn redirection_schema(generator: &mut SchemaGenerator) -> Schema {
    text_or::<Redirection>(generator)
}

fn plain() -> String {
    "text/plain".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_what_changes_and_the_rest_stays() {
        for (text, wanted) in [
            ("https://www.example.com", "HTTPS www.example.com 443 /#{path} #{query}"),
            ("https://www.example.com/", "HTTPS www.example.com 443 / #{query}"),
            ("http://#{host}:8080/a?b=c&#{query}", "HTTP #{host} 8080 /a b=c&#{query}"),
            (
                "#{protocol}://www.#{host}:#{port}",
                "#{protocol} www.#{host} #{port} /#{path} #{query}",
            ),
            ("/new/#{path}?", "#{protocol} #{host} #{port} /new/#{path} "),
        ] {
            let Redirect { protocol, host, port, path, query, .. } =
                Redirection::of_text(text).unwrap().spec();
            assert_eq!(format!("{protocol} {host} {port} {path} {query}"), wanted, "{text}");
        }
        for text in ["www.example.com", "ftp://a.example", "https:///a", "https://a.example:x/"] {
            assert!(Redirection::of_text(text).is_err(), "{text}");
        }
    }
}

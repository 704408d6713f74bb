//! What the payloads of messages hold that are JSON.

use serde::{Deserialize, Serialize};

use crate::message::Message;

/// The version of AWS's own client whose protocol this speaks. That the other side takes any that is
/// not older than some is an assumption.
pub(crate) const VERSION: &str = "1.2.0.0";

/// The first text of a connection, with which the other side lets the client in.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct OpenDataChannel<'a> {
    pub(crate) message_schema_version: &'a str,
    pub(crate) request_id: String,
    pub(crate) token_value: &'a str,
    pub(crate) client_id: String,
    pub(crate) client_version: &'a str,
}

/// That a message has arrived.
#[derive(Serialize, Deserialize)]
pub(crate) struct Acknowledge {
    #[serde(rename = "AcknowledgedMessageType")]
    kind: String,
    #[serde(rename = "AcknowledgedMessageId")]
    id: String,
    #[serde(rename = "AcknowledgedMessageSequenceNumber")]
    pub(crate) sequence: i64,
    #[serde(rename = "IsSequentialMessage")]
    is_sequential: bool,
}

impl Acknowledge {
    pub(crate) fn of(message: &Message) -> Self {
        Self {
            kind: message.kind.name().to_owned(),
            id: message.id.to_string(),
            sequence: message.sequence,
            is_sequential: true,
        }
    }
}

/// What the other side asks for before a session begins.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct HandshakeRequest {
    #[serde(default)]
    pub(crate) requested_client_actions: Vec<Action>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Action {
    pub(crate) action_type: String,
}

/// What the client says to that.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct HandshakeResponse {
    client_version: &'static str,
    processed_client_actions: Vec<ProcessedAction>,
    errors: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ProcessedAction {
    action_type: String,
    /// 1 for done, 3 for not supported.
    action_status: u32,
    action_result: Option<()>,
    error: String,
}

impl HandshakeResponse {
    /// The answer of a client that can do these and no others.
    pub(crate) fn to(request: &HandshakeRequest, able: &[&str]) -> Self {
        let process = |action: &Action| {
            let is_able = able.contains(&action.action_type.as_str());
            let error = (!is_able).then(|| format!("Unsupported action {}", action.action_type));
            ProcessedAction {
                action_type: action.action_type.clone(),
                action_status: if is_able { 1 } else { 3 },
                action_result: None,
                error: error.unwrap_or_default(),
            }
        };
        let processed: Vec<_> = request.requested_client_actions.iter().map(process).collect();
        let errors = processed.iter().map(|it| it.error.clone()).filter(|it| !it.is_empty());
        Self {
            client_version: VERSION,
            errors: errors.collect(),
            processed_client_actions: processed,
        }
    }
}

/// That the other side is done with what comes before a session.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct HandshakeComplete {
    /// What whoever runs the account wants everybody to read.
    pub(crate) customer_message: Option<String>,
}

/// That a session has ended.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct ChannelClosed {
    pub(crate) output: String,
}

/// How large the client's terminal is.
#[derive(Serialize)]
pub(crate) struct Size {
    pub(crate) cols: u16,
    pub(crate) rows: u16,
}

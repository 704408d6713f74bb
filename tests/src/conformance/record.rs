//! Keeps what AWS answered, one line of JSON each, as it may be shown to anybody.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use deployer_aws::{Answer, Witness};
use percent_encoding::percent_decode_str;
use roxmltree::{Document, Node};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::scrub::Scrubber;

/// One request and its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// When the answer came, in milliseconds since the recording began.
    pub at: u64,
    /// The service.
    pub service: String,
    /// The operation.
    pub operation: String,
    /// What was asked for.
    pub asked: Value,
    /// The status of the answer.
    pub status: u16,
    /// The code of an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The answer.
    pub answer: Value,
    /// From the sent request to the answer, in milliseconds.
    pub took: u64,
}

impl Exchange {
    /// The service and the operation.
    pub fn name(&self) -> String {
        format!("{}:{}", self.service.replace(' ', ""), self.operation)
    }

    /// Reads a recording.
    ///
    /// # Errors
    /// When the file cannot be read, or has something else in it.
    pub fn read_all(path: &Path) -> Result<Vec<Self>, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("could not read {}: {error}", path.display()))?;
        let mut exchanges = Vec::new();
        for (number, line) in text.lines().enumerate() {
            match serde_json::from_str(line) {
                Ok(exchange) => exchanges.push(exchange),
                // A process that was killed leaves half a line.
                Err(_) if number + 1 == text.lines().count() && !text.ends_with('\n') => {}
                Err(error) => {
                    return Err(format!("{}, line {}: {error}", path.display(), number + 1));
                }
            }
        }
        Ok(exchanges)
    }
}

/// Writes a recording.
#[derive(Debug)]
pub struct Recorder {
    begun: Instant,
    open: Mutex<(File, Scrubber)>,
}

impl Recorder {
    /// Begins one. What is recorded of lists are things of stacks whose names begin with `ours`, and
    /// what belongs to them: an account has other things, which are nobody's business.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn begin(path: &Path, ours: &str) -> Result<Self, String> {
        let file = File::create(path)
            .map_err(|error| format!("could not write {}: {error}", path.display()))?;
        Ok(Self { begun: Instant::now(), open: Mutex::new((file, Scrubber::new(ours))) })
    }
}

impl Witness for Recorder {
    fn saw(&self, answer: &Answer<'_>) {
        let (body, code) = read(answer.body);
        let asked = read_request(answer.request);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, scrubber) = &mut *open;
        let name = answer.operation;
        let (asked, body) = scrubber.exchange(name, asked, body);
        let exchange = Exchange {
            at: milliseconds(self.begun.elapsed().as_millis()),
            service: answer.service.to_owned(),
            operation: name.to_owned(),
            asked,
            status: answer.status,
            code,
            answer: body,
            took: milliseconds(answer.took.as_millis()),
        };
        let line = serde_json::to_string(&exchange).expect("it is JSON already");
        if let Err(error) = writeln!(file, "{line}") {
            complain(&format!("an answer could not be recorded: {error}"));
        }
    }
}

#[expect(clippy::print_stderr, reason = "a recording with a hole is to be seen, not to end a run")]
fn complain(line: &str) {
    eprintln!("{line}");
}

fn milliseconds(amount: u128) -> u64 {
    u64::try_from(amount).unwrap_or(u64::MAX)
}

/// An answer as JSON, in whichever of AWS's protocols it came, and the code that an error has.
pub(super) fn read(body: &[u8]) -> (Value, Option<String>) {
    let text = String::from_utf8_lossy(body);
    if let Ok(value) = serde_json::from_str::<Value>(&text) {
        let code = value["__type"].as_str().map(plain_code);
        return (value, code);
    }
    let Ok(document) = Document::parse(&text) else {
        return (Value::Null, None);
    };
    let root = document.root_element();
    let error = root.descendants().find(|node| node.has_tag_name("Error"));
    let code = error.and_then(|error| {
        error.children().find(|node| node.has_tag_name("Code")).and_then(|code| code.text())
    });
    let result = root.children().find(|node| node.tag_name().name().ends_with("Result"));
    let mut value = element(result.unwrap_or(root));
    if let Some(fields) = value.as_object_mut() {
        // Of each answer, and nothing of what was asked.
        fields.retain(|name, _| !["ResponseMetadata", "requestId", "RequestId"].contains(&&**name));
    }
    (value, code.map(plain_code))
}

/// A code as it is compared: without the namespace of the model.
fn plain_code(code: &str) -> String {
    code.rsplit('#').next().unwrap_or(code).to_owned()
}

/// What a list's elements are called in the query protocols.
const ELEMENTS: [&str; 2] = ["item", "member"];

fn element(node: Node<'_, '_>) -> Value {
    let children: Vec<Node<'_, '_>> = node.children().filter(Node::is_element).collect();
    if children.is_empty() {
        return node.text().unwrap_or_default().trim().into();
    }
    // RDS calls elements by what they are, so that several of one name make a list as well, and one
    // does in a field that is called after many.
    let (outer, name) = (node.tag_name().name(), children[0].tag_name().name());
    let are_alike = children.iter().all(|child| child.tag_name().name() == name);
    let is_of_many = outer.strip_suffix('s') == Some(name)
        || outer.ends_with("List")
        || name.ends_with("Membership");
    let is_list = ELEMENTS.contains(&name) || (are_alike && (children.len() > 1 || is_of_many));
    if is_list {
        return children.into_iter().map(element).collect();
    }
    let fields = children
        .into_iter()
        .map(|child| (child.tag_name().name().to_owned(), element(child)))
        .collect::<Map<String, Value>>();
    Value::Object(fields)
}

/// A request as JSON: its fields, flat where they came as a form.
fn read_request(body: &[u8]) -> Value {
    let text = String::from_utf8_lossy(body);
    if let Ok(value) = serde_json::from_str(&text) {
        return value;
    }
    let plain =
        |part: &str| percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned();
    let fields = text
        .split('&')
        .filter_map(|field| field.split_once('='))
        .filter(|(name, _)| !["Action", "Version"].contains(name))
        .map(|(name, value)| (plain(name), Value::String(plain(value))));
    Value::Object(fields.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_of_the_protocols_become_json() {
        let ec2 =
            b"<DescribeVpcsResponse><requestId>x</requestId><vpcSet><item><vpcId>vpc-1</vpcId>\
                    </item></vpcSet></DescribeVpcsResponse>";
        assert_eq!(read(ec2), (json!({ "vpcSet": [{ "vpcId": "vpc-1" }] }), None));
        let query = b"<DescribeXResponse><DescribeXResult><Groups><member>a</member></Groups>\
                      </DescribeXResult><ResponseMetadata><RequestId>x</RequestId>\
                      </ResponseMetadata></DescribeXResponse>";
        assert_eq!(read(query), (json!({ "Groups": ["a"] }), None));
        let rds =
            b"<DescribeXResponse><DescribeXResult><DBInstances><DBInstance><A>1</A></DBInstance>\
                    </DBInstances></DescribeXResult></DescribeXResponse>";
        assert_eq!(read(rds), (json!({ "DBInstances": [{ "A": "1" }] }), None));
        let plain = br#"{"clusters": []}"#;
        assert_eq!(read(plain), (json!({ "clusters": [] }), None));
    }

    #[test]
    fn all_of_the_protocols_have_codes() {
        for body in [
            "<Response><Errors><Error><Code>Some.Code</Code></Error></Errors></Response>",
            "<ErrorResponse><Error><Code>Some.Code</Code></Error></ErrorResponse>",
            r#"{"__type": "com.amazonaws.ecs#Some.Code"}"#,
        ] {
            assert_eq!(read(body.as_bytes()).1.as_deref(), Some("Some.Code"), "{body}");
        }
    }

    #[test]
    fn a_form_becomes_its_fields() {
        let form = b"Action=CreateVpc&Version=2016-11-15&CidrBlock=10.0.0.0%2F16&Name=a+b";
        assert_eq!(read_request(form), json!({ "CidrBlock": "10.0.0.0/16", "Name": "a b" }));
    }
}

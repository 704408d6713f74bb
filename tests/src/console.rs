//! What somebody does to an account by hand, beside the stack.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use ureq::Body;
use ureq::http::Response;

use crate::{Lab, hostile_seed};

/// What is written in another way within a part of a path.
const APART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-');

/// How often somebody tries by hand where there are quotas.
const TRIES: usize = 10;

impl Lab {
    /// Makes a call of a service that speaks in forms, such as EC2 and ELB, and gives the answer's
    /// XML.
    ///
    /// # Panics
    /// When AWS would refuse it.
    pub fn by_hand(&self, service: &str, action: &str, parameters: &[(&str, &str)]) -> String {
        let version = match service {
            "ec2" => "2016-11-15",
            "elasticloadbalancing" => "2015-12-01",
            "monitoring" => "2010-08-01",
            "sns" => "2010-03-31",
            _ => "2014-10-31",
        };
        let form = [("Action", action), ("Version", version)];
        let form = form.iter().chain(parameters).copied();
        let mut answer = insist(|| {
            let request = ureq::post(self.address()).header("Authorization", &signed_for(service));
            request.send_form(form.clone())
        });
        answer.body_mut().read_to_string().expect("XML")
    }

    /// Makes a call of a service that speaks JSON, such as ECS, and gives the answer. The target
    /// is the operation with what its service puts before it.
    ///
    /// # Panics
    /// When AWS would refuse it.
    pub fn by_hand_in_json(&self, service: &str, target: &str, body: &Value) -> Value {
        let mut answer = insist(|| {
            ureq::post(self.address())
                .header("Authorization", &signed_for(service))
                .header("X-Amz-Target", target)
                .header("Content-Type", "application/x-amz-json-1.1")
                .send(body.to_string())
        });
        let text = answer.body_mut().read_to_string().expect("JSON");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Makes a call of a service that speaks REST in JSON, such as EventBridge Scheduler; the path is
    /// given by its parts.
    ///
    /// # Panics
    /// When AWS would refuse it.
    pub fn by_hand_at(&self, service: &str, path: &[&str], body: &Value) {
        let parts = path.iter().map(|part| utf8_percent_encode(part, APART).to_string());
        let path = parts.collect::<Vec<_>>().join("/");
        insist(|| {
            ureq::post(format!("{}/{path}", self.address()))
                .header("Authorization", &signed_for(service))
                .header("Content-Type", "application/json")
                .send(body.to_string())
        });
    }

    /// Makes a call of a service that speaks REST in XML, such as Route 53, and gives the answer.
    ///
    /// # Panics
    /// When AWS would refuse it.
    pub fn by_hand_in_xml(&self, service: &str, path: &str, body: &str) -> String {
        let mut answer = insist(|| {
            ureq::post(format!("{}{path}", self.address()))
                .header("Authorization", &signed_for(service))
                .header("Content-Type", "application/xml")
                .send(body)
        });
        answer.body_mut().read_to_string().expect("XML")
    }

    /// Makes a public hosted zone, and gives its id.
    ///
    /// # Panics
    /// When AWS would refuse it.
    pub fn hosted_zone(&self, name: &str) -> String {
        let body = format!(
            "<CreateHostedZoneRequest xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\">\
             <Name>{name}</Name><CallerReference>{name}</CallerReference></CreateHostedZoneRequest>"
        );
        let answer = self.by_hand_in_xml("route53", "/2013-04-01/hostedzone", &body);
        let (_, rest) = answer.split_once("/hostedzone/").expect("an id");
        rest.split('<').next().expect("an id").to_owned()
    }

    /// The ARN of the resource at an address of the stack.
    ///
    /// # Panics
    /// When there is none.
    pub fn arn_at(&self, address: &str) -> String {
        let resources = self.addressed();
        let found = resources.iter().find(|it| it["tags"]["deployer:address"] == address);
        let arn = found.and_then(|resource| resource["arn"].as_str());
        arn.unwrap_or_else(|| panic!("no {address}")).to_owned()
    }

    /// What AWS calls it: the end of its ARN.
    ///
    /// # Panics
    /// When there is none.
    pub fn id_at(&self, address: &str) -> String {
        let arn = self.arn_at(address);
        arn.rsplit(['/', ':']).next().unwrap_or_default().to_owned()
    }

    /// The tags of the one resource whose kind and ARN contain this.
    ///
    /// # Panics
    /// When there are several, or none.
    pub fn tags_of(&self, part: &str) -> Vec<(String, String)> {
        let resources = self.resources();
        let mut found = resources.iter().filter(|resource| {
            format!("{}: {}", resource["kind"], resource["arn"]).replace('"', "").contains(part)
        });
        let (Some(one), None) = (found.next(), found.next()) else { panic!("not one {part}") };
        let tags = one["tags"].as_object().cloned().unwrap_or_default();
        tags.into_iter()
            .map(|(key, value)| (key, value.as_str().unwrap_or_default().to_owned()))
            .collect()
    }
}

/// Makes a request; again where a quota refuses it.
fn insist(request: impl Fn() -> Result<Response<Body>, ureq::Error>) -> Response<Body> {
    let tries = if hostile_seed().is_some() { TRIES } else { 1 };
    for _ in 1..tries {
        if let Ok(answer) = request() {
            return answer;
        }
    }
    request().expect("AWS takes it")
}

/// The lab reads off a signature whom a request is for, and does not check it. Calls with this key
/// do not fail under hostile AWS, nor does one get lost that has taken effect.
fn signed_for(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=by-hand/20260101/eu-west-1/{service}/aws4_request, \
         SignedHeaders=host, Signature=none"
    )
}

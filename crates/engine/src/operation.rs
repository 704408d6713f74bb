//! What is known of a call before it is made: whose it is, whether it changes something, and what
//! the codes of its failures mean.

use std::fmt;

use deployer_core::Cause;

/// A service of a cloud.
#[derive(Debug)]
pub struct Service {
    /// How permissions and people name it: `ec2`.
    pub name: &'static str,
    /// How many calls it takes at once when it has had none for a while.
    pub burst: u32,
    /// How many calls it takes each second for as long as one likes.
    pub per_second: u32,
    /// What its codes mean, whatever the operation.
    pub codes: &'static [Code],
}

/// Something that a service can be asked to do.
#[derive(Debug)]
pub struct Operation {
    /// Whose it is.
    pub service: &'static Service,
    /// The service's name for it: `CreateVpc`.
    pub name: &'static str,
    /// Whether it changes something; otherwise it may be repeated however it ended.
    pub changes: bool,
    /// What else must be permitted for it: `iam:PassRole`.
    pub also: &'static [&'static str],
    /// What of an account it is made on; with nothing here it cannot be limited.
    pub on: &'static [Reach],
    /// The codes that say that the very thing it is about is not there.
    pub gone: &'static [&'static str],
    /// What its other codes mean, where that is not what they mean for the service.
    pub codes: &'static [Code],
}

/// Things of an account that a permission can be limited to. What has an ARN is written as its end,
/// from behind the account on; in braces stands what names of the environment begin with:
/// `role/deployer/{slashes}*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Those with such ARNs.
    Named(&'static str),
    /// Those with such ARNs that carry the environment's tags.
    Owned(&'static str),
    /// New ones with such ARNs, which are given the environment's tags by the same call.
    Made(&'static str),
    /// New ones, for which IAM knows no ARN and which are given the environment's tags by the same
    /// call.
    New,
    /// The records that the stack names, and the markers of the environment beside them.
    Records,
    /// Whatever carries the environment's tags.
    Tagged,
    /// What something is made in: it carries the environment's tags, or the stack names it.
    Parent,
}

/// What one code of a failure means.
#[derive(Debug)]
pub struct Code {
    name: &'static str,
    words: Option<&'static str>,
    cause: Cause,
}

impl Service {
    /// An operation that changes nothing.
    pub const fn reads(&'static self, name: &'static str) -> Operation {
        Operation { service: self, name, changes: false, also: &[], on: &[], gone: &[], codes: &[] }
    }

    /// An operation that changes something.
    pub const fn changes(&'static self, name: &'static str) -> Operation {
        Operation { service: self, name, changes: true, also: &[], on: &[], gone: &[], codes: &[] }
    }
}

impl Operation {
    /// The same, with the codes that say that the very thing it is about is not there: not
    /// another one that it refers to.
    #[must_use]
    pub const fn gone(mut self, gone: &'static [&'static str]) -> Self {
        self.gone = gone;
        self
    }

    /// The same, with what its other codes mean. Of several that fit a failure the first counts.
    #[must_use]
    pub const fn codes(mut self, codes: &'static [Code]) -> Self {
        self.codes = codes;
        self
    }

    /// The same, with what else must be permitted.
    #[must_use]
    pub const fn also(mut self, also: &'static [&'static str]) -> Self {
        self.also = also;
        self
    }

    /// The same, limited to these things.
    #[must_use]
    pub const fn on(mut self, on: &'static [Reach]) -> Self {
        self.on = on;
        self
    }

    /// What a failure means: first for this very call, then for its service. `None` for a code
    /// that neither has a word on.
    pub fn meaning(&self, code: &str, message: &str) -> Option<Cause> {
        let known = |codes: &'static [Code]| codes.iter().find(|known| known.fits(code, message));
        let is_gone = self.gone.contains(&code).then_some(Cause::Gone);
        let own = known(self.codes).map(|known| known.cause).or(is_gone);
        own.or_else(|| known(self.service.codes).map(|known| known.cause))
    }

    /// What a failure of it says was attempted: `create the VPC (ec2:CreateVpc)`.
    pub fn attempted(&self, purpose: &str) -> String {
        format!("{purpose} ({self})")
    }
}

/// As permissions name it: `ec2:CreateVpc`.
impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.service.name, self.name)
    }
}

impl Code {
    /// What a code means.
    pub const fn new(name: &'static str, cause: Cause) -> Self {
        Self { name, words: None, cause }
    }

    /// The same, but only beside these words of the message, for services that have one code for
    /// several things.
    #[must_use]
    pub const fn saying(mut self, words: &'static str) -> Self {
        self.words = Some(words);
        self
    }

    fn fits(&self, code: &str, message: &str) -> bool {
        self.name == code && self.words.is_none_or(|words| message.contains(words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static SERVICE: Service = Service {
        name: "post",
        burst: 1,
        per_second: 1,
        codes: &[Code::new("InUse", Cause::Busy), Code::new("Denied", Cause::Credentials)],
    };

    static SEND: Operation = SERVICE.changes("Send").gone(&["NoSuchLetter"]).codes(&[
        Code::new("Denied", Cause::Busy).saying("not yet"),
        Code::new("InUse", Cause::Taken),
    ]);

    #[test]
    fn a_code_means_what_it_means_for_the_call_before_what_it_means_for_the_service() {
        assert_eq!(SEND.meaning("InUse", ""), Some(Cause::Taken));
        assert_eq!(SEND.meaning("NoSuchLetter", ""), Some(Cause::Gone));
        assert_eq!(SERVICE.changes("Receive").meaning("InUse", ""), Some(Cause::Busy));
    }

    #[test]
    fn a_code_for_several_things_is_told_apart_by_its_words() {
        assert_eq!(SEND.meaning("Denied", "you may not yet"), Some(Cause::Busy));
        assert_eq!(SEND.meaning("Denied", "you may not"), Some(Cause::Credentials));
        assert_eq!(SEND.meaning("Mystery", ""), None);
    }

    #[test]
    fn a_failure_names_the_permission() {
        assert_eq!(SEND.attempted("send a letter"), "send a letter (post:Send)");
    }
}

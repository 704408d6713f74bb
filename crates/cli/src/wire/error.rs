//! What went wrong.

use deployer_core::{Cause, Code, Severity};
use schemars::JsonSchema;
use serde::Serialize;

use crate::masking::said;

/// The last line of a command that did not do what was asked, or its only document.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub(crate) enum ErrorLine {
    /// Why not.
    Error(Box<Failed>),
}

/// Why a command did not do what was asked: the only document of one that began nothing.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Failed {
    /// The exit code.
    pub(crate) exit: u8,
    /// What is wrong, in a line.
    pub(crate) error: String,
    /// What to do about it.
    pub(crate) help: Option<String>,
    /// The mistakes in the stack, and what may not be done to what exists.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// What AWS refused.
    pub(crate) failures: Vec<Failure>,
}

/// One mistake in a stack, or one thing worth knowing.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Diagnostic {
    /// How bad it is.
    pub(crate) severity: Severity,
    /// Which kind of mistake it is.
    pub(crate) code: Code,
    /// What is wrong, in a line.
    pub(crate) title: String,
    /// What to do about it.
    pub(crate) help: Option<String>,
    /// Where it is, the offending place first.
    pub(crate) labels: Vec<Label>,
}

/// A place in a file; lines and columns count from 1, in characters.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Label {
    /// The file, as it was named.
    pub(crate) file: String,
    /// The line it begins in.
    pub(crate) line: usize,
    /// The column it begins at.
    pub(crate) column: usize,
    /// The line it ends in.
    pub(crate) end_line: usize,
    /// The column behind its end.
    pub(crate) end_column: usize,
    /// The text to show there; empty for a bare underline.
    pub(crate) text: String,
}

/// Something AWS, or what stands between, refused.
#[derive(Clone, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Failure {
    /// What it means.
    cause: Cause,
    /// What was attempted: `create the load balancer (elbv2:CreateLoadBalancer)`.
    attempted: String,
    /// What was said, without what is plainly secret in it.
    message: String,
    /// AWS's own code: `DependencyViolation`.
    code: Option<String>,
    /// AWS's identifier of the request, for a support case.
    request: Option<String>,
    /// What to do about it.
    help: Option<String>,
}

impl From<&deployer_core::Failure> for Failure {
    fn from(failure: &deployer_core::Failure) -> Self {
        let deployer_core::Failure { cause, attempted, message, code, request, help, .. } =
            failure.clone();
        Self { cause, attempted, message: said(&message), code, request, help }
    }
}

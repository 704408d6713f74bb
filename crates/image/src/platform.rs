//! The machines an image can run on.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An operating system and processor, as OCI names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Platform {
    /// Linux on x86-64.
    #[serde(rename = "linux/amd64")]
    LinuxAmd64,
    /// Linux on 64-bit ARM (Graviton).
    #[serde(rename = "linux/arm64")]
    LinuxArm64,
}

impl Platform {
    /// The name OCI gives the processor.
    pub fn architecture(self) -> &'static str {
        match self {
            Self::LinuxAmd64 => "amd64",
            Self::LinuxArm64 => "arm64",
        }
    }

    /// The name Rust's targets give the processor.
    pub(crate) fn rust_architecture(self) -> &'static str {
        match self {
            Self::LinuxAmd64 => "x86_64",
            Self::LinuxArm64 => "aarch64",
        }
    }

    /// The processor's number in an ELF header (`e_machine`).
    pub(crate) fn elf_machine(self) -> u16 {
        match self {
            Self::LinuxAmd64 => 62,
            Self::LinuxArm64 => 183,
        }
    }

    /// Whether OCI's pair of names means this platform.
    pub(crate) fn is_called(self, os: &str, architecture: &str) -> bool {
        os == "linux" && architecture == self.architecture()
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "linux/{}", self.architecture())
    }
}

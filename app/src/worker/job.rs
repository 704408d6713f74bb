//! What a worker can be asked for. The name of a job is its identity in the queue.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// Something to do in the background.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Job {
    /// Find out what a notebook is about.
    Digest {
        /// The id of the notebook.
        notebook: String,
    },
    /// Delete sessions that are over, and old notes where that is wished.
    Clean,
}

/// A name in the queue that this version does not know.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("there is no job `{0}`")]
pub struct UnknownJob(String);

impl fmt::Display for Job {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Digest { notebook } => write!(formatter, "digest:{notebook}"),
            Self::Clean => formatter.write_str("clean"),
        }
    }
}

impl FromStr for Job {
    type Err = UnknownJob;

    fn from_str(name: &str) -> Result<Self, UnknownJob> {
        match name.split_once(':') {
            Some(("digest", notebook)) => Ok(Self::Digest { notebook: notebook.to_owned() }),
            None if name == "clean" => Ok(Self::Clean),
            _ => Err(UnknownJob(name.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_found_again_by_its_name() {
        for job in [Job::Clean, Job::Digest { notebook: "home".into() }] {
            assert_eq!(job.to_string().parse(), Ok(job));
        }
        assert_eq!("dance".parse::<Job>(), Err(UnknownJob("dance".into())));
    }
}

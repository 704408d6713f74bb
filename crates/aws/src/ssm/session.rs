//! A session of Session Manager that a service has opened, such as ECS Exec.

use deployer_core::{Cause, Failure};
use deployer_engine::{Ends, Result, Session};
use deployer_session::{ChannelError, SessionError, attach};
use jiff::Timestamp;

use crate::Aws;

const JOIN: &str = "join the session in the task";

impl Aws {
    /// Joins a session. It is no call: nothing is signed, the token lets in, and it goes nowhere else.
    pub(crate) async fn join_session(&self, session: &Session, ends: Ends) -> Result<String> {
        let failed = |message: String| Failure::new(Cause::Refused, JOIN, message);
        let Some(address) = connectable(&session.url) else {
            return Err(failed("its address is none of a WebSocket".to_owned()));
        };
        let stream = deployer_image::connect(&address, self.roots.as_ref()).await;
        let stream = stream.map_err(|error| {
            let host = session.url.split('/').nth(2).unwrap_or_default();
            Failure::new(Cause::Unreachable, JOIN, format!("{host}: {error}"))
                .help("what keeps this machine from it may be a proxy or a firewall")
        })?;
        let epoch = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default();
        let ended = attach(stream, session, epoch, ends).await;
        ended.map_err(|error| match error {
            SessionError::Channel(ChannelError::Encrypted) => {
                failed(error.to_string()).help(official(&self.region, &session.target))
            }
            error => failed(error.to_string()),
        })
    }
}

/// Where a WebSocket connects to, as an address of HTTP.
fn connectable(url: &str) -> Option<String> {
    let encrypted = url.strip_prefix("wss://").map(|rest| format!("https://{rest}"));
    encrypted.or_else(|| url.strip_prefix("ws://").map(|rest| format!("http://{rest}")))
}

/// What to do where only AWS's own client can: the target names the cluster and the task,
/// `ecs:CLUSTER_TASK_RUNTIME`, and identifiers of tasks have no `_` in them.
fn official(region: &str, target: &str) -> String {
    let mut parts = target.trim_start_matches("ecs:").rsplitn(3, '_').skip(1);
    let (task, cluster) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    format!(
        "only AWS's own client speaks that: install the session-manager-plugin and run `aws ecs \
         execute-command --region {region} --cluster {cluster} --task {task} --interactive \
         --command /bin/sh`; or leave `kmsKeyId` out of the cluster's configuration of ECS Exec and \
         of Session Manager's preferences"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encrypted_is_entered_with_awss_own_client() {
        let help = official("eu-west-1", "ecs:notes_dev-main_1a2b_1a2b-3");
        assert!(help.contains("--cluster notes_dev-main --task 1a2b --interactive"), "{help}");
    }

    #[test]
    fn only_a_web_socket_is_connected_to() {
        assert_eq!(connectable("wss://a/b?c").as_deref(), Some("https://a/b?c"));
        assert_eq!(connectable("ws://127.0.0.1:1/b").as_deref(), Some("http://127.0.0.1:1/b"));
        assert_eq!(connectable("ftp://a"), None);
    }
}

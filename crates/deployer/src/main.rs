//! The binary: the command line, handed AWS.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use deployer_aws::Aws;
use deployer_cli::{
    Access, Connect, Exit, Failure, Reached, Registry, Stack, Terminal, cancelled_by_signals, run,
};
use serde_json::Value;

/// AWS, as the command line wants it.
struct World;

impl Connect for World {
    type Cloud = Aws;

    fn registry(&self) -> Registry<Aws> {
        deployer_aws::registry()
    }

    async fn connect(
        &self,
        role: Option<&str>,
        region: Option<&str>,
        folder: &Path,
    ) -> Result<Reached<Aws>, Failure> {
        let deployer_aws::Connection { aws, region } =
            deployer_aws::connect(role, region, folder).await?;
        Ok(Reached { cloud: Arc::new(aws), region })
    }

    fn policy(&self, access: Access, stack: &Stack) -> Value {
        deployer_aws::policy(access, stack)
    }

    fn managed_policies(&self, access: Access, stack: &Stack) -> Vec<Value> {
        deployer_aws::managed_policies(access, stack)
    }

    fn longest_policy(&self) -> usize {
        deployer_aws::LONGEST_INLINE
    }

    async fn account(&self, aws: &Aws) -> Result<String, Failure> {
        aws.account().await
    }

    async fn caller(&self, aws: &Aws) -> Result<String, Failure> {
        aws.caller().await
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    // Without a folder to stand in or signals to listen to there is nobody to report to.
    let (Ok(terminal), Ok(cancel)) = (Terminal::of_process(environment), cancelled_by_signals())
    else {
        return Exit::Wrong.into();
    };
    Box::pin(run(std::env::args_os(), World, terminal, cancel)).await.into()
}

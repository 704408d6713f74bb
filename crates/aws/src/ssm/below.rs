//! The parameters below a path, whoever made them: GetParametersByPath.

use std::collections::BTreeSet;

use deployer_engine::Result;

use crate::Aws;
use crate::ssm::{self, PAGE};

impl Aws {
    /// The names of the parameters right below a path. AWS sends what they hold along, what is
    /// secret of it encrypted, and nothing but the names is taken out of its answer.
    pub(crate) async fn parameters_below(&self, path: &str) -> Result<BTreeSet<String>> {
        let request = self.parameters.get_parameters_by_path().path(path);
        let request = request.recursive(false).with_decryption(false).max_results(PAGE);
        let pages = self
            .pages(
                &ssm::GET_PARAMETERS_BY_PATH,
                &format!("read which parameters are below {path}"),
                |token| request.clone().set_next_token(token).send(),
                |page| page.next_token(),
            )
            .await?;
        let all = pages.into_iter().flat_map(|page| page.parameters.unwrap_or_default());
        Ok(all.filter_map(|described| described.name).collect())
    }
}

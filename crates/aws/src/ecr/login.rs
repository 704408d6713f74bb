//! How the account's registry is reached.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use deployer_engine::Result;
use deployer_image::Credentials;

use crate::Aws;
use crate::ecr;
use crate::missing::Required;

/// The address of the account's registry in the region, and credentials for twelve hours.
pub(crate) async fn log_in(aws: &Aws) -> Result<(String, Credentials)> {
    let request = aws.ecr.get_authorization_token();
    let answer = aws
        .send(&ecr::GET_AUTHORIZATION_TOKEN, "log in to the registry", || request.clone().send())
        .await?;
    let data = answer.authorization_data().first().required("the registry's credentials")?;
    let token = data.authorization_token().and_then(|token| STANDARD.decode(token).ok());
    let token = token.and_then(|token| String::from_utf8(token).ok());
    let (user, password) = token
        .as_deref()
        .and_then(|token| token.split_once(':'))
        .required("the registry's credentials")?;
    let credentials = Credentials { user: user.to_owned(), password: password.to_owned() };
    let endpoint = data.proxy_endpoint().required("the registry's address")?;
    Ok((endpoint.to_owned(), credentials))
}

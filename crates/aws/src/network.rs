//! How requests get out: through which proxies, and whose certificates are trusted.

use std::fmt;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{self, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::{
    RuntimeComponents, RuntimeComponentsBuilder,
};
use aws_smithy_types::config_bag::ConfigBag;
use deployer_core::{Cause, Failure};
use deployer_engine::Result;
use deployer_image::Roots;

use crate::surroundings::Surroundings;

/// Where an instance and a container ask for their credentials: they are on the machine itself,
/// where no proxy leads (EC2 guide, "Instance metadata"; ECS guide, "Task IAM role"; EKS guide, "Pod
/// identities").
const OF_THE_MACHINE: [&str; 6] = [
    "169.254.169.254",
    "[fd00:ec2::254]",
    "169.254.170.2",
    "[fd00:ec2::2]",
    "169.254.170.23",
    "[fd00:ec2::23]",
];

/// The certificates to trust instead of this machine's, where the surroundings name some.
///
/// # Errors
/// [`Cause::Refused`] when they cannot be read, or there are none.
pub(crate) fn roots(surroundings: &Surroundings) -> Result<Option<Roots>> {
    let Some((file, named_by)) = &surroundings.bundle else { return Ok(None) };
    Roots::read(file.as_ref()).map(Some).map_err(|error| {
        let help = format!("{named_by} names it: a file of certificates in PEM");
        Failure::new(Cause::Refused, format!("trust {file}"), error.to_string()).help(help)
    })
}

/// The client that all requests of the SDK are made with.
///
/// # Errors
/// Those of the TLS library, which there are none of.
pub(crate) fn client(
    surroundings: &Surroundings,
    roots: Option<&Roots>,
) -> Result<SharedHttpClient> {
    let mut trust = TrustStore::default();
    if let Some(roots) = roots {
        trust = TrustStore::empty().with_pem_certificate(roots.pem());
    }
    let context = TlsContext::builder()
        .with_trust_store(trust)
        .build()
        .map_err(|error| Failure::new(Cause::Refused, "set up TLS", error.to_string()))?;
    let of = |proxies: ProxyConfig| {
        let context = context.clone();
        Builder::new().build_with_connector_fn(move |settings, components| {
            let mut connector = Connector::builder().proxy_config(proxies.clone());
            connector.set_connector_settings(settings.cloned());
            connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
            let ring = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
            connector.tls_provider(ring).tls_context(context.clone()).build()
        })
    };
    let direct = of(ProxyConfig::disabled());
    if !surroundings.has_proxy() {
        return Ok(direct);
    }
    let mut spared: Vec<String> = OF_THE_MACHINE.map(ToOwned::to_owned).into();
    spared.extend(surroundings.container.as_deref().and_then(authority).map(ToOwned::to_owned));
    Ok(SharedHttpClient::new(Proxied { direct, through: of(ProxyConfig::from_env()), spared }))
}

/// The host and port of an address.
fn authority(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    rest.split(['/', '?']).next().filter(|it| !it.is_empty())
}

/// What goes through the proxies that the environment names, but for what is on the machine itself.
#[derive(Debug)]
struct Proxied {
    direct: SharedHttpClient,
    through: SharedHttpClient,
    /// Hosts, some with their port.
    spared: Vec<String>,
}

impl HttpClient for Proxied {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Either {
            direct: self.direct.http_connector(settings, components),
            through: self.through.http_connector(settings, components),
            spared: self.spared.clone(),
        })
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> std::result::Result<(), BoxError> {
        self.through.validate_base_client_config(components, config)
    }
}

struct Either {
    direct: SharedHttpConnector,
    through: SharedHttpConnector,
    spared: Vec<String>,
}

impl fmt::Debug for Either {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Either").field("spared", &self.spared).finish_non_exhaustive()
    }
}

impl HttpConnector for Either {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if is_spared(&self.spared, request.uri()) {
            self.direct.call(request)
        } else {
            self.through.call(request)
        }
    }
}

fn is_spared(spared: &[String], uri: &str) -> bool {
    let Some(authority) = authority(uri) else { return false };
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    spared.iter().any(|it| it == authority || it == host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_the_machine_itself_is_asked_without_a_proxy() {
        let mut spared: Vec<String> = OF_THE_MACHINE.map(ToOwned::to_owned).into();
        spared.push("127.0.0.1:4000".to_owned());
        for uri in [
            "http://169.254.169.254/latest/api/token",
            "http://[fd00:ec2::254]/latest/api/token",
            "http://[fd00:ec2::254]:80/latest/api/token",
            "http://169.254.170.2/v2/credentials/1",
            "http://127.0.0.1:4000/get",
        ] {
            assert!(is_spared(&spared, uri), "{uri}");
        }
        for uri in ["https://sts.eu-west-1.amazonaws.com/", "http://127.0.0.1:4001/", "no uri"] {
            assert!(!is_spared(&spared, uri), "{uri}");
        }
    }
}

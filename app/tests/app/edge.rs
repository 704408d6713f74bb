//! What stands before a deployment and speaks TLS for it, as a load balancer does.

use std::sync::Arc;

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use crate::servers::Certificate;

/// A port that takes TLS and hands over what was inside.
pub(crate) struct Edge {
    /// Where it is, by the name in its certificate.
    pub(crate) address: String,
}

impl Edge {
    /// Stands before an address of this machine and offers one protocol.
    pub(crate) async fn before(
        address: &str,
        certificate: &Certificate,
        protocol: &'static [u8],
    ) -> Self {
        let inside = address.trim_start_matches("http://").to_owned();
        let acceptor = TlsAcceptor::from(Arc::new(settings(certificate, protocol)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        tokio::spawn(async move {
            loop {
                let (outside, _) = listener.accept().await.unwrap();
                let (acceptor, inside) = (acceptor.clone(), inside.clone());
                tokio::spawn(async move {
                    let mut outside = acceptor.accept(outside).await?;
                    let mut inside = TcpStream::connect(inside).await?;
                    copy_bidirectional(&mut outside, &mut inside).await
                });
            }
        });
        Self { address }
    }
}

fn settings(certificate: &Certificate, protocol: &'static [u8]) -> ServerConfig {
    let chain = vec![CertificateDer::from_pem_file(&certificate.certificate).unwrap()];
    let key = PrivateKeyDer::from_pem_file(&certificate.key).unwrap();
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ServerConfig::builder_with_provider(ring).with_safe_default_protocol_versions();
    let mut settings =
        versions.unwrap().with_no_client_auth().with_single_cert(chain, key).unwrap();
    settings.alpn_protocols = vec![protocol.to_vec()];
    settings
}

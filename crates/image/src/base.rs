//! The lowest layer of a packed binary: what a static program still expects of a root directory.

use std::fmt::Write as _;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::layer::LayerWriter;

/// Where OpenSSL, rustls and Go look first on Linux.
const CERTIFICATES: &str = "etc/ssl/certs/ca-certificates.crt";

/// Where the services of a stack look for the authorities of RDS's certificates, which no
/// system trusts by itself ("Using SSL/TLS to encrypt a connection" in the RDS user guide).
const RDS_CERTIFICATES: &str = "etc/ssl/certs/rds-global-bundle.pem";

/// Writes certificates, the user, name resolution and a place for temporary files.
///
/// The certificates are Mozilla's, from the crate rather than from the building machine, so that
/// every machine makes the same layer.
pub(crate) fn write(layer: &mut LayerWriter, user: u32) -> io::Result<()> {
    let mut passwd = "root:x:0:0:root:/:/sbin/nologin\n".to_owned();
    let mut group = "root:x:0:\n".to_owned();
    if user != 0 {
        let _ = writeln!(passwd, "nonroot:x:{user}:{user}:nonroot:/:/sbin/nologin");
        let _ = writeln!(group, "nonroot:x:{user}:");
    }
    layer.directory("etc/", 0o755)?;
    text(layer, "etc/group", &group)?;
    // Without it glibc's static resolver may try modules that are not there.
    text(layer, "etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")?;
    text(layer, "etc/passwd", &passwd)?;
    layer.directory("etc/ssl/", 0o755)?;
    layer.directory("etc/ssl/certs/", 0o755)?;
    text(layer, CERTIFICATES, &certificates())?;
    text(layer, RDS_CERTIFICATES, include_str!("../assets/rds-certificates.pem"))?;
    layer.directory("tmp/", 0o1777)
}

fn text(layer: &mut LayerWriter, path: &str, content: &str) -> io::Result<()> {
    layer.file(path, 0o644, content.len() as u64, content.as_bytes())
}

/// Mozilla's root certificates in PEM.
fn certificates() -> String {
    let mut pem = String::new();
    for certificate in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        pem.push_str("-----BEGIN CERTIFICATE-----\n");
        let mut encoded = STANDARD.encode(certificate).into_bytes().into_iter().map(char::from);
        loop {
            let line: String = encoded.by_ref().take(64).collect();
            if line.is_empty() {
                break;
            }
            pem.push_str(&line);
            pem.push('\n');
        }
        pem.push_str("-----END CERTIFICATE-----\n");
    }
    pem
}

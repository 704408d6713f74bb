//! Certificates that are trusted instead of this machine's.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// What a file of certificates holds, checked.
#[derive(Clone)]
pub struct Roots {
    pem: Arc<[u8]>,
    pub(super) store: Arc<RootCertStore>,
}

/// Why a file of certificates is none.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(#[from] io::Error),
    /// There is no certificate in it.
    #[error("there is no certificate in it")]
    None,
    /// One of them is damaged.
    #[error("certificate {number}: {why}")]
    Damaged {
        /// Which, from 1.
        number: usize,
        /// What is wrong with it.
        why: String,
    },
}

impl Roots {
    /// Reads a file of certificates in PEM.
    ///
    /// # Errors
    /// When it cannot be read, has none, or one of them is damaged.
    pub fn read(path: &Path) -> Result<Self, RootsError> {
        Self::of(&std::fs::read(path)?)
    }

    fn of(pem: &[u8]) -> Result<Self, RootsError> {
        let mut store = RootCertStore::empty();
        for (place, certificate) in CertificateDer::pem_slice_iter(pem).enumerate() {
            let damaged = |why: String| RootsError::Damaged { number: place + 1, why };
            let certificate = certificate.map_err(|error| damaged(error.to_string()))?;
            store.add(certificate).map_err(|error| damaged(error.to_string()))?;
        }
        if store.is_empty() {
            return Err(RootsError::None);
        }
        Ok(Self { pem: pem.into(), store: Arc::new(store) })
    }

    /// The certificates as they were read.
    pub fn pem(&self) -> &[u8] {
        &self.pem
    }
}

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Roots").field("certificates", &self.store.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_said_to_be_none() {
        let wrong = |text: &str| Roots::of(text.as_bytes()).expect_err("none").to_string();
        assert_eq!(wrong("# nothing here\n"), "there is no certificate in it");
        let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(wrong(damaged).starts_with("certificate 1: "));
    }
}

//! Who may come in: TLS and client certificates, secrets, origins of browser pages.

mod gate;
mod origins;
mod secrets;
mod tls;

pub use origins::Origin;
pub use secrets::{Secrets, SecretsError, exposed};
pub use tls::{Tls, TlsError, TlsFiles};

pub(super) use gate::{Admission, Gate};

/// What may come in: nothing is asked for where nothing is set, except that browser pages must be of this machine.
#[derive(Clone, Default)]
pub struct Access {
    /// TLS on every port.
    pub tls: Option<Tls>,
    /// Secrets of which a request must show one.
    pub secrets: Option<Secrets>,
    /// Origins of browser pages that may send, besides those of this machine.
    pub origins: Vec<Origin>,
}

impl Access {
    /// Whether whoever sends must prove who it is.
    pub fn proves(&self) -> bool {
        self.secrets.is_some() || self.tls.as_ref().is_some_and(Tls::asks_clients)
    }
}

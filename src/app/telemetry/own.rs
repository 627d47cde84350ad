//! Whether an address is one of jwtrail's own: what it says of itself must not come back as what it judges.

use std::net::ToSocketAddrs as _;

use anyhow::{Context as _, bail};
use reqwest::Url;

use crate::otlp::Addresses;

/// What `grpc://` stands for where no port is named.
const GRPC_PORT: u16 = 4317;

/// Refuses a URL that leads to one of these receivers.
pub(super) fn refuse(url: &str, own: Addresses) -> anyhow::Result<()> {
    let (host, port) = authority(url).with_context(|| format!("expected a host in --telemetry {url}, found none"))?;
    let Ok(found) = (host.as_str(), port).to_socket_addrs() else {
        // A name that is not there yet may be there later; its address is looked up again for each connection.
        tracing::warn!("--telemetry: the name {host} is not known (yet)");
        return Ok(());
    };
    if let Some(own) = own.reached_by(&found.collect::<Vec<_>>()) {
        bail!(
            "--telemetry {url} leads to jwtrail's own receiver on {own}: expected another collector, for what it says of \
             itself would be judged as if it were a service's"
        );
    }
    Ok(())
}

/// The host without brackets, and the port that the scheme stands for where none is named.
fn authority(url: &str) -> Option<(String, u16)> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str().filter(|host| !host.is_empty())?;
    let port = url.port_or_known_default().unwrap_or(GRPC_PORT);
    Some((host.trim_start_matches('[').trim_end_matches(']').to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_that_leads_back_is_found() {
        let leads = |url: &str, own: &str| {
            let own = Addresses { grpc: Some(own.parse().unwrap()), http: None };
            refuse(url, own).is_err()
        };
        assert!(leads("http://127.0.0.1:4318", "127.0.0.1:4318"));
        assert!(leads("grpc://localhost", "127.0.0.1:4317"));
        assert!(leads("http://127.0.0.9:4318/base", "0.0.0.0:4318"));
        assert!(leads("http://0.0.0.0:4318", "127.0.0.1:4318"));
        assert!(leads("http://[::ffff:127.0.0.1]:4318", "127.0.0.1:4318"));
        assert!(leads("http://[::1]:4318", "[::]:4318"));
        assert!(leads("http://127.0.0.1:4318", "[::]:4318"));
        assert!(!leads("http://127.0.0.1:4319", "127.0.0.1:4318"));
        assert!(!leads("http://192.0.2.7:4318", "0.0.0.0:4318"), "a machine of the documentation's network");
        assert!(!leads("http://127.0.0.2:4318", "127.0.0.1:4318"));
    }
}

//! Whether an address is one of jwtrail's own: what it says of itself must not come back as what it judges.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _, UdpSocket};

use anyhow::{Context as _, bail};

use crate::otlp::Addresses;

/// Refuses a URL that leads to one of these receivers.
pub(super) fn refuse(url: &str, own: Addresses) -> anyhow::Result<()> {
    let (host, port) = authority(url).with_context(|| format!("expected a host in --telemetry {url}, found none"))?;
    let Ok(found) = (host, port).to_socket_addrs() else {
        // A name that is not there yet may be there later; its address is looked up again for each connection.
        tracing::warn!("--telemetry: the name {host} is not known (yet)");
        return Ok(());
    };
    let found: Vec<SocketAddr> = found.collect();
    for own in [own.grpc, own.http].into_iter().flatten() {
        if found.iter().any(|address| leads_to(*address, own)) {
            bail!(
                "--telemetry {url} leads to jwtrail's own receiver on {own}: expected another collector, for what it says \
                 of itself would be judged as if it were a service's"
            );
        }
    }
    Ok(())
}

/// The host without brackets, and the port that the scheme stands for where none is named.
fn authority(url: &str) -> Option<(&str, u16)> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next().filter(|authority| !authority.is_empty())?;
    let usual = match scheme {
        "https" => 443,
        "grpc" => 4317,
        _ => 80,
    };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
        _ => (authority, usual),
    };
    Some((host.trim_start_matches('[').trim_end_matches(']'), port))
}

fn leads_to(address: SocketAddr, own: SocketAddr) -> bool {
    if address.port() != own.port() {
        return false;
    }
    let (there, here) = (address.ip().to_canonical(), own.ip().to_canonical());
    // A connection to the unspecified address goes to this machine.
    there == here || (there.is_unspecified() && is_local(here)) || (here.is_unspecified() && is_local(there))
}

/// Whether an address is one of this machine's: only then can something be bound to it.
fn is_local(address: IpAddr) -> bool {
    address.is_loopback() || address.is_unspecified() || UdpSocket::bind((address, 0)).is_ok()
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

//! Whether the ports are free, and if not, whose they are as far as this user may know.

use std::fs;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};

use super::Checked;
use crate::app::settings::Listen;

/// Tries each address that jwtrail would listen on.
pub(super) fn look(listen: &Listen) -> Vec<Checked> {
    let all = [("gRPC", listen.grpc, "--grpc"), ("HTTP", listen.http, "--http")];
    all.into_iter()
        .map(|(name, address, option)| match address {
            Some(address) => port(name, address, option),
            None => Checked::note(name, "not listened to"),
        })
        .collect()
}

fn port(name: &str, address: SocketAddr, option: &str) -> Checked {
    if !address.ip().is_loopback() {
        let said = format!("{address} is reachable from the network, and there is no login");
        if TcpListener::bind(address).is_ok() {
            return Checked::note(name, said);
        }
    }
    match TcpListener::bind(address) {
        Ok(_) => Checked::good(name, format!("{address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => taken(name, address, option),
        Err(error) => Checked::bad(name, format!("{address}: {error}"), format!("{option} takes another address")),
    }
}

fn taken(name: &str, address: SocketAddr, option: &str) -> Checked {
    match owner(address.port()) {
        Some((process, program)) if program == "jwtrail" => {
            Checked::note(name, format!("{address}: a jwtrail listens there already (process {process})"))
        }
        Some((process, program)) => Checked::bad(
            name,
            format!("{address} is taken by {program} (process {process})"),
            format!("end it, or listen elsewhere: {option} 127.0.0.1:0 takes any free port"),
        ),
        None => Checked::bad(
            name,
            format!("{address} is taken by a process of somebody else"),
            format!("listen elsewhere: {option} 127.0.0.1:0 takes any free port"),
        ),
    }
}

/// The process that listens on a port, by what Linux tells of it.
fn owner(port: u16) -> Option<(u32, String)> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].into_iter().filter_map(|path| fs::read_to_string(path).ok());
    let sockets: Vec<String> =
        tables.flat_map(|table| listening(&table, port)).map(|i| format!("socket:[{i}]")).collect();
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        let Some(process) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // Those of others cannot be read.
        let Ok(open) = fs::read_dir(entry.path().join("fd")) else { continue };
        let targets = open.flatten().filter_map(|file| fs::read_link(file.path()).ok());
        if targets.into_iter().any(|target| sockets.iter().any(|socket| target.as_os_str() == socket.as_str())) {
            let program = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            return Some((process, program.trim().to_owned()));
        }
    }
    None
}

/// Inodes of the sockets that listen on a port, of a table as in `proc_net_tcp(5)`.
fn listening(table: &str, port: u16) -> Vec<u64> {
    const LISTEN: &str = "0A";
    let row = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let local = fields.get(1)?.rsplit(':').next()?;
        let here = u16::from_str_radix(local, 16).ok()? == port && fields.get(3) == Some(&LISTEN);
        if here { fields.get(9)?.parse().ok() } else { None }
    };
    table.lines().skip(1).filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::doctor::Health;

    #[test]
    fn a_port_that_is_taken_names_who_has_it() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let found = port("gRPC", address, "--grpc");
        assert_eq!(found.health, Health::Bad);
        assert!(found.said.contains(&format!("process {}", std::process::id())), "{}", found.said);
        drop(listener);
        assert_eq!(port("gRPC", address, "--grpc").health, Health::Good);
    }
}

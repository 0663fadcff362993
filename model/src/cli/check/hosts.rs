//! The file of `--hosts`: an address for each process, one a line. What is wrong with it is said at
//! once: a process that waits for one that cannot exist would say so a minute later.

use std::fs;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::Path;

use super::Failure;

/// The addresses in this file.
pub(super) fn hosts(file: &Path) -> Result<Vec<String>, Failure> {
    let text = fs::read_to_string(file)
        .map_err(|error| Failure::Input(format!("cannot read {}: {error}", file.display())))?;
    let mut hosts: Vec<(usize, &str, Vec<SocketAddr>)> = Vec::new();
    let lines = (1..).zip(text.lines().map(str::trim)).filter(|(_, host)| !host.is_empty());
    for (line, host) in lines {
        let wrong =
            |what| Failure::Input(format!("{}, line {line}: {host:?} {what}", file.display()));
        let addresses = addresses(host).map_err(wrong)?;
        let is_same = |other: &&(_, _, Vec<_>)| other.2.iter().any(|it| addresses.contains(it));
        if let Some((first, ..)) = hosts.iter().find(is_same) {
            return Err(wrong(format!("is also in line {first}; give each process its own")));
        }
        hosts.push((line, host, addresses));
    }
    if hosts.len() < 2 {
        let named = file.display();
        return Err(Failure::Input(format!("{named} does not name two hosts or more")));
    }
    Ok(hosts.into_iter().map(|(_, host, _)| host.to_owned()).collect())
}

/// What a host stands for, or what is wrong with it.
fn addresses(host: &str) -> Result<Vec<SocketAddr>, String> {
    let Some((_, port)) = host.rsplit_once(':') else {
        return Err("has no port; write it as 10.0.0.1:7101".into());
    };
    if port.parse().is_ok_and(|port: u16| port > 0) {
        let found = host.to_socket_addrs().map(Iterator::collect);
        return found.map_err(|error| format!("is unknown: {error}; correct the name"));
    }
    Err(format!("has the port {port:?}; give a number from 1 to 65535"))
}

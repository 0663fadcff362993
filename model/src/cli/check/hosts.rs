//! The file of `--hosts`. What is wrong with it is said at once, and not after a search has waited
//! for a process that nobody can reach.

use std::fs;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;

/// The addresses that a file names, one a line; `process` is to be one of them.
pub(super) fn read(file: &Path, process: usize) -> Result<Vec<String>, String> {
    let named = file.display();
    let text = fs::read_to_string(file).map_err(|error| format!("cannot read {named}: {error}"))?;
    let mut hosts = Vec::new();
    let mut seen: Vec<(usize, SocketAddr)> = Vec::new();
    for (line, host) in (1..).zip(text.lines().map(str::trim)).filter(|(_, host)| !host.is_empty())
    {
        let wrong = |what: String| format!("{named}, line {line}: {host}: {what}");
        let address = resolved(host).map_err(wrong)?;
        if let Some((earlier, _)) = seen.iter().find(|(_, other)| *other == address) {
            return Err(wrong(format!("line {earlier} is the same address")));
        }
        seen.push((line, address));
        hosts.push(host.to_owned());
    }
    match hosts.len() {
        0 | 1 => Err(format!("{named} does not name two hosts or more")),
        all if process >= all => {
            Err(format!("{named} names processes 0 to {}, not {process}", all - 1))
        }
        _ => Ok(hosts),
    }
}

/// The address that others are called at.
fn resolved(host: &str) -> Result<SocketAddr, String> {
    let (name, port) = host.rsplit_once(':').ok_or("it is not HOST:PORT")?;
    if !port.parse::<u16>().is_ok_and(|port| port > 0) {
        return Err(format!("{port} is no port, from 1 to 65535"));
    }
    let unknown = || format!("nobody knows an address of {name}");
    let mut addresses =
        host.to_socket_addrs().map_err(|error| format!("{}: {error}", unknown()))?;
    addresses.next().ok_or_else(unknown)
}

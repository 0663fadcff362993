//! `raft-node init` and `raft-node check-config`.

use std::fs::File;
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::Failure;
use super::keys::{Keys, Place, Server};

/// A configuration with all keys.
pub(super) const EXAMPLE: &str = include_str!("node.toml");

/// Write an example of a configuration, with every key and what it means.
#[derive(clap::Args)]
pub(super) struct Init {
    /// The file; it is not overwritten. `-` is the standard output
    #[arg(default_value = "node.toml")]
    file: PathBuf,
}

/// Judge a configuration, or those of several servers together. Nothing is started.
///
/// With one file, variables of the environment count as they do for `run`.
///
/// Exit code: 0 if each is valid and they are of one cluster, 2 if not.
#[derive(clap::Args)]
pub(super) struct Check {
    /// The files
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

pub(super) fn init(args: &Init) -> Result<(), Failure> {
    if args.file.as_os_str() == "-" {
        return super::printed(io::stdout().write_all(EXAMPLE.as_bytes()));
    }
    let path = args.file.display();
    let written = File::create_new(&args.file).and_then(|mut it| it.write_all(EXAMPLE.as_bytes()));
    written
        .map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                format!("{path} is there already, and is not overwritten: give another name")
            }
            _ => format!("{path}: {error}"),
        })
        .map_err(|what| Failure::Input(what.into()))?;
    super::printed(writeln!(
        io::stdout(),
        "Wrote {path}. Edit cluster, id, data, key and servers; then\n  raft-node check-config {path}\n  \
         raft-node bootstrap --config {path}      (once)\n  raft-node run --config {path}"
    ))
}

const NO_KEY: &str = "no `key`: the servers start only where systemd hands them the credential \
                      cluster-key (or with `insecure`)";

pub(super) fn check(args: &Check) -> Result<(), Failure> {
    let told = if args.files.len() == 1 { Keys::of_environment() } else { Keys::default() };
    let mut notes = Vec::new();
    let mut all: Vec<(&PathBuf, Keys)> = Vec::new();
    for path in &args.files {
        let keys = told.clone().with_file(Some(path))?;
        let judged =
            keys.data().and_then(|_| keys.config(|servers| Ok(guess(servers, &mut notes))));
        let config = judged.map_err(|error| named(path, error))?;
        if keys.key.is_none() && config.needs_key(keys.insecure) {
            notes.push(NO_KEY.to_owned());
        }
        for (other, before) in &all {
            compare(before, &keys, &mut notes).map_err(|what| {
                let (other, path) = (other.display(), path.display());
                Failure::Input(format!("{other} and {path}: {what}").into())
            })?;
        }
        all.push((path, keys));
    }
    notes.sort();
    notes.dedup();
    let mut text = String::new();
    for (path, keys) in &all {
        let (cluster, id) = (keys.cluster.as_deref().unwrap_or_default(), keys.id.unwrap_or(0));
        text += &format!("{}: server {id} of {:?}: valid\n", path.display(), cluster);
    }
    for note in notes {
        text += &format!("note: {note}\n");
    }
    super::printed(io::stdout().write_all(text.as_bytes()))
}

/// The same failure, with the file that it is about.
fn named(path: &Path, failure: Failure) -> Failure {
    match failure {
        Failure::Input(error) => Failure::Input(format!("{}: {error}", path.display()).into()),
        other => other,
    }
}

/// What two servers of one cluster have in common.
fn compare(one: &Keys, other: &Keys, notes: &mut Vec<String>) -> Result<(), String> {
    let same = |what: &str, is_same: bool| {
        if is_same {
            Ok(())
        } else {
            Err(format!("`{what}` differs, and must be the same on all servers"))
        }
    };
    same("cluster", one.cluster == other.cluster)?;
    same("servers", one.servers == other.servers).map_err(|what| {
        let mut servers = one.servers.iter().zip(&other.servers);
        match servers.find(|(one, other)| one != other) {
            Some((one, other)) => format!("{what}: {one} and {other}"),
            None => what,
        }
    })?;
    same("insecure", one.insecure == other.insecure)?;
    same("protocol", one.protocol == other.protocol)?;
    same("witnesses", one.witnesses == other.witnesses)?;
    if one.id == other.id {
        return Err("`id` is the same, and each server has its own".to_owned());
    }
    for (what, is_same) in [
        ("http-servers", one.http_servers == other.http_servers),
        ("heartbeat", one.heartbeat == other.heartbeat),
        ("election", one.election == other.election),
        ("clock-error", one.clock_error == other.clock_error),
    ] {
        if !is_same {
            notes.push(format!("`{what}` differs: that is allowed, and seldom wanted"));
        }
    }
    Ok(())
}

/// An address for each server. For a name that stands for nothing here it is one that nobody has.
pub(super) fn guess(servers: &[Server], notes: &mut Vec<String>) -> Vec<(u8, SocketAddr)> {
    let mut address = |server: &Server| match (server.place.look_up(None), &server.place) {
        (Some(found), _) => found,
        (None, Place::Ip(address)) => *address,
        (None, Place::Name(name, port)) => {
            notes.push(format!("{name} stands for no address here, now"));
            SocketAddr::from((Ipv4Addr::new(192, 0, 2, server.number), *port))
        }
    };
    servers.iter().map(|server| (server.number, address(server))).collect()
}

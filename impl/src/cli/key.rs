//! `raft-node keygen` and `raft-node key rotate`: the key of a cluster, made and replaced.

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use raft_node::session::{self, Keys, file};

use super::Failure;

/// Make the key of a new cluster: 32 random bytes in a line of text, for its owner alone.
///
/// Bring this very file to all servers, and name it there by --key or the key `key`. Whoever has it
/// can speak for each of them.
#[derive(clap::Args)]
pub(super) struct Keygen {
    /// The file; it is not overwritten. `-` is the standard output
    #[arg(default_value = "cluster.key")]
    file: PathBuf,
}

/// Replace the key of a cluster that runs.
#[derive(Subcommand)]
pub(super) enum Key {
    Rotate(Rotate),
}

const EXAMPLE: &str = "\
Example, for a cluster that has cluster.key: make the next key, and bring it to all servers.

  raft-node keygen next.key

Then three steps. Do each on all servers, one after the other, and the next step only when \
`raft-node status` of all servers names the keys that this step has printed:

  raft-node key rotate accept cluster.key next.key && kill -HUP NODE
  raft-node key rotate seal cluster.key next.key && kill -HUP NODE
  raft-node key rotate drop cluster.key next.key && kill -HUP NODE

NODE is the process of the server. Nobody is interrupted: what is sealed by either key is \
understood in between. A server that has its key as a credential of systemd, as the packaged unit \
hands it over, reads it again only when it is restarted: restart the servers one after the other \
instead.";

/// Replace the key of a cluster by another one, in three steps, without an interruption.
///
/// Only the file is written. The node reads it again at SIGHUP.
///
/// Exit code: 0 if the file is as this step wants it, 1 if it cannot be written, 2 if it is not yet
/// the turn of this step.
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Rotate {
    /// What is to be done
    step: Step,
    /// The file with the key of the cluster
    file: PathBuf,
    /// The file with the next key
    next: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Step {
    /// First: what is sealed by the next key is understood, too
    Accept,
    /// Then: the next key seals, and the old one is still understood
    Seal,
    /// Last: the old key is not understood any more
    Drop,
}

pub(super) fn generate(args: &Keygen) -> Result<(), Failure> {
    let key = session::Key::random().map_err(Failure::other)?;
    if args.file.as_os_str() == "-" {
        return super::printed(io::stdout().write_all(key.to_line().as_bytes()));
    }
    let id = key.id();
    file::create(&args.file, &Keys::one(key)).map_err(Failure::input)?;
    let path = args.file.display();
    super::printed(writeln!(
        io::stdout(),
        "Wrote {path}, the key {id}.\n\
         Bring it to all servers, where only the user of the server may read it; then\n  \
         --key {path}\nor, in the configuration:\n  key = \"{path}\""
    ))
}

pub(super) fn rotate(args: &Rotate) -> Result<(), Failure> {
    let [now, next] = [&args.file, &args.next].map(|it| file::read(it).map_err(Failure::input));
    let (now, next) = (now?, next?);
    let wanted = args
        .step
        .after(&now, &next)
        .map_err(|what| Failure::Input(format!("{}: {what}", args.file.display()).into()))?;
    if wanted != now {
        file::replace(&args.file, &wanted).map_err(Failure::other)?;
    }
    let names: Vec<_> = wanted.ids().map(|id| id.to_string()).collect();
    let path = args.file.display();
    super::printed(writeln!(
        io::stdout(),
        "{path}: keys {}.\nReload this server, and then the others; then {}.",
        names.join(", "),
        match args.step {
            Step::Accept => "`seal`",
            Step::Seal => "`drop`",
            Step::Drop => "nothing is left of the old key",
        }
    ))
}

impl Step {
    /// What the file holds after this step; a step that was taken is taken.
    fn after(self, now: &Keys, next: &Keys) -> Result<Keys, &'static str> {
        let mut next = next.iter();
        let (Some(new), None) = (next.next(), next.next()) else {
            return Err("the next key is one, and its file holds two");
        };
        let held: Vec<_> = now.iter().collect();
        match (self, held.as_slice()) {
            (Self::Accept, [old]) => Keys::two((*old).clone(), new.clone())
                .map_err(|_| "the next key is the one that is there already"),
            (Self::Seal, [old, second]) if *second == new => {
                Keys::two(new.clone(), (*old).clone()).map_err(|_| "the keys are the same")
            }
            (Self::Drop, [first, _]) if *first == new => Ok(Keys::one(new.clone())),
            (Self::Accept, [_, second]) if *second == new => Ok(now.clone()),
            (Self::Seal, [first, _]) if *first == new => Ok(now.clone()),
            (Self::Drop, [only]) if *only == new => Ok(now.clone()),
            (Self::Accept, _) => Err("another key is being replaced: finish that first"),
            (Self::Seal, _) => {
                Err("the next key is not accepted yet: first `accept`, on all servers")
            }
            (Self::Drop, _) => Err("the next key does not seal yet: first `seal`, on all servers"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u8) -> session::Key {
        session::Key::new([number; 32])
    }

    fn two(first: u8, second: u8) -> Keys {
        Keys::two(key(first), key(second)).unwrap()
    }

    #[test]
    fn each_step_follows_on_the_one_before_and_can_be_done_twice() {
        let next = Keys::one(key(2));
        let states = [Keys::one(key(1)), two(1, 2), two(2, 1), Keys::one(key(2))];
        for (number, step) in [Step::Accept, Step::Seal, Step::Drop].into_iter().enumerate() {
            for (at, state) in states.iter().enumerate() {
                let wanted = &states[number + 1];
                match step.after(state, &next) {
                    Ok(after) => assert!(after == *wanted && [number, number + 1].contains(&at)),
                    Err(_) => assert!(![number, number + 1].contains(&at)),
                }
            }
        }
    }

    #[test]
    fn one_key_is_replaced_at_a_time() {
        for step in [Step::Accept, Step::Seal, Step::Drop] {
            assert!(step.after(&two(1, 3), &Keys::one(key(2))).is_err());
            assert!(step.after(&two(1, 2), &two(2, 3)).is_err());
        }
    }
}

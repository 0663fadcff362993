//! A run: the worlds that one goes through, and the moves between them; told in words, or as JSON.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use serde_json::{Value, json};

use crate::action::{Envelope, Move, Trigger};
use crate::cluster::Cluster;
use crate::election::{Ballot, Event, Role, State};
use crate::types::{ServerId, ServerSet};
pub use crate::words::sentence;

/// What is known of a server's lease, in the order of events: see `world::order`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lease {
    /// If its open round would give a lease, were it answered now: whose contact, of those that are
    /// running, began after it was opened.
    pub open: Option<ServerSet>,
    /// If a lease that it handed out may be valid: the same, of the round that gave it.
    pub valid: Option<ServerSet>,
}

impl Lease {
    /// Nothing was opened, and nothing handed out.
    pub const NONE: Self = Self { open: None, valid: None };
}

/// The state of everything at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    /// Each server's state, S1 first.
    pub servers: Vec<State>,
    /// Each server's ballot on disk, S1 first. It is written only when a step says `persist`, so
    /// that a step that forgets to say it can be seen.
    pub stored: Vec<Ballot>,
    /// Every message ever sent.
    pub sent: BTreeSet<Envelope>,
    /// What is known of each server's lease, S1 first. Always [`Lease::NONE`] where leases are not
    /// looked at.
    pub leases: Vec<Lease>,
}

impl World {
    /// The cluster that this is the world of.
    pub fn cluster(&self) -> Cluster {
        let size = u8::try_from(self.servers.len()).unwrap_or(u8::MAX);
        Cluster::new(size).expect("a world is made from a cluster")
    }

    /// The servers and their states.
    pub fn states(&self) -> impl Iterator<Item = (ServerId, &State)> {
        self.cluster().servers().zip(&self.servers)
    }

    /// The state of one server.
    pub fn state(&self, server: ServerId) -> &State {
        &self.servers[server.index()]
    }
}

/// A line a server, then what was sent.
impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (server, state) in self.states() {
            write!(f, "{server}  {state}")?;
            let stored = self.stored[server.index()];
            if stored != state.ballot {
                write!(f, "  but has stored term {}", stored.current_term)?;
                match stored.voted_for {
                    Some(candidate) => write!(f, " and a vote for {candidate}")?,
                    None => write!(f, " and no vote")?,
                }
            }
            if self.leases[server.index()].valid.is_some() {
                write!(f, "  has handed out a lease")?;
            }
            writeln!(f)?;
        }
        if !self.sent.is_empty() {
            writeln!(f, "sent so far")?;
        }
        for envelope in &self.sent {
            writeln!(f, "    {envelope}")?;
        }
        Ok(())
    }
}

/// The servers of a world, with a mark at those that changed, and what was sent since.
pub fn told(before: &World, after: &World) -> String {
    let mut text = String::new();
    for (server, line) in after.cluster().servers().zip(after.to_string().lines()) {
        let index = server.index();
        let is_changed = before.servers[index] != after.servers[index]
            || before.leases[index].valid.is_some() != after.leases[index].valid.is_some()
            || before.stored[index] != after.stored[index];
        let mark = if is_changed { '>' } else { ' ' };
        let _ = writeln!(text, "     {mark} {line}");
    }
    for envelope in after.sent.difference(&before.sent) {
        let _ = writeln!(text, "       sent {envelope}");
    }
    text
}

/// A move in words under a number, and the servers after it.
pub fn step(number: usize, before: &World, a_move: &Move, after: &World) -> String {
    let says = sentence(a_move, after.state(a_move.server));
    let (action, rule) = (a_move.action, a_move.rule);
    format!("{number:>3}. {says}.  [{action} by {rule:?}]\n{}", told(before, after))
}

/// A world, and what leads on from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Where it begins.
    pub initial: World,
    /// Each move, and the world after it.
    pub moves: Vec<(Move, World)>,
}

impl Run {
    /// The run that has not left this world yet.
    pub const fn from(initial: World) -> Self {
        Self { initial, moves: Vec::new() }
    }

    /// Where it ends.
    pub fn last(&self) -> &World {
        self.moves.last().map_or(&self.initial, |(_, world)| world)
    }

    /// Each move, with the worlds before and after it.
    pub fn steps(&self) -> impl Iterator<Item = (&World, &Move, &World)> {
        let worlds = self.moves.iter().map(|(_, world)| world);
        let before = std::iter::once(&self.initial).chain(worlds);
        before.zip(&self.moves).map(|(before, (a_move, after))| (before, a_move, after))
    }

    /// Its moves in words, the first one under this number.
    pub fn numbered(&self, first: usize) -> String {
        let steps = (first..).zip(self.steps());
        steps.map(|(number, (before, a_move, after))| step(number, before, a_move, after)).collect()
    }

    /// Its moves, each with what arrived, what was sent, and all servers after it.
    pub fn moves_as_json(&self) -> Value {
        let moves = self.steps().map(|(before, a_move, after)| {
            let mut value = json!({
                "server": a_move.server,
                "action": a_move.action,
                "rule": a_move.rule,
                "says": sentence(a_move, after.state(a_move.server)),
            });
            if let Trigger::Event(Event::Receive { from, message }) = a_move.trigger {
                value["received"] = json!({ "from": from, "message": message });
            }
            let sent = after.sent.difference(&before.sent);
            let sent =
                sent.map(|Envelope { to, message, .. }| json!({ "to": to, "message": message }));
            value["sent"] = sent.collect();
            value["servers"] = servers_as_json(after);
            value
        });
        moves.collect()
    }
}

/// All servers of a world.
pub fn servers_as_json(world: &World) -> Value {
    let servers = world.states().map(|(id, state)| {
        let mut value = json!({
            "server": id,
            "term": state.ballot.current_term,
            "voted_for": state.ballot.voted_for,
            "role": state.role.to_string(),
        });
        match state.role {
            Role::Follower { contact: false } | Role::LEADER => {}
            Role::Follower { contact } => value["contact"] = json!(contact),
            Role::PreCandidate { votes, .. } | Role::Candidate { votes } => {
                value["votes"] = json!(votes);
            }
            Role::Leader { round, answered, beats } => {
                value["round"] = json!(round);
                value["answered"] = json!(answered);
                value["beats"] = json!(beats);
            }
            Role::Returning { heard, newest } => {
                value["heard"] = json!(heard);
                value["newest"] = json!(newest);
            }
        }
        value
    });
    servers.collect()
}

/// The story of a run from the beginning: each move, and each server after it.
impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  0. Everybody starts.")?;
        write!(f, "{}{}", told(&self.initial, &self.initial), self.numbered(1))
    }
}

//! Runs told in words: who did what by which rule, and what each server is after it.

use std::fmt::{self, Write};

use crate::action::Envelope;
use crate::action::Move;
use crate::types::ServerId;
use crate::words::sentence;
use crate::world::World;

impl fmt::Display for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to {
            Some(to) => write!(f, "{} → {to}: {}", self.from, self.message),
            None => write!(f, "{} → all: {}", self.from, self.message),
        }
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

/// Moves told one after the other, from this number on.
pub(crate) fn numbered<'a>(
    first: usize,
    mut before: &'a World,
    moves: &'a [(Move, World)],
) -> String {
    let mut text = String::new();
    for (number, (a_move, after)) in (first..).zip(moves) {
        let sentence = sentence(a_move, after.state(a_move.server));
        let _ =
            writeln!(text, "{number:>3}. {sentence}.  [{} by {:?}]", a_move.action, a_move.rule);
        text.push_str(&told(before, after));
        before = after;
    }
    text
}

/// The servers of a world, with a mark at those that changed, and what was sent since.
pub fn told(before: &World, after: &World) -> String {
    let mut text = String::new();
    let lines = after.to_string();
    let servers: Vec<ServerId> = after.cluster().servers().collect();
    for (server, line) in servers.into_iter().zip(lines.lines()) {
        let index = server.index();
        let is_changed = before.servers[index] != after.servers[index]
            || before.stored[index] != after.stored[index];
        let mark = if is_changed { '>' } else { ' ' };
        let _ = writeln!(text, "     {mark} {line}");
    }
    for envelope in after.sent.difference(&before.sent) {
        let _ = writeln!(text, "       sent {envelope}");
    }
    text
}

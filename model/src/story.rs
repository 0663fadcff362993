//! Runs told in words: who did what by which rule, and what each server is after it.

use std::fmt::{self, Write};

use crate::action::{Action, Cause, Move};
use crate::election::{Event, Role, Rule, State};
use crate::liveness::class::{Class, Classes};
use crate::liveness::lasso::{End, Lasso};
use crate::message::Message;
use crate::search::Counterexample;
use crate::types::ServerId;
use crate::world::{Envelope, World};

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RequestVote { term } => write!(f, "RequestVote (term {term})"),
            Self::RequestVoteResponse { term, vote_granted: true } => {
                write!(f, "RequestVoteResponse (term {term}, vote granted)")
            }
            Self::RequestVoteResponse { term, vote_granted: false } => {
                write!(f, "RequestVoteResponse (term {term}, vote refused)")
            }
            Self::AppendEntries { term } => write!(f, "AppendEntries (term {term})"),
            Self::AppendEntriesResponse { term } => {
                write!(f, "AppendEntriesResponse (term {term})")
            }
        }
    }
}

impl fmt::Display for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to {
            Some(to) => write!(f, "{} → {to}: {}", self.from, self.message),
            None => write!(f, "{} → all: {}", self.from, self.message),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Follower => "follower",
            Self::Candidate { .. } => "candidate",
            Self::Leader => "leader",
        })
    }
}

/// "term 1  candidate  voted for S1  has votes of {S1}"
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "term {}  {:<9}", self.ballot.current_term, self.role.to_string())?;
        match self.ballot.voted_for {
            Some(candidate) => write!(f, "  voted for {candidate}")?,
            None => write!(f, "  has not voted")?,
        }
        if let Role::Candidate { votes } = self.role {
            write!(f, "  has votes of {votes}")?;
        }
        Ok(())
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

/// What the page of the Explorer and other short lists show.
impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server, cause, action, rule } = self;
        match cause {
            Cause::Event(Event::Receive { from, message }) => {
                let by = if *action == Action::BecomeLeader { "by the vote of" } else { "from" };
                write!(f, "{server} {action} {by} {from}, term {} [{rule:?}]", message.term())
            }
            Cause::Event(Event::Timeout) | Cause::Restart => {
                write!(f, "{server} {action} [{rule:?}]")
            }
        }
    }
}

/// What a server did and why, in one sentence without its end.
pub fn sentence(a_move: &Move, after: &State) -> String {
    let id = a_move.server;
    let term = after.ballot.current_term;
    let from = match a_move.cause {
        Cause::Event(Event::Receive { from, .. }) => from,
        Cause::Event(Event::Timeout) | Cause::Restart => id,
    };
    match a_move.rule {
        Rule::Started => format!("{id} crashes and comes up again"),
        Rule::Campaigned => {
            format!("{id} hears no leader: it campaigns in term {term} and votes for itself")
        }
        Rule::Elected if from == id => {
            format!("{id} needs no vote but its own: it leads term {term}")
        }
        Rule::Elected => format!("{id} has the vote of {from} and a quorum: it leads term {term}"),
        Rule::HeartbeatSent => format!("{id} says that it leads term {term}"),
        Rule::TermsExhausted => format!("{id} cannot campaign: there is no term after {term}"),
        Rule::VoteGranted => format!("{id} grants {from} its vote in term {term}"),
        Rule::VoteRefused => format!("{id} refuses {from} its vote: term {term} has it already"),
        Rule::VoteCounted => format!("{id} counts the vote of {from}, which makes no quorum yet"),
        Rule::VoteNotCounted => {
            format!("{id} does not stand, and does not count the vote of {from}")
        }
        Rule::RefusalHeard => format!("{id} hears that {from} refuses its vote"),
        Rule::HeartbeatAccepted => format!("{id} follows {from}, the leader of term {term}"),
        Rule::SteppedDown => {
            format!(
                "{id} has lost the election of term {term}: it follows {from}, and keeps its vote"
            )
        }
        Rule::RivalIgnored => format!("{id} ignores {from}, a second leader of its own term"),
        Rule::HeartbeatAnswered => format!("{id} hears the answer of {from} to a heartbeat"),
        Rule::StaleRequestRefused => format!("{id} tells {from} that it is term {term} by now"),
        Rule::StaleResponseIgnored => format!("{id} ignores what {from} said in an older term"),
        Rule::NewerTermAdopted => format!("{id} learns from {from} of term {term}, and follows"),
    }
}

/// The story of a counterexample: each move, and each server after it.
impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  0. Everybody starts.")?;
        write!(f, "{}", told(&self.initial, &self.initial))?;
        write!(f, "{}", numbered(1, &self.initial, &self.moves))
    }
}

/// The story of a run that violates a property of liveness.
impl fmt::Display for Lasso {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = self.stem.last().map_or(&self.initial, |(_, world)| world);
        let step = self.stem.len();
        writeln!(f, "  0. Everybody starts.")?;
        write!(f, "{}", told(&self.initial, &self.initial))?;
        write!(f, "{}", numbered(1, &self.initial, &self.stem))?;
        if !self.assumptions.dead.is_empty() {
            writeln!(f, "     Never to move again: {}.", self.assumptions.dead)?;
        }
        let (moves, made, ever, always) = match &self.end {
            End::Trap { reachable } => {
                return writeln!(f, "     None of the {reachable} worlds to come has a leader.");
            }
            End::Cycle { moves, made, ever, always } => (moves, *made, *ever, *always),
        };
        if moves.is_empty() {
            writeln!(f, "     Nothing happens any more.")?;
        } else {
            writeln!(
                f,
                "     What follows repeats for ever, in terms that may be higher each time."
            )?;
            write!(f, "{}", numbered(step + 1, start, moves))?;
            writeln!(f, "     And so on, as after step {step}.")?;
        }
        let named = |classes: Classes| {
            let names: Vec<_> = classes.codes().map(|c| Class::from_code(c).to_string()).collect();
            if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
        };
        writeln!(f, "     The assumptions hold, and it is fair. Of what is owed something:")?;
        writeln!(f, "       happens            {}", named(made.and(ever)))?;
        writeln!(f, "       possible, at times {}", named(ever.without(made).without(always)))?;
        writeln!(f, "       possible, always   {}", named(always.without(made)))
    }
}

/// Moves told one after the other, from this number on.
fn numbered<'a>(first: usize, mut before: &'a World, moves: &'a [(Move, World)]) -> String {
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

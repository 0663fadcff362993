//! What a server is, does and says, in words: roles, states, moves and messages.

use std::fmt;

use crate::action::{Action, Envelope, Move, Trigger};
use crate::election::{Event, Role, Rule, State};
use crate::message::Message;

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

/// "S1 → all: `RequestVote` (term 1)"
impl fmt::Display for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to {
            Some(to) => write!(f, "{} → {to}: {}", self.from, self.message),
            None => write!(f, "{} → all: {}", self.from, self.message),
        }
    }
}

impl Role {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Follower => "follower",
            Self::Candidate { .. } => "candidate",
            Self::Leader => "leader",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
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

/// What the page of the Explorer and other short lists show.
impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server, trigger, action, rule } = self;
        match trigger {
            Trigger::Event(Event::Receive { from, message }) => {
                let by = if *action == Action::BecomeLeader { "by the vote of" } else { "from" };
                write!(f, "{server} {action} {by} {from}, term {} [{rule:?}]", message.term())
            }
            Trigger::Event(Event::Timeout) | Trigger::Restart => {
                write!(f, "{server} {action} [{rule:?}]")
            }
        }
    }
}

/// What a server did and why, in one sentence without its end.
pub fn sentence(a_move: &Move, after: &State) -> String {
    let id = a_move.server;
    let term = after.ballot.current_term;
    let from = match a_move.trigger {
        Trigger::Event(Event::Receive { from, .. }) => from,
        Trigger::Event(Event::Timeout) | Trigger::Restart => id,
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

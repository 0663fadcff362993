//! What a server is, does and says, in words: roles, states, moves and messages.

use std::fmt;

use crate::action::{Action, Envelope, Move, Trigger};
use crate::election::{Event, Role, Rule, State};
use crate::message::Message;
use crate::types::{Round, Term};

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RequestVote { term, hand_over: false } => {
                write!(f, "RequestVote (term {term})")
            }
            Self::RequestVote { term, hand_over: true } => {
                write!(f, "RequestVote (term {term}, handed over)")
            }
            Self::RequestVoteResponse { term, vote_granted: true } => {
                write!(f, "RequestVoteResponse (term {term}, vote granted)")
            }
            Self::RequestVoteResponse { term, vote_granted: false } => {
                write!(f, "RequestVoteResponse (term {term}, vote refused)")
            }
            Self::AppendEntries { term, round: Round::FIRST } => {
                write!(f, "AppendEntries (term {term})")
            }
            Self::AppendEntries { term, round } => {
                write!(f, "AppendEntries (term {term}, round {round})")
            }
            Self::AppendEntriesResponse { term, round: None } => {
                write!(f, "AppendEntriesResponse (term {term})")
            }
            Self::AppendEntriesResponse { term, round: Some(round) } => {
                write!(f, "AppendEntriesResponse (term {term}, round {round})")
            }
            Self::PreVote { term, attempt } => {
                write!(f, "PreVote (term {term}, attempt {attempt})")
            }
            Self::PreVoteResponse { term, vote_granted: true, attempt } => {
                write!(f, "PreVoteResponse (term {term}, attempt {attempt}, would vote)")
            }
            Self::PreVoteResponse { term, vote_granted: false, attempt } => {
                write!(f, "PreVoteResponse (term {term}, attempt {attempt}, would not vote)")
            }
            Self::HandOver { term } => write!(f, "HandOver (term {term})"),
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
            Self::Follower { .. } => "follower",
            Self::PreCandidate { .. } => "pre-candidate",
            Self::Candidate { .. } => "candidate",
            Self::Leader { .. } => "leader",
            Self::Returning { .. } => "returning",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// "term 1  candidate      voted for S1  has votes of {S1}"
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "term {}  {:<13}", self.ballot.current_term, self.role.to_string())?;
        match self.ballot.voted_for {
            Some(candidate) => write!(f, "  voted for {candidate}")?,
            None => write!(f, "  has not voted")?,
        }
        match self.role {
            Role::Follower { contact: false } | Role::LEADER => Ok(()),
            Role::Follower { contact: true } => write!(f, "  is in contact"),
            Role::PreCandidate { votes, .. } => write!(f, "  would have votes of {votes}"),
            Role::Candidate { votes } => write!(f, "  has votes of {votes}"),
            Role::Leader { round, answered, .. } => {
                write!(f, "  round {round} is answered by {answered}")
            }
            Role::Returning { heard, newest } => {
                write!(f, "  has heard {heard}, term {newest} at most")
            }
        }
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
            Trigger::Event(Event::HandOver { to }) => {
                write!(f, "{server} {action} to {to} [{rule:?}]")
            }
            Trigger::Event(Event::TermHeard { from, term }) => {
                write!(f, "{server} {action} from {from}, term {term} [{rule:?}]")
            }
            Trigger::Event(Event::Timeout { .. }) | Trigger::Restart | Trigger::LoseDisk => {
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
        Trigger::Event(Event::Receive { from, .. } | Event::TermHeard { from, .. }) => from,
        Trigger::Event(Event::HandOver { to }) => to,
        Trigger::Event(Event::Timeout { .. }) | Trigger::Restart | Trigger::LoseDisk => id,
    };
    match a_move.rule {
        Rule::Started => format!("{id} crashes and comes up again"),
        Rule::Campaigned => campaigned(a_move, term),
        Rule::Elected if from == id => {
            format!("{id} needs no vote but its own: it leads term {term}")
        }
        Rule::Elected => format!("{id} has the vote of {from} and a quorum: it leads term {term}"),
        Rule::HeartbeatSent => format!("{id} says that it leads term {term}"),
        Rule::TermsExhausted => format!("{id} cannot campaign: there is no term after {term}"),
        Rule::WitnessWaits => format!("{id} hears no leader, and never campaigns: it is a witness"),
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
                "{id} gives up: it follows {from}, the leader of term {term}, and keeps its vote"
            )
        }
        Rule::RivalIgnored => format!("{id} ignores {from}, a second leader of its own term"),
        Rule::HeartbeatAnswered => format!("{id} hears the answer of {from} to a heartbeat"),
        Rule::StaleRequestRefused => format!("{id} tells {from} that it is term {term} by now"),
        Rule::StaleResponseIgnored => format!("{id} ignores what {from} said in an older term"),
        Rule::NewerTermAdopted => format!("{id} learns from {from} of term {term}, and follows"),
        Rule::ContactLost => format!("{id} has heard no leader for a minimum election timeout"),
        Rule::ContactKept => format!("{id} is in contact, and refuses {from} its vote"),
        Rule::PreCampaigned => format!("{id} hears no leader: it asks whether it would be elected"),
        Rule::PreVoteGranted => format!("{id} would vote for {from}, and says so"),
        Rule::PreVoteRefused => {
            format!("{id} would not vote for {from}, and says that it is in term {term}")
        }
        Rule::PreVoteCounted => {
            format!("{id} would have the vote of {from}, which makes no quorum yet")
        }
        Rule::PreVoteNotCounted => format!("{id} does not ask any more what {from} answers"),
        Rule::RoundOpened => format!("{id}, the leader of term {term}, opens a round"),
        Rule::AnswerCounted => {
            format!("{id} counts the answer of {from}, which makes no quorum yet")
        }
        Rule::RoundAnswered => {
            format!("{id} has the answer of {from}, and its round those of a quorum")
        }
        Rule::QuorumLost => format!("{id} has no answer of a quorum, and leaves office"),
        Rule::HandedOver => {
            format!("{id} gives up term {term} for good, and asks {from} to take over")
        }
        Rule::HandOverIgnored => not_handed_over(a_move, term),
        Rule::DiskLost => format!("{id} loses its disk, and asks every other server for its term"),
        Rule::TermHeard => format!("{id} hears from {from} what its term is, and waits for others"),
        Rule::Returned => {
            format!("{id} has heard {from}, too: it is back in term {term}, whose vote is spent")
        }
        Rule::TermNotAsked => format!("{id} has not asked {from} for its term"),
        Rule::NotBack => format!("{id} has lost its disk, and takes no notice"),
    }
}

/// Why a server does not hand over, or does not take over.
fn not_handed_over(a_move: &Move, term: Term) -> String {
    let id = a_move.server;
    match a_move.trigger {
        Trigger::Event(Event::Receive { from, message }) if message.term() < term => {
            format!("{id} is in term {term} by now, and does not take over from {from}")
        }
        Trigger::Event(Event::Receive { from, .. }) => {
            format!("{id} is a witness, and does not take over from {from}")
        }
        Trigger::Event(Event::HandOver { to }) => format!(
            "{id} cannot hand over to {to}: it does not lead, there is no later term, or {to} is a \
             witness"
        ),
        Trigger::Event(Event::Timeout { .. } | Event::TermHeard { .. })
        | Trigger::Restart
        | Trigger::LoseDisk => {
            format!("{id} hands nothing over")
        }
    }
}

/// Why a server campaigns.
fn campaigned(a_move: &Move, term: Term) -> String {
    let id = a_move.server;
    match a_move.trigger {
        Trigger::Event(Event::Receive { from, message: Message::HandOver { .. } }) => {
            format!("{id} takes over from {from}: it campaigns in term {term} and votes for itself")
        }
        Trigger::Event(Event::Receive { from, .. }) => format!(
            "{id} would have the vote of {from} and a quorum: it campaigns in term {term} and votes \
             for itself"
        ),
        Trigger::Event(
            Event::Timeout { .. } | Event::HandOver { .. } | Event::TermHeard { .. },
        )
        | Trigger::Restart
        | Trigger::LoseDisk => {
            format!("{id} hears no leader: it campaigns in term {term} and votes for itself")
        }
    }
}

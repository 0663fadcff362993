//! The text of a module of TLA+ that tells the steps of servers, for `tla/TraceRaftElection.tla`.

use crate::action::{Action, Envelope, Trigger};
use crate::cluster::Cluster;
use crate::election::{Ballot, Event, Role, State, Step};
use crate::message::Message;
use crate::types::{Beats, ServerId, ServerSet};

/// A step, as a module tells it.
#[derive(Clone, Debug)]
pub struct Told {
    /// What TLC calls it, if it rejects it.
    pub at: String,
    /// Whose step it is.
    pub server: ServerId,
    /// How many heartbeats it waits for its quorum if it leads.
    pub patience: Beats,
    /// What it was, or what it found on its disk when it came up.
    pub before: Result<State, Ballot>,
    /// What happened to it.
    pub trigger: Trigger,
    /// What it did.
    pub step: Step,
}

/// A module that tells these steps of a cluster, and in its first line what they are. Its name has
/// to be that of its file.
pub fn module(
    name: &str,
    what: &str,
    cluster: Cluster,
    steps: impl Iterator<Item = Told>,
) -> String {
    let protocol = cluster.protocol();
    let records: Vec<_> = steps.map(|step| record(&step)).collect();
    format!(
        "---- MODULE {name} ----\n\
         \\* {what}; for `tla/tlc`.\n\
         EXTENDS TraceRaftElection\n\n\
         TraceServer      == {}\n\
         TracePreVote     == {}\n\
         TraceCheckQuorum == {}\n\
         TraceWitness     == {}\n\
         TraceRecords == <<\n{}\n>>\n\n\
         TraceSpec == TraceInit /\\ [][TraceNext(TraceRecords)]_traceVars\n\
         ====\n",
        set(cluster.servers().collect()),
        boolean(protocol.pre_vote()),
        boolean(protocol.check_quorum()),
        set(cluster.witnesses()),
        records.join(",\n")
    )
}

fn record(Told { at, server, patience, before, trigger, step }: &Told) -> String {
    let action = match (before, trigger) {
        (Ok(before), Trigger::Event(event)) => Action::of(before, *event, &step.state),
        (_, Trigger::LoseDisk) => Action::LoseDisk,
        _ => Action::Restart,
    };
    let before = match before {
        Ok(before) => state(before),
        Err(stored) => format!("Disk({}, {})", stored.current_term, vote(stored.voted_for)),
    };
    let received = match *trigger {
        Trigger::Event(Event::Receive { from, message }) => {
            let to = (!message.is_request()).then_some(*server);
            Some(Envelope { from, to, message })
        }
        Trigger::Event(
            Event::Timeout { .. } | Event::HandOver { .. } | Event::TermHeard { .. },
        )
        | Trigger::Restart
        | Trigger::LoseDisk => None,
    };
    format!(
        "    Record(\"{}\", \"{server}\", \"{action}\", {patience},\n        {before},\n        {},\n        {}, {}, {})",
        quoted(at),
        state(&step.state),
        boolean(step.persist),
        messages(received),
        messages(Envelope::of(*server, step.outgoing)),
    )
}

/// A string of TLA+ knows no letters but those of ASCII.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect()
}

fn state(State { ballot, role }: &State) -> String {
    let role = match *role {
        Role::Follower { contact } => format!("Follower({})", boolean(contact)),
        Role::PreCandidate { attempt, votes } => {
            format!("PreCandidate(\"{attempt}\", {})", set(votes))
        }
        Role::Candidate { votes } => format!("Candidate({})", set(votes)),
        Role::Leader { round, answered, beats } => {
            format!("Leader({round}, {}, {beats})", set(answered))
        }
        Role::Returning { heard, newest } => format!("Returning({}, {newest})", set(heard)),
    };
    format!("State({}, {}, {role})", ballot.current_term, vote(ballot.voted_for))
}

fn set(servers: ServerSet) -> String {
    let servers: Vec<_> = servers.iter().map(|server| format!("\"{server}\"")).collect();
    format!("{{{}}}", servers.join(", "))
}

const fn boolean(value: bool) -> &'static str {
    if value { "TRUE" } else { "FALSE" }
}

fn vote(voted_for: Option<ServerId>) -> String {
    voted_for.map_or("Nil".to_owned(), |candidate| format!("\"{candidate}\""))
}

/// A set of one message, or of none. An attempt is a name there: TLC's numbers are small.
fn messages(envelope: Option<Envelope>) -> String {
    let Some(Envelope { from, to, message }) = envelope else { return "{}".to_owned() };
    // Only a request has none.
    let to = to.map_or("Nil".to_owned(), |to| format!("\"{to}\""));
    let told = match message {
        Message::RequestVote { term, hand_over } => {
            format!("RequestVote(\"{from}\", {term}, {})", boolean(hand_over))
        }
        Message::RequestVoteResponse { term, vote_granted } => {
            format!("RequestVoteResponse(\"{from}\", {to}, {term}, {})", boolean(vote_granted))
        }
        Message::AppendEntries { term, round } => {
            format!("AppendEntries(\"{from}\", {term}, {round})")
        }
        Message::AppendEntriesResponse { term, round } => {
            let round = round.map_or("NoRound".to_owned(), |round| round.to_string());
            format!("AppendEntriesResponse(\"{from}\", {to}, {term}, {round})")
        }
        Message::PreVote { term, attempt } => {
            format!("PreVoteRequest(\"{from}\", {term}, \"{attempt}\")")
        }
        Message::PreVoteResponse { term, vote_granted, attempt } => {
            let granted = boolean(vote_granted);
            format!("PreVoteResponse(\"{from}\", {to}, {term}, {granted}, \"{attempt}\")")
        }
        Message::HandOver { term } => format!("HandOverOrder(\"{from}\", {to}, {term})"),
    };
    format!("{{{told}}}")
}

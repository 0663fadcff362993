//! What a step does to the state of everything: the caller obeys, persist first, then send; and the
//! network forgets nothing.

use std::fmt::Write;

use super::election::{Outgoing, Role, Step};
use super::logic::VARIABLES;
use super::message::Message;
use super::types::{ServerId, Term};

/// What becomes of the part of a variable that belongs to the server which makes the step.
#[derive(PartialEq, Eq)]
enum Change {
    /// It stays as it is.
    Kept,
    /// It becomes this, in terms of the parameters `c` and `t`.
    Becomes(String),
    /// Where this is true, it becomes true.
    Adds(String),
}

/// What a step does to a variable.
fn change(variable: &str, step: &Step) -> Change {
    let ballot = step.state.ballot;
    let term = || Change::Becomes(format!("{:?}", ballot.current_term));
    let vote = || {
        Change::Becomes(match ballot.voted_for {
            Some(candidate) => format!("(= c {candidate:?})"),
            None => "false".to_owned(),
        })
    };
    match variable {
        "current_term" => term(),
        "voted_for" => vote(),
        // On a disk that is lost there is nothing.
        "stored_term" if step.persist || step.state.role.is_returning() => term(),
        "stored_vote" if step.persist || step.state.role.is_returning() => vote(),
        "stored_term" | "stored_vote" => Change::Kept,
        "candidate" => {
            Change::Becomes(matches!(step.state.role, Role::Candidate { .. }).to_string())
        }
        "leader" => Change::Becomes(matches!(step.state.role, Role::Leader { .. }).to_string()),
        "votes" => Change::Becomes(match step.state.role {
            Role::Candidate { votes } => format!("({votes:?} c)"),
            Role::Follower { .. }
            | Role::PreCandidate { .. }
            | Role::Leader { .. }
            | Role::Returning { .. } => "false".to_owned(),
        }),
        "returning" => Change::Becomes(step.state.role.is_returning().to_string()),
        "heard" => Change::Becomes(match step.state.role {
            Role::Returning { heard, .. } => format!("({heard:?} c)"),
            _ => "false".to_owned(),
        }),
        "newest" => match step.state.role {
            Role::Returning { newest, .. } => Change::Becomes(format!("{newest:?}")),
            _ => Change::Kept,
        },
        "request_vote" | "vote_granted" | "append_entries" => match sent(&step.outgoing) {
            Some((to, what)) => added(variable, to, what),
            None => Change::Kept,
        },
        other => panic!("what a step does to {other} is not said here"),
    }
}

/// Whether two steps do the same to a variable.
pub(super) fn is_same(variable: &str, one: &Step, other: &Step) -> bool {
    change(variable, one) == change(variable, other)
}

/// The message that a step sends, and to whom if it is not for everybody.
pub(super) fn sent(outgoing: &Outgoing) -> Option<(Option<ServerId>, Message)> {
    match *outgoing {
        Outgoing::Nothing => None,
        Outgoing::Reply { to, message } | Outgoing::Order { to, message } => {
            Some((Some(to), message))
        }
        Outgoing::Broadcast { message } => Some((None, message)),
    }
}

/// What a message adds to the messages of a kind.
fn added(variable: &str, to: Option<ServerId>, message: Message) -> Change {
    let of = |term: Term| format!("(= t {term:?})");
    let (remembered_in, what) = match message {
        Message::RequestVote { term, .. } => ("request_vote", of(term)),
        Message::AppendEntries { term, .. } => ("append_entries", of(term)),
        Message::RequestVoteResponse { term, vote_granted: true } => match to {
            Some(to) => ("vote_granted", format!("(and (= t {term:?}) (= c {to:?}))")),
            None => ("vote_granted", of(term)),
        },
        // Paths begin with their arrival whether or not anybody sent them.
        Message::RequestVoteResponse { vote_granted: false, .. }
        | Message::AppendEntriesResponse { .. }
        | Message::PreVote { .. }
        | Message::PreVoteResponse { .. }
        | Message::HandOver { .. } => return Change::Kept,
    };
    if variable == remembered_in { Change::Adds(what) } else { Change::Kept }
}

/// The parameters of a variable: the server that it belongs to, then a term, a round, another
/// server.
pub(super) fn parameters(of: &[&str]) -> (String, String) {
    let names = of.iter().enumerate().map(|(place, sort)| match (place, *sort) {
        (0, _) => "s",
        (_, "Term") => "t",
        (_, "Round") => "n",
        _ => "c",
    });
    let typed: Vec<_> =
        names.clone().zip(of).map(|(name, sort)| format!("({name} {sort})")).collect();
    (typed.join(" "), names.collect::<Vec<_>>().join(" "))
}

/// The state after a step of the server `me`, from the state before it.
pub(super) fn after(step: &Step) -> String {
    let mut text = String::new();
    for variable in &VARIABLES {
        let (typed, names) = parameters(variable.of);
        let (name, sort) = (variable.name, variable.sort);
        let before = format!("({name} {names})");
        let after = match change(name, step) {
            Change::Kept => before,
            Change::Becomes(value) => format!("(ite (= s me) {value} {before})"),
            Change::Adds(value) => format!("(or {before} (and (= s me) {value}))"),
        };
        let _ = writeln!(text, "(define-fun after.{name} ({typed}) {sort} {after})");
    }
    text
}

/// The state at the beginning, when every server has come up by this step and nothing was sent
/// before.
pub(super) fn initial(step: &Step) -> String {
    let mut text = String::new();
    for variable in &VARIABLES {
        let (typed, _) = parameters(variable.of);
        let (name, sort) = (variable.name, variable.sort);
        let _ = match change(name, step) {
            Change::Becomes(value) | Change::Adds(value) => {
                writeln!(text, "(define-fun {name} ({typed}) {sort} (let ((me s)) {value}))")
            }
            // What was on a disk before is anything; and nobody is returning.
            Change::Kept if name.starts_with("stored") || name == "newest" => {
                writeln!(text, "(declare-fun {name} ({}) {sort})", variable.of.join(" "))
            }
            Change::Kept => writeln!(text, "(define-fun {name} ({typed}) {sort} false)"),
        };
    }
    text
}

//! What a step does to what leases rest on.

use std::fmt::Write;

use super::super::effect::{self, parameters, sent};
use super::super::election::{Effect, Outgoing, Role, Step};
use super::super::logic;
use super::super::message::Message;
use super::super::situation::{Occurrence, Situation};
use super::super::types::{Round, ServerSet};
use super::state::VARIABLES;

/// A step, and what it means for leases.
#[derive(Clone, Copy)]
pub(super) struct Means {
    pub(super) step: Step,
    pub(super) effect: Effect,
    /// How many sets of servers turned out to be quorums on the way.
    pub(super) agreed: usize,
}

/// What the quorum is called that turned out to be in a set, the first one, or the second, … If a
/// server is elected, or a round confirmed, the last one says so: even for a server that leads
/// alone, which has its own vote.
pub(super) fn quorum(number: usize) -> String {
    format!("agreed{number}")
}

impl Means {
    /// The open round after it, and who has answered that.
    fn open(&self) -> Option<(Round, ServerSet)> {
        match self.step.state.role {
            Role::Leader { round, answered, .. } => Some((round, answered)),
            Role::Follower { .. }
            | Role::PreCandidate { .. }
            | Role::Candidate { .. }
            | Role::Returning { .. } => None,
        }
    }

    /// That this round, of that server, is the one that is open after it.
    fn is_open(&self, server: &str) -> Option<String> {
        let term = self.step.state.ballot.current_term;
        self.open()
            .map(|(round, _)| format!("(and (= {server} me) (= t {term:?}) (= n {round:?}))"))
    }

    /// The value of a variable after it, in terms of its parameters; none if it stays as it is.
    fn value(&self, variable: &str) -> Option<String> {
        let Self { step, effect, agreed } = self;
        let term = step.state.ballot.current_term;
        match variable {
            "contact" => {
                let contact = matches!(step.state.role, Role::Follower { contact: true });
                Some(format!("(ite (= s me) {contact} (contact s))"))
            }
            "open_round" => {
                self.open().map(|(round, _)| format!("(ite (= s me) {round:?} (open_round s))"))
            }
            "answers" => self
                .open()
                .map(|(_, answered)| format!("(ite (= s me) ({answered:?} c) (answers s c))")),
            "has_voted" => step.state.ballot.voted_for.map(|candidate| {
                format!("(or (has_voted s t c) (and (= s me) (= t {term:?}) (= c {candidate:?})))")
            }),
            "has_led" => {
                self.open().map(|_| format!("(or (has_led s t) (and (= s me) (= t {term:?})))"))
            }
            "electors" => self.open().filter(|_| *agreed > 0).map(|_| {
                let electors = quorum(*agreed);
                format!("(ite (and (= s me) (= t {term:?}) (not (has_led s t))) {electors} (electors s t))")
            }),
            "opened" => self.opens("s").map(|is_new| format!("(or (opened s t n) {is_new})")),
            // Its time is counted from now on.
            "over" => self.opens("s").map(|is_new| format!("(and (over s t n) (not {is_new}))")),
            "since" => {
                let is_new = self.opens("c").unwrap_or_else(|| "false".to_owned());
                match effect.contact {
                    Some(true) => Some(format!(
                        "(and (ite (= s me) (opened c t n) (since s c t n)) (not {is_new}))"
                    )),
                    Some(false) | None if !effect.opens => None,
                    Some(false) | None => Some(format!("(and (since s c t n) (not {is_new}))")),
                }
            }
            "lease" if effect.gives_up => Some("(and (lease s t n) (not (= s me)))".to_owned()),
            "lease" => {
                let confirms = self.is_open("s").filter(|_| effect.confirms);
                confirms.map(|is_open| format!("(or (lease s t n) {is_open})"))
            }
            "witnesses" => {
                let confirms = self.is_open("s").filter(|_| effect.confirms && *agreed > 0);
                let witnesses = quorum(*agreed);
                confirms.map(|is_open| format!("(ite {is_open} {witnesses} (witnesses s t n))"))
            }
            "handed" | "heartbeat" | "answer" | "hand_over" => self.added(variable),
            other => panic!("what a step does to {other} is not said here"),
        }
    }

    /// That this round, of that server, is one that it opens.
    fn opens(&self, server: &str) -> Option<String> {
        self.is_open(server).filter(|_| self.effect.opens)
    }

    /// What the message that it sends adds to those of a kind.
    fn added(&self, variable: &str) -> Option<String> {
        let (to, message) = sent(&self.step.outgoing)?;
        let (remembered_in, names, what) = match message {
            Message::RequestVote { term, hand_over: true } => {
                ("handed", "s t", format!("(= t {term:?})"))
            }
            Message::AppendEntries { term, round } => {
                ("heartbeat", "s t n", format!("(= t {term:?}) (= n {round:?})"))
            }
            Message::AppendEntriesResponse { term, round: Some(round) } => {
                let to = to.map(|to| format!("(= c {to:?}) ")).unwrap_or_default();
                ("answer", "s c t n", format!("{to}(= t {term:?}) (= n {round:?})"))
            }
            Message::HandOver { term } => ("hand_over", "s t", format!("(= t {term:?})")),
            // Nothing about leases depends on these.
            Message::RequestVote { hand_over: false, .. }
            | Message::RequestVoteResponse { .. }
            | Message::AppendEntriesResponse { round: None, .. }
            | Message::PreVote { .. }
            | Message::PreVoteResponse { .. } => return None,
        };
        let is_it = variable == remembered_in;
        is_it.then(|| format!("(or ({variable} {names}) (and (= s me) {what}))"))
    }
}

/// The state after a step, from the state before it.
pub(super) fn after(means: &Means) -> String {
    let mut text = effect::after(&means.step);
    for variable in &VARIABLES {
        let (typed, names) = parameters(variable.of);
        let (name, sort) = (variable.name, variable.sort);
        let value = means.value(name).unwrap_or_else(|| format!("({name} {names})"));
        let _ = writeln!(text, "(define-fun after.{name} ({typed}) {sort} {value})");
    }
    text
}

/// The state when every server has come up by this step for the first time. Before it there was
/// nothing.
pub(super) fn initial(means: &Means) -> String {
    let mut text = effect::initial(&means.step);
    for variable in &VARIABLES {
        let (typed, _) = parameters(variable.of);
        let (name, sort) = (variable.name, variable.sort);
        let _ = match (name, sort) {
            ("contact", _) => {
                let value = means.value(name).expect("it says who is in contact");
                let value = value.replace("(contact s)", "false");
                writeln!(text, "(define-fun {name} ({typed}) {sort} (let ((me s)) {value}))")
            }
            // Nobody leads yet.
            ("open_round" | "electors" | "witnesses", _) => {
                writeln!(text, "(declare-fun {name} ({}) {sort})", variable.of.join(" "))
            }
            _ => writeln!(text, "(define-fun {name} ({typed}) {sort} false)"),
        };
    }
    text
}

/// The state after some time: more rounds may be over.
pub(super) fn later() -> String {
    let mut text = "(declare-fun passes (Server Term Round) Bool)\n".to_owned();
    for variable in logic::VARIABLES.iter().chain(&VARIABLES) {
        let (typed, names) = parameters(variable.of);
        let (name, sort) = (variable.name, variable.sort);
        let value = match name {
            "over" => "(or (over s t n) (passes s t n))".to_owned(),
            _ => format!("({name} {names})"),
        };
        let _ = writeln!(text, "(define-fun after.{name} ({typed}) {sort} {value})");
    }
    text
}

/// The variables that a step from this situation may change.
pub(super) fn changed(situation: Situation, means: &Means) -> Vec<&'static str> {
    let restarts = situation.occurrence == Occurrence::Restart;
    let before = situation.before();
    let outgoing = Outgoing::Nothing;
    let stays = Step { state: before, persist: false, outgoing, ..means.step };
    let of_election = logic::VARIABLES.iter().map(|variable| variable.name);
    let of_election =
        of_election.filter(|name| restarts || !effect::is_same(name, &stays, &means.step));
    let mut changed: Vec<_> = of_election.collect();
    let ballot = changed.contains(&"current_term") || changed.contains(&"voted_for");
    let leader = changed.contains(&"current_term") || changed.contains(&"leader");
    let was = Means { step: stays, ..*means };
    let of_leases = VARIABLES.iter().map(|variable| variable.name).filter(|&name| match name {
        "contact" | "open_round" | "answers" => means.value(name) != was.value(name),
        "has_voted" => ballot && means.value(name).is_some(),
        "has_led" | "electors" => leader && means.value(name).is_some(),
        _ => means.value(name).is_some(),
    });
    let of_leases: Vec<_> = of_leases.collect();
    changed.extend(of_leases);
    changed
}

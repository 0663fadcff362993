//! What has to be proved of leases, as files: one for the beginning, one for time, one for each
//! situation, and one for what follows.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::super::cluster::Cluster;
use super::super::election::{Effect, Handlers, Rule, Step};
use super::super::file::{File, LookedFor};
use super::super::invariant;
use super::super::logic::{self, Variable, comment};
use super::super::obligation::{self, EXCLUDED, POSSIBLE, begin, told};
use super::super::oracle::{Note, Path, Question, assumed_of_rounds, every_path, written};
use super::super::situation::{Occurrence, Situation, Standing, me};
use super::super::solver::Answer;
use super::effect::{self, Means};
use super::invariant::{CLOCKS, DEFINITIONS, FIRST, LEASE_SAFETY, LEASES, Statement};
use super::state::{AXIOMS, SIGNATURE, VARIABLES};

/// Everything that has to be proved of leases. That its paths are possible is asked of the
/// specification only.
pub(in crate::proof) fn files(handlers: Handlers, is_specification: bool) -> Vec<File> {
    let mut files = vec![initially(handlers), time_passes()];
    files.extend(situations().map(|situation| keeps(situation, handlers, is_specification)));
    if is_specification {
        let possible = situations().map(|situation| possible(situation, handlers));
        files.extend(possible.filter(|file| !file.obligations.is_empty()));
    }
    files.push(safety());
    files
}

/// Every situation of servers that keep their disks.
pub(in crate::proof) fn situations() -> impl Iterator<Item = Situation> {
    Situation::all().filter(|Situation { occurrence, standing, .. }| {
        !matches!(occurrence, Occurrence::LoseDisk | Occurrence::HearTerm)
            && *standing != Standing::Returning
    })
}

/// The paths with check-quorum, without which there is no lease: each with what its step means.
fn paths(step: impl Fn() -> Means) -> Vec<(Path, Means)> {
    let paths = every_path(|| Cluster.protocol().check_quorum().then(&step));
    let paths = paths.into_iter().filter_map(|(path, means)| {
        let agreed = path.notes.iter().filter(|note| is_quorum(note)).count();
        Some((path, Means { agreed, ..means? }))
    });
    paths.collect()
}

/// Whether a set turned out to be a quorum.
const fn is_quorum(note: &Note) -> bool {
    matches!(note, Note::Decided { question: Question::Quorum(_), answer: true })
}

fn means(step: Step, situation: Option<Situation>) -> Means {
    let event = situation.and_then(Situation::event);
    Means { step, effect: Effect::of(&me(), event, &step), agreed: 0 }
}

/// The words that have one meaning before a step and another after it.
fn of_the_state() -> Vec<&'static str> {
    let variables = logic::VARIABLES.iter().chain(&VARIABLES).map(|variable| variable.name);
    variables.chain(DEFINITIONS.iter().map(|definition| definition.name)).collect()
}

fn preamble() -> String {
    let mut text = logic::preamble() + SIGNATURE;
    logic::assume(&mut text, &AXIOMS);
    text
}

/// The state before a step, and what else is known of it.
fn before() -> String {
    let mut text = preamble() + &logic::state(&logic::VARIABLES) + &logic::state(&VARIABLES);
    text += &logic::define(&DEFINITIONS);
    // Proved for elections, of which no more is needed; and what follows from the invariant.
    let of_elections =
        |conjunct: &&invariant::Conjunct| matches!(conjunct.name, "OnDisk" | "VotedForItself");
    let of_elections = invariant::INVARIANT.iter().filter(of_elections);
    let of_elections =
        of_elections.map(|conjunct| (conjunct.name, conjunct.says, conjunct.formula));
    let led_once = LEASE_SAFETY.iter().find(|(statement, _)| statement.name == "LedOnce");
    let led_once =
        led_once.map(|(statement, _)| (statement.name, statement.says, statement.formula));
    for (name, says, formula) in of_elections.chain(led_once) {
        comment(&mut text, &format!("{name}: {says}"));
        let _ = writeln!(text, "(assert {formula})");
    }
    text
}

/// The invariant, before a step.
fn assume_all(text: &mut String) {
    for Statement { formula, .. } in &LEASES {
        let _ = writeln!(text, "(assert {formula})");
    }
}

fn initially(handlers: Handlers) -> File {
    let says = "Every server has come up for the first time: the invariant of leases holds.";
    let mut file = File::new("Lease_Initially", says).by(LookedFor::Proofs);
    file.text += &preamble();
    let paths = paths(|| means((handlers.start)(&me(), None), None));
    for (number, (path, means)) in (1..).zip(&paths) {
        let label = (number, format!("{:?}", means.step.rule));
        let _ = write!(file.text, "\n; Path {number}.\n{}(push 1)\n", told(&means.step));
        walk(&mut file.text, path);
        file.text += &effect::initial(means);
        file.text += &logic::define(&DEFINITIONS);
        for statement in &LEASES {
            file.follows(statement.name, statement.formula, Some(&label));
        }
        file.text += "(pop 1)\n";
    }
    file
}

/// Time passes, and nobody does anything.
fn time_passes() -> File {
    let says = "The invariant of leases holds, and time passes: it holds again.";
    let mut file = File::new("Lease_TimePasses", says).by(LookedFor::Proofs);
    file.text += &before();
    file.text += &effect::later();
    ask(&mut file, &["over"], None);
    file
}

/// Asks of every conjunct that one of these variables could change whether it still holds, if it
/// held before, and those that stand before it. Of more, solvers lose their way.
fn ask(file: &mut File, changed: &[&str], path: Option<&(usize, String)>) {
    let of_the_state = of_the_state();
    file.text += &logic::define_after(&DEFINITIONS, &of_the_state);
    for statement in &LEASES {
        let _ = writeln!(file.text, "(assert {}) ; {}", statement.formula, statement.name);
        if speaks_of(statement.formula).iter().any(|word| changed.contains(word)) {
            let formula = logic::after(statement.formula, &of_the_state);
            file.follows(statement.name, &formula, path);
        }
    }
}

/// What is kept for leases of which this statement speaks; nothing if it is about elections.
pub(in crate::proof) fn variables_of(statement: &str) -> Vec<&'static Variable> {
    let all = LEASES.iter().chain(LEASE_SAFETY.iter().map(|(statement, _)| statement));
    let words: BTreeSet<_> = all
        .filter(|other| other.name == statement)
        .flat_map(|statement| speaks_of(statement.formula))
        .collect();
    VARIABLES.iter().filter(|variable| words.contains(variable.name)).collect()
}

/// The words of a formula, and those that they mean.
fn speaks_of(formula: &'static str) -> BTreeSet<&'static str> {
    let mut words: BTreeSet<_> = logic::words(formula).collect();
    for definition in &DEFINITIONS {
        if words.contains(definition.name) {
            words.extend(speaks_of(definition.formula));
        }
    }
    words
}

/// That no path from a situation leaves the invariant.
fn keeps(situation: Situation, handlers: Handlers, is_specification: bool) -> File {
    let says = "The invariant of leases holds, and a server makes a step: it holds again.";
    let mut file = begin_at(format!("Lease_{situation}"), says, situation);
    for (path, means, label) in taken(situation, handlers) {
        enter(&mut file, &path, &means, &label);
        file.text += &effect::after(&means);
        ask(&mut file, &effect::changed(situation, &means), Some(&label));
        if is_specification && is_excluded(situation, &means.step) {
            file.question(EXCLUDED.0, "", Some(&label), Answer::Unsat);
        }
        file.text += "(pop 1)\n";
    }
    file
}

/// That there are worlds in which each path from a situation is taken.
fn possible(situation: Situation, handlers: Handlers) -> File {
    let says = "The invariant of leases holds, and a server makes a step: that can be so.";
    let mut file =
        begin_at(format!("Lease_possible_{situation}"), says, situation).by(LookedFor::Models);
    assume_all(&mut file.text);
    for (path, means, label) in taken(situation, handlers) {
        if obligation::is_excluded(situation, &path, &means.step)
            || is_excluded(situation, &means.step)
            || is_alone(situation, &means.step)
        {
            continue;
        }
        enter(&mut file, &path, &means, &label);
        let sorts = [("Server", 2), ("Term", 3), ("Quorum", 1), ("Round", 2)];
        file.question(POSSIBLE.0, &logic::exactly(&sorts), Some(&label), Answer::Sat);
        file.text += "(pop 1)\n";
    }
    file
}

fn begin_at(name: String, says: &str, situation: Situation) -> File {
    let mut file = File::new(name, says).by(LookedFor::Proofs);
    file.text += &before();
    begin(&mut file, situation);
    rounds(&mut file.text, situation);
    logic::assume(&mut file.text, &situation.conditions_of_leases());
    file
}

/// The paths from a situation, and what to call each.
fn taken(situation: Situation, handlers: Handlers) -> Vec<(Path, Means, (usize, String))> {
    let paths = paths(|| means(situation.step(handlers), Some(situation)));
    let label = |number, means: &Means| (number, format!("{:?}", means.step.rule));
    (1..).zip(paths).map(|(number, (path, means))| (path, means, label(number, &means))).collect()
}

/// What is known where a path was taken.
fn enter(file: &mut File, path: &Path, means: &Means, label: &(usize, String)) {
    let _ = write!(file.text, "\n; Path {}.\n{}(push 1)\n", label.0, told(&means.step));
    walk(&mut file.text, path);
    if means.effect.loses_contact {
        comment(&mut file.text, CLOCKS.1);
        let _ = writeln!(file.text, "(assert {})", CLOCKS.2);
    }
}

/// Whether leadership is handed over to a server whose own vote is a quorum. That is nothing to be
/// shown: of majorities it is the only server then, and nobody else can lead.
const fn is_alone(situation: Situation, step: &Step) -> bool {
    matches!((situation.occurrence, step.rule), (Occurrence::ReceiveHandOver, Rule::Elected))
}

/// Whether the invariant of leases excludes this path of the specification: an answer in a term
/// that its receiver has not reached, or has not led; leadership that is handed over to who leads.
const fn is_excluded(situation: Situation, step: &Step) -> bool {
    matches!(
        (situation.occurrence, situation.standing, step.rule),
        (Occurrence::AppendEntriesAnswered, _, Rule::NewerTermAdopted)
            | (Occurrence::AppendEntriesAnswered, Standing::Candidate, Rule::HeartbeatAnswered)
            | (Occurrence::ReceiveHandOver, _, Rule::RivalIgnored)
    )
}

/// The round of a leader, and that of the message which arrives.
fn rounds(text: &mut String, situation: Situation) {
    if situation.standing == Standing::Leader {
        text.push_str(
            "; The round that it has open, and the answers that it has counted.\n\
             (define-fun open () Round (open_round me))\n\
             (define-fun counted ((s Server)) Bool (answers me s))\n",
        );
    }
    match situation.occurrence {
        Occurrence::AppendEntries | Occurrence::AppendEntriesAnswered => {
            text.push_str("; The round that the message is about.\n(declare-const round Round)\n");
        }
        _ => {}
    }
}

/// The conditions under which a path is taken. What follows from them was asked of the same code
/// where it is about elections.
fn walk(text: &mut String, path: &Path) {
    let mut agreed = 0;
    for note in &path.notes {
        let _ = match note {
            Note::Set { name, member } => {
                writeln!(text, "(define-fun {name} ((s Server)) Bool {member})")
            }
            Note::Later { name, than } => writeln!(
                text,
                "(declare-const {name} Term)\n(assert (older {than} {name}))\n\
                 (assert (= (previous {name}) {than}))"
            ),
            Note::NextRound { name, than } => writeln!(text, "(assert (sooner {than} {name}))"),
            Note::Decided { question: Question::Quorum(set), answer: true } => {
                agreed += 1;
                let name = effect::quorum(agreed);
                let set = written(*set);
                writeln!(
                    text,
                    "(declare-const {name} Quorum)\n\
                     (assert (forall ((s Server)) (=> (member s {name}) ({set} s))))"
                )
            }
            Note::Decided { question, answer } => match assumed_of_rounds(*question, *answer) {
                Some(formula) => writeln!(text, "(assert {formula})"),
                None => Ok(()),
            },
            Note::Implied(_) => Ok(()),
        };
    }
}

fn safety() -> File {
    let says = "The invariant of leases holds: so leases are safe.";
    let mut file = File::new("Lease_Safety", says).by(LookedFor::Proofs);
    file.text += &preamble();
    file.text += &(logic::state(&logic::VARIABLES) + &logic::state(&VARIABLES));
    file.text += &logic::define(&DEFINITIONS);
    for (statement, needs) in &LEASE_SAFETY {
        comment(&mut file.text, &format!("{}, from {}", statement.says, needs.join(", ")));
        let known = LEASES.iter().chain([&FIRST]).chain(LEASE_SAFETY.iter().map(|(s, _)| s));
        let needed = known.filter(|known| needs.contains(&known.name));
        let mut premise = String::new();
        for Statement { formula, .. } in needed {
            let _ = writeln!(premise, "(assert {formula})");
        }
        let _ = writeln!(premise, "(assert (not {}))", statement.formula);
        file.question(statement.name, &premise, None, Answer::Unsat);
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::protocol::election::{Outgoing, Step};
    use crate::proof::protocol::message::Message;

    #[test]
    fn what_is_stored_or_sent_has_changed_though_the_server_stays_as_it_is() {
        let all = Situation::all().flat_map(|situation| {
            let taken = taken(situation, Handlers::RAFT);
            taken.into_iter().map(move |(_, means, _)| (situation, means))
        });
        let is_idle =
            |(situation, means): &(Situation, Means)| effect::changed(*situation, means).is_empty();
        let (situation, idle) = all.into_iter().find(is_idle).expect("some steps change nothing");
        let step = Step { persist: true, ..idle.step };
        let stored = effect::changed(situation, &Means { step, ..idle });
        assert!(stored.contains(&"stored_term"), "{stored:?}");
        let term = idle.step.state.ballot.current_term;
        let message = Message::RequestVote { term, hand_over: false };
        let step = Step { outgoing: Outgoing::Broadcast { message }, ..idle.step };
        let sent = effect::changed(situation, &Means { step, ..idle });
        assert!(sent.contains(&"request_vote"), "{sent:?}");
    }
}

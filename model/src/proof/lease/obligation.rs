//! What has to be proved of leases, as files: one for the beginning, one for time, one for each
//! situation, and one for what follows.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::super::cluster::Cluster;
use super::super::election::{Effect, Handlers, Step};
use super::super::invariant;
use super::super::logic::{self, comment};
use super::super::obligation::{File, POSSIBLE, begin, is_excluded, told};
use super::super::oracle::{Note, Path, assumed_of_rounds, every_path};
use super::super::situation::{Occurrence, Situation, Standing, me};
use super::super::solver::Answer;
use super::effect::{self, Means};
use super::invariant::{CLOCKS, DEFINITIONS, FIRST, LEASE_SAFETY, LEASES, Statement};
use super::state::{AXIOMS, SIGNATURE, VARIABLES};

/// Everything that has to be proved of leases. That its paths are possible is asked of the
/// specification only.
pub(in crate::proof) fn files(handlers: Handlers, is_specification: bool) -> Vec<File> {
    let mut files = vec![initially(handlers), time_passes()];
    files.extend(Situation::all().map(|situation| keeps(situation, handlers, is_specification)));
    files.push(safety());
    files
}

/// The paths with check-quorum, without which there is no lease: each with what its step means.
fn paths(step: impl Fn() -> Means) -> Vec<(Path, Means)> {
    let paths = every_path(|| Cluster.protocol().check_quorum().then(&step));
    paths.into_iter().filter_map(|(path, means)| Some((path, means?))).collect()
}

fn means(step: Step, situation: Option<Situation>) -> Means {
    let event = situation.and_then(Situation::event);
    Means { step, effect: Effect::of(&me(), event, &step) }
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

/// The state before a step, and the invariant of it.
fn before() -> String {
    let mut text = preamble() + &logic::state(&logic::VARIABLES) + &logic::state(&VARIABLES);
    text += &logic::define(&DEFINITIONS);
    // Proved for elections. Of theirs, no other is needed.
    let on_disk = invariant::INVARIANT.iter().find(|conjunct| conjunct.name == "OnDisk");
    let on_disk = on_disk.map(|conjunct| (conjunct.name, conjunct.says, conjunct.formula));
    let own = LEASES.iter().chain(led_once());
    let own = own.map(|Statement { name, says, formula }| (*name, *says, *formula));
    for (name, says, formula) in on_disk.into_iter().chain(own) {
        comment(&mut text, &format!("{name}: {says}"));
        let _ = writeln!(text, "(assert {formula})");
    }
    text
}

/// What follows from the invariant, and helps to show that it is kept.
fn led_once() -> impl Iterator<Item = &'static Statement> {
    LEASE_SAFETY.iter().map(|(statement, _)| statement).filter(|s| s.name == "LedOnce")
}

fn initially(handlers: Handlers) -> File {
    let says = "Every server has come up for the first time: the invariant of leases holds.";
    let mut file = File::new("Lease_Initially", says);
    file.text += &preamble();
    let paths = paths(|| means((handlers.start)(&me(), None), None));
    file.paths = paths.len();
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
    let mut file = File::new("Lease_TimePasses", says);
    file.text += &before();
    file.text += &effect::later();
    ask(&mut file, &["over"], None);
    file
}

/// Asks of every conjunct that one of these variables could change whether it still holds.
fn ask(file: &mut File, changed: &[&str], path: Option<&(usize, String)>) {
    let of_the_state = of_the_state();
    file.text += &logic::define_after(&DEFINITIONS, &of_the_state);
    for statement in &LEASES {
        if speaks_of(statement.formula).iter().any(|word| changed.contains(word)) {
            let formula = logic::after(statement.formula, &of_the_state);
            file.follows(statement.name, &formula, path);
        }
    }
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
    let mut file = File::new(format!("Lease_{situation}"), says);
    file.text += &before();
    begin(&mut file, situation);
    rounds(&mut file.text, situation);
    logic::assume(&mut file.text, &situation.conditions_of_leases());
    let paths = paths(|| means(situation.step(handlers), Some(situation)));
    file.paths = paths.len();
    for (number, (path, means)) in (1..).zip(&paths) {
        let label = (number, format!("{:?}", means.step.rule));
        let count = paths.len();
        let _ = write!(file.text, "\n; Path {number} of {count}.\n{}(push 1)\n", told(&means.step));
        walk(&mut file.text, path);
        if means.effect.loses_contact {
            comment(&mut file.text, CLOCKS.1);
            let _ = writeln!(file.text, "(assert {})", CLOCKS.2);
        }
        if is_specification && !is_excluded(situation, path, &means.step) {
            let sorts = [("Server", 2), ("Term", 3), ("Quorum", 1), ("Round", 2)];
            let example = logic::exactly(&sorts);
            file.question(POSSIBLE.0, &example, Some(&label), Answer::Sat);
        }
        file.text += &effect::after(means);
        ask(&mut file, &effect::changed(situation, means), Some(&label));
        file.text += "(pop 1)\n";
    }
    file
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
            Note::Decided { question, answer } => match assumed_of_rounds(*question, *answer) {
                Some(formula) => writeln!(text, "(assert {formula})"),
                None => Ok(()),
            },
            Note::Implied(_) => Ok(()),
        };
    }
}

fn safety() -> File {
    let mut file = File::new("Lease_Safety", "The invariant of leases holds: so leases are safe.");
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

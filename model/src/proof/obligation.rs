//! What has to be proved, as files that a solver reads: one for the beginning, two for each
//! situation, one for what follows from the invariant, one for the lemma about majorities.

use std::fmt::Write;

use super::effect;
use super::election::Handlers;
use super::election::{Role, Rule, Step};
use super::file::{File, LookedFor};
use super::invariant::{Conjunct, DEFINITIONS, INVARIANT, SAFETY, TERM_NEVER_DECREASES};
use super::logic::{self, VARIABLES, comment};
use super::message::Message;
use super::oracle::{Note, Path, Question, assumed};
use super::situation::{Occurrence, Situation, Standing, first_start, not_considered};
use super::solver::Answer;

/// That what the symbols were taken to answer follows from what they had answered before.
pub const IMPLIED: (&str, &str) = (
    "AnswerImplied",
    "What code was told without a question, on a path, follows from what it had asked before.",
);

/// That the proof is not about nothing.
pub const POSSIBLE: (&str, &str) =
    ("PathPossible", "There are worlds that satisfy the invariant in which this path is taken.");

/// That paths are not taken of which the specification says so.
pub const EXCLUDED: (&str, &str) = (
    "PathExcluded",
    "The invariant excludes this path: of a candidate or a leader that has not voted for itself, or \
     votes for another in its own term; of a leader that hears another one of its term; of an \
     answer to who has not led its term; of leadership handed over to who leads that term; of a \
     server that has a ballot, or a term, or restarts with its disk, though that is lost.",
);

/// That the proof is about everything that happens: demanded, in vain, of a path that leads to what
/// no path begins with. Of the specification there is none.
pub const CONSIDERED: (&str, &str) = (
    "NextConsidered",
    "Whatever a path leads to, and whatever it sends, paths begin from there too.",
);

/// Everything that has to be proved of an election. That its paths are possible is asked of the
/// specification only: what mistakes make of it is of no interest.
pub(super) fn files(handlers: Handlers, is_specification: bool) -> Vec<File> {
    files_from(&Situation::all().collect::<Vec<_>>(), handlers, is_specification)
}

/// The same, if only these situations were considered.
pub(super) fn files_from(
    beginnings: &[Situation],
    handlers: Handlers,
    is_specification: bool,
) -> Vec<File> {
    let mut files = vec![initially(handlers, beginnings)];
    let keeps = |situation: &Situation| keeps(*situation, beginnings, handlers, is_specification);
    files.extend(beginnings.iter().map(keeps));
    if is_specification {
        let possible = beginnings.iter().map(|situation| possible(*situation, handlers));
        files.extend(possible.filter(|file| !file.obligations.is_empty()));
    }
    files.push(safety());
    files
}

/// Demands what cannot be, of a path that leads to where no path begins.
fn considered(
    file: &mut File,
    step: &Step,
    beginnings: &[Situation],
    path: Option<&(usize, String)>,
) {
    if let Some(missing) = not_considered(step, beginnings) {
        comment(&mut file.text, &missing);
        file.follows(CONSIDERED.0, "false", path);
    }
}

fn initially(handlers: Handlers, beginnings: &[Situation]) -> File {
    let mut file = File::new(
        "Initially",
        "Every server has come up for the first time, and nothing else was sent: the invariant holds.",
    );
    file.text += &logic::preamble();
    let paths = first_start(handlers);
    file.paths = paths.len();
    for (number, (path, step)) in (1..).zip(&paths) {
        // The servers of a cluster have the same guards: so all of them take the same path.
        let label = (number, format!("{:?}", step.rule));
        enter(&mut file, (number, paths.len()), step);
        walk(&mut file, path, Some(&label));
        file.text += &effect::initial(step);
        file.text += &logic::define(&DEFINITIONS);
        for conjunct in &INVARIANT {
            file.follows(conjunct.name, conjunct.formula, Some(&label));
        }
        considered(&mut file, step, beginnings, Some(&label));
        file.text += "(pop 1)\n";
    }
    file
}

fn safety() -> File {
    let mut file = File::new("Safety", "The invariant holds: so safety does.");
    file.text += &before();
    for conjunct in &SAFETY {
        comment(&mut file.text, conjunct.says);
        file.follows(conjunct.name, conjunct.formula, None);
    }
    file
}

/// That no path from a situation leaves the invariant.
fn keeps(
    situation: Situation,
    beginnings: &[Situation],
    handlers: Handlers,
    is_specification: bool,
) -> File {
    let says = "The invariant holds, and a server makes a step: the invariant holds again.";
    // Of a mistake, what breaks it is of interest.
    let by = if is_specification { LookedFor::Proofs } else { LookedFor::Models };
    let mut file = begin_at(situation.to_string(), says, situation).by(by);
    let of_the_state = of_the_state();
    let paths = situation.paths(handlers);
    file.paths = paths.len();
    for (number, (path, step)) in (1..).zip(&paths) {
        let label = (number, format!("{:?}", step.rule));
        enter(&mut file, (number, paths.len()), step);
        walk(&mut file, path, Some(&label));
        considered(&mut file, step, beginnings, Some(&label));
        if is_specification && is_excluded(situation, path, step) {
            file.question(EXCLUDED.0, "", Some(&label), Answer::Unsat);
        }
        file.text += &effect::after(step);
        file.text += &logic::define_after(&DEFINITIONS, &of_the_state);
        for conjunct in &INVARIANT {
            let formula = logic::after(conjunct.formula, &of_the_state);
            file.follows(conjunct.name, &formula, Some(&label));
        }
        file.follows(TERM_NEVER_DECREASES.0, TERM_NEVER_DECREASES.2, Some(&label));
        file.text += "(pop 1)\n";
    }
    file
}

/// That there are worlds in which each path from a situation is taken, but for those that the
/// invariant excludes.
fn possible(situation: Situation, handlers: Handlers) -> File {
    let says = "The invariant holds, and a server makes a step: that can be so.";
    let mut file = begin_at(format!("possible_{situation}"), says, situation);
    let paths = situation.paths(handlers);
    for (number, (path, step)) in (1..).zip(&paths) {
        if is_excluded(situation, path, step) {
            continue;
        }
        enter(&mut file, (number, paths.len()), step);
        walk(&mut file, path, None);
        let example = logic::exactly(&[("Server", 2), ("Term", 3), ("Quorum", 1)]);
        let label = (number, format!("{:?}", step.rule));
        file.question(POSSIBLE.0, &example, Some(&label), Answer::Sat);
        file.text += "(pop 1)\n";
    }
    file
}

/// A file about steps from a situation.
fn begin_at(name: String, says: &str, situation: Situation) -> File {
    let mut file = File::new(name, says);
    file.text += &before();
    begin(&mut file, situation);
    if situation.standing == Standing::Leader {
        file.text +=
            "; The answers that it has counted: any.\n(declare-fun counted (Server) Bool)\n";
    }
    file
}

/// The head of one of so many paths.
fn enter(file: &mut File, (number, of): (usize, usize), step: &Step) {
    let _ = write!(file.text, "\n; Path {number} of {of}.\n{}(push 1)\n", told(step));
}

/// The server that makes a step, and what happens to it.
pub(super) fn begin(file: &mut File, situation: Situation) {
    file.text += "; The server that makes the step.\n(declare-const me Server)\n";
    if situation.occurrence.is_told() {
        file.text += "; Who tells it something, and the term.\n";
        file.text += "(declare-const from Server)\n(declare-const term Term)\n";
    }
    if situation.has_voted {
        file.text += "; Who has its vote.\n(declare-const voted Server)\n";
    }
    file.text += match situation.standing {
        Standing::Candidate => {
            "; The votes that it has counted.\n\
             (define-fun counted ((s Server)) Bool (votes me s))\n"
        }
        Standing::PreCandidate => {
            "; The pre-votes that it has counted: any.\n(declare-fun counted (Server) Bool)\n"
        }
        Standing::Returning => {
            "; The servers that it has heard.\n\
             (define-fun counted ((s Server)) Bool (heard me s))\n"
        }
        Standing::Follower | Standing::FollowerInContact | Standing::Leader => "",
    };
    if situation.occurrence == Occurrence::HandOver {
        file.text += "; Who shall take over.\n(declare-const to Server)\n";
    }
    logic::assume(&mut file.text, &situation.conditions());
}

/// The state before a step, and the invariant of it.
fn before() -> String {
    let mut text = logic::preamble() + &logic::state(&VARIABLES) + &logic::define(&DEFINITIONS);
    for Conjunct { name, says, formula, .. } in &INVARIANT {
        comment(&mut text, &format!("{name}: {says}"));
        let _ = writeln!(text, "(assert {formula})");
    }
    text
}

/// The words that have one meaning before a step and another after it.
fn of_the_state() -> Vec<&'static str> {
    let variables = VARIABLES.iter().map(|variable| variable.name);
    variables.chain(DEFINITIONS.iter().map(|definition| definition.name)).collect()
}

/// The conditions under which a path is taken. What was told without a question is asked, if it has
/// a label.
fn walk(file: &mut File, path: &Path, label: Option<&(usize, String)>) {
    for note in &path.notes {
        let text = &mut file.text;
        let _ = match note {
            Note::Set { name, member } => {
                writeln!(text, "(define-fun {name} ((s Server)) Bool {member})")
            }
            Note::Later { name, than } => {
                writeln!(text, "(declare-const {name} Term)\n(assert (older {than} {name}))")
            }
            // Only leases depend on rounds.
            Note::NextRound { .. } => Ok(()),
            Note::Decided { question, answer } => match assumed(*question, *answer) {
                Some(formula) => writeln!(text, "(assert {formula})"),
                None => Ok(()),
            },
            Note::Implied(formula) => {
                if label.is_some() {
                    file.follows(IMPLIED.0, formula, label);
                }
                Ok(())
            }
        };
    }
}

/// Whether this path of the specification is only there because code is total.
pub(super) fn is_excluded(situation: Situation, path: &Path, step: &Step) -> bool {
    match situation.standing {
        Standing::Candidate | Standing::Leader => {}
        Standing::Returning => {
            // It has no term: so a term that it hears, and that is newer than any, is another one.
            let is = |is_it: fn(&Question) -> bool| {
                path.notes.iter().any(|note| {
                    matches!(note, Note::Decided { question, answer: true } if is_it(question))
                })
            };
            let is_newer = is(|question| matches!(question, Question::Older(..)));
            let is_its_own = is(|question| matches!(question, Question::SameTerm(..)));
            return situation.has_voted
                || situation.occurrence == Occurrence::Restart
                || (is_newer && is_its_own);
        }
        Standing::Follower | Standing::FollowerInContact | Standing::PreCandidate => return false,
    }
    // Its vote is its own: so it has one, and whoever asks for it has it not.
    let is_of_another = path.notes.iter().any(|note| {
        matches!(note, Note::Decided { question: Question::SameServer(..), answer: true })
    });
    let hears_rival = situation.occurrence == Occurrence::AppendEntries
        && matches!(step.rule, Rule::RivalIgnored);
    !situation.has_voted || is_of_another || hears_rival
}

/// A step, in words.
pub(super) fn told(step: &Step) -> String {
    let ballot = step.state.ballot;
    let role = match step.state.role {
        Role::Follower { contact: false } => "a follower".to_owned(),
        Role::Follower { contact: true } => "a follower in contact".to_owned(),
        Role::PreCandidate { votes, .. } => format!("a pre-candidate with the votes {votes:?}"),
        Role::Candidate { votes } => format!("a candidate with the votes {votes:?}"),
        Role::Leader { round, .. } => format!("a leader in round {round:?}"),
        Role::Returning { heard, newest } => {
            format!("returning, has heard {heard:?}, and of term {newest:?} at most")
        }
    };
    let vote = match ballot.voted_for {
        Some(candidate) => format!("voted for {candidate:?}"),
        None => "has not voted".to_owned(),
    };
    let persists = if step.persist { "persists its ballot" } else { "does not persist" };
    let sends = match effect::sent(&step.outgoing) {
        None => "nothing".to_owned(),
        Some((to, message)) => {
            let to = to.map_or_else(|| "everybody".to_owned(), |to| format!("{to:?}"));
            format!("{} to {to}", sent(message))
        }
    };
    format!(
        "; {:?}: it is {role}, in term {:?}, {vote}.\n; It {persists}; it sends {sends}.\n",
        step.rule, ballot.current_term
    )
}

fn sent(message: Message) -> String {
    let (name, term) = match message {
        Message::RequestVote { term, hand_over: false } => ("RequestVote", term),
        Message::RequestVote { term, hand_over: true } => ("RequestVote, handed over,", term),
        Message::RequestVoteResponse { term, vote_granted: true } => ("a granted vote", term),
        Message::RequestVoteResponse { term, vote_granted: false } => ("a refusal", term),
        Message::AppendEntries { term, .. } => ("AppendEntries", term),
        Message::AppendEntriesResponse { term, .. } => ("AppendEntriesResponse", term),
        Message::PreVote { term, .. } => ("PreVote", term),
        Message::PreVoteResponse { term, vote_granted: true, .. } => ("a granted pre-vote", term),
        Message::PreVoteResponse { term, vote_granted: false, .. } => ("a refused pre-vote", term),
        Message::HandOver { term } => ("HandOver", term),
    };
    format!("{name} of term {term:?}")
}

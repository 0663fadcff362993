//! What has to be proved, as files that a solver reads: one for the beginning, one for each
//! situation, one for what follows from the invariant, one for the lemma about majorities.

use std::fmt::Write;
use std::ops::Range;

use super::effect;
use super::election::Handlers;
use super::election::{Role, Rule, Step};
use super::invariant::{Conjunct, DEFINITIONS, INVARIANT, SAFETY, TERM_NEVER_DECREASES};
use super::logic::{self, VARIABLES, comment};
use super::message::Message;
use super::oracle::{Note, Path, Question, assumed};
use super::situation::{Occurrence, Situation, Standing, first_start, not_considered};
use super::solver::Answer;

/// Something that a solver has to confirm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obligation {
    /// What is shown by it: the name of a conjunct, of a property or of a lemma, or one of
    /// [`IMPLIED`], [`POSSIBLE`] and [`EXCLUDED`].
    pub name: &'static str,
    /// On which path, if it is about one: its number in the file, from 1, and its rule.
    pub path: Option<(usize, String)>,
    /// What the solver has to answer.
    pub expected: Answer,
    /// Where the question stands in the file.
    pub(super) at: Range<usize>,
}

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
     answer to who has not led its term; of leadership handed over to who leads that term.",
);

/// That the proof is about everything that happens: demanded, in vain, of a path that leads to what
/// no path begins with. Of the specification there is none.
pub const CONSIDERED: (&str, &str) = (
    "NextConsidered",
    "Whatever a path leads to, and whatever it sends, paths begin from there too.",
);

/// A file for a solver.
#[derive(Clone, Debug)]
pub struct File {
    /// Its name, without an extension.
    pub name: String,
    /// Its text, in SMT-LIB.
    pub text: String,
    /// What it asks, in this order.
    pub obligations: Vec<Obligation>,
    /// How many paths of the election it is about.
    pub paths: usize,
    /// How answers are looked for.
    pub(super) looked_for: LookedFor,
}

/// What is looked for to answer the questions of a file. Whatever is found is right; but of
/// questions of one kind, one way finds nothing, or takes for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LookedFor {
    /// Small models.
    Models,
    /// Instances that refute each other.
    Proofs,
}

impl File {
    pub(super) fn new(name: impl Into<String>, says: &str) -> Self {
        let mut text = String::new();
        comment(&mut text, says);
        let looked_for = LookedFor::Models;
        Self { name: name.into(), text, obligations: Vec::new(), paths: 0, looked_for }
    }

    /// The same, with answers that are looked for in this way.
    pub(super) fn by(self, looked_for: LookedFor) -> Self {
        Self { looked_for, ..self }
    }

    /// Demands that a formula follows from what stands before it.
    pub(super) fn follows(
        &mut self,
        name: &'static str,
        formula: &str,
        path: Option<&(usize, String)>,
    ) {
        let premise = format!("(assert (not {formula}))\n");
        self.question(name, &premise, path, Answer::Unsat);
    }

    /// Asks whether what stands before it can be so, on this premise.
    pub(super) fn question(
        &mut self,
        name: &'static str,
        premise: &str,
        path: Option<&(usize, String)>,
        expected: Answer,
    ) {
        let start = self.text.len();
        let question = question(self.obligations.len(), name);
        let _ = writeln!(self.text, "(push 1) (echo \"{question}\")\n{premise}(check-sat) (pop 1)");
        let at = start..self.text.len();
        self.obligations.push(Obligation { name, path: path.cloned(), expected, at });
    }

    /// What the solver says before each of its answers, so that no answer is taken for another.
    pub(super) fn questions(&self) -> impl Iterator<Item = String> {
        (0..).zip(&self.obligations).map(|(before, obligation)| question(before, obligation.name))
    }

    /// The text without any question, up to one of them, and what that one supposes.
    pub(super) fn premises(&self, obligation: &Obligation) -> String {
        let mut text = String::new();
        let mut from = 0;
        for earlier in self.obligations.iter().filter(|o| o.at.end <= obligation.at.start) {
            text += &self.text[from..earlier.at.start];
            from = earlier.at.end;
        }
        text += &self.text[from..obligation.at.start];
        let question = &self.text[obligation.at.clone()];
        let is_premise = |line: &&str| line.starts_with("(assert");
        question.lines().filter(is_premise).fold(text, |text, line| text + line + "\n")
    }
}

/// A question, in words: its number in the file, from 1, and what is shown by it.
fn question(before: usize, name: &str) -> String {
    format!("{} {name}", before + 1)
}

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
        let _ =
            write!(file.text, "\n; Path {number} of {}.\n{}(push 1)\n", paths.len(), told(step));
        walk(&mut file, path, &label);
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
    let mut file = File::new(situation.to_string(), says);
    file.text += &before();
    begin(&mut file, situation);
    if situation.standing == Standing::Leader {
        file.text +=
            "; The answers that it has counted: any.\n(declare-fun counted (Server) Bool)\n";
    }
    let of_the_state = of_the_state();
    let paths = situation.paths(handlers);
    file.paths = paths.len();
    for (number, (path, step)) in (1..).zip(&paths) {
        let label = (number, format!("{:?}", step.rule));
        let _ =
            write!(file.text, "\n; Path {number} of {}.\n{}(push 1)\n", paths.len(), told(step));
        walk(&mut file, path, &label);
        considered(&mut file, step, beginnings, Some(&label));
        if is_specification && is_excluded(situation, path, step) {
            file.question(EXCLUDED.0, "", Some(&label), Answer::Unsat);
        } else if is_specification {
            let example = logic::exactly(&[("Server", 2), ("Term", 3), ("Quorum", 1)]);
            file.question(POSSIBLE.0, &example, Some(&label), Answer::Sat);
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

/// The server that makes a step, and what happens to it.
pub(super) fn begin(file: &mut File, situation: Situation) {
    file.text += "; The server that makes the step.\n(declare-const me Server)\n";
    if situation.occurrence.is_delivery() {
        file.text += "; Who sent the message, and its term.\n";
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

/// The conditions under which a path is taken.
fn walk(file: &mut File, path: &Path, label: &(usize, String)) {
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
                file.follows(IMPLIED.0, formula, Some(label));
                Ok(())
            }
        };
    }
}

/// Whether this path of the specification is only there because code is total.
pub(super) fn is_excluded(situation: Situation, path: &Path, step: &Step) -> bool {
    match situation.standing {
        Standing::Candidate | Standing::Leader => {}
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

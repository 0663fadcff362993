//! What has to be proved, as files that a solver reads: one for each situation, one for the beginning,
//! one for what follows from the invariant, one for the lemma about majorities.

use std::fmt::Write;

use super::election::{Outgoing, Role, Step};
use super::effect;
use super::invariant::{Conjunct, DEFINITIONS, INVARIANT, SAFETY, TERM_NEVER_DECREASES};
use super::logic::{self, comment};
use super::majority;
use super::message::Message;
use super::oracle::{Note, Path, assumed};
use super::situation::{Handlers, Situation, Standing, first_start};

/// What a solver is asked, and what it has to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obligation {
    /// What is shown by it: the name of a conjunct, of a property, or [`IMPLIED`], or [`POSSIBLE`].
    pub name: String,
    /// On which path, if it is about one: its number in the file, from 1, and its rule.
    pub path: Option<(usize, String)>,
}

/// The name of the obligations that an answer follows from what was answered before.
pub const IMPLIED: &str = "ImpliedAnswer";

/// The name of the questions whether there is a world, which satisfies the invariant, in which a path is taken. The answer has to be `sat`,
/// but where the invariant excludes it.
pub const POSSIBLE: &str = "Possible";

/// A file for a solver.
#[derive(Clone, Debug)]
pub struct File {
    /// Its name, without an extension.
    pub name: String,
    /// Its text.
    pub text: String,
    /// What it asks, in this order.
    pub obligations: Vec<Obligation>,
}

impl File {
    fn new(name: impl Into<String>, head: &str) -> Self {
        let mut text = String::new();
        comment(&mut text, head);
        Self { name: name.into(), text, obligations: Vec::new() }
    }

    /// Asks whether a formula follows from what stands before it.
    fn demand(&mut self, name: &str, formula: &str, path: Option<&(usize, String)>) {
        let text = &mut self.text;
        let _ = writeln!(text, "(push 1) (echo \"{name}\")\n(assert (not {formula}))\n(check-sat) (pop 1)");
        self.obligations.push(Obligation { name: name.to_owned(), path: path.cloned() });
    }

    /// Asks whether what stands before it can be.
    fn possible(&mut self, path: &(usize, String)) {
        let _ = writeln!(self.text, "(echo \"{POSSIBLE}\")\n(check-sat)");
        self.obligations.push(Obligation { name: POSSIBLE.to_owned(), path: Some(path.clone()) });
    }
}

fn definitions(prefix: &str) -> String {
    let mut text = String::new();
    for definition in &DEFINITIONS {
        if prefix.is_empty() {
            comment(&mut text, definition.says);
        }
        let (name, parameters) = (definition.name, definition.parameters);
        let formula = match prefix {
            "" => definition.formula.to_owned(),
            _ => logic::after(definition.formula, &DEFINITIONS),
        };
        let _ = writeln!(text, "(define-fun {prefix}{name} {parameters} Bool {formula})");
    }
    text
}

fn invariant() -> String {
    let mut text = String::new();
    for Conjunct { name, says, formula, .. } in &INVARIANT {
        comment(&mut text, &format!("{name}: {says}"));
        let _ = writeln!(text, "(assert {formula})");
    }
    text
}

/// Everything that has to be proved of an election.
pub(super) fn files(handlers: Handlers) -> Vec<File> {
    let mut files = vec![initially(handlers)];
    files.extend(Situation::all().map(|situation| keeps(situation, handlers)));
    files.push(safety());
    files.push(majority::file());
    files
}

fn initially(handlers: Handlers) -> File {
    let mut file = File::new(
        "Initially",
        "Every server has come up for the first time, and nothing was sent: the invariant holds.",
    );
    let [(_, step)] = &first_start(handlers)[..] else {
        panic!("a server that has never run has nothing to ask about")
    };
    file.text += &logic::preamble();
    file.text += &told(step);
    file.text += &effect::initial(step);
    file.text += &definitions("");
    for conjunct in &INVARIANT {
        file.demand(conjunct.name, conjunct.formula, None);
    }
    file
}

fn safety() -> File {
    let mut file = File::new("Safety", "The invariant holds: so these properties do.");
    file.text += &logic::preamble();
    file.text += &logic::state();
    file.text += &definitions("");
    file.text += &invariant();
    for conjunct in &SAFETY {
        comment(&mut file.text, conjunct.says);
        file.demand(conjunct.name, conjunct.formula, None);
    }
    file
}

fn keeps(situation: Situation, handlers: Handlers) -> File {
    let mut file = File::new(situation.to_string(), "The invariant holds, and a server makes a step.");
    file.text += &logic::preamble();
    file.text += &logic::state();
    file.text += &definitions("");
    file.text += &invariant();
    file.text += "; The server, and the message that arrives.\n\
        (declare-const me Server)\n(declare-const from Server)\n(declare-const term Term)\n";
    if situation.has_voted {
        file.text += "(declare-const voted Server)\n";
    }
    if situation.standing == Standing::Candidate {
        file.text += "(define-fun counted ((s Server)) Bool (votes me s))\n";
    }
    for (says, formula) in situation.conditions() {
        comment(&mut file.text, says);
        let _ = writeln!(file.text, "(assert {formula})");
    }
    let paths = situation.paths(handlers);
    for (at, (path, step)) in paths.iter().enumerate() {
        let label = (at + 1, format!("{:?}", step.rule));
        let _ = write!(file.text, "\n; Path {} of {}.\n{}(push 1)\n", at + 1, paths.len(), told(step));
        walk(&mut file, path, &label);
        file.possible(&label);
        file.text += &effect::after(step);
        file.text += &definitions("after.");
        for conjunct in &INVARIANT {
            let formula = logic::after(conjunct.formula, &DEFINITIONS);
            file.demand(conjunct.name, &formula, Some(&label));
        }
        let (name, _, formula) = TERM_NEVER_DECREASES;
        file.demand(name, formula, Some(&label));
        file.text += "(pop 1)\n";
    }
    file
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
            Note::Decided { question, answer } => match assumed(*question, *answer) {
                Some(formula) => writeln!(text, "(assert {formula})"),
                None => writeln!(text, "; {question:?}: {answer}, which says nothing."),
            },
            Note::Implied(formula) => {
                file.demand(IMPLIED, formula, Some(label));
                Ok(())
            }
        };
    }
}

/// A step, in words.
fn told(step: &Step) -> String {
    let ballot = step.state.ballot;
    let role = match step.state.role {
        Role::Follower => "a follower".to_owned(),
        Role::Candidate { votes } => format!("a candidate with the votes {votes:?}"),
        Role::Leader => "a leader".to_owned(),
    };
    let vote = match ballot.voted_for {
        Some(candidate) => format!("voted for {candidate:?}"),
        None => "has not voted".to_owned(),
    };
    let sends = match effect::sent(&step.outgoing) {
        None => "nothing".to_owned(),
        Some((to, message)) => {
            let to = to.map_or_else(|| "everybody".to_owned(), |to| format!("{to:?}"));
            format!("{} to {to}", said(message))
        }
    };
    let persists = if step.persist { "persists" } else { "does not persist" };
    format!(
        "; {:?}: it is {role}, in term {:?}, {vote}.\n; It {persists}; it sends {sends}.\n",
        step.rule, ballot.current_term
    )
}

fn said(message: Message) -> String {
    match message {
        Message::RequestVote { term } => format!("RequestVote of term {term:?}"),
        Message::RequestVoteResponse { term, vote_granted } => {
            let granted = if vote_granted { "granted" } else { "refused" };
            format!("RequestVoteResponse of term {term:?}, {granted},")
        }
        Message::AppendEntries { term } => format!("AppendEntries of term {term:?}"),
        Message::AppendEntriesResponse { term } => {
            format!("AppendEntriesResponse of term {term:?}")
        }
    }
}

//! Questions to solvers, and the files that they stand in.

use std::fmt::Write;
use std::ops::Range;

use super::logic::comment;
use super::solver::Answer;

/// Something that a solver has to confirm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obligation {
    /// What is shown by it: the name of a conjunct, of a property or of a lemma, or one of
    /// [`IMPLIED`](super::IMPLIED), [`POSSIBLE`](super::POSSIBLE) and
    /// [`EXCLUDED`](super::EXCLUDED).
    pub name: &'static str,
    /// On which path, if it is about one: its number in the file, from 1, and its rule.
    pub path: Option<(usize, String)>,
    /// What the solver has to answer.
    pub expected: Answer,
    /// Where the question stands in the file.
    pub(super) at: Range<usize>,
}

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

    /// The text up to a question, without those before it.
    fn up_to(&self, obligation: &Obligation) -> String {
        let mut text = String::new();
        let mut from = 0;
        for earlier in self.obligations.iter().filter(|o| o.at.end <= obligation.at.start) {
            text += &self.text[from..earlier.at.start];
            from = earlier.at.end;
        }
        text + &self.text[from..obligation.at.start]
    }

    /// The text with only one of its questions.
    pub(super) fn alone(&self, obligation: &Obligation) -> String {
        self.up_to(obligation) + &self.text[obligation.at.clone()]
    }

    /// The text without any question, up to one of them, and what that one supposes.
    pub(super) fn premises(&self, obligation: &Obligation) -> String {
        let text = self.up_to(obligation);
        let question = &self.text[obligation.at.clone()];
        let is_premise = |line: &&str| line.starts_with("(assert");
        question.lines().filter(is_premise).fold(text, |text, line| text + line + "\n")
    }
}

/// A question, in words: its number in the file, from 1, and what is shown by it.
fn question(before: usize, name: &str) -> String {
    format!("{} {name}", before + 1)
}

//! What `raft-model prove` prints.

use std::fmt::Write as _;

use raft_model::mutant::Mutant;
use raft_model::proof::{
    Answer, Answers, CLOCKS, CONSIDERED, EXCLUDED, File, IMPLIED, INVARIANT, LEASE_SAFETY, LEASES,
    MAJORITIES_MEET, POSSIBLE, QUORUM_IS_MAJORITY, SAFETY, SolverError, TERM_NEVER_DECREASES,
};
use serde_json::{Map, Value, json};

use super::{Found, Gap};
use crate::cli::table::Table;

/// What became of a proof.
pub(super) struct Report<'a> {
    pub(super) mutant: Option<Mutant>,
    pub(super) files: &'a [File],
    pub(super) found: &'a [Found],
    pub(super) missing: &'a [SolverError],
    pub(super) answers: &'a [Answers],
    pub(super) gaps: Vec<Gap<'a>>,
    pub(super) seconds: f64,
}

/// What is shown, in the order of the argument: each name, and what it says.
fn names() -> Vec<(&'static str, &'static str)> {
    let conjuncts = INVARIANT.iter().chain(&SAFETY).map(|conjunct| (conjunct.name, conjunct.says));
    let leases = LEASES.iter().chain(LEASE_SAFETY.iter().map(|(statement, _)| statement));
    let leases = leases.map(|statement| (statement.name, statement.says));
    let (name, says, _) = TERM_NEVER_DECREASES;
    let rest = [MAJORITIES_MEET, QUORUM_IS_MAJORITY, IMPLIED, CONSIDERED, POSSIBLE, EXCLUDED];
    conjuncts.chain([(name, says)]).chain(leases).chain(rest).collect()
}

impl Report<'_> {
    /// How many obligations have this name.
    fn count(&self, name: &str) -> usize {
        let all = self.files.iter().flat_map(|file| &file.obligations);
        all.filter(|obligation| obligation.name == name).count()
    }

    fn paths(&self) -> usize {
        self.files.iter().map(|file| file.paths).sum()
    }

    fn obligations(&self) -> usize {
        self.files.iter().map(|file| file.obligations.len()).sum()
    }

    /// The answers of a solver that were not as expected: how many of each.
    fn gaps(&self, answers: &Answers, name: &str) -> Vec<(Answer, usize)> {
        let gaps =
            answers.unexpected(self.files).filter(|(_, obligation, _)| obligation.name == name);
        let gaps: Vec<_> = gaps.map(|(_, _, answer)| answer).collect();
        let count = |answer| gaps.iter().filter(|gap| **gap == answer).count();
        [Answer::Sat, Answer::Unsat, Answer::Unknown]
            .map(|answer| (answer, count(answer)))
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    /// What is proved of what, by whom.
    fn facts(&self) -> Table<2> {
        let mut table = Table::new([12, 8]);
        table.fact("servers", &"any", "number of them, fixed and known to all");
        table.fact("terms", &"any", "without a bound");
        table.fact(
            "network",
            &"hostile",
            "messages lost, repeated, late and out of order; never forged",
        );
        table.fact(
            "crashes",
            &"any",
            "every server at any time; it comes back with its stored ballot",
        );
        table.fact(
            "clocks",
            &"bounded",
            "a contact lasts at least as long as a lease: only leases rest on it",
        );
        if let Some(mutant) = self.mutant {
            table.fact("mutant", &mutant.name, &format!("({})", mutant.says));
        }
        if self.paths() > 0 {
            table.fact(
                "paths",
                &self.paths(),
                "through the code of the specification, run on symbols",
            );
        }
        let s = if self.files.len() == 1 { "" } else { "s" };
        table.fact("obligations", &self.obligations(), &format!("in {} file{s}", self.files.len()));
        let versions: Vec<_> = self.found.iter().map(|found| found.version.as_str()).collect();
        table.fact("solvers", &self.found.len(), &versions.join("; "));
        table.seconds(self.seconds);
        table
    }

    /// What each solver says of each statement.
    fn verdicts(&self) -> Table<3> {
        let columns = |texts: Vec<String>| {
            let padded = texts.into_iter().map(|text| format!("{text:<12}"));
            padded.collect::<Vec<_>>().join("  ")
        };
        let mut table = Table::new([20, 7, 14 * self.found.len() - 1]);
        let solvers = self.found.iter().map(|found| found.solver.name.to_owned()).collect();
        table.row([&"", &" asked", &columns(solvers)], "");
        for (name, says) in names() {
            let count = self.count(name);
            if count > 0 {
                let of = |answers| self.verdict_of(answers, name);
                let verdicts = columns(self.answers.iter().map(of).collect());
                table.row([&name, &format!("{count:>6}"), &verdicts], says);
            }
        }
        table
    }

    fn verdict_of(&self, answers: &Answers, name: &str) -> String {
        let gaps = self.gaps(answers, name);
        let gaps: Vec<_> =
            gaps.iter().map(|(answer, count)| format!("{count} {}", answer.word())).collect();
        match (gaps.is_empty(), name == POSSIBLE.0) {
            (true, true) => "shown".to_owned(),
            (true, false) => "proved".to_owned(),
            (false, _) => gaps.join(", ").to_uppercase(),
        }
    }

    /// For people.
    pub(super) fn as_table(&self) -> String {
        let mut text = format!("{}\n{}", self.facts(), self.verdicts());
        for gap in &self.gaps {
            self.tell(&mut text, gap);
        }
        for missing in self.missing {
            let _ = writeln!(text, "\n  Without a second opinion: {missing}.");
        }
        let _ = writeln!(text, "\n{}", self.verdict());
        text
    }

    /// The first gap of a name, and the step that shows it.
    fn tell(&self, text: &mut String, gap: &Gap) {
        let is_first = self.gaps.iter().find(|other| other.obligation.name == gap.obligation.name);
        if !is_first.is_some_and(|first| std::ptr::eq(first, gap)) {
            return;
        }
        let Gap { file, obligation, solver, answer, counterexample } = gap;
        let place = match &obligation.path {
            Some((number, rule)) => format!("{}, path {number}, by {rule}", file.name),
            None => file.name.clone(),
        };
        let (name, solver) = (obligation.name, solver.name);
        let says = match answer {
            Answer::Unknown => "does not know".to_owned(),
            answer => format!("says {}", answer.word()),
        };
        let _ = write!(text, "\n{name}, in {place}: {solver} {says}");
        let _ = match counterexample {
            Some(counterexample) => writeln!(
                text,
                ".\n  Of few servers and terms it finds a step that leaves the invariant, from a \
                 world that may be out of reach.\n  Quorums are any sets of which two always \
                 meet.\n\n{counterexample}"
            ),
            None if file.paths == 0 => writeln!(text, "."),
            None => writeln!(text, "; it has found no step of few servers and terms."),
        };
    }

    fn verdict(&self) -> String {
        match (self.gaps.len(), self.mutant) {
            (0, None) => "Proved: safety, for every number of servers and every term.".to_owned(),
            (0, Some(_)) => "Proved: this mistake does not break the invariant.".to_owned(),
            (1, _) => "NOT proved: one answer is not what it should be.".to_owned(),
            (gaps, _) => format!("NOT proved: {gaps} answers are not what they should be."),
        }
    }

    /// For programs.
    pub(super) fn as_json(&self) -> Value {
        let conjuncts = names().into_iter().filter(|(name, _)| self.count(name) > 0);
        let conjuncts = conjuncts.map(|(name, says)| {
            let of_solver = |answers: &Answers| {
                let gaps = self.gaps(answers, name);
                let gaps =
                    gaps.iter().map(|(answer, count)| (answer.word().to_owned(), json!(count)));
                (answers.solver.name.to_owned(), Value::Object(gaps.collect()))
            };
            let is_proved = self.gaps.iter().all(|gap| gap.obligation.name != name);
            json!({
                "name": name,
                "says": says,
                "obligations": self.count(name),
                "proved": is_proved,
                "unexpected": self.answers.iter().map(of_solver).collect::<Map<_, _>>(),
            })
        });
        let gaps = self.gaps.iter().map(|gap| {
            json!({
                "name": gap.obligation.name,
                "file": gap.file.name,
                "path": gap.obligation.path.as_ref().map(|(number, _)| number),
                "rule": gap.obligation.path.as_ref().map(|(_, rule)| rule),
                "solver": gap.solver.name,
                "answer": gap.answer.word(),
                "counterexample": gap.counterexample.as_ref().map(ToString::to_string),
            })
        });
        let solvers = self
            .found
            .iter()
            .map(|found| json!({ "name": found.solver.name, "version": found.version }));
        json!({
            "proved": self.gaps.is_empty(),
            "assumes": { CLOCKS.0: CLOCKS.1 },
            "mutant": self.mutant.map(|mutant| mutant.name),
            "paths": self.paths(),
            "files": self.files.len(),
            "obligations": self.obligations(),
            "solvers": solvers.collect::<Vec<_>>(),
            "missing": self.missing.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "seconds": self.seconds,
            "conjuncts": conjuncts.collect::<Vec<_>>(),
            "gaps": gaps.collect::<Vec<_>>(),
        })
    }
}

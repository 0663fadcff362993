//! `raft-model mutants`.

mod report;

use std::io::{self, Write};
use std::process::ExitCode;

use raft_model::mutant::hunt::{BOUNDS, Found, Hunt};
use raft_model::mutant::{Catch, MUTANTS, Mutant};
use raft_model::search::Control;
use serde_json::Value;

use super::watch::watched;
use super::{Failure, mutant_parser};

/// The arguments of `mutants`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Tell the story of this mutant: the mistake, where it was seen, what catches it and how.
    /// Without a name: the table of all.
    #[arg(value_name = "NAME", value_parser = mutant_parser(), hide_possible_values = true)]
    name: Option<Mutant>,
    /// Print JSON: an array of all, or the object of one.
    #[arg(long)]
    json: bool,
}

/// A mutant, and what was found of it.
struct Row {
    mutant: Mutant,
    found: Found,
}

impl Row {
    /// Whether that is what the catalogue says.
    fn is_as_expected(&self) -> bool {
        match (self.mutant.caught_by, &self.found) {
            (Catch::Safety(expected), Found::Safety { property, .. }) => expected == *property,
            (Catch::Liveness(expected), Found::Liveness { property, .. }) => expected == *property,
            (Catch::Counts, Found::Counts { .. }) | (Catch::Test(_), Found::Nothing) => true,
            _ => false,
        }
    }
}

/// Hunts the mutants, and prints what caught them.
pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let (rows, _) = watched(None, |control| find(args, control))?;
    let text = match (args.name.is_some(), args.json) {
        (true, false) => rows.iter().map(report::story).collect(),
        (false, false) => report::table(&rows),
        (true, true) => {
            rows.iter().map(|row| format!("{:#}\n", report::story_as_json(row))).collect()
        }
        (false, true) => {
            format!("{:#}\n", Value::Array(rows.iter().map(report::as_json).collect()))
        }
    };
    io::stdout().write_all(text.as_bytes())?;
    let is_as_expected = rows.iter().all(Row::is_as_expected);
    Ok(if is_as_expected { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn find(args: &Args, control: &Control) -> Result<Vec<Row>, Failure> {
    let mutants = args.name.map_or_else(|| MUTANTS.to_vec(), |mutant| vec![mutant]);
    let mut hunt = Hunt::default();
    let mut rows = Vec::new();
    for mutant in mutants {
        let found = hunt.find(&mutant, BOUNDS.len(), control)?;
        rows.push(Row { mutant, found });
    }
    Ok(rows)
}

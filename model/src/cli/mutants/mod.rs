//! `raft-model mutants`.

mod report;

use std::io::{self, Write};
use std::sync::Arc;

use raft_model::cluster::Protocol;
use raft_model::mutant::hunt::{Found, Hunt};
use raft_model::mutant::{Catch, MUTANTS, Mutant, Pinned};
use raft_model::search::Control;
use serde_json::Value;

use super::exit::Exit;
use super::memory::Limit;
use super::paper;
use super::watch::watched;
use super::{Failure, mutant};

/// The arguments of `mutants`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Tell the story of this mutant: the mistake, where it was seen, what catches it and how.
    /// Without a name: the table of all.
    #[arg(value_name = "NAME", value_parser = mutant)]
    name: Option<Mutant>,
    /// Say at once, without a search, which mutants there are and what is wrong with each.
    #[arg(long, conflicts_with = "name")]
    list: bool,
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

/// Which command shows what is wrong with a mutant, at bounds that are large enough.
pub(super) fn shown_by(mutant: &Mutant) -> String {
    let Mutant { name, caught_by, pinned, protocol, .. } = mutant;
    let hand_over = if *protocol == Protocol::FIGURE2 { "" } else { " --hand-over" };
    let command = match *pinned {
        Pinned::Steps { servers, max_term, .. } => {
            format!("check --mutant {name} --servers {servers} --max-term {max_term}{hand_over}")
        }
        Pinned::Run { servers, .. } => {
            format!("liveness --mutant {name} --servers {servers} --window 2")
        }
        Pinned::Graph { .. } | Pinned::Nothing => format!("mutants {name}"),
    };
    let shown = format!("`raft-model {command}` shows it");
    match caught_by {
        Catch::Safety(property) => format!("{name} violates {property}: {shown}"),
        Catch::Liveness(property) => {
            format!("{name} is safe, and violates no property here but {property}: {shown}")
        }
        Catch::Counts => {
            format!("{name} violates no property, but its graph has another size: {shown}")
        }
        Catch::Test(file) => format!(
            "{name} violates no property, for the models know neither time nor a last term: \
             `cargo test --test {file}` shows it"
        ),
    }
}

/// Hunts the mutants, and prints what caught them.
pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    if args.list {
        if args.json {
            writeln!(io::stdout(), "{:#}", report::list_as_json(MUTANTS))?;
        } else {
            paper::print(&report::list(MUTANTS))?;
        }
        return Ok(Exit::Holds);
    }
    let (rows, _) = watched(Limit::default(), |control| find(args, control));
    let rows = rows?;
    match (args.name.is_some(), args.json) {
        (true, false) => paper::print(&rows.iter().map(report::story).collect::<String>())?,
        (false, false) => paper::print(&report::table(&rows))?,
        (true, true) => rows
            .iter()
            .try_for_each(|row| writeln!(io::stdout(), "{:#}", report::story_as_json(row)))?,
        (false, true) => {
            let all = Value::Array(rows.iter().map(report::as_json).collect());
            writeln!(io::stdout(), "{all:#}")?;
        }
    }
    let is_as_expected = rows.iter().all(Row::is_as_expected);
    Ok(if is_as_expected { Exit::Holds } else { Exit::Fails })
}

fn find(args: &Args, control: &Arc<Control>) -> Result<Vec<Row>, Failure> {
    let mutants = args.name.map_or_else(|| MUTANTS.to_vec(), |mutant| vec![mutant]);
    let mut hunt = Hunt::default();
    let mut rows = Vec::new();
    let all = mutants.len();
    for (number, mutant) in (1..).zip(mutants) {
        control.begins(format!("mutant {number} of {all}, {}: ", mutant.name));
        let found = hunt.find(&mutant, usize::MAX, control)?;
        rows.push(Row { mutant, found });
    }
    Ok(rows)
}

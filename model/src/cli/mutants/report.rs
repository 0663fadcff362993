//! What was found of mutants, as a table, as a story and as JSON.

use std::fmt::Write;

use raft_model::liveness::lasso::{End, Lasso};
use raft_model::mutant::hunt::{Found, rungs};
use raft_model::mutant::{Catch, Mutant};
use raft_model::search::Coverage;
use raft_model::world::bounds::Bounds;
use serde_json::{Value, json};

use super::Row;
use crate::cli::table::Table;

/// The names, and what is wrong.
pub(super) fn list(mutants: &[Mutant]) -> String {
    let mut table = Table::new([34]);
    mutants.iter().for_each(|mutant| table.row([&mutant.name], mutant.says));
    table.to_string()
}

/// The same, for programs.
pub(super) fn list_as_json(mutants: &[Mutant]) -> Value {
    let mutants = mutants.iter().map(|Mutant { name, says, protocol, .. }| {
        json!({ "name": name, "says": says, "protocol": protocol.to_string() })
    });
    mutants.collect()
}

/// A line a mutant.
pub(super) fn table(rows: &[Row]) -> String {
    let mut table = Table::new([34, 18]);
    table.row([&"mutant", &"caught by"], "servers, terms: shown");
    let mut protocol = None;
    for row in rows {
        let Mutant { name, protocol: of, .. } = row.mutant;
        if protocol != Some(of) {
            protocol = Some(of);
            table.line(&format!("by {of}:"));
        }
        let shown = match &row.found {
            Found::Safety { counterexample, .. } => steps(counterexample.moves.len()),
            Found::Liveness { lasso, .. } => {
                let (stem, cycle) = lasso.lengths();
                format!("{stem}+{cycle} steps")
            }
            Found::Counts { coverage, expected, .. } => difference(coverage, expected),
            Found::Nothing => String::new(),
        };
        let at = bounds(&row.found).map_or_else(String::new, |bounds| {
            format!("{}, {}: ", bounds.cluster.size(), bounds.terms)
        });
        table.row([&name, &caught_by(row)], &(at + &shown));
    }
    let mut text = table.to_string();
    let count = |is: fn(&Found) -> bool| rows.iter().filter(|row| is(&row.found)).count();
    let _ = writeln!(
        text,
        "\n{} mutants: {} break a property of safety, {} one of liveness (a+b steps: after a of \
         them b repeat for ever), {} change the graph, {} are seen by tests only.",
        rows.len(),
        count(|found| matches!(found, Found::Safety { .. })),
        count(|found| matches!(found, Found::Liveness { .. })),
        count(|found| matches!(found, Found::Counts { .. })),
        count(|found| matches!(found, Found::Nothing)),
    );
    for row in rows.iter().filter(|row| !row.is_as_expected()) {
        let Mutant { name, caught_by, .. } = row.mutant;
        let _ = writeln!(text, "{name} is NOT caught as the catalogue says: {caught_by:?}.");
    }
    text
}

/// What a mutant is, and how it is caught.
pub(super) fn story(row: &Row) -> String {
    let Mutant { name, says, source, scenario, remark, .. } = row.mutant;
    let mut text = format!("{name}: {says}.\n");
    if let Some(source) = source {
        let _ =
            writeln!(text, "Seen in a real system, or something that comes to the same: {source}");
    }
    if let Some(scenario) = scenario {
        let _ = writeln!(text, "A scenario that shows it: tests/scenarios/{scenario}.txt");
    }
    if let Some(remark) = remark {
        let _ = writeln!(text, "{remark}");
    }
    let _ = writeln!(text);
    match &row.found {
        Found::Safety { property, bounds, counterexample } => {
            let steps = steps(counterexample.moves.len());
            let _ = writeln!(text, "{property} is violated in {steps}, {}:\n", told(bounds));
            let _ = write!(text, "{counterexample}");
        }
        Found::Liveness { property, bounds, lasso } => {
            let _ = writeln!(
                text,
                "No property of safety breaks. {property} fails, {} servers, {}: {}.\n",
                bounds.cluster.size(),
                bounds.terms,
                round(lasso)
            );
            let _ = write!(text, "{lasso}");
        }
        Found::Counts { bounds, coverage, expected } => {
            let _ = writeln!(
                text,
                "No property of safety breaks. Its graph, {}, has {}: that is pinned.",
                told(bounds),
                difference(coverage, expected)
            );
        }
        Found::Nothing => {
            let _ = writeln!(
                text,
                "No property of safety breaks, and its graphs up to {} have the sizes of the \
                 specification's: the model knows neither time nor a last term. {} sees it.",
                told(&rungs(row.mutant.protocol).last().expect("there are some").bounds),
                caught_by(row),
            );
        }
    }
    if !row.is_as_expected() {
        let _ = writeln!(text, "\nThe catalogue says otherwise: {:?}.", row.mutant.caught_by);
    }
    text
}

/// A mutant, for programs.
pub(super) fn as_json(row: &Row) -> Value {
    let Mutant { name, says, source, scenario, remark, protocol, .. } = row.mutant;
    let bounds = bounds(&row.found);
    let is_window = matches!(row.found, Found::Liveness { .. });
    let (mut steps, mut cycle, mut sizes) = (None, None, (None, None));
    match &row.found {
        Found::Safety { counterexample, .. } => steps = Some(counterexample.moves.len()),
        Found::Liveness { lasso, .. } => {
            let (stem, around) = lasso.lengths();
            (steps, cycle) = (Some(stem), Some(around));
        }
        Found::Counts { coverage, expected, .. } => {
            sizes = (Some(coverage_as_json(coverage)), Some(coverage_as_json(expected)));
        }
        Found::Nothing => {}
    }
    json!({
        "name": name,
        "says": says,
        "source": source,
        "scenario": scenario,
        "remark": remark,
        "protocol": protocol.to_string(),
        "caught_by": caught_by(row),
        "as_expected": row.is_as_expected(),
        "servers": bounds.map(|bounds| bounds.cluster.size()),
        "max_term": bounds.filter(|_| !is_window).map(|bounds| bounds.terms.last()),
        "window": bounds.filter(|_| is_window).map(|bounds| bounds.terms.last()),
        "replies": bounds.map(|bounds| bounds.replies.to_string()),
        "steps": steps,
        "cycle": cycle,
        "graph": sizes.0,
        "expected_graph": sizes.1,
    })
}

/// A mutant with the way to its violation, for programs.
pub(super) fn story_as_json(row: &Row) -> Value {
    let mut value = as_json(row);
    match &row.found {
        Found::Safety { counterexample, .. } => {
            value["counterexample"] = counterexample.moves_as_json();
        }
        Found::Liveness { lasso, .. } => {
            value["counterexample"] = lasso.stem.moves_as_json();
            if let End::Cycle { cycle, .. } = &lasso.end {
                value["repeats"] = cycle.moves_as_json();
            }
        }
        Found::Counts { .. } | Found::Nothing => {}
    }
    value
}

fn caught_by(row: &Row) -> String {
    match (&row.found, row.mutant.caught_by) {
        (Found::Safety { property, .. }, _) => property.to_string(),
        (Found::Liveness { property, .. }, _) => property.to_string(),
        (Found::Counts { .. }, _) => "counts".to_string(),
        (Found::Nothing, Catch::Test(file)) => format!("tests/{file}.rs"),
        (Found::Nothing, _) => "nothing".to_string(),
    }
}

fn bounds(found: &Found) -> Option<&Bounds> {
    match found {
        Found::Safety { bounds, .. }
        | Found::Liveness { bounds, .. }
        | Found::Counts { bounds, .. } => Some(bounds),
        Found::Nothing => None,
    }
}

fn told(Bounds { cluster, terms, replies, .. }: &Bounds) -> String {
    format!("{cluster}, max term {}, {replies} replies", terms.last())
}

fn steps(number: usize) -> String {
    format!("{number} step{}", if number == 1 { "" } else { "s" })
}

fn round(lasso: &Lasso) -> String {
    match lasso.lengths() {
        (stem, 0) => format!("{}, then nothing any more", steps(stem)),
        (stem, cycle) => format!("{}, then {cycle} for ever", steps(stem)),
    }
}

fn difference(coverage: &Coverage, expected: &Coverage) -> String {
    format!(
        "{} states and {} edges, not {} and {}",
        coverage.states, coverage.edges, expected.states, expected.edges
    )
}

fn coverage_as_json(coverage: &Coverage) -> Value {
    json!({ "states": coverage.states, "edges": coverage.edges, "depth": coverage.depth })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use raft_model::mutant::{MUTANTS, Pinned};
    use raft_model::run::{Run, World};

    use super::*;
    use crate::cli::paper::wrapped;

    /// What is pinned of a mutant, as if it had been found.
    fn as_found(mutant: Mutant) -> Row {
        let bounds = rungs(mutant.protocol)[0].bounds;
        let nothing =
            || World { servers: vec![], stored: vec![], sent: BTreeSet::new(), leases: vec![] };
        let found = match (mutant.caught_by, mutant.pinned) {
            (Catch::Safety(property), _) => {
                Found::Safety { property, bounds, counterexample: Run::from(nothing()) }
            }
            (_, Pinned::Graph { states, edges, .. }) => {
                let coverage = Coverage { states, edges, depth: 0 };
                Found::Counts { bounds, coverage, expected: coverage }
            }
            _ => Found::Nothing,
        };
        Row { mutant, found }
    }

    #[test]
    fn a_table_fits_a_terminal_and_breaks_no_column() {
        let rows: Vec<Row> = MUTANTS.iter().copied().map(as_found).collect();
        let lines: Vec<String> = table(&rows).lines().map(|line| wrapped(line, 80)).collect();
        for row in &rows {
            let line = lines.iter().find(|line| line.contains(&format!("  {} ", row.mutant.name)));
            let first = line.and_then(|line| line.lines().next()).expect("a line");
            assert!(first.contains(&caught_by(row)), "what catches it stands beside it: {first}");
        }
        let wide = lines.iter().flat_map(|line| line.lines()).find(|line| line.len() > 80);
        assert_eq!(wide, None);
    }
}

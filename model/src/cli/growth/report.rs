//! What `raft-model growth` prints.

use std::fmt::Display;

use raft_model::cluster::Protocol;
use serde_json::{Value, json};

use super::Args;
use super::rows::{Row, Table as Found, Whole};
use crate::cli::amount::{about, as_f64, size, span};
use crate::cli::because;
use crate::cli::paper::HANG;
use crate::cli::table::Table;
use crate::cli::watch::Cost;

/// The report, for people.
pub(super) fn as_table(args: &Args, found: &Found, cost: Cost) -> String {
    let mut facts = Table::new([10, 8]);
    facts.fact("budget", &format!("{} s", args.budget), "what takes longer than its share: ~");
    facts.fact("max term", &args.max_term, "no election starts in a later term");
    if args.hand_over {
        facts.fact("hand-over", &"any", "every leader may be told to, at any time");
    }
    facts.fact("workers", &found.workers, "");
    facts.cost(cost);
    let mut text = facts.to_string();
    for protocol in args.protocols() {
        let rows = found.rows.iter().filter(|row| row.protocol == protocol);
        text += &family(protocol, rows);
    }
    text += &format!(
        "\n  states, edges: {HANG}distinct ones of the graph that `check` searches, reduced. levels: the \
         initial state is 1. time: by the clock. memory: the most that the process had.\n"
    );
    if found.rows.iter().any(|row| row.estimate.is_some()) {
        text += &format!(
            "  ~: {HANG}an estimate, from the first levels and the rows above it. within: nearly always \
             there are at most so many times more states, or less; the rest grows with them. >: so many were \
             found, and how many more there are cannot be told. Still more terms are not looked at.\n"
        );
    }
    for row in found.rows.iter().filter(|row| row.is_violated) {
        let Row { protocol, servers, max_term, .. } = row;
        text += &format!(
            "\n  A property is VIOLATED; this tells how: {HANG}raft-model check --protocol {protocol} \
             --servers {servers} --max-term {max_term}\n"
        );
    }
    if let Some(why) = found.stopped {
        text += &format!("\n  This table is NOT complete: {HANG}{}.\n", because(why));
    }
    text
}

/// The graphs of one protocol.
fn family<'a>(protocol: Protocol, rows: impl Iterator<Item = &'a Row>) -> String {
    let mut table = Table::new([7, 5, 10, 11, 6, 7, 9]);
    table.row([&"servers", &"terms", &"states", &"edges", &"levels", &"time", &"memory"], "within");
    for row in rows {
        let (servers, terms) = (row.servers, row.max_term);
        let Some(whole) = row.told() else {
            let memory = row.memory.map_or_else(String::new, |bytes| size(as_f64(bytes)));
            let time = format!("{:.1} s", row.seconds);
            let (states, levels) = (row.found.states(), row.found.levels.len());
            if row.estimate.is_none() {
                let cells: [&dyn Display; 7] =
                    [&servers, &terms, &states, &row.found.edges, &levels, &time, &memory];
                table.row(cells, "");
            } else {
                let more = format!(">{states}");
                table.row([&servers, &terms, &more, &"", &"", &"", &""], "?");
            }
            continue;
        };
        let memory = whole.memory.map_or_else(String::new, |bytes| format!("~{}", size(bytes)));
        table.row(
            [
                &servers,
                &terms,
                &about(whole.size.states),
                &about(whole.edges),
                &about(whole.size.depth),
                &format!("~{}", span(whole.seconds)),
                &memory,
            ],
            &format!("x{:.1}", whole.size.factor),
        );
    }
    format!("\n  {protocol}\n{table}")
}

/// The report, for programs.
pub(super) fn as_json(args: &Args, found: &Found, cost: Cost) -> Value {
    let row = |row: &Row| {
        let mut value = json!({
            "protocol": row.protocol.name(),
            "servers": row.servers,
            "max_term": row.max_term,
            "exhaustive": row.estimate.is_none() && !row.is_violated,
            "states": row.found.states(),
            "edges": row.found.edges,
            "depth": row.found.levels.len(),
            "levels": row.found.levels,
            "seconds": row.seconds,
            "memory_bytes": row.memory,
        });
        if let Some(Whole { size, edges, seconds, memory }) = row.told() {
            value["estimate"] = json!({
                "states": size.states.round(),
                "factor": size.factor,
                "edges": edges.round(),
                "depth": size.depth.round(),
                "seconds": seconds,
                "memory_bytes": memory.map(f64::round),
            });
        }
        value
    };
    json!({
        "budget_seconds": args.budget,
        "max_term": args.max_term,
        "hand_over": args.hand_over,
        "workers": found.workers,
        "rows": found.rows.iter().map(row).collect::<Vec<_>>(),
        "stopped": found.stopped.map(because),
        "seconds": cost.seconds,
        "memory_bytes": cost.memory,
    })
}

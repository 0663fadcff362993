//! What `raft-model liveness` prints.

use std::fmt::Write as _;

use raft_model::liveness::assumptions::{ASSUMPTIONS, Assumption, Assumptions, Strength};
use raft_model::liveness::class::Numbering;
use raft_model::liveness::lasso::{End, Lasso};
use raft_model::liveness::{Findings, Verdict};
use serde_json::{Value, json};

use super::{Args, Report, Row};
use crate::cli::table::Table;
use crate::cli::watch::Cost;

/// What was judged, and under which assumptions.
fn facts(args: &Args, report: &Report, cost: Cost) -> Table<2> {
    let mut table = Table::new([10, 8]);
    let findings = &report.findings;
    let assumptions = &findings.assumptions;
    table.fact("servers", &args.servers.size(), "");
    table.fact("protocol", &args.protocol, "");
    table.fact(
        "window",
        &args.window,
        "terms are unbounded; an election starts less than this above the lowest term",
    );
    if let Some(mutant) = args.mutant {
        table.fact("mutant", &mutant.name, &format!("({})", mutant.says));
    }
    table.fact(
        "hostile",
        &report.hostile.states,
        &format!(
            "states, {} moves: timers, loss, repetition, reordering, restarts at any time",
            report.hostile.edges
        ),
    );
    table.fact(
        "calm",
        &findings.coverage.states,
        "states in which it may calm down; from then on:",
    );
    for assumption in ASSUMPTIONS {
        if let Some(says) = says(args, assumptions, assumption) {
            table.fact("", &"", &format!("{:<16} {says}", assumption.name()));
        }
    }
    let cut = "calm states in which the window forbids a campaign that a run could start";
    table.fact("cut", &findings.cut, cut);
    let (size, links) = (args.servers.size(), args.servers.size() * (args.servers.size() - 1));
    let classes = format!("fairness to each server's election and heartbeat timer, {}", 2 * size);
    table.fact("timers", &fairness(assumptions.timers), &format!("{classes} classes"));
    let kinds = "RequestVote, AppendEntries, votes, stale requests; newer terms to each server";
    let classes = format!("fairness to each link's {kinds}, {} classes", 4 * links + size);
    table.fact("messages", &fairness(assumptions.messages), &classes);
    table.cost(cost);
    table
}

/// The report, for people.
pub(super) fn as_table(args: &Args, report: &Report, cost: Cost) -> String {
    let findings = &report.findings;
    let mut judged = Table::new([20, 9]);
    for (property, verdict) in &findings.verdicts {
        let name = if is_open(args, verdict) { "no verdict" } else { named(verdict) };
        let note = note(args, verdict).unwrap_or_else(|| property.says().to_owned());
        judged.row([property, &name], &note);
    }
    let mut text = format!("{}\n{judged}", facts(args, report, cost));
    if let Some((coverage, _)) = &report.smaller {
        let agrees = if report.windows_agree() { "agrees" } else { "DISAGREES" };
        let (window, states) = (args.window.number() - 1, coverage.states);
        let _ = writeln!(text, "\n  A window of {window} {agrees}: {states} states.");
    }
    if !report.table.is_empty() {
        let _ = write!(text, "\n{}", buys(args, report));
    }
    runs(&mut text, findings);
    text
}

/// The runs on which properties fail, each told once.
fn runs(text: &mut String, findings: &Findings) {
    let mut told: Option<&Lasso> = None;
    for (property, verdict) in &findings.verdicts {
        let Verdict::Fails(lasso) = verdict else { continue };
        if told.is_some_and(|told| (&told.stem, &told.end) == (&lasso.stem, &lasso.end)) {
            let _ = writeln!(text, "\n{property} fails on the same run.");
        } else {
            let _ = write!(text, "\n{property} fails:\n\n{lasso}");
        }
        told = Some(lasso);
    }
}

fn fairness(strength: Strength) -> &'static str {
    match strength {
        Strength::None => "none",
        Strength::Weak => "weak",
        Strength::Strong => "strong",
    }
}

/// What is assumed, if it is.
fn says(args: &Args, assumptions: &Assumptions, assumption: Assumption) -> Option<String> {
    let dead = assumptions.links.alone(args.servers);
    let is_assumed = match assumption {
        Assumption::MessagesFirst => assumptions.messages_first,
        Assumption::HeartbeatsHold => assumptions.heartbeats_hold,
        Assumption::RestartsEnd => assumptions.restarts_end,
        Assumption::RepeatsEnd => assumptions.repeats_end && assumption.is_of(args.protocol),
        Assumption::MajorityLives if dead.is_empty() => true,
        Assumption::MajorityLives => {
            return Some(format!("all servers are up but {dead}"));
        }
        Assumption::TimersFire => assumptions.timers != Strength::None,
        Assumption::MessagesArrive => assumptions.messages != Strength::None,
    };
    is_assumed.then(|| assumption.says().to_owned())
}

fn named(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "holds",
        Verdict::Fails(_) => "FAILS",
        Verdict::NotEstablished { .. } => "not established",
        Verdict::Refuted(_) => "no verdict",
    }
}

/// Whether a property only seems to hold: a graph is reduced in ways that are argued for the
/// specification, and not for a mutant.
pub(super) fn is_open(args: &Args, verdict: &Verdict) -> bool {
    args.mutant.is_some() && *verdict == Verdict::Holds
}

fn note(args: &Args, verdict: &Verdict) -> Option<String> {
    match verdict {
        verdict if is_open(args, verdict) => Some(
            "no run was found on which it fails; but the reductions are argued for Raft only"
                .to_owned(),
        ),
        Verdict::Holds | Verdict::Fails(_) => None,
        Verdict::NotEstablished { cut } => {
            Some(format!("runs are cut in {cut} states, where they leave the window"))
        }
        Verdict::Refuted(refuted) => Some(format!("the run that was found is none: {refuted}")),
    }
}

/// What each assumption buys.
fn buys(args: &Args, report: &Report) -> String {
    let mut table = Table::new([25, 15, 15, 15]);
    let mut line = |name: &str, [possible, elected, stable]: [String; 3], note: &str| {
        table.row([&name, &possible, &elected, &stable], note);
    };
    line(
        "What each assumption buys",
        ["LeaderPossible", "LeaderElected", "LeaderStable"].map(String::from),
        "",
    );
    let cell = |verdict: &Verdict| match verdict {
        Verdict::Fails(lasso) => lengths(lasso),
        other => named(other).to_owned(),
    };
    let cells = |findings: &Findings| findings.verdicts.each_ref().map(|(_, v)| cell(v));
    line("with all of them", cells(&report.findings), "");
    for Row { without, findings, strong } in &report.table {
        let (name, note) = match without {
            Some(one) => (format!("without {}", one.name()), one.without()),
            None => (
                format!("with {} dead", findings.assumptions.links.alone(args.servers)),
                "a minority",
            ),
        };
        let fails = |(_, verdict): &(_, Verdict)| matches!(verdict, Verdict::Fails(_));
        let is_bought = without.is_none() || findings.verdicts.iter().any(fails);
        line(&name, cells(findings), if is_bought { note } else { "" });
        if without.is_some() {
            line("  strong fairness", cells(strong), "");
        }
    }
    let mut text = format!(
        "{table}  a+b: it fails on a run of a steps and then b steps that repeat for ever (0: nothing happens).\n"
    );
    if text.contains("no verdict") {
        text += "  no verdict: the run that was found is none, done once more step by step.\n";
    }
    text + "  To read one: raft-model liveness --without ASSUMPTION.\n"
}

fn lengths(lasso: &Lasso) -> String {
    match (&lasso.end, lasso.lengths()) {
        (End::Trap { .. }, (stem, _)) => format!("fails {stem}"),
        (End::Cycle { .. }, (stem, cycle)) => format!("fails {stem}+{cycle}"),
    }
}

/// The report, for programs.
pub(super) fn as_json(args: &Args, report: &Report, cost: Cost) -> Value {
    let findings = &report.findings;
    let mut value = json!({
        "servers": args.servers.size(),
        "window": args.window,
        "hostile": { "states": report.hostile.states, "moves": report.hostile.edges },
        "calm": { "states": findings.coverage.states, "moves": findings.coverage.edges },
        "cut": findings.cut,
        "assumptions": assumptions_as_json(args, &findings.assumptions),
        "seconds": cost.seconds,
        "memory_bytes": cost.memory,
        "properties": verdicts_as_json(args, findings, true),
        "smaller_window": report.smaller.as_ref().map(|(coverage, findings)| json!({
            "window": args.window.number() - 1,
            "hostile": { "states": coverage.states, "moves": coverage.edges },
            "properties": verdicts_as_json(args, findings, false),
        })),
        "table": report.table.iter().map(|row| json!({
            "without": row.without.map(Assumption::name),
            "assumptions": assumptions_as_json(args, &row.findings.assumptions),
            "properties": verdicts_as_json(args, &row.findings, false),
            "with_strong_fairness": verdicts_as_json(args, &row.strong, false),
        })).collect::<Vec<_>>(),
    });
    if let Some(mutant) = args.mutant {
        value["mutant"] = json!(mutant.name);
    }
    value
}

fn assumptions_as_json(args: &Args, assumptions: &Assumptions) -> Value {
    json!({
        "messages_first": assumptions.messages_first,
        "heartbeats_hold": assumptions.heartbeats_hold,
        "restarts_end": assumptions.restarts_end,
        "dead": assumptions.links.alone(args.servers),
        "timers": fairness(assumptions.timers),
        "messages": fairness(assumptions.messages),
    })
}

fn verdicts_as_json(args: &Args, findings: &Findings, with_runs: bool) -> Vec<Value> {
    let verdicts = findings.verdicts.iter().map(|(property, verdict)| {
        let name = property.to_string();
        match verdict {
            verdict if is_open(args, verdict) => json!({ "name": name, "holds": null }),
            Verdict::Holds => json!({ "name": name, "holds": true }),
            Verdict::Fails(lasso) => {
                let (stem, cycle) = lasso.lengths();
                let mut value =
                    json!({ "name": name, "holds": false, "stem": stem, "cycle": cycle });
                if with_runs {
                    value["run"] = run_as_json(lasso);
                }
                value
            }
            Verdict::NotEstablished { cut } => json!({ "name": name, "holds": null, "cut": cut }),
            Verdict::Refuted(refuted) => {
                json!({ "name": name, "holds": null, "refuted": refuted.to_string() })
            }
        }
    });
    verdicts.collect()
}

fn run_as_json(lasso: &Lasso) -> Value {
    let numbering = Numbering::of(lasso.stem.initial.cluster());
    let names = |classes| numbering.names(classes);
    let stem = lasso.stem.moves_as_json();
    match &lasso.end {
        End::Trap { reachable } => json!({ "stem": stem, "reachable_without_leader": reachable }),
        End::Cycle { cycle, made, ever, always } => json!({
            "stem": stem,
            "cycle": cycle.moves_as_json(),
            "fairness": { "made": names(*made), "possible": names(*ever), "always": names(*always) },
        }),
    }
}

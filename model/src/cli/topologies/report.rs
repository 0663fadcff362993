//! What `raft-model topologies` prints.

use std::fmt::Write as _;

use raft_model::cluster::Protocol;
use raft_model::run::Run;
use raft_model::topology::{Finding, Orders, Row, Survey, Verdict};
use raft_model::types::ServerSet;
use serde_json::{Value, json};

use super::{Args, holds};
use crate::cli::table::Table;
use crate::cli::watch::Cost;

/// What was judged.
fn facts(args: &Args, survey: &Survey, rows: &[Row], cost: Cost) -> Table<2> {
    let mut table = Table::new([9, 8]);
    table.fact("servers", &survey.size, "");
    let kind = if args.is_directed() { "directed ones too" } else { "both ways" };
    let classes = format!("classes of links, {kind}; those with a centre are listed");
    table.fact("links", &rows.len(), &classes);
    let centres = rows.iter().filter(|row| !row.centres.is_empty()).count();
    table.fact("centre", &centres, "have one: a server that is linked both ways to a quorum");
    let (orders, says) = match survey.orders {
        Orders::Every => ("every", "messages that are under way together arrive in every order"),
        Orders::Fifo => (
            "fifo",
            "messages that are under way together arrive first in, first out, and in no other order",
        ),
    };
    table.fact("orders", &orders, says);
    if let Some(mutant) = args.mutant {
        table.fact("mutant", &mutant.name, &format!("({})", mutant.says));
    }
    table.cost(cost);
    table
}

/// A line of cells, one a protocol.
fn line(name: &str, cells: impl IntoIterator<Item = String>) -> String {
    let cells: String = cells.into_iter().map(|cell| format!(" {cell:<12}")).collect();
    format!("  {name:<22} {cells}").trim_end().to_owned() + "\n"
}

/// The report, for people.
pub(super) fn as_table(args: &Args, survey: &Survey, rows: &[Row], cost: Cost) -> String {
    let mut text = format!("{}\n", facts(args, survey, rows, cost));
    let names = survey.protocols.iter().map(|protocol| protocol.name().to_owned());
    text += &line("a leader stays", names);
    for row in rows.iter().filter(|row| !row.centres.is_empty()) {
        let cells = row.findings.iter().map(cell);
        let links = row.links.to_string();
        let name = row.name.map_or(String::new(), |name| format!("  = {name}"));
        // Links that are many have a line of their own.
        if links.len() + name.len() > 22 {
            let _ = writeln!(text, "  {links}{name}");
            text += &line("", cells);
        } else {
            text += &line(&(links + &name), cells);
        }
    }
    totals(&mut text, survey, rows);
    text +=
        "\n  ok: on all fair runs. a.s.: on almost all, timers being random. FAILS: on some not.\n";
    if rows.iter().flat_map(|row| &row.findings).any(|finding| finding.excludes) {
        text +=
            "  excl.: it stays, but somebody whom it hears, and who hears it, may never follow.\n";
    }
    text += "  Each run on which it does not is done once more, step by step. To read one:\n  \
             raft-model topologies --lasso \"A-C B-C\".\n";
    claims(&mut text, args, survey, rows);
    text
}

fn cell(finding: &Finding) -> String {
    let excludes = if finding.excludes { ", excl." } else { "" };
    match finding.lasso {
        Some(Err(_)) => "no verdict".to_owned(),
        _ => format!("{}{excludes}", finding.verdict),
    }
}

/// The findings of a protocol, by its place.
fn of(rows: &[Row], place: usize) -> impl Iterator<Item = &Finding> {
    rows.iter().map(move |row| &row.findings[place])
}

/// How many topologies with a centre have at least this verdict.
fn at_least(rows: &[Row], place: usize, verdict: Verdict) -> usize {
    let with_centre = of(rows, place).filter(|finding| !finding.centres.is_empty());
    with_centre.filter(|finding| finding.verdict >= verdict).count()
}

fn states(rows: &[Row], place: usize) -> usize {
    of(rows, place).map(|finding| finding.coverage.states).sum()
}

/// The most that was counted on links with a centre.
fn most(rows: &[Row], place: usize, count: impl Fn(&Finding) -> Option<usize>) -> Option<usize> {
    let with_centre = of(rows, place).filter(|finding| !finding.centres.is_empty());
    with_centre.map(count).try_fold(0, |most, count| Some(most.max(count?)))
}

fn totals(text: &mut String, survey: &Survey, rows: &[Row]) {
    let places = 0..survey.protocols.len();
    let or_no_end = |most: Option<usize>| most.map_or("no end".to_owned(), |most| most.to_string());
    text.push('\n');
    let of_all = rows.iter().filter(|row| !row.centres.is_empty()).count();
    let count = |verdict| {
        places.clone().map(move |place| format!("{} of {of_all}", at_least(rows, place, verdict)))
    };
    *text += &line("ok", count(Verdict::Always));
    *text += &line("a.s. or better", count(Verdict::AlmostSurely));
    let leaders = |place| or_no_end(most(rows, place, |finding| finding.leaders));
    *text += &line("leaders, at most", places.clone().map(leaders));
    let elections = |place| or_no_end(most(rows, place, |finding| finding.elections));
    *text += &line("elections, at most", places.clone().map(elections));
    *text += &line("states", places.clone().map(|place| states(rows, place).to_string()));
}

/// What is claimed of whom it is asked of.
fn claims(text: &mut String, args: &Args, survey: &Survey, rows: &[Row]) {
    text.push('\n');
    for (place, &protocol) in survey.protocols.iter().enumerate() {
        if !args.is_asked(protocol) {
            continue;
        }
        let fails = of(rows, place).filter(|finding| !holds(protocol, finding)).count();
        let verdict = if fails == 0 { "holds" } else { "FAILS" };
        let _ = writeln!(text, "  {protocol} {verdict}: {}", says(protocol));
    }
}

fn says(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::GUARDED => {
            "wherever there is a centre, one leader comes to be followed, and stays; elsewhere nobody \
             has a lease"
        }
        Protocol::CHECK_QUORUM => {
            "wherever there is a centre, a leader comes to stay; elsewhere nobody has a lease"
        }
        _ => "wherever there is a centre, a leader comes to stay",
    }
}

/// What happens on some links, told for each protocol.
pub(super) fn as_story(survey: &Survey, rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows {
        let name = row.name.map_or(String::new(), |name| format!(" ({name})"));
        let _ = writeln!(text, "{}{name}: {}", row.links, centre(row.centres));
        for (protocol, finding) in survey.protocols.iter().zip(&row.findings) {
            let _ = match &finding.lasso {
                None => writeln!(text, "\n{protocol}: a leader comes to stay on all fair runs."),
                Some(Err(refuted)) => {
                    writeln!(
                        text,
                        "\n{protocol}: NOT known: the run that was found is none: {refuted}."
                    )
                }
                Some(Ok(lasso)) => {
                    let verdict = match finding.verdict {
                        Verdict::AlmostSurely => {
                            "a leader comes to stay on almost all runs, not on"
                        }
                        Verdict::Always | Verdict::Fails => "no leader stays on",
                    };
                    writeln!(text, "\n{protocol}: {verdict} this one:\n\n{lasso}")
                }
            };
        }
    }
    text
}

fn centre(centres: ServerSet) -> String {
    match centres.is_empty() {
        true => "nobody is linked both ways to a quorum".to_owned(),
        false => format!("linked both ways to a quorum: {centres}"),
    }
}

/// The report, for programs.
pub(super) fn as_json(args: &Args, survey: &Survey, rows: &[Row], cost: Cost) -> Value {
    let topologies = rows.iter().map(|row| {
        let findings = survey.protocols.iter().zip(&row.findings);
        json!({
            "links": row.links.to_string(),
            "name": row.name,
            "centres": row.centres,
            "findings": findings.map(|(protocol, finding)| {
                finding_as_json(*protocol, finding, args.lasso.is_some())
            }).collect::<Vec<_>>(),
        })
    });
    let totals = survey.protocols.iter().enumerate().map(|(place, protocol)| {
        json!({
            "protocol": protocol.name(),
            "ok": at_least(rows, place, Verdict::Always),
            "almost_surely": at_least(rows, place, Verdict::AlmostSurely),
            "leaders": most(rows, place, |finding| finding.leaders),
            "elections": most(rows, place, |finding| finding.elections),
            "states": states(rows, place),
            "holds": of(rows, place).all(|finding| holds(*protocol, finding)),
        })
    });
    json!({
        "servers": survey.size,
        "directed": args.is_directed(),
        "every_order": survey.orders == Orders::Every,
        "mutant": args.mutant.map(|mutant| mutant.name),
        "with_centre": rows.iter().filter(|row| !row.centres.is_empty()).count(),
        "totals": totals.collect::<Vec<_>>(),
        "topologies": topologies.collect::<Vec<_>>(),
        "seconds": cost.seconds,
        "memory_bytes": cost.memory,
    })
}

fn finding_as_json(protocol: Protocol, finding: &Finding, with_run: bool) -> Value {
    let verdict = match finding.verdict {
        Verdict::Always => "always",
        Verdict::AlmostSurely => "almost surely",
        Verdict::Fails => "fails",
    };
    let mut value = json!({
        "protocol": protocol.name(),
        "verdict": verdict,
        "excludes": finding.excludes,
        "leaders": finding.leaders,
        "elections": finding.elections,
        "lease": finding.has_lease,
        "states": finding.coverage.states,
        "moves": finding.coverage.edges,
    });
    match &finding.lasso {
        None => {}
        Some(Err(refuted)) => value["refuted"] = json!(refuted.to_string()),
        Some(Ok(lasso)) => {
            let (stem, cycle) = lasso.lengths();
            (value["stem"], value["cycle"]) = (json!(stem), json!(cycle));
            if with_run {
                let [stem, cycle] = [&lasso.stem, &lasso.cycle].map(Run::moves_as_json);
                value["run"] = json!({ "stem": stem, "cycle": cycle });
            }
        }
    }
    value
}

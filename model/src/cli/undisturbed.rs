//! `raft-model undisturbed`.

use std::fmt::Write as _;
use std::io::{self, Write};

use raft_model::cluster::{Cluster, Protocol};
use raft_model::liveness::undisturbed::{self, Beginning, Findings, Hostile, Verdict};
use raft_model::mutant::Mutant;
use raft_model::reduce::Reductions;
use raft_model::search::Control;
use raft_model::types::Term;
use raft_model::world::Handlers;
use raft_model::world::bounds::Bounds;
use serde_json::{Value, json};

use super::exit::Exit;
use super::memory::Limit;
use super::paper::{self, HANG};
use super::table::Table;
use super::watch::{Cost, watched};
use super::{Failure, with_packed};

/// The arguments of `undisturbed`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// How many servers the cluster has, from 1 to 7.
    #[arg(long, value_name = "N", value_parser = super::cluster, default_value = "3")]
    servers: Cluster,
    /// The last term in which an election may start; terms begin at 0.
    #[arg(long, value_name = "T", value_parser = super::max_term, default_value = "2")]
    max_term: Term,
    /// Judge this protocol: figure2, pre-vote, check-quorum or guarded; and tell a shortest run
    /// that disturbs somebody. Repeat it for several. The exit code is theirs; without this option
    /// all are judged, and it is that of `guarded`.
    #[arg(long, value_name = "PROTOCOL")]
    protocol: Vec<Protocol>,
    #[command(flatten)]
    memory: Limit,
    /// Judge an election that is wrong on purpose, and tell how: one that is about guards, by both
    /// if no protocol is named. `mutants` lists them.
    #[arg(long, value_name = "NAME", value_parser = super::mutant)]
    mutant: Option<Mutant>,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

/// What was found of a protocol.
struct Row {
    protocol: Protocol,
    /// How many worlds the hostile phase has.
    hostile: usize,
    /// One a beginning.
    findings: Vec<(Beginning, Findings)>,
}

impl Args {
    fn protocols(&self) -> Vec<Protocol> {
        let of_mutant = self.mutant.map(|_| Protocol::GUARDED);
        super::protocols(&self.protocol, of_mutant)
    }

    /// Whether one of them was asked for by name.
    fn is_asked(&self) -> bool {
        !self.protocol.is_empty() || self.mutant.is_some()
    }

    fn bounds(&self, protocol: Protocol) -> Bounds {
        let cluster = Cluster::with(self.servers.size(), protocol).expect("the size of a cluster");
        undisturbed::bounds(cluster, self.max_term)
    }
}

/// Judges whether whoever comes back disturbs a quorum, and prints what it found.
pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    if let Some(Mutant { name, protocol: Protocol::FIGURE2, .. }) = args.mutant {
        return Err(Failure::Input(format!(
            "{name} is not about guards; `raft-model mutants {name}` says what catches it"
        )));
    }
    let (rows, cost) = watched(args.memory, |control| {
        let rows = args.protocols().into_iter().map(|protocol| find(args, protocol, control));
        rows.collect::<Result<Vec<Row>, Failure>>()
    });
    let rows = rows?;
    if args.json {
        writeln!(io::stdout(), "{:#}", as_json(args, &rows, cost))?;
    } else {
        paper::print(&as_table(args, &rows, cost))?;
    }
    let asked = rows.iter().filter(|row| args.is_asked() || row.protocol == Protocol::GUARDED);
    let verdicts = asked.flat_map(|row| &row.findings).map(|(_, findings)| &findings.verdict);
    let fails = |verdict: &Verdict| matches!(verdict, Verdict::Fails(_));
    Ok(if verdicts.clone().any(fails) {
        Exit::Fails
    } else if verdicts.clone().any(|verdict| *verdict == Verdict::Unconfirmed) {
        Exit::NoVerdict
    } else {
        Exit::Holds
    })
}

fn find(args: &Args, protocol: Protocol, control: &Control) -> Result<Row, Failure> {
    control.begins(format!("{protocol}, "));
    let handlers = args.mutant.map_or(Handlers::RAFT, |mutant| mutant.handlers);
    let bounds = args.bounds(protocol);
    with_packed!([2, 4, 8], bounds, Reductions::EXACT, WORDS, _model => {
        let hostile = Hostile::<WORDS>::explore(bounds, handlers, control)?;
        let hostile = hostile.expect("a world of these bounds fits");
        let judge = |beginning| Ok((beginning, hostile.judge(beginning, control)?));
        let findings = Beginning::ALL.into_iter().map(judge).collect::<Result<_, Failure>>()?;
        Ok(Row { protocol, hostile: hostile.worlds(), findings })
    })
}

fn named(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "holds",
        Verdict::Fails(_) => "FAILS",
        Verdict::Unconfirmed => "no verdict",
    }
}

/// How a verdict came about.
fn note(Findings { beginnings, worlds, verdict }: &Findings) -> String {
    match verdict {
        Verdict::Holds => format!("{worlds} worlds, from {beginnings} beginnings"),
        Verdict::Fails(disturbance) => {
            format!("{} steps, from one of {beginnings} beginnings", disturbance.run.moves.len())
        }
        Verdict::Unconfirmed => "a run was found that whole worlds do not do".to_owned(),
    }
}

/// The report, for people.
fn as_table(args: &Args, rows: &[Row], cost: Cost) -> String {
    let mut facts = Table::new([10, 8]);
    facts.fact("servers", &args.servers.size(), "");
    facts.fact("max term", &args.max_term, "no election starts in a later term");
    if let Some(mutant) = args.mutant {
        facts.fact("mutant", &mutant.name, &format!("({})", mutant.says));
    }
    facts.cost(cost);
    let mut judged = Table::new([13, 18, 10]);
    for Row { protocol, findings, .. } in rows {
        for (beginning, findings) in findings {
            judged.row([protocol, beginning, &named(&findings.verdict)], &note(findings));
        }
    }
    let mut text = format!(
        "{facts}\n  Undisturbed: {HANG}whoever was cut off and comes back changes neither the term nor the \
         leader of a quorum in contact.\n\n{judged}\n"
    );
    for Row { protocol, hostile, .. } in rows {
        let _ = writeln!(text, "  {protocol}: {hostile} hostile worlds, up to names of servers.");
    }
    if args.mutant.is_some() {
        text += "\n  If it holds of a mutant, it does so in reduced worlds, where messages that are \
                 dead by the specification are left out.\n";
    }
    if !args.is_asked() {
        text += "\n  To read a run that fails: --protocol check-quorum.\n";
    }
    for Row { protocol, findings, .. } in rows.iter().filter(|_| args.is_asked()) {
        for (beginning, findings) in findings {
            if let Verdict::Fails(disturbance) = &findings.verdict {
                let _ = write!(text, "\n{protocol}, {beginning}:\n\n{disturbance}");
            }
        }
    }
    text
}

/// The report, for programs.
fn as_json(args: &Args, rows: &[Row], cost: Cost) -> Value {
    let finding = |(beginning, findings): &(Beginning, Findings)| {
        let Findings { beginnings, worlds, verdict } = findings;
        let mut value = json!({
            "beginning": beginning.to_string(),
            "verdict": named(verdict).to_lowercase(),
            "beginnings": beginnings,
            "worlds": worlds,
        });
        if let Verdict::Fails(disturbance) = verdict {
            value["steps"] = json!(disturbance.run.moves.len());
            value["leader"] = json!(disturbance.led.leader);
            value["quorum"] = json!(disturbance.led.quorum);
            value["stem"] = disturbance.stem.moves_as_json();
            value["run"] = disturbance.run.moves_as_json();
        }
        value
    };
    let protocols = rows.iter().map(|Row { protocol, hostile, findings }| {
        json!({
            "protocol": protocol.name(),
            "hostile": hostile,
            "findings": findings.iter().map(finding).collect::<Vec<_>>(),
        })
    });
    json!({
        "servers": args.servers.size(),
        "max_term": args.max_term,
        "mutant": args.mutant.map(|mutant| mutant.name),
        "protocols": protocols.collect::<Vec<_>>(),
        "seconds": cost.seconds,
        "memory_bytes": cost.memory,
    })
}

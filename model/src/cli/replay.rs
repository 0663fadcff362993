//! `raft-model replay`.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use raft_model::reading::ReplayError;
use raft_model::replay::{Report, replay};
use serde_json::{Value, json};

use super::Failure;

/// The arguments of `replay`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Traces that `raft-node run --trace FILE` wrote, of the servers of one cluster.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

/// Replays the traces and prints what they show.
pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    let (text, code) = match replay(&args.files) {
        Ok(report) if args.json => (format!("{:#}\n", as_json(&report)), ExitCode::SUCCESS),
        Ok(report) => (as_table(&report, started.elapsed().as_secs_f64()), ExitCode::SUCCESS),
        Err(ReplayError::Damage { place, what }) if args.json => {
            let damage = json!({ "replayed": false, "place": place.to_string(), "what": what });
            (format!("{damage:#}\n"), ExitCode::FAILURE)
        }
        Err(error @ ReplayError::Damage { .. }) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            (String::new(), ExitCode::FAILURE)
        }
        Err(error) => return Err(Failure::Input(error.to_string())),
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(code)
}

fn as_table(report: &Report, seconds: f64) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: u64, note: &str| {
        let line = format!("  {name:<10} {value:<8} {note}");
        let _ = writeln!(text, "{}", line.trim_end());
    };
    row("servers", report.servers.size().into(), &format!("of cluster {:?}", report.cluster));
    row("runs", report.runs as u64, "of a server, from its start to its end");
    row("records", report.records, "each the step that the specification takes");
    row("received", report.received, "messages, each sent to its receiver by its sender");
    row("elected", report.elected.len() as u64, "leaders, at most one a term");
    let _ = writeln!(text, "  {:<10} {seconds:.1} s", "time");
    for note in &report.notes {
        let _ = writeln!(text, "\n  note: {note}");
    }
    text
}

fn as_json(report: &Report) -> Value {
    let elected =
        report.elected.iter().map(|(term, leader)| json!({ "term": term, "leader": leader }));
    json!({
        "replayed": true,
        "cluster": report.cluster,
        "servers": report.servers,
        "runs": report.runs,
        "records": report.records,
        "received": report.received,
        "on_trust": report.on_trust,
        "elected": elected.collect::<Vec<_>>(),
        "notes": report.notes,
    })
}

//! `raft-model replay`.

use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use raft_model::trace::behaviour::Behaviour;
use raft_model::trace::clocks::{Ahead, Clocks};
use raft_model::trace::picture::{Picture, PictureError, Range};
use raft_model::trace::reader::{Place, Reader, ReplayError};
use raft_model::trace::replay::{Report, replay_aligned};
use raft_model::trace::rule::Rule;
use serde_json::{Value, json};

use super::Failure;
use super::exit::Exit;
use super::paper::{self, HANG};

/// The arguments of `replay`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Traces that `raft-node run --trace FILE` wrote, of the servers of one cluster.
    ///
    /// In any order, those that were rotated (FILE.1, FILE.2, ...) with the others. They may be
    /// compressed by gzip or zstd. `-` is the standard input, which may hold several one after the
    /// other, as in `zcat s1.jsonl.*.gz | raft-model replay - s1.jsonl s2.jsonl s3.jsonl`.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
    /// Draw the run to this file, as SVG: a line a server, an arrow a message, time to the right.
    ///
    /// Times are compared between servers: the picture is as true as their clocks agree, or see
    /// --align-clocks. Of a run longer than 10 s the last election is drawn, unless --from or --to
    /// says otherwise.
    #[arg(long, value_name = "OUT")]
    svg: Option<PathBuf>,
    /// Align the clocks of the servers, in the times of the table and of the picture.
    ///
    /// How far they are apart is estimated: the quickest messages between two servers are taken to
    /// last as long there as back.
    #[arg(long)]
    align_clocks: bool,
    /// Write the run to this file as a module of TLA+, which `tla/tlc OUT` checks: that it is a
    /// behaviour of tla/RaftElection.tla. TLC takes the longer for a step the more messages were
    /// sent before: seconds for a thousand records, twenty minutes and more for twenty thousand.
    ///
    /// It takes the traces of all servers, from the first step on. The module is written even if
    /// the traces are refused here, so that TLC judges for itself. It judges what servers did, and
    /// nothing about traces: a lost record of a step that changed nothing goes by it.
    #[arg(long, value_name = "OUT", value_parser = module_file)]
    tla: Option<PathBuf>,
    /// Where the picture begins, in seconds from the first record.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, requires = "svg")]
    from: Option<Duration>,
    /// Draw it so many screens wide: what is close together is told apart, and one scrolls.
    #[arg(long, value_name = "SCREENS", default_value_t = 1, requires = "svg",
        value_parser = clap::value_parser!(u32).range(1..=1000))]
    zoom: u32,
    /// Where the picture ends, in seconds from the first record.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, requires = "svg")]
    to: Option<Duration>,
}

/// Replays the traces and prints what they show.
pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let started = Instant::now();
    let ahead = match args.align_clocks {
        true => Clocks::read(&args.files).map(|clocks| clocks.ahead()),
        false => Ok(Ahead::default()),
    };
    let replayed = ahead.and_then(|ahead| replay_aligned(ahead, &args.files));
    if let Some(out) = &args.tla {
        let behaviour = Behaviour::read(&args.files);
        let behaviour = behaviour.map_err(|error| Failure::Input(error.to_string()))?;
        let name = out.file_stem().unwrap_or_default().to_string_lossy();
        write_to(out, "--tla", &behaviour.module(&name))?;
    }
    let drawn = match (&replayed, &args.svg) {
        (Ok(report), Some(out)) => Some(draw(args, report, out)?),
        _ => None,
    };
    let (text, code) = match replayed {
        Ok(report) if args.json => {
            (format!("{:#}\n", as_json(&report, drawn.as_ref())), Exit::Holds)
        }
        Ok(report) => {
            let seconds = started.elapsed().as_secs_f64();
            paper::print(&as_table(&report, drawn.as_ref(), args.tla.as_deref(), seconds))?;
            return Ok(Exit::Holds);
        }
        Err(ReplayError::Damage { place, what }) if args.json => {
            (refusal(&place, None, &what), Exit::Fails)
        }
        Err(ReplayError::Refused { place, rule, what }) if args.json => {
            (refusal(&place, Some(rule), &what), Exit::Fails)
        }
        Err(error) => return refused(&error),
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(code)
}

/// A trace that cannot be replayed: it tells what cannot have happened, or is none.
pub(super) fn refused(error: &ReplayError) -> Result<Exit, Failure> {
    match error {
        ReplayError::Damage { .. } | ReplayError::Refused { .. } => {
            paper::complain(&error.to_string());
            Ok(Exit::Fails)
        }
        _ => Err(Failure::Input(error.to_string())),
    }
}

/// What was drawn: the file, which part of the run, and what to beware of.
struct Drawn {
    file: String,
    part: String,
    clocks: Vec<String>,
}

/// Draws what was replayed.
fn draw(args: &Args, report: &Report, out: &Path) -> Result<Drawn, Failure> {
    let read = |from, to| Picture::read(&args.files, report, Range { from, to });
    let last_election = report.elected_after.values().last();
    let picture = match (read(args.from, args.to), last_election) {
        (Err(PictureError::TooLong { .. }), Some(&at)) if args.from.is_none() => {
            let (before, after) = (Duration::from_secs(1), Duration::from_secs(2));
            read(Some(at.saturating_sub(before)), Some(at + after))
        }
        (picture, _) => picture,
    };
    let picture = picture.map_err(|error| Failure::Input(error.to_string()))?.zoomed(args.zoom);
    write_to(out, "--svg", &picture)?;
    let file = out.display().to_string();
    Ok(Drawn { file, part: picture.part(), clocks: picture.clocks() })
}

/// Writes the file that an option names.
fn write_to(out: &Path, option: &str, text: &impl fmt::Display) -> Result<(), Failure> {
    // `--svg FILE…` without OUT would overwrite a trace, and traces are evidence.
    if out.is_file() && Reader::open(out).is_ok() {
        let out = out.display();
        return Err(Failure::Input(format!("{option} {out}: this is a trace, and would be lost")));
    }
    let write = || {
        let mut file = BufWriter::new(File::create(out)?);
        write!(file, "{text}")?;
        file.flush()
    };
    write().map_err(|error: io::Error| {
        Failure::Input(format!("cannot write {}: {error}", out.display()))
    })
}

/// How many elections the table lists at the most: the last ones.
const SHOWN: usize = 10;

/// Reads the file of a module from the command line: it is named after the module.
fn module_file(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_name = name.chars().all(is_word) && name.starts_with(|c: char| c.is_ascii_alphabetic());
    if is_name && path.extension().is_some_and(|extension| extension == "tla") {
        Ok(path)
    } else {
        Err("a module's file is named NAME.tla, and NAME is of letters, digits and _".to_owned())
    }
}

/// Reads a time from the command line.
fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(number).map_err(|_| "not a time after the first record".to_owned())
}

fn as_table(report: &Report, drawn: Option<&Drawn>, module: Option<&Path>, seconds: f64) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: u64, note: &str| {
        let line = format!("  {name:<10} {value:<8} {HANG}{note}");
        let _ = writeln!(text, "{}", line.trim_end());
    };
    row("servers", report.servers.size().into(), &format!("of cluster {:?}", report.cluster));
    row("runs", report.runs as u64, "of a server, from its start to its end");
    row("records", report.records, "each the step that the specification takes");
    row("received", report.received, "messages, each sent to its receiver by its sender");
    row("elected", report.elected.len() as u64, "leaders, at most one a term");
    let _ = writeln!(text, "  {:<10} {seconds:.1} s", "time");
    let elections = report.elected.len();
    if elections > 0 {
        let _ = writeln!(text);
    }
    if elections > SHOWN {
        let _ = writeln!(text, "  … elections before: {}", elections - SHOWN);
    }
    for (term, leader) in report.elected.iter().skip(elections.saturating_sub(SHOWN)) {
        let seconds = report.elected_after[term].as_secs_f64();
        let _ = writeln!(text, "  {leader} leads term {term} at {seconds:.3} s");
    }
    if let Some(Drawn { file, part, .. }) = drawn {
        let _ = writeln!(text, "\n  drawn in {file}: {part}");
    }
    if let Some(module) = module {
        let module = module.display();
        let _ = writeln!(text, "\n  written to {module}; `tla/tlc {module}` judges it");
    }
    let clocks = drawn.iter().flat_map(|drawn| &drawn.clocks);
    let hint = if report.ahead.is_empty() { "; --align-clocks sets them right" } else { "" };
    let clocks = clocks.map(|note| format!("{note}{hint}")).chain(report.ahead.told());
    for note in report.notes.iter().cloned().chain(clocks) {
        let _ = writeln!(text, "\n  note: {HANG}{note}");
    }
    text
}

/// Why traces are refused: a line is damaged, or a rule is broken.
fn refusal(place: &Place, rule: Option<Rule>, what: &str) -> String {
    let rule = rule.map(|rule| format!("{rule:?}"));
    let place = place.to_string();
    format!("{:#}\n", json!({ "replayed": false, "place": place, "rule": rule, "what": what }))
}

fn as_json(report: &Report, drawn: Option<&Drawn>) -> Value {
    let elected = report.elected.iter().map(|(term, leader)| {
        let seconds = report.elected_after[term].as_secs_f64();
        json!({ "term": term, "leader": leader, "seconds": seconds })
    });
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
        "ahead_us": report.ahead,
        "drawn": drawn.map(|Drawn { file, part, clocks }| {
            json!({ "file": file, "part": part, "clocks": clocks })
        }),
    })
}

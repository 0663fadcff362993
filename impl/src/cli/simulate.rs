//! `raft-node simulate`.

use std::io::{self, Write as _};
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use raft_model::cluster::Protocol;
use raft_node::simulate::{Kind, Options, Outcome, Run, Violation, write_traces};
use serde_json::{Map, json};
use signal_hook::consts::{SIGINT, SIGTERM};

use super::{Failure, keys::Percent};

const EXAMPLE: &str = "\
Everything in a run follows from its seed. A run that breaks a rule is run again with fewer \
faults, as long as it breaks the same rule, and one line is printed that repeats what is left.

What must not happen, ever: two leaderships that are valid at once, a fencing token that is \
lower than one before or that two servers had, a leadership that is handed out after its end, a \
ballot that is refused or taken for another's, traces that are no run of the specification. And \
when all faults are over, somebody must lead.

With --clock-error greater than 1 clocks are worse than the servers count on, and two \
leaderships may be valid at once: so it can be seen what would happen.

Exit code: 0 if no rule was broken, 1 if one was, 2 if the command was told something wrong.";

/// Run clusters on a clock that is not real, let everything go wrong, and see whether they hold
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Args {
    /// Number of servers
    #[arg(long, value_name = "NUMBER", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=7))]
    servers: u8,
    /// How the servers elect: figure2, pre-vote, check-quorum or guarded. Only the latter two have
    /// leases
    #[arg(long, value_name = "PROTOCOL", default_value = "guarded")]
    protocol: Protocol,
    /// Seed of the first run; the next one has the next
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    seed: u64,
    /// How many runs
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    runs: u64,
    /// How many faults are planned for each run
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    faults: usize,
    /// Of these only the ones with these numbers, as in 3,14,15
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',')]
    only: Option<Vec<usize>>,
    /// How much clocks gain or lose at most, in percent; servers count on 1
    #[arg(long, value_name = "PERCENT", default_value = "1")]
    clock_error: Percent,
    /// Write the traces of a single run, or of the first that breaks a rule, to this directory, for
    /// `raft-model replay`
    #[arg(long, value_name = "DIR")]
    traces: Option<PathBuf>,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

/// The first run that breaks a rule.
struct Found {
    run: Run,
    violation: Violation,
}

/// Runs all of them.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let options = Options {
        servers: args.servers,
        protocol: args.protocol,
        faults: args.faults,
        clock_error_ppm: args.clock_error.0,
    };
    let began = Instant::now();
    let (all, found) = simulate_all(args, &options).map_err(Failure::other)?;
    if let Some(directory) = &args.traces
        && (args.runs == 1 || found.is_some())
    {
        let only = args.only.clone();
        let first = found.as_ref().map_or(Run { seed: args.seed, only }, |found| found.run.clone());
        let traces = first.simulate(&options).map_err(Failure::other)?.1;
        std::fs::create_dir_all(directory).map_err(Failure::other)?;
        write_traces(directory, &traces).map_err(Failure::other)?;
    }
    let text = if args.json {
        json(&all, found.as_ref())
    } else {
        table(&all, began.elapsed())
            + &found.as_ref().map_or(String::new(), |it| story(args, &options, it))
    };
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            return Err(Failure::other(error));
        }
        _ => {}
    }
    if found.is_some() { Err(Failure::Said) } else { Ok(()) }
}

/// As many at a time as there are processors. Which of them is found to break a rule does not
/// depend on that: it is the one with the lowest seed.
fn simulate_all(args: &Args, options: &Options) -> io::Result<(Outcome, Option<Found>)> {
    let (next, done) = (AtomicU64::new(0), AtomicU64::new(0));
    let stop = std::sync::Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, std::sync::Arc::clone(&stop))?;
    }
    let worker = || -> io::Result<(Outcome, Option<Found>)> {
        let (mut all, mut first) = (Outcome::default(), None);
        while !stop.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= args.runs {
                break;
            }
            let run = Run { seed: args.seed.wrapping_add(number), only: args.only.clone() };
            let (outcome, _) = run.simulate(options)?;
            all.add(&outcome);
            done.fetch_add(1, Ordering::Relaxed);
            if let Some(violation) = outcome.violation {
                next.fetch_max(args.runs, Ordering::Relaxed);
                let (run, violation) = run.shrunk(options, violation)?;
                first = Some(Found { run, violation });
            }
        }
        Ok((all, first))
    };
    thread::scope(|scope| {
        let count = thread::available_parallelism().map_or(1, NonZero::get);
        let workers: Vec<_> = (0..count).map(|_| scope.spawn(worker)).collect();
        let mut shown = Instant::now();
        while !workers.iter().all(thread::ScopedJoinHandle::is_finished) {
            thread::sleep(Duration::from_millis(20));
            if shown.elapsed() > Duration::from_secs(5) {
                shown = Instant::now();
                eprintln!("{} of {} runs", done.load(Ordering::Relaxed), args.runs);
            }
        }
        let (mut all, mut first) = (Outcome::default(), None::<Found>);
        for worker in workers {
            let (outcome, found) =
                worker.join().unwrap_or_else(|it| std::panic::resume_unwind(it))?;
            all.add(&outcome);
            let is_first = |it: &Found| first.as_ref().is_none_or(|old| it.run.seed < old.run.seed);
            if let Some(found) = found.filter(is_first) {
                first = Some(found);
            }
        }
        Ok((all, first))
    })
}

fn table(all: &Outcome, took: Duration) -> String {
    let seconds = Duration::from_nanos(all.nanoseconds).as_secs();
    let faults = all.all_faults();
    let mut text = format!(
        "{faults} faults in {seconds} s of simulated time, {:.1} s of real time\n",
        took.as_secs_f64()
    );
    for &kind in Kind::ALL {
        let count = all.faults(kind);
        let share = 100 * count / faults.max(1);
        text += &format!("  {:<16}{count:>9}{share:>4} %\n", kind.name());
    }
    let Outcome { elections, handed_out, given_up, records, .. } = all;
    text += &format!(
        "{elections} elections won, {handed_out} leaderships handed out or renewed, {given_up} given \
         up, {records} records replayed\n"
    );
    if all.violation.is_none() {
        text += "No rule was broken.\n";
    }
    text
}

fn story(args: &Args, options: &Options, found: &Found) -> String {
    let Found { run, violation } = found;
    let mut text = format!("\nBROKEN: {violation}\n\nWhat is left of run {}:\n", run.seed);
    for (number, fault) in run.faults(options) {
        text += &format!("{number:>5}  {fault}\n");
    }
    let numbers: Vec<_> = run.only.iter().flatten().map(usize::to_string).collect();
    // Without a number it would mean all of them.
    let only = if numbers.is_empty() { args.faults.to_string() } else { numbers.join(",") };
    text += &format!(
        "\nAgain:\n  raft-node simulate --servers {} --protocol {} --faults {} --clock-error {} \
         --seed {} --runs 1 --only {only} --traces TRACES\n",
        args.servers,
        args.protocol.name(),
        args.faults,
        f64::from(args.clock_error.0) / 10_000.0,
        run.seed,
    );
    text
}

fn json(all: &Outcome, found: Option<&Found>) -> String {
    let kinds = Kind::ALL.iter();
    let faults: Map<_, _> =
        kinds.map(|&kind| (kind.name().replace(' ', "_"), all.faults(kind).into())).collect();
    let broken = found.map(|Found { run, violation }| {
        json!({ "seed": run.seed, "only": run.only, "rule": violation.to_string() })
    });
    let report = json!({
        "faults": faults,
        "simulated_s": Duration::from_nanos(all.nanoseconds).as_secs(),
        "elections": all.elections,
        "handed_out": all.handed_out,
        "given_up": all.given_up,
        "records": all.records,
        "broken": broken,
    });
    format!("{report}\n")
}

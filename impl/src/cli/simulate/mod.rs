//! `raft-node simulate`.

mod report;

use std::fs;
use std::io::{self, Write as _};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use raft_model::cluster::Protocol;
use raft_node::simulate::{Options, Outcome, Run, write_traces};
use signal_hook::consts::{SIGINT, SIGTERM};

use self::report::{Found, Report};
use super::{Failure, hint, keys::Percent, printed};

const EXAMPLE: &str = "\
Everything in a run follows from its seed. A run that breaks a rule is run again with fewer \
faults, as long as it breaks the same rule, and one line is printed that repeats what is left.

What must not happen, ever: two leaderships that are valid at once, a fencing token that is \
lower than one before or that two servers had, a leadership that is handed out after its end, a \
ballot that is refused or taken for another's, a datagram that is believed twice or after one \
of its servers was started again, two that are sealed with one number, traces that are no run of the specification. And \
when all faults are over, somebody must lead.

With --clock-error greater than 1 clocks are worse than the servers count on, and two \
leaderships may be valid at once: so it can be seen what would happen.

Exit code: 0 if no rule was broken, 1 if one was, 2 if the command was told something wrong or \
the output cannot be written, 130 if Ctrl-C or SIGTERM ended it before a rule was broken.";

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
    /// Number of a server that votes and never leads; give it again for several
    #[arg(long = "witness", value_name = "NUMBER")]
    witnesses: Vec<u8>,
    /// Without a key: nobody repeats what was recorded, and nobody moves
    #[arg(long)]
    plain: bool,
    /// Seed of the first run; the next one has the next
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    seed: u64,
    /// How many runs [default: 100; 1 with --only]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    runs: Option<u64>,
    /// How many faults are planned for each run
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    faults: usize,
    /// Of the faults of a single run only the ones with these numbers, as in 3,14,15; or none
    #[arg(long, value_name = "NUMBERS", value_parser = only)]
    only: Option<Only>,
    /// How much clocks gain or lose at most, in percent; servers count on 1
    #[arg(long, value_name = "PERCENT", default_value = "1")]
    clock_error: Percent,
    /// Write the traces of a single run, or of the first that breaks a rule, to this directory, for
    /// `raft-model replay`. It must hold no traces yet
    #[arg(long, value_name = "DIR")]
    traces: Option<PathBuf>,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

/// Numbers of faults, in order.
#[derive(Clone, Debug)]
struct Only(Vec<usize>);

fn only(text: &str) -> Result<Only, String> {
    if text == "none" {
        return Ok(Only(Vec::new()));
    }
    let numbers: Result<Vec<usize>, _> = text.split(',').map(str::parse).collect();
    let mut numbers = numbers.map_err(|_| "write it as 3,14,15, or none")?;
    numbers.sort_unstable();
    match numbers.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("{} is there twice", pair[0])),
        None => Ok(Only(numbers)),
    }
}

impl Args {
    /// How many runs.
    fn runs(&self) -> u64 {
        self.runs.unwrap_or(if self.only.is_some() { 1 } else { 100 })
    }

    /// A run of this seed.
    fn of_seed(&self, seed: u64) -> Run {
        Run { seed, only: self.only.clone().map(|Only(numbers)| numbers) }
    }

    /// Refuses what would be ignored, or could not be done in the end.
    fn validate(&self, options: &Options) -> Result<(), Failure> {
        let refused = |why: String| Err(Failure::Input(why.into()));
        options.validate().map_err(hint::config)?;
        if let Some(Only(numbers)) = &self.only {
            if self.runs() > 1 {
                return refused("--only is about the faults of one run: leave out --runs".into());
            }
            if let Some(number) = numbers.last().filter(|number| **number >= self.faults) {
                return refused(match self.faults.checked_sub(1) {
                    Some(last) => {
                        format!("--only {number}: the faults have the numbers 0 to {last}")
                    }
                    None => format!("--only {number}: with --faults 0 there are none"),
                });
            }
        }
        if let Some(directory) = &self.traces {
            prepare(directory, self.servers)?;
        }
        Ok(())
    }
}

/// Makes sure that traces can be written to a directory, and none would be lost.
fn prepare(directory: &Path, servers: u8) -> Result<(), Failure> {
    let shown = directory.display();
    fs::create_dir_all(directory)
        .and_then(|()| tempfile::tempfile_in(directory))
        .map_err(|error| Failure::Output { what: format!("to --traces {shown}"), error })?;
    let mut names = (1..=servers).map(|number| format!("S{number}.trace"));
    match names.find(|name| directory.join(name).exists()) {
        Some(name) => {
            let why = format!("--traces {shown}: {name} is there already, and would be lost");
            Err(Failure::Input(why.into()))
        }
        None => Ok(()),
    }
}

/// SIGINT and SIGTERM.
struct Stop {
    /// Whether one has come.
    came: Arc<AtomicBool>,
    /// Whether the next one ends the process at once. Signals within a second are one: `timeout`
    /// sends its own twice.
    deadly: Arc<AtomicBool>,
}

impl Stop {
    fn at_signals() -> Result<Self, Failure> {
        let stop = Self { came: Arc::default(), deadly: Arc::default() };
        for signal in [SIGINT, SIGTERM] {
            let deadly = Arc::clone(&stop.deadly);
            signal_hook::flag::register_conditional_shutdown(signal, 130, deadly)
                .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop.came)))
                .map_err(Failure::Signals)?;
        }
        Ok(stop)
    }

    fn has_come(&self) -> bool {
        self.came.load(Ordering::Relaxed)
    }
}

/// Runs all of them.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let options = Options {
        servers: args.servers,
        protocol: args.protocol,
        witnesses: args.witnesses.clone(),
        faults: args.faults,
        clock_error_ppm: args.clock_error.0,
        has_key: !args.plain,
    };
    args.validate(&options)?;
    let stop = Stop::at_signals()?;
    let began = Instant::now();
    let (runs, all, found) = simulate_all(args, &options, &stop).map_err(Failure::other)?;
    let is_interrupted = found.is_none() && runs < args.runs();
    let traces = match &args.traces {
        Some(directory) if found.is_some() || (args.runs() == 1 && !is_interrupted) => {
            let first = found.as_ref().map_or_else(|| args.of_seed(args.seed), |it| it.run.clone());
            Some(keep_traces(&first, &options, directory)?)
        }
        Some(_) => Some("No traces are kept: of several runs, only those of a broken rule.".into()),
        None => None,
    };
    let (asked, took) = (args.runs(), began.elapsed());
    let report = Report { options, asked, runs, all, found, is_interrupted, took, traces };
    let text = if args.json { report.json() } else { report.text() };
    printed(io::stdout().write_all(text.as_bytes()))?;
    match report {
        Report { found: Some(_), .. } => Err(Failure::Said),
        Report { is_interrupted: true, .. } => Err(Failure::Interrupted),
        Report { .. } => Ok(()),
    }
}

/// Runs it once more, writes its traces, and says so.
fn keep_traces(run: &Run, options: &Options, directory: &Path) -> Result<String, Failure> {
    let (_, traces) = run.simulate(options).map_err(Failure::other)?;
    let shown = directory.display();
    write_traces(directory, &traces)
        .map_err(|error| Failure::Output { what: format!("to --traces {shown}"), error })?;
    Ok(format!("The traces of run {} are in {shown}.", run.seed))
}

/// As many at a time as there are processors. Which of them is found to break a rule does not
/// depend on that: it is the one with the lowest seed. How many came to an end, what they come to
/// together, and which one broke a rule.
fn simulate_all(
    args: &Args,
    options: &Options,
    stop: &Stop,
) -> io::Result<(u64, Outcome, Option<Found>)> {
    let (next, done) = (AtomicU64::new(0), AtomicU64::new(0));
    let worker = || -> io::Result<(Outcome, Option<Found>)> {
        let (mut all, mut first) = (Outcome::default(), None);
        while !stop.has_come() {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= args.runs() {
                break;
            }
            let run = args.of_seed(args.seed.wrapping_add(number));
            let (outcome, _) = run.simulate(options)?;
            all.add(&outcome);
            done.fetch_add(1, Ordering::Relaxed);
            if let Some(violation) = outcome.violation {
                next.fetch_max(args.runs(), Ordering::Relaxed);
                let (run, violation) = run.shrunk(options, violation)?;
                first = Some(Found { run, violation });
            }
        }
        Ok((all, first))
    };
    thread::scope(|scope| {
        let count = thread::available_parallelism().map_or(1, NonZero::get);
        let workers: Vec<_> = (0..count).map(|_| scope.spawn(worker)).collect();
        let (mut shown, mut came) = (Instant::now(), None);
        while !workers.iter().all(thread::ScopedJoinHandle::is_finished) {
            thread::sleep(Duration::from_millis(20));
            if stop.has_come() {
                let since = came.get_or_insert_with(Instant::now).elapsed();
                stop.deadly.store(since >= Duration::from_secs(1), Ordering::Relaxed);
            }
            if shown.elapsed() > Duration::from_secs(5) {
                shown = Instant::now();
                eprintln!("{} of {} runs", done.load(Ordering::Relaxed), args.runs());
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
        Ok((done.load(Ordering::Relaxed), all, first))
    })
}

//! The command line.

mod amount;
mod check;
mod drawing;
mod exit;
mod explore;
mod growth;
mod liveness;
mod memory;
mod mutants;
mod panic;
mod paper;
mod play;
mod prove;
mod replay;
mod table;
mod topologies;
mod undisturbed;
mod watch;

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use raft_model::cluster::{Cluster, Protocol};
use raft_model::mutant::{MUTANTS, Mutant};
use raft_model::reduce::{PackedModel, Reductions};
use raft_model::search::Stop;
use raft_model::types::{ServerId, Term};
use raft_model::world::bounds::{Bounds, Terms};

use exit::Exit;

/// Raft leader election: checks the specification, and shows what it does.
///
/// Without arguments it runs `check` of five servers, by Figure 2; `check` of three, by what the
/// node ships; and `liveness`. With options only, it runs `check`.
#[derive(Parser)]
#[command(name = "raft-model", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    check: check::Args,
}

#[derive(Subcommand)]
enum Command {
    /// Visit every reachable state within bounds, and judge the properties of safety.
    Check(check::Args),
    /// Measure how many states there are with more servers, terms and guards, and estimate how many
    /// there would be with still more.
    ///
    /// Before a long `check` one wants to know whether it takes a minute or a month. So graphs are
    /// searched that grow by a server or a term at a time, each as `check` does, until the time is
    /// up that each may take. Of the first that takes longer, its first levels are known, and the
    /// smaller graphs are known in full: from both it is estimated how large it is (`~`), and by
    /// which factor that may be wrong. `check` uses the same estimate to say when it may be done.
    Growth(growth::Args),
    /// Judge on all infinite runs whether leaders are elected and stay, and what that takes.
    Liveness(liveness::Args),
    /// Judge on which links a leader is elected and stays, where some servers do not hear each
    /// other.
    ///
    /// Partial partitions take clusters down in which every server is up. So every graph of links
    /// is looked at, one for all that differ only in the names of servers, under each protocol:
    /// does a leader come to stay whom a quorum follows? It can, if some server is linked both ways
    /// to a quorum: a centre. Once links stay as they are, messages arrive before election timers
    /// fire, and leaders' heartbeats come more often; every timer that no heartbeat starts anew
    /// fires at some time. It begins in any terms, 0 to 2 of three servers, 0 and 1 of more, and
    /// with any leaders, no two of the same term.
    Topologies(topologies::Args),
    /// Judge whether a server that was cut off and comes back disturbs a quorum in contact.
    ///
    /// It begins in every world that a hostile network and restarts can reach, in which a leader
    /// and a smallest quorum of followers in contact share the highest term. From there on the
    /// network is as hostile as before, and everybody else is free. Only this is assumed: the
    /// followers' timers do not fire, the leader does not leave office for want of answers, and
    /// nobody of them restarts. Their leader and their term should never change; either nothing was
    /// under way when that began, or nobody was waiting for pre-votes.
    Undisturbed(undisturbed::Args),
    /// Walk through elections in a web browser: right ones, wrong ones, recorded ones, live ones.
    Explore(explore::Args),
    /// Play a script: a story of timers, messages and crashes, and what every server does.
    Play(play::Args),
    /// Prove safety for every number of servers and every term, with the solvers z3 and cvc5.
    ///
    /// The source text of the specification is run on symbols instead of numbers, along every path
    /// that it has. For each path, and for each conjunct of an invariant, solvers have to show that
    /// the path keeps the conjunct, for every number of servers, every term, and every state that
    /// satisfies the invariant. Safety follows from the invariant; that of leases too, if a contact
    /// lasts at least as long as a lease by the clocks of all. The table names each conjunct and
    /// what it says; one that is not kept is shown by a step that leaves it. Both solvers together
    /// take two minutes, z3 alone half a minute.
    Prove(prove::Args),
    /// Look for what catches each of the elections that are wrong on purpose.
    ///
    /// Every mutant is searched at growing bounds, until a property of safety breaks. If none does,
    /// a run is looked for on which nobody is elected for ever, or nobody stays; then, whether the
    /// graph has another size than the specification's. What none of that shows is a matter of
    /// time, and the table names the test that sees it.
    ///
    /// That a mutant is found is what this is for. If one is not caught as the catalogue says, a
    /// check has become blind, or another one sharper.
    Mutants(mutants::Args),
    /// Check recorded traces: repeat every step with the specification.
    Replay(replay::Args),
}

/// Why a command did not do what it was asked for.
enum Failure {
    /// The input is wrong, or something that it names cannot be used.
    Input(String),
    /// The output cannot be written.
    Output(io::Error),
    /// Other processes that are to take part do not.
    Peers(String),
    /// It was stopped before it began.
    Stopped(Stop),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// Runs the command that the arguments ask for.
pub(crate) fn run() -> ExitCode {
    let cli = parsed(env::args_os());
    let command = cli.command.unwrap_or(Command::Check(cli.check));
    // A page that one thread of the Explorer cannot bring is no reason to end the others.
    if !matches!(command, Command::Explore(_)) {
        panic::ends_the_process();
    }
    let result = match command {
        Command::Check(_) if env::args_os().len() == 1 => check_everything(),
        Command::Liveness(args) => liveness::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Growth(args) => growth::run(&args),
        Command::Explore(args) => explore::run(&args),
        Command::Prove(args) => prove::run(&args),
        Command::Mutants(args) => mutants::run(&args),
        Command::Topologies(args) => topologies::run(&args),
        Command::Undisturbed(args) => undisturbed::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Play(args) => play::run(&args),
    };
    let (message, exit) = match result {
        Ok(exit) => return exit.into(),
        // Who reads the output has seen enough.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            return Exit::Holds.into();
        }
        Err(Failure::Input(message)) => (message, Exit::Unusable),
        Err(Failure::Output(error)) => {
            (format!("cannot write the output: {error}"), Exit::Unusable)
        }
        Err(Failure::Peers(message)) => {
            (format!("{message}: there is no verdict"), Exit::NoVerdict)
        }
        Err(Failure::Stopped(why)) => {
            (format!("{}: there is no verdict", because(why)), why.into())
        }
    };
    paper::complain(&message);
    exit.into()
}

/// The arguments, by a parser that explains the exit codes in the help of every command.
fn parsed(arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Cli {
    let explained = |command: clap::Command| command.after_help(exit::table());
    let command = explained(Cli::command()).mut_subcommands(explained);
    let matches = command.try_get_matches_from(arguments);
    let cli = matches.and_then(|matches| Cli::from_arg_matches(&matches));
    cli.unwrap_or_else(|mut error| {
        let argument = error.get(ContextKind::InvalidArg).map(ToString::to_string);
        if argument.as_deref() == Some("--max-term") {
            error.remove(ContextKind::SuggestedArg);
            let tip = "it has no such bound: --help says what it covers";
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
        }
        error.exit()
    })
}

/// Why a search ended early, and what to do about it.
const fn because(why: Stop) -> &'static str {
    match why {
        Stop::Interrupted => "it was interrupted",
        Stop::OutOfMemory => {
            "it has as much memory as --max-memory allows, by default three quarters of the \
             machine's; allow more, choose smaller bounds, or let `check` keep --fingerprints, or \
             states on a --disk"
        }
    }
}

impl From<Stop> for Exit {
    fn from(why: Stop) -> Self {
        match why {
            Stop::Interrupted => Self::Interrupted,
            Stop::OutOfMemory => Self::OutOfMemory,
        }
    }
}

/// Runs what stands behind the arrow on the packed model, in the first of these numbers of words
/// into which its states fit. The last is 8. It is compiled once for each: only a search that keeps
/// little else than states is worth many.
macro_rules! with_packed {
    ([$($W:literal),*], $bounds:expr, $reductions:expr, $words:ident, $model:ident => $then:expr) => {{
        let (bounds, reductions) = ($bounds, $reductions);
        'found: {
            $(if let Some($model) = raft_model::reduce::PackedModel::<$W>::new(bounds, reductions) {
                const $words: usize = $W;
                break 'found ($then);
            })*
            return Err($crate::cli::too_wide(bounds, reductions));
        }
    }};
}
use with_packed;

/// What to say of bounds whose states [`with_packed`] cannot hold.
fn too_wide(bounds: Bounds, reductions: Reductions) -> Failure {
    let with = |terms: u64| match bounds.terms {
        Terms::UpTo(_) => Terms::UpTo(Term::new(terms)),
        Terms::Window(_) => Terms::Window(Term::new(terms)),
    };
    let fits = |terms: &u64| {
        PackedModel::<8>::new(Bounds { terms: with(*terms), ..bounds }, reductions).is_some()
    };
    let highest = (1..bounds.terms.last().number()).take_while(fits).last().unwrap_or(0);
    let (servers, terms) = (bounds.cluster.size(), bounds.terms.last());
    let otherwise = match bounds.terms {
        Terms::UpTo(_) => "; --engine world has no such limit",
        Terms::Window(_) => "",
    };
    Failure::Input(format!(
        "with {servers} servers, {terms} is too many terms: a state takes more than 512 bits. The \
         most that fit are {highest}{otherwise}"
    ))
}

/// What is checked without arguments: safety by Figure 2, and by what the node ships; liveness.
const EVERYTHING: [&[&str]; 3] =
    [&["check"], &["check", "--servers=3", "--protocol=guarded", "--hand-over"], &["liveness"]];

/// One after the other. The first that does not hold gives the exit code. Nobody asks how long an
/// unsafe election takes.
fn check_everything() -> Result<Exit, Failure> {
    let mut exit = Exit::Holds;
    for (number, arguments) in EVERYTHING.into_iter().enumerate() {
        if number > 0 {
            writeln!(io::stdout())?;
        }
        let cli = parsed([&["raft-model"], arguments].concat());
        let next = match cli.command {
            Some(Command::Check(args)) => check::run(&args)?,
            Some(Command::Liveness(_)) if exit == Exit::Fails => {
                writeln!(io::stdout(), "Safety is VIOLATED, see above. `liveness` is left out.")?;
                break;
            }
            Some(Command::Liveness(args)) => liveness::run(&args)?,
            _ => unreachable!("it was asked for one of these"),
        };
        if exit == Exit::Holds {
            exit = next;
        }
        if next == Exit::Interrupted {
            break;
        }
    }
    Ok(exit)
}

/// Reads the name of a mutant.
fn mutant(name: &str) -> Result<Mutant, String> {
    let named = Mutant::named(name);
    named.ok_or_else(|| {
        let mut near = MUTANTS.iter().map(|mutant| mutant.name).collect::<Vec<_>>();
        near.sort_by_key(|known| strsim::damerau_levenshtein(name, known));
        let [first, second, third, ..] = near[..] else { unreachable!("there are more") };
        format!("did you mean {first}, {second} or {third}? `raft-model mutants --list` has all")
    })
}

/// Reads a cluster size from the command line.
fn cluster(text: &str) -> Result<Cluster, String> {
    let size: i64 = text.parse().map_err(|_| "not a whole number".to_string())?;
    let size = u8::try_from(size.clamp(0, u8::MAX.into())).unwrap_or(u8::MAX);
    Cluster::new(size).map_err(|error| error.to_string())
}

/// The cluster of as many servers that elect so, of whom these are witnesses.
fn with_witnesses(
    servers: Cluster,
    protocol: Protocol,
    witnesses: &[ServerId],
) -> Result<Cluster, Failure> {
    let cluster = Cluster::with(servers.size(), protocol);
    let cluster = cluster.and_then(|all| all.with_witnesses(witnesses.iter().copied().collect()));
    cluster.map_err(|error| Failure::Input(format!("--witness: {error}")))
}

/// The protocols that are judged, each once: those that are named, or else that of a mutant, or
/// else all.
fn protocols(named: &[Protocol], of_mutant: Option<Protocol>) -> Vec<Protocol> {
    let of_mutant = || of_mutant.map_or_else(|| Protocol::ALL.to_vec(), |protocol| vec![protocol]);
    let mut protocols = if named.is_empty() { of_mutant() } else { named.to_vec() };
    protocols.sort_unstable_by_key(|protocol| protocol.bits());
    protocols.dedup();
    protocols
}

/// Reads the number of a server from the command line.
fn server(text: &str) -> Result<ServerId, String> {
    let number = text.trim_start_matches('S').parse().ok().and_then(ServerId::new);
    number.ok_or_else(|| format!("servers are numbered from 1 to {}", ServerId::MAX))
}

/// Reads the last term in which an election may start.
fn max_term(text: &str) -> Result<Term, String> {
    match text.parse() {
        Ok(0) => Err("elections start in term 1 at the earliest".to_string()),
        Ok(number) => Ok(Term::new(number)),
        Err(_) => Err("not a whole number".to_string()),
    }
}

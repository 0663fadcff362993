//! The command line.

mod adopt;
mod bootstrap;
mod cluster;
mod control;
mod generate;
mod hint;
mod init;
mod join;
mod key;
mod keys;
mod lead;
mod log;
mod prepare;
mod reload;
mod run;
mod service;
mod simulate;
mod trace;

use std::env;
use std::error::Error;
use std::io::{self, IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::Duration;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, Parser, Subcommand};
use raft_model::cluster::Protocol;
use raft_model::types::ServerId;
use raft_node::supervise;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::tcgetwinsize;

use self::keys::Percent;

/// Raft leader election over UDP: servers choose one leader a term, and another when it fails.
///
/// First try `cluster`, which needs no arguments; then `run`, one server in each terminal. For real
/// machines, `init` writes an example of a configuration. `lead` runs a command where the leader
/// is.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Cluster(cluster::Args),
    Run(run::Args),
    Bootstrap(bootstrap::Args),
    Adopt(adopt::Args),
    Join(join::Args),
    Init(init::Init),
    CheckConfig(init::Check),
    Keygen(key::Keygen),
    #[command(subcommand)]
    Key(key::Key),
    Lead(lead::Args),
    Status(control::Status),
    HandOver(control::HandOver),
    StepDown(control::StepDown),
    LogLevel(control::LogLevel),
    Trace(trace::Trace),
    Simulate(simulate::Args),
    Completions(generate::Completions),
    Man(generate::Man),
    #[command(name = supervise::ENTER, hide = true)]
    Enter(lead::Enter),
}

/// Does what the arguments say.
pub(crate) fn run() -> ExitCode {
    let result = match parsed().command {
        Command::Lead(args) => match lead::run(args) {
            Ok(code) => return ExitCode::from(code),
            Err(failure) => Err(failure),
        },
        Command::Enter(args) => return ExitCode::from(lead::enter(&args)),
        Command::Run(args) => run::run(args),
        Command::Bootstrap(args) => bootstrap::run(args),
        Command::Adopt(args) => adopt::run(args),
        Command::Join(args) => join::run(args),
        Command::Cluster(args) => cluster::run(args),
        Command::Init(args) => init::init(&args),
        Command::CheckConfig(args) => init::check(&args),
        Command::Keygen(args) => key::generate(&args),
        Command::Key(key::Key::Rotate(args)) => key::rotate(&args),
        Command::Status(args) => control::status(&args),
        Command::HandOver(args) => control::hand_over(&args),
        Command::StepDown(args) => control::step_down(&args),
        Command::LogLevel(args) => control::log_level(args),
        Command::Trace(args) => trace::run(args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Completions(args) => generate::completions(&args),
        Command::Man(args) => generate::man(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure @ (Failure::Said | Failure::Interrupted)) => ExitCode::from(failure.code()),
        Err(failure) => {
            complain(&failure);
            ExitCode::from(failure.code())
        }
    }
}

/// Says why a command did not do what it was asked for. Nobody may be listening.
fn complain(failure: &Failure) {
    let mut text = format!("error: {failure}");
    let stderr = io::stderr();
    if stderr.is_terminal() {
        let columns = tcgetwinsize(&stderr).map_or(80, |size| size.ws_col.max(20).into());
        text = textwrap::fill(&text, in_whole_words(columns));
    }
    let _ = writeln!(&stderr, "{text}");
}

/// Text so wide. Words are left whole: half a number is another one.
fn in_whole_words<'a>(columns: usize) -> textwrap::Options<'a> {
    let options = textwrap::Options::new(columns).break_words(false);
    options.word_splitter(textwrap::WordSplitter::NoHyphenation)
}

/// The arguments. Of one that stands alone, and that nothing is known of, it is said where it was
/// probably meant to stand.
fn parsed() -> Cli {
    Cli::try_parse().unwrap_or_else(|mut error| {
        let is_unknown = error.kind() == ErrorKind::UnknownArgument;
        let argument = error.get(ContextKind::InvalidArg).filter(|_| is_unknown);
        let tip = argument.and_then(|argument| tip(&argument.to_string()));
        if let Some(tip) = tip {
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
        }
        error.exit()
    })
}

/// Where an argument that stands alone belongs, if the command has a place for it.
fn tip(argument: &str) -> Option<String> {
    let command = env::args().nth(1).filter(|_| !argument.starts_with('-'))?;
    if command == "lead" {
        return Some(format!("a command stands after `--`: `-- {argument}`"));
    }
    let cli = Cli::command();
    let mut arguments = cli.find_subcommand(command)?.get_arguments();
    let has_config = arguments.any(|it| it.get_long() == Some("config"));
    has_config.then(|| format!("a configuration is given by --config: `--config {argument}`"))
}

/// How servers elect, and when they send and campaign.
#[derive(clap::Args)]
struct Election {
    /// How the servers elect, the same on all of them: figure2, pre-vote, check-quorum, or guarded,
    /// which is both
    #[arg(long, value_name = "PROTOCOL", default_value = "guarded")]
    protocol: Protocol,
    /// Number of a server that votes and never leads, the same on all of them; give it again for
    /// several
    #[arg(long = "witness", value_name = "NUMBER")]
    witnesses: Vec<u8>,
    /// Milliseconds between two heartbeats of a leader; less than half of the election minimum
    #[arg(long, value_name = "MS", default_value_t = 50)]
    heartbeat: u64,
    /// Milliseconds without a leader until a server campaigns, drawn anew each time
    #[arg(long = "election", value_name = "MIN..MAX", default_value = "150..225", value_parser = range)]
    timeout: (u64, u64),
    /// How much clocks may gain or lose, in percent: what a lease assumes of all servers
    #[arg(long, value_name = "PERCENT", default_value = "1")]
    clock_error: Percent,
}

impl Election {
    fn heartbeat(&self) -> Duration {
        Duration::from_millis(self.heartbeat)
    }

    fn timeout(&self) -> RangeInclusive<Duration> {
        let (min, max) = self.timeout;
        Duration::from_millis(min)..=Duration::from_millis(max)
    }
}

fn range(text: &str) -> Result<(u64, u64), String> {
    let numbers =
        text.split_once("..").and_then(|(min, max)| Some((min.parse().ok()?, max.parse().ok()?)));
    numbers.ok_or_else(|| "write it as 150..225, in milliseconds".into())
}

/// Whether something can be read there, now or within this time.
fn is_readable(stream: &UnixStream, time: Duration) -> bool {
    let mut fds = [PollFd::new(stream, PollFlags::IN)];
    poll(&mut fds, Timespec::try_from(time).ok().as_ref()).is_ok_and(|count| count > 0)
}

/// What comes of printing. Whoever closes the pipe has seen enough.
fn printed(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Output { what: "the output".into(), error })
        }
        _ => Ok(()),
    }
}

/// What becomes readable when it is time to stop, and what makes it so: one byte a signal.
fn stop_at_signals(signals: &[i32]) -> Result<(UnixStream, UnixStream), Failure> {
    let (stop, stopper) = UnixStream::pair().map_err(Failure::Signals)?;
    for &signal in signals {
        let stopper = stopper.try_clone().map_err(Failure::Signals)?;
        signal_hook::low_level::pipe::register(signal, stopper).map_err(Failure::Signals)?;
    }
    Ok((stop, stopper))
}

fn server_id(text: &str) -> Result<ServerId, String> {
    let number = text.strip_prefix('S').unwrap_or(text).parse().ok().and_then(ServerId::new);
    number.ok_or_else(|| format!("{text:?} is not the number of a server, 1 to {}", ServerId::MAX))
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Input(Box<dyn Error>),
    #[error("log level {0:?} (RAFT_LOG): write off, warn, info, debug or trace")]
    Log(String),
    #[error("cannot listen for signals: {0}")]
    Signals(io::Error),
    #[error("cannot answer over HTTP at {address}: {error}")]
    Http { address: SocketAddr, error: io::Error },
    #[error("cannot write {what}: {error}")]
    Output { what: String, error: io::Error },
    #[error("")]
    Said, // on standard output
    #[error("")]
    Interrupted, // which standard output says
    #[error(transparent)]
    Disk(Box<dyn Error>), // what lies there is not what should: no restart mends that
    #[error(transparent)]
    Other(Box<dyn Error>),
}

impl Failure {
    fn input(error: impl Error + 'static) -> Self {
        Self::Input(Box::new(error))
    }

    fn disk(error: impl Error + 'static) -> Self {
        Self::Disk(Box::new(error))
    }

    fn other(error: impl Error + 'static) -> Self {
        Self::Other(Box::new(error))
    }

    const fn code(&self) -> u8 {
        match self {
            Self::Interrupted => 130,
            Self::Input(_) | Self::Log(_) | Self::Output { .. } => 2,
            Self::Disk(_) => 3,
            Self::Signals(_) | Self::Http { .. } | Self::Said | Self::Other(_) => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Parser)]
    struct Timing {
        #[command(flatten)]
        election: Election,
    }

    #[test]
    fn times_are_milliseconds() {
        let it = Timing::parse_from(["it", "--heartbeat", "20", "--election", "100..200"]).election;
        assert_eq!(it.heartbeat(), Duration::from_millis(20));
        assert_eq!(it.timeout(), Duration::from_millis(100)..=Duration::from_millis(200));
    }

    #[test]
    fn a_stream_is_readable_once_something_was_written() {
        let (stream, mut other) = UnixStream::pair().unwrap();
        assert!(!is_readable(&stream, Duration::ZERO));
        other.write_all(b"!").unwrap();
        assert!(is_readable(&stream, Duration::ZERO));
    }

    #[test]
    fn who_closes_the_pipe_has_seen_enough_and_a_full_disk_is_told() {
        let printed = |kind: io::ErrorKind| super::printed(Err(kind.into()));
        assert!(printed(io::ErrorKind::BrokenPipe).is_ok());
        assert!(matches!(printed(io::ErrorKind::StorageFull), Err(Failure::Output { .. })));
    }
}

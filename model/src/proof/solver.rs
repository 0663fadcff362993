//! The solvers: programs that read SMT-LIB from their standard input, and answer on their output.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread;

/// A program that decides whether formulas can be true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Solver {
    /// Its name: that of the program, and of the package that brings it.
    pub name: &'static str,
    /// How it is told to answer question after question, each within so many milliseconds.
    arguments: &'static [&'static str],
}

/// The solvers that are asked.
pub const SOLVERS: [Solver; 2] = [
    Solver { name: "z3", arguments: &["-in", "-t:10000"] },
    Solver {
        name: "cvc5",
        arguments: &[
            "--lang=smt2",
            "--incremental",
            "--finite-model-find",
            "--produce-models",
            "--tlimit-per=10000",
        ],
    },
];

/// What a solver says about what it was asked to consider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// It can never be true.
    Unsat,
    /// It can be true.
    Sat,
    /// It did not find out in time.
    Unknown,
}

impl Answer {
    /// The word by which a solver says it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unsat => "unsat",
            Self::Sat => "sat",
            Self::Unknown => "unknown",
        }
    }

    fn read(line: &str) -> Option<Self> {
        [Self::Unsat, Self::Sat, Self::Unknown].into_iter().find(|answer| answer.word() == line)
    }
}

/// Why a solver did not answer.
#[derive(Debug, thiserror::Error)]
pub enum SolverError {
    /// It cannot be started.
    #[error(
        "cannot run the solver {name}: {error}; on Debian or Ubuntu, install it with \
         `apt-get install {name}`"
    )]
    Missing {
        /// The program.
        name: &'static str,
        /// What the system says.
        error: io::Error,
    },
    /// It says that the text is wrong.
    #[error("{name} does not understand {file}: {says}")]
    Refused {
        /// The program.
        name: &'static str,
        /// The name of the file that it was given.
        file: String,
        /// What it says.
        says: String,
    },
    /// It ended before it had answered everything.
    #[error("{name} ended before it had answered all of {file}")]
    Ended {
        /// The program.
        name: &'static str,
        /// The name of the file that it was given.
        file: String,
    },
}

impl Solver {
    /// Finds out whether it can be run, and which version it is, in its own words.
    ///
    /// # Errors
    ///
    /// [`SolverError::Missing`].
    pub fn version(&self) -> Result<String, SolverError> {
        let output = Command::new(self.name).arg("--version").stdin(Stdio::null()).output();
        let output = output.map_err(|error| SolverError::Missing { name: self.name, error })?;
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(text.lines().next().unwrap_or_default().trim().to_owned())
    }

    /// Gives it a text, and hands over each of its answers as it comes, until it is told that
    /// nobody wants more.
    pub(super) fn ask(
        &self,
        file: &str,
        text: &str,
        mut wants_more: impl FnMut(Answer) -> bool,
    ) -> Result<(), SolverError> {
        self.converse(text, |output| {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let line = line.trim();
                if let Some(answer) = Answer::read(line) {
                    if !wants_more(answer) {
                        return Ok(());
                    }
                } else if line.contains("error") {
                    return Err(self.refused(file, line));
                }
            }
            Ok(())
        })?
    }

    /// Gives it a text, and returns all that it says.
    pub(super) fn reply(&self, text: &str) -> Result<String, SolverError> {
        self.converse(text, |mut output| {
            let mut reply = String::new();
            // Where it breaks off, there is no value to read.
            let _ = output.read_to_string(&mut reply);
            reply
        })
    }

    /// Runs it, with a text for it to read and somebody who reads what it writes.
    fn converse<R>(
        &self,
        text: &str,
        listen: impl FnOnce(std::process::ChildStdout) -> R,
    ) -> Result<R, SolverError> {
        let missing = |error| SolverError::Missing { name: self.name, error };
        let child = Command::new(self.name)
            .args(self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0) // so that Ctrl-C is left to us
            .spawn();
        let mut child = Running(child.map_err(missing)?);
        let mut input = child.0.stdin.take().expect("piped");
        let output = child.0.stdout.take().expect("piped");
        Ok(thread::scope(|scope| {
            // Aside, since it may write before it has read everything.
            scope.spawn(move || {
                // If it ends early, what it wrote until then says why.
                let _ = input.write_all(text.as_bytes());
            });
            let heard = listen(output);
            drop(child);
            heard
        }))
    }

    fn refused(&self, file: &str, says: &str) -> SolverError {
        SolverError::Refused { name: self.name, file: file.to_owned(), says: says.to_owned() }
    }
}

/// A process that ends, at the latest, when nobody listens to it any more.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

//! The solvers: programs that read SMT-LIB from their standard input, and answer on their output.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use super::file::{File, LookedFor, Obligation};

/// A program that decides whether formulas can be true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Solver {
    /// Its name: that of the program, and of the package that brings it.
    pub name: &'static str,
    /// How it is told to answer question after question.
    arguments: &'static [&'static str],
    /// How it is told to look for small models.
    for_models: &'static [&'static str],
    /// How it is told to look for instances that refute each other.
    for_proofs: &'static [&'static str],
    /// How it is told to answer each within so many milliseconds, which follow.
    limit_argument: &'static str,
    /// How long it may take for one. If it does not heed that, it is not waited for much longer.
    limit: Duration,
}

const LIMIT: Duration = Duration::from_secs(10);

/// For a question among others it gets a part of its limit, one of so many; alone it gets all.
const PARTS: u32 = 5;

/// How many times as long it may take where others have the processors.
const BUSY: u32 = 8;

/// The solvers that are asked.
pub const SOLVERS: [Solver; 2] = [
    Solver {
        name: "z3",
        arguments: &["-in"],
        for_models: &[],
        for_proofs: &[],
        limit_argument: "-t:",
        limit: LIMIT,
    },
    Solver {
        name: "cvc5",
        arguments: &["--lang=smt2", "--incremental"],
        for_models: &["--finite-model-find", "--produce-models"],
        for_proofs: &["--full-saturate-quant", "--prenex-quant=none"],
        limit_argument: "--tlimit-per=",
        limit: LIMIT,
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
    /// It says something else than what is asked, for instance that the text is wrong.
    #[error("{name} does not answer {file}: it says {says:?}, where {due} is due")]
    Astray {
        /// The program.
        name: &'static str,
        /// The name of the file that it was given.
        file: String,
        /// What it says.
        says: String,
        /// What it should say.
        due: String,
    },
    /// It does not answer in time, nor say that it does not know.
    #[error("{name} is silent for {} s in {file}; --limit gives it more", after.as_secs())]
    Late {
        /// The program.
        name: &'static str,
        /// The name of the file that it was given.
        file: String,
        /// For how long.
        after: Duration,
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
    /// The same, that may take so long for a question.
    pub const fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

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

    /// Gives it a file, and hands over each of its answers as it comes, until it is told that
    /// nobody wants more. Before each answer it has to say to which question. What it does not know
    /// it is asked again, alone: what it learned of other questions can lead it astray.
    pub(super) fn ask(
        &self,
        file: &File,
        mut wants_more: impl FnMut(Answer) -> bool,
    ) -> Result<(), SolverError> {
        let mut output = self.converse(&file.text, file.looked_for, self.limit / PARTS)?;
        let mut alone_helps = true; // or else it is at a loss with the file
        for (question, obligation) in file.questions().zip(&file.obligations) {
            let mut answer = output.answer(self, file, &question)?;
            if answer == Answer::Unknown && alone_helps {
                answer = self.ask_alone(file, obligation, &question)?;
                alone_helps = answer != Answer::Unknown;
            }
            if !wants_more(answer) {
                return Ok(());
            }
        }
        match output.line().map_err(|after| self.late(file, after))? {
            Some(says) => Err(self.astray(file, says, "the end")),
            None => Ok(()),
        }
    }

    /// Asks it one question of a file, without the others; twice, with more time, if others had the
    /// processors, since solvers look at the clock of the wall.
    fn ask_alone(
        &self,
        file: &File,
        obligation: &Obligation,
        question: &str,
    ) -> Result<Answer, SolverError> {
        let text = file.alone(obligation);
        let asked = Instant::now();
        let mut output = self.converse(&text, file.looked_for, self.limit)?;
        let answer = output.answer(self, file, question)?;
        if answer == Answer::Unknown && self.was_kept_waiting(asked.elapsed(), output.at_work()) {
            let patient = self.within(BUSY * self.limit);
            let mut output = patient.converse(&text, file.looked_for, patient.limit)?;
            return output.answer(&patient, file, question);
        }
        Ok(answer)
    }

    /// Whether it ran out of time since others had the processors. How long it was at work may not
    /// be known.
    fn was_kept_waiting(&self, passed: Duration, worked: Option<Duration>) -> bool {
        let limit = self.limit.mul_f64(0.9); // clocks differ
        passed >= limit && worked.is_some_and(|worked| worked < limit)
    }

    fn astray(&self, file: &File, says: String, due: &str) -> SolverError {
        let due = due.to_owned();
        SolverError::Astray { name: self.name, file: file.name.clone(), says, due }
    }

    fn late(&self, file: &File, after: Duration) -> SolverError {
        SolverError::Late { name: self.name, file: file.name.clone(), after }
    }

    /// Gives it a text, and returns all that it says in time.
    pub(super) fn reply(&self, text: &str) -> Result<String, SolverError> {
        let mut output = self.converse(text, LookedFor::Models, self.limit)?;
        let mut reply = String::new();
        // Where it breaks off, there is no value to read.
        while let Ok(Some(line)) = output.line() {
            reply += &line;
            reply.push('\n');
        }
        Ok(reply)
    }

    /// Runs it, with a text for it to read, and a limit for each question.
    fn converse(
        &self,
        text: &str,
        looked_for: LookedFor,
        limit: Duration,
    ) -> Result<Output, SolverError> {
        let missing = |error| SolverError::Missing { name: self.name, error };
        let child = Command::new(self.name)
            .args(self.arguments)
            .args(match looked_for {
                LookedFor::Models => self.for_models,
                LookedFor::Proofs => self.for_proofs,
            })
            .arg(format!("{}{}", self.limit_argument, limit.as_millis()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0) // so that Ctrl-C is left to us
            .spawn();
        let mut child = Running(child.map_err(missing)?);
        let mut input = child.0.stdin.take().expect("piped");
        let output = child.0.stdout.take().expect("piped");
        let text = text.to_owned();
        // Both aside, and on their own: it may write before it has read everything, or do neither.
        thread::spawn(move || {
            // If it ends early, what it wrote until then says why.
            let _ = input.write_all(text.as_bytes());
        });
        let (sender, lines) = sync_channel(64);
        thread::spawn(move || {
            let lines = BufReader::new(output).lines().map_while(Result::ok);
            let lines = lines.map(|line| line.trim().to_owned()).filter(|line| !line.is_empty());
            for line in lines {
                if sender.send(line).is_err() {
                    break; // nobody listens
                }
            }
        });
        Ok(Output { lines, deadline: 3 * self.limit, child })
    }
}

/// What a solver writes.
struct Output {
    lines: Receiver<String>,
    /// How long it may be silent. That is longer than it may take, for it also has to read.
    deadline: Duration,
    child: Running,
}

impl Output {
    /// What it answers to the next question, which it has to repeat.
    fn answer(
        &mut self,
        solver: &Solver,
        file: &File,
        question: &str,
    ) -> Result<Answer, SolverError> {
        let mut line = || {
            let line = self.line().map_err(|after| solver.late(file, after))?;
            line.ok_or_else(|| SolverError::Ended { name: solver.name, file: file.name.clone() })
        };
        let says = line()?;
        if says.trim_matches('"') != question {
            return Err(solver.astray(file, says, question));
        }
        let says = line()?;
        let due = || format!("the answer to {question}");
        Answer::read(&says).ok_or_else(|| solver.astray(file, says, &due()))
    }

    /// For how long it was at work until now, by the processors' clock; none if that is not known.
    fn at_work(&self) -> Option<Duration> {
        let text = fs::read_to_string(format!("/proc/{}/schedstat", self.child.0.id())).ok()?;
        Some(Duration::from_nanos(text.split_whitespace().next()?.parse().ok()?))
    }

    /// Its next line; none at the end. If it is silent for too long, for how long it was.
    fn line(&mut self) -> Result<Option<String>, Duration> {
        match self.lines.recv_timeout(self.deadline) {
            Ok(line) => Ok(Some(line)),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => Err(self.deadline),
        }
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

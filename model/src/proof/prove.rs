//! Files are given to solvers, several at a time.

use std::iter::repeat;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::file::{File, Obligation};
use super::solver::{Answer, Solver, SolverError};

/// How far a proof is, and whether it is to stop; shared by all threads.
#[derive(Debug, Default)]
pub struct Progress {
    /// How many questions were answered, by all solvers together.
    pub answered: AtomicUsize,
    /// Whether to stop, as soon as the next answer comes.
    pub stop: AtomicBool,
}

/// What one solver answered.
#[derive(Debug)]
pub struct Answers {
    /// Which solver it was.
    pub solver: Solver,
    /// Its answers, to the questions of each file in their order.
    pub of: Vec<Vec<Answer>>,
}

impl Answers {
    /// The questions of these files that it did not answer as expected.
    pub fn unexpected<'a>(
        &'a self,
        files: &'a [File],
    ) -> impl Iterator<Item = (&'a File, &'a Obligation, Answer)> {
        files.iter().zip(&self.of).flat_map(|(file, answers)| {
            // What was not answered is not known.
            let answers = answers.iter().copied().chain(repeat(Answer::Unknown));
            let asked = file.obligations.iter().zip(answers);
            asked
                .filter(|(obligation, answer)| obligation.expected != *answer)
                .map(move |(obligation, answer)| (file, obligation, answer))
        })
    }
}

/// Gives every file to every solver, in so many processes at a time. What was not asked since it
/// was stopped has no answer.
///
/// # Errors
///
/// [`SolverError`] if a solver cannot be run, or does not answer every question.
pub fn prove(
    files: &[File],
    solvers: &[Solver],
    workers: usize,
    progress: &Progress,
) -> Result<Vec<Answers>, SolverError> {
    let none = |&solver: &Solver| Answers { solver, of: vec![Vec::new(); files.len()] };
    let answers: Mutex<Vec<Answers>> = Mutex::new(solvers.iter().map(none).collect());
    let next = AtomicUsize::new(0);
    let work = || -> Result<(), SolverError> {
        while !progress.stop.load(Relaxed) {
            let job = next.fetch_add(1, Relaxed);
            let (file, by) = (job / solvers.len(), job % solvers.len());
            let Some(asked) = files.get(file) else { break };
            let given = ask(&solvers[by], asked, progress)?;
            answers.lock().unwrap_or_else(PoisonError::into_inner)[by].of[file] = given;
        }
        Ok(())
    };
    let work = || work().inspect_err(|_| progress.stop.store(true, Relaxed));
    thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let mut ends = threads.into_iter().map(|thread| thread.join().expect("it does not panic"));
        ends.try_for_each(|end| end)
    })?;
    Ok(answers.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// The answers of a solver to the questions of a file.
fn ask(solver: &Solver, file: &File, progress: &Progress) -> Result<Vec<Answer>, SolverError> {
    let mut answers = Vec::new();
    solver.ask(file, |answer| {
        answers.push(answer);
        progress.answered.fetch_add(1, Relaxed);
        !progress.stop.load(Relaxed)
    })?;
    Ok(answers)
}

//! What is printed of many rounds.

use std::time::Duration;

/// The rounds of one program.
#[derive(Default)]
pub(crate) struct Sample {
    times: Vec<Duration>,
    at_once: u32,
}

/// Some ranks of a sample, in milliseconds.
pub(crate) struct Ranks {
    p50: f64,
    p99: f64,
}

pub(crate) fn head() {
    println!(
        "  {:<10} {:<5} {:>8} {:>8} {:>8} {:>8} {:>8}   first campaign won",
        "", "disk", "min", "p50", "p90", "p99", "max"
    );
}

impl Sample {
    pub(crate) fn push(&mut self, time: Duration, terms: u64) {
        self.times.push(time);
        self.at_once += u32::from(terms == 1);
    }

    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.times.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn print(mut self, program: &str, disk: &str) -> Ranks {
        self.times.sort();
        let rank = |percent: usize| {
            let rank = (self.times.len() * percent).div_ceil(100).max(1);
            self.times[rank - 1].as_secs_f64() * 1e3
        };
        let [min, p50, p90, p99, max] = [0, 50, 90, 99, 100].map(rank);
        println!(
            "  {program:<10} {disk:<5} {min:8.1} {p50:8.1} {p90:8.1} {p99:8.1} {max:8.1}   {} of {}",
            self.at_once,
            self.len()
        );
        Ranks { p50, p99 }
    }
}

impl Ranks {
    pub(crate) fn compare(&self, peer: &Self) {
        println!(
            "  {:<10} {:<5} {:>8} {:8.2} {:>8} {:8.2}",
            "ratio",
            "",
            "",
            self.p50 / peer.p50,
            "",
            self.p99 / peer.p99
        );
    }
}

//! The columns of a report for people.

use std::fmt::{self, Display};

use super::paper::HANG;
use super::watch::Cost;

/// Lines of so many columns, each padded to its width, and of a note that takes what it needs.
pub(super) struct Table<const N: usize> {
    widths: [usize; N],
    text: String,
}

impl<const N: usize> Table<N> {
    pub(super) const fn new(widths: [usize; N]) -> Self {
        Self { widths, text: String::new() }
    }

    pub(super) fn row(&mut self, cells: [&dyn Display; N], note: &str) {
        let mut line = String::from("  ");
        for (cell, width) in cells.into_iter().zip(self.widths) {
            // As text first: not every `Display` heeds a width.
            line += &format!("{:<width$} ", cell.to_string());
        }
        let line = format!("{line}{HANG}{note}");
        self.text += line.trim_end();
        self.text.push('\n');
    }

    /// A line that has no columns.
    pub(super) fn line(&mut self, line: &str) {
        self.text += &format!("  {line}\n");
    }
}

/// The head of a report: a line for each thing that is so.
impl Table<2> {
    pub(super) fn fact(&mut self, name: &str, value: &dyn Display, note: &str) {
        self.row([&name, value], note);
    }

    pub(super) fn seconds(&mut self, seconds: f64) {
        self.fact("time", &format!("{seconds:.1} s"), "");
    }

    pub(super) fn cost(&mut self, cost: Cost) {
        self.seconds(cost.seconds);
        if let Some(memory) = cost.memory {
            self.fact("memory", &format!("{} MiB", memory >> 20), "at most, in this process");
        }
    }
}

impl<const N: usize> Display for Table<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

//! What people read: on a terminal no wider than that is, with colour for what is wrong; elsewhere
//! as it was made, for files and other programs.

use std::env;
use std::io::{self, IsTerminal, Write};

use terminal_size::{Width, terminal_size};
use textwrap::{Options, WordSplitter};

/// Stands before the last column of a line. If the line is too long, it goes on below that.
pub(super) const HANG: char = '\t';

/// The words by which reports say that something is wrong.
const WRONG: [&str; 7] = ["VIOLATED", "FAILS", "DISAGREES", "NOT", "SAT", "UNSAT", "UNKNOWN"];

/// Prints a report for people.
pub(super) fn print(report: &str) -> io::Result<()> {
    let mut stdout = io::stdout();
    let is_terminal = stdout.is_terminal();
    let text = match if is_terminal { Some(width()) } else { asked_for() } {
        Some(width) => report.lines().map(|line| wrapped(line, width) + "\n").collect(),
        None => report.replace(HANG, ""),
    };
    let is_set = |name| env::var_os(name).filter(|value| !value.is_empty());
    let is_plain = is_set("NO_COLOR").is_some() || is_set("TERM").is_none_or(|term| term == "dumb");
    let is_coloured = is_terminal && !is_plain;
    stdout.write_all(if is_coloured { coloured(&text) } else { text }.as_bytes())
}

/// Says why a command did not do what it was asked for.
pub(super) fn complain(message: &str) {
    let mut text = format!("error: {message}");
    if io::stderr().is_terminal() {
        text = filled(&text, width(), "", "");
    }
    let _ = writeln!(io::stderr(), "{text}");
}

/// As many of these fields, which commas part, as there is room for: half a number is another one.
pub(super) fn shortened(line: &str, width: usize) -> &str {
    let mut rest = line;
    while rest.chars().count() > width {
        let Some((shorter, _)) = rest.rsplit_once(", ") else { return "" };
        rest = shorter;
    }
    rest
}

/// How many columns a terminal has.
pub(super) fn width() -> usize {
    terminal_size().map_or(80, |(Width(columns), _)| columns.into())
}

/// How many columns whoever reads elsewhere wants.
fn asked_for() -> Option<usize> {
    env::var("COLUMNS").ok()?.parse().ok().filter(|&columns| columns > 0)
}

/// A line, over as many as it takes.
pub(super) fn wrapped(line: &str, width: usize) -> String {
    let (columns, last) = line.split_once(HANG).unwrap_or(("", line));
    let text = format!("{columns}{last}");
    if text.chars().count() <= width {
        return text;
    }
    let indent = line.len() - line.trim_start().len();
    let hang = if columns.is_empty() { indent + 3 } else { columns.chars().count() };
    if hang > width * 5 / 8 {
        // There is too little room below the last column.
        let below = " ".repeat(indent + 4);
        let last = filled(last, width, &below, &below);
        return format!("{}\n{last}", filled(columns.trim_end(), width, "", &below));
    }
    filled(&text, width, "", &" ".repeat(hang))
}

/// Text in lines of which the first begins so, and the others in another way. Words are left whole.
fn filled(text: &str, width: usize, first: &str, others: &str) -> String {
    let options = Options::new(width)
        .initial_indent(first)
        .subsequent_indent(others)
        .word_splitter(WordSplitter::NoHyphenation)
        .break_words(false);
    textwrap::fill(text, options)
}

/// With what is wrong in red.
fn coloured(text: &str) -> String {
    let words = text.split_inclusive(|c: char| !c.is_alphanumeric());
    let coloured = words.map(|word| {
        let bare = word.trim_end_matches(|c: char| !c.is_alphanumeric());
        match WRONG.contains(&bare) {
            true => format!("\x1b[31;1m{bare}\x1b[0m{}", &word[bare.len()..]),
            false => word.to_owned(),
        }
    });
    coloured.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_on_below_its_last_column() {
        let line = "  states  33    \tdistinct, all that are reachable";
        assert_eq!(wrapped(line, 80), line.replace(HANG, ""));
        assert_eq!(
            wrapped(line, 34),
            "  states  33    distinct, all that\n                are reachable"
        );
    }

    #[test]
    fn a_last_column_without_room_has_its_own_lines() {
        let line = "  one   two   three   \tand so on for ever";
        assert_eq!(wrapped(line, 26), "  one   two   three\n      and so on for ever");
    }

    #[test]
    fn a_story_goes_on_below_its_first_word() {
        let line = "  1. S1 leads, and says so.  [BecomeLeader]";
        assert_eq!(wrapped(line, 30), "  1. S1 leads, and says so.\n     [BecomeLeader]");
    }

    #[test]
    fn a_word_that_is_too_long_is_left_whole() {
        assert_eq!(
            wrapped("  in https://example.com/a/b", 12),
            "  in\n     https://example.com/a/b"
        );
    }

    #[test]
    fn a_line_is_shortened_by_whole_fields() {
        let line = "38 s: level 13, 64512 states, 22438/s, 90 MiB";
        assert_eq!(shortened(line, 45), line);
        assert_eq!(shortened(line, 44), "38 s: level 13, 64512 states, 22438/s");
        assert_eq!(shortened(line, 36), "38 s: level 13, 64512 states");
        assert_eq!(shortened(line, 10), "");
    }

    #[test]
    fn only_whole_words_are_red() {
        let text = "NOT proved, NOTHING is: VIOLATED\n";
        let red = "\x1b[31;1mNOT\x1b[0m proved, NOTHING is: \x1b[31;1mVIOLATED\x1b[0m\n";
        assert_eq!(coloured(text), red);
    }
}

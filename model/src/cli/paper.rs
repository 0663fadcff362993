//! What people read: on a terminal no wider than that is, with colour for what is wrong; elsewhere
//! as it was made, for files and other programs.

use std::env;
use std::io::{self, IsTerminal, Write};

use terminal_size::{Width, terminal_size};

/// Stands before the last column of a line. If the line is too long, it goes on below that.
pub(super) const HANG: char = '\t';

/// The words by which reports say that something is wrong.
const WRONG: [&str; 7] = ["VIOLATED", "FAILS", "DISAGREES", "NOT", "SAT", "UNSAT", "UNKNOWN"];

/// Prints a report for people.
pub(super) fn print(report: &str) -> io::Result<()> {
    let mut stdout = io::stdout();
    if !stdout.is_terminal() {
        return stdout.write_all(report.replace(HANG, "").as_bytes());
    }
    let width = width();
    let lines: Vec<String> = report.lines().map(|line| wrapped(line, width)).collect();
    let text = lines.join("\n") + "\n";
    let is_set = |name| env::var_os(name).filter(|value| !value.is_empty());
    let is_plain = is_set("NO_COLOR").is_some() || is_set("TERM").is_none_or(|term| term == "dumb");
    stdout.write_all(if is_plain { text } else { coloured(&text) }.as_bytes())
}

/// How many columns a terminal has.
pub(super) fn width() -> usize {
    terminal_size().map_or(80, |(Width(columns), _)| columns.into())
}

/// A line, over as many as it takes.
pub(super) fn wrapped(line: &str, width: usize) -> String {
    let indent = line.len() - line.trim_start().len();
    let (columns, last) = line.split_once(HANG).unwrap_or(("", line));
    let mut rest = format!("{columns}{last}");
    let mut text = String::new();
    let mut hang = if columns.is_empty() { indent + 3 } else { columns.chars().count() };
    if hang > width * 5 / 8 && rest.chars().count() > width {
        // There is too little room below the last column.
        hang = indent + 4;
        text = format!("{}\n", columns.trim_end());
        rest = format!("{:hang$}{last}", "");
    }
    while let Some((end, _)) = rest.char_indices().nth(width) {
        let begin = rest.len() - rest.trim_start().len();
        let Some(words) = rest.get(begin..=end).and_then(|words| words.rfind(' ')) else { break };
        let (full, more) = rest.split_at(begin + words);
        text += full.trim_end();
        text.push('\n');
        rest = format!("{:hang$}{}", "", more.trim_start());
    }
    text + &rest
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
    fn only_whole_words_are_red() {
        let text = "NOT proved, NOTHING is: VIOLATED\n";
        let red = "\x1b[31;1mNOT\x1b[0m proved, NOTHING is: \x1b[31;1mVIOLATED\x1b[0m\n";
        assert_eq!(coloured(text), red);
    }
}

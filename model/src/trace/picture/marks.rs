//! Marks, and the text that they say.

use std::fmt::{self, Display, Formatter, Write as _};

pub(super) const STAR: &str =
    "M0-10 2.6-3.3 9.5-3.1 4.1 1.2 5.9 8.1 0 4.2-5.9 8.1-4.1 1.2-9.5-3.1-2.6-3.3Z";
pub(super) const CROSS: &str = "M-4-4 4 4M-4 4 4-4";
pub(super) const TRIANGLE: &str = "M-4-7 8 0-4 7Z";
pub(super) const DISC: &str = "M-7 0a7 7 0 0 1 14 0a7 7 0 0 1-14 0Z";
pub(super) const DOT: &str = "M-4.5 0a4.5 4.5 0 0 1 9 0a4.5 4.5 0 0 1-9 0Z";
pub(super) const SPECK: &str = "M-1.8 0a1.8 1.8 0 0 1 3.6 0a1.8 1.8 0 0 1-3.6 0Z";

/// A mark on a line, with what it says to who points at it.
pub(super) fn mark(class: &str, x: f64, y: f64, shape: &str, title: &str) -> String {
    let title = match title {
        "" => String::new(),
        title => format!("<title>{}</title>", Escaped(title)),
    };
    format!(
        r#"<path class="step {class}" transform="translate({x:.1} {y:.1})" d="{shape}">{title}</path>"#
    )
}

/// A length of time, as it is said.
pub(super) fn length(microseconds: u64) -> String {
    match microseconds {
        0..1000 => format!("{microseconds} µs"),
        1000..10_000 => format!("{:.2} ms", microseconds as f64 / 1000.0),
        _ => format!("{:.0} ms", microseconds as f64 / 1000.0),
    }
}

/// Text of which nothing is taken for markup, or is no character of XML.
pub(super) struct Escaped<T>(pub(super) T);

impl<T: AsRef<str>> Display for Escaped<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for character in self.0.as_ref().chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\n' => f.write_char('\n')?,
                '\u{fffe}' | '\u{ffff}' => f.write_char('\u{fffd}')?,
                control if control.is_control() => f.write_char('\u{fffd}')?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

//! What pictures of tables have in common.

use std::fmt::Write as _;

/// Words in a picture, from here on.
pub(super) fn text(svg: &mut String, class: &str, (x, y): (f64, f64), says: &str) {
    let _ = writeln!(svg, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{says}</text>");
}

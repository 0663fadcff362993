//! How states grow, as a picture: a panel a protocol, a line a number of servers, terms to the
//! right, and each line of the grid ten times as many states as the one below.

use std::fmt::Write as _;

use raft_model::cluster::Protocol;

use super::Args;
use super::rows::Row;
use crate::cli::amount::as_f64;
use crate::cli::drawing::text;

/// Measures, in pixels.
const MARGIN: f64 = 56.0;
const TOP: f64 = 96.0;
const PANEL: f64 = 250.0;
const GAP: f64 = 34.0;
const HEIGHT: f64 = 300.0;
const BELOW: f64 = 96.0;

const STYLE: &str = "\
text{font-family:system-ui,'DejaVu Sans',sans-serif;fill:#1d2733;font-size:12px}\
.title{font-size:22px;font-weight:700}.head{font-size:15px;font-weight:600}.sub{fill:#52606d}\
.grid{stroke:#e4e7eb}.line{fill:none;stroke-width:2}.end{text-anchor:end}.mid{text-anchor:middle}\
.doubt{stroke-width:1.5}.known{stroke:none}.guess{fill:#fff;stroke-width:2}";

/// A colour for each number of servers, from one on; each line is labelled, too.
const COLOURS: [&str; 7] =
    ["#52606d", "#0b5cad", "#0a8f6a", "#d98e04", "#c0392b", "#7b3fa0", "#1d2733"];

/// Where things are.
struct Axes {
    terms: u64,
    /// The power of ten at the upper end.
    decades: f64,
}

impl Axes {
    fn x(&self, panel: usize, term: u64) -> f64 {
        let all = as_f64(usize::try_from(self.terms.max(2) - 1).unwrap_or(1));
        let part = as_f64(usize::try_from(term - 1).unwrap_or(0)) / all;
        // Room for a label at the end.
        left(panel) + 18.0 + part * (PANEL - 68.0)
    }

    fn y(&self, states: f64) -> f64 {
        TOP + HEIGHT * (1.0 - states.max(1.0).log10().min(self.decades) / self.decades)
    }
}

fn left(panel: usize) -> f64 {
    MARGIN + as_f64(panel) * (PANEL + GAP)
}

/// How many states a graph has or may have, and by which factor that may be wrong.
fn states(row: &Row) -> (f64, f64) {
    let estimated = row.told().map(|whole| (whole.size.states, whole.size.factor));
    estimated.unwrap_or((as_f64(row.found.states()), 1.0))
}

/// The picture.
pub(super) fn draw(args: &Args, rows: &[Row]) -> String {
    let protocols = args.protocols();
    let most = rows.iter().map(|row| states(row).0).fold(10.0, f64::max);
    let axes = Axes { terms: args.max_term.number(), decades: (most.log10() + 0.5).ceil() };
    let width = (left(protocols.len()) - GAP + MARGIN / 2.0).max(620.0);
    let height = TOP + HEIGHT + BELOW;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\">\n<title>States by servers, terms and guards</title>\n\
         <style>{STYLE}</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    text(&mut svg, "title", (MARGIN, 40.0), "How states grow with servers, terms and guards");
    for (panel, protocol) in protocols.into_iter().enumerate() {
        frame(&mut svg, &axes, panel, protocol);
        for servers in args.sizes() {
            let is_of = |row: &&Row| {
                let is_told = row.estimate.is_none() || row.told().is_some();
                row.protocol == protocol && row.servers == servers && is_told
            };
            let of_line: Vec<&Row> = rows.iter().filter(is_of).collect();
            line(&mut svg, &axes, panel, &of_line);
        }
    }
    let says = [
        "Right: the last term in which an election may start. Up: distinct states, ten times as many a line.",
        "Filled: searched in full. Open: estimated, and the bar says how far it may be off. What cannot be told is left out.",
    ];
    for (place, says) in says.into_iter().enumerate() {
        text(&mut svg, "sub", (MARGIN, TOP + HEIGHT + 52.0 + 18.0 * as_f64(place)), says);
    }
    svg + "</svg>\n"
}

/// The grid of a panel and its head.
fn frame(svg: &mut String, axes: &Axes, panel: usize, protocol: Protocol) {
    let (from, to) = (left(panel), left(panel) + PANEL);
    text(svg, "head", (from, TOP - 16.0), protocol.name());
    let mut power = 0_i32;
    while f64::from(power) <= axes.decades {
        let y = axes.y(10_f64.powi(power));
        let _ = writeln!(
            svg,
            "<line class=\"grid\" x1=\"{from}\" y1=\"{y:.1}\" x2=\"{to}\" y2=\"{y:.1}\"/>"
        );
        if panel == 0 {
            text(svg, "end", (from - 6.0, y + 4.0), &format!("10^{power}"));
        }
        power += 1;
    }
    for term in 1..=axes.terms {
        text(svg, "mid", (axes.x(panel, term), TOP + HEIGHT + 20.0), &term.to_string());
    }
}

/// The graphs of one number of servers.
fn line(svg: &mut String, axes: &Axes, panel: usize, rows: &[&Row]) {
    let Some(last) = rows.last() else { return };
    let colour = COLOURS[usize::from(last.servers).clamp(1, 7) - 1];
    let place = |row: &Row| (axes.x(panel, row.max_term), axes.y(states(row).0));
    let points = rows.iter().map(|row| {
        let (x, y) = place(row);
        format!("{x:.1},{y:.1}")
    });
    let points = points.collect::<Vec<_>>().join(" ");
    let _ = writeln!(svg, "<polyline class=\"line\" stroke=\"{colour}\" points=\"{points}\"/>");
    for row in rows {
        let ((x, y), (all, factor)) = (place(row), states(row));
        if row.estimate.is_none() {
            let _ = writeln!(
                svg,
                "<circle class=\"known\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\"/>"
            );
            continue;
        }
        let (low, high) = (axes.y(all / factor), axes.y(all * factor));
        let _ = writeln!(
            svg,
            "<line class=\"doubt\" stroke=\"{colour}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{low:.1}\" \
             y2=\"{high:.1}\"/>\n<circle class=\"guess\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" \
             stroke=\"{colour}\"/>"
        );
    }
    let (x, y) = place(last);
    let servers = last.servers;
    let s = if servers == 1 { "" } else { "s" };
    text(svg, "name", (x + 8.0, y + 4.0), &format!("{servers} server{s}"));
}

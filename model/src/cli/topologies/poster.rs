//! The table of topologies as a picture: a small graph a row, a mark a protocol. What a mark means
//! is said by its shape, and once more by its colour.

use std::f64::consts::TAU;
use std::fmt::Write as _;

use raft_model::cluster::Cluster;
use raft_model::topology::{Finding, Row, Survey, Verdict};
use raft_model::types::ServerId;
use raft_model::world::links::{Links, letter};

use crate::cli::amount::as_f64;
use crate::cli::drawing::text;

/// Measures, in pixels.
const MARGIN: f64 = 36.0;
const TOP: f64 = 132.0;
const ROW: f64 = 104.0;
const GRAPH: f64 = 132.0;
const COLUMN: f64 = 98.0;
const RADIUS: f64 = 31.0;
const DOT: f64 = 8.0;
/// Rows of a block; blocks stand side by side.
const ROWS: usize = 11;

const STYLE: &str = "\
text{font-family:system-ui,'DejaVu Sans',sans-serif;fill:#1d2733}\
.title{font-size:26px;font-weight:700}.sub{font-size:14px;fill:#52606d}\
.head{font-size:13px;font-weight:600;text-anchor:middle}.name{font-size:11px;text-anchor:middle}\
.id{font-size:10px;font-weight:600;text-anchor:middle;fill:#fff}.rule{stroke:#e4e7eb}\
.link{stroke:#52606d;stroke-width:1.8}.one{marker-end:url(#arrow)}\
.dot{fill:#7b8794}.centre{fill:#0b5cad}.cut{fill:#cbd2d9}\
.mark{fill:none;stroke:#fff;stroke-width:3.2;stroke-linecap:round;stroke-linejoin:round}\
.ok{fill:#0a8f6a}.as{fill:#d98e04}.fails{fill:#c0392b}.none{fill:#9aa5b1}";

/// A picture of the topologies that have a centre.
pub(super) fn draw(survey: &Survey, rows: &[Row]) -> String {
    let rows: Vec<&Row> = rows.iter().filter(|row| !row.centres.is_empty()).collect();
    let columns = survey.protocols.len();
    let block = GRAPH + COLUMN * as_f64(columns) + MARGIN;
    let blocks = rows.len().div_ceil(ROWS).max(1);
    let height = as_f64(rows.len().div_ceil(blocks).max(1)) * ROW;
    let width = (2.0 * MARGIN + block * as_f64(blocks) - MARGIN).max(960.0);
    let total = TOP + height + 110.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {total}\" width=\"{width}\" \
         height=\"{total}\">\n<style>{STYLE}</style>\n<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" \
         refX=\"7\" refY=\"4\" markerWidth=\"5\" markerHeight=\"5\" orient=\"auto\"><path d=\"M0 0 8 4 \
         0 8z\" fill=\"#52606d\"/></marker></defs>\n<rect width=\"100%\" height=\"100%\" \
         fill=\"#fff\"/>\n"
    );
    title(&mut svg, survey, rows.len());
    let per_block = rows.len().div_ceil(blocks).max(1);
    for (number, rows) in rows.chunks(per_block).enumerate() {
        let left = MARGIN + block * as_f64(number);
        for (place, protocol) in survey.protocols.iter().enumerate() {
            text(&mut svg, "head", (column(left, place), TOP - 14.0), protocol.name());
        }
        for (number, row) in rows.iter().enumerate() {
            let top = TOP + as_f64(number) * ROW;
            let right = left + block - MARGIN;
            let _ = writeln!(
                svg,
                "<line class=\"rule\" x1=\"{left}\" y1=\"{top}\" x2=\"{right}\" y2=\"{top}\"/>"
            );
            draw_row(&mut svg, survey, row, (left, top));
        }
    }
    legend(&mut svg, survey, &rows, TOP + height + 40.0);
    svg + "</svg>\n"
}

fn title(svg: &mut String, survey: &Survey, count: usize) {
    let size = survey.size;
    text(svg, "title", (MARGIN, 48.0), "Who stays in office when servers do not hear each other");
    let says = format!(
        "{size} servers: all {count} graphs of links on which some server (blue) is linked both ways \
         to a quorum"
    );
    text(svg, "sub", (MARGIN, 74.0), &says);
}

fn draw_row(svg: &mut String, survey: &Survey, row: &Row, (left, top): (f64, f64)) {
    let middle = top + ROW / 2.0;
    let up = if row.name.is_some() { 4.0 } else { 0.0 };
    draw_graph(svg, survey.size, row, (left + GRAPH / 2.0, middle - up));
    if let Some(name) = row.name {
        text(svg, "name", (left + GRAPH / 2.0, top + ROW - 7.0), name);
    }
    for (place, finding) in row.findings.iter().enumerate() {
        mark(svg, (column(left, place), middle), kind(finding));
    }
}

/// The middle of the column of a protocol.
fn column(left: f64, place: usize) -> f64 {
    left + GRAPH + COLUMN * (as_f64(place) + 0.5)
}

fn draw_graph(svg: &mut String, size: u8, row: &Row, (x, y): (f64, f64)) {
    let cluster = Cluster::new(size).expect("a cluster of that size");
    let links = row.links;
    let place = |id: ServerId| {
        let angle = TAU * (as_f64(id.index()) / f64::from(size) - 0.25);
        (x + RADIUS * angle.cos(), y + RADIUS * angle.sin())
    };
    let says = links.to_string().replace('<', "&lt;").replace('>', "&gt;");
    let _ = writeln!(svg, "<g><title>{says}</title>");
    for from in cluster.servers() {
        for to in cluster.others(from).filter(|&to| links.carry(from, to)) {
            let is_both = links.carry(to, from);
            if !is_both || from < to {
                draw_link(svg, place(from), place(to), is_both);
            }
        }
    }
    for id in cluster.servers() {
        let ((x, y), class) = (place(id), class(row, links, cluster, id));
        let _ =
            writeln!(svg, "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{DOT}\"/>");
        text(svg, "id", (x, y + 3.6), &letter(id).to_string());
    }
    svg.push_str("</g>\n");
}

fn class(row: &Row, links: Links, cluster: Cluster, id: ServerId) -> &'static str {
    if row.centres.contains(id) {
        "centre"
    } else if links.alone(cluster).contains(id) {
        "cut"
    } else {
        "dot"
    }
}

/// A line from edge to edge of two dots.
fn draw_link(svg: &mut String, (x1, y1): (f64, f64), (x2, y2): (f64, f64), is_both: bool) {
    let length = (x2 - x1).hypot(y2 - y1);
    let (dx, dy) = ((x2 - x1) / length * DOT, (y2 - y1) / length * DOT);
    let class = if is_both { "link" } else { "link one" };
    let _ = writeln!(
        svg,
        "<line class=\"{class}\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>",
        x1 + dx,
        y1 + dy,
        x2 - dx,
        y2 - dy
    );
}

/// What a mark says: its class, and its shape.
type Kind = (&'static str, &'static str);

const OK: Kind = ("ok", "M-6 0.5 -2 5 6.5 -5");
const ALMOST_SURELY: Kind = ("as", "M-7 1.5C-4.5 -4.5 -1.5 -3 0 0S4.5 4.5 7 -1.5");
const FAILS: Kind = ("fails", "M-5 -5 5 5M5 -5 -5 5");
const NO_VERDICT: Kind = ("none", "M-5 0 5 0");

fn kind(finding: &Finding) -> Kind {
    match (&finding.lasso, finding.verdict) {
        (Some(Err(_)), _) => NO_VERDICT,
        (_, Verdict::Always) => OK,
        (_, Verdict::AlmostSurely) => ALMOST_SURELY,
        (_, Verdict::Fails) => FAILS,
    }
}

fn mark(svg: &mut String, (x, y): (f64, f64), (class, path): Kind) {
    let _ = writeln!(
        svg,
        "<g transform=\"translate({x:.1} {y:.1})\"><circle class=\"{class}\" r=\"14\"/><path \
         class=\"mark\" d=\"{path}\"/></g>"
    );
}

fn legend(svg: &mut String, survey: &Survey, rows: &[&Row], top: f64) {
    let mut left = MARGIN + 14.0;
    for (kind, says) in [
        (OK, "a leader stays, on all fair runs"),
        (ALMOST_SURELY, "on almost all, if timers are random"),
        (FAILS, "on some runs none ever stays"),
    ] {
        mark(svg, (left, top), kind);
        text(svg, "sub", (left + 22.0, top + 5.0), says);
        left += 60.0 + 7.2 * as_f64(says.len());
    }
    let counts = survey.protocols.iter().enumerate().map(|(place, protocol)| {
        let ok = rows.iter().filter(|row| kind(&row.findings[place]) == OK).count();
        format!("{protocol} {ok} of {}", rows.len())
    });
    let counts = format!("A leader stays: {}.", counts.collect::<Vec<_>>().join(", "));
    text(svg, "sub", (MARGIN, top + 40.0), &counts);
}

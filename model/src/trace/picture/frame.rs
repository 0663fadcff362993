//! What stands around the lines: what the picture is of, what it means, and the axis of time.

use std::fmt::{self, Formatter};

use super::Picture;
use super::marks::{CROSS, Escaped, STAR, TRIANGLE, length, mark};
use super::svg::{Drawing, LEFT, MESSAGES, TOP};

/// By which clocks times are told: each machine’s own, or aligned ones.
const CLOCKS: [&str; 2] = [
    "Seconds from the first record, by each machine’s own clock: between servers, times are as true as these clocks agree.",
    "Seconds from the first record. Clocks are aligned so that the quickest messages take as long there as back: times are as true as they do.",
];
const NOTES: [&str; 2] = [
    "Where steps of an election are too close together, time is stretched: shaded, with its true length.",
    "A server is down from its last record on; it may have lived a little longer. Of answers to heartbeats those are drawn that count, or tell of a newer term.",
];

impl Drawing<'_> {
    /// What the picture is of.
    pub(super) fn heading(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Picture { cluster, servers, elected, .. } = self.picture;
        let (size, part) = (servers.size(), self.picture.part());
        let title = Escaped(format!("Cluster {cluster:?}, {size} servers: {part}"));
        let elected: Vec<_> =
            elected.iter().map(|(term, server)| format!("{server} leads term {term}")).collect();
        let elected = if elected.is_empty() { "nobody".to_owned() } else { elected.join(", ") };
        writeln!(f, r#"<title id="title">{title}</title>"#)?;
        writeln!(f, r#"<desc id="description">Elected in the whole run: {elected}.</desc>"#)?;
        writeln!(f, r#"<text class="heading" x="20" y="32">{title}</text>"#)?;
        let clocks = CLOCKS[usize::from(self.picture.is_aligned)];
        for (y, note) in (52..).step_by(16).zip([clocks].into_iter().chain(NOTES)) {
            writeln!(f, r#"<text class="muted" x="20" y="{y}">{note}</text>"#)?;
        }
        let clocks = self.picture.clocks();
        if !clocks.is_empty() {
            let clocks = clocks.join("; ");
            writeln!(f, r#"<text class="clocks" x="20" y="100">Beware: {clocks}.</text>"#)?;
        }
        Ok(())
    }

    /// What its marks mean.
    pub(super) fn legend(f: &mut Formatter<'_>) -> fmt::Result {
        let roles = ["follower", "pre-candidate", "candidate", "leader", "down"]
            .map(|role| (format!(r#"<path class="lane {role}" d="M0 0H30"/>"#), role));
        let marks = [
            (mark("Elected", 15.0, 0.0, STAR, ""), "elected"),
            (mark("Started", 15.0, 0.0, TRIANGLE, ""), "comes up"),
            (mark("crash", 15.0, 0.0, CROSS, ""), "its last record before it is down"),
        ];
        legend_row(f, 124, roles.into_iter().chain(marks))?;
        let example =
            |class, paths: &str| format!(r#"<g class="message {class} example">{paths}</g>"#);
        let arrow = r#"<path class="arrow" d="M0 0H30"/>"#;
        let lost = format!(
            r#"<path class="stub" d="M0 0H26"/><path class="lost" transform="translate(26 0)" d="{CROSS}"/>"#
        );
        let arrows = MESSAGES.map(|(class, name)| (example(class, arrow), name));
        let stubs = [
            (example("request", &lost), "lost, or too late to count"),
            (example("granted", r#"<path class="stub" d="M0 0H26"/>"#), "lost, or without effect"),
        ];
        legend_row(f, 150, arrows.into_iter().chain(stubs))?;
        for (class, _) in MESSAGES {
            let size = if matches!(class, "heartbeat" | "answer") { 6 } else { 9 };
            writeln!(
                f,
                r#"<marker id="head-{class}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="{size}" markerHeight="{size}" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0.5 8 4 0 7.5Z"/></marker>"#
            )?;
        }
        Ok(())
    }

    /// The axis, and where it is stretched.
    pub(super) fn time(&self, f: &mut Formatter<'_>, bottom: f64) -> fmt::Result {
        let Picture { from, to, run, .. } = self.picture;
        let top = TOP - 34.0;
        for &(begin, end) in &self.axis.stretched {
            let (x, width) = (self.axis.x(begin), self.axis.x(end) - self.axis.x(begin));
            let length = length(end - begin);
            let (middle, height) = (x + width / 2.0, bottom - top);
            let (y, from) = (top + 12.0, self.picture.seconds(begin));
            writeln!(
                f,
                r#"<g><title>{length}, from {from}</title><rect class="stretched" x="{:.1}" y="{top}" width="{:.1}" height="{height:.1}" rx="4"/><text class="muted middle" x="{middle:.1}" y="{y:.1}">{length}</text></g>"#,
                x - 4.0,
                width + 8.0
            )?;
        }
        writeln!(f, r#"<path class="axis" d="M{LEFT} {bottom}H{:.1}"/>"#, self.axis.right())?;
        let decimals = (0..6)
            .find(|&digits| self.axis.mark.is_multiple_of(10_u64.pow(6 - digits)))
            .unwrap_or(6) as usize;
        let first = (from - run.first).div_ceil(self.axis.mark);
        let mark = |number: u64| run.first.checked_add(number.checked_mul(self.axis.mark)?);
        for time in (first..).map_while(mark).take_while(|time| time <= to) {
            let x = self.axis.x(time);
            writeln!(
                f,
                r#"<path class="axis" d="M{x:.1} {bottom}v6"/><text class="muted middle" x="{x:.1}" y="{:.1}">{:.decimals$} s</text>"#,
                bottom + 20.0,
                (time - run.first) as f64 / 1e6
            )?;
        }
        Ok(())
    }
}

/// A row of the legend: what is drawn, 30 wide, and what it means.
fn legend_row<'a>(
    f: &mut Formatter<'_>,
    y: u32,
    items: impl IntoIterator<Item = (String, &'a str)>,
) -> fmt::Result {
    let mut x = 20.0;
    for (drawing, name) in items {
        writeln!(
            f,
            r#"<g transform="translate({x:.0} {y})">{drawing}<text x="38" y="4">{name}</text></g>"#
        )?;
        x += 64.0 + 6.1 * name.len() as f64;
    }
    Ok(())
}

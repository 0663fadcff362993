//! A path as a picture: a lane a server, a column a step, an arrow a message, as the page draws it.

use std::fmt::Write as _;

use super::codes::{Cause, Code};
use super::evidence;
use super::setting::Setting;
use super::walk::{Taken, link_says, taken};
use crate::action::Envelope;
use crate::election::State;
use crate::run::{World, sentence};
use crate::types::ServerId;

const COLUMN: usize = 96;
const LANE: usize = 44;
const LEFT: usize = 60;
const TOP: usize = 34;
const STYLE: &str = include_str!("svg.css");

/// The picture.
pub fn picture(setting: &Setting, path: &[Code]) -> String {
    let drawing = Drawing { setting, initial: setting.initial(), steps: taken(setting, path) };
    let (steps, servers) = (drawing.steps.len(), drawing.initial.servers.len());
    let (width, lanes) = (LEFT + (steps + 1) * COLUMN, TOP + servers * LANE);
    let height = lanes + 24 + 18 * (steps + 1);
    let mut text = String::new();
    let _ = writeln!(
        text,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">
<title>{}: a path of {steps} steps</title>
<style>{STYLE}</style>
<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto"><path d="M0,0.5 L10,5 L0,9.5 z" fill="context-stroke"/></marker></defs>
<rect class="paper" width="{width}" height="{height}"/>"#,
        setting.cluster
    );
    drawing.lanes(&mut text);
    drawing.messages(&mut text);
    drawing.steps(&mut text, lanes);
    text + "</svg>\n"
}

struct Drawing<'a> {
    setting: &'a Setting,
    initial: World,
    steps: Vec<Taken>,
}

const fn x(step: usize) -> usize {
    LEFT + step * COLUMN
}

const fn y(id: ServerId) -> usize {
    TOP + id.index() * LANE + LANE / 2
}

/// Which of seven hues the term of a state has.
fn hue(state: &State) -> u64 {
    let term = state.ballot.current_term.number();
    if term == 0 { 0 } else { (term - 1) % 7 + 1 }
}

impl Drawing<'_> {
    /// What each server is after each step.
    fn lanes(&self, text: &mut String) {
        let after = self.steps.iter().map(|step| &step.after);
        let worlds = std::iter::once(&self.initial).chain(after);
        for (step, world) in worlds.enumerate() {
            for (id, state) in world.states() {
                let (from, to, y) = (x(step), x(step + 1), y(id));
                let role = state.role.name();
                let _ = writeln!(
                    text,
                    r#"<line class="life {role} hue{}" x1="{from}" x2="{to}" y1="{y}" y2="{y}"/>"#,
                    hue(state)
                );
                if step == 0 {
                    let _ =
                        writeln!(text, r#"<text class="name" x="14" y="{}">{id}</text>"#, y + 5);
                }
            }
        }
    }

    /// Each message that arrives, from the step in which it was sent.
    fn messages(&self, text: &mut String) {
        for (step, Taken { code, after, .. }) in (1..).zip(&self.steps) {
            let (to, Cause::Receive { from, message }) = (code.server, code.cause) else {
                continue;
            };
            let is_it = |envelope: &Envelope| {
                envelope.from == from
                    && envelope.message == message
                    && envelope.to.is_none_or(|one| one == to)
            };
            let sendings = (1..).zip(&self.steps).take(step - 1);
            let sent = sendings
                .filter(|(_, one)| one.after.sent.difference(&one.before.sent).any(is_it))
                .map(|(step, _)| step)
                .last();
            let Some(sent) = sent else { continue };
            let (x1, y1, x2, y2) = (x(sent), y(from), x(step) - 7, y(to));
            let hue = hue(after.state(to));
            let _ = writeln!(
                text,
                r#"<path class="arrow hue{hue}" d="M{x1},{y1} L{x2},{y2}" marker-end="url(#head)"><title>{message}</title></path>"#
            );
        }
    }

    /// A mark and a number a step, and below what happened, in words.
    fn steps(&self, text: &mut String, lanes: usize) {
        for (step, taken) in (1..).zip(&self.steps) {
            let (says, broken) = self.says(taken);
            let class = match taken.moved {
                None => "event link",
                Some(_) if broken.is_empty() => "event",
                Some(_) => "event broken",
            };
            let (x, y, line) = (x(step), y(taken.code.server), lanes + 18 * step + 8);
            let _ = writeln!(
                text,
                r#"<text class="number" x="{x}" y="18">{step}</text>
<circle class="{class}" cx="{x}" cy="{y}" r="6"/>
<text class="{class}" x="14" y="{line}">{step}. {says}.{broken}</text>"#
            );
        }
    }

    /// What happened in a step, and what it broke.
    fn says(&self, Taken { code, before, moved, after }: &Taken) -> (String, String) {
        let Some((a_move, _)) = moved else {
            return (link_says(*code).unwrap_or_default(), String::new());
        };
        let broken = evidence::broken(&self.setting.bounds(), before, a_move.server, after);
        let broken = broken.iter().map(|one| format!(" ✗ {}: {}.", one.property, one.says));
        (sentence(a_move, after.state(a_move.server)), broken.collect())
    }
}

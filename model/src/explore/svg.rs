//! A path as a picture: a lane a server, a column a step, an arrow a message, as the page draws it.

use std::fmt::Write as _;

use super::codes::Code;
use super::evidence;
use super::setting::Setting;
use super::take::run;
use crate::action::{Envelope, Move, Trigger};
use crate::election::{Event, State};
use crate::run::sentence;
use crate::run::{Run, World};
use crate::types::ServerId;

const COLUMN: usize = 96;
const LANE: usize = 44;
const LEFT: usize = 60;
const TOP: usize = 34;
const STYLE: &str = include_str!("svg.css");

/// The picture.
pub fn picture(setting: &Setting, path: &[Code]) -> String {
    let run = run(setting, path);
    let drawing = Drawing { setting, run: &run };
    let (steps, servers) = (run.moves.len(), run.initial.servers.len());
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
    run: &'a Run,
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
        let worlds = self.run.moves.iter().map(|(_, world)| world);
        let worlds = std::iter::once(&self.run.initial).chain(worlds);
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
        for (step, (_, a_move, after)) in (1..).zip(self.run.steps()) {
            let Trigger::Event(Event::Receive { from, message }) = a_move.trigger else { continue };
            let is_it = |envelope: &Envelope| {
                envelope.from == from
                    && envelope.message == message
                    && envelope.to.is_none_or(|to| to == a_move.server)
            };
            let sendings = (1..).zip(self.run.steps()).take(step - 1);
            let sent = sendings
                .filter(|(_, (before, _, after))| after.sent.difference(&before.sent).any(is_it))
                .map(|(step, _)| step)
                .last();
            let Some(sent) = sent else { continue };
            let (x1, y1, x2, y2) = (x(sent), y(from), x(step) - 7, y(a_move.server));
            let hue = hue(after.state(a_move.server));
            let _ = writeln!(
                text,
                r#"<path class="arrow hue{hue}" d="M{x1},{y1} L{x2},{y2}" marker-end="url(#head)"><title>{message}</title></path>"#
            );
        }
    }

    /// A mark and a number a step, and below what happened, in words.
    fn steps(&self, text: &mut String, lanes: usize) {
        for (step, (before, a_move, after)) in (1..).zip(self.run.steps()) {
            let broken = self.broken(before, a_move, after);
            let class = if broken.is_empty() { "event" } else { "event broken" };
            let (x, y, line) = (x(step), y(a_move.server), lanes + 18 * step + 8);
            let says = sentence(a_move, after.state(a_move.server));
            let _ = writeln!(
                text,
                r#"<text class="number" x="{x}" y="18">{step}</text>
<circle class="{class}" cx="{x}" cy="{y}" r="6"/>
<text class="{class}" x="14" y="{line}">{step}. {says}.{broken}</text>"#
            );
        }
    }

    fn broken(&self, before: &World, a_move: &Move, after: &World) -> String {
        let bounds = self.setting.bounds();
        let broken = evidence::broken(&bounds, before, a_move.server, after);
        broken.iter().map(|one| format!(" ✗ {}: {}.", one.property, one.says)).collect()
    }
}

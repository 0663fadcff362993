//! The same causes elsewhere: by the specification, if a mutant is explored; by another protocol.

use serde_json::{Value, json};

use super::codes::Code;
use super::setting::Setting;
use super::shortest::shortest;
use super::tell;
use super::walk::{Place, Walker};
use crate::run::World;
use crate::run::sentence;
use crate::types::ServerId;

/// How many pairs of worlds are looked at for a first difference.
pub const MOST: usize = 200_000;

/// What a path does elsewhere, step by step. What is not possible there does not happen, and the
/// next step is tried.
pub fn told(setting: &Setting, path: &[Code]) -> Value {
    let walker = Walker::new(setting);
    let mut place = Place::from(setting.initial());
    let mut steps = vec![json!({ "servers": tell::servers(&place.world) })];
    for &code in path {
        let mut step = match walker.impossible(&place, code) {
            Some(why) => json!({ "skipped": why, "sends": [] }),
            None => {
                let (moved, after) = walker.step(&place, code);
                let sends = after.world.sent.difference(&place.world.sent).map(tell::envelope);
                let sends: Value = sends.collect();
                let says =
                    moved.map(|(a_move, _)| sentence(&a_move, after.world.state(code.server)));
                place = after;
                json!({ "says": says, "sends": sends })
            }
        };
        step["code"] = json!(code.to_string());
        step["servers"] = tell::servers(&place.world);
        steps.push(step);
    }
    json!({ "link": setting.to_string(), "steps": steps })
}

/// A shortest path whose last step comes to something else there: a server is in another role or
/// term, or has another vote; or the step itself is another one, where a mutant is compared with
/// the specification. Nothing, if none is found among [`MOST`] pairs of worlds.
pub fn first_difference(
    here: &Setting,
    there: &Setting,
    is_stopped: impl FnMut(usize) -> bool,
) -> Option<Vec<Code>> {
    let walkers = [Walker::new(here), Walker::new(there)];
    let next = |worlds: &[World; 2]| {
        let after = |code| [0, 1].map(|side| walkers[side].try_step(&worlds[side], code));
        causes(&walkers, worlds).into_iter().map(|code| (code, after(code))).collect()
    };
    let differs = |before: &[World; 2], code: Code, after: &[World; 2]| {
        !look_alike(&after[0], &after[1]) || walkers[0].does_otherwise(&before[0], code)
    };
    shortest([here.initial(), there.initial()], MOST, is_stopped, next, differs)
}

/// What can happen on one side or the other.
fn causes(walkers: &[Walker; 2], worlds: &[World; 2]) -> Vec<Code> {
    let mut codes = Vec::new();
    for (walker, world) in walkers.iter().zip(worlds) {
        for (server, trigger) in walker.model().triggers(world) {
            let (a_move, ..) = walker.model().apply(world, server, trigger);
            let code = Code::of(world, &a_move);
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
    }
    codes
}

fn look_alike(one: &World, other: &World) -> bool {
    let looks = |world: &World, id: ServerId| {
        let state = world.state(id);
        (state.role.name(), state.ballot, world.stored[id.index()])
    };
    one.cluster().servers().all(|id| looks(one, id) == looks(other, id))
}

impl Walker {
    /// The world after a step; the same one, if it is not possible.
    fn try_step(&self, world: &World, code: Code) -> World {
        let place = Place::from(world.clone());
        match self.impossible(&place, code) {
            Some(_) => place.world,
            None => self.step(&place, code).1.world,
        }
    }

    pub(super) fn does_otherwise(&self, world: &World, code: Code) -> bool {
        let trigger = code.trigger(world);
        trigger.is_some_and(|trigger| self.unlike(world, code.server, trigger).is_some())
    }
}

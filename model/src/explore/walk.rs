//! A path, walked: what each step did, what can happen next, and what breaks.

use serde_json::{Value, json};

use super::codes::{Cause, Code, NoSuchCode};
use super::effect::effect;
use super::map::{leaders, phase};
use super::setting::Setting;
use super::{evidence, tell};
use crate::action::{Move, Trigger};
use crate::election::{Event, Step};
use crate::run::sentence;
use crate::types::ServerId;
use crate::world::links::Links;
use crate::world::{World, WorldModel};

/// How many steps a path may have.
pub const LONGEST: usize = 1000;

/// What a path comes to: all servers, the messages, and who hears whom.
#[derive(Clone, Debug)]
pub struct Place {
    /// The servers and what was sent.
    pub world: World,
    /// Over which links messages arrive.
    pub links: Links,
}

/// Everybody hears everybody.
impl From<World> for Place {
    fn from(world: World) -> Self {
        Self { world, links: Links::ALL }
    }
}

/// A text that is no path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPath {
    /// One of its steps is none.
    #[error(transparent)]
    Code(#[from] NoSuchCode),
    /// It is too long.
    #[error("a path has at most {LONGEST} steps, and this one has {0}")]
    Long(usize),
}

/// Reads a path, as it stands in a link.
///
/// # Errors
///
/// [`NoPath`] if it cannot be read.
pub fn parse(path: &str) -> Result<Vec<Code>, NoPath> {
    let steps = path.split(',').filter(|text| !text.is_empty());
    let length = steps.clone().count();
    if length > LONGEST {
        return Err(NoPath::Long(length));
    }
    Ok(steps.map(str::parse).collect::<Result<_, _>>()?)
}

/// A path as it stands in a link.
pub fn written(path: &[Code]) -> String {
    path.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// Walks in a setting.
#[derive(Debug)]
pub struct Walker {
    model: WorldModel,
    /// The specification, if the model is that of a mutant.
    raft: Option<WorldModel>,
}

impl Walker {
    /// Walks here.
    pub fn new(setting: &Setting) -> Self {
        let raft = setting.mutant.map(|_| setting.without_mutant().model());
        Self { model: setting.model(), raft }
    }

    /// The model that it walks in.
    pub const fn model(&self) -> &WorldModel {
        &self.model
    }

    /// Why this cannot happen in a place; nothing, if it can.
    pub fn impossible(&self, Place { world, links }: &Place, code: Code) -> Option<String> {
        let bounds = &self.model.bounds;
        let named = match code.cause {
            Cause::HandOver(other) | Cause::Cut(other) | Cause::Mend(other) => Some(other),
            Cause::Receive { from, .. } | Cause::HearTerm(from) => Some(from),
            Cause::Timer(_) | Cause::Restart | Cause::LoseDisk => None,
        };
        if let Some(stranger) = [Some(code.server), named]
            .into_iter()
            .flatten()
            .find(|&id| !bounds.cluster.contains(id))
        {
            return Some(format!("there is no {stranger}"));
        }
        if named == Some(code.server) {
            return Some(format!("{} is no other server", code.server));
        }
        let id = code.server;
        let state = world.state(id);
        let terms = world.servers.iter().map(|state| state.ballot.current_term);
        match code.cause {
            Cause::Timer(_) | Cause::HandOver(_) => {
                let Some(Trigger::Event(event)) = code.trigger(world) else { return None };
                let is_timer = matches!(event, Event::Timeout { .. });
                // What the specification ignores may be tried.
                let ends = state.ballot.current_term.next().is_some()
                    && (is_timer || state.role.is_leader());
                (ends && !bounds.allow(state, event, terms)).then(|| self.ends())
            }
            Cause::Receive { from, message } => {
                let reaches = |to: &Option<ServerId>| to.is_none_or(|to| to == id);
                let is_sent = world
                    .sent
                    .iter()
                    .any(|e| e.from == from && e.message == message && reaches(&e.to));
                if !is_sent {
                    Some(format!("{from} never sent {id} {message}"))
                } else if !links.carry(from, id) {
                    Some(format!("{id} does not hear {from}"))
                } else {
                    None
                }
            }
            Cause::Cut(from) if !links.carry(from, id) => {
                Some(format!("{id} does not hear {from} anyway"))
            }
            Cause::Mend(from) if links.carry(from, id) => Some(format!("{id} hears {from} anyway")),
            Cause::Restart if state.role.is_returning() => Some(format!("{id} has no disk")),
            Cause::LoseDisk if !bounds.lost_disks.contains(id) => {
                Some(format!("nobody takes the disk of {id} away here"))
            }
            Cause::HearTerm(_) if !state.role.is_returning() => {
                Some(format!("{id} has not lost its disk"))
            }
            Cause::HearTerm(from) if world.state(from).role.is_returning() => {
                Some(format!("{from} has lost its disk, too, and has no term"))
            }
            Cause::HearTerm(from) if !links.carry(from, id) => {
                Some(format!("{id} does not hear {from}"))
            }
            Cause::Restart
            | Cause::LoseDisk
            | Cause::HearTerm(_)
            | Cause::Cut(_)
            | Cause::Mend(_) => None,
        }
    }

    /// Why no election starts: what bounds the model.
    pub fn ends(&self) -> String {
        format!("no election starts after term {}", self.model.bounds.terms.last())
    }

    /// The place after a step, and the move; none, if only links change.
    pub fn step(&self, place: &Place, code: Code) -> (Option<(Move, Step)>, Place) {
        let Some(trigger) = code.trigger(&place.world) else {
            return (
                None,
                Place { world: place.world.clone(), links: relinked(place.links, code) },
            );
        };
        let (a_move, step, world) = self.model.apply(&place.world, code.server, trigger);
        (Some((a_move, step)), Place { world, links: place.links })
    }

    /// What can happen that changes something: [`WorldModel::successors`], over links that are
    /// there; by server, its timer and its restart last.
    pub fn next(&self, Place { world, links }: &Place) -> Vec<(Code, Move, World)> {
        let successors = self.model.successors(world).into_iter();
        let mut next: Vec<_> = successors
            .map(|(a_move, after)| (Code::of(world, &a_move), a_move, after))
            .filter(|(code, ..)| match code.cause {
                Cause::Receive { from, .. } | Cause::HearTerm(from) => {
                    links.carry(from, code.server)
                }
                _ => true,
            })
            .collect();
        let comes_up = |code: &Code| matches!(code.cause, Cause::Restart | Cause::LoseDisk);
        next.sort_by_key(|(code, ..)| (code.server, comes_up(code)));
        next
    }

    /// The servers whose election timers could fire if elections started in later terms.
    pub fn held(&self, world: &World) -> Vec<ServerId> {
        let place = Place::from(world.clone());
        let is_held = |id: &ServerId| {
            let code = Code { server: *id, cause: Cause::Timer(None) };
            let is_witness = self.model.bounds.cluster.is_witness(*id);
            !is_witness && self.impossible(&place, code).is_some()
        };
        self.model.bounds.cluster.servers().filter(is_held).collect()
    }
}

fn relinked(links: Links, Code { server, cause }: Code) -> Links {
    match cause {
        Cause::Mend(from) => links.with(from, server),
        Cause::Cut(from) => links.cut(from, server),
        Cause::Timer(_)
        | Cause::Restart
        | Cause::LoseDisk
        | Cause::HearTerm(_)
        | Cause::HandOver(_)
        | Cause::Receive { .. } => links,
    }
}

/// Everything that the page shows of a path: its steps, and what can happen after the step `at`.
pub fn told(setting: &Setting, path: &[Code], at: usize) -> Value {
    let walker = Walker::new(setting);
    let mut place = Place::from(setting.initial());
    let mut looked_at = place.clone();
    let mut steps =
        vec![json!({ "servers": tell::servers(&place.world), "phase": phase_told(&place.world) })];
    let mut stop = Value::Null;
    let mut is_broken = false;
    for (number, &code) in (1..).zip(path) {
        if let Some(why) = walker.impossible(&place, code) {
            stop = json!({ "at": number, "code": code.to_string(), "why": why });
            break;
        }
        let (moved, after) = walker.step(&place, code);
        let mut step = match moved {
            Some((a_move, _)) => walker.told(&place.world, code, &a_move, &after.world),
            None => link_told(code),
        };
        step["servers"] = tell::servers(&after.world);
        step["phase"] = phase_told(&after.world);
        is_broken |= step["broken"].as_array().is_some_and(|broken| !broken.is_empty());
        if setting.is_exercise && !is_broken {
            step["unlike"] = Value::Null;
        }
        steps.push(step);
        place = after;
        if number <= at {
            looked_at = place.clone();
        }
    }
    let world = &looked_at.world;
    let next = walker.next(&looked_at).into_iter().map(|(code, a_move, after)| {
        let mut step = walker.told(world, code, &a_move, &after);
        if setting.is_exercise {
            step["broken"] = json!([]); // that is to be found
            step["unlike"] = Value::Null;
        }
        let index = a_move.server.index();
        step["phase"] = phase_told(&after);
        step["after"] =
            tell::server(&after.servers[index], after.stored[index], after.leases[index]);
        step
    });
    let cluster = setting.cluster;
    let cuts = cluster.servers().flat_map(|to| cluster.others(to).map(move |from| (from, to)));
    let cuts = cuts.filter(|&(from, to)| !looked_at.links.carry(from, to));
    json!({
        "link": setting.to_string(),
        "cluster": {
            "servers": cluster.size(),
            "protocol": cluster.protocol().name(),
            "witnesses": cluster.witnesses(),
            "patience": setting.patience,
        },
        "steps": steps,
        "next": next.collect::<Value>(),
        "held": walker.held(world),
        "ends": walker.ends(),
        "cuts": cuts.collect::<Vec<_>>(),
        "stop": stop,
        "solved": (setting.is_exercise && is_broken).then(|| setting.mutant.map(|m| m.name)),
    })
}

/// A step of a path, as it was taken.
#[derive(Clone, Debug)]
pub struct Taken {
    /// What happened.
    pub code: Code,
    /// The world before.
    pub before: World,
    /// The move and what it came to; none, if only links change.
    pub moved: Option<(Move, Step)>,
    /// The world after.
    pub after: World,
}

/// The steps of a path, as far as it is possible.
pub fn taken(setting: &Setting, path: &[Code]) -> Vec<Taken> {
    let walker = Walker::new(setting);
    let mut place = Place::from(setting.initial());
    let mut taken = Vec::new();
    for &code in path {
        if walker.impossible(&place, code).is_some() {
            break;
        }
        let (moved, after) = walker.step(&place, code);
        let before = std::mem::replace(&mut place, after).world;
        taken.push(Taken { code, before, moved, after: place.world.clone() });
    }
    taken
}

/// The worlds of a path, as far as it is possible.
pub fn worlds(setting: &Setting, path: &[Code]) -> Vec<World> {
    let after = taken(setting, path).into_iter().map(|step| step.after);
    std::iter::once(setting.initial()).chain(after).collect()
}

impl Walker {
    /// A step, as the page reads it; with what the specification would have done, if this is a
    /// mutant and did something else.
    fn told(&self, before: &World, code: Code, a_move: &Move, after: &World) -> Value {
        let id = a_move.server;
        let sends = after.sent.difference(&before.sent).map(tell::envelope);
        let broken = evidence::broken(&self.model.bounds, before, id, after);
        let mut value = json!({
            "code": code.to_string(),
            "server": id,
            "action": a_move.action,
            "rule": a_move.rule,
            "says": sentence(a_move, after.state(id)),
            "effect": effect(before, id, after),
            "sends": sends.collect::<Value>(),
            "broken": broken.iter().map(evidence::told).collect::<Value>(),
            "same": before == after,
        });
        if let Trigger::Event(Event::Receive { from, message }) = a_move.trigger {
            value["from"] = json!(from);
            value["message"] = tell::message(message);
        }
        if let Some((raft, raft_after)) = self.unlike(before, id, a_move.trigger) {
            let index = id.index();
            let says = sentence(&raft, raft_after.state(id));
            value["unlike"] = json!({
                "says": says,
                "effect": effect(before, id, &raft_after),
                "rule": raft.rule,
                "after": tell::server(
                    &raft_after.servers[index], raft_after.stored[index], raft_after.leases[index]
                ),
            });
        }
        value
    }

    /// What the specification does here, if this is a mutant and does something else.
    pub fn unlike(&self, before: &World, id: ServerId, trigger: Trigger) -> Option<(Move, World)> {
        let raft = self.raft.as_ref()?;
        let (_, step, _) = self.model.apply(before, id, trigger);
        let (raft_move, raft_step, raft_after) = raft.apply(before, id, trigger);
        (step != raft_step).then_some((raft_move, raft_after))
    }
}

/// The class of a world on a map.
fn phase_told(world: &World) -> Value {
    let (term, stage) = phase(world);
    json!({ "name": format!("{term} {stage}"), "leaders": leaders(world) })
}

/// What a change of links is, in words without their end.
pub(super) fn link_says(code: Code) -> Option<String> {
    let id = code.server;
    match code.cause {
        Cause::Cut(from) => Some(format!("{id} does not hear {from} any more")),
        Cause::Mend(from) => Some(format!("{id} hears {from} again")),
        Cause::Timer(_)
        | Cause::Restart
        | Cause::LoseDisk
        | Cause::HearTerm(_)
        | Cause::HandOver(_)
        | Cause::Receive { .. } => None,
    }
}

fn link_told(code: Code) -> Value {
    let from = match code.cause {
        Cause::Cut(from) | Cause::Mend(from) => Some(from),
        _ => None,
    };
    json!({
        "code": code.to_string(),
        "server": code.server,
        "from": from,
        "action": "Link",
        "rule": null,
        "says": link_says(code),
        "effect": "",
        "sends": [],
        "broken": [],
        "same": true,
    })
}

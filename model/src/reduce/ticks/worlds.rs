//! Worlds with clocks beside them.
//!
//! Worlds without clocks are few. So what can happen in each is found once, and how many ticks are
//! left on the clocks is told apart after that.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::clock::{Clock, Ticks, Timing};
use crate::packed::Packed;
use crate::reduce::symmetry::{Renaming, every_renaming, renamed};
use crate::reduce::{PackedModel, Reductions};
use crate::types::ServerId;
use crate::world::bounds::Bounds;
use crate::world::{Handlers, World, WorldModel};

/// So many servers have a clock.
const SERVERS: usize = 3;

/// The clocks of all servers, S1 first.
pub(super) type Clocks = [Clock; SERVERS];

/// A world, by its number, and the clocks beside it. One stands for all that differ in names.
pub(super) type Timed = (u32, Clocks);

/// So many whole worlds are followed that one reduced world stands for.
const ALTERNATIVES: usize = 64;

/// The worlds that were met so far, and what can happen in them.
pub(super) struct Worlds {
    ticks: Ticks,
    model: PackedModel<4>,
    whole: WorldModel,
    names: Vec<Renaming>,
    /// What stands for each reduced world.
    forms: HashMap<Packed<4>, Form>,
    /// Those that stand for themselves, by their numbers.
    worlds: Vec<Packed<4>>,
    /// What can happen in these, once somebody has asked.
    steps: Vec<Option<Rc<[Stepped]>>>,
}

/// The world that stands for all that differ in names from one: its number, and the new names that
/// make the one into it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Form {
    number: u32,
    names: Rc<[u8]>,
}

/// A step of a server, and the world after it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Stepped {
    server: ServerId,
    timing: Timing,
    after: Form,
}

impl Worlds {
    pub(super) fn new(
        handlers: Handlers,
        bounds: Bounds,
        reductions: Reductions,
        ticks: Ticks,
    ) -> Self {
        assert!(!bounds.has_leases(), "time would be kept twice");
        assert_eq!(usize::from(bounds.cluster.size()), SERVERS);
        // A server and its clock get their new name together.
        let reductions = Reductions { symmetry: false, ..reductions };
        let model = PackedModel::new(bounds, reductions).expect("small bounds fit");
        let model = model.driven_by(handlers);
        Self {
            ticks,
            whole: model.direct(),
            model,
            names: every_renaming(bounds.cluster),
            forms: HashMap::new(),
            worlds: Vec::new(),
            steps: Vec::new(),
        }
    }

    /// Everybody has just come up.
    pub(super) fn initial(&mut self) -> Timed {
        let (world, clocks) = self.whole_initial();
        self.timed(&world, clocks)
    }

    /// What can be after a step or a tick.
    pub(super) fn successors(&mut self, (number, clocks): Timed) -> Vec<Timed> {
        let steps = self.steps(number);
        let stepped = steps.iter().filter_map(|Stepped { server, timing, after }| {
            Some(self.named(after, self.stepped(clocks, *server, *timing)?))
        });
        let same = &self.forms[&self.worlds[index(number)]];
        let ticked = self.ticked(clocks).map(|clocks| self.named(same, clocks));
        stepped.chain(ticked).collect()
    }

    /// Whether whole worlds go this way, with all messages and nobody renamed: that reductions are
    /// exact is argued for the specification, and not for mutants.
    pub(super) fn whole_ones_go(&mut self, way: &[Timed]) -> bool {
        let mut whole = vec![self.whole_initial()];
        for next in &way[1..] {
            let mut seen = HashSet::new();
            let mut after = Vec::new();
            for (world, clocks) in whole {
                let steps = self.whole_steps(&world).into_iter();
                let stepped = steps.filter_map(|(server, timing, after)| {
                    Some((after, self.stepped(clocks, server, timing)?))
                });
                after.extend(stepped);
                after.extend(self.ticked(clocks).map(|clocks| (world.clone(), clocks)));
            }
            after.retain(|(world, clocks)| self.timed(world, *clocks) == *next);
            after.retain(|whole| seen.insert(whole.clone()));
            after.truncate(ALTERNATIVES);
            whole = after;
        }
        !whole.is_empty()
    }
}

/// Clocks.
impl Worlds {
    /// After a step of this server, if it is not too early for that.
    fn stepped(&self, clocks: Clocks, server: ServerId, timing: Timing) -> Option<Clocks> {
        let mut after = clocks;
        let clock = &mut after[server.index()];
        *clock = clock.stepped(timing, self.ticks)?;
        Some(after)
    }

    /// After a tick of real time: any clocks may be ahead then.
    fn ticked(&self, clocks: Clocks) -> impl Iterator<Item = Clocks> + use<> {
        let ways = if self.ticks.drift { 1 << SERVERS } else { 1 };
        (0..ways).map(move |ahead: u8| {
            let mut after = clocks;
            for (number, clock) in after.iter_mut().enumerate() {
                *clock = clock.ticked(ahead >> number & 1 == 1);
            }
            after
        })
    }

    /// The state of a world with these clocks, given what stands for the world.
    fn named(&self, Form { number, names }: &Form, clocks: Clocks) -> Timed {
        let renamed = names.iter().map(|&names| {
            let mut renamed = clocks;
            for server in self.whole.bounds.cluster.servers() {
                let name = self.names[usize::from(names)].of(server);
                renamed[name.index()] = clocks[server.index()];
            }
            renamed
        });
        (*number, renamed.min().expect("some names make the one into the other"))
    }
}

/// Whole worlds.
impl Worlds {
    fn whole_initial(&self) -> (World, Clocks) {
        let world = self.whole.initial();
        let mut clocks = [Clock::default(); SERVERS];
        for (clock, state) in clocks.iter_mut().zip(&world.servers) {
            *clock = Clock::started(state, self.ticks);
        }
        (world, clocks)
    }

    /// What may happen, also if it changes nothing but a clock.
    fn whole_steps(&self, world: &World) -> Vec<(ServerId, Timing, World)> {
        let steps = self.whole.triggers(world).map(|(id, trigger)| {
            let (_, step, after) = self.whole.apply(world, id, trigger);
            let server = self.whole.bounds.server(id);
            (id, Timing::of(&server, world.state(id), trigger, &step), after)
        });
        steps.collect()
    }

    /// The state of a whole world with these clocks.
    fn timed(&mut self, world: &World, clocks: Clocks) -> Timed {
        let form = self.form(self.model.reduce(world));
        self.named(&form, clocks)
    }
}

/// Worlds without clocks.
impl Worlds {
    fn steps(&mut self, number: u32) -> Rc<[Stepped]> {
        if let Some(steps) = &self.steps[index(number)] {
            return steps.clone();
        }
        let world = self.model.layout().unpack(&self.worlds[index(number)]);
        let mut seen = HashSet::new();
        let mut steps = Vec::new();
        for (server, timing, after) in self.whole_steps(&world) {
            let after = self.form(self.model.reduce(&after));
            let stepped = Stepped { server, timing, after };
            if seen.insert(stepped.clone()) {
                steps.push(stepped);
            }
        }
        let steps: Rc<[_]> = steps.into();
        self.steps[index(number)] = Some(steps.clone());
        steps
    }

    /// What stands for a reduced world: the least of those that differ from it in names.
    fn form(&mut self, world: Packed<4>) -> Form {
        if let Some(form) = self.forms.get(&world) {
            return form.clone();
        }
        let layout = self.model.layout();
        let states = layout.states(&world);
        let images = self.names.iter().map(|names| renamed(layout, &states, &world, names));
        let images: Vec<_> = images.collect();
        let least = *images.iter().min().expect("there are names");
        let number = if least == world {
            self.worlds.push(world);
            self.steps.push(None);
            u32::try_from(self.worlds.len() - 1).expect("there are few worlds without clocks")
        } else {
            self.form(least).number
        };
        let names = (0..).zip(&images).filter(|(_, image)| **image == least);
        let form = Form { number, names: names.map(|(names, _)| names).collect() };
        self.forms.insert(world, form.clone());
        form
    }
}

fn index(number: u32) -> usize {
    usize::try_from(number).expect("it is the number of a world")
}

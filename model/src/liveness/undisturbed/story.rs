//! A run that disturbs a quorum, done once more in whole worlds, and told.

use std::collections::BTreeSet;
use std::fmt;

use super::{Beginning, Hostile, Led};
use crate::action::{Envelope, Move, Trigger};
use crate::election::Event;
use crate::run::Run;
use crate::search::{Control, Stop};
use crate::world::{World, WorldModel};

/// A run that disturbs a quorum, in whole worlds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disturbance {
    /// The hostile phase.
    pub stem: Run,
    /// What is assumed of its end.
    pub beginning: Beginning,
    /// Who is disturbed.
    pub led: Led,
    /// The phase after it. The last step disturbs them. Its worlds have those messages only that
    /// can arrive.
    pub run: Run,
}

impl<const W: usize> Hostile<W> {
    /// A run that disturbs somebody after this world of the hostile phase, in whole worlds.
    pub(super) fn in_whole_worlds(
        &self,
        beginning: Beginning,
        origin: usize,
        control: &Control,
    ) -> Result<Option<Disturbance>, Stop> {
        let full = self.model.direct();
        let mut stem = Run::from(full.initial());
        for node in self.reached.way_to(origin).into_iter().skip(1) {
            let goal = self.reached.states[node];
            let mut steps = full.successors(stem.last()).into_iter();
            let Some(step) = steps.find(|(_, after)| self.model.reduce(after) == goal) else {
                return Ok(None);
            };
            stem.moves.push(step);
        }
        // Its servers may have other names than those of the world that stands for it.
        let world = stem.last();
        let reached = self.after(self.roots(beginning, &self.named.reduce(world)), control)?;
        let Some(way) = reached.way_to_violation() else { return Ok(None) };
        let way: Vec<_> = way.into_iter().map(|node| reached.states[node]).collect();
        let led = way[0].led;
        let (sent, lost) = match beginning {
            Beginning::NothingUnderWay => (BTreeSet::new(), world.sent.clone()),
            Beginning::NobodyAsks => (world.sent.clone(), BTreeSet::new()),
        };
        let mut run = Run::from(World { sent, ..world.clone() });
        for next in way.iter().skip(1).map(Some).chain([None]) {
            let before = run.last();
            let mut steps = steps(&full, before, &lost).into_iter();
            let step = steps.find(|(a_move, after)| {
                led.allows(a_move)
                    && match next {
                        Some(next) => self.named.reduce(after) == next.world,
                        None => !led.is_undisturbed(before, after),
                    }
            });
            let Some(step) = step else { return Ok(None) };
            run.moves.push(step);
        }
        Ok(Some(Disturbance { stem, beginning, led, run }))
    }
}

/// What can happen in a world, if some messages that were sent are lost. (Attempts that they tell
/// of were made all the same.)
fn steps(full: &WorldModel, world: &World, lost: &BTreeSet<Envelope>) -> Vec<(Move, World)> {
    let is_delivery = |trigger: &Trigger| matches!(trigger, Trigger::Event(Event::Receive { .. }));
    let sent = world.sent.union(lost).copied().collect();
    let own = full.triggers(&World { sent, ..world.clone() }).collect::<Vec<_>>();
    let own = own.into_iter().filter(|(_, trigger)| !is_delivery(trigger));
    let deliveries = full.triggers(world).filter(|(_, trigger)| is_delivery(trigger));
    own.chain(deliveries)
        .map(|(server, trigger)| full.apply(world, server, trigger))
        .filter(|(_, _, after)| after != world)
        .map(|(a_move, _, after)| (a_move, after))
        .collect()
}

/// The story of a disturbance: the hostile phase, and what comes after it.
impl fmt::Display for Disturbance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stem, beginning, led: Led { leader, quorum }, run } = self;
        write!(f, "{stem}")?;
        writeln!(f, "     {leader} leads, and {quorum} is a quorum. From here on nobody of these")?;
        writeln!(
            f,
            "     restarts, the timers of followers among them do not fire, and {leader} does"
        )?;
        writeln!(f, "     not leave office for want of answers. {}", beginning.says())?;
        write!(f, "{}", run.numbered(stem.moves.len() + 1))?;
        writeln!(f, "     That has disturbed {quorum}: its term or its leader is another one.")
    }
}

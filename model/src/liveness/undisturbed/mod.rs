//! `Undisturbed`: a server that was cut off and comes back changes neither the term nor the leader
//! of a quorum in contact.
//!
//! This is what the guards are for (Ongaro, "Consensus: Bridging Theory and Practice", §4.2.3 and
//! §9.6). It is judged on two phases, as liveness is, and it is a property of finite runs: a
//! shortest one that breaks it is told.
//!
//! **The hostile phase** is everything that can happen within bounds. It ends in any world in which
//! a leader and a smallest quorum of followers in contact, the leader counted, share the highest
//! term ([`Led`]). Servers without check-quorum are never in contact: there any followers in that
//! term will do.
//!
//! **The phase after it** is as hostile as before: messages are lost, late, repeated and out of
//! order, and the servers outside the quorum do and suffer what they can. Only this is assumed: the
//! timers of the followers in the quorum do not fire, the leader does not leave office for want of
//! answers, and nobody of the quorum restarts. How it [begins](Beginning) is assumed in two ways,
//! for a yes to a pre-vote says what was so at a moment: one that was said before this leader was
//! elected may still make a quorum.
//!
//! **Worlds** are packed and reduced. In the hostile phase those that differ in names of servers
//! are one, since the property names none. In the phase after it messages are reduced only. What is
//! dead there stays dead if less can happen. And if an outdated heartbeat is left out because a
//! restart does the same, that is a restart outside the quorum: inside everybody is in contact
//! already. A run that breaks the property is done once more in whole worlds, so that nobody has to
//! trust that. For a mutant no reduction is argued: if the property seems to hold of one, that says
//! nothing of messages which are dead by the specification.

mod reached;
mod story;

pub use story::Disturbance;

use std::collections::HashMap;
use std::fmt;

use crate::action::{Move, Trigger};
use crate::cluster::Cluster;
use crate::election::{Event, Role, Rule};
use crate::packed::{Packed, PackedView};
use crate::reduce::{PackedModel, Reductions};
use crate::search::{Control, Stop};
use crate::types::{Beats, ServerId, ServerSet, Term};
use crate::world::Handlers;
use crate::world::bounds::{Bounds, Limits, Replies, Terms};
use crate::world::properties::View;
use reached::Reached;

/// What bounds both phases: elections start in terms up to this one. A leader repeats a heartbeat
/// before it gives up, and is not told to hand over.
pub const fn bounds(cluster: Cluster, last: Term) -> Bounds {
    let limits = Limits { patience: Beats::new(2), ..Limits::SMALL };
    Bounds { limits, ..Bounds::new(cluster, Terms::UpTo(last), Replies::All) }
}

/// What is assumed of the moment in which the hostile phase ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// Whatever is under way is lost.
    NothingUnderWay,
    /// Anything may be under way, but no server waits for pre-votes.
    NobodyAsks,
}

impl Beginning {
    /// Both.
    pub const ALL: [Self; 2] = [Self::NothingUnderWay, Self::NobodyAsks];

    /// What it says of that moment, in a sentence.
    pub const fn says(self) -> &'static str {
        match self {
            Self::NothingUnderWay => "What was under way is lost.",
            Self::NobodyAsks => "Nobody waits for pre-votes now.",
        }
    }

    /// Whether the servers of a world are so.
    pub fn is_possible(self, cluster: Cluster, world: &impl View) -> bool {
        let asks = |id| matches!(world.state(id).role, Role::PreCandidate { .. });
        self == Self::NothingUnderWay || !cluster.servers().any(asks)
    }
}

/// "nothing under way", "nobody asks"
impl fmt::Display for Beginning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NothingUnderWay => "nothing under way",
            Self::NobodyAsks => "nobody asks",
        })
    }
}

/// A leader, and a smallest quorum that it belongs to: whom nothing is to disturb.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Led {
    /// The leader.
    pub leader: ServerId,
    /// The quorum.
    pub quorum: ServerSet,
}

impl Led {
    /// All that there are in a world.
    pub fn all(cluster: Cluster, world: &impl View) -> Vec<Self> {
        let term = |id| world.state(id).ballot.current_term;
        let highest = cluster.servers().map(term).max();
        let follows = Role::Follower { contact: cluster.protocol().check_quorum() };
        let is_in_term = |id: &ServerId| Some(term(*id)) == highest;
        let mut all = Vec::new();
        let mut leaders = cluster.servers().filter(is_in_term);
        let Some(leader) = leaders.find(|&id| world.state(id).role.is_leader()) else { return all };
        let followers = cluster.servers().filter(is_in_term);
        let followers = followers.filter(|&id| world.state(id).role == follows);
        let quorums = followers.fold(vec![ServerSet::only(leader)], |sets, id| {
            let larger: Vec<_> = sets.iter().map(|set| set.with(id)).collect();
            sets.into_iter().chain(larger).collect()
        });
        let is_smallest = |quorum: &ServerSet| {
            let is_needed = |id| !cluster.is_quorum(quorum.without(id));
            cluster.is_quorum(*quorum) && quorum.iter().all(is_needed)
        };
        all.extend(quorums.into_iter().filter(is_smallest).map(|quorum| Self { leader, quorum }));
        all
    }

    /// Whether it is assumed that this may happen.
    pub fn allows(self, a_move: &Move) -> bool {
        match a_move.trigger {
            Trigger::Event(Event::Receive { .. }) => true,
            Trigger::Event(Event::Timeout { .. }) if a_move.server == self.leader => {
                a_move.rule != Rule::QuorumLost
            }
            Trigger::Event(_) | Trigger::Restart | Trigger::LoseDisk => {
                !self.quorum.contains(a_move.server)
            }
        }
    }

    /// Whether the leader leads on after a step, and the quorum is in the term that it led before.
    pub fn is_undisturbed<V: View>(self, before: &V, after: &V) -> bool {
        let term = |world: &V, id| world.state(id).ballot.current_term;
        let led = term(before, self.leader);
        after.state(self.leader).role.is_leader()
            && self.quorum.iter().all(|id| term(after, id) == led)
    }
}

/// A world after the hostile phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Calm<const W: usize> {
    world: Packed<W>,
    led: Led,
}

/// What was found of one beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings {
    /// In how many worlds it may begin; a leader with another quorum counts once more.
    pub beginnings: usize,
    /// How many can be reached from there, as far as they were looked at.
    pub worlds: usize,
    /// Whether the property holds.
    pub verdict: Verdict,
}

/// Whether somebody is disturbed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nobody is.
    Holds,
    /// By a shortest run.
    Fails(Box<Disturbance>),
    /// A run was found that whole worlds do not do: a reduction is not exact. Of a mutant, for
    /// which none is argued, this says nothing.
    Unconfirmed,
}

/// The hostile phase, explored.
#[derive(Clone, Debug)]
pub struct Hostile<const W: usize> {
    /// Of worlds that differ in names one is kept.
    model: PackedModel<W>,
    /// None is.
    named: PackedModel<W>,
    reached: Reached<Packed<W>>,
}

impl<const W: usize> Hostile<W> {
    /// Explores it within [`bounds`]; nothing, if a world does not fit into `W` words.
    ///
    /// # Errors
    ///
    /// Why it was stopped.
    pub fn explore(
        bounds: Bounds,
        handlers: Handlers,
        control: &Control,
    ) -> Result<Option<Self>, Stop> {
        let model = |reductions| PackedModel::new(bounds, reductions);
        let models = model(Reductions::EXACT).zip(model(Reductions::MESSAGES));
        let Some((model, named)) = models else { return Ok(None) };
        let (model, named) = (model.driven_by(handlers), named.driven_by(handlers));
        let reached = Reached::explore(vec![model.initial()], control, |world, found| {
            model.for_each_successor(world, |_, _, after| found(after));
            false
        })?;
        Ok(Some(Self { model, named, reached }))
    }

    /// How many worlds it has.
    pub const fn worlds(&self) -> usize {
        self.reached.states.len()
    }

    /// Judges whether anybody is disturbed after it.
    ///
    /// # Errors
    ///
    /// Why it was stopped.
    pub fn judge(&self, beginning: Beginning, control: &Control) -> Result<Findings, Stop> {
        let mut roots = Vec::new();
        // In which hostile world each was found first.
        let mut origins = HashMap::new();
        for (node, world) in self.reached.states.iter().enumerate() {
            for root in self.roots(beginning, world) {
                origins.entry(root).or_insert_with(|| {
                    roots.push(root);
                    node
                });
            }
        }
        let beginnings = roots.len();
        let reached = self.after(roots, control)?;
        let verdict = match reached.way_to_violation().map(|way| origins[&reached.states[way[0]]]) {
            None => Verdict::Holds,
            Some(origin) => self
                .in_whole_worlds(beginning, origin, control)?
                .map_or(Verdict::Unconfirmed, |run| Verdict::Fails(Box::new(run))),
        };
        Ok(Findings { beginnings, worlds: reached.states.len(), verdict })
    }

    /// Where the phase after it may begin, if it ends in this world.
    fn roots(&self, beginning: Beginning, world: &Packed<W>) -> Vec<Calm<W>> {
        let (layout, cluster) = (self.named.layout(), self.named.bounds().cluster);
        let view = PackedView(layout, world);
        if !beginning.is_possible(cluster, &view) {
            return Vec::new();
        }
        let all = Led::all(cluster, &view);
        let world = match beginning {
            Beginning::NothingUnderWay => layout.without_sent(world),
            Beginning::NobodyAsks => *world,
        };
        all.into_iter().map(|led| Calm { world: self.named.reduced(&world), led }).collect()
    }

    /// All that can happen after it, until somebody is disturbed.
    fn after(&self, roots: Vec<Calm<W>>, control: &Control) -> Result<Reached<Calm<W>>, Stop> {
        let model = &self.named;
        Reached::explore(roots, control, |&Calm { world, led }, found| {
            let mut is_disturbed = false;
            model.for_each_successor(&world, |a_move, unreduced, after| {
                if led.allows(&a_move) {
                    let [before, unreduced] =
                        [&world, &unreduced].map(|world| PackedView(model.layout(), world));
                    is_disturbed |= !led.is_undisturbed(&before, &unreduced);
                    found(Calm { world: after, led });
                }
            });
            is_disturbed
        })
    }
}

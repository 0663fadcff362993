//! A second opinion: the direct model of a few servers, with every message ever sent and no
//! reduction, up to a last term. Nothing is ever taken back there, so its graph has no cycles, and
//! what a run can do is found by looking at what follows. Of a run that gets to where the last term
//! keeps a server from campaigning, the worst is assumed.

use std::collections::HashMap;

use raft_model::action::Trigger;
use raft_model::cluster::Cluster;
use raft_model::election::{Event, Role, Timer};
use raft_model::liveness::assumptions::{Assumptions, Strength};
use raft_model::types::{ServerId, ServerSet, Term};
use raft_model::world::bounds::Bounds;
use raft_model::world::{World, WorldModel};

/// All worlds, and what can happen in each.
pub(crate) struct Raw {
    max_term: Term,
    worlds: Vec<World>,
    moves: Vec<Vec<(ServerId, Trigger, usize)>>,
}

/// A world can do this for ever, or cannot.
type Memo = Vec<Option<bool>>;

impl Raw {
    pub(crate) fn explore(bounds: Bounds) -> Self {
        let model = WorldModel::new(bounds);
        let mut raw = Self {
            max_term: bounds.terms.last(),
            worlds: vec![model.initial()],
            moves: Vec::new(),
        };
        let mut numbers = HashMap::from([(model.initial(), 0)]);
        while raw.moves.len() < raw.worlds.len() {
            let successors = model.successors(&raw.worlds[raw.moves.len()]);
            let moves = successors.into_iter().map(|(a_move, after)| {
                let number = *numbers.entry(after).or_insert_with_key(|after| {
                    raw.worlds.push(after.clone());
                    raw.worlds.len() - 1
                });
                (a_move.server, a_move.trigger, number)
            });
            let moves = moves.collect();
            raw.moves.push(moves);
        }
        raw
    }

    /// Whether each property of liveness holds of calm phases from every world that is not in the
    /// last term: who campaigns there, when the network is calm, wins.
    pub(crate) fn judge(&self, assumptions: &Assumptions) -> [bool; 3] {
        let calm = CalmWorlds { raw: self, assumptions };
        let early = |number: &usize| self.highest_term(*number) < self.max_term;
        let all =
            |holds: &mut dyn FnMut(usize) -> bool| (0..self.worlds.len()).filter(early).all(holds);
        let none = || vec![None; self.worlds.len()];
        let (mut possible, mut avoided, mut unstable) = (none(), none(), none());
        [
            all(&mut |number| calm.can_elect(number, &mut possible)),
            all(&mut |number| !calm.can_avoid(number, &mut avoided)),
            all(&mut |number| !calm.can_end_unstable(number, &mut unstable)),
        ]
    }

    pub(crate) fn cluster(&self) -> Cluster {
        self.worlds[0].cluster()
    }

    fn highest_term(&self, number: usize) -> Term {
        let terms = self.worlds[number].states().map(|(_, state)| state.ballot.current_term);
        terms.max().expect("there are servers")
    }
}

/// What the calm phase is, from its definition.
struct CalmWorlds<'a> {
    raw: &'a Raw,
    assumptions: &'a Assumptions,
}

impl CalmWorlds<'_> {
    fn dead(&self) -> ServerSet {
        self.assumptions.links.alone(self.raw.cluster())
    }

    fn alive(&self, number: usize) -> impl Iterator<Item = (ServerId, Role, Term, Timer)> {
        let dead = self.dead();
        let states = self.raw.worlds[number].states().filter(move |(id, _)| !dead.contains(*id));
        states.map(|(id, state)| (id, state.role, state.ballot.current_term, state.timer()))
    }

    /// The highest term of the servers that are up, and whether it is led.
    fn highest(&self, number: usize) -> (Term, bool) {
        let highest = self.alive(number).map(|(_, _, term, _)| term).max().expect("somebody is up");
        let leads =
            |(_, role, term, _): (ServerId, Role, Term, Timer)| role.is_leader() && term == highest;
        (highest, self.alive(number).any(leads))
    }

    fn is_stable(&self, number: usize) -> bool {
        let (highest, is_led) = self.highest(number);
        let agrees = |(_, role, term, _)| {
            term == highest && matches!(role, Role::Follower { .. } | Role::Leader { .. })
        };
        is_led && self.alive(number).all(agrees)
    }

    /// Whether a move is none of a server without links, and of no message that nobody brings.
    fn is_linked(&self, id: ServerId, trigger: Trigger) -> bool {
        let arrives = match trigger {
            Trigger::Event(Event::Receive { from, .. }) => {
                // What a dead server has said before is only late.
                self.assumptions.links.carry(from, id) || self.dead().contains(from)
            }
            _ => true,
        };
        arrives && !self.dead().contains(id)
    }

    fn timer_may_fire(&self, number: usize, server: ServerId) -> bool {
        let mut moves = self.raw.moves[number].iter();
        let is_busy = moves.any(|&(id, trigger, _)| {
            self.is_linked(id, trigger) && matches!(trigger, Trigger::Event(Event::Receive { .. }))
        });
        let (highest, _) = self.highest(number);
        let is_held = self.alive(number).any(|(id, role, term, _)| {
            role.is_leader()
                && term == highest
                && (id == server || self.assumptions.links.carry(id, server))
        });
        let Assumptions { messages_first, heartbeats_hold, .. } = *self.assumptions;
        let waits = messages_first && is_busy || heartbeats_hold && is_held;
        !waits
    }

    /// What may happen: each move with whether it has to happen, if it stays possible.
    fn moves(&self, number: usize) -> impl Iterator<Item = (bool, usize)> {
        self.raw.moves[number].iter().filter_map(move |&(id, trigger, to)| {
            let (may, strength) = match trigger {
                Trigger::Event(Event::HandOver { .. } | Event::TermHeard { .. })
                | Trigger::LoseDisk => (true, Strength::None),
                Trigger::Restart => (!self.assumptions.restarts_end, Strength::None),
                Trigger::Event(Event::Timeout { .. }) => {
                    (self.timer_may_fire(number, id), self.assumptions.timers)
                }
                Trigger::Event(Event::Receive { .. }) => (true, self.assumptions.messages),
            };
            let may = may && self.is_linked(id, trigger);
            may.then_some((strength != Strength::None, to))
        })
    }

    /// Whether the last term keeps a server from campaigning that otherwise could.
    fn is_cut(&self, number: usize) -> bool {
        self.alive(number).any(|(id, _, term, timer)| {
            timer == Timer::Election && term == self.raw.max_term && self.timer_may_fire(number, id)
        })
    }

    /// Whether a run may stay here for ever.
    fn can_stay(&self, number: usize) -> bool {
        !self.is_cut(number) && self.moves(number).all(|(has_to, _)| !has_to)
    }

    /// Whether some run comes to a leader.
    fn can_elect(&self, number: usize, memo: &mut Memo) -> bool {
        self.highest(number).1 || self.once(number, memo, Self::can_elect)
    }

    /// Whether some run never has a leader, as far as can be known.
    fn can_avoid(&self, number: usize, memo: &mut Memo) -> bool {
        if self.highest(number).1 {
            return false;
        }
        let here = self.is_cut(number) || self.can_stay(number);
        here || self.once(number, memo, Self::can_avoid)
    }

    /// Whether some run does not end with a stable leader, as far as can be known.
    fn can_end_unstable(&self, number: usize, memo: &mut Memo) -> bool {
        let here = self.is_cut(number) || (self.can_stay(number) && !self.is_stable(number));
        here || self.once(number, memo, Self::can_end_unstable)
    }

    /// Whether it is so of a world that follows; asked once for each world.
    fn once(
        &self,
        number: usize,
        memo: &mut Memo,
        is_so: fn(&Self, usize, &mut Memo) -> bool,
    ) -> bool {
        if let Some(known) = memo[number] {
            return known;
        }
        let found = self.moves(number).any(|(_, to)| is_so(self, to, memo));
        memo[number] = Some(found);
        found
    }
}

//! A run on which no useful leader stays: the way to a cycle, and the cycle, in whole worlds.
//!
//! A graph tells it in relative terms, and skips what happens between two timers. So that nobody
//! has to trust that, the run is done once more, message by message, in worlds with real terms,
//! rounds and attempts (`Lasso::of`).

use std::collections::BTreeSet;
use std::fmt;

use super::calm::{Calm, Did, Now};
use super::graph::Graph;
use crate::action::{Envelope, Trigger};
use crate::election::{Event, Role};
use crate::liveness::fair::Cycle;
use crate::packed::States;
use crate::run::{Lease, Run, World, told};
use crate::types::{Beats, ServerId, ServerSet, Term};
use crate::world::WorldModel;
use crate::world::bounds::{Bounds, Limits, Replies, Terms};
use crate::world::links::{Links, letter};
use crate::world::model::next_attempt;

/// A run on which no useful leader stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lasso {
    /// Who hears whom.
    pub links: Links,
    /// The way from a beginning.
    pub stem: Run,
    /// What repeats for ever; nothing, if nothing happens any more but that leaders say that they
    /// lead.
    pub cycle: Run,
    /// Whose timers fire in the cycle.
    pub fire: ServerSet,
    /// Whom a quorum follows at times.
    pub useful: ServerSet,
}

/// What is wrong with a run that was taken for one on which no leader stays.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refuted {
    /// A timer fires that may not.
    #[error("the timer of {0} cannot fire there, in real terms")]
    Held(ServerId),
    /// It comes to other worlds.
    #[error("in real terms, step {0} leads elsewhere")]
    Elsewhere(usize),
    /// It comes back to terms that are nearer to each other than they were.
    #[error("the cycle does not close in real terms")]
    Open,
    /// It passes over somebody.
    #[error("the cycle passes over the timer of {0} for ever")]
    Unfair(ServerId),
    /// A leader stays.
    #[error("on the cycle a leader stays")]
    NoViolation,
}

impl Lasso {
    /// The run of a graph to a cycle and once round it, in whole worlds, where it is seen to be
    /// one: each step is made by the functions of the model, each timer that fires is one that may;
    /// the cycle is fair, comes back to where it began, but for terms, which may be further apart,
    /// and can be gone round once more;
    /// and no useful leader stays.
    ///
    /// # Errors
    ///
    /// What does not hold of the run. Then the graph is wrong: it is one of relative terms.
    pub(super) fn of(graph: &Graph, cycle: &Cycle) -> Result<Self, Refuted> {
        let (begins, way, root) = graph.way_to(cycle.start);
        let mut follower = Follower::new(graph, &begins);
        follower.begin(root)?;
        follower.walk(root, &way)?;
        let stem = follower.take();
        let (mut always, mut fire) = (ServerSet::from_bits(u8::MAX), ServerSet::EMPTY);
        let (mut useful, mut is_led) = (ServerSet::EMPTY, true);
        let mut at = cycle.start;
        let begins = follower.gaps();
        for number in 0..cycle.moves.len().max(1) {
            let servers = follower.servers();
            let leader = graph.phase.useful(&servers);
            (useful, is_led) =
                (leader.into_iter().fold(useful, ServerSet::with), is_led && leader.is_some());
            let possible = graph.phase.may_fire(&graph.relative(&servers));
            always = ServerSet::from_bits(always.bits() & possible.bits());
            if let Some(&(class, to)) = cycle.moves.get(number) {
                follower.walk(at, &[(class, to)])?;
                fire = fire.with(server(class));
                at = to;
            }
        }
        let round = follower.take();
        // The same, but that some gaps which are told apart no more may have grown.
        let comes_back = begins.iter().zip(follower.gaps()).all(|(before, now)| *before <= now);
        if !comes_back {
            return Err(Refuted::Open);
        }
        follower.walk(cycle.start, &cycle.moves)?;
        if let Some(passed_over) = always.iter().find(|&id| !fire.contains(id)) {
            return Err(Refuted::Unfair(passed_over));
        }
        if is_led && useful.len() == 1 {
            return Err(Refuted::NoViolation);
        }
        Ok(Self { links: graph.phase.calm.links, stem, cycle: round, fire, useful })
    }

    /// How many steps lead to the cycle, and how many it has; those that change nothing are not
    /// counted.
    pub fn lengths(&self) -> (usize, usize) {
        (self.stem.moves.len(), self.cycle.moves.len())
    }
}

fn server(class: u8) -> ServerId {
    ServerId::new(class + 1).expect("the class of a server")
}

/// Follows a run of a graph in whole worlds.
struct Follower<'a> {
    graph: &'a Graph,
    under_way: Vec<Envelope>,
    run: Run,
    steps: usize,
}

impl<'a> Follower<'a> {
    fn new(graph: &'a Graph, begins: &States) -> Self {
        let servers = begins[..graph.phase.calm.cluster.size().into()].to_vec();
        let world = World {
            stored: servers.iter().map(|state| state.ballot).collect(),
            leases: servers.iter().map(|_| Lease::NONE).collect(),
            servers,
            sent: BTreeSet::new(),
        };
        Self { graph, under_way: Vec::new(), run: Run::from(world), steps: 0 }
    }

    fn servers(&self) -> States {
        let mut servers = self.graph.servers(0);
        for (id, state) in self.run.last().states() {
            servers[id.index()] = *state;
        }
        servers
    }

    /// How far each of the terms of linked servers is above the next lower one.
    fn gaps(&self) -> Vec<u64> {
        let servers = self.servers();
        let term = |id: ServerId| servers[id.index()].ballot.current_term.number();
        let terms: BTreeSet<u64> = self.graph.phase.linked.iter().map(term).collect();
        terms.iter().zip(terms.iter().skip(1)).map(|(lower, higher)| higher - lower).collect()
    }

    /// From the beginning to the world that is seen when heartbeats have had their effect.
    fn begin(&mut self, root: u32) -> Result<(), Refuted> {
        let now = Now { done: Some(Vec::new()), ..Now::quiet(self.servers()) };
        self.follow(self.graph.phase.settled(now), root)
    }

    /// From a world to the next, by timers that fire.
    fn walk(&mut self, from: u32, way: &[(u8, u32)]) -> Result<(), Refuted> {
        let mut at = from;
        for &(class, to) in way {
            let id = server(class);
            let real = self.graph.relative(&self.servers());
            if !self.graph.phase.may_fire(&real).contains(id) {
                return Err(Refuted::Held(id));
            }
            let now = Now { done: Some(Vec::new()), ..Now::quiet(self.graph.servers(at)) };
            self.follow(self.graph.phase.fired(now, id), to)?;
            at = to;
        }
        Ok(())
    }

    /// Does what leads to this world, one after the other.
    fn follow(&mut self, ends: Vec<Now>, to: u32) -> Result<(), Refuted> {
        let goal = self.graph.servers(to);
        let way = ends.into_iter().find(|now| self.graph.relative(&now.servers) == goal);
        let done = way.and_then(|now| now.done).ok_or(Refuted::Elsewhere(self.steps))?;
        for did in done {
            self.steps += 1;
            self.does(did).ok_or(Refuted::Elsewhere(self.steps))?;
        }
        let is_there = self.under_way.is_empty() && self.graph.relative(&self.servers()) == goal;
        is_there.then_some(()).ok_or(Refuted::Elsewhere(self.steps))
    }

    /// Does one thing, if it can be done.
    fn does(&mut self, did: Did) -> Option<()> {
        let world = self.run.last();
        let timeout = |id| Event::Timeout { attempt: next_attempt(world, id) };
        let (id, event, patience) = match did {
            Did::Fired(id) => (id, timeout(id), last_beat(world.state(id).role)),
            Did::Beat(id) => (id, timeout(id), Beats::new(u8::MAX)),
            Did::Arrived(place) => {
                let Envelope { from, to, message } = *self.under_way.get(place)?;
                self.under_way.remove(place);
                (to?, Event::Receive { from, message }, Beats::new(u8::MAX))
            }
        };
        let Calm { cluster, links, handlers, .. } = self.graph.phase.calm;
        let limits = Limits { patience, ..Limits::SMALL };
        let terms = Terms::UpTo(Term::new(u64::MAX));
        let bounds = Bounds { limits, ..Bounds::new(cluster, terms, Replies::All) };
        let model = WorldModel { bounds, handlers };
        let (a_move, step, after) = model.apply(world, id, Trigger::Event(event));
        if let Some(envelope) = Envelope::of(id, step.outgoing) {
            let receivers = envelope.deliveries(cluster).map(|(to, _)| to);
            let heard = receivers.filter(|&to| links.carry(id, to));
            self.under_way.extend(heard.map(|to| Envelope { to: Some(to), ..envelope }));
        }
        // Heartbeats that change nothing are no part of a story.
        if after != *world {
            self.run.moves.push((a_move, after));
        }
        Some(())
    }

    /// What was done since this was asked last.
    fn take(&mut self) -> Run {
        let rest = Run::from(self.run.last().clone());
        std::mem::replace(&mut self.run, rest)
    }
}

/// The patience of a leader that waits for no heartbeat more.
const fn last_beat(role: Role) -> Beats {
    match role {
        Role::Leader { beats, .. } => beats.next(),
        Role::Follower { .. }
        | Role::PreCandidate { .. }
        | Role::Candidate { .. }
        | Role::Returning { .. } => Beats::new(u8::MAX),
    }
}

/// The story of a run on which no leader stays.
impl fmt::Display for Lasso {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { links, stem, cycle, fire, useful } = self;
        let names = stem.initial.states().map(|(id, _)| format!("{} is {id}", letter(id)));
        let names = names.collect::<Vec<_>>().join(", ");
        writeln!(f, "  0. The network is calm from here on. Servers hear each other so: {links}")?;
        writeln!(f, "     ({names}).")?;
        let alone = links.alone(stem.initial.cluster());
        if !alone.is_empty() {
            writeln!(f, "     Without links, and so as good as dead: {alone}.")?;
        }
        write!(f, "{}{}", told(&stem.initial, &stem.initial), stem.numbered(1))?;
        let step = stem.moves.len();
        if cycle.moves.is_empty() {
            writeln!(f, "     Nothing changes any more, whatever is sent.")?;
        } else {
            let repeats = "What follows repeats for ever, in terms that may be higher each time.";
            writeln!(f, "     {repeats}\n{}", cycle.numbered(step + 1).trim_end())?;
            writeln!(f, "     And so on, as after step {step}.")?;
        }
        let or_nobody = |set: &ServerSet| match set.is_empty() {
            true => "nobody".to_owned(),
            false => set.to_string(),
        };
        writeln!(f, "     Each timer fires that always may; here, those of {}.", or_nobody(fire))?;
        writeln!(f, "     A quorum follows, over links both ways, at times: {}.", or_nobody(useful))
    }
}

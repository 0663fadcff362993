//! The graph of all worlds within a window of terms, kept whole, so that it can be searched again
//! under every assumption.

use std::num::NonZero;
use std::thread;

use hashbrown::HashTable;

use super::assumptions::Assumptions;
use super::class::{Class, Numbering};
use super::runs::{Edges, number};
use crate::action::{Envelope, Trigger};
use crate::cluster::Cluster;
use crate::election::{Ballot, Event, Role, State};
use crate::packed::Packed;
use crate::reduce::PackedModel;
use crate::search::{Control, Coverage, Stop};
use crate::types::{ServerId, ServerSet, Term};
use crate::world::bounds::{Bounds, Terms};
use crate::world::links::Links;

/// Worlds, and the moves between them.
#[derive(Clone, Debug)]
pub struct Graph<const W: usize> {
    model: PackedModel<W>,
    numbering: Numbering,
    /// Who hears whom.
    links: Links,
    /// Servers without links.
    dead: ServerSet,
    /// What is assumed of all its moves, if it has no others.
    assumed: Option<Assumptions>,
    worlds: Vec<Packed<W>>,
    notes: Vec<Note>,
    edges: Edges,
    /// From where each world was reached first. A root was reached from itself.
    reached_from: Vec<u32>,
    depth: usize,
}

/// What a search asks of a world.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Note {
    /// Some message that would change something can arrive.
    pub(super) is_busy: bool,
    /// A server leads the highest term of all servers.
    pub(super) is_led: bool,
    /// And everybody else follows, in that term.
    pub(super) is_stable: bool,
    /// Whoever hears a server that leads the highest term.
    pub(super) hear_a_leader: ServerSet,
    /// Leaders that leave office unless a quorum answers their open round.
    pub(super) await_answers: ServerSet,
    /// Servers whose campaign would be of a term outside of the window: the graph does not have it.
    pub(super) held: ServerSet,
}

impl Note {
    /// What there is to note of the servers that have links.
    pub(super) fn of(cluster: Cluster, links: Links, state: impl Fn(ServerId) -> State) -> Self {
        let alive = alive(cluster, links);
        let term = |id| state(id).ballot.current_term;
        let highest = alive.iter().map(term).max();
        let leads = |id| state(id).role.is_leader() && Some(term(id)) == highest;
        let follows =
            |id| matches!(state(id).role, Role::Follower { .. }) && Some(term(id)) == highest;
        let is_led = alive.iter().any(leads);
        let is_stable = is_led && alive.iter().all(|id| leads(id) || follows(id));
        let hears_a_leader = |&id: &ServerId| alive.iter().any(|l| leads(l) && links.carry(l, id));
        let hear_a_leader = alive.iter().filter(hears_a_leader).collect();
        let awaits_answers = |&id: &ServerId| match state(id).role {
            Role::Leader { answered, .. } => {
                cluster.protocol().check_quorum() && !cluster.is_quorum(answered)
            }
            Role::Follower { .. }
            | Role::PreCandidate { .. }
            | Role::Candidate { .. }
            | Role::Returning { .. } => false,
        };
        let await_answers = alive.iter().filter(awaits_answers).collect();
        Self { is_led, is_stable, hear_a_leader, await_answers, ..Self::default() }
    }
}

/// The servers that have links.
fn alive(cluster: Cluster, links: Links) -> ServerSet {
    let alone = links.alone(cluster);
    cluster.servers().filter(|&id| !alone.contains(id)).collect()
}

/// Whether links let something happen to a server. What servers without links, the `dead` ones,
/// have said before may still arrive: they say no more. And a response of a newer term may be of
/// anybody, where messages are merged; so it is looked at when it is sent.
pub(super) fn let_happen(links: Links, dead: ServerSet, class: Class) -> bool {
    match class {
        Class::Link { from, to, .. } => links.carry(from, to) || dead.contains(from),
        Class::NewerTerm(_)
        | Class::ElectionTimer(_)
        | Class::ContactTimer(_)
        | Class::HeartbeatTimer(_)
        | Class::Restart
        | Class::HandOver => true,
    }
}

/// Whether a message can arrive over these links, at whomever it is for.
fn can_arrive(
    links: Links,
    dead: ServerSet,
    envelope: Envelope,
    state: impl Fn(ServerId) -> State,
) -> bool {
    let Envelope { from, to, message } = envelope;
    match to {
        None => !links.hearers(from).is_empty() || dead.contains(from),
        Some(to) => {
            let arrives = Trigger::Event(Event::Receive { from, message });
            let_happen(links, dead, Class::of(to, &state(to), arrives))
        }
    }
}

/// The world that stands for a world. What cannot arrive is lost. A server without links is drawn
/// as a follower that has seen everything and given its vote to itself: so no message waits for it,
/// no window has to reach down to it, and it is in nobody's way.
pub(super) fn canonical<const W: usize>(
    model: &PackedModel<W>,
    links: Links,
    world: &Packed<W>,
) -> Packed<W> {
    let layout = model.layout();
    let mut world = *world;
    let dead = links.alone(layout.cluster());
    if links != Links::ALL {
        let state = |id| layout.state(&world, id);
        world = layout.keeping(&world, |envelope| can_arrive(links, dead, envelope, state));
    }
    if !dead.is_empty() {
        let alive = alive(layout.cluster(), links);
        let terms = alive.iter().map(|id| layout.state(&world, id).ballot.current_term);
        let sent = layout.sent(&world).map(|envelope| envelope.message.term());
        let current_term = terms.chain(sent).max().unwrap_or(Term::ZERO);
        for id in dead.iter() {
            let ballot = Ballot { current_term, voted_for: Some(id) };
            layout.set_state(&mut world, id, State { ballot, role: Role::FOLLOWER });
        }
    }
    model.reduced(&world)
}

/// Worlds whose successors are found at a time.
const CHUNK: usize = 1 << 14;

impl<const W: usize> Graph<W> {
    /// Everything that can be reached from the roots if servers hear each other only over these
    /// links.
    ///
    /// # Errors
    ///
    /// Why the search was stopped.
    pub fn explore(
        model: &PackedModel<W>,
        roots: &[Packed<W>],
        links: Links,
        control: &Control,
    ) -> Result<Self, Stop> {
        Self::with(model, roots, links, None, control)
    }

    /// What a calm phase of which this is assumed can come to from the worlds of a graph, in a
    /// window with room for this many terms more. (So it can bring together terms that lie as far
    /// apart as they may.)
    ///
    /// # Errors
    ///
    /// Why the search was stopped.
    pub fn explore_calm(
        hostile: &Self,
        assumptions: Assumptions,
        more_terms: u64,
        control: &Control,
    ) -> Result<Self, Stop> {
        let narrow = &hostile.model;
        let window = Term::new(narrow.bounds().terms.last().number() + more_terms);
        let bounds = Bounds { terms: Terms::Window(window), ..*narrow.bounds() };
        let model = PackedModel::new(bounds, narrow.reductions()).expect("it was seen to fit");
        let model = model.driven_by(narrow.handlers());
        let wide = |world| model.layout().pack(&narrow.layout().unpack(world));
        let roots: Vec<_> = hostile.worlds.iter().map(wide).collect();
        Self::with(&model, &roots, assumptions.links, Some(assumptions), control)
    }

    fn with(
        model: &PackedModel<W>,
        roots: &[Packed<W>],
        links: Links,
        assumed: Option<Assumptions>,
        control: &Control,
    ) -> Result<Self, Stop> {
        let mut graph = Self {
            model: model.clone(),
            numbering: Numbering::of(model.bounds().cluster),
            links,
            dead: links.alone(model.bounds().cluster),
            assumed,
            worlds: Vec::new(),
            notes: Vec::new(),
            edges: Edges::new(),
            reached_from: Vec::new(),
            depth: 0,
        };
        let mut numbers = HashTable::new();
        for root in roots {
            let root = graph.canonical(root);
            let number = graph.worlds.len();
            graph.number(&mut numbers, root, u32::try_from(number).expect("few worlds"));
        }
        let mut end_of_level = graph.worlds.len();
        let mut next = 0;
        while next < graph.worlds.len() {
            if next == end_of_level {
                (graph.depth, end_of_level) = (graph.depth + 1, graph.worlds.len());
            }
            let end = end_of_level.min(next + CHUNK);
            for successors in graph.successors(next, end) {
                for (found, note) in successors {
                    let before = u32::try_from(next).expect("few worlds");
                    for (class, world) in found {
                        let to = graph.number(&mut numbers, world, before);
                        graph.edges.push(class, to);
                    }
                    graph.edges.end_node();
                    graph.notes.push(note);
                    next += 1;
                }
            }
            control.covers(graph.coverage());
            if let Some(why) = control.stopped() {
                return Err(why);
            }
        }
        graph.depth += 1;
        Ok(graph)
    }

    fn number(&mut self, numbers: &mut HashTable<u32>, world: Packed<W>, before: u32) -> u32 {
        let (number, is_new) = number(numbers, &mut self.worlds, world);
        if is_new {
            self.reached_from.push(before);
        }
        number
    }

    /// The moves of some worlds, by several threads; in the order of the worlds.
    fn successors(&self, from: usize, end: usize) -> Vec<Vec<(Found<W>, Note)>> {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let share = (end - from).div_ceil(threads);
        thread::scope(|scope| {
            let shares = self.worlds[from..end].chunks(share).map(|worlds| {
                scope.spawn(move || worlds.iter().map(|world| self.moves_of(world)).collect())
            });
            let threads: Vec<_> = shares.collect();
            threads.into_iter().map(|thread| thread.join().expect("no thread panics")).collect()
        })
    }

    /// What can happen in a world, and what there is to note of it. A move that leads back to the
    /// same world is one if it changed a server: then all terms have moved on alike. If it only
    /// sent a message, that does not matter and the move is none.
    fn moves_of(&self, world: &Packed<W>) -> (Found<W>, Note) {
        let layout = self.model.layout();
        let mut found: Found<W> = Vec::new();
        let mut note = self.note(world);
        self.model.for_each_step(world, |a_move, after| {
            let id = a_move.server;
            let (before, changed) = (layout.state(world, id), layout.state(&after, id));
            let class =
                self.numbering.class_of(id, &before, a_move.trigger, |id| layout.state(world, id));
            if self.dead.contains(id) || !let_happen(self.links, self.dead, class) {
                return;
            }
            let after = self.canonical(&self.arriving(world, id, after));
            if after != *world || before != changed {
                note.is_busy |= class.is_awaited();
                found.push((self.numbering.code(class), after));
            }
        });
        if let Some(assumed) = self.assumed {
            found.retain(|&(class, _)| assumed.allow(note, self.numbering.class(class)));
        }
        found.sort_unstable();
        found.dedup();
        (found, note)
    }

    /// The world after a step of a server, without the answer if that goes to somebody who does not
    /// hear it. Once answers are merged, nobody knows whose they are.
    fn arriving(&self, before: &Packed<W>, id: ServerId, after: Packed<W>) -> Packed<W> {
        let layout = self.model.layout();
        let mut answers = layout.sent_since(&after, before).filter_map(|envelope| envelope.to);
        if answers.all(|to| self.links.carry(id, to)) {
            return after;
        }
        let mut lost = *before;
        layout.set_state(&mut lost, id, layout.state(&after, id));
        lost
    }

    fn note(&self, world: &Packed<W>) -> Note {
        let layout = self.model.layout();
        let never = self.dead.union(layout.cluster().witnesses());
        let held = self.model.held_by_bounds(world).iter().filter(|id| !never.contains(*id));
        let note = Note::of(layout.cluster(), self.links, |id| layout.state(world, id));
        Note { held: held.collect(), ..note }
    }

    /// The world that stands here for one of another graph, whose window may be smaller.
    pub(super) fn root(&self, other: &Self, world: &Packed<W>) -> Packed<W> {
        self.canonical(&self.model.layout().pack(&other.model.layout().unpack(world)))
    }

    fn canonical(&self, world: &Packed<W>) -> Packed<W> {
        canonical(&self.model, self.links, world)
    }

    /// The model whose graph it is.
    pub const fn model(&self) -> &PackedModel<W> {
        &self.model
    }

    /// The numbers of its classes.
    pub const fn numbering(&self) -> &Numbering {
        &self.numbering
    }

    /// What is assumed of all its moves, if it has no others.
    pub(super) const fn assumed(&self) -> Option<Assumptions> {
        self.assumed
    }

    /// Who hears whom.
    pub const fn links(&self) -> Links {
        self.links
    }

    /// All worlds: first those that it was explored from, then in the order in which they were
    /// reached.
    pub fn worlds(&self) -> &[Packed<W>] {
        &self.worlds
    }

    /// The moves.
    pub const fn edges(&self) -> &Edges {
        &self.edges
    }

    /// Its size. An edge is a state, a class of moves and a successor.
    pub fn coverage(&self) -> Coverage {
        Coverage { states: self.worlds.len(), edges: self.edges.len(), depth: self.depth }
    }

    pub(super) fn note_of(&self, node: u32) -> Note {
        self.notes[node as usize]
    }

    /// The way on which a world was reached first, from a root on.
    pub(super) fn way_to(&self, node: u32) -> Vec<u32> {
        let mut way = vec![node];
        let mut at = node;
        while self.reached_from[at as usize] != at {
            at = self.reached_from[at as usize];
            way.push(at);
        }
        way.reverse();
        way
    }
}

/// Classes of moves, and the worlds to which they lead.
type Found<const W: usize> = Vec<(u8, Packed<W>)>;

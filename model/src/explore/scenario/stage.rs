//! What a scenario is played on: the world of the specification, and beside it the messages that
//! are on their way, each as often as it was sent and to each of its receivers. The world itself
//! keeps only the set of messages ever sent, which is right for a search but does not tell a story.
//!
//! No rule of the protocol stands here: servers move by [`WorldModel::apply`] alone.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::{self, Write as _};

use super::super::codes::{Cause, Code};
use super::super::setting::Setting;
use crate::action::Trigger;
use crate::cluster::Cluster;
use crate::election::{Event, Outgoing, State, Step, Timer};
use crate::message::Message;
use crate::run::sentence;
use crate::types::{Attempt, Round, ServerId, Term};
use crate::world::bounds::Bounds;
use crate::world::properties::Property;
use crate::world::{Handlers, World, WorldModel};

pub(super) type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// More deliveries than any script needs: replies answer requests only, so the network falls quiet.
const MANY: usize = 1000;

/// A message on its way to one receiver.
struct Letter {
    from: ServerId,
    to: ServerId,
    message: Message,
    fate: Fate,
}

/// What became of a letter.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    UnderWay,
    Delivered,
    Lost,
}

/// A letter as a script names it; what is `None` may be anything.
pub(super) struct Description {
    pub(super) from: ServerId,
    pub(super) to: ServerId,
    pub(super) name: String,
    pub(super) term: Option<Term>,
    pub(super) round: Option<Round>,
    pub(super) attempt: Option<Attempt>,
    pub(super) vote_granted: Option<bool>,
}

/// The servers and the network between them.
pub(super) struct Stage {
    pub(super) model: WorldModel,
    pub(super) world: World,
    /// In the order in which they were sent.
    letters: Vec<Letter>,
    /// What the first of two servers sends to the second does not arrive.
    pub(super) cut: BTreeSet<(ServerId, ServerId)>,
    /// All that has happened.
    pub(super) path: Vec<Code>,
}

impl Stage {
    /// All servers come up, in term 0 for the first time, in a later one after so many elections.
    pub(super) fn new(setting: &Setting, handlers: Handlers) -> Self {
        let model = WorldModel { handlers, ..setting.model() };
        let world = setting.initial_by(&model);
        Self { model, world, letters: Vec::new(), cut: BTreeSet::new(), path: Vec::new() }
    }

    pub(super) fn cluster(&self) -> Cluster {
        self.model.bounds.cluster
    }

    pub(super) fn state(&self, server: ServerId) -> &State {
        self.world.state(server)
    }

    pub(super) fn leaders(&self) -> Vec<ServerId> {
        let leads = |server: &ServerId| self.state(*server).role.is_leader();
        self.cluster().servers().filter(leads).collect()
    }

    /// Whose leases may be valid, in office or not.
    pub(super) fn leases(&self) -> Vec<ServerId> {
        self.cluster().servers().filter(|&id| has_lease(&self.world, id)).collect()
    }

    /// How many messages were sent, a broadcast counted once a receiver.
    pub(super) fn sent(&self) -> usize {
        self.letters.len()
    }

    /// A line a server.
    pub(super) fn show(&self) -> String {
        let lines = self.world.to_string();
        let servers: Vec<_> = lines.lines().take(self.world.servers.len()).collect();
        servers.join("\n") + "\n"
    }

    /// Its timer fires. Whatever it asks, it asks with a number that it has not used yet.
    pub(super) fn time_out(&mut self, id: ServerId) -> Result<String> {
        let asked = self.letters.iter().filter(|letter| letter.from == id);
        let attempts = asked.filter_map(|letter| match letter.message {
            Message::PreVote { attempt, .. } => Some(attempt),
            _ => None,
        });
        let attempt = attempts.max().map_or(Attempt::FIRST, Attempt::next);
        self.step(id, Trigger::Event(Event::Timeout { attempt }))
    }

    /// A server moves, and tells about it.
    pub(super) fn step(&mut self, id: ServerId, trigger: Trigger) -> Result<String> {
        let before = *self.state(id);
        let (a_move, step, after) = self.model.apply(&self.world, id, trigger);
        judge(&self.model.bounds, &self.world, id, &after)?;
        let leases = leases(&self.world, &after);
        self.path.push(Code::of(&self.world, &a_move));
        self.world = after;
        self.post(id, step.outgoing);
        let sentence = sentence(&a_move, &step.state);
        let (action, rule) = (a_move.action, a_move.rule);
        let details = details(&before, &step);
        Ok(format!("{sentence}  [{action} by {rule:?}]\n{details}{leases}"))
    }

    fn post(&mut self, from: ServerId, outgoing: Outgoing) {
        let (receivers, message) = match outgoing {
            Outgoing::Nothing => return,
            Outgoing::Reply { to, message } | Outgoing::Order { to, message } => {
                (vec![to], message)
            }
            Outgoing::Broadcast { message } => (self.cluster().others(from).collect(), message),
        };
        let letter = |to| Letter { from, to, message, fate: Fate::UnderWay };
        self.letters.extend(receivers.into_iter().map(letter));
    }

    /// A letter arrives.
    pub(super) fn deliver(&mut self, description: &Description) -> Result<String> {
        let index = self.find(description, Fate::UnderWay)?;
        self.arrive(index)
    }

    /// A letter that has arrived arrives once more.
    pub(super) fn duplicate(&mut self, description: &Description) -> Result<String> {
        let index = self.find(description, Fate::Delivered)?;
        self.arrive(index)
    }

    /// A letter is lost.
    pub(super) fn lose(&mut self, description: &Description) -> Result<String> {
        let index = self.find(description, Fate::UnderWay)?;
        let letter = &mut self.letters[index];
        letter.fate = Fate::Lost;
        Ok(format!("lost: {letter}\n"))
    }

    /// Whatever is under way is lost.
    pub(super) fn lose_all(&mut self) -> String {
        let mut text = String::new();
        for letter in self.letters.iter_mut().filter(|letter| letter.fate == Fate::UnderWay) {
            letter.fate = Fate::Lost;
            let _ = writeln!(text, "lost: {letter}");
        }
        text
    }

    /// Letters arrive in the order in which they were sent, until none is left. What cannot cross
    /// a cut waits for it to heal.
    pub(super) fn deliver_all(&mut self) -> Result<String> {
        let mut text = String::new();
        for _ in 0..MANY {
            let is_next = |l: &Letter| l.fate == Fate::UnderWay && self.is_linked(l);
            let Some(index) = self.letters.iter().position(is_next) else {
                for letter in self.letters.iter().filter(|letter| letter.fate == Fate::UnderWay) {
                    let _ = writeln!(text, "waits: {letter}");
                }
                return Ok(text);
            };
            text += &self.arrive(index)?;
        }
        Err(format!("the network is not quiet after {MANY} deliveries").into())
    }

    fn arrive(&mut self, index: usize) -> Result<String> {
        let letter = &self.letters[index];
        if !self.is_linked(letter) {
            let Letter { from, to, .. } = letter;
            return Err(format!("{letter}: {to} is cut off from {from}").into());
        }
        let &Letter { from, to, message, .. } = letter;
        self.letters[index].fate = Fate::Delivered;
        self.step(to, Trigger::Event(Event::Receive { from, message }))
    }

    /// Nobody else hears these servers, and they hear nobody else.
    pub(super) fn cut(&mut self, servers: &[ServerId]) {
        let is_across = |&(a, b): &(_, _)| servers.contains(&a) != servers.contains(&b);
        self.cut_all(is_across);
    }

    /// These servers do not hear each other; all others hear them, and they all others.
    pub(super) fn cut_links(&mut self, servers: &[ServerId]) {
        let is_between = |&(a, b): &(_, _)| servers.contains(&a) && servers.contains(&b);
        self.cut_all(is_between);
    }

    /// This server hears nobody, and goes on being heard.
    pub(super) fn deafen(&mut self, server: ServerId) {
        self.cut_all(|&(_, to)| to == server);
    }

    /// The second server does not hear the first one.
    pub(super) fn cut_way(&mut self, from: ServerId, to: ServerId) {
        self.cut_all(|&way| way == (from, to));
    }

    /// The second server hears the first one again.
    pub(super) fn mend_way(&mut self, from: ServerId, to: ServerId) {
        if self.cut.remove(&(from, to)) {
            self.path.push(Code { server: to, cause: Cause::Mend(from) });
        }
    }

    /// Everybody hears everybody.
    pub(super) fn heal(&mut self) {
        for (from, to) in self.cut.clone() {
            self.mend_way(from, to);
        }
    }

    fn cut_all(&mut self, is_cut: impl FnMut(&(ServerId, ServerId)) -> bool) {
        for (from, to) in links(self.cluster()).filter(is_cut) {
            if self.cut.insert((from, to)) {
                self.path.push(Code { server: to, cause: Cause::Cut(from) });
            }
        }
    }

    fn is_linked(&self, letter: &Letter) -> bool {
        !self.cut.contains(&(letter.from, letter.to))
    }

    /// The first letter of this description and fate: of several that say the same, the oldest.
    fn find(&self, description: &Description, fate: Fate) -> Result<usize> {
        let mut found: Vec<usize> = (0..self.letters.len())
            .filter(|&index| description.matches(&self.letters[index]))
            .collect();
        if found.is_empty() {
            return Err(format!("{description} was never sent\n{}", self.list()).into());
        }
        found.retain(|&index| self.letters[index].fate == fate);
        let Some(&first) = found.first() else {
            let wanted = if fate == Fate::Delivered { "delivered yet" } else { "under way" };
            return Err(format!("{description} is not {wanted}\n{}", self.list()).into());
        };
        let message = self.letters[first].message;
        if found.iter().any(|&index| self.letters[index].message != message) {
            let hint = "say which, with term= or vote=granted or vote=refused, round= or attempt=";
            return Err(format!("{description}: {hint}\n{}", self.list()).into());
        }
        Ok(first)
    }

    /// Every letter and its fate.
    fn list(&self) -> String {
        let mut text = String::from("sent so far:\n");
        for letter in &self.letters {
            let fate = match letter.fate {
                Fate::UnderWay => "under way",
                Fate::Delivered => "delivered",
                Fate::Lost => "lost",
            };
            let _ = writeln!(text, "    {letter}, {fate}");
        }
        text
    }
}

/// Every way from one server to another.
fn links(cluster: Cluster) -> impl Iterator<Item = (ServerId, ServerId)> {
    cluster.servers().flat_map(move |from| cluster.others(from).map(move |to| (from, to)))
}

fn has_lease(world: &World, id: ServerId) -> bool {
    world.leases[id.index()].valid.is_some()
}

/// Whose leases have begun or ended by a step.
fn leases(before: &World, after: &World) -> String {
    let mut text = String::new();
    for id in after.cluster().servers() {
        let _ = match (has_lease(before, id), has_lease(after, id)) {
            (false, true) => writeln!(text, "    {id} has a lease"),
            (true, false) => writeln!(text, "    the lease of {id} is over"),
            (true, true) | (false, false) => Ok(()),
        };
    }
    text
}

/// The three things that the caller of a step obeys, in that order, and the state after it.
fn details(before: &State, step: &Step) -> String {
    let persist = if step.persist { "persists its ballot" } else { "persists nothing" };
    let send = match step.outgoing {
        Outgoing::Nothing => "sends nothing".to_owned(),
        Outgoing::Reply { to, message } | Outgoing::Order { to, message } => {
            format!("sends {to} {message}")
        }
        Outgoing::Broadcast { message } => format!("sends everybody {message}"),
    };
    let timer = match step.state.timer() {
        Timer::Contact => "contact timer",
        Timer::Election => "election timer",
        Timer::Heartbeat => "heartbeat timer",
    };
    let restart = match step.restart_timer {
        false => "runs on",
        true if before.timer() == step.state.timer() => "restarts",
        true => "starts",
    };
    let now = if step.state == *before { "still" } else { "now" };
    format!("    {persist}; {send}; {timer} {restart}\n    {now:<5}  {}\n", step.state)
}

/// Every property of safety holds after every step of every scenario.
fn judge(bounds: &Bounds, before: &World, server: ServerId, after: &World) -> Result<()> {
    for property in Property::of(bounds) {
        if !property.holds(before, server, after) {
            return Err(format!("{property}: not true that {}", property.says()).into());
        }
    }
    Ok(())
}

/// What a message says beside its name and its term: round, attempt, and whether there is a vote.
type Contents = (Option<Round>, Option<Attempt>, Option<bool>);

fn contents(message: Message) -> (&'static str, Contents) {
    match message {
        Message::RequestVote { .. } => ("RequestVote", (None, None, None)),
        Message::RequestVoteResponse { vote_granted, .. } => {
            ("RequestVoteResponse", (None, None, Some(vote_granted)))
        }
        Message::AppendEntries { round, .. } => ("AppendEntries", (Some(round), None, None)),
        Message::AppendEntriesResponse { round, .. } => {
            ("AppendEntriesResponse", (round, None, None))
        }
        Message::PreVote { attempt, .. } => ("PreVote", (None, Some(attempt), None)),
        Message::PreVoteResponse { vote_granted, attempt, .. } => {
            ("PreVoteResponse", (None, Some(attempt), Some(vote_granted)))
        }
        Message::HandOver { .. } => ("HandOver", (None, None, None)),
    }
}

impl Description {
    fn matches(&self, letter: &Letter) -> bool {
        let (name, (round, attempt, vote_granted)) = contents(letter.message);
        (self.from, self.to, self.name.as_str()) == (letter.from, letter.to, name)
            && self.term.is_none_or(|term| term == letter.message.term())
            && (self.round.is_none() || self.round == round)
            && (self.attempt.is_none() || self.attempt == attempt)
            && (self.vote_granted.is_none() || self.vote_granted == vote_granted)
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} → {}: {}", self.from, self.to, self.name)?;
        match self.term {
            Some(term) => write!(f, " (term {term})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} → {}: {}", self.from, self.to, self.message)
    }
}

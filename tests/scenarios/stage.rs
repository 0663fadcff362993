//! What a scenario is played on: the world of the specification, and beside it the messages that
//! are on their way, each as often as it was sent and to each of its receivers. The world itself
//! keeps only the set of messages ever sent, which is right for a search but does not tell a story.
//!
//! No rule of the protocol stands here: servers move by [`WorldModel::apply`] alone.

use std::error::Error;
use std::fmt::{self, Write as _};

use raft_model::action::Trigger;
use raft_model::cluster::Cluster;
use raft_model::election::{Event, Outgoing, Role, State, Step, Timer};
use raft_model::message::Message;
use raft_model::types::{ServerId, Term};
use raft_model::words::sentence;
use raft_model::world::bounds::{Bounds, Replies, Terms};
use raft_model::world::properties::SAFETY;
use raft_model::world::{Handlers, World, WorldModel};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

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
    pub(super) vote_granted: Option<bool>,
}

/// The servers and the network between them.
pub(super) struct Stage {
    model: WorldModel,
    world: World,
    /// In the order in which they were sent.
    letters: Vec<Letter>,
    /// The side of the network that each server is on. It hears only servers of the same side.
    sides: Vec<usize>,
}

impl Stage {
    /// All servers come up for the first time.
    pub(super) fn new(cluster: Cluster, handlers: Handlers) -> Self {
        // Bounds are for searches: a script makes its own moves, and sees every reply.
        let bounds =
            Bounds { cluster, terms: Terms::UpTo(Term::new(u64::MAX)), replies: Replies::All };
        let model = WorldModel { bounds, handlers };
        let world = model.initial();
        let sides = vec![0; usize::from(cluster.size())];
        Self { model, world, letters: Vec::new(), sides }
    }

    pub(super) fn cluster(&self) -> Cluster {
        self.model.bounds.cluster
    }

    pub(super) fn state(&self, server: ServerId) -> &State {
        self.world.state(server)
    }

    pub(super) fn leaders(&self) -> Vec<ServerId> {
        let leads = |server: &ServerId| self.state(*server).role == Role::Leader;
        self.cluster().servers().filter(leads).collect()
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

    /// A server moves, and tells about it.
    pub(super) fn step(&mut self, id: ServerId, trigger: Trigger) -> Result<String> {
        let before = *self.state(id);
        let (a_move, step, after) = self.model.apply(&self.world, id, trigger);
        judge(&self.world, id, &after)?;
        self.world = after;
        self.post(id, step.outgoing);
        let sentence = sentence(&a_move, &step.state);
        let (action, rule) = (a_move.action, a_move.rule);
        Ok(format!("{sentence}  [{action} by {rule:?}]\n{}", details(&before, &step)))
    }

    fn post(&mut self, from: ServerId, outgoing: Outgoing) {
        let (receivers, message) = match outgoing {
            Outgoing::Nothing => return,
            Outgoing::Reply { to, message } => (vec![to], message),
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
            return Err(format!("{letter}: they are cut off from each other").into());
        }
        let &Letter { from, to, message, .. } = letter;
        self.letters[index].fate = Fate::Delivered;
        self.step(to, Trigger::Event(Event::Receive { from, message }))
    }

    /// These servers hear each other, and nobody else hears them.
    pub(super) fn cut(&mut self, servers: &[ServerId]) {
        let side = 1 + self.sides.iter().max().expect("a cluster has a server");
        for server in servers {
            self.sides[server.index()] = side;
        }
    }

    /// Everybody hears everybody.
    pub(super) fn heal(&mut self) {
        self.sides.fill(0);
    }

    fn is_linked(&self, letter: &Letter) -> bool {
        self.sides[letter.from.index()] == self.sides[letter.to.index()]
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
            let hint = "say which, with term= or vote=granted or vote=refused";
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

/// The three things that the caller of a step obeys, in that order, and the state after it.
fn details(before: &State, step: &Step) -> String {
    let persist = if step.persist { "persists its ballot" } else { "persists nothing" };
    let send = match step.outgoing {
        Outgoing::Nothing => "sends nothing".to_owned(),
        Outgoing::Reply { to, message } => format!("sends {to} {message}"),
        Outgoing::Broadcast { message } => format!("sends everybody {message}"),
    };
    let timer = match step.state.timer() {
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
fn judge(before: &World, server: ServerId, after: &World) -> Result<()> {
    for property in SAFETY {
        if !property.holds(before, server, after) {
            return Err(format!("{property}: not true that {}", property.says()).into());
        }
    }
    Ok(())
}

impl Description {
    fn matches(&self, letter: &Letter) -> bool {
        let (name, vote_granted) = match letter.message {
            Message::RequestVote { .. } => ("RequestVote", None),
            Message::RequestVoteResponse { vote_granted, .. } => {
                ("RequestVoteResponse", Some(vote_granted))
            }
            Message::AppendEntries { .. } => ("AppendEntries", None),
            Message::AppendEntriesResponse { .. } => ("AppendEntriesResponse", None),
        };
        (self.from, self.to, self.name.as_str()) == (letter.from, letter.to, name)
            && self.term.is_none_or(|term| term == letter.message.term())
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

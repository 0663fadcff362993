//! Which election is explored: the part of a link that stands before the path.

use std::fmt;

use super::begin::Begin;
use super::exercise;
use crate::action::Trigger;
use crate::cluster::{Cluster, ClusterError, Protocol};
use crate::election::Ballot;
use crate::mutant::Mutant;
use crate::types::{Beats, ServerId, ServerSet, Term};
use crate::world::bounds::{Bounds, Limits, Replies, Terms};
use crate::world::{Handlers, World, WorldModel};

/// The text of the specification: of everything that decides what a path does.
const SPECIFICATION: [&str; 10] = [
    include_str!("../protocol/effect.rs"),
    include_str!("../protocol/election.rs"),
    include_str!("../protocol/guard.rs"),
    include_str!("../protocol/lease.rs"),
    include_str!("../protocol/loss.rs"),
    include_str!("../protocol/message.rs"),
    include_str!("../protocol/rule.rs"),
    include_str!("../protocol/step.rs"),
    include_str!("../cluster.rs"),
    include_str!("../types.rs"),
];

/// A hash of the specification's text, by which a link tells whether it is of another one.
pub fn specification() -> String {
    let mut hasher = crc32fast::Hasher::new();
    SPECIFICATION.iter().for_each(|text| hasher.update(text.as_bytes()));
    format!("{:08x}", hasher.finalize())
}

/// An election, as it is explored.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The servers and how they elect.
    pub cluster: Cluster,
    /// The last term in which elections start.
    pub last_term: Term,
    /// The replies that the network keeps.
    pub replies: Replies,
    /// Whether leaders are told to hand over.
    pub hand_over: bool,
    /// How many heartbeats a leader waits for its quorum.
    pub patience: Beats,
    /// The term that all servers have on their disks when they come up.
    pub first_term: Term,
    /// Where paths begin instead, if that is said.
    pub begin: Option<Begin>,
    /// Who may lose its disk.
    pub lost_disks: ServerSet,
    /// A mistake in the election.
    pub mutant: Option<Mutant>,
    /// Whether the mistake is to be found: then it has a number and no name.
    pub is_exercise: bool,
}

/// Why a link names no election.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// A value that the parameter does not have.
    #[error("{name}={value:?}: {why}")]
    Value {
        /// The parameter.
        name: &'static str,
        /// What was given.
        value: String,
        /// What would be right.
        why: String,
    },
    /// The servers are no cluster.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
}

fn wrong(name: &'static str, value: &str, why: impl fmt::Display) -> SettingError {
    let value = value.chars().take(40).collect();
    SettingError::Value { name, value, why: why.to_string() }
}

impl Setting {
    /// Three servers that elect in terms 1 and 2 as in Figure 2.
    ///
    /// # Panics
    ///
    /// Never: a cluster can have three servers.
    pub fn usual() -> Self {
        Self::new(Cluster::new(3).expect("a cluster of three"), Term::new(2))
    }

    /// These servers, and what goes with their protocol.
    pub const fn new(cluster: Cluster, last_term: Term) -> Self {
        let Limits { patience, .. } = Limits::SMALL;
        let hand_over = cluster.protocol().check_quorum();
        let (replies, first_term) = (Replies::Useful, Term::ZERO);
        Self {
            cluster,
            last_term,
            replies,
            hand_over,
            patience,
            first_term,
            begin: None,
            lost_disks: ServerSet::EMPTY,
            mutant: None,
            is_exercise: false,
        }
    }

    /// Reads the parameters of a link.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for the first that makes no sense.
    pub fn parse<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Result<Self, SettingError> {
        let mut setting = Self::usual();
        let size = number("servers", get("servers"), setting.cluster.size())?;
        let protocol = get("protocol").map_or(Ok(Protocol::FIGURE2), |name| {
            name.parse().map_err(|error| wrong("protocol", name, error))
        })?;
        let witnesses = servers("witness", get("witness"))?;
        setting.cluster = Cluster::with(size, protocol)?.with_witnesses(witnesses)?;
        setting.lost_disks = servers("lost-disks", get("lost-disks"))?;
        if setting.lost_disks.iter().any(|id| !setting.cluster.contains(id)) {
            let given = get("lost-disks").unwrap_or_default();
            return Err(wrong("lost-disks", given, "servers of the cluster are wanted"));
        }
        setting.last_term = match get("terms") {
            Some("any") => Term::new(u64::MAX),
            terms => Term::new(number("terms", terms, 2)?),
        };
        setting.first_term = Term::new(number("first", get("first"), 0)?);
        setting.begin = match get("begin") {
            None => None,
            Some(text) => {
                let begin = text.parse::<Begin>().map_err(|why| wrong("begin", text, why))?;
                if !begin.is_of(size) {
                    return Err(wrong("begin", text, "the terms of all servers are wanted"));
                }
                Some(begin)
            }
        };
        setting.replies = match get("replies") {
            None | Some("useful") => Replies::Useful,
            Some("all") => Replies::All,
            Some(other) => return Err(wrong("replies", other, "useful or all")),
        };
        setting.hand_over = match get("hand-over") {
            None => protocol.check_quorum(),
            Some("yes") => true,
            Some("no") => false,
            Some(other) => return Err(wrong("hand-over", other, "yes or no")),
        };
        setting.patience = match number("patience", get("patience"), setting.patience.number())? {
            0 => return Err(wrong("patience", "0", "a leader waits for one heartbeat at least")),
            beats => Beats::new(beats),
        };
        let exercise = get("mutant").and_then(|name| name.strip_prefix(exercise::PREFIX));
        setting.is_exercise = exercise.is_some();
        setting.mutant = match (get("mutant"), exercise) {
            (None, _) => None,
            (Some(name), Some(number)) => {
                let found = number.parse().ok().and_then(exercise::numbered);
                Some(found.ok_or_else(|| wrong("mutant", name, "there is no such exercise"))?)
            }
            (Some(name), None) => Some(Mutant::named(name).ok_or_else(|| {
                wrong("mutant", name, "there is no such mutant: `raft-model mutants` lists them")
            })?),
        };
        Ok(setting)
    }

    /// The same with the specification in place of a mutant.
    #[must_use]
    pub fn without_mutant(&self) -> Self {
        Self { mutant: None, is_exercise: false, ..self.clone() }
    }

    /// The model in which a path is walked. Rounds and attempts are not bounded: who walks, ends
    /// when they like.
    pub fn model(&self) -> WorldModel {
        let handlers = self.mutant.map_or(Handlers::RAFT, |mutant| mutant.handlers);
        WorldModel { bounds: self.bounds(), handlers }
    }

    /// Its bounds.
    pub fn bounds(&self) -> Bounds {
        let limits = Limits {
            hand_over: self.hand_over,
            rounds: u64::MAX,
            attempts: u64::MAX,
            patience: self.patience,
            leases: true,
        };
        let terms = Terms::UpTo(self.last_term);
        let lost_disks = self.lost_disks;
        Bounds { limits, lost_disks, ..Bounds::new(self.cluster, terms, self.replies) }
    }

    /// Whether paths begin where everybody comes up for the first time.
    pub fn begins_anew(&self) -> bool {
        self.begin.is_none() && self.first_term == Term::ZERO
    }

    /// The world in which paths begin: everybody has come up.
    pub fn initial(&self) -> World {
        self.initial_by(&self.model())
    }

    /// The same, by the functions of this model.
    pub(super) fn initial_by(&self, model: &WorldModel) -> World {
        if let Some(begin) = &self.begin {
            return begin.world(self, model);
        }
        let mut world = model.initial();
        if self.first_term != Term::ZERO {
            for id in self.cluster.servers() {
                let ballot = Ballot { current_term: self.first_term, voted_for: None };
                world.stored[id.index()] = ballot;
                world = model.apply(&world, id, Trigger::Restart).2;
            }
        }
        world
    }
}

/// The parameters of a link, as [`Setting::parse`] reads them.
impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (size, protocol) = (self.cluster.size(), self.cluster.protocol());
        write!(f, "protocol={protocol}&servers={size}")?;
        if !self.cluster.witnesses().is_empty() {
            f.write_str("&witness=")?;
            self.cluster.witnesses().iter().try_for_each(|id| write!(f, "{}", id.number()))?;
        }
        match self.last_term.number() {
            u64::MAX => f.write_str("&terms=any")?,
            last => write!(f, "&terms={last}")?,
        }
        if self.first_term != Term::ZERO {
            write!(f, "&first={}", self.first_term)?;
        }
        if let Some(begin) = &self.begin {
            write!(f, "&begin={begin}")?;
        }
        if !self.lost_disks.is_empty() {
            f.write_str("&lost-disks=")?;
            self.lost_disks.iter().try_for_each(|id| write!(f, "{}", id.number()))?;
        }
        if self.replies == Replies::All {
            f.write_str("&replies=all")?;
        }
        if self.hand_over != protocol.check_quorum() {
            write!(f, "&hand-over={}", if self.hand_over { "yes" } else { "no" })?;
        }
        if self.patience != Limits::SMALL.patience {
            write!(f, "&patience={}", self.patience)?;
        }
        match (self.mutant, self.mutant.as_ref().and_then(exercise::number_of)) {
            (None, _) => Ok(()),
            (Some(_), Some(number)) if self.is_exercise => {
                write!(f, "&mutant={}{number}", exercise::PREFIX)
            }
            (Some(mutant), _) => write!(f, "&mutant={}", mutant.name),
        }
    }
}

/// The numbers of some servers, one behind the other.
fn servers(name: &'static str, numbers: Option<&str>) -> Result<ServerSet, SettingError> {
    let numbers = numbers.unwrap_or_default();
    let server = |letter: char| ServerId::new(u8::try_from(letter.to_digit(10)?).ok()?);
    let servers = numbers.chars().map(|letter| {
        server(letter).ok_or_else(|| wrong(name, numbers, "the numbers of servers, such as 3"))
    });
    servers.collect()
}

fn number<T: std::str::FromStr>(
    name: &'static str,
    value: Option<&str>,
    usual: T,
) -> Result<T, SettingError> {
    let Some(value) = value else { return Ok(usual) };
    value.parse().map_err(|_| wrong(name, value, "a whole number is wanted"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(link: &str) -> Result<Setting, SettingError> {
        let pairs: Vec<_> = link.split('&').filter_map(|pair| pair.split_once('=')).collect();
        Setting::parse(|name| pairs.iter().find(|pair| pair.0 == name).map(|pair| pair.1))
    }

    #[test]
    fn a_link_is_read_as_it_is_written() {
        for link in [
            "protocol=figure2&servers=3&terms=2",
            "protocol=guarded&servers=5&witness=35&terms=any&first=8&replies=all&hand-over=no&patience=2",
            "protocol=figure2&servers=2&terms=1&hand-over=yes&mutant=vote-given-twice",
            "protocol=figure2&servers=2&terms=1&mutant=exercise-1",
            "protocol=guarded&servers=3&terms=any&begin=2l.2.1l&replies=all",
            "protocol=figure2&servers=3&terms=2&lost-disks=13",
        ] {
            assert_eq!(read(link).unwrap().to_string(), link);
        }
        assert_eq!(read("").unwrap().to_string(), Setting::usual().to_string());
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (link, says) in [
            ("servers=99", "1 to 7 servers"),
            ("servers=-1", "servers=\"-1\": a whole number"),
            ("servers=3&witness=4", "S4 cannot be a witness"),
            ("protocol=raft", "is no protocol"),
            ("terms=x", "terms=\"x\""),
            ("servers=3&lost-disks=4", "servers of the cluster"),
            ("lost-disks=x", "the numbers of servers"),
            ("mutant=nope", "no such mutant"),
            ("mutant=exercise-0", "no such exercise"),
            ("begin=1l.1", "the terms of all servers"),
            ("begin=1l.1l.0", "one leader at most"),
            ("begin=x.1.0", "an l behind those"),
            ("patience=0", "one heartbeat"),
            ("replies=some", "useful or all"),
        ] {
            let error = read(link).unwrap_err().to_string();
            assert!(error.contains(says), "{link}: {error}");
        }
    }
}

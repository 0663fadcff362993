//! Who hears whom: directed links between servers, up to seven of them.
//!
//! Links are written as in `A-B A>C`: the servers are letters, A is S1 and so on; `A-B` is a link
//! both ways, over `A>C` only C hears A, and `C<A` is the same. A server without links is as good
//! as dead: it hears nobody, and nobody hears it.

use std::collections::HashSet;
use std::fmt;

use crate::cluster::Cluster;
use crate::types::{ServerId, ServerSet};

const MAX: usize = ServerId::MAX as usize;

/// Who hears whom.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Links([ServerSet; MAX]); // who hears each server, by its index

/// A text that names no links.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no link: A-B is one both ways, over A>B only B hears A, and the servers are A to \
     {last}", last = letter(*.1)
)]
pub struct NoSuchLink(String, ServerId);

impl Links {
    /// Nobody hears anybody.
    pub const NONE: Self = Self([ServerSet::EMPTY; MAX]);

    /// Everybody hears everybody else, however many there are.
    pub const ALL: Self = {
        let mut heard = [ServerSet::from_bits((1 << MAX) - 1); MAX];
        let mut id = 0;
        while id < MAX {
            heard[id] = ServerSet::from_bits(heard[id].bits() & !(1 << id));
            id += 1;
        }
        Self(heard)
    };

    /// These links, and one over which `to` hears `from`.
    #[must_use]
    pub fn with(mut self, from: ServerId, to: ServerId) -> Self {
        self.0[from.index()] = self.0[from.index()].with(to);
        self
    }

    /// These links without the one over which `to` hears `from`.
    #[must_use]
    pub fn cut(mut self, from: ServerId, to: ServerId) -> Self {
        self.0[from.index()] = self.0[from.index()].without(to);
        self
    }

    /// These links without all those of some servers.
    #[must_use]
    pub fn without(self, servers: ServerSet) -> Self {
        Self(std::array::from_fn(|index| {
            let is_out = servers.bits() >> index & 1 == 1;
            let bits = if is_out { 0 } else { self.0[index].bits() & !servers.bits() };
            ServerSet::from_bits(bits)
        }))
    }

    /// Whether `to` hears `from`.
    pub const fn carry(self, from: ServerId, to: ServerId) -> bool {
        self.0[from.index()].contains(to)
    }

    /// Who hears this server.
    pub const fn hearers(self, of: ServerId) -> ServerSet {
        self.0[of.index()]
    }

    /// Who hears this server, and is heard by it.
    pub fn both_ways(self, id: ServerId) -> ServerSet {
        self.hearers(id).iter().filter(|&other| self.carry(other, id)).collect()
    }

    /// The servers of a cluster that have no link at all.
    pub fn alone(self, cluster: Cluster) -> ServerSet {
        let is_heard = |id| self.0.iter().any(|hearers| hearers.contains(id));
        cluster.servers().filter(|&id| self.hearers(id).is_empty() && !is_heard(id)).collect()
    }

    /// The servers that are linked both ways to a quorum, each counted for itself: whoever else
    /// leads, no quorum answers.
    pub fn centres(self, cluster: Cluster) -> ServerSet {
        let reaches = |id: ServerId| {
            let linked = self.both_ways(id).with(id);
            cluster.servers().filter(|&other| linked.contains(other)).collect()
        };
        cluster.servers().filter(|&id| cluster.is_quorum(reaches(id))).collect()
    }

    /// Every one of these links is one both ways.
    pub fn is_undirected(self) -> bool {
        all().all(|id| self.hearers(id) == self.both_ways(id))
    }

    /// The links with servers renamed: who has this index gets that number.
    fn renamed(self, names: &[ServerId]) -> Self {
        let mut renamed = Self::NONE;
        for (from, &name) in all().zip(names) {
            for to in self.hearers(from).iter() {
                renamed = renamed.with(name, names[to.index()]);
            }
        }
        renamed
    }

    /// The links as a number: the highest one stands for all that differ in names.
    fn code(self) -> u64 {
        let linked = (0..).zip(pairs(all())).filter(|(_, (from, to))| self.carry(*from, *to));
        linked.fold(0, |code, (bit, _)| code | 1 << bit)
    }

    /// Those that stand for all links between the servers of a cluster which differ from these in
    /// the names of servers only.
    #[must_use]
    pub fn canonical(self, cluster: Cluster) -> Self {
        let renamed = orders(cluster).into_iter().map(|names| self.renamed(&names));
        renamed.max_by_key(|links| links.code()).unwrap_or(self)
    }

    /// All links that a cluster can have, the [canonical](Self::canonical) ones of each class: only
    /// those both ways, or directed ones too. Most links come first.
    ///
    /// It takes as many steps as there are such links: 2²⁰ for five servers and directed ones, or
    /// for seven and undirected ones.
    pub fn classes(cluster: Cluster, directed: bool) -> Vec<Self> {
        let pairs: Vec<_> = if directed {
            pairs(cluster.servers()).collect()
        } else {
            couples(cluster.servers()).collect()
        };
        let orders = orders(cluster);
        let mut seen = HashSet::new();
        let mut classes = Vec::new();
        for code in (0..1_u64 << pairs.len()).rev() {
            let chosen = (0..).zip(&pairs).filter(|(bit, _)| code >> bit & 1 == 1);
            let links = chosen.fold(Self::NONE, |links, (_, &(from, to))| {
                let links = links.with(from, to);
                if directed { links } else { links.with(to, from) }
            });
            if !seen.contains(&links) {
                seen.extend(orders.iter().map(|names| links.renamed(names)));
                classes.push(links);
            }
        }
        classes
    }

    /// Reads links between the servers of a cluster, as they are [displayed](fmt::Display).
    ///
    /// # Errors
    ///
    /// The first word that names no link.
    pub fn parse(cluster: Cluster, text: &str) -> Result<Self, NoSuchLink> {
        if text.trim() == NO_LINKS {
            return Ok(Self::NONE);
        }
        let last = cluster.servers().last().unwrap_or(ServerId::FIRST);
        let mut links = Self::NONE;
        for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
            let unknown = || NoSuchLink(word.to_owned(), last);
            let [a, kind, b] = word.chars().collect::<Vec<_>>()[..] else { return Err(unknown()) };
            let server = |name| cluster.servers().find(|&id| letter(id) == name);
            let (Some(a), Some(b)) = (server(a), server(b)) else { return Err(unknown()) };
            links = match kind {
                _ if a == b => return Err(unknown()),
                '-' => links.with(a, b).with(b, a),
                '>' => links.with(a, b),
                '<' => links.with(b, a),
                _ => return Err(unknown()),
            };
        }
        Ok(links)
    }
}

const NO_LINKS: &str = "no links";

/// The name of a server where links are written: A for S1.
pub const fn letter(id: ServerId) -> char {
    (b'A' + id.number() - 1) as char
}

fn all() -> impl Iterator<Item = ServerId> {
    ServerId::first(ServerId::MAX)
}

/// Every server with every later one.
fn couples(servers: impl Iterator<Item = ServerId>) -> impl Iterator<Item = (ServerId, ServerId)> {
    let servers: ServerSet = servers.collect();
    let couples = servers.iter().flat_map(move |a| servers.iter().map(move |b| (a, b)));
    couples.filter(|(a, b)| a < b)
}

/// Every server with every other one, in an order in which the later matter more.
fn pairs(servers: impl Iterator<Item = ServerId>) -> impl Iterator<Item = (ServerId, ServerId)> {
    couples(servers).flat_map(|(a, b)| [(b, a), (a, b)])
}

/// Every order of the servers of a cluster.
fn orders(cluster: Cluster) -> Vec<Vec<ServerId>> {
    cluster.servers().fold(vec![Vec::new()], |orders, id| {
        let inserted = |order: Vec<ServerId>| {
            (0..=order.len()).map(move |place| {
                let mut order = order.clone();
                order.insert(place, id);
                order
            })
        };
        orders.into_iter().flat_map(inserted).collect()
    })
}

/// "A-B A>C"
impl fmt::Display for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = couples(all()).filter_map(|(a, b)| {
            let kind = match (self.carry(a, b), self.carry(b, a)) {
                (true, true) => '-',
                (true, false) => '>',
                (false, true) => '<',
                (false, false) => return None,
            };
            Some(format!("{}{kind}{}", letter(a), letter(b)))
        });
        let words: Vec<_> = words.collect();
        f.write_str(if words.is_empty() { NO_LINKS.into() } else { words.join(" ") }.as_str())
    }
}

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(size: u8) -> Cluster {
        Cluster::new(size).unwrap()
    }

    fn links(size: u8, text: &str) -> Links {
        Links::parse(cluster(size), text).unwrap()
    }

    #[test]
    fn links_are_read_as_they_are_written() {
        for text in ["A-B A>C B<C", "A-C B-C", "A<B", "no links"] {
            assert_eq!(links(3, text).to_string(), text);
        }
        assert_eq!(links(3, "C-A,  C>B"), links(3, "A-C B<C"));
        for word in ["A", "A-A", "A=B", "A-D", "a-b", "A-B-C"] {
            let refused = Links::parse(cluster(3), &format!("A-B {word}")).unwrap_err();
            let says = format!(
                "{word:?} is no link: A-B is one both ways, over A>B only B hears A, and the servers \
                 are A to C"
            );
            assert_eq!(refused.to_string(), says);
        }
    }

    #[test]
    fn a_link_carries_one_way() {
        let [a, b, c] = [1, 2, 3].map(|number| ServerId::new(number).unwrap());
        let links = links(3, "A-B A>C");
        assert!(links.carry(a, c) && !links.carry(c, a) && links.carry(b, a));
        assert_eq!(links.hearers(a), ServerSet::only(b).with(c));
        assert_eq!(links.both_ways(a), ServerSet::only(b));
        assert!(!links.is_undirected() && Links::ALL.is_undirected());
        assert!(all().all(|id| !Links::ALL.carry(id, id)));
    }

    #[test]
    fn whoever_has_no_link_is_alone() {
        let c = ServerSet::only(ServerId::new(3).unwrap());
        assert_eq!(links(3, "A>B").alone(cluster(3)), c);
        assert_eq!(Links::ALL.without(c).alone(cluster(3)), c);
        assert_eq!(Links::ALL.alone(cluster(1)), ServerSet::EMPTY);
    }

    #[test]
    fn a_centre_is_linked_both_ways_to_a_quorum() {
        for (size, text, centres) in [
            (3, "A-C B-C", "{S1, S2, S3}"),
            (3, "A-B A<C B<C", "{S1, S2}"),
            (3, "A>B A<C B>C", "{}"),
            (5, "A-E B-E C-E D-E", "{S5}"),
            (4, "A-B A-C D-C", "{S1, S3}"),
            (1, "no links", "{S1}"),
        ] {
            assert_eq!(links(size, text).centres(cluster(size)).to_string(), centres, "{text}");
        }
    }

    /// The numbers of graphs with so many nodes (OEIS A000088, A000273).
    #[test]
    fn there_are_as_many_classes_as_graphs() {
        for (size, directed, expected) in [
            (1, false, 1),
            (2, false, 2),
            (3, false, 4),
            (4, false, 11),
            (5, false, 34),
            (6, false, 156),
            (2, true, 3),
            (3, true, 16),
            (4, true, 218),
        ] {
            let classes = Links::classes(cluster(size), directed);
            assert_eq!(classes.len(), expected, "{size} servers");
            for links in classes {
                assert_eq!(links.canonical(cluster(size)), links);
                assert!(directed || links.is_undirected());
            }
        }
    }

    #[test]
    fn links_that_differ_in_names_have_one_canonical_form() {
        for (one, other) in [("A-B A-C", "A-C B-C"), ("A>B B>C", "C>A A>B")] {
            let [one, other] = [one, other].map(|text| links(3, text).canonical(cluster(3)));
            assert_eq!(one, other);
        }
        assert_ne!(links(3, "A>B A>C").canonical(cluster(3)), links(3, "A>C B>C"));
    }
}

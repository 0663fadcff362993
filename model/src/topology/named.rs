//! Links that the world has a name for.

use crate::cluster::Cluster;
use crate::world::links::Links;

/// How many servers there are, their links, and what that is called. Links that differ in the names
/// of servers only have the same name.
pub const NAMED: [(u8, &str, &str); 14] = [
    (3, "A-B A-C B-C", "all linked"),
    (3, "A>B A-C B-C", "one-way link"),
    (3, "A-C B-C", "bridge, chain of three"),
    (3, "A-B A<C B<C", "deaf leader"),
    (3, "B-C", "one cut off"),
    (4, "A-B A-C A-D B-C B-D C-D", "all linked"),
    (4, "A-B B-C C-D A-D", "ring of four"),
    (5, "A-B A-C A-D A-E B-C B-D B-E C-D C-E D-E", "all linked"),
    (5, "A-C A-D A-E B-C B-D B-E C-D C-E D-E", "one link missing"),
    (5, "A-B B-C C-D D-E", "chain of five"),
    (5, "A-B B-C C-D D-E A-E", "ring of five"),
    (5, "A-E B-E C-E D-E", "star: quorum loss"),
    (5, "C-E D-E", "two leaves, two cut off"),
    (5, "C-D C-E D-E", "two cut off"),
];

/// What links are called, if they have a name.
pub fn name(cluster: Cluster, links: Links) -> Option<&'static str> {
    let links = links.canonical(cluster);
    let mut named = NAMED.iter().filter(|(size, ..)| *size == cluster.size());
    let is_it = |text| {
        let other = Links::parse(cluster, text).map(|other| other.canonical(cluster));
        other == Ok(links)
    };
    named.find_map(|&(_, text, name)| is_it(text).then_some(name))
}

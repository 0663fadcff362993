//! What three servers do on a few links.

use super::*;
use crate::cluster::{Cluster, Protocol};
use crate::search::Control;
use crate::world::links::Links;

fn on(links: &str, protocol: Protocol) -> Finding {
    in_order(Orders::Every, links, protocol)
}

fn in_order(orders: Orders, links: &str, protocol: Protocol) -> Finding {
    let cluster = Cluster::new(3).unwrap();
    let links = vec![Links::parse(cluster, links).unwrap()];
    let survey = Survey { links, protocols: vec![protocol], orders, ..Survey::of(cluster, true) };
    survey.judge(&Control::default()).unwrap()[0].findings[0].clone()
}

#[test]
fn every_name_is_one_of_links() {
    for (size, links, called) in NAMED {
        let cluster = Cluster::new(size).unwrap();
        assert_eq!(name(cluster, Links::parse(cluster, links).unwrap()), Some(called), "{links}");
    }
}

/// Two servers that hear each other only through a third take the leadership from each other.
#[test]
fn figure_2_flaps_on_a_bridge_and_guards_do_not() {
    let finding = on("A-C B-C", Protocol::FIGURE2);
    assert_eq!((finding.verdict, finding.leaders), (Verdict::Fails, None));
    let lasso = finding.lasso.unwrap().unwrap();
    assert_eq!(lasso.useful.to_string(), "{S1, S2}");
    let finding = on("A-C B-C", Protocol::GUARDED);
    assert_eq!((finding.verdict, finding.leaders), (Verdict::Always, Some(1)));
    assert!(finding.has_lease && finding.lasso.is_none());
}

/// A leader that hears nobody, and is heard by all, stays, and leads nobody.
#[test]
fn a_deaf_leader_gives_way_only_by_check_quorum() {
    let finding = on("A-B A<C B<C", Protocol::FIGURE2);
    assert_eq!(finding.verdict, Verdict::Fails);
    let lasso = finding.lasso.unwrap().unwrap();
    assert!(lasso.cycle.moves.is_empty() && lasso.useful.is_empty(), "{lasso}");
    assert_eq!(on("A-B A<C B<C", Protocol::GUARDED).verdict, Verdict::Always);
}

#[test]
fn without_a_centre_there_is_no_leader_and_no_lease() {
    for links in ["A>B A<C B>C", "no links"] {
        for protocol in Protocol::ALL {
            let finding = on(links, protocol);
            assert_eq!(finding.verdict, Verdict::Fails);
            assert!(!finding.has_lease && finding.centres.is_empty());
        }
    }
}

/// The first level is where it begins: without links, that is everywhere.
#[test]
fn a_graph_is_as_deep_as_it_has_levels() {
    let depths = ["no links", "A-C B-C"].map(|links| on(links, Protocol::FIGURE2).coverage.depth);
    assert_eq!(depths, [1, 3]);
}

/// The most elections before one leader stays, if it does, and the edges of the graph.
fn elections(orders: Orders, links: &str) -> [(Option<usize>, usize); 3] {
    [Protocol::FIGURE2, Protocol::CHECK_QUORUM, Protocol::GUARDED].map(|protocol| {
        let found = in_order(orders, links, protocol);
        (found.elections, found.coverage.edges)
    })
}

/// Where messages arrive in the order in which they were sent, less can happen.
#[test]
fn so_many_are_elected_before_one_stays() {
    let all = "A-B A-C B-C";
    assert_eq!(elections(Orders::Every, all), [(Some(2), 150), (None, 2322), (Some(2), 810)]);
    assert_eq!(elections(Orders::Fifo, all), [(Some(2), 150), (None, 1311), (Some(1), 465)]);
    let bridge = "A-C B-C";
    assert_eq!(elections(Orders::Every, bridge), [(None, 210), (None, 1287), (Some(2), 554)]);
    assert_eq!(elections(Orders::Fifo, bridge), [(None, 210), (None, 1008), (Some(1), 437)]);
}

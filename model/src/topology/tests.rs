//! What three servers do on a few links.

use super::*;
use crate::cluster::{Cluster, Protocol};
use crate::search::Control;
use crate::world::links::Links;

fn on(links: &str, protocol: Protocol) -> Finding {
    let cluster = Cluster::new(3).unwrap();
    let links = vec![Links::parse(cluster, links).unwrap()];
    let survey = Survey { links, protocols: vec![protocol], ..Survey::of(cluster, true) };
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

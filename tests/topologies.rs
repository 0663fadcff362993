//! On which links leaders stay, under each protocol: totals and sizes of graphs, and what mistakes
//! do to them. What three servers do on a few links stands beside the code.

use raft_model::cluster::{Cluster, Protocol};
use raft_model::election::Handlers;
use raft_model::mutant::Mutant;
use raft_model::search::Control;
use raft_model::topology::{Finding, Row, Survey, Verdict};
use raft_model::world::links::Links;
use support::counts::{self, TopologyCounts};

fn survey(counts: &TopologyCounts) -> Survey {
    let cluster = Cluster::new(counts.servers).unwrap();
    let survey =
        Survey { protocols: vec![counts.protocol], ..Survey::of(cluster, counts.directed) };
    match &counts.mutant {
        None => survey,
        Some(name) => Survey { handlers: Mutant::named(name).unwrap().handlers, ..survey },
    }
}

fn judged(survey: &Survey) -> Vec<Finding> {
    let rows = survey.judge(&Control::default()).unwrap();
    rows.into_iter().flat_map(|row: Row| row.findings).collect()
}

/// The totals, as the file has them.
fn totals(findings: &[Finding]) -> [usize; 6] {
    let centre: Vec<_> = findings.iter().filter(|finding| !finding.centres.is_empty()).collect();
    let at_least = |least| centre.iter().filter(|finding| finding.verdict >= least).count();
    [
        centre.len(),
        at_least(Verdict::Always),
        at_least(Verdict::AlmostSurely),
        centre.iter().filter(|finding| finding.excludes).count(),
        findings.iter().map(|finding| finding.coverage.states).sum(),
        findings.iter().map(|finding| finding.coverage.edges).sum(),
    ]
}

/// That the totals are as expected, and the claims true, of so many servers.
fn are_as_expected(is_size: impl Fn(u8) -> bool) {
    let mut found = counts::Found::default();
    let all = counts::topologies().into_iter().filter(|counts| is_size(counts.servers));
    for counts in all.filter(|counts| !counts.large && counts.mutant.is_none()) {
        let findings = judged(&survey(&counts));
        found.topologies(&counts, totals(&findings));
        for finding in &findings {
            claims(counts.protocol, finding);
        }
    }
    found.settle();
}

#[test]
fn leaders_of_three_servers_stay_where_they_are_expected_to() {
    are_as_expected(|size| size == 3);
}

#[test]
fn leaders_of_other_clusters_stay_where_they_are_expected_to() {
    are_as_expected(|size| size != 3);
}

/// What is claimed of a protocol on any links, beyond the numbers.
fn claims(protocol: Protocol, finding: &Finding) {
    // Each run on which no leader stays is one in whole worlds, too.
    assert_eq!(finding.lasso.is_some(), finding.verdict != Verdict::Always);
    assert!(!matches!(finding.lasso, Some(Err(_))), "{:?}", finding.lasso);
    let has_centre = !finding.centres.is_empty();
    assert!(!finding.excludes);
    if !has_centre {
        assert_eq!((finding.verdict, finding.leaders), (Verdict::Fails, Some(0)));
    }
    if protocol.check_quorum() {
        assert_eq!(finding.has_lease, has_centre);
        assert!(finding.leaders <= Some(1), "one leader at most comes to be followed");
    } else {
        assert!(!finding.has_lease);
    }
    if protocol == Protocol::GUARDED {
        assert_eq!(finding.verdict == Verdict::Always, has_centre);
        assert_eq!(finding.leaders, Some(usize::from(has_centre)));
        // One more may be elected for a moment, in a lower term than somebody that it hears.
        assert!(finding.elections <= Some(2), "{:?}", finding.elections);
    }
}

#[test]
fn mistakes_change_the_table() {
    let mut found = counts::Found::default();
    for counts in counts::topologies().into_iter().filter(|counts| counts.mutant.is_some()) {
        found.topologies(&counts, totals(&judged(&survey(&counts))));
    }
    found.settle();
}

/// With both guards no terms are ever so far apart that they are told apart no more: so nothing is
/// left out. By the other protocols they are, and the verdicts are the same.
#[test]
fn terms_are_told_apart_far_enough() {
    for counts in counts::topologies().into_iter().filter(|counts| counts.mutant.is_none()) {
        if counts.large || counts.directed && counts.servers > 3 {
            continue;
        }
        if counts.servers == 5 && counts.protocol == Protocol::CHECK_QUORUM {
            continue;
        }
        let usual = survey(&counts);
        let wider = judged(&Survey { gap: usual.gap + 1, ..usual.clone() });
        for (one, other) in judged(&usual).iter().zip(&wider) {
            assert_eq!(one.verdict, other.verdict);
            assert_eq!((one.leaders, one.elections), (other.leaders, other.elections));
            if counts.protocol == Protocol::GUARDED {
                assert_eq!(one.coverage, other.coverage);
            }
        }
    }
}

/// Which servers are called what makes no difference: a class has one verdict.
#[test]
fn links_that_differ_in_names_have_one_verdict() {
    let cluster = Cluster::new(3).unwrap();
    let links = ["A-B A-C", "A-C B-C", "A-B B-C"].map(|text| Links::parse(cluster, text).unwrap());
    let rows = Survey { links: links.to_vec(), ..Survey::of(cluster, true) };
    let rows = rows.judge(&Control::default()).unwrap();
    let verdicts = rows.iter().map(|row| {
        row.findings.iter().map(|found| (found.verdict, found.coverage)).collect::<Vec<_>>()
    });
    let verdicts: Vec<_> = verdicts.collect();
    assert!(verdicts.iter().all(|found| *found == verdicts[0]), "{verdicts:?}");
    assert!(rows.iter().all(|row| row.name == Some("bridge, chain of three")));
}

/// Whoever is heard but not answered goes its own way, next to a leader that stays.
#[test]
fn a_leader_may_stay_that_somebody_never_follows() {
    let mutant = Mutant::named("stale-heartbeat-ignored").unwrap().handlers;
    let excludes = |links: &str, handlers| {
        let cluster = Cluster::new(3).unwrap();
        let links = vec![Links::parse(cluster, links).unwrap()];
        let protocols = vec![Protocol::GUARDED];
        let survey = Survey { links, protocols, handlers, ..Survey::of(cluster, true) };
        judged(&survey)[0].excludes
    };
    assert!(excludes("A-C B-C", mutant) && !excludes("A-C B-C", Handlers::RAFT));
    assert!(!excludes("B-C", mutant), "whom nobody hears is not excluded");
}

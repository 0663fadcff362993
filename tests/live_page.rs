//! The page that a node serves at `/`, in a real browser: a cluster that loses its leader.

use std::env;
use std::fs;

use support::browser::{Browser, eventually};
use support::cluster::{Cluster, Leadership, Timing};
use support::skipped::skip;
use support::web::Web;

/// Three servers that agree on a leader, and the page of one that follows.
fn three() -> (Cluster<Web>, Leadership, usize, Browser) {
    let mut cluster = Cluster::<Web>::start(3, Timing::Quick);
    let leadership = cluster.agreed(0, &[1, 2, 3]);
    let follower = cluster.others(&[leadership.leader])[0];
    let page = Browser::start();
    page.open(&format!("http://{}/", cluster.network.http(follower)));
    (cluster, leadership, follower, page)
}

/// Waits until what a selector finds says this.
#[track_caller]
fn says(page: &Browser, selector: &str, wanted: &str) {
    eventually(wanted, || {
        let said = page.texts(selector)?.join("|");
        if said.contains(wanted) { Ok(()) } else { Err(said) }
    });
}

#[test]
fn a_cluster_is_seen_to_lose_its_leader_and_to_elect_another() {
    let (mut cluster, old, follower, page) = three();
    let Leadership { leader, term } = old;
    says(&page, ".told", &format!("S{leader} leads term {term}, and may act on it."));
    says(&page, ".server[data-role=leader] .name", &format!("S{leader}"));
    says(&page, ".elections", &format!("S{leader} in term {term}"));
    for server in cluster.others(&[leader]) {
        says(&page, ".server[data-role=follower] .name", &format!("S{server}"));
    }
    assert_eq!(page.complaints(), [""; 0], "the others let it read what they say");

    cluster.kill(leader);
    let rest = cluster.others(&[leader]);
    let new = cluster.agreed(term, &rest);
    says(&page, ".told", &format!("S{} leads term {}", new.leader, new.term));
    says(&page, ".server[data-silent] .name", &format!("S{leader}"));
    says(&page, ".news", &format!("S{leader} does not answer"));
    says(&page, ".elections", &format!("S{} in term {}", new.leader, new.term));

    cluster.restart(leader);
    says(&page, ".news", &format!("S{leader} has come up again"));
    cluster.kill(follower);
    says(&page, ".server[data-silent] .name", &format!("S{follower}"));
    says(&page, ".told", "leads term"); // the others are asked by a page that is open
}

#[test]
fn a_page_that_was_told_of_no_others_shows_what_its_own_server_knows() {
    let mut cluster = Cluster::<Web>::start(3, Timing::Quick);
    let leader = cluster.agreed(0, &[1, 2, 3]).leader;
    let follower = cluster.others(&[leader])[0];
    cluster.stop(follower);
    cluster.network.name_nobody();
    cluster.restart(follower);
    let Leadership { leader, term } = cluster.agreed(0, &[1, 2, 3]);
    let page = Browser::start();
    page.open(&format!("http://{}/", cluster.network.http(follower)));
    says(&page, ".told", &format!("S{leader} leads term {term}, as S{follower} has heard."));
    says(&page, ".missing", "http-servers");
    says(&page, ".server[data-role=leader] .name", &format!("S{leader}"));
    assert_eq!(page.complaints(), [""; 0]);
}

#[test]
fn the_page_is_for_everybody_and_fits_a_phone() {
    let Some(axe) = env::var_os("AXE") else {
        let bring = "npm install axe-core; AXE=node_modules/axe-core/axe.min.js";
        return skip("it wants axe-core, in the file that AXE names", bring);
    };
    let axe = fs::read_to_string(axe).unwrap();
    let (_cluster, _, _, page) = three();
    for (width, scheme) in [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")] {
        page.emulate(width, scheme);
        says(&page, ".told", "leads");
        page.run(&axe).unwrap();
        let script = "axe.run().then(found => arguments[0](found.violations.map(one =>
            `${one.id}: ${one.nodes[0].html.slice(0, 200)} ${one.nodes[0].failureSummary}`)))";
        let found = page.run_async(script).unwrap();
        assert_eq!(found, serde_json::json!([]), "{width} {scheme}");
        let wide = page.run("return document.documentElement.scrollWidth").unwrap();
        assert!(wide.as_u64().is_some_and(|wide| wide <= u64::from(width)), "{wide} of {width}");
    }
}

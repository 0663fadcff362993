//! `raft-model explore`: its page in a real browser.

use std::env;
use std::fs;

use raft_model::explore::{scenario, walk, ways};
use raft_model::mutant::{Catch, MUTANTS};
use raft_model::world::Handlers;
use support::browser::{Browser, eventually};
use support::cluster::{Cluster, Timing};
use support::explorer::{Explorer, go, shown};
use support::run::with_a_clock_ahead;
use support::simulation::{self, Simulation};
use support::skipped;
use tempfile::TempDir;

/// Waits until the words above the picture are these.
#[track_caller]
fn told(page: &Browser, wanted: &str) {
    eventually(wanted, || {
        let told = page.texts(".told")?.concat();
        if told.contains(wanted) { Ok(()) } else { Err(told) }
    });
}

fn fragment(page: &Browser) -> String {
    page.run("return location.hash").unwrap().as_str().unwrap().to_owned()
}

/// Presses the key of the step that says this.
fn choose(page: &Browser, says: &str) {
    let number = eventually(says, || {
        let steps = page.texts(".choice .says")?;
        steps.iter().position(|step| step == says).ok_or(format!("{steps:?}"))
    });
    page.press(&(number + 1).to_string());
    told(page, says);
}

#[track_caller]
fn no_complaints(page: &Browser) {
    assert_eq!(page.complaints(), Vec::<String>::new());
}

#[test]
fn three_keys_elect_a_leader_and_the_link_says_so() {
    let explorer = Explorer::start(&[]);
    let page = explorer.page("");
    choose(&page, "S1 hears no leader: it campaigns in term 1 and votes for itself");
    choose(&page, "S2 grants S1 its vote in term 1");
    choose(&page, "S1 has the vote of S2 and a quorum: it leads term 1");
    let link = "#protocol=figure2&servers=3&terms=2&path=1t,2q1.1,1v2.1";
    assert_eq!(fragment(&page), link);

    // Undone and done again by arrows; the link leads there from anywhere.
    page.press("←");
    told(&page, "2. S2 grants S1");
    page.press("→");
    told(&page, "3. S1 has the vote");
    let other = explorer.page(link);
    told(&other, "3. S1 has the vote of S2 and a quorum: it leads term 1");
    no_complaints(&page);
    no_complaints(&other);
}

#[test]
fn another_step_makes_a_branch_to_which_one_can_return() {
    let explorer = Explorer::start(&[]);
    let page = explorer.page("#path=1t,2q1.1,1v2.1&at=1");
    told(&page, "1. S1 hears no leader");
    choose(&page, "S1 crashes and comes up again");
    eventually("a branch", || match page.texts(".branch")?.len() {
        1 => Ok(()),
        count => Err(format!("{count} branches")),
    });
    page.press("[");
    told(&page, "3. S1 has the vote");
    no_complaints(&page);
}

#[test]
fn a_message_is_delivered_in_the_picture() {
    let explorer = Explorer::start(&[]);
    let page = explorer.page("#path=1t");
    let label = "vote? 1, from S1 to S3: deliver";
    eventually(label, || {
        page.run(&format!("document.querySelector('[aria-label={label:?}]').focus()"))
    });
    page.press("⏎");
    told(&page, "2. S3 grants S1 its vote");
    no_complaints(&page);
}

/// Each opens at what the catalogue says: the property that breaks, the run for ever, the first
/// difference, or else the name of the test that sees it.
#[test]
fn every_mutant_opens_at_what_catches_it() {
    let explorer = Explorer::start(&[]);
    let page = explorer.page("");
    for mutant in MUTANTS {
        let name = mutant.name;
        let way = ways::kept(&ways::of_mutant(mutant)).unwrap_or_else(|| panic!("{name}: no way"));
        go(&page, &format!("#{way}&beside=raft"));
        let stops = page.texts(".lanes .stop").unwrap();
        assert!(stops.is_empty(), "{name}: {stops:?}");
        let shown = |selector: &str| page.texts(selector).unwrap().concat();
        match mutant.caught_by {
            Catch::Safety(property) => {
                assert!(shown(".told .warn").contains(&property.to_string()), "{name}");
                assert!(!page.texts(".cluster .evidence").unwrap().is_empty(), "{name}");
            }
            Catch::Liveness(property) => {
                assert!(shown(".lasso").contains(&property.to_string()), "{name}");
                assert!(shown(".lanes .round").contains("for ever"), "{name}");
            }
            Catch::Test(_) if way.ends_with("path=") => {} // no path shows it
            Catch::Counts | Catch::Test(_) => {
                assert!(shown(".told .unlike").contains('≠'), "{name}");
            }
        }
        if let Catch::Test(file) = mutant.caught_by {
            assert!(shown(".mutant").contains(&format!("tests/{file}")), "{name}");
        }
    }
    no_complaints(&page);
}

#[test]
fn every_scenario_opens_at_its_end() {
    let explorer = Explorer::start(&[]);
    let page = explorer.page("");
    for (name, script) in scenario::SCRIPTS {
        let (_, plays) = scenario::play(Handlers::RAFT, script).unwrap();
        for play in plays {
            go(&page, &format!("#{}&path={}", play.setting, walk::written(&play.path)));
            assert!(page.texts(".lanes .stop").unwrap().is_empty(), "{name}");
            let events = page.texts(".lanes .event").unwrap().len();
            assert_eq!(events, play.path.len(), "{name}");
            let worlds = walk::worlds(&play.setting, &play.path);
            let roles: Vec<_> =
                worlds.last().unwrap().servers.iter().map(|state| state.role.name()).collect();
            let script =
                "return [...document.querySelectorAll('.server')].map(s => s.dataset.role)";
            assert_eq!(page.run(script).unwrap(), serde_json::json!(roles), "{name}");
        }
    }
    no_complaints(&page);
}

#[test]
fn a_link_of_another_version_says_so() {
    let explorer = Explorer::start(&[]);
    let page = explorer.page("#path=1t&specification=00000000");
    told(&page, "1. S1 hears no leader");
    let note = page.texts(".note").unwrap().concat();
    assert!(note.contains("another version of the protocol"), "{note}");
}

#[test]
fn a_link_that_cannot_be_followed_says_where_it_stops() {
    let explorer = Explorer::start(&[]);
    let page = explorer.page("#path=1t,2v1.1,3x");
    told(&page, "1. S1 hears no leader");
    let stop = page.texts(".lanes .stop").unwrap().concat();
    assert!(stop.contains("2v1.1: S1 never sent S2 RequestVoteResponse"), "{stop}");
}

#[test]
fn hostile_links_end_at_a_page_that_works() {
    let explorer = Explorer::start(&[]);
    for link in [
        "#servers=99&terms=-3&path=%00",
        "#path=<img src=x onerror=alert(1)>",
        "#mutant=nope",
        "#at=999&loop=7",
        "#terms=18446744073709551616",
        "#path=%E0%A4%A",
        "#beside=nope&protocol=%22%3E%3Cscript%3E",
        &format!("#path={}", ["1x"; 2000].join(",")),
        "#&&&===",
    ] {
        let page = explorer.page(link);
        choose(&page, "S1 hears no leader: it campaigns in term 1 and votes for itself");
        assert!(page.texts("main script, main img").unwrap().is_empty(), "{link}");
    }
}

#[test]
fn the_palette_finds_a_state_that_one_wants() {
    let explorer = Explorer::start(&[]);
    let page = explorer.page("");
    page.press("/");
    page.press("an old leader⏎");
    eventually("two leaders", || {
        let script = "return document.querySelectorAll('.server[data-role=leader]').length";
        if page.run(script)? == 2 { Ok(()) } else { Err("not two leaders".to_owned()) }
    });
    no_complaints(&page);
}

#[test]
fn no_view_is_wider_than_a_phone() {
    let explorer = Explorer::start(&[]);
    let page = Browser::start();
    page.emulate(360, "light");
    for link in VIEWS {
        page.open("about:blank");
        page.open(&format!("{}{link}", explorer.url));
        shown(&page);
        let width = page.run("return document.documentElement.scrollWidth").unwrap();
        assert!(width.as_u64().unwrap() <= 360, "{link}: {width}");
    }
}

/// What there is to see: the model, two elections side by side, a lasso, both guards, a run.
const VIEWS: &[&str] = &[
    "#path=1t,2q1.1,1v2.1,2t",
    "#protocol=figure2&servers=2&terms=1&replies=all&mutant=vote-forgotten-on-restart&path=1t,2t,1x,1q2.1&beside=raft",
    "#protocol=figure2&servers=3&terms=2&replies=all&path=1t,2t,3t,1t,2t,3t&at=3&loop=3&about=LeaderElected",
    "#protocol=guarded&servers=3&witness=3&terms=2&path=1t,2t,3t,1t,2p1.1.1,1y2.1.1,2q1.1,1v2.1,2h1.1,1a2.1.1",
    "#view=run",
];

#[test]
fn axe_finds_nothing_in_any_view() {
    let Some(axe) = env::var_os("AXE") else {
        let bring = "npm install axe-core; AXE=node_modules/axe-core/axe.min.js";
        return skipped::skip("it wants axe-core, in the file that AXE names", bring);
    };
    let axe = fs::read_to_string(axe).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let traces = traces(&folder);
    let explorer = Explorer::start(&traces.iter().map(String::as_str).collect::<Vec<_>>());
    let address = explorer.root();
    let page = Browser::start();
    for scheme in ["light", "dark"] {
        page.emulate(1440, scheme);
        for (link, key) in VIEWS.iter().map(|link| (*link, "")).chain([
            ("", "?"),
            ("", "/"),
            ("#path=1t", "l"),
            ("#path=1t", "m"),
        ]) {
            page.open("about:blank");
            page.open(&format!("{address}{link}"));
            shown(&page);
            page.press(key);
            page.run(&axe).unwrap();
            let script = "axe.run().then(found => arguments[0](found.violations.map(one =>
                `${one.id}: ${one.nodes[0].html.slice(0, 200)} ${one.nodes[0].failureSummary}`)))";
            let found = page.run_async(script).unwrap();
            assert_eq!(found, serde_json::json!([]), "{link} {key} {scheme}");
        }
    }
}

/// The traces of three simulated servers.
fn traces(folder: &TempDir) -> Vec<String> {
    let mut run = Simulation::new(3, 7);
    run.run(2000);
    let texts: Vec<_> =
        (1..=3).map(|number| simulation::text(run.trace(support::run::id(number)))).collect();
    let paths = simulation::write(folder, &texts);
    paths.iter().map(|path| path.display().to_string()).collect()
}

#[test]
fn recorded_traces_are_scrubbed_in_real_time() {
    let folder = tempfile::tempdir().unwrap();
    let traces = traces(&folder);
    let explorer = Explorer::start(&traces.iter().map(String::as_str).collect::<Vec<_>>());
    let page = explorer.page("");
    let facts = eventually("facts", || {
        let facts = page.texts(".facts")?.concat();
        if facts.contains("each the step that the specification takes") {
            Ok(facts)
        } else {
            Err(facts)
        }
    });
    assert!(facts.contains("leads term 1"), "{facts}");
    told(&page, "it leads term 1");
    let before = page.texts(".told b").unwrap();
    page.press("→→");
    eventually("another moment", || match page.texts(".told b")? {
        now if now == before => Err(format!("still {now:?}")),
        _ => Ok(()),
    });
    no_complaints(&page);
}

#[test]
fn clocks_that_disagree_are_noticed_and_set_right() {
    let folder = tempfile::tempdir().unwrap();
    let paths = simulation::write(&folder, &with_a_clock_ahead().texts());
    let paths: Vec<_> = paths.iter().map(|path| path.to_str().unwrap()).collect();
    let explorer = Explorer::start(&paths);
    let page = explorer.page("");
    eventually("clocks", || {
        let clocks = page.texts(".clocks")?.concat();
        if clocks.contains("S2’s is 2000.0 ms ahead") { Ok(()) } else { Err(clocks) }
    });
    told(&page, "2.2020 s S2 has the vote of S1 and a quorum: it leads term 1");
    page.run("document.querySelector('.clocks input').click()").unwrap();
    told(&page, "0.2020 s S2 has the vote of S1 and a quorum: it leads term 1");
    no_complaints(&page);
}

#[test]
fn traces_that_cannot_have_happened_are_refused_on_the_page() {
    let explorer = Explorer::start(&[]);
    let page = explorer.page("#view=run");
    let script = "const body = new Blob([JSON.stringify([{name: 'x.trace', size: 11}]), '\\nDear diary\\n']);
        fetch('api/recording', {method: 'POST', body}).then(a => a.text()).then(arguments[0])";
    let answer = page.run_async(script).unwrap();
    let answer = answer.as_str().unwrap();
    assert!(answer.starts_with("{\"error\":\"x.trace is no trace"), "{answer}");
}

/// A node is killed: it is silent, and another one leads.
#[test]
fn a_live_cluster_shows_a_killed_leader_and_the_next_one() {
    let mut cluster = Cluster::<support::network::Loopback>::start(3, Timing::Quick);
    let leadership = cluster.agreed(0, &cluster.servers());
    let traces: Vec<_> = cluster.traces().iter().map(|path| path.display().to_string()).collect();
    let mut arguments = vec!["--watch"];
    arguments.extend(traces.iter().map(String::as_str));
    let explorer = Explorer::start(&arguments);
    let page = explorer.page("");
    let leader = |page: &Browser| {
        page.run(
            "return [...document.querySelectorAll('.server[data-role=leader]:not([data-silent])')]
                .map(s => s.querySelector('.name').textContent)",
        )
    };
    let name = format!("S{}", leadership.leader);
    eventually("the leader is shown", || match leader(&page)? {
        now if now == serde_json::json!([name]) => Ok(()),
        now => Err(now.to_string()),
    });
    cluster.kill(leadership.leader);
    eventually("it is silent, and another one leads", || match leader(&page)? {
        now if now != serde_json::json!([name])
            && now.as_array().is_some_and(|all| all.len() == 1) =>
        {
            Ok(())
        }
        now => Err(now.to_string()),
    });
    let silent = page.run(
        "return [...document.querySelectorAll('.server[data-silent]')].map(s => s.querySelector('.name').textContent)",
    );
    assert_eq!(silent.unwrap(), serde_json::json!([name]));
    no_complaints(&page);
}

//! What the explorer says of paths, without a browser: what it offers, what it takes away, and what
//! its server refuses.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::sleep;
use std::time::Duration;

use raft_model::explore::codes::{Cause, Code};
use raft_model::explore::setting::Setting;
use raft_model::explore::walk::{self, Walker};
use raft_model::explore::{map, scenario, svg, take};
use raft_model::mutant::MUTANTS;
use raft_model::run::World;
use raft_model::world::Handlers;
use serde_json::Value;
use support::explorer::Explorer;
use support::paths::Walk;
use support::waiting::eventually;

#[test]
fn what_is_offered_is_what_the_model_can_do() {
    for seed in 0..60 {
        let Walk { setting, path, places } = Walk::new(seed);
        let walker = Walker::new(&setting);
        for (at, place) in places.iter().enumerate() {
            let told = walk::told(&setting, &path, at);
            let offered = told["next"].as_array().unwrap().iter();
            let offered: BTreeSet<_> =
                offered.map(|step| step["code"].as_str().unwrap().to_owned()).collect();
            let successors = walker.model().successors(&place.world);
            let codes = successors.iter().map(|(a_move, _)| Code::of(&place.world, a_move));
            let moves: BTreeSet<_> = codes.clone().map(|code| code.to_string()).collect();
            assert_eq!(moves.len(), successors.len(), "{setting}: two moves have one code");
            let arrives = |code: &Code| match code.cause {
                Cause::Receive { from, .. } => place.links.carry(from, code.server),
                _ => true,
            };
            let can: BTreeSet<_> = codes.filter(arrives).map(|code| code.to_string()).collect();
            assert_eq!(offered, can, "{setting} seed {seed} at {at}");
        }
    }
}

#[test]
fn a_path_comes_to_the_same_world_from_its_link() {
    for seed in 0..60 {
        let Walk { setting, path, places } = Walk::new(seed);
        let read = walk::parse(&walk::written(&path)).unwrap();
        let worlds = walk::worlds(&setting, &read);
        assert!(worlds.iter().eq(places.iter().map(|place| &place.world)), "{setting} seed {seed}");
    }
}

#[test]
fn a_path_that_is_taken_away_as_a_scenario_can_be_played() {
    for seed in 0..60 {
        let Walk { setting, path, places } = Walk::of_raft(seed);
        let script = take::script(&setting, &path);
        let (_, plays) = scenario::play(Handlers::RAFT, &script)
            .unwrap_or_else(|error| panic!("{setting} seed {seed}: {error}\n{script}"));
        let ballots = |world: &World| {
            world.servers.iter().map(|state| (state.ballot, state.role.name())).collect::<Vec<_>>()
        };
        let walked = &places.last().unwrap().world;
        assert_eq!(ballots(&plays[0].end), ballots(walked), "{setting} seed {seed}\n{script}");
        let links = |path: &[Code]| {
            let of_links = |code: &&Code| matches!(code.cause, Cause::Cut(_) | Cause::Mend(_));
            path.iter().filter(of_links).copied().collect::<Vec<_>>()
        };
        assert_eq!(links(&plays[0].path), links(&path), "{setting} seed {seed}\n{script}");
    }
}

/// What a path tells in words and in a picture has the numbers that it has on the page.
#[test]
fn links_that_are_cut_and_mended_are_told() {
    let path = walk::parse("1t,2!1,3q1.1,2~1").unwrap();
    let story = take::story(&Setting::usual(), &path);
    let numbered = |line: &str| {
        line.trim_start().split_once(". ").is_some_and(|(number, _)| number.parse::<u8>().is_ok())
    };
    let steps: Vec<_> = story.lines().filter(|line| numbered(line)).map(str::trim_start).collect();
    assert_eq!(steps.len(), 5, "{story}");
    assert_eq!(steps[2], "2. S2 does not hear S1 any more.");
    assert_eq!(steps[4], "4. S2 hears S1 again.");
    assert!(steps[3].starts_with("3. S3 grants S1 its vote"), "{story}");

    let picture = svg::picture(&Setting::usual(), &path);
    for text in
        ["2. S2 does not hear S1 any more.", "3. S3 grants S1 its vote", "4. S2 hears S1 again."]
    {
        assert!(picture.contains(text), "{text}: {picture}");
    }
}

#[test]
fn a_trace_in_itf_has_a_state_for_each_step() {
    let setting = Setting::usual();
    let path = walk::parse("1t,2q1.1,1v2.1").unwrap();
    let itf = take::itf(&setting, &path);
    let states = itf["states"].as_array().unwrap();
    assert_eq!(states.len(), 4);
    assert_eq!(states[3]["#meta"]["action"], "BecomeLeader", "{itf:#}");
    assert_eq!(states[3]["role"]["#map"][0][1]["is"], "Leader");
    for state in states {
        for variable in itf["vars"].as_array().unwrap() {
            assert!(!state[variable.as_str().unwrap()].is_null(), "{variable}");
        }
    }
}

#[test]
fn a_path_has_a_limit() {
    let path = |steps| vec!["1x"; steps].join(",");
    assert_eq!(walk::parse(&path(walk::LONGEST)).unwrap().len(), walk::LONGEST);
    let Err(error) = walk::parse(&path(walk::LONGEST + 1)) else {
        panic!("a path of {} steps is read", walk::LONGEST + 1);
    };
    let error = error.to_string();
    assert!(error.contains("at most 1000 steps"), "{error}");
}

/// A program that serves, asked byte by byte.
struct Served {
    _explorer: Explorer,
    address: SocketAddr,
}

impl Served {
    fn start() -> Self {
        let explorer = Explorer::start(&[]);
        let address = explorer.root().trim_start_matches("http://").trim_end_matches('/');
        Self { address: address.parse().unwrap(), _explorer: explorer }
    }

    /// Asks, and does not wait for the answer.
    fn ask(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(request.replace('\n', "\r\n").as_bytes()).unwrap();
        stream
    }

    fn answer(&self, request: &str) -> String {
        let mut answer = String::new();
        let _ = self.ask(request).read_to_string(&mut answer);
        answer
    }

    fn get(&self, path: &str) -> String {
        let host = self.address;
        self.answer(&format!("GET {path} HTTP/1.1\nHost: {host}\nConnection: close\n\n"))
    }
}

#[test]
fn only_who_asks_by_its_address_is_answered() {
    let explorer = Served::start();
    let of = |host: &str| {
        let request = format!("GET / HTTP/1.1\nHost: {host}\nConnection: close\n\n");
        explorer.answer(&request).lines().next().unwrap_or_default().to_owned()
    };
    assert_eq!(of("127.0.0.1"), "HTTP/1.1 200 OK");
    assert_eq!(of("localhost:3000"), "HTTP/1.1 200 OK");
    assert_eq!(of("rebound.example.org"), "HTTP/1.1 403 Forbidden");
    assert_eq!(of(""), "HTTP/1.1 403 Forbidden");
}

#[test]
fn the_page_may_load_only_what_this_server_has() {
    let explorer = Served::start();
    let page = explorer.get("/").to_lowercase();
    assert!(page.contains("content-security-policy: default-src 'self';"), "{page}");
    assert!(!page.contains("unsafe") && !page.contains("access-control"), "{page}");
    assert!(!page.contains("style=") && !page.contains("onclick"), "{page}");
    for path in ["/../Cargo.toml", "/%2e%2e/Cargo.toml", "/nothing.js", "/api/nothing"] {
        let answer = explorer.get(path);
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
}

#[test]
fn questions_that_make_no_sense_are_refused_with_the_reason() {
    let explorer = Served::start();
    let long = format!("/api/walk?path={}", vec!["1x"; 1500].join(","));
    for (path, why) in [
        ("/api/walk?servers=99", "1 to 7 servers"),
        ("/api/walk?path=nonsense", "is no step"),
        (&*long, "at most 1000 steps"),
        ("/api/wanted?state=bliss", "no such state"),
        ("/api/way", "which state?"),
        ("/api/recording", "no trace was named"),
        ("/api/map?servers=7&terms=1000", "too many states"),
    ] {
        let answer = explorer.get(path);
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains(why), "{path}: {answer}");
    }
}

#[test]
fn many_connections_at_once_are_all_answered() {
    let explorer = Served::start();
    for round in 0..5 {
        let request =
            format!("GET / HTTP/1.1\nHost: {}\nConnection: keep-alive\n\n", explorer.address);
        let streams: Vec<_> = (0..12).map(|_| explorer.ask(&request)).collect();
        for (number, mut stream) in (0..).zip(streams) {
            let mut first = [0; 15];
            let read = stream.read_exact(&mut first);
            assert!(
                read.is_ok() && &first == b"HTTP/1.1 200 OK",
                "round {round}, {number}: {read:?}"
            );
        }
    }
}

/// One search runs at a time: the next one begins when whoever asked for the first has gone.
#[test]
fn a_search_ends_when_nobody_waits_for_it() {
    let explorer = Served::start();
    let states = || -> usize {
        let answer = explorer.get("/api/progress");
        let body: Value = serde_json::from_str(answer.rsplit("\r\n").next().unwrap()).unwrap();
        body["states"].as_u64().unwrap().try_into().unwrap()
    };
    // So many states that it takes seconds.
    let large = "/api/map?protocol=guarded&servers=3&terms=3";
    let waiting = explorer.ask(&format!("GET {large} HTTP/1.1\nHost: {}\n\n", explorer.address));
    eventually("the search to begin", || (states() > 0).then_some(()));
    drop(waiting);
    let ended = eventually("the search to end", || {
        let before = states();
        sleep(Duration::from_millis(300)); // it tells of a thousand more in a sixth of that
        (states() == before).then_some(before)
    });
    assert!(ended < map::MOST / 2, "nobody waited, and it went on to its end: {ended} states");
}

/// The run that breaks an exercise tells which mistake it was, and nothing before does.
#[test]
fn an_exercise_keeps_its_name_until_it_is_solved() {
    let mut solved = 0;
    for mutant in MUTANTS {
        let Some(way) = raft_model::explore::ways::kept(&format!("mutant {}", mutant.name)) else {
            continue;
        };
        let (setting, path) = way.split_once("&path=").unwrap();
        let pairs: Vec<_> = setting.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let get = |name: &str| pairs.iter().find(|pair| pair.0 == name).map(|pair| pair.1);
        let setting = Setting { is_exercise: true, ..Setting::parse(get).unwrap() };
        if !setting.to_string().contains("exercise-") {
            continue;
        }
        let path = walk::parse(path).unwrap();
        let before = walk::told(&setting, &path[..path.len() - 1], usize::MAX);
        let before = before.to_string();
        let tells = [mutant.name, "\"unlike\":{"].into_iter().find(|text| before.contains(text));
        assert_eq!(tells, None, "{}: it is told before it is solved", mutant.name);
        assert_eq!(walk::told(&setting, &path, usize::MAX)["solved"], mutant.name);
        solved += 1;
    }
    assert!(solved >= 10, "{solved} exercises");
}

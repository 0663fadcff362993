//! Which key wins, and what is said of wrong ones.

use std::fs;

use clap::Parser;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample;
use raft_model::types::ServerId;

use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    keys: Keys,
}

fn flags(text: &str) -> Keys {
    Line::try_parse_from(std::iter::once("run").chain(text.split_whitespace())).unwrap().keys
}

fn file(text: &str) -> Result<Keys, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("node.toml");
    fs::write(&path, text).unwrap();
    read(&path).map_err(|error| error.to_string())
}

/// What these keys say, with each name looked up once.
fn config(keys: &Keys) -> Result<Config, Failure> {
    keys.config(|servers| Ok(resolve(servers, |_| false).unwrap()))
}

#[test]
fn every_key_can_be_in_the_file() {
    let keys = file(
        r#"
        cluster = "orders"
        id = 2
        data = "/var/lib/orders"
        listen = "0.0.0.0:7000"
        key = "/etc/raft-node/orders.key"
        protocol = "check-quorum"
        witnesses = [3]
        heartbeat = 20
        election = "100..250"
        clock-error = 0.05
        seed = 7
        trace = "/var/log/orders.trace"
        trace-size = "64M"
        trace-keep = 9
        trace-required = true
        wait-for-address = 60
        http = "127.0.0.1:8080"
        log = "debug"
        [servers]
        1 = "10.0.0.1:7000"
        2 = "db2.example:7000"
        3 = "[fd00::3]:7000"
        [http-servers]
        2 = "db2.example:8080"
        "#,
    )
    .unwrap();
    assert_eq!((keys.cluster.as_deref(), keys.id), (Some("orders"), Some(2)));
    assert_eq!(keys.data.as_deref(), Some(Path::new("/var/lib/orders")));
    let rotation = Rotation { size: Some(64 << 20), keep: NonZero::new(9) };
    assert_eq!((keys.rotation(), keys.wait_for_address), (rotation, Some(60)));
    assert_eq!(keys.listen.unwrap().to_string(), "0.0.0.0:7000");
    assert_eq!(keys.key.as_deref(), Some(Path::new("/etc/raft-node/orders.key")));
    assert_eq!((keys.protocol, keys.witnesses), (Some(Protocol::CHECK_QUORUM), vec![3]));
    assert_eq!((keys.heartbeat, keys.election), (Some(20), Some(Range(100, 250))));
    assert_eq!((keys.clock_error, keys.seed), (Some(Percent(500)), Some(7)));
    assert!(keys.trace.is_some() && keys.trace_required && keys.log.as_deref() == Some("debug"));
    assert_eq!(keys.http, Some("127.0.0.1:8080".parse().unwrap()));
    assert_eq!(keys.http_servers, ["2=db2.example:8080".parse().unwrap()]);
    let servers: Vec<_> = keys.servers.iter().map(|it| (it.number, it.place.to_string())).collect();
    let [one, two, three] = [(1, "10.0.0.1:7000"), (2, "db2.example:7000"), (3, "[fd00::3]:7000")];
    assert_eq!(servers, [one, two, three].map(|(number, place)| (number, place.to_owned())));
}

#[test]
fn the_example_that_init_writes_is_valid() {
    let keys = file(crate::cli::init::EXAMPLE).unwrap();
    let config = config(&keys).unwrap();
    assert_eq!(config.server().cluster.size(), 3);
    let defaults = Settings::new("demo", 1, vec![(1, config.own_address())]);
    assert_eq!(config.heartbeat(), defaults.heartbeat, "it shows the defaults");
    assert_eq!(config.election_timeout(), defaults.election_timeout);
    assert_eq!(config.clock_error().ppm(), defaults.clock_error_ppm);
}

/// Many a machine calls itself 127.0.1.1, and nobody else can reach it there.
#[test]
fn a_name_that_stands_for_this_machine_alone_is_suspected_and_an_address_is_not() {
    let refused = |first: &str| {
        let servers = format!("--server 1={first}:7001 --server 2=10.0.0.2:7001");
        config(&flags(&format!("--cluster orders --id 1 {servers}"))).unwrap_err().to_string()
    };
    let suspects = "its /etc/hosts";
    assert!(refused("localhost").contains(suspects), "{}", refused("localhost"));
    assert!(!refused("127.0.0.1").contains(suspects), "{}", refused("127.0.0.1"));
}

#[test]
fn a_flag_is_stronger_than_the_file() {
    let weaker = file("cluster = 'orders'\nid = 2\nheartbeat = 20").unwrap();
    let keys = flags("--id 3 --election 500..900").over(weaker);
    assert_eq!((keys.cluster.as_deref(), keys.id), (Some("orders"), Some(3)));
    assert_eq!((keys.heartbeat, keys.election), (Some(20), Some(Range(500, 900))));
}

#[test]
fn what_the_file_switches_on_no_flag_has_to_repeat() {
    let keys = flags("--id 3").over(file("insecure = true\ntrace-required = true").unwrap());
    assert!(keys.insecure && keys.trace_required);
    let keys = flags("--insecure --trace-required").over(file("id = 2").unwrap());
    assert!(keys.insecure && keys.trace_required);
}

#[test]
fn what_the_keys_say_is_what_the_node_goes_by() {
    let keys = flags(
        "--cluster orders --id 1 --server 1=10.0.0.1:7000 --server 2=10.0.0.2:7000 \
         --server 3=10.0.0.3:7000 --listen 0.0.0.0:7001 --protocol check-quorum --witness 3 \
         --heartbeat 20 --election 100..250 --clock-error 0.05 --seed 7",
    );
    let config = config(&keys).unwrap();
    let server = config.server();
    assert_eq!((config.cluster_name().as_str(), server.id.number()), ("orders", 1));
    let witnesses: Vec<_> = server.cluster.witnesses().iter().map(ServerId::number).collect();
    assert_eq!((server.cluster.protocol(), witnesses), (Protocol::CHECK_QUORUM, vec![3]));
    assert_eq!(config.own_address(), "10.0.0.1:7000".parse().unwrap());
    assert_eq!(config.listen_address(), "0.0.0.0:7001".parse().unwrap());
    let ms = Duration::from_millis;
    assert_eq!((config.heartbeat(), config.election_timeout()), (ms(20), ms(100)..=ms(250)));
    assert_eq!((config.clock_error().ppm(), config.seed()), (500, Some(7)));
}

/// Many machines have their own name for 127.0.1.1 in `/etc/hosts`, and that only helps to know if
/// a name was given.
#[test]
fn a_name_that_stands_for_this_machine_alone_is_suspected() {
    for (here, is_suspected) in [("localhost", true), ("127.0.0.1", false)] {
        let keys =
            format!("--cluster orders --id 1 --server 1={here}:7000 --server 2=10.0.0.2:7000");
        let keys = flags(&(keys + " --server 3=10.0.0.3:7000"));
        let error = config(&keys).unwrap_err();
        let error = error.to_string();
        assert!(error.contains("can only be reached from its own machine"), "{error}");
        assert_eq!(error.contains("/etc/hosts"), is_suspected, "{error}");
    }
}

#[test]
fn an_unknown_key_is_an_error_that_names_the_nearest() {
    for (text, line, key, nearest) in [
        ("heartbeet = 20", 1, "heartbeet", "heartbeat"),
        ("id = 1\n\nclock_error = 1", 3, "clock_error", "clock-error"),
        ("server = 1", 1, "server", "servers"),
        ("[sevrers]\n1 = ''", 1, "sevrers", "servers"),
    ] {
        let error = file(text).unwrap_err();
        let expected = format!("line {line}: there is no key {key:?}. Is {nearest:?} meant?");
        assert!(error.ends_with(&expected) || error.contains("sevrers"), "{error}");
        assert!(error.contains(&format!("Is {nearest:?} meant?")), "{error}");
    }
}

#[test]
fn a_wrong_value_is_named_with_its_place() {
    for (text, words) in [
        ("id = 'one'", ["id = 'one'", "invalid type"]),
        ("election = '150-300'", ["150-300", "write it as 150..225"]),
        ("election = 1000", ["election = 1000", "write it as 150..225"]),
        ("election = false", ["election = false", "in quotation marks, and no boolean"]),
        ("protocol = 'paxos'", ["paxos", "is no protocol"]),
        ("clock-error = 100", ["clock-error = 100", "less than 100 percent"]),
        ("id = 1\nid = 2", ["line 2", "duplicate key"]),
        ("[servers]\n1 = '10.0.0.1'", ["10.0.0.1", "has no port"]),
        ("[servers]\none = '10.0.0.1:1'", ["\"one\"", "not the number of a server"]),
    ] {
        let error = file(text).unwrap_err();
        assert!(words.iter().all(|word| error.contains(word)), "{text}: {error}");
    }
}

#[test]
fn servers_of_the_page_are_servers_and_need_a_page() {
    let judged = |http: &str, of_page: &str| {
        let rest = "cluster = 'a'\nid = 1\n[servers]\n1 = '127.0.0.1:7001'\n[http-servers]";
        let keys = file(&format!("{http}\n{rest}\n{of_page}")).unwrap();
        let judged = config(&keys);
        judged.map_err(|error| error.to_string()).err()
    };
    let http = "http = '127.0.0.1:8080'";
    assert_eq!(judged(http, "1 = 'a.example:8080'"), None);
    let error = judged("", "1 = 'a.example:8080'").unwrap();
    assert!(error.contains("give --http"), "{error}");
    let error = judged(http, "2 = 'b.example:8080'").unwrap();
    assert!(error.contains("there is no server 2"), "{error}");
}

#[test]
fn places_are_addresses_or_names() {
    let ip = |text: &str| matches!(text.parse(), Ok(Place::Ip(_)));
    let name = |text: &str| matches!(text.parse(), Ok(Place::Name(..)));
    for text in ["10.0.0.1:7000", "[fd00::1]:7000", "[fe80::1%lo]:7000", "[fe80::1%1]:7000"] {
        assert!(ip(text), "{text}");
    }
    for text in ["localhost:7000", "db-1.example:1", "node_2:65535"] {
        assert!(name(text), "{text}");
    }
    for (text, word) in [
        ("10.0.0.1", "has no port"),
        ("fd00::1", "has no port"),
        ("db1", "write it as db1:7000"),
        ("db1:0", "from 1 to 65535"),
        ("db1:70000", "from 1 to 65535"),
        ("10.0.0.256:7000", "is not an address"),
        ("d b:7000", "is not an address"),
        (":7000", "is not an address"),
        ("[fe80::1%nowhere]:7000", "no interface \"nowhere\" here"),
    ] {
        let error = text.parse::<Place>().unwrap_err();
        assert!(error.contains(word), "{text}: {error}");
    }
}

#[test]
fn a_name_that_stands_for_nothing_is_looked_up_until_it_is_time_to_stop() {
    let servers = ["1=127.0.0.1:7001".parse().unwrap(), "2=nowhere.invalid:7001".parse().unwrap()];
    let mut times = 0;
    let found = resolve(&servers, |_| {
        times += 1;
        times < 3
    });
    assert_eq!((found, times), (None, 3));
    let servers = ["1=localhost:7001".parse().unwrap()];
    let found = resolve(&servers, |_| false).unwrap();
    assert!(found[0].1.ip().is_loopback());
}

/// Pieces of a file of keys, and what is none.
fn piece() -> impl Strategy<Value = String> {
    let example = include_str!("../node.toml");
    let line = sample::select(
        example.lines().map(|line| line.trim_start_matches("# ")).collect::<Vec<_>>(),
    );
    let word =
        sample::select(vec!["=", "[", "]", "servers", "\"", "..", "1", "0x", "\n", "#", "{", ","]);
    prop_oneof![
        line.prop_map(|line: &str| format!("{line}\n")),
        word.prop_map(str::to_owned),
        any::<String>(),
        (0..example.len(), 0..40_usize).prop_map(|(from, length)| {
            String::from_utf8_lossy(example.as_bytes().get(from..from + length).unwrap_or_default())
                .into_owned()
        }),
    ]
}

proptest! {
    #[test]
    fn any_text_may_stand_in_the_file(pieces in vec(piece(), 0..12)) {
        let text = pieces.concat();
        if let Err(error) = file::parsed("node.toml".into(), &text) {
            prop_assert!(error.to_string().starts_with("node.toml"), "{error}");
        }
    }
}

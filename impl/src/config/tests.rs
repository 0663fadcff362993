use raft_model::cluster::ClusterError;

use super::*;

const fn ms(number: u64) -> Duration {
    Duration::from_millis(number)
}

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn three() -> Settings {
    let servers = (1..=3).map(|n| (n, addr(&format!("127.0.0.1:700{n}")))).collect();
    Settings::new("test", 2, servers)
}

/// What is wrong with the settings of three servers after this change.
fn error(change: impl FnOnce(&mut Settings)) -> ConfigError {
    let mut settings = three();
    change(&mut settings);
    Config::new(settings).unwrap_err()
}

#[test]
fn three_servers_with_the_default_timing_are_valid() {
    let config = Config::new(three()).unwrap();
    assert_eq!(config.own_address(), addr("127.0.0.1:7002"));
    assert_eq!(config.server().cluster.size(), 3);
    assert_eq!(config.server().cluster.protocol(), Protocol::GUARDED);
    assert_eq!(config.heartbeat(), ms(50));
    assert_eq!(config.server().patience.number(), 3);
}

#[test]
fn what_is_just_within_the_limits_is_valid() {
    let seven = (1..=7).map(|n| (n, addr(&format!("127.0.0.1:700{n}")))).collect();
    let timing = ms(150)..=Config::MAX_TIMEOUT;
    let settings = Settings { heartbeat: ms(1), election_timeout: timing, ..three() };
    Config::new(Settings { servers: seven, ..settings }).unwrap();
}

#[test]
fn the_order_of_the_servers_does_not_matter() {
    let mut settings = three();
    settings.servers.reverse();
    let config = Config::new(settings).unwrap();
    assert_eq!(config.address_of(ServerId::new(1).unwrap()), Some(addr("127.0.0.1:7001")));
}

#[test]
fn a_cluster_name_is_short_and_plain() {
    for bad in ["", "two words", "größe", &"x".repeat(33)] {
        assert_eq!(
            error(|s| s.cluster = bad.into()),
            ConfigError::ClusterName(bad.into()),
            "{bad:?}"
        );
    }
    assert!(ClusterName::new("x".repeat(32)).is_some());
}

#[test]
fn a_cluster_name_is_shown_as_it_is_written() {
    let name = ClusterName::new("my-cluster").unwrap();
    assert_eq!((name.to_string(), format!("{name:?}")), ("my-cluster".into(), "my-cluster".into()));
}

#[test]
fn a_cluster_has_one_to_seven_servers() {
    assert_eq!(error(|s| s.servers.clear()), ConfigError::Cluster(ClusterError::Size(0)));
    let eight = (1..=8).map(|n| (n, addr(&format!("127.0.0.1:700{n}")))).collect();
    assert_eq!(error(|s| s.servers = eight), ConfigError::Cluster(ClusterError::Size(8)));
}

#[test]
fn servers_are_numbered_from_one_without_gaps() {
    for (index, number) in [(0, 0), (2, 8), (2, 255)] {
        assert_eq!(error(|s| s.servers[index].0 = number), ConfigError::NoSuchNumber { number });
    }
    assert_eq!(error(|s| s.servers[2].0 = 2), ConfigError::DuplicateNumber { number: 2 });
    assert_eq!(error(|s| s.servers[1].0 = 4), ConfigError::Gap { missing: 2, size: 3 });
}

#[test]
fn each_server_has_an_address_of_its_own_that_others_can_reach() {
    let address = addr("127.0.0.1:7001");
    assert_eq!(
        error(|s| s.servers[2].1 = address),
        ConfigError::DuplicateAddress { first: 1, second: 3, address }
    );
    for bad in ["127.0.0.1:0", "0.0.0.0:7001", "224.0.0.1:7001", "255.255.255.255:7001"] {
        let address = addr(bad);
        assert_eq!(
            error(|s| s.servers[0].1 = address),
            ConfigError::UnusableAddress { number: 1, address }
        );
    }
    let address = addr("[::1]:7001");
    assert_eq!(
        error(|s| s.servers[2].1 = address),
        ConfigError::MixedFamilies { number: 3, address }
    );
    let address = addr("[::ffff:127.0.0.1]:7001");
    let mapped = error(|s| s.servers[2].1 = address);
    assert_eq!(mapped, ConfigError::MappedAddress { number: 3, address });
    assert!(mapped.to_string().ends_with("write it as 127.0.0.1:7001"), "{mapped}");
    let (one, other) = ((1, addr("127.0.0.1:7001")), (3, addr("10.1.2.3:7003")));
    assert_eq!(
        error(|s| s.servers[2] = other),
        ConfigError::MixedReach { inside: one, outside: other }
    );
    let (one, other) = ((1, addr("10.1.2.3:7001")), (2, addr("127.0.0.1:7002")));
    assert_eq!(
        error(|s| s.servers[0] = one),
        ConfigError::MixedReach { inside: other, outside: one }
    );
}

#[test]
fn this_server_is_one_of_the_cluster() {
    for id in [0, 4, 255] {
        assert_eq!(error(|s| s.id = id), ConfigError::UnknownId { id, size: 3 });
    }
}

#[test]
fn a_witness_is_one_of_the_cluster_and_somebody_can_lead() {
    let config = Config::new(Settings { witnesses: vec![3, 3], ..three() }).unwrap();
    let witnesses: Vec<_> = config.server().cluster.witnesses().iter().map(u8::from).collect();
    assert_eq!(witnesses, [3]);
    for number in [0, 8, 255] {
        let unknown = ConfigError::UnknownWitness { number, size: 3 };
        assert_eq!(error(|s| s.witnesses = vec![number]), unknown);
    }
    let witness = ServerId::new(4).unwrap();
    let stranger = ClusterError::NoSuchWitness { witness, size: 3 };
    assert_eq!(error(|s| s.witnesses = vec![4]), ConfigError::Witnesses(stranger));
    let nobody = ConfigError::Witnesses(ClusterError::OnlyWitnesses);
    assert_eq!(error(|s| s.witnesses = vec![1, 2, 3]), nobody);
}

#[test]
fn the_timing_leaves_room_for_heartbeats_and_for_chance() {
    assert_eq!(error(|s| s.heartbeat = ms(0)), ConfigError::HeartbeatTooShort { heartbeat: ms(0) });
    assert_eq!(
        error(|s| s.heartbeat = ms(75)),
        ConfigError::HeartbeatTooLong { heartbeat: ms(75), min: ms(150) }
    );
    for (min, max) in [(ms(300), ms(150)), (ms(150), ms(150)), (ms(0), ms(0))] {
        assert_eq!(
            error(|s| s.election_timeout = min..=max),
            ConfigError::EmptyElectionRange { min, max }
        );
    }
    let max = Duration::from_secs(3601);
    assert_eq!(error(|s| s.election_timeout = ms(150)..=max), ConfigError::ElectionTooLong { max });
}

#[test]
fn a_server_may_listen_elsewhere() {
    let config = |listen| Config::new(Settings { listen, ..three() });
    assert_eq!(config(None).unwrap().listen_address(), addr("127.0.0.1:7002"));
    let all = addr("0.0.0.0:7000");
    let elsewhere = config(Some(all)).unwrap();
    assert_eq!(
        (elsewhere.listen_address(), elsewhere.own_address()),
        (all, addr("127.0.0.1:7002"))
    );
    for bad in ["0.0.0.0:0", "[::]:7000", "224.0.0.1:7000"] {
        let (address, other) = (addr(bad), addr("127.0.0.1:7001"));
        let refused = config(Some(address)).unwrap_err();
        assert_eq!(refused, ConfigError::UnusableListen { address, other }, "{bad}");
    }
}

#[test]
fn another_server_can_move_and_this_one_cannot() {
    let mut config = Config::new(three()).unwrap();
    let (one, two) = (ServerId::FIRST, ServerId::new(2).unwrap());
    let there = addr("127.0.0.1:9000");
    for server in [one, two] {
        config.set_address(server, there);
    }
    config.set_address(one, addr("[::1]:9000"));
    assert_eq!(config.address_of(one), Some(there));
    assert_eq!(config.own_address(), addr("127.0.0.1:7002"));
}

#[test]
fn servers_that_others_can_reach_need_a_key_unless_the_network_is_trusted() {
    let here = Config::new(three()).unwrap();
    let servers = (1..=3).map(|n| (n, addr(&format!("10.0.0.{n}:7000")))).collect();
    let there = Config::new(Settings { servers, ..three() }).unwrap();
    assert_eq!([&here, &there].map(|config| config.needs_key(false)), [false, true]);
    assert_eq!([&here, &there].map(|config| config.needs_key(true)), [false, false]);
}

#[cfg(feature = "daemon")]
#[test]
fn a_simulated_server_starts_again_elsewhere_and_with_other_timeouts() {
    let config = Config::new(three()).unwrap();
    let patient = config.with_timeouts(ms(500)..=ms(900));
    assert_eq!(
        (patient.election_timeout(), patient.server().patience.number()),
        (ms(500)..=ms(900), 10)
    );
    let there: Vec<_> = (1..=3).map(|n| addr(&format!("127.0.0.{n}:7000"))).collect();
    assert_eq!(config.with_addresses(there.clone()).own_address(), there[1]);
    assert_eq!(config.own_address(), addr("127.0.0.1:7002"), "it stays where it is");
}

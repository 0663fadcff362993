//! A server whose disk is lost comes back: real nodes, killed, their data deleted.

use std::fs;
use std::process::{Command, Output};

use support::cluster::{Cluster, Timing};
use support::network::Loopback;

type Servers = Cluster<Loopback>;

/// Takes the data of a server away that does not run. Its trace stays, and `join` adds to it.
fn lose_disk(cluster: &Servers, server: usize) {
    fs::remove_dir_all(cluster.data(server)).unwrap();
}

fn join(cluster: &Servers, server: usize, more: &[&str]) -> Output {
    let mut command = cluster.command("join", server);
    command.arg("--after-lost-disk").arg("--trace").arg(&cluster.traces()[server - 1]);
    command.args(more).output().unwrap()
}

#[test]
fn a_server_that_lost_its_disk_comes_back_and_votes() {
    comes_back(Servers::start(3, Timing::Quick));
}

#[test]
fn with_a_key_it_asks_in_sessions() {
    comes_back(Servers::start_with_key(3, Timing::Quick));
}

fn comes_back(mut cluster: Servers) {
    let first = cluster.agreed(0, &[1, 2, 3]);
    let [lost, other] = cluster.others(&[first.leader])[..] else { unreachable!("of three") };
    cluster.kill(lost);
    lose_disk(&cluster, lost);

    cluster.kill(other);
    let refused = join(&cluster, lost, &["--give-up-after", "1"]);
    let says = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{says}");
    assert!(says.contains(&format!("{{S{other}}} did not answer")), "{says}");
    assert!(!cluster.data(lost).join("ballot").exists(), "nothing is written before all answer");
    cluster.restart(other);

    let joined = join(&cluster, lost, &[]);
    let says = String::from_utf8(joined.stderr).unwrap();
    assert!(joined.status.success(), "{says}");
    let says = String::from_utf8(joined.stdout).unwrap();
    assert!(says.contains(&format!("S{lost} of test is back in term ")), "{says}");
    let again = join(&cluster, lost, &[]);
    let says = String::from_utf8(again.stderr).unwrap();
    assert_eq!(again.status.code(), Some(3), "{says}");
    assert!(says.contains("there is a ballot already"), "{says}");

    cluster.restart(lost);
    let led = cluster.agreed(0, &[1, 2, 3]);
    // Whoever is left needs the vote of the other: so this one is elected, or votes.
    let leaves = if led.leader == lost { other } else { led.leader };
    cluster.kill(leaves);
    if leaves == led.leader {
        cluster.agreed(led.term, &cluster.others(&[leaves]));
    }
    let notes = cluster.replayed().notes;
    let note = format!("S{lost}: its disk was lost before run ");
    assert!(notes.iter().any(|it| it.starts_with(&note)), "{notes:?}");
}

#[test]
fn that_the_disk_is_lost_has_to_be_said() {
    let output = Command::new(support::node::raft_node()).arg("join").output();
    let output = output.unwrap();
    let says = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{says}");
    assert!(says.contains("--after-lost-disk"), "{says}");
}

/// Its own server cannot tell: it was said to be the newest. Its runs are counted, and the others
/// have seen later ones.
#[test]
fn an_old_disk_that_is_put_back_is_noticed_by_the_others() {
    let mut cluster = Servers::start_with_key(3, Timing::Quick);
    let leader = cluster.agreed(0, &[1, 2, 3]).leader;
    let server = cluster.others(&[leader])[0];
    cluster.kill(server);
    let (data, old) = (cluster.data(server), cluster.data(server).with_extension("old"));
    fs::create_dir(&old).unwrap();
    for file in ["ballot", "original"] {
        fs::copy(data.join(file), old.join(file)).unwrap();
    }
    let went_back = |cluster: &mut Servers, by: usize| {
        let report = cluster.status(by)?;
        Some(report.peers.iter().find(|it| usize::from(it.server.number()) == server)?.went_back)
    };
    for _ in 0..4 {
        cluster.restart(server);
        cluster.agreed(0, &[1, 2, 3]);
        cluster.kill(server);
    }
    for other in cluster.others(&[server]) {
        assert_eq!(went_back(&mut cluster, other), Some(0), "S{other} suspects nobody");
    }
    fs::remove_dir_all(&data).unwrap();
    fs::rename(&old, &data).unwrap();
    fs::remove_file(&cluster.traces()[server - 1]).unwrap(); // it would know better
    assert!(cluster.command("adopt", server).output().unwrap().status.success());
    cluster.restart(server);
    cluster.until("a server to warn of the old disk", |cluster| {
        let others = cluster.others(&[server]);
        others.into_iter().find(|&it| {
            let log = fs::read_to_string(cluster.log(it)).unwrap_or_default();
            log.contains("on an old disk") && went_back(cluster, it).is_some_and(|it| it > 0)
        })
    });
}

#[test]
fn a_copied_directory_is_refused_until_somebody_says_that_it_is_the_newest() {
    let mut cluster = Servers::start(3, Timing::Quick);
    let leader = cluster.agreed(0, &[1, 2, 3]).leader;
    let server = cluster.others(&[leader])[0];
    cluster.kill(server);
    let (data, old) = (cluster.data(server), cluster.data(server).with_extension("old"));
    fs::rename(&data, &old).unwrap();
    fs::create_dir(&data).unwrap();
    for file in ["ballot", "original"] {
        fs::copy(old.join(file), data.join(file)).unwrap();
    }
    let refused = cluster.command("run", server).output().unwrap();
    let says = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(3), "{says}");
    assert!(says.contains("this is a copy") && says.contains("raft-node adopt"), "{says}");
    let adopted = cluster.command("adopt", server).output().unwrap();
    let says = String::from_utf8(adopted.stdout).unwrap();
    assert!(adopted.status.success() && says.contains("Never start it on the old"), "{says}");
    cluster.restart(server);
    cluster.agreed(0, &[1, 2, 3]);
}

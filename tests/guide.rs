//! The operator's guide, typed: each of its blocks of commands, in its order, on three machines
//! that are network namespaces. What a block says it is for is looked at after it.

use std::fs;
use std::path::Path;

use raft_model::trace::replay::replay;
use raft_node::Term;
use raft_node::control::Snapshot;
use support::machines::Machines;
use support::namespaces::Namespaces;
use support::skipped::skip;
use support::waiting::eventually;

const GUIDE: &str = include_str!("../impl/src/guide/operator.md");

/// Commands of the guide, and where they are typed.
struct Block {
    heading: &'static str,
    place: &'static str,
    lines: String,
}

fn blocks(guide: &'static str) -> Vec<Block> {
    let (mut blocks, mut heading, mut place) = (Vec::new(), "", None);
    let mut lines = String::new();
    for line in guide.lines() {
        match (place, line.strip_prefix("```")) {
            (None, Some(info)) => place = Some(info.strip_prefix("sh ").expect("a place")),
            (Some(place_of_it), Some(_)) => {
                let lines = std::mem::take(&mut lines);
                blocks.push(Block { heading, place: place_of_it, lines });
                place = None;
            }
            (Some(_), None) => lines += &format!("{line}\n"),
            (None, None) => heading = line.strip_prefix("# ").unwrap_or(heading),
        }
    }
    blocks
}

/// Whoever follows the guide.
struct Operator {
    machines: Machines,
}

impl Operator {
    /// Types the commands of a block at one machine. They must not fail.
    fn types(&self, machine: usize, lines: &str) -> String {
        // Built without optimization, which nobody waits for here, and from what is here: no link
        // leads out of the machines' network.
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guide");
        let lines = lines.replacen("n=1 ", &format!("n={machine} "), 1);
        let lines = format!(
            "export CARGO_TARGET_DIR={} CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_NET_OFFLINE=true\n{lines}",
            target.display()
        );
        let output = self.machines.types(machine, Path::new(env!("CARGO_MANIFEST_DIR")), &lines);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "node{machine}, {}:\n{lines}\n{said}", output.status);
        said
    }

    fn follows(&self, block: &Block) {
        match block.place {
            "each" | "one by one" => (1..=3).for_each(|machine| {
                self.types(machine, &block.lines);
            }),
            "leader" => drop(self.types(self.leader(&[1, 2, 3]), &block.lines)),
            machine => drop(self.types(machine.parse().expect("a machine"), &block.lines)),
        }
    }

    /// Brings the keys from the first machine to the others, as it is.
    fn brings_the_keys(&self) {
        for name in ["orders.key", "next.key"] {
            let path = |machine| self.machines.path(machine, &format!("/etc/raft-node/{name}"));
            if path(1).exists() {
                for machine in 2..=3 {
                    fs::copy(path(1), path(machine)).unwrap();
                }
            }
        }
    }

    /// What the node of a machine knows, if it answers.
    fn knows(&self, machine: usize) -> Option<Snapshot> {
        let lines = "raft-node status --json --config /etc/raft-node/orders.toml";
        let output = self.machines.types(machine, Path::new("/"), lines);
        serde_json::from_slice(&output.stdout).ok()
    }

    /// The server that has a lease now, after these and no others have agreed on it.
    fn leader(&self, machines: &[usize]) -> usize {
        eventually("a leader that all of them follow", || {
            let known: Option<Vec<_>> = machines.iter().map(|&it| self.knows(it)).collect();
            let known = known?;
            let leader = known.iter().find(|it| it.status.leadership.is_some())?.status.leader?;
            let agreed = known.iter().all(|it| it.status.leader == Some(leader));
            agreed.then_some(leader.number().into())
        })
    }

    fn term(&self, machine: usize) -> Term {
        eventually("a status", || self.knows(machine)).status.term
    }

    /// Whether somebody serves at port 8000 of a machine.
    fn is_served(&self, machine: usize) -> bool {
        let lines = format!("timeout 5 bash -c 'exec 3<> /dev/tcp/node{machine}/8000'");
        self.machines.types(machine, Path::new("/"), &lines).status.success()
    }

    /// The service runs beside the leader of these, and nowhere else.
    fn is_served_by_the_leader(&self, machines: &[usize]) -> usize {
        eventually("the service beside the leader alone", || {
            let leader = self.leader(machines);
            let right = (1..=3).all(|machine| self.is_served(machine) == (machine == leader));
            right.then_some(leader)
        })
    }
}

#[test]
fn who_follows_the_guide_gets_what_it_says() {
    if let Err(reason) = Namespaces::permitted() {
        skip(&reason, "run it as root, with iproute2");
        return;
    }
    let operator = Operator { machines: Machines::new(3) };
    let mut is_lost = false;
    for block in blocks(GUIDE) {
        let before = ["Day by day", "Upgrade"].contains(&block.heading).then(|| {
            let leader = operator.is_served_by_the_leader(&[1, 2, 3]);
            (leader, operator.term(leader))
        });
        match block.heading {
            "What happened" if block.lines.contains("trace stop") => {
                let leader = operator.leader(&[1, 2, 3]);
                let lines = "raft-node hand-over --config /etc/raft-node/orders.toml";
                operator.types(leader, lines);
                operator.leader(&[1, 2, 3]);
            }
            "A member moves" => {
                operator.types(3, "ip address replace 10.83.3.3/24 dev uplink");
                let addresses = [(1, "10.83.1.2"), (2, "10.83.2.2"), (3, "10.83.3.3")];
                operator.machines.name(&addresses.map(|(n, address)| (n, address.to_owned())));
            }
            "A lost disk" if !is_lost => {
                is_lost = true;
                operator
                    .types(3, "rm /var/lib/raft-node/orders/*; systemctl kill raft-node@orders");
                let code = eventually("the third server to give up", || {
                    let said = operator.machines.types(
                        3,
                        Path::new("/"),
                        "systemctl is-failed raft-node@orders",
                    );
                    said.status.success().then_some(said.stdout)
                });
                assert_eq!(code, b"3\n", "its ballot is gone");
                operator.is_served_by_the_leader(&[1, 2]);
            }
            _ => {}
        }
        operator.follows(&block);
        if block.lines.contains("keygen") {
            operator.brings_the_keys();
        }
        if block.lines.contains("join") {
            operator.is_served_by_the_leader(&[1, 2, 3]);
        }
        if block.lines.contains("trace stop") {
            let trace =
                |machine| operator.machines.path(machine, "/var/lib/raft-node/orders/trace.jsonl");
            let report = replay(&[trace(1), trace(2), trace(3)]).expect("it did happen");
            assert_eq!(report.elected.len(), 1, "who was elected after the hand-over");
        }
        if let Some((leader, term)) = before {
            let next = operator.is_served_by_the_leader(&[1, 2, 3]);
            let changed = block.heading == "Upgrade" || block.lines.contains("log-level");
            assert!(changed || next != leader, "{}: S{leader} leads again", block.lines);
            assert!(operator.term(next) >= term, "terms go forward");
        }
    }
    assert!(is_lost, "the guide tells what to do when a disk is lost");
    operator.is_served_by_the_leader(&[1, 2, 3]);
    let cluster = operator.knows(1).map(|it| it.cluster);
    assert_eq!(cluster.as_deref(), Some("orders-2"));
}

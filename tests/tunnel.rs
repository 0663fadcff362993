//! A search by three machines that trusts no network: the links go through ssh, as the guide says.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::thread;

use serde_json::Value;
use support::binary;
use support::machines::Machines;
use support::namespaces::Namespaces;
use support::skipped::skip;

/// How many machines the guide speaks of.
const MACHINES: usize = 3;

/// A search that is done in a moment.
const CHECK: &str = "check --servers 3 --max-term 1 --json";

/// Runs a command of this machine, which has to go well.
fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().expect(program);
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

/// What `sshd` needs to let in who has the one key, and `ssh` to find it.
fn keys(folder: &Path) {
    for key in ["machine", "person"] {
        let file = folder.join(key);
        run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", file.to_str().unwrap()]);
    }
    let folder_name = folder.display();
    let server = format!(
        "HostKey {folder_name}/machine\nAuthorizedKeysFile {folder_name}/person.pub\n\
         PermitRootLogin yes\nPasswordAuthentication no\nStrictModes no\nUsePAM no\nPidFile none\n"
    );
    fs::write(folder.join("sshd_config"), server).unwrap();
    let known = fs::read_to_string(folder.join("machine.pub")).unwrap();
    fs::write(folder.join("known_hosts"), format!("node* {known}")).unwrap();
    let client = format!(
        "IdentityFile {folder_name}/person\nUserKnownHostsFile {folder_name}/known_hosts\n\
         BatchMode yes\n"
    );
    fs::write(folder.join("ssh_config"), client).unwrap();
}

/// What the guide says to type on the machine of this number.
fn as_in_the_guide(machine: usize) -> String {
    let guide = fs::read_to_string("impl/src/guide/evidence.md").unwrap();
    let mut blocks = guide.split("```").filter(|block| block.contains("ssh -f"));
    let (Some(block), None) = (blocks.next(), blocks.next()) else {
        panic!("one block of the guide tells of ssh")
    };
    let lines = block.strip_prefix("sh\nn=3\n").expect("it begins with the number of the machine");
    let check = "target/release/raft-model check";
    assert!(lines.contains(check), "no {check:?} in:{lines}");
    let smaller =
        format!("{} check --servers 3 --max-term 1 --json", binary::built("raft-model").display());
    format!("n={machine}\n{}cat report\n", lines.replace(check, &smaller))
}

/// What the search found.
fn found(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    let (_, report) = said.split_once('{').expect(&said);
    serde_json::from_str(&format!("{{{report}")).expect("one JSON object")
}

#[test]
fn three_machines_search_through_ssh() {
    if let Err(reason) = Namespaces::permitted() {
        return skip(&reason, "run it as root, with iproute2");
    }
    if let Err(error) = Command::new("ssh-keygen").arg("-?").output() {
        return skip(&format!("ssh: {error}"), "`apt-get install openssh-server` brings it");
    }
    let folder = tempfile::tempdir().unwrap();
    keys(folder.path());
    let machines = Machines::new(MACHINES);
    let begin = "printf '#!/bin/sh\\nexec /usr/bin/ssh -F %s/ssh_config \"$@\"\\n' $PWD > /usr/local/bin/ssh\n\
                 chmod +x /usr/local/bin/ssh\n\
                 mkdir -p /run/sshd\n\
                 /usr/sbin/sshd -f $PWD/sshd_config\n";
    for machine in 1..=MACHINES {
        let output = machines.types(machine, folder.path(), begin);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    let reports: Vec<_> = thread::scope(|scope| {
        let (machines, folder) = (&machines, folder.path());
        let typing = (1..=MACHINES).map(|machine| {
            scope.spawn(move || {
                let own = folder.join(machine.to_string());
                fs::create_dir(&own).unwrap();
                found(&machines.types(machine, &own, &as_in_the_guide(machine)))
            })
        });
        let typing: Vec<_> = typing.collect();
        typing.into_iter().map(|typing| typing.join().unwrap()).collect()
    });
    let alone = format!("{} {CHECK}", binary::built("raft-model").display());
    let alone = found(&Command::new("sh").args(["-c", &alone]).output().unwrap());
    for report in &reports {
        assert_eq!(report["states"], alone["states"]);
        assert_eq!(report["workers"], MACHINES);
        assert_eq!(report["exhaustive"], true);
    }
}

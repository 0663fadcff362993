//! What a service manager sees of a node: its notices, its exit codes, the unit that is packaged,
//! and what packages are made of.

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use support::node::{free_addresses, raft_node};
use support::skipped::skip;
use tempfile::TempDir;
use toml_edit::{DocumentMut, Value};

/// How long the manager waits for a sign of life, as for any notice; then it starts a server anew.
const WATCHDOG: Duration = Duration::from_secs(30);

/// A cluster of one server, in this directory.
fn run(data: &Path, address: SocketAddr, more: &[&str]) -> Command {
    let mut command = Command::new(raft_node());
    command.args(["run", "--cluster=test", "--id=1", "--stop-with-stdin"]);
    command.arg(format!("--server=1={address}")).arg("--data").arg(data).args(more);
    command.env_remove("NOTIFY_SOCKET").env_remove("WATCHDOG_USEC").stdin(Stdio::piped());
    command
}

/// Hears what a manager is told, until it is this.
fn hear(manager: &UnixDatagram, notice: &str) {
    let mut heard = Vec::new();
    while !heard.iter().any(|text: &String| text.lines().any(|line| line == notice)) {
        let mut bytes = [0; 1000];
        let Ok(length) = manager.recv(&mut bytes) else {
            panic!("no {notice:?} after {heard:?}");
        };
        heard.push(String::from_utf8(bytes[..length].to_vec()).unwrap());
    }
}

#[test]
fn a_manager_is_told_that_a_server_starts_what_it_does_that_it_lives_and_stops() {
    let folder = TempDir::new().unwrap();
    let socket = folder.path().join("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(WATCHDOG)).unwrap();
    let mut command = run(&folder.path().join("data"), free_addresses(1)[0], &["--bootstrap"]);
    command.env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", WATCHDOG.as_micros().to_string());
    command.stderr(Stdio::null());
    let mut server: Child = command.spawn().unwrap();
    hear(&manager, "READY=1");
    hear(&manager, "STATUS=S1 leads term 1");
    hear(&manager, "WATCHDOG=1");
    hear(&manager, "WATCHDOG=1");
    kill_process(Pid::from_child(&server), Signal::TERM).unwrap();
    hear(&manager, "STOPPING=1");
    assert_eq!(server.wait().unwrap().code(), Some(0));
}

/// What a server says that cannot start, and its exit code.
fn refused(data: &Path, address: SocketAddr, more: &[&str]) -> (i32, String) {
    let Output { status, stderr, .. } = run(data, address, more).output().unwrap();
    (status.code().unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn a_ballot_that_root_creates_belongs_to_the_owner_of_its_directory() {
    let (folder, owner) = (TempDir::new().unwrap(), Some(7000));
    let Ok(()) = chown(folder.path(), owner, owner) else {
        skip("only root gives files away", "run it as root");
        return;
    };
    let mut command = Command::new(raft_node());
    command.args(["bootstrap", "--cluster=test", "--id=1", "--server=1=localhost:7000"]);
    let Output { status, stdout, .. } = command.arg("--data").arg(folder.path()).output().unwrap();
    let said = String::from_utf8(stdout).unwrap();
    assert!(status.success() && said.contains("the ballot of S1 of test"), "{said}");
    for file in ["ballot", "lock"] {
        let metadata = fs::metadata(folder.path().join(file)).unwrap();
        assert_eq!((metadata.uid(), metadata.gid()), (7000, 7000), "{file}");
    }
    let address = free_addresses(1)[0];
    let (code, said) = refused(folder.path(), address, &["--bootstrap"]);
    assert_eq!(code, 3, "a ballot is created once: {said}");
    let output = run(folder.path(), address, &[]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Runs a server for the first time, until its standard input ends.
fn has_run(data: &Path, address: SocketAddr) {
    let output = run(data, address, &["--bootstrap"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn exit_codes_tell_what_may_be_tried_again_from_what_a_person_must_look_at() {
    let folder = TempDir::new().unwrap();
    let (data, address) = (folder.path().join("data"), free_addresses(1)[0]);
    fs::create_dir(&data).unwrap();
    let (code, said) = refused(&data, address, &[]);
    assert_eq!(code, 3, "it has no ballot: {said}");
    fs::remove_dir(&data).unwrap();

    has_run(&data, address);
    let (code, said) = refused(&data, address, &["--bootstrap"]);
    assert_eq!(code, 3, "it is not new: {said}");
    let (code, said) = refused(&data, address, &["--protocol=figure2"]);
    assert_eq!(code, 3, "its ballot is that of other guards: {said}");

    let taken = UdpSocket::bind(address).unwrap();
    let (code, said) = refused(&data, address, &[]);
    assert_eq!(code, 1, "its address is in use: {said}");
    drop(taken);
    let (code, said) = refused(&data, "192.0.2.1:7001".parse().unwrap(), &["--insecure"]);
    assert_eq!(code, 1, "its address is not there: {said}");

    let lock = fs::File::open(data.join("lock")).unwrap();
    lock.lock().unwrap();
    let (code, said) = refused(&data, address, &[]);
    assert_eq!(code, 1, "another process has its directory: {said}");
    drop(lock);

    let (code, said) = refused(&data, address, &["--heartbeat=1000"]);
    assert_eq!(code, 2, "it was told something wrong: {said}");
    fs::write(data.join("ballot"), [7; 8192]).unwrap();
    let (code, said) = refused(&data, address, &[]);
    assert_eq!(code, 3, "its ballot is damaged: {said}");
}

#[test]
fn the_unit_is_one_that_systemd_understands() {
    let verify = |unit: &Path| {
        Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(unit).output()
    };
    let folder = TempDir::new().unwrap();
    let packaged = Path::new(env!("CARGO_MANIFEST_DIR")).join("impl/packaging/raft-node@.service");
    // The program need not be installed to judge the unit.
    let unit = fs::read_to_string(packaged).unwrap();
    assert!(unit.contains("=raft-node run"));
    let run = format!("={} run", raft_node().display());
    let unit = unit.replace("=raft-node run", &run);
    let path = folder.path().join("raft-node@.service");
    fs::write(&path, &unit).unwrap();
    let Ok(output) = verify(&path) else {
        skip("systemd-analyze is not here", "`apt-get install systemd` brings it");
        return;
    };
    let said = String::from_utf8(output.stderr).unwrap();
    let about: Vec<_> = said.lines().filter(|line| line.contains("raft-node@")).collect();
    assert!(about.is_empty() && output.status.success(), "{said}");
    fs::write(&path, unit.replace("WatchdogSec=10", "WatchdogSec=soon")).unwrap();
    let said = String::from_utf8(verify(&path).unwrap().stderr).unwrap();
    assert!(said.contains("soon"), "a mistake would be noticed: {said}");
}

#[test]
fn packages_get_completions_and_manual_pages_of_every_command() {
    let raft_node =
        |arguments: &[&str]| Command::new(raft_node()).args(arguments).output().unwrap();
    let script = raft_node(&["completions", "bash"]);
    let script = String::from_utf8(script.stdout).unwrap();
    assert!(script.contains("--clock-error") && script.contains("complete -F"));

    let folder = TempDir::new().unwrap();
    let output = raft_node(&["man", folder.path().to_str().unwrap()]);
    assert!(output.status.success());
    let page = fs::read_to_string(folder.path().join("raft-node-run.1")).unwrap();
    assert!(page.contains("bootstrap") && page.contains("Exit code"));

    let output = raft_node(&["man", "/nowhere/at/all"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("/nowhere/at/all"));
}

/// What the Debian package is made of: sources and destinations, as cargo-deb reads them.
fn assets() -> Vec<(String, String)> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("impl/Cargo.toml");
    let manifest: DocumentMut = fs::read_to_string(manifest).unwrap().parse().unwrap();
    let assets = manifest["package"]["metadata"]["deb"]["assets"].as_array().unwrap();
    let text =
        |asset: &Value, at| asset.as_array().unwrap().get(at).unwrap().as_str().unwrap().to_owned();
    assets.iter().map(|asset| (text(asset, 0), text(asset, 1))).collect()
}

#[test]
fn what_the_debian_package_installs_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let script = fs::read_to_string(root.join("impl/packaging/deb")).unwrap();
    for (source, _) in assets() {
        match source.strip_prefix("target/release/packaging/") {
            Some("man/*.1") => assert!(script.contains(" man \"$built/packaging/man\"")),
            Some(file) => assert!(script.contains("raft-node.$shell"), "{file}"),
            None if source == "target/release/raft-node" => {}
            None => {
                let source = root.join("impl").join(source.replace("*.yml", "alerts.yml"));
                assert!(source.is_file(), "{} is not there", source.display());
            }
        }
    }
    let unit = fs::read_to_string(root.join("impl/packaging/raft-node@.service")).unwrap();
    let program = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let installs = |to: &str| assets().iter().any(|(_, it)| it == to);
    assert!(program.starts_with("raft-node ") && installs("usr/bin/"), "it is found there");
    assert!(unit.contains("--config /etc/raft-node/") && installs("etc/raft-node/"));
}

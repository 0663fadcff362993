//! Machines to type commands at: a network namespace each, and a directory of its own wherever an
//! operator writes. Their names are `node1`, `node2` and so on. It needs root.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

use crate::namespaces::Namespaces;
use crate::network::Network as _;

/// Where each machine has a directory of its own.
const OWN: [&str; 3] = ["/etc/raft-node", "/etc/systemd/system", "/var/lib/raft-node"];

/// Stands for systemd: starts what `ExecStart` of a unit says, and again when it has ended, after
/// `RestartSec` and unless `RestartPreventExitStatus` names its exit code.
const SYSTEMCTL: &str = include_str!("systemctl.sh");

/// Machines in one network. What runs on them ends with this value.
pub struct Machines {
    shells: Vec<Child>,
    network: Namespaces,
    folder: TempDir,
}

impl Machines {
    /// So many, which share `/usr/local`.
    pub fn new(size: usize) -> Self {
        let network = Namespaces::new(size);
        let folder = TempDir::new().unwrap();
        let program = folder.path().join("local/bin/systemctl");
        fs::create_dir_all(program.parent().unwrap()).unwrap();
        fs::write(&program, SYSTEMCTL).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let mut machines = Self { shells: Vec::new(), network, folder };
        let hosts: Vec<_> = (1..=size).map(|n| (n, format!("10.83.{n}.2"))).collect();
        machines.name(&hosts);
        machines.shells = (1..=size).map(|machine| machines.boot(machine)).collect();
        machines
    }

    /// What names stand for from now on, on all machines.
    pub fn name(&self, machines: &[(usize, String)]) {
        let line = |(machine, address): &(usize, String)| format!("{address} node{machine}\n");
        let text: String = machines.iter().map(line).collect();
        fs::write(self.hosts(), format!("127.0.0.1 localhost\n{text}")).unwrap();
    }

    /// Where a file is, or a directory, that only this machine has.
    pub fn path(&self, machine: usize, path: &str) -> PathBuf {
        self.folder.path().join(format!("{machine}{path}"))
    }

    fn hosts(&self) -> PathBuf {
        self.folder.path().join("hosts")
    }

    /// A process that holds the namespaces of a machine as long as it lives.
    fn boot(&self, machine: usize) -> Child {
        let mut script = String::from("set -e; mount --make-rprivate /; ip link set lo up\n");
        let mut bind = |from: &Path, to: &str| {
            script += &format!("mount --bind {} {to}\n", from.display());
        };
        bind(&self.hosts(), "/etc/hosts");
        bind(&self.folder.path().join("local"), "/usr/local");
        for own in OWN {
            let from = self.path(machine, own);
            fs::create_dir_all(&from).unwrap();
            fs::create_dir_all(own).unwrap();
            bind(&from, own);
        }
        // A first process that reaps what is orphaned.
        script += "echo up; while :; do sleep 1000 & wait $!; done";
        let mut command = self.network.command(machine, Path::new("unshare"));
        command.args(["--mount", "--uts", "--pid", "--kill-child", "--mount-proc"]);
        command.args(["bash", "-c", &script]);
        command.stdout(Stdio::piped());
        let mut shell = command.spawn().expect("ip netns exec starts");
        let mut up = [0; 3];
        shell.stdout.as_mut().expect("piped").read_exact(&mut up).expect("it is up");
        shell
    }

    /// Types these lines on a machine, as root, from this directory. It stops at the first that
    /// fails. All that is said comes as the standard output.
    pub fn types(&self, machine: usize, directory: &Path, lines: &str) -> Output {
        let mut command = Command::new("nsenter");
        let holder = self.holder(machine);
        command.args(["--target", &holder, "--mount", "--net", "--uts", "--pid", "--"]);
        command.args([
            "bash",
            "-euo",
            "pipefail",
            "-c",
            &format!("exec 2>&1\ncd {}\n{lines}", directory.display()),
        ]);
        let path = std::env::var("PATH").expect("there is a PATH");
        command.env("PATH", format!("/usr/local/bin:{path}"));
        command.stdin(Stdio::null()).output().expect("nsenter starts")
    }

    /// The process in the namespaces of a machine that was born in them: the child of `unshare`.
    fn holder(&self, machine: usize) -> String {
        let parent = self.shells[machine - 1].id();
        let children = format!("/proc/{parent}/task/{parent}/children");
        fs::read_to_string(children).unwrap().trim().to_owned()
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        for shell in &mut self.shells {
            // With the first process of its namespace every process in it ends.
            let _ = shell.kill();
            let _ = shell.wait();
        }
    }
}

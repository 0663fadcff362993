//! A PostgreSQL server of a test's own, in a directory of its own (Debian: postgresql).

use std::env;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use postgres::{Client, NoTls};
use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;

use crate::binary::mortal;
use crate::skipped::skip;

/// How long to wait for what must happen, however slow the machine is.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that is reached by a socket in its directory only. It dies with this value, and with
/// the thread that started it.
pub struct Database {
    server: Child,
    directory: TempDir,
}

impl Database {
    /// Starts one. A test that needs it is skipped where PostgreSQL is not installed.
    pub fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            skip("PostgreSQL is not installed", "`apt-get install postgresql` brings its server");
            return None;
        };
        let directory = tempfile::Builder::new().prefix("raft-database-").tempdir().unwrap();
        let (path, data) = (directory.path(), directory.path().join("data"));
        if geteuid().is_root() {
            let given = Command::new("chown").arg("postgres:").arg(path).status().unwrap();
            assert!(given.success(), "chown: {given}");
        }
        let command = |program: &str| {
            let mut command = as_owner();
            command.arg(programs.join(program)).arg("-D").arg(&data).current_dir(path);
            command
        };
        let mut initdb = command("initdb");
        initdb.args(["--no-sync", "--auth=trust", "--username=postgres", "--locale=C"]);
        let made = initdb.output().unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));

        let log = File::create(path.join("log")).unwrap();
        // -F: what it has written need not survive a crash of this machine. -h: no address.
        let mut server = command("postgres");
        server.args(["-F", "-h", "", "-k"]).arg(path).stdin(Stdio::null()).stdout(Stdio::null());
        let server = server.stderr(log).spawn().unwrap();
        let mut database = Self { server, directory };
        database.wait_until_it_answers();
        Some(database)
    }

    /// Where it is, and who asks, as its clients want to be told.
    pub fn parameters(&self) -> String {
        format!("host={} user=postgres", self.directory.path().display())
    }

    /// A connection.
    pub fn connect(&self) -> Client {
        Client::connect(&self.parameters(), NoTls).unwrap()
    }

    fn wait_until_it_answers(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while let Err(error) = Client::connect(&self.parameters(), NoTls) {
            let ended = self.server.try_wait().unwrap();
            if ended.is_some() || Instant::now() > deadline {
                let log = fs::read_to_string(self.directory.path().join("log"));
                panic!("PostgreSQL does not start: {error}, {ended:?}\n{}", log.unwrap());
            }
            sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // It ends at once, with its children and what they share. SIGKILL would leave that.
        let _ = kill_process(Pid::from_child(&self.server), Signal::QUIT);
        let deadline = Instant::now() + PATIENCE;
        while let Ok(None) = self.server.try_wait() {
            if Instant::now() > deadline {
                let _ = self.server.kill();
            }
            sleep(Duration::from_millis(1));
        }
    }
}

/// Runs what follows as this user, or where that is root, which PostgreSQL refuses, as Debian's.
fn as_owner() -> Command {
    let mut command = mortal("QUIT");
    if geteuid().is_root() {
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
    }
    command
}

/// The directory of the programs: one of the search path, or Debian's of the latest version.
fn programs() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut debian: Vec<_> = versions.map(|version| version.path().join("bin")).collect();
    debian.sort();
    let mut all = env::split_paths(&path).chain(debian.into_iter().rev());
    all.find(|bin| ["initdb", "postgres"].iter().all(|program| bin.join(program).is_file()))
}

//! A worker that writes to PostgreSQL while it leads, and of several there is always at most one
//! that can. With a database at hand, start three as `examples/leader.rs` says:
//!
//! ```sh
//! cargo run --package raft-node --example worker -- --bootstrap --id 1 --data /tmp/worker1 \
//!     --database "host=/run/postgresql user=postgres" \
//!     --server 127.0.0.1:7001 --server 127.0.0.1:7002 --server 127.0.0.1:7003
//! ```
//!
//! It asks whether its leadership is valid right before it writes, and yet it can be stopped in
//! between, for longer than its leadership lasts. (`--by-hand` makes that easy: see it `ready`,
//! stop it by Ctrl-Z, make another one act, type `fg` and a return.) So each write carries the
//! fencing token, and the database keeps the highest that it has seen: what comes with a lower one
//! is `refused`.
//!
//! A cluster that begins anew, with empty directories, begins its tokens anew. Before that, nobody
//! of the old one may run any more, and `fence` is set back by hand.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use postgres::{Client, NoTls, Statement};
use raft_node::config::{Config, Settings};
use raft_node::{Leadership, Node, session};

/// What is there before the first write. The lock is for workers that start at the same time.
const TABLES: &str = "
    BEGIN;
    SELECT pg_advisory_xact_lock(7000);
    CREATE TABLE IF NOT EXISTS fence (name text PRIMARY KEY, token bigint NOT NULL);
    INSERT INTO fence VALUES ('work', 0) ON CONFLICT DO NOTHING;
    CREATE TABLE IF NOT EXISTS work (id bigserial PRIMARY KEY, token bigint, worker smallint);
    COMMIT";

/// A write behind the fence: no row if the fence has seen a newer token. It is one statement, so a
/// worker that is stopped at any moment does not keep the fence locked for the next one. Who has
/// the fence gets the next number: rows are numbered as they are committed.
const ACT: &str = "
    WITH passed AS (UPDATE fence SET token = $1 WHERE name = 'work' AND token <= $1 RETURNING token)
    INSERT INTO work (token, worker) SELECT token, $2 FROM passed RETURNING id";

/// Writes to PostgreSQL while it leads, and says so
#[derive(Parser)]
struct Args {
    /// The number of this worker: 1 is at the first address
    #[arg(long)]
    id: u8,
    /// IP:PORT of each worker, in order
    #[arg(long = "server", required = true)]
    servers: Vec<SocketAddr>,
    /// The file with the key of the workers, unless all are on this machine
    #[arg(long)]
    key: Option<PathBuf>,
    /// The directory for the ballot of this worker
    #[arg(long)]
    data: PathBuf,
    /// This worker has never run before
    #[arg(long)]
    bootstrap: bool,
    /// The database, as `host=… user=…`
    #[arg(long)]
    database: String,
    /// Milliseconds between two writes
    #[arg(long, default_value_t = 500)]
    every: u64,
    /// Write when a line comes on standard input, after the leadership was checked
    #[arg(long)]
    by_hand: bool,
    /// The shortest election timeout in milliseconds
    #[arg(long, default_value_t = 150)]
    timeout: u64,
}

impl Args {
    fn config(&self) -> Result<Config, Box<dyn Error>> {
        let servers = (1..).zip(self.servers.iter().copied()).collect();
        let ms = Duration::from_millis;
        Ok(Config::new(Settings {
            heartbeat: ms(self.timeout / 6),
            election_timeout: ms(self.timeout)..=ms(2 * self.timeout),
            ..Settings::new("worker", self.id, servers)
        })?)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let mut database = Client::connect(&args.database, NoTls)?;
    database.batch_execute(TABLES)?;
    let mut worker = Worker {
        id: args.id.into(),
        by_hand: args.by_hand,
        write: database.prepare(ACT)?,
        database,
    };

    let mut builder = Node::builder(args.config()?).data(&args.data).bootstrap(args.bootstrap);
    if let Some(key) = &args.key {
        builder = builder.keys(session::file::read(key)?);
    }
    let node = builder.start()?;
    let mut watch = node.watch();
    let mut stands_by = false;
    loop {
        if let Some(leadership) = node.leadership() {
            worker.act(leadership)?;
            stands_by = false;
        } else if !stands_by {
            println!("standby");
            stands_by = true;
        }
        // A node that comes to lead need not wait any longer.
        if watch.next_within(Duration::from_millis(args.every)) == Some(None) {
            return Ok(node.wait()?);
        }
    }
}

struct Worker {
    id: i16,
    by_hand: bool,
    database: Client,
    write: Statement,
}

impl Worker {
    /// One piece of work. What takes time comes before the check.
    fn act(&mut self, leadership: Leadership) -> Result<(), Box<dyn Error>> {
        let token = i64::try_from(leadership.fencing_token())?;
        if !leadership.is_valid() {
            println!("late token={token}");
            return Ok(());
        }
        if self.by_hand {
            println!("ready token={token}");
            if io::stdin().read_line(&mut String::new())? == 0 {
                return Err("nobody is there to say when".into());
            }
        }
        match self.database.query_opt(&self.write, &[&token, &self.id])? {
            Some(row) => println!("acted token={token} row={}", row.get::<_, i64>(0)),
            None => println!("refused token={token}"),
        }
        Ok(())
    }
}

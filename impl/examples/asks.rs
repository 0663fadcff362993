//! A server that is asked ten thousand times a second whether it leads, and says on its standard
//! output what it answered: a line for each leadership or renewal of it, with its term, and the
//! moments of the first and the last such answer and of its end, in nanoseconds.
//!
//! It is what the test `pauses` stops and continues.

use std::io::{self, Write as _};
use std::thread;
use std::time::Duration;

use raft_node::config::{Config, Settings};
use raft_node::{Leadership, Node};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let id = arguments.next().ok_or("the number of this server")?.parse()?;
    let data = arguments.next().ok_or("a directory for its ballot")?;
    let servers: Result<Vec<_>, _> =
        (1..).zip(arguments).map(|(n, at)| Ok((n, at.parse()?))).collect();
    let settings =
        Settings::new("asked", id, servers.map_err(|error: std::net::AddrParseError| error)?);
    let config = Config::new(Settings {
        heartbeat: Duration::from_millis(10),
        election_timeout: Duration::from_millis(50)..=Duration::from_millis(100),
        ..settings
    })?;
    let node = Node::builder(config).data(data).bootstrap(true).start()?;
    let mut told: Option<(Leadership, Leadership)> = None; // the first such answer and the last
    loop {
        let answer = node.leadership();
        told = match (told, answer) {
            (Some((first, _)), Some(answer)) if first.until() == answer.until() => {
                Some((first, answer))
            }
            (told, answer) => {
                if let Some((first, last)) = told {
                    tell(first, last)?;
                }
                answer.map(|answer| (answer, answer))
            }
        };
        thread::sleep(Duration::from_micros(100));
    }
}

fn tell(first: Leadership, last: Leadership) -> io::Result<()> {
    let nanoseconds = |moment: raft_node::clock::Moment| moment.since_start().as_nanos();
    let moments = [first.asked(), last.asked(), first.until()].map(nanoseconds);
    let [first_asked, last_asked, until] = moments;
    let mut out = io::stdout().lock();
    writeln!(out, "{} {first_asked} {last_asked} {until}", first.fencing_token())?;
    out.flush()
}

//! What it costs to speak with a key: the handshake of two servers, and each message.

use std::time::{Duration, Instant};

use raft_model::types::ServerId;
use raft_node::clock::Moment;
use raft_node::config::{Config, Settings};
use raft_node::session::{Key, Keys, Opened, RunId, Sessions};

use crate::Result;

/// The bytes of a heartbeat of a cluster whose name has seven letters.
const FRAME: usize = 54;

/// How often each thing is done.
const TIMES: u32 = 10_000;

/// Prints what a handshake costs: datagrams and bytes of both sides, until each can seal; and how
/// long sealing and opening take.
pub(crate) fn print() -> Result<()> {
    println!("\nWith a key, the median of {TIMES}:");
    let (mut one, mut two) = (side(1)?, side(2)?);
    let mut times = Vec::new();
    let mut said = (0, 0);
    for _ in 0..TIMES {
        (one, two) = (side(1)?, side(2)?);
        let start = Instant::now();
        said = handshake(&mut one, &mut two)?;
        times.push(start.elapsed());
    }
    let (datagrams, bytes) = said;
    println!(
        "  {:<38} {:>7.2} µs, {datagrams} datagrams, {bytes} bytes",
        "a handshake, both sides",
        median(times)
    );
    let (config, sessions) = &mut one;
    let (mut times, mut sealed) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        let frame = vec![7; FRAME];
        let start = Instant::now();
        sessions.send(id(2)?, frame, config, Moment::now());
        sealed.extend(sessions.outbox().map(|it| it.bytes));
        times.push(start.elapsed());
    }
    let length = sealed[0].len();
    println!(
        "  {:<38} {:>7.2} µs, {length} bytes instead of {FRAME}",
        "a heartbeat, sealed",
        median(times)
    );
    for (name, change) in HEARD {
        let mut times = Vec::new();
        let mut believed = 0;
        for it in &sealed {
            let mut bytes = it.clone();
            change(&mut bytes);
            let start = Instant::now();
            let opened = two.1.receive(&bytes, config.own_address(), &two.0, Moment::now());
            times.push(start.elapsed());
            believed += u32::from(matches!(opened, Ok(Opened::Frame(..))));
        }
        println!("  {name:<38} {:>7.2} µs, {believed} believed", median(times));
    }
    Ok(())
}

type Change = fn(&mut [u8]);

/// What becomes of a sealed message on its way, in this order.
const HEARD: [(&str, Change); 5] = [
    ("its tag forged", |it| it[it.len() - 1] ^= 1),
    ("opened", |_| {}),
    ("opened again", |_| {}),
    ("of another session", |it| it[16] ^= 1),
    ("of another cluster", |it| it[8] ^= 1),
];

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    1e6 * times[times.len() / 2].as_secs_f64()
}

fn id(number: u8) -> Result<ServerId> {
    Ok(ServerId::new(number).ok_or("a number of a server")?)
}

fn side(id: u8) -> Result<(Config, Sessions)> {
    let servers = [(1, 7001), (2, 7002)];
    let servers = servers.map(|(number, port)| (number, ([127, 0, 0, 1], port).into()));
    let config = Config::new(Settings::new("cost", id, servers.to_vec()))?;
    let keys = Keys::one(Key::new([1; 32]));
    let sessions = Sessions::new(&config, &keys, RunId::random()?, Moment::now());
    Ok((config, sessions))
}

/// How many datagrams, and bytes in them.
fn handshake(one: &mut (Config, Sessions), two: &mut (Config, Sessions)) -> Result<(usize, usize)> {
    let (mut datagrams, mut bytes) = (0, 0);
    let now = Moment::now();
    one.1.greet(&one.0, now);
    loop {
        let said: Vec<_> = one.1.outbox().chain(two.1.outbox()).collect();
        if said.is_empty() {
            break;
        }
        for it in said {
            datagrams += 1;
            bytes += it.bytes.len();
            let (from, to) =
                if it.to.number() == 2 { (&*one, &mut *two) } else { (&*two, &mut *one) };
            to.1.receive(&it.bytes, from.0.own_address(), &to.0, now)?;
        }
    }
    let knows = |side: &Sessions, other| side.authentication().has_session(other) == Some(true);
    if knows(&one.1, id(2)?) && knows(&two.1, id(1)?) {
        Ok((datagrams, bytes))
    } else {
        Err("no session".into())
    }
}

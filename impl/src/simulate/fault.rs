//! What goes wrong in a simulation, and when. All of it is drawn before the run, so that a part of
//! it can be left out and the rest stays as it was.

use std::fmt;

use raft_model::cluster::Cluster;
use raft_model::types::ServerId;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::Options;

const MILLISECOND: u64 = 1_000_000;

/// What goes wrong. Times are true nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// The process is killed after so many more effects, and started again after that time.
    Crash { effects: u32, down: u64 },
    /// The power fails, if not before then after so many operations of the disk: of what nobody has
    /// waited for there, chance decides.
    PowerLoss { effects: u32, operations: usize, down: u64, chance: u64 },
    /// The disk refuses after so many operations, and the server stops. What was on its way may
    /// be lost, too.
    DiskError { operations: usize, loses: bool, down: u64 },
    /// The next save takes that long.
    DiskStall { time: u64 },
    /// The process stands still.
    Pause { time: u64 },
    /// The machine is suspended.
    Suspend { time: u64 },
    /// Its clock gains so many parts of a million, or loses them.
    ClockRate { ppm: i32 },
    /// Its clock on the wall jumps by that much.
    ClockStep { microseconds: u64 },
    /// The server is stopped, and a bit of one slot of its ballot decays.
    Decay { second: bool, down: u64 },
    /// The server is stopped, and started on the ballot of another server, which it has to refuse.
    WrongBallot { down: u64 },
    /// So many datagrams that were recorded for it, in any run of anybody, come again.
    Replay { count: u32 },
    /// It takes the next step of replacing the key, if all others have taken the last one.
    Rotation,
    /// The server is stopped, and comes up at another address.
    Move { down: u64 },
    /// The server is stopped, and its disk is lost: it comes up without one.
    LostDisk { down: u64 },
    /// From now on these servers hear each other, bit by bit: `hears[to]` from whom.
    Links { hears: [u8; Cluster::MAX_SIZE as usize] },
}

/// A fault, and whom it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) at: u64,
    pub(super) server: ServerId,
    pub(super) what: What,
}

macro_rules! kinds {
    ($($kind:ident $name:literal,)*) => {
        /// The kinds of faults that are counted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind {
            $(#[doc = $name] $kind,)*
        }

        impl Kind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// Its name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }
        }
    };
}

kinds! {
    Crash "crash",
    PowerLoss "power loss",
    Restart "restart",
    DiskError "disk error",
    DiskStall "disk stall",
    Pause "pause",
    Suspend "suspend",
    ClockRate "clock rate",
    ClockStep "clock step",
    Decay "decayed ballot",
    WrongBallot "wrong ballot",
    Replay "replay",
    Rotation "key rotation",
    Move "move",
    LostDisk "lost disk",
    Links "partition",
}

impl What {
    /// Whether the disk of the server may be lost by it.
    pub(super) const fn loses_disk(&self) -> bool {
        matches!(self, Self::LostDisk { .. } | Self::DiskError { loses: true, .. })
    }

    pub(super) const fn kind(&self) -> Kind {
        match self {
            Self::Crash { .. } => Kind::Crash,
            Self::PowerLoss { .. } => Kind::PowerLoss,
            Self::DiskError { .. } => Kind::DiskError,
            Self::DiskStall { .. } => Kind::DiskStall,
            Self::Pause { .. } => Kind::Pause,
            Self::Suspend { .. } => Kind::Suspend,
            Self::ClockRate { .. } => Kind::ClockRate,
            Self::ClockStep { .. } => Kind::ClockStep,
            Self::Decay { .. } => Kind::Decay,
            Self::WrongBallot { .. } => Kind::WrongBallot,
            Self::Replay { .. } => Kind::Replay,
            Self::Rotation => Kind::Rotation,
            Self::Move { .. } => Kind::Move,
            Self::LostDisk { .. } => Kind::LostDisk,
            Self::Links { .. } => Kind::Links,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, server, what } = *self;
        let ms = |time: u64| time / MILLISECOND;
        write!(f, "{:>7} ms  ", ms(at))?;
        match what {
            What::Crash { effects, down } => {
                write!(
                    f,
                    "{server} is killed after {effects} more effects, back in {} ms",
                    ms(down)
                )
            }
            What::PowerLoss { effects, operations, down, .. } => write!(
                f,
                "{server} loses power after {effects} more effects, or {operations} operations of \
                 its disk, back in {} ms",
                ms(down)
            ),
            What::DiskError { operations, loses, down } => {
                let lost = if loses { " and forgets them" } else { "" };
                write!(
                    f,
                    "the disk of {server} fails after {operations} more operations{lost}, back in \
                     {} ms",
                    ms(down)
                )
            }
            What::DiskStall { time } => {
                write!(f, "the next save of {server} takes {} ms", ms(time))
            }
            What::Pause { time } => write!(f, "{server} stands still for {} ms", ms(time)),
            What::Suspend { time } => write!(f, "{server} is suspended for {} ms", ms(time)),
            What::ClockRate { ppm } => write!(f, "the clock of {server} gains {ppm} ppm"),
            What::ClockStep { microseconds } => {
                write!(f, "the wall clock of {server} jumps by {microseconds} us")
            }
            What::Decay { second, down } => {
                let slot = if second { "second" } else { "first" };
                write!(f, "the {slot} slot of {server} decays, back in {} ms", ms(down))
            }
            What::WrongBallot { down } => {
                write!(f, "{server} starts on another server's ballot; its own in {} ms", ms(down))
            }
            What::Replay { count } => write!(f, "{count} old datagrams come again to {server}"),
            What::Rotation => write!(f, "{server} takes the next step to another key"),
            What::Move { down } => {
                write!(f, "{server} moves to another address, back in {} ms", ms(down))
            }
            What::LostDisk { down } => {
                write!(f, "{server} loses its disk, back in {} ms", ms(down))
            }
            What::Links { hears } => {
                write!(f, "links:")?;
                for (to, from) in (1..=ServerId::MAX).zip(hears) {
                    let from = raft_model::types::ServerSet::from_bits(from);
                    if let Some(to) = ServerId::new(to).filter(|_| !from.is_empty()) {
                        write!(f, " {to} hears {from}")?;
                    }
                }
                Ok(())
            }
        }
    }
}

/// What goes wrong in the run of this seed, in order.
pub(super) fn schedule(seed: u64, options: &Options) -> Vec<Fault> {
    let mut random = StdRng::seed_from_u64(seed ^ 0xfa17);
    let mut at = 500 * MILLISECOND;
    let mut faults = Vec::new();
    let servers = options.servers;
    // Others have kept their disks: so at most one loses its own, as often as it likes.
    let loser = ServerId::new(random.random_range(1..=servers)).filter(|_| servers > 1);
    for _ in 0..options.faults {
        // Some follow at once, and some when all is well again.
        let longest = if random.random_ratio(1, 3) { 20 } else { 500 };
        at += random.random_range(1..longest * MILLISECOND);
        let number = random.random_range(1..=servers);
        let Some(server) = ServerId::new(number) else { continue };
        let loses = loser == Some(server);
        let what = draw(&mut random, loses, options);
        let is_lost = matches!(what, What::LostDisk { .. });
        let server = loser.filter(|_| is_lost).unwrap_or(server);
        faults.push(Fault { at, server, what });
    }
    faults
}

fn draw(random: &mut StdRng, loses: bool, options: &Options) -> What {
    let mut time = |from: u64, to: u64| random.random_range(from * MILLISECOND..to * MILLISECOND);
    let (short, down) = (time(1, 700), time(1, 900));
    let down = if down % 2 == 0 { down / 20 } else { down };
    match random.random_range(0..100) {
        0..14 => What::Crash { effects: random.random_range(0..8), down },
        14..20 => {
            // While the disk writes, or soon.
            let (effects, operations) = if random.random() {
                (40, random.random_range(0..4))
            } else {
                (random.random_range(0..8), 99)
            };
            What::PowerLoss { effects, operations, down, chance: random.random() }
        }
        20..26 => {
            // A disk that forgets what it failed to write may be lost by that.
            let loses = loses && random.random_ratio(1, 4);
            What::DiskError { operations: random.random_range(0..5), loses, down }
        }
        26..32 => What::DiskStall { time: short },
        32..42 => What::Pause { time: short },
        42..50 => What::Suspend { time: short },
        50..57 => {
            let most = i32::try_from(options.clock_error_ppm).unwrap_or(i32::MAX);
            let extremes = [-most, most, random.random_range(-most..=most)];
            What::ClockRate { ppm: extremes[random.random_range(0..3)] }
        }
        57..61 => What::ClockStep { microseconds: random.random_range(0..10_000_000) },
        61..66 => What::Decay { second: random.random(), down },
        66..70 => What::WrongBallot { down },
        70..76 if options.has_key => What::Replay { count: random.random_range(1..200) },
        76..80 if options.has_key => What::Rotation,
        80..84 if options.has_key => What::Move { down },
        84..89 if options.servers > 1 => What::LostDisk { down },
        _ => What::Links { hears: links(random, options.servers) },
    }
}

/// Who hears whom: one of the partitions that networks have, or anything.
fn links(random: &mut StdRng, servers: u8) -> [u8; Cluster::MAX_SIZE as usize] {
    let everybody = (1u8 << servers) - 1;
    let mut hears = [0; Cluster::MAX_SIZE as usize];
    let one = random.random_range(0..servers);
    let (side, kind) = (random.random_range(0..=everybody), random.random_range(0..8));
    for to in 0..servers {
        hears[usize::from(to)] = match kind {
            // One is deaf, or mute.
            3 if to == one => 0,
            4 => everybody & !(1 << one),
            // A bridge between all others.
            5 if to != one => 1 << one | 1 << to,
            // Two sides.
            6 if side >> to & 1 == 1 => side,
            6 => everybody & !side,
            // Anything.
            7 => random.random_range(0..=everybody),
            // All is well.
            _ => everybody,
        };
    }
    hears
}

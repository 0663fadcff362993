//! Datagrams that only a holder of the cluster key can have written, each believed once.
//!
//! **Keys.** Servers share a [`Key`] of 32 random bytes. Whatever seals a datagram is derived from
//! it by HKDF-SHA256 (RFC 5869) with all that both sides have to agree on: the version of the
//! format, the name of the cluster, its size, guards and witnesses, who sends, who receives, and
//! the run of each. So a datagram of another cluster with the same key, one sent back to its
//! sender, one for another server, and one of an earlier run opens nowhere.
//!
//! **Runs.** Each time a server comes up it draws a [`RunId`] of 128 bits. Nothing that is sealed
//! for one run opens in another one of either side: what was recorded before a restart is of no
//! use after it.
//!
//! **Hellos.** To send, a server has to know the run of the other one. It asks for it, with a
//! challenge that it has never used before (`Hello`), and only an answer with that very challenge
//! says which run it is (`Answer`). Whoever is asked keeps nothing: a hello that comes again, or a
//! million of them, change no session. Answers are bounded in number, and no longer than hellos.
//! Data of a session that is not known is refused, and is a reason to say hello, at most twenty
//! times a second. What is to be sent meanwhile waits for the answer; a later one replaces it.
//!
//! **Replays.** A sender counts its datagrams, and the count is the nonce of ChaCha20-Poly1305
//! (RFC 8439). It never begins again in a run, not even when a key is replaced. The receiver
//! believes each number once, and refuses those that are more than [`window::WIDTH`] behind.
//!
//! **Floods.** A forged datagram costs the check of a few bytes, and one that copies a visible
//! header a hash of about a hundred more: less than the system needs to receive it. That is why
//! these checks are not limited in number, as limits would let a forger silence a server.
//!
//! **Rotation.** One or two keys are accepted, and the first of them seals. Since counts and
//! windows are those of the runs, and not of a key, a key is replaced without a word to anybody.
//!
//! What is not meant to be: secrecy. Who votes for whom is no secret, so there is no Diffie-Hellman
//! and no forward secrecy, and a member that has the key can speak for each of the others.
//!
//! **Why these crates.** `chacha20poly1305`, `hkdf` and `sha2` are kept by `RustCrypto`, the first
//! was audited (NCC Group, 2020), they are Rust alone, and are a handful of small crates.
//! `aws-lc-rs` is faster on long messages, which these are not, and builds a C library.
//! `snow` has the handshakes of Noise: its one for shared secrets (`NNpsk0`) adds Diffie-Hellman,
//! keeps state for each hello that comes, and leaves replays, runs and rotation to its caller.

mod bucket;
mod envelope;
pub mod file;
pub mod key;
mod peer;
mod secrets;
mod sessions;
mod voice;
pub mod window;

pub use self::file::KeyFileError;
pub use self::key::{Key, KeyError, KeyId, Keys, RunId};
pub use self::sessions::{Datagram, Opened, Sessions};
pub(crate) use self::voice::Voice;

#[cfg(feature = "daemon")] // the simulator
pub(crate) use self::envelope::{Numbered, numbered};

/// The longest datagram of a session, in bytes.
pub const MAX_DATAGRAM: usize = envelope::DATA + crate::wire::MAX_FRAME + envelope::TAG;

const _: () = assert!(MAX_DATAGRAM == 136, "far below 1200: no network cuts it in pieces");

#[cfg(test)]
mod tests;

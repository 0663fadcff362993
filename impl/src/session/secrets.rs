//! What is derived from the key of a cluster.

use std::fmt;

use chacha20poly1305::aead::AeadInOut as _;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _, Nonce, Tag};
use hkdf::Hkdf;
use hkdf::hmac::{Hmac, Mac as _};
use raft_model::election::Server;
use raft_model::types::ServerId;
use sha2::Sha256;

use super::envelope::{TAG, VERSION};
use super::key::{Key, KeyId, RunId};
use crate::config::Config;
use crate::wire::Rejection;

const SALT: &[u8] = b"raft-node";

/// What the servers of a cluster have to agree on, in one spelling.
#[derive(Clone, Debug)]
pub(super) struct Cluster(Vec<u8>);

impl Cluster {
    pub(super) fn of(config: &Config) -> Self {
        let Server { cluster, .. } = config.server();
        let name = config.cluster_name().as_str().as_bytes();
        let mut bytes = vec![VERSION];
        bytes.extend(u8::try_from(name.len())); // at most `ClusterName::MAX_LEN`
        bytes.extend(name);
        bytes.push(cluster.size());
        bytes.extend([cluster.protocol().bits(), cluster.witnesses().bits()]);
        Self(bytes)
    }

    /// A check sum of it, so that a server can tell which cluster is meant before it opens
    /// anything. It proves nothing.
    pub(super) fn checksum(&self) -> [u8; 4] {
        crc32fast::hash(&self.0).to_be_bytes()
    }
}

impl Key {
    /// Its name.
    pub fn id(&self) -> KeyId {
        let mut id = [0; 4];
        expand(&root(self), &[b"id"], &mut id);
        KeyId(id)
    }
}

fn root(key: &Key) -> Hkdf<Sha256> {
    Hkdf::new(Some(SALT), key.bytes())
}

fn expand(root: &Hkdf<Sha256>, info: &[&[u8]], into: &mut [u8]) {
    root.expand_multi_info(info, into).expect("it is far shorter than what HKDF can give");
}

/// One key of the cluster.
pub(super) struct Secrets {
    pub(super) id: KeyId,
    root: Hkdf<Sha256>,
    cluster: Cluster,
}

impl Secrets {
    pub(super) fn new(key: &Key, cluster: &Cluster) -> Self {
        Self { id: key.id(), root: root(key), cluster: cluster.clone() }
    }

    /// What seals hellos and answers from one server to another.
    pub(super) fn greeting(&self, from: ServerId, to: ServerId) -> Greeting {
        let mut key = [0; 32];
        let between = [from.number(), to.number()];
        expand(&self.root, &[b"hello", &self.cluster.0, &between], &mut key);
        Greeting(Hmac::new_from_slice(&key).expect("any length will do"))
    }

    /// A challenge that nobody can guess, and that this run of this server never has again.
    pub(super) fn challenge(&self, run: RunId, to: ServerId, number: u64) -> [u8; 16] {
        let mut challenge = [0; 16];
        let of = [&run.0[..], &[to.number()], &number.to_be_bytes()].concat();
        expand(&self.root, &[b"challenge", &self.cluster.0, &of], &mut challenge);
        challenge
    }

    /// What seals data from one run of a server to one run of another.
    pub(super) fn session(&self, (from, own): (ServerId, RunId), to: (ServerId, RunId)) -> Session {
        let mut derived = [0; 40];
        let between = [from.number(), to.0.number()];
        let runs = [own.0, to.1.0].concat();
        expand(&self.root, &[b"session", &self.cluster.0, &between, &runs], &mut derived);
        let (id, key) = derived.split_first_chunk().expect("it is longer");
        let cipher = ChaCha20Poly1305::new_from_slice(key).expect("32 bytes");
        Session { id: *id, cipher }
    }
}

/// Seals hellos and answers in one direction. They have no number, and so no nonce: HMAC needs
/// none.
pub(super) struct Greeting(Hmac<Sha256>);

impl Greeting {
    pub(super) fn tag(&self, bytes: &[u8]) -> [u8; TAG] {
        let mut hmac = self.0.clone();
        hmac.update(bytes);
        let whole = hmac.finalize().into_bytes();
        *whole.first_chunk().expect("32 bytes")
    }

    /// In a time that does not depend on the bytes.
    pub(super) fn verify(&self, bytes: &[u8], tag: &[u8; TAG]) -> Result<(), Rejection> {
        let mut hmac = self.0.clone();
        hmac.update(bytes);
        hmac.verify_truncated_left(tag).map_err(|_| Rejection::Unauthenticated)
    }
}

/// Seals data in one direction, between two runs.
pub(super) struct Session {
    /// Which one it is, as its datagrams say.
    pub(super) id: [u8; 8],
    cipher: ChaCha20Poly1305,
}

impl Session {
    /// Adds what makes sure of the header, and seals what follows it. No number may be used twice.
    pub(super) fn seal(&self, number: u64, header: &[u8], body: &mut [u8]) -> [u8; TAG] {
        let sealed = self.cipher.encrypt_inout_detached(&nonce(number), header, body.into());
        sealed.expect("it is shorter than 256 GiB").into()
    }

    pub(super) fn open(
        &self,
        number: u64,
        header: &[u8],
        body: &mut [u8],
        tag: [u8; TAG],
    ) -> Result<(), Rejection> {
        let tag = Tag::from(tag);
        let opened = self.cipher.decrypt_inout_detached(&nonce(number), header, body.into(), &tag);
        opened.map_err(|_| Rejection::Unauthenticated)
    }
}

fn nonce(number: u64) -> Nonce {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&number.to_be_bytes());
    nonce.into()
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.id)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({:02x?})", self.id)
    }
}

impl fmt::Debug for Greeting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Greeting")
    }
}

#[cfg(test)]
mod tests {
    use raft_model::cluster::Protocol;

    use super::*;
    use crate::testing::{config_by, server};

    #[test]
    fn nothing_that_is_derived_from_a_key_is_shown() {
        let key = Key::new([1; 32]);
        let secrets = Secrets::new(&key, &Cluster::of(&config_by(3, Protocol::GUARDED)));
        let greeting = secrets.greeting(server(1), server(2));
        let [one, two] = [1, 2].map(|number| (server(number), RunId([number; 16])));
        let session = secrets.session(one, two);
        let expected = format!("Secrets({}) Greeting Session({:02x?})", key.id(), session.id);
        assert_eq!(format!("{secrets:?} {greeting:?} {session:?}"), expected);
    }
}

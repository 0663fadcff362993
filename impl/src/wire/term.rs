//! The question for a term, and its answer: how a server that has lost its disk comes back.
//!
//! They are no messages of the election. Whoever answers changes nothing, and its answer is of a
//! moment after the question: that returns with it. A question begins as a frame does, up to its
//! kind, which is 8, and that of an answer 9; then come eight bytes that the asker has drawn for
//! this question, eight of the term, zero in a question, and the CRC-32 of everything before.

use raft_model::election::Server;
use raft_model::types::{ServerId, Term};

use super::{MAGIC, Origin, VERSION};
use crate::config::Config;

const QUESTION: u8 = 8;
const ANSWER: u8 = 9;

/// A server asks what the current term of this one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TermQuestion {
    /// Who asks.
    pub from: ServerId,
    /// What it has drawn for this question.
    pub nonce: u64,
}

/// Another server has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TermAnswer {
    /// Who has answered.
    pub from: ServerId,
    /// What was drawn for the question.
    pub nonce: u64,
    /// Its current term, which is on its disk.
    pub term: Term,
}

impl TermQuestion {
    /// The question of the server with this configuration, for another one.
    pub fn encode(config: &Config, to: ServerId, nonce: u64) -> Vec<u8> {
        encode(config, (config.server().id, to), QUESTION, nonce, Term::ZERO)
    }

    /// The question that these bytes are, if they are one for the server with this configuration,
    /// from whoever asks.
    pub fn decode(bytes: &[u8], config: &Config, origin: Origin) -> Option<Self> {
        let (from, nonce, term) = decode(bytes, config, origin, QUESTION)?;
        (term == Term::ZERO).then_some(Self { from, nonce })
    }

    /// The answer of the server with this configuration.
    pub fn answer(self, config: &Config, term: Term) -> Vec<u8> {
        encode(config, (config.server().id, self.from), ANSWER, self.nonce, term)
    }
}

impl TermAnswer {
    /// The answer that these bytes are, by the same rules.
    pub fn decode(bytes: &[u8], config: &Config, origin: Origin) -> Option<Self> {
        let (from, nonce, term) = decode(bytes, config, origin, ANSWER)?;
        Some(Self { from, nonce, term })
    }
}

/// Everything before the nonce.
fn head(config: &Config, (from, to): (ServerId, ServerId), kind: u8) -> Vec<u8> {
    let Server { cluster, .. } = config.server();
    let name = config.cluster_name().as_str().as_bytes();
    let mut bytes = MAGIC.to_vec();
    bytes.push(VERSION);
    bytes.extend(u8::try_from(name.len())); // at most `ClusterName::MAX_LEN`
    bytes.extend(name);
    bytes.extend([cluster.size(), cluster.protocol().bits(), cluster.witnesses().bits()]);
    bytes.extend([from.number(), to.number(), kind]);
    bytes
}

fn encode(
    config: &Config,
    ends: (ServerId, ServerId),
    kind: u8,
    nonce: u64,
    term: Term,
) -> Vec<u8> {
    let mut bytes = head(config, ends, kind);
    bytes.extend(nonce.to_be_bytes());
    bytes.extend(term.number().to_be_bytes());
    bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
    bytes
}

/// Who says it, the nonce and the term. There is one way to write it, so it is compared.
fn decode(
    bytes: &[u8],
    config: &Config,
    origin: Origin,
    kind: u8,
) -> Option<(ServerId, u64, Term)> {
    let own = config.server().id;
    let from = origin.sender(config).filter(|&from| from != own)?;
    let rest = bytes.strip_prefix(head(config, (from, own), kind).as_slice())?;
    let (nonce, rest) = rest.split_first_chunk()?;
    let (term, rest) = rest.split_first_chunk()?;
    let (nonce, term) = (u64::from_be_bytes(*nonce), Term::new(u64::from_be_bytes(*term)));
    let checksum = crc32fast::hash(&bytes[..bytes.len() - rest.len()]).to_be_bytes();
    (rest == checksum.as_slice()).then_some((from, nonce, term))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::config::Settings;

    fn id(number: u8) -> ServerId {
        ServerId::new(number).unwrap()
    }

    fn address(number: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 7000 + number))
    }

    fn from(number: u16) -> Origin {
        Origin::Address(address(number))
    }

    fn config(cluster: &str, own: u8) -> Config {
        let servers = (1..=3).map(|number| (number, address(number.into()))).collect();
        Config::new(Settings::new(cluster, own, servers)).unwrap()
    }

    #[test]
    fn a_question_is_answered_with_what_was_drawn_for_it() {
        let (one, two) = (config("test", 1), config("test", 2));
        let bytes = TermQuestion::encode(&one, id(2), 77);
        let question = TermQuestion::decode(&bytes, &two, from(1)).unwrap();
        assert_eq!(question, TermQuestion { from: id(1), nonce: 77 });
        let answer = question.answer(&two, Term::new(9));
        let expected = TermAnswer { from: id(2), nonce: 77, term: Term::new(9) };
        assert_eq!(TermAnswer::decode(&answer, &one, from(2)), Some(expected));
        assert_eq!(TermQuestion::decode(&answer, &one, from(2)), None, "it is no question");
    }

    #[test]
    fn what_is_not_for_it_or_not_from_there_is_none() {
        let (one, two) = (config("test", 1), config("test", 2));
        let bytes = TermQuestion::encode(&one, id(2), 77);
        for (bytes, config, origin) in [
            (bytes.clone(), config("other", 2), from(1)),
            (bytes.clone(), config("test", 3), from(1)),
            (bytes.clone(), two.clone(), from(3)),
            (bytes.clone(), two.clone(), from(2)),
            (bytes[..bytes.len() - 1].to_vec(), two.clone(), from(1)),
            ([bytes.clone(), vec![0]].concat(), two.clone(), from(1)),
        ] {
            assert_eq!(TermQuestion::decode(&bytes, &config, origin), None);
        }
        for bit in 0..8 * bytes.len() {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(TermQuestion::decode(&bytes, &two, from(1)), None, "bit {bit}");
        }
    }
}

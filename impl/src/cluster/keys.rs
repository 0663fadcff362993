//! What is typed at a cluster: a letter, and then the number of a server.

use raft_model::types::ServerId;
use rustix::process::Signal;

/// The letter that was typed, until its number is.
#[derive(Debug, Default)]
pub(super) struct Keys(Option<Signal>);

impl Keys {
    /// The signal that a server is sent after this key, if it completes one.
    pub(super) fn press(&mut self, key: u8) -> Option<(Signal, ServerId)> {
        let letter = match key {
            b'k' => Some(Signal::KILL),
            b'p' => Some(Signal::STOP),
            b'c' => Some(Signal::CONT),
            _ => None,
        };
        let server = ServerId::new(key.wrapping_sub(b'0'));
        let signal = std::mem::replace(&mut self.0, letter);
        signal.zip(server)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::server;

    fn typed(keys: &str) -> Vec<(Signal, ServerId)> {
        let mut state = Keys::default();
        keys.bytes().filter_map(|key| state.press(key)).collect()
    }

    #[test]
    fn a_letter_and_a_number_are_a_signal_for_a_server() {
        let signals = [(Signal::KILL, 1), (Signal::STOP, 2), (Signal::CONT, 3)];
        assert_eq!(typed("k1p2c3"), signals.map(|(signal, number)| (signal, server(number))));
    }

    #[test]
    fn the_last_letter_counts() {
        assert_eq!(typed("kp2"), [(Signal::STOP, server(2))]);
    }

    #[test]
    fn anything_else_is_nothing() {
        assert_eq!(typed("1k0k9k\x1b[A2kx2"), []);
    }
}

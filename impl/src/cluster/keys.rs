//! What is typed at a cluster: a letter, and then the number of a server.

use raft_model::types::ServerId;
use rustix::process::Signal;

/// The letter that was typed, until its number is.
#[derive(Debug, Default)]
pub(super) struct Keys(Option<(char, Signal)>);

/// What a key comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Press {
    /// Nothing yet.
    Waits,
    /// The server is sent the signal.
    Signal(Signal, ServerId),
    /// No key is meant by that; these words say which are.
    Wrong(String),
}

impl Keys {
    /// What this key comes to, in a cluster of this size.
    pub(super) fn press(&mut self, key: char, size: u8) -> Press {
        let before = self.0.take();
        let signal = match key {
            'k' => Signal::KILL,
            'p' => Signal::STOP,
            'c' => Signal::CONT,
            _ if key.is_whitespace() => {
                self.0 = before; // Enter completes nothing
                return Press::Waits;
            }
            _ => return number(before, key, size),
        };
        self.0 = Some((key, signal));
        Press::Waits
    }
}

/// A key that is no letter of ours, after one of them or not.
fn number(before: Option<(char, Signal)>, key: char, size: u8) -> Press {
    let numbers = if size == 1 { "1".to_owned() } else { format!("1-{size}") };
    let number = key.to_digit(10).and_then(|number| u8::try_from(number).ok());
    match (before, number, number.and_then(ServerId::new)) {
        (Some((_, signal)), _, Some(server)) if server.number() <= size => {
            Press::Signal(signal, server)
        }
        (Some(_), Some(number), _) => {
            Press::Wrong(format!("There is no S{number}, only {numbers}."))
        }
        (None, Some(number), _) => Press::Wrong(format!("Type k, p or c before {number}.")),
        (_, None, _) => {
            let key = if key.is_control() { "That".into() } else { key.to_string() };
            Press::Wrong(format!("{key} is no key. Type k, p or c, then {numbers}."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::server;

    /// What the last of these keys comes to, in a cluster of three.
    fn typed(keys: &str) -> Press {
        let mut state = Keys::default();
        keys.chars().map(|key| state.press(key, 3)).last().unwrap()
    }

    #[test]
    fn a_letter_and_a_number_are_a_signal_for_a_server() {
        let keys = [("k1", Signal::KILL, 1), ("p2", Signal::STOP, 2), ("c3", Signal::CONT, 3)];
        for (keys, signal, number) in keys {
            assert_eq!(typed(keys), Press::Signal(signal, server(number)), "{keys}");
        }
        assert_eq!(typed("k1p"), Press::Waits);
        assert_eq!(typed("k \n2"), Press::Signal(Signal::KILL, server(2)), "spaces are nothing");
    }

    #[test]
    fn the_last_letter_counts() {
        assert_eq!(typed("kp2"), Press::Signal(Signal::STOP, server(2)));
    }

    #[test]
    fn a_key_that_means_nothing_says_which_do() {
        for (keys, words) in [
            ("1", "Type k, p or c before 1."),
            ("k12", "Type k, p or c before 2."),
            ("k0", "There is no S0, only 1-3."),
            ("k4", "There is no S4, only 1-3."),
            ("q", "q is no key. Type k, p or c, then 1-3."),
            ("kx", "x is no key. Type k, p or c, then 1-3."),
            ("k\x1b", "That is no key. Type k, p or c, then 1-3."),
            ("kx2", "Type k, p or c before 2."),
        ] {
            assert_eq!(typed(keys), Press::Wrong(words.into()), "{keys:?}");
        }
        let mut alone = Keys::default();
        alone.press('k', 1);
        assert_eq!(alone.press('2', 1), Press::Wrong("There is no S2, only 1.".into()));
    }
}

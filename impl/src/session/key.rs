//! The key of a cluster, and what names it and a run without giving anything away.

use std::fmt;

use rand::TryRng as _;
use rand::rngs::SysRng;

/// What a line with a key begins with.
const PREFIX: &str = "raft-key-1:";

/// The secret that all servers of a cluster share: 32 random bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; 32]);

/// Tells keys apart: the first bytes of a hash, which say nothing of the key. It stands in every
/// datagram, in `raft-node status` and in the log.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub(super) [u8; 4]);

/// One run of a server, from its start to its end: a number that no other run ever has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RunId(pub(super) [u8; 16]);

impl Key {
    /// A new one, from the random numbers of the operating system.
    ///
    /// # Errors
    ///
    /// If the system has none.
    pub fn random() -> Result<Self, KeyError> {
        random().map(Self)
    }

    /// The key with these bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key that a line of text is.
    ///
    /// # Errors
    ///
    /// [`KeyError::Text`] if it is none. The text is not repeated there.
    pub fn parse(line: &str) -> Result<Self, KeyError> {
        let digits = line.trim().strip_prefix(PREFIX).ok_or(KeyError::Text)?;
        let digits = digits.as_bytes();
        let digit = |byte: u8| (byte as char).to_digit(16).ok_or(KeyError::Text);
        if digits.len() != 64 {
            return Err(KeyError::Text);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let value = digit(pair[0])? << 4 | digit(pair[1])?;
            *byte = u8::try_from(value).map_err(|_| KeyError::Text)?;
        }
        Ok(Self(bytes))
    }

    /// The line of text that it is.
    pub fn to_line(&self) -> String {
        format!("{PREFIX}{}\n", Hex(&self.0))
    }

    pub(super) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl RunId {
    /// A new one, from the random numbers of the operating system.
    ///
    /// # Errors
    ///
    /// If the system has none.
    pub fn random() -> Result<Self, KeyError> {
        random().map(Self)
    }

    /// The run of this number: for tests, and for what is simulated.
    #[cfg(any(test, feature = "daemon"))]
    pub(crate) const fn of(number: u128) -> Self {
        Self(number.to_be_bytes())
    }
}

fn random<const N: usize>() -> Result<[u8; N], KeyError> {
    let mut bytes = [0; N];
    SysRng.try_fill_bytes(&mut bytes).map_err(|error| KeyError::Random(error.to_string()))?;
    Ok(bytes)
}

/// The keys that a server accepts. It seals with the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    first: Key,
    second: Option<Key>,
}

impl Keys {
    /// One key alone.
    pub const fn one(key: Key) -> Self {
        Self { first: key, second: None }
    }

    /// Two keys, while one replaces the other: the first seals, both open.
    ///
    /// # Errors
    ///
    /// [`KeyError::Twice`] if they are the same.
    pub fn two(first: Key, second: Key) -> Result<Self, KeyError> {
        if first == second {
            Err(KeyError::Twice)
        } else {
            Ok(Self { first, second: Some(second) })
        }
    }

    /// The keys of a text, one a line. Empty lines and those that begin with `#` do not count.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if there are none, more than two, or something else.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let lines = text.lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let keys = lines.map(Key::parse).collect::<Result<Vec<_>, _>>()?;
        let mut keys = keys.into_iter();
        match (keys.next(), keys.next(), keys.next()) {
            (None, ..) => Err(KeyError::None),
            (Some(key), None, _) => Ok(Self::one(key)),
            (Some(first), Some(second), None) => Self::two(first, second),
            _ => Err(KeyError::Many),
        }
    }

    /// The text that they are.
    pub fn to_text(&self) -> String {
        self.iter().map(Key::to_line).collect()
    }

    /// The key that seals, and then the other one.
    pub fn iter(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.first).chain(&self.second)
    }

    /// Their names, in the same order.
    pub fn ids(&self) -> impl Iterator<Item = KeyId> {
        self.iter().map(Key::id)
    }
}

/// Why something is no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A line is something else.
    #[error(
        "a line is no key: it is `{PREFIX}` and 64 hexadecimal digits, as `raft-node keygen` \
         writes it"
    )]
    Text,
    /// There is no line.
    #[error("there is no key: `raft-node keygen` makes one")]
    None,
    /// There are more than two.
    #[error("there are more than two keys: one, or two while `raft-node key rotate` replaces one")]
    Many,
    /// The same key stands there twice.
    #[error("the same key stands there twice: take one out")]
    Twice,
    /// The operating system has no random numbers.
    #[error("the system has no random numbers: {0}")]
    Random(String),
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id()) // never more
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Hex(&self.0))
    }
}

impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Hex(&self.0))
    }
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_was_written() {
        let key = Key::random().unwrap();
        assert_eq!(Key::parse(&key.to_line()), Ok(key.clone()));
        assert_ne!(Key::random().unwrap(), key);
        let two = Keys::two(key, Key::new([7; 32])).unwrap();
        assert_eq!(Keys::parse(&format!("# rotated\n\n{}", two.to_text())), Ok(two));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let line = Key::new([0xab; 32]).to_line();
        let line = line.trim();
        for text in ["", "raft-key-1:", &line[1..], &line[..line.len() - 1], &format!("{line}0")] {
            assert_eq!(Key::parse(text), Err(KeyError::Text), "{text}");
        }
        assert_eq!(Key::parse(&line.replace("ab", "xy")), Err(KeyError::Text));
        assert_eq!(Key::parse(&line.replacen("ab", "+b", 1)), Err(KeyError::Text));
        assert_eq!(Keys::parse("# nothing\n"), Err(KeyError::None));
        assert_eq!(Keys::parse(&format!("{line}\n{line}")), Err(KeyError::Twice));
        let three = [1, 2, 3].map(|n| Key::new([n; 32]).to_line()).concat();
        assert_eq!(Keys::parse(&three), Err(KeyError::Many));
    }

    #[test]
    fn what_is_shown_of_a_key_is_not_the_key() {
        let key = Key::new([0xab; 32]);
        let shown = format!("{key:?} {:?}", Keys::one(key.clone()));
        let id = key.id().to_string();
        assert!(id.len() == 8 && id.bytes().all(|it| it.is_ascii_hexdigit()), "{id}");
        assert!(shown.contains(&id) && !shown.contains("abab"), "{shown}");
        assert_eq!(format!("{:?}", key.id()), id);
        assert!(Keys::one(key.clone()).ids().eq([key.id()]));
        assert_eq!(format!("{:?}", RunId([0xcd; 16])), "cd".repeat(16));
    }
}

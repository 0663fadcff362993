//! The name of a cluster.

use std::fmt;

/// The name of a cluster: 1 to [`ClusterName::MAX_LEN`] ASCII letters, digits, `-`, `_` or `.`.
#[derive(Clone, PartialEq, Eq)]
pub struct ClusterName(String);

impl ClusterName {
    /// The longest name, in bytes.
    pub const MAX_LEN: usize = 32;

    /// The name, if it is one.
    pub fn new(name: impl Into<String>) -> Option<Self> {
        let name = name.into();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let valid = (1..=Self::MAX_LEN).contains(&name.len()) && name.bytes().all(allowed);
        valid.then_some(Self(name))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

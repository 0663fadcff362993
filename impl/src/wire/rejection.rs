//! Why a server does not believe a datagram.

/// Why a datagram was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Rejection {
    /// It does not start with the four bytes of a frame.
    #[error("not a frame")]
    Magic,
    /// It is a frame of a version that this program does not know.
    #[error("unknown version of the format")]
    Version,
    /// It ends before the frame is complete.
    #[error("truncated")]
    Truncated,
    /// It goes on after the frame is complete.
    #[error("trailing bytes")]
    TrailingBytes,
    /// Its bytes are not those that were sent.
    #[error("wrong checksum")]
    Checksum,
    /// It names a server by a number that no server has.
    #[error("server number out of range")]
    ServerNumber,
    /// It holds a kind of message that does not exist.
    #[error("unknown kind of message")]
    Kind,
    /// A truth value is neither 0 nor 1.
    #[error("truth value other than 0 and 1")]
    Flag,
    /// A heartbeat is of no round.
    #[error("heartbeat without a round")]
    NoRound,
    /// It belongs to another cluster, by its name, its number of servers or their guards.
    #[error("of another cluster")]
    OtherCluster,
    /// It is for another server.
    #[error("for another server")]
    OtherReceiver,
    /// It claims to come from this server itself.
    #[error("from this server itself")]
    FromSelf,
    /// It claims to come from a server that the cluster does not have.
    #[error("from a server that the cluster does not have")]
    UnknownSender,
    /// It comes from another address than the one configured for the server that it claims to come
    /// from.
    #[error("not from the address of its sender")]
    SenderAddress,
    /// This server has a key, and the datagram is not sealed, or its tag is wrong: it was forged or
    /// damaged, or sealed for somebody else.
    #[error("not authenticated")]
    Unauthenticated,
    /// It is sealed by a key that this server does not accept.
    #[error("sealed by another key")]
    OtherKey,
    /// It is sealed, and this server has no key.
    #[error("sealed, and this server has no key")]
    NoKey,
    /// It is of a run of its sender, or for a run of this server, that is over or not known yet.
    #[error("of another run of its sender or of this server")]
    OtherSession,
    /// It has come before.
    #[error("received before")]
    Replayed,
    /// It is so much older than others of its sender that nobody knows whether it has come before.
    #[error("too old")]
    TooOld,
    /// It answers what was not asked, or what was answered already.
    #[error("answer to no question")]
    Unasked,
    /// It is one of too many hellos.
    #[error("one hello too many")]
    Throttled,
}

impl Rejection {
    /// Every reason.
    pub const ALL: [Self; 22] = [
        Self::Magic,
        Self::Version,
        Self::Truncated,
        Self::TrailingBytes,
        Self::Checksum,
        Self::ServerNumber,
        Self::Kind,
        Self::Flag,
        Self::NoRound,
        Self::OtherCluster,
        Self::OtherReceiver,
        Self::FromSelf,
        Self::UnknownSender,
        Self::SenderAddress,
        Self::Unauthenticated,
        Self::OtherKey,
        Self::NoKey,
        Self::OtherSession,
        Self::Replayed,
        Self::TooOld,
        Self::Unasked,
        Self::Throttled,
    ];

    /// Whether only a server with a key rejects for that.
    pub const fn needs_key(self) -> bool {
        match self {
            Self::Unauthenticated
            | Self::OtherKey
            | Self::OtherSession
            | Self::Replayed
            | Self::TooOld
            | Self::Unasked
            | Self::Throttled => true,
            Self::Magic
            | Self::Version
            | Self::Truncated
            | Self::TrailingBytes
            | Self::Checksum
            | Self::ServerNumber
            | Self::Kind
            | Self::Flag
            | Self::NoRound
            | Self::OtherCluster
            | Self::OtherReceiver
            | Self::FromSelf
            | Self::UnknownSender
            | Self::SenderAddress
            | Self::NoKey => false,
        }
    }

    /// Its name, the same in every version of this program: for JSON and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Magic => "magic",
            Self::Version => "version",
            Self::Truncated => "truncated",
            Self::TrailingBytes => "trailing_bytes",
            Self::Checksum => "checksum",
            Self::ServerNumber => "server_number",
            Self::Kind => "kind",
            Self::Flag => "flag",
            Self::NoRound => "no_round",
            Self::OtherCluster => "other_cluster",
            Self::OtherReceiver => "other_receiver",
            Self::FromSelf => "from_self",
            Self::UnknownSender => "unknown_sender",
            Self::SenderAddress => "sender_address",
            Self::Unauthenticated => "unauthenticated",
            Self::OtherKey => "other_key",
            Self::NoKey => "no_key",
            Self::OtherSession => "other_session",
            Self::Replayed => "replayed",
            Self::TooOld => "too_old",
            Self::Unasked => "unasked",
            Self::Throttled => "throttled",
        }
    }
}

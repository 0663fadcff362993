//! Stories of networks that fail. Each is told twice: of a relay in this process, which every
//! machine has, and of network namespaces, in which the kernel is the network.

use support::namespaces::Namespaces;
use support::skipped::{note, skip};

macro_rules! stories {
    ($($needs:ident: $($story:ident)*;)*) => {
        mod through_a_relay {
            $($(#[test]
            fn $story() {
                super::$story::<support::relay::Relay>();
            })*)*
        }

        mod between_namespaces {
            $($(#[test]
            fn $story() {
                if crate::stories::possible(crate::stories::Needs::$needs) {
                    super::$story::<support::namespaces::Namespaces>();
                }
            })*)*
        }
    };
}

/// What a story needs of the machine, to be told of namespaces.
#[derive(Clone, Copy)]
pub(crate) enum Needs {
    Namespaces,
    Netem,
}

/// Whether the machine has what a story needs. If not, its test is skipped.
pub(crate) fn possible(needs: Needs) -> bool {
    let permitted = match needs {
        Needs::Namespaces => Namespaces::permitted(),
        Needs::Netem => Namespaces::can_be_disturbed(),
    };
    let Err(reason) = permitted else { return true };
    // No command brings a kernel, so that one test alone may be skipped everywhere.
    let without_netem = std::env::var_os("RAFT_WITHOUT_NETEM").is_some_and(|set| !set.is_empty());
    match needs {
        Needs::Netem if without_netem => note(&reason, "it takes a kernel with netem"),
        _ => skip(&reason, "as root, `apt-get install iproute2` brings network namespaces"),
    }
    false
}

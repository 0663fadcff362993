//! What a service manager such as systemd is told, if one asks for it (`NOTIFY_SOCKET`): that the
//! server has started and stops, what it is doing, and that its loop is alive (`WATCHDOG_USEC`).

use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use raft_node::{Node, Status};
use sd_notify::NotifyState;

/// The server has started. From now on the manager is told who leads, and asked not to worry.
pub(super) fn started(node: &Arc<Node>) {
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return;
    }
    tell(&[NotifyState::Ready]);
    let watch = node.watch();
    thread::spawn(move || {
        for status in watch {
            tell(&[NotifyState::Status(&in_words(&status))]);
        }
    });
    if let Some(time) = sd_notify::watchdog_enabled() {
        let node = Arc::downgrade(node);
        thread::spawn(move || feed(&node, time / 3));
    }
}

/// The server stops, as soon as another one leads.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Each sign of life is an answer of the loop itself: one that is stuck answers nothing.
fn feed(node: &Weak<Node>, period: Duration) {
    while let Some(node) = node.upgrade() {
        if node.gets_on(period) {
            tell(&[NotifyState::Watchdog]);
        }
        drop(node);
        thread::sleep(period);
    }
}

fn in_words(status: &Status) -> String {
    let (server, term) = (status.server, status.term());
    match status.leader {
        Some(leader) if leader == server => format!("{server} leads term {term}"),
        Some(leader) => format!("{server} follows {leader} in term {term}"),
        None => format!("{server} knows no leader in term {term}"),
    }
}

/// A manager that does not listen is not worth a server.
fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "the service manager was not told");
    }
}

#[cfg(test)]
mod tests {
    use raft_model::cluster::Cluster;
    use raft_model::election::{Ballot, Server};
    use raft_model::types::{Beats, ServerId};

    use super::*;

    #[test]
    fn a_manager_reads_whom_a_server_follows() {
        let [one, two] = [1, 2].map(|number| ServerId::new(number).unwrap());
        let cluster = Cluster::new(3).unwrap();
        let server = Server { id: one, cluster, patience: Beats::ZERO };
        let mut status = Status::new(&server, server.start(Some(Ballot::INITIAL)).state);
        let mut words = |leader| {
            status.leader = leader;
            in_words(&status)
        };
        assert_eq!(words(Some(one)), "S1 leads term 0");
        assert_eq!(words(Some(two)), "S1 follows S2 in term 0");
        assert_eq!(words(None), "S1 knows no leader in term 0");
    }
}

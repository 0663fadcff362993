//! Being told when something changes: for code that blocks, and for code that awaits.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use event_listener::Listener as _;

use super::shared::Shared;
use crate::status::Status;

/// Tells of the present, and then of each change of term, vote, role, leader, and of whether there
/// is a leadership to act on. Who is slow misses what lies between, never the latest. A leadership
/// that was handed out ends by itself, so nobody needs to be told of that in time.
pub struct Watch {
    shared: Arc<Shared>,
    seen: Option<Status>,
}

impl Watch {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, seen: None }
    }

    /// Waits as [`Watch::next`], for so long at most: `None` if nothing has changed, `Some(None)`
    /// once the node has stopped.
    pub fn next_within(&mut self, time: Duration) -> Option<Option<Status>> {
        self.next_before(Instant::now().checked_add(time))
    }

    fn next_before(&mut self, deadline: Option<Instant>) -> Option<Option<Status>> {
        loop {
            let listener = self.shared.listen();
            if let Some(news) = self.news() {
                return Some(news);
            }
            match deadline {
                None => listener.wait(),
                Some(deadline) => drop(listener.wait_deadline(deadline)?),
            }
        }
    }

    /// The same as [`Watch::next`], for code that awaits. It needs no particular runtime.
    pub async fn changed(&mut self) -> Option<Status> {
        loop {
            let listener = self.shared.listen();
            if let Some(news) = self.news() {
                return news;
            }
            listener.await;
        }
    }

    fn news(&mut self) -> Option<Option<Status>> {
        // In this order: what it knew last is told before its end.
        let has_stopped = self.shared.has_stopped();
        let status = self.shared.status();
        if self.seen.is_none_or(|seen| status.is_news_after(&seen)) {
            self.seen = Some(status);
            return Some(Some(status));
        }
        has_stopped.then_some(None)
    }
}

/// Says at once what is known at present; from then on it waits until something has changed. It
/// ends once the node has stopped.
impl Iterator for Watch {
    type Item = Status;

    fn next(&mut self) -> Option<Status> {
        self.next_before(None).flatten()
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("seen", &self.seen).finish_non_exhaustive()
    }
}

//! What questions cost: short ones are answered at once; of searches one runs at a time, and it
//! ends when nobody waits for it any more.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use raft_model::explore::setting::SettingError;
use raft_model::explore::walk::NoPath;
use raft_model::search::{Control, Stop};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// A question that is not answered, and why.
pub(super) struct Refused {
    status: StatusCode,
    why: String,
}

impl Refused {
    pub(super) fn new(why: &impl ToString) -> Self {
        Self { status: StatusCode::BAD_REQUEST, why: why.to_string() }
    }
}

impl From<SettingError> for Refused {
    fn from(error: SettingError) -> Self {
        Self::new(&error)
    }
}

impl From<NoPath> for Refused {
    fn from(error: NoPath) -> Self {
        Self::new(&error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "error": self.why }))).into_response()
    }
}

/// Who works for those that ask.
pub(super) struct Work {
    one_search: Semaphore,
    /// The search that runs, or the last one.
    running: Mutex<Arc<Control>>,
}

impl Default for Work {
    fn default() -> Self {
        Self { one_search: Semaphore::new(1), running: Mutex::default() }
    }
}

/// Ends a search when its question is dropped, which is what happens when the client goes.
struct Ends(Arc<Control>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.stop(Stop::Interrupted);
    }
}

impl Work {
    /// Answers what takes milliseconds.
    pub(super) async fn quick(
        &self,
        answer: impl FnOnce() -> Value + Send + 'static,
    ) -> Result<Json<Value>, Refused> {
        finished(spawn_blocking(answer).await)
    }

    /// Answers what may be refused, one after the other.
    pub(super) async fn fallible(
        &self,
        answer: impl FnOnce() -> Result<Value, String> + Send + 'static,
    ) -> Result<Json<Value>, Refused> {
        let _turn = self.one_search.acquire().await;
        match spawn_blocking(answer).await {
            Ok(Ok(value)) => Ok(Json(value)),
            Ok(Err(why)) => Err(Refused::new(&why)),
            Err(panicked) => finished(Err(panicked)),
        }
    }

    /// Answers what takes longer, after the search before it has ended.
    pub(super) async fn search(
        &self,
        answer: impl FnOnce(&Control) -> Value + Send + 'static,
    ) -> Result<Json<Value>, Refused> {
        let control = Arc::new(Control::default());
        let ends = Ends(Arc::clone(&control));
        let _turn = self.one_search.acquire().await;
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&control);
        let found = spawn_blocking(move || answer(&control)).await;
        drop(ends);
        finished(found)
    }
}

impl Work {
    /// How many states the search has looked at that runs, or ran last.
    pub(super) fn states(&self) -> usize {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.states.load(Ordering::Relaxed)
    }
}

fn finished(found: Result<Value, tokio::task::JoinError>) -> Result<Json<Value>, Refused> {
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    let why = "this program has a mistake: see what it says where it was started".to_owned();
    found.map(Json).map_err(|_| Refused { status, why })
}

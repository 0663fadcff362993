//! Questions about what real servers did.

use std::convert::Infallible;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Json, Response};
use raft_model::explore::run::live::Live;
use raft_model::explore::run::recorded::recorded;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::server::Shared;
use super::work::Refused;

/// How often traces that grow are read.
const PERIOD: Duration = Duration::from_millis(100);
/// After how many periods the page is told the time although nothing has happened.
const QUIET: u32 = 4;

/// What the page is told of, beside the model.
pub(super) enum Runs {
    /// Nothing.
    None,
    /// Traces that were named.
    Recorded(Vec<PathBuf>),
    /// Traces that grow.
    Live(Arc<Mutex<Live>>),
}

impl Runs {
    /// Follows these traces from now on.
    pub(super) fn follow(paths: &[PathBuf]) -> Self {
        let live = Arc::new(Mutex::new(Live::new(paths)));
        let followed = Arc::clone(&live);
        thread::spawn(move || {
            loop {
                let polled = followed.lock().unwrap_or_else(PoisonError::into_inner).poll();
                if let Err(error) = polled {
                    let _ = writeln!(io::stderr(), "error: {error}; it is followed no further");
                    followed.lock().unwrap_or_else(PoisonError::into_inner).give_up(&error);
                    return;
                }
                thread::sleep(PERIOD);
            }
        });
        Self::Live(live)
    }
}

/// The traces that were named.
pub(super) async fn named(State(shared): State<Arc<Shared>>) -> Result<Json<Value>, Refused> {
    let Runs::Recorded(paths) = &shared.runs else {
        return Err(Refused::new(&"no trace was named when this program was started"));
    };
    let paths = paths.clone();
    shared.work.fallible(move || recorded(&paths).map_err(|error| error.to_string())).await
}

/// Traces that were dropped on the page: a line with their names and sizes, then their bytes.
pub(super) async fn dropped(
    State(shared): State<Arc<Shared>>,
    body: Bytes,
) -> Result<Json<Value>, Refused> {
    shared.work.fallible(move || replayed(&body)).await
}

#[derive(serde::Deserialize)]
struct Named {
    name: String,
    size: usize,
}

fn replayed(body: &[u8]) -> Result<Value, String> {
    let end = body.iter().position(|&byte| byte == b'\n').ok_or("no file was sent")?;
    let (head, mut rest) = (&body[..end], &body[end + 1..]);
    let files: Vec<Named> = serde_json::from_slice(head).map_err(|error| error.to_string())?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut paths = Vec::new();
    for (number, Named { name, size }) in (1..).zip(files) {
        let (bytes, others) = rest.split_at_checked(size).ok_or("a file is cut off")?;
        rest = others;
        // Its name is told, and decides nothing.
        let name = Path::new(&name).file_name().map(|name| name.to_string_lossy().into_owned());
        let path = folder.path().join(format!("{number}"));
        std::fs::write(&path, bytes).map_err(|error| error.to_string())?;
        paths.push((path, name.unwrap_or_default()));
    }
    let files: Vec<_> = paths.iter().map(|(path, _)| path.clone()).collect();
    recorded(&files).map_err(|error| {
        paths.iter().fold(error.to_string(), |text, (path, name)| {
            text.replace(&path.display().to_string(), name)
        })
    })
}

/// The cluster that runs, as server-sent events: what is known, then what is new.
pub(super) async fn live(State(shared): State<Arc<Shared>>) -> Response {
    let Runs::Live(live) = &shared.runs else {
        return (StatusCode::NOT_FOUND, "no cluster is watched: --watch does\n").into_response();
    };
    let (sender, receiver) = mpsc::channel::<Result<Event, Infallible>>(4);
    let live = Arc::clone(live);
    tokio::spawn(async move {
        let (mut at, mut quiet) = (0, QUIET);
        loop {
            let told = {
                let live = live.lock().unwrap_or_else(PoisonError::into_inner);
                let end = live.end();
                quiet += 1;
                (end > at || quiet > QUIET).then(|| {
                    quiet = 0;
                    live.since(std::mem::replace(&mut at, end), now_us()).to_string()
                })
            };
            if let Some(told) = told
                && sender.send(Ok(Event::default().data(told))).await.is_err()
            {
                return; // nobody listens any more
            }
            tokio::time::sleep(PERIOD).await;
        }
    });
    Sse::new(ReceiverStream::new(receiver)).keep_alive(KeepAlive::default()).into_response()
}

fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

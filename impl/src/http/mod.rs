//! What a node says to load balancers, probes and Prometheus: HTTP, in a thread of its own. Nothing
//! can be changed here, and there is neither encryption nor a password: for trusted networks.
//!
//! | path | answer |
//! |---|---|
//! | `/` | a page for people: the cluster, live |
//! | `/leader` | 200 only while this server may act as the leader; else 503, and who leads |
//! | `/status` | what the server knows, as `raft-node status --json` |
//! | `/healthz` | 200 if its loop gets on; else 503, and it should be started again |
//! | `/readyz` | 200 if it follows a leader, or leads with a lease; else 503 |
//! | `/metrics` | numbers for Prometheus |
//!
//! A leadership that `/leader` tells of is handed out, as by
//! [`Node::leadership`]: nobody else has one before it is over. It may be over when the answer has
//! arrived, and a load balancer asks only now and then: what must not reach a former leader carries
//! the fencing token.

mod metrics;
mod page;

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use tokio::sync::oneshot;

pub use self::page::Servers;
use crate::Node;
use crate::clock::microseconds;
use crate::control::Snapshot;

/// How long the loop of a node may take to say that it gets on, at least.
const PATIENCE: Duration = Duration::from_secs(1);

/// How many threads wait for loops to say so.
const WAITING: usize = 4;

/// The server, until this value is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What every answer is made of.
struct Answerer {
    node: Weak<Node>,
    dropped: Box<dyn Fn() -> u64 + Send + Sync>,
    servers: Servers,
}

type Shared = Arc<Answerer>;

impl fmt::Debug for Answerer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answerer").finish_non_exhaustive()
    }
}

impl Server {
    /// Answers from now on at this address. `servers` do so too, this one among them: its page asks
    /// them, and theirs may ask it. `dropped` says how many lines of the log were dropped.
    ///
    /// # Errors
    ///
    /// If the address cannot be used. The node runs on.
    pub fn open(
        node: &Arc<Node>,
        address: SocketAddr,
        servers: Servers,
        dropped: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let answerer = Answerer { node: Arc::downgrade(node), dropped: Box::new(dropped), servers };
        let router = router(Arc::new(answerer));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .max_blocking_threads(WAITING)
            .build()?;
        let serve = move || {
            runtime.block_on(async {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
                tokio::select! {
                    _ = axum::serve(listener, router) => {}
                    _ = stopped => {}
                }
            });
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new().name("raft-http".to_owned()).spawn(serve)?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it answers.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn router(answerer: Shared) -> Router {
    Router::new()
        .route("/", get(page::index))
        .route("/page/servers", get(page::servers))
        .route("/page/{name}", get(page::file))
        .route("/leader", get(leader))
        .route("/status", get(status))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(answerer)
}

fn told(is_so: bool, body: impl serde::Serialize) -> Response {
    let code = if is_so { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, [(CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

fn stopped() -> Response {
    told(false, json!({ "error": "the node has stopped" }))
}

async fn leader(State(answerer): State<Shared>) -> Response {
    let Some(node) = answerer.node.upgrade() else { return stopped() };
    if let Some(leadership) = node.leadership() {
        let left_us = microseconds(leadership.remaining());
        let token = leadership.fencing_token().to_string();
        let server = node.status().server;
        return told(true, json!({ "leader": server, "fencing_token": token, "left_us": left_us }));
    }
    let status = node.status();
    // Who leads without a lease is not to be sent to either.
    let leader = status.follows();
    let address = leader.and_then(|leader| node.config().address_of(leader));
    told(false, json!({ "leader": leader, "address": address.map(|it| it.to_string()) }))
}

async fn status(State(answerer): State<Shared>, asked: HeaderMap) -> Response {
    let node = answerer.node.upgrade();
    let mut answer = node.map_or_else(stopped, |node| told(true, Snapshot::of(&node)));
    answerer.servers.let_read(&asked, &mut answer);
    answer
}

async fn healthz(State(answerer): State<Shared>) -> Response {
    let asks = move || {
        let node = answerer.node.upgrade()?;
        let patience = PATIENCE.max(2 * *node.config().election_timeout().end());
        Some(node.gets_on(patience.min(5 * PATIENCE)))
    };
    match tokio::task::spawn_blocking(asks).await {
        Ok(Some(gets_on)) => told(gets_on, json!({ "gets_on": gets_on })),
        Ok(None) | Err(_) => stopped(),
    }
}

async fn readyz(State(answerer): State<Shared>) -> Response {
    let Some(node) = answerer.node.upgrade() else { return stopped() };
    let status = node.status();
    let leads = node.leadership().is_some();
    let follows = status.follows().is_some();
    told(leads || follows, json!({ "leads": leads, "follows": follows }))
}

async fn metrics(State(answerer): State<Shared>) -> Response {
    let Some(node) = answerer.node.upgrade() else { return stopped() };
    match metrics::text(&node, (answerer.dropped)()) {
        Ok(text) => ([(CONTENT_TYPE, metrics::CONTENT)], text).into_response(),
        Err(_) => stopped(),
    }
}

#[cfg(test)]
mod tests;

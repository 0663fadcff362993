//! The server of the page: it routes, and keeps what asks too much away.

use std::io;
use std::net::{IpAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use raft_model::explore::catalogue;
use serde_json::{Value, json};

use super::assets::Asset;
use super::maps::Maps;
use super::questions;
use super::runs::{self, Runs};
use super::work::Work;

/// How much a question may bring: traces, at most.
const LARGEST: usize = 64 << 20;

/// What may be loaded: what this server has, and nothing else.
const POLICY: &str = "default-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'; object-src 'none'";

/// What all questions share.
pub(super) struct Shared {
    pub(super) assets: Option<PathBuf>,
    pub(super) work: Work,
    pub(super) maps: Maps,
    pub(super) runs: Runs,
}

/// Serves the page until the process ends.
pub(super) fn serve(listener: TcpListener, shared: Shared) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(16)
        .build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        axum::serve(listener, router(shared)).await
    })
}

fn router(shared: Shared) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/{file}", get(file))
        .route("/api/catalogue", get(known))
        .route("/api/walk", get(questions::walk))
        .route("/api/beside", get(questions::beside))
        .route("/api/difference", get(questions::difference))
        .route("/api/wanted", get(questions::wanted))
        .route("/api/map", get(questions::map))
        .route("/api/states", get(questions::states))
        .route("/api/places", get(questions::places))
        .route("/api/way", get(questions::way))
        .route("/api/take", get(questions::taken))
        .route("/api/progress", get(questions::progress))
        .route("/api/recording", get(runs::named).post(runs::dropped))
        .route("/api/live", get(runs::live))
        .layer(DefaultBodyLimit::max(LARGEST))
        .layer(middleware::from_fn(guarded))
        .with_state(Arc::new(shared))
}

/// Answers only who asks this server by an address or as `localhost`: a name can be made to point
/// here by anybody, so that their page could read this one.
async fn guarded(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    if !host.is_some_and(is_own) {
        let why = "ask by the address, as http://127.0.0.1, or as localhost\n";
        return (StatusCode::FORBIDDEN, why).into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Whether a host is an address or this machine's own name for itself.
fn is_own(host: &str) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((name, _)) => name,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

/// What the page knows before it asks for anything.
async fn known(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let mut known = catalogue().clone();
    known["records"] = json!(matches!(shared.runs, Runs::Recorded(_)));
    known["watches"] = json!(matches!(shared.runs, Runs::Live(_)));
    Json(known)
}

async fn page(state: State<Arc<Shared>>) -> Response {
    file(state, Path(String::new())).await
}

async fn file(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Response {
    let Some(asset) = Asset::named(&name) else {
        return (StatusCode::NOT_FOUND, "there is no such file\n").into_response();
    };
    let content_type = [(header::CONTENT_TYPE, asset.content_type())];
    (content_type, asset.text(shared.assets.as_deref())).into_response()
}

#[cfg(test)]
mod tests {
    use super::is_own;

    #[test]
    fn only_addresses_and_localhost_are_this_server() {
        for host in ["127.0.0.1:3000", "localhost", "LOCALHOST:80", "[::1]:3000", "10.0.0.7"] {
            assert!(is_own(host), "{host}");
        }
        for host in ["", "example.org", "example.org:3000", "127.0.0.1.example.org", "[::1"] {
            assert!(!is_own(host), "{host}");
        }
    }
}

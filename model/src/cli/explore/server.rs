//! The server of the page: it routes, and keeps what asks too much away.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use raft_model::explore::setting::Setting;
use raft_model::explore::{beside, catalogue, walk};
use serde_json::{Value, json};

use super::assets::Asset;
use super::work::{Refused, Work};

/// How much a question may bring: traces, at most.
const LARGEST: usize = 64 << 20;

/// What may be loaded: what this server has, and nothing else.
const POLICY: &str = "default-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'; object-src 'none'";

/// What all questions share.
pub(super) struct Shared {
    pub(super) assets: Option<PathBuf>,
    pub(super) work: Work,
}

type Asked = Query<HashMap<String, String>>;
type Answer = Result<Json<Value>, Refused>;

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
        .route("/api/catalogue", get(async || Json(catalogue())))
        .route("/api/walk", get(walked))
        .route("/api/beside", get(walked_beside))
        .route("/api/difference", get(difference))
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

fn setting(asked: &Asked) -> Result<Setting, Refused> {
    Ok(Setting::parse(|name| asked.get(name).map(String::as_str))?)
}

fn path(asked: &Asked) -> Result<Vec<raft_model::explore::codes::Code>, Refused> {
    Ok(walk::parse(asked.get("path").map_or("", String::as_str))?)
}

fn number(asked: &Asked, name: &str) -> Option<usize> {
    asked.get(name)?.parse().ok()
}

async fn walked(State(shared): State<Arc<Shared>>, asked: Asked) -> Answer {
    let (setting, path) = (setting(&asked)?, path(&asked)?);
    let at = number(&asked, "at").unwrap_or(usize::MAX);
    shared.work.quick(move || walk::told(&setting, &path, at)).await
}

async fn walked_beside(State(shared): State<Arc<Shared>>, asked: Asked) -> Answer {
    let (setting, path) = (setting(&asked)?, path(&asked)?);
    shared.work.quick(move || beside::told(&setting, &path)).await
}

async fn difference(State(shared): State<Arc<Shared>>, asked: Asked) -> Answer {
    let here = setting(&asked)?;
    let there = match asked.get("than") {
        None => here.without_mutant(),
        Some(protocol) => Setting::parse(|name| match name {
            "protocol" => Some(protocol),
            "mutant" => None,
            name => asked.get(name).map(String::as_str),
        })?,
    };
    let search = move |control: &raft_model::search::Control| {
        let mut looked_at = 0;
        let path = beside::first_difference(&here, &there, |count| {
            looked_at = count;
            control.stopped().is_some()
        });
        let codes = |path: Vec<_>| path.iter().map(ToString::to_string).collect::<Vec<_>>();
        json!({ "path": path.map(codes), "looked_at": looked_at })
    };
    shared.work.search(search).await
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

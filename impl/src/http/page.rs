//! The page at `/`: what this server knows, and what the others know whose addresses it was told.
//! The browser asks each of them itself; nothing is fetched for it here.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ORIGIN,
    REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use raft_model::types::ServerId;
use serde_json::{Map, Value};

use super::Shared;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Its files, with their types. Those of `model/web` draw a cluster in the explorer, too.
const FILES: [(&str, &str, &str); 10] = [
    ("", HTML, include_str!("../../web/index.html")),
    ("page.css", CSS, include_str!("../../web/page.css")),
    ("page.js", SCRIPT, include_str!("../../web/page.js")),
    ("views.js", SCRIPT, include_str!("../../web/views.js")),
    ("cluster.js", SCRIPT, include_str!("../../../model/web/cluster.js")),
    ("dom.js", SCRIPT, include_str!("../../../model/web/dom.js")),
    ("geometry.js", SCRIPT, include_str!("../../../model/web/geometry.js")),
    ("words.js", SCRIPT, include_str!("../../../model/web/words.js")),
    (
        "style.css",
        CSS,
        concat!(
            include_str!("../../../model/web/style.css"),
            include_str!("../../../model/web/picture.css")
        ),
    ),
    ("icon.svg", SVG, include_str!("../../../model/web/icon.svg")),
];

/// Where the servers of a cluster answer over HTTP, as browsers reach them: `HOST:PORT`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Servers(Vec<(ServerId, String)>);

impl FromIterator<(ServerId, String)> for Servers {
    fn from_iter<I: IntoIterator<Item = (ServerId, String)>>(servers: I) -> Self {
        Self(servers.into_iter().collect())
    }
}

impl Servers {
    /// What the page may do: nothing but show itself, and ask these servers.
    fn policy(&self) -> String {
        let mut policy =
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                          base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                          connect-src 'self'"
                .to_owned();
        for (_, host) in &self.0 {
            policy.push_str(" http://");
            policy.push_str(host);
        }
        policy
    }

    /// Whether a page of this origin is one of these servers.
    fn has(&self, origin: &HeaderValue) -> bool {
        let host = origin.as_bytes().strip_prefix(b"http://");
        host.is_some_and(|host| self.0.iter().any(|(_, it)| it.as_bytes() == host))
    }

    /// Lets the pages of these servers, and no others, read an answer that a browser got.
    pub(super) fn let_read(&self, asked: &HeaderMap, answer: &mut Response) {
        let headers = answer.headers_mut();
        headers.insert(VARY, HeaderValue::from_static("origin"));
        if let Some(origin) = asked.get(ORIGIN).filter(|&origin| self.has(origin)) {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        }
    }
}

/// `/`: the page itself.
pub(super) async fn index(shared: State<Shared>) -> Response {
    file(shared, Path(String::new())).await
}

/// `/page/NAME`: what it consists of.
pub(super) async fn file(State(shared): State<Shared>, Path(name): Path<String>) -> Response {
    let Some((_, kind, text)) = FILES.into_iter().find(|(it, ..)| *it == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (CONTENT_TYPE, kind),
        (CACHE_CONTROL, "no-cache"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    ([(CONTENT_SECURITY_POLICY, shared.servers.policy())], headers, text).into_response()
}

/// `/page/servers`: where the servers answer.
pub(super) async fn servers(State(shared): State<Shared>) -> Response {
    let servers = &shared.servers.0;
    let servers = servers.iter().map(|(id, host)| (id.number().to_string(), Value::from(&**host)));
    Json(Value::Object(servers.collect::<Map<_, _>>())).into_response()
}

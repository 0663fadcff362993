//! The questions of the page, and who answers them.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Json;
use raft_model::explore::codes::Code;
use raft_model::explore::map::Map;
use raft_model::explore::setting::Setting;
use raft_model::explore::wanted::Wanted;
use raft_model::explore::{beside as elsewhere, svg, take, walk as walks};
use raft_model::search::Control;
use serde_json::{Value, json};

use super::server::Shared;
use super::work::Refused;

type Asked = Query<HashMap<String, String>>;
type Answer = Result<Json<Value>, Refused>;
type Server = State<Arc<Shared>>;

fn setting(asked: &Asked) -> Result<Setting, Refused> {
    Ok(Setting::parse(|name| asked.get(name).map(String::as_str))?)
}

fn path(asked: &Asked) -> Result<Vec<Code>, Refused> {
    Ok(walks::parse(asked.get("path").map_or("", String::as_str))?)
}

fn number<T: std::str::FromStr>(asked: &Asked, name: &str) -> Option<T> {
    asked.get(name)?.parse().ok()
}

fn codes(path: &[Code]) -> Vec<String> {
    path.iter().map(ToString::to_string).collect()
}

/// A path, walked.
pub(super) async fn walk(State(shared): Server, asked: Asked) -> Answer {
    let (setting, path) = (setting(&asked)?, path(&asked)?);
    let at = number(&asked, "at").unwrap_or(usize::MAX);
    shared.work.quick(move || walks::told(&setting, &path, at)).await
}

/// The same causes elsewhere.
pub(super) async fn beside(State(shared): Server, asked: Asked) -> Answer {
    let (setting, path) = (setting(&asked)?, path(&asked)?);
    shared.work.quick(move || elsewhere::told(&setting, &path)).await
}

/// A shortest way to where two elections differ.
pub(super) async fn difference(State(shared): Server, asked: Asked) -> Answer {
    let here = setting(&asked)?;
    let there = match asked.get("than") {
        None => here.without_mutant(),
        Some(protocol) => Setting::parse(|name| match name {
            "protocol" => Some(protocol),
            "mutant" => None,
            name => asked.get(name).map(String::as_str),
        })?,
    };
    let search = move |control: &Control| {
        let mut looked_at = 0;
        let path = elsewhere::first_difference(&here, &there, |count| {
            looked_at = count;
            control.stopped().is_some()
        });
        json!({ "path": path.map(|path| codes(&path)), "looked_at": looked_at })
    };
    shared.work.search(search).await
}

/// A shortest way to a state that one may want to see.
pub(super) async fn wanted(State(shared): Server, asked: Asked) -> Answer {
    let setting = setting(&asked)?;
    let wanted = asked.get("state").and_then(|name| Wanted::named(name));
    let wanted = wanted.ok_or_else(|| Refused::new(&"there is no such state to be wanted"))?;
    let search = move |control: &Control| {
        let path = wanted.find(&setting, |_| control.stopped().is_some());
        json!({ "path": path.map(|path| codes(&path)) })
    };
    shared.work.search(search).await
}

/// All states by classes.
pub(super) async fn map(State(shared): Server, asked: Asked) -> Answer {
    let by_leaders = asked.get("by").is_some_and(|by| by == "leaders");
    with_map(&shared, &asked, move |map| map.classes(by_leaders)).await
}

/// All states, one by one.
pub(super) async fn states(State(shared): Server, asked: Asked) -> Answer {
    with_map(&shared, &asked, |map| map.states()).await
}

/// Where the states of a path are on the map.
pub(super) async fn places(State(shared): Server, asked: Asked) -> Answer {
    let (setting, path) = (setting(&asked)?, path(&asked)?);
    let worlds = move || walks::worlds(&setting, &path);
    with_map(&shared, &asked, move |map| {
        json!(worlds().iter().map(|world| map.place(world)).collect::<Vec<_>>())
    })
    .await
}

/// A shortest way to a state of the map.
pub(super) async fn way(State(shared): Server, asked: Asked) -> Answer {
    let node = number(&asked, "node").ok_or_else(|| Refused::new(&"node: which state?"))?;
    with_map(
        &shared,
        &asked,
        move |map| json!({ "path": map.way_to(node).map(|path| codes(&path)) }),
    )
    .await
}

async fn with_map(
    shared: &Arc<Shared>,
    asked: &Asked,
    tell: impl FnOnce(&dyn Map) -> Value + Send + 'static,
) -> Answer {
    let setting = setting(asked)?;
    let shared_too = Arc::clone(shared);
    let told = shared
        .work
        .search(move |control| match shared_too.maps.get(&setting, control) {
            Some(map) => tell(&*map),
            None => Value::Null,
        })
        .await?;
    if told.0.is_null() {
        return Err(Refused::new(&"there are too many states for a map"));
    }
    Ok(told)
}

fn begins_elsewhere(what: &str) -> String {
    format!("{what} begins where everybody comes up for the first time, and this path does not")
}

/// A path to take away, as text.
pub(super) async fn taken(State(shared): Server, asked: Asked) -> Answer {
    let (setting, path) = (setting(&asked)?, path(&asked)?);
    let form = asked.get("as").map_or("", String::as_str).to_owned();
    shared
        .work
        .fallible(move || match &*form {
            "story" => Ok(json!({ "text": take::story(&setting, &path) })),
            "scenario" if setting.begin.is_some() => Err(begins_elsewhere("a scenario")),
            "tla" if !setting.begins_anew() => Err(begins_elsewhere("a behaviour")),
            "tla" => Ok(json!({ "text": take::behaviour(&setting, &path, "Election") })),
            "scenario" => Ok(json!({ "text": take::script(&setting, &path) })),
            "itf" => Ok(json!({ "text": format!("{:#}\n", take::itf(&setting, &path)) })),
            "svg" => Ok(json!({ "text": svg::picture(&setting, &path) })),
            _ => Err("as: story, scenario, tla, itf or svg".to_owned()),
        })
        .await
}

/// How far the search is that runs.
pub(super) async fn progress(State(shared): Server) -> Json<Value> {
    Json(json!({ "states": shared.work.states() }))
}

//! The logic of the explorer: what its page shows, as JSON. No HTTP stands here, and no rule of the
//! protocol: servers move by [`WorldModel::apply`](crate::world::WorldModel::apply) alone.
//!
//! A **path** is a list of causes ([`codes`]), not of numbers of choices or of states. So a link
//! survives other bounds, can be played on a mutant or by another protocol, and says where it stops
//! being possible.
//!
//! * [`setting`]: which servers, by which election, within which bounds; as in a link
//! * [`codes`]: causes, short enough for a link
//! * [`walk`]: a path, walked: each step, what can happen next, what breaks
//! * [`beside`]: the same causes elsewhere, and the first difference
//! * [`ways`], [`wanted`], [`scenario`]: where one may want to go
//! * [`map`]: all states, by classes
//! * [`run`]: what real servers did, recorded or live
//! * `exercise`: mistakes to find
//! * [`take`], [`svg`]: a path to take away
//! * `shortest`: a shortest path to a step that is wanted
//! * `tell`, `effect`, `evidence`: worlds, what a step changed, why a property is broken

pub mod begin;
pub mod beside;
pub mod codes;
mod effect;
pub mod evidence;
mod exercise;
pub mod map;
pub mod run;
pub mod scenario;
pub mod setting;
mod shortest;
pub mod svg;
pub mod take;
mod tell;
pub mod walk;
pub mod wanted;
pub mod ways;

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::cluster::Protocol;
use crate::liveness::LIVENESS;
use crate::mutant::{Catch, MUTANTS};
use crate::world::Handlers;
use crate::world::properties::Property;
use scenario::SCRIPTS;
use wanted::WANTED;

/// Where the exercises begin: a link.
pub fn first_exercise() -> Option<String> {
    exercise::told()[0]["way"].as_str().map(str::to_owned)
}

/// What the page knows before it asks for anything: protocols, properties, mutants. Scenarios are
/// played for it, once.
pub fn catalogue() -> &'static Value {
    static CATALOGUE: LazyLock<Value> = LazyLock::new(collected);
    &CATALOGUE
}

fn collected() -> Value {
    let protocols = Protocol::ALL
        .map(|protocol| json!({ "name": protocol.name(), "says": protocol_says(protocol) }));
    let properties = Property::ALL
        .map(|property| json!({ "name": property.to_string(), "says": property.says() }));
    let mutants = MUTANTS.iter().map(|mutant| {
        let caught_by = match mutant.caught_by {
            Catch::Safety(property) => json!({ "safety": property.to_string() }),
            Catch::Liveness(property) => json!({ "liveness": property.to_string() }),
            Catch::Counts => json!("counts"),
            Catch::Test(file) => json!({ "test": file }),
        };
        json!({
            "name": mutant.name,
            "says": mutant.says,
            "source": mutant.source,
            "remark": mutant.remark,
            "protocol": mutant.protocol.name(),
            "caught_by": caught_by,
            "way": ways::kept(&ways::of_mutant(mutant)),
        })
    });
    let lassos = ways::lassos().filter_map(|(protocol, without)| {
        Some(json!({
            "without": without.name(),
            "protocol": protocol.name(),
            "says": without.without(),
            "way": ways::kept(&ways::of_lasso(protocol, without))?,
        }))
    });
    let liveness =
        LIVENESS.map(|property| json!({ "name": property.to_string(), "says": property.says() }));
    let topologies = ways::topologies().filter_map(|(protocol, size, links, name)| {
        Some(json!({
            "name": format!("{name}, {size} servers"),
            "protocol": protocol.name(),
            "says": format!("no leader stays on {links}"),
            "way": ways::kept(&ways::of_topology(protocol, size, links))?,
        }))
    });
    let wanted = WANTED.iter().map(
        |wanted| json!({ "name": wanted.name, "says": wanted.says, "guarded": wanted.guarded }),
    );
    json!({
        "specification": setting::specification(),
        "liveness": liveness,
        "lassos": lassos.collect::<Value>(),
        "topologies": topologies.collect::<Value>(),
        "wanted": wanted.collect::<Value>(),
        "exercises": exercise::told(),
        "scenarios": scenarios(),
        "protocols": protocols,
        "properties": properties,
        "mutants": mutants.collect::<Value>(),
    })
}

/// Every story of the scripts, as a link.
fn scenarios() -> Value {
    let stories = SCRIPTS.iter().flat_map(|(name, script)| {
        let plays = scenario::play(Handlers::RAFT, script).map_or(Vec::new(), |(_, plays)| plays);
        let count = plays.len();
        (1..).zip(plays).map(move |(number, play)| {
            let part = if count > 1 { format!(", {number} of {count}") } else { String::new() };
            let way = format!("{}&path={}", play.setting, walk::written(&play.path));
            let name = format!("{}{part}", name.replace('_', " "));
            json!({ "name": name, "says": scenario::title(script), "way": way })
        })
    });
    stories.collect()
}

const fn protocol_says(protocol: Protocol) -> &'static str {
    match (protocol.pre_vote(), protocol.check_quorum()) {
        (false, false) => "the paper's Figure 2, without guards",
        (true, false) => "whoever wants to be elected asks first whether it would be",
        (false, true) => "followers stay in contact with their leader, a leader with its quorum",
        (true, true) => "both guards, as the node elects",
    }
}

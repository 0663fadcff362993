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
//! * `tell`, `effect`, `evidence`: worlds, what a step changed, why a property is broken

pub mod beside;
pub mod codes;
mod effect;
pub mod evidence;
pub mod setting;
mod tell;
pub mod walk;

use serde_json::{Value, json};

use crate::cluster::Protocol;
use crate::mutant::{Catch, MUTANTS};
use crate::world::properties::Property;

/// What the page knows before it asks for anything: protocols, properties, mutants.
pub fn catalogue() -> Value {
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
        })
    });
    json!({
        "specification": setting::specification(),
        "protocols": protocols,
        "properties": properties,
        "mutants": mutants.collect::<Value>(),
    })
}

const fn protocol_says(protocol: Protocol) -> &'static str {
    match (protocol.pre_vote(), protocol.check_quorum()) {
        (false, false) => "the paper's Figure 2, without guards",
        (true, false) => "whoever wants to be elected asks first whether it would be",
        (false, true) => "followers stay in contact with their leader, a leader with its quorum",
        (true, true) => "both guards, as the node elects",
    }
}

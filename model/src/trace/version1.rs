//! Lines of version 1 of traces, as lines of today. What servers did then is what they do without
//! guards; only what guards added is missing in the words for it.

use serde_json::{Value, json};

use super::{Line, VERSION};
use crate::number;

/// The line that a body of version 1 is; `None` if it is none.
pub(super) fn read(body: &str) -> Option<Line> {
    let line: Value = serde_json::from_str(body).ok()?;
    // A line that is written in another way is no line.
    let written = line.to_string();
    if written != body {
        return None;
    }
    let upgraded = number::strings(upgraded(line));
    let line = serde_json::from_value(upgraded.clone()).ok()?;
    match line {
        Line::Header(header) if header.version == VERSION => None,
        // Nor is one that says more than a line does.
        line => (serde_json::to_value(&line).ok()? == upgraded).then_some(line),
    }
}

fn upgraded(value: Value) -> Value {
    match value {
        Value::String(role) if role == "Follower" => json!({ "Follower": { "contact": false } }),
        Value::String(role) if role == "Leader" => {
            json!({ "Leader": { "round": 1, "answered": [], "beats": 0 } })
        }
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| with_guards(name, value)).collect()
        }
        Value::Array(items) => items.into_iter().map(upgraded).collect(),
        other => other,
    }
}

/// A field, with what guards add to it.
fn with_guards(name: String, value: Value) -> (String, Value) {
    let mut value = upgraded(value);
    let added = match name.as_str() {
        "RequestVote" => ("hand_over", json!(false)),
        "AppendEntries" => ("round", json!(1)),
        "AppendEntriesResponse" => ("round", json!(null)),
        "Timeout" => ("attempt", json!(1)),
        _ => return (name, value),
    };
    if let Value::Object(fields) = &mut value {
        fields.entry(added.0).or_insert(added.1);
    }
    (name, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(cause: &str, role: &str, rule: &str, outgoing: &str) -> String {
        format!(
            r#"{{"step":{{"server":2,"boot":9,"sequence":3,"wall_us":1,"monotonic_us":5,"cause":{cause},"step":{{"state":{{"ballot":{{"current_term":1,"voted_for":1}},"role":{role}}},"rule":"{rule}","persist":true,"outgoing":{outgoing},"restart_timer":true}}}}}}"#
        )
    }

    /// Each kind of message and of role, as version 1 wrote it and as it is written now.
    #[test]
    fn a_line_of_version_1_is_read_as_one_without_guards() {
        let before = r#"{"ballot":{"current_term":0,"voted_for":null},"role":ROLE}"#;
        let cause = format!(
            r#"{{"Receive":{{"before":{before},"from":1,"message":MESSAGE,"sent_in":{{"boot":7,"sequence":1}}}}}}"#
        );
        let timeout = format!(r#"{{"Timeout":{{"before":{before}}}}}"#);
        let follower = ["\"Follower\"", r#"{"Follower":{"contact":false}}"#];
        let leader = ["\"Leader\"", r#"{"Leader":{"round":1,"answered":[],"beats":0}}"#];
        let request =
            [r#"{"RequestVote":{"term":1}}"#, r#"{"RequestVote":{"term":1,"hand_over":false}}"#];
        let heartbeat =
            [r#"{"AppendEntries":{"term":1}}"#, r#"{"AppendEntries":{"term":1,"round":1}}"#];
        let answer = [
            r#"{"AppendEntriesResponse":{"term":1}}"#,
            r#"{"AppendEntriesResponse":{"term":1,"round":null}}"#,
        ];
        for (role, message, sent) in [(follower, request, answer), (leader, heartbeat, request)] {
            let [old, new] = [0, 1].map(|version| {
                let cause =
                    cause.replace("ROLE", role[version]).replace("MESSAGE", message[version]);
                let outgoing = format!(r#"{{"Reply":{{"to":1,"message":{}}}}}"#, sent[version]);
                step(&cause, role[version], "VoteGranted", &outgoing)
            });
            assert_eq!(read(&old), Some(serde_json::from_str(&new).unwrap()), "{old}");
            assert_eq!(read(&old.replace(':', ": ")), None, "it is written in another way");
            let more = old.replace(r#""term":1"#, r#""term":1,"colour":2"#);
            assert_eq!(read(&more), None, "it says more than a line does");
        }
        let [old, new] =
            [timeout.clone(), timeout.replace("}}}", "},\"attempt\":1}}")].map(|cause| {
                step(&cause.replace("ROLE", follower[1]), follower[1], "Campaigned", "\"Nothing\"")
            });
        assert_eq!(read(&old), Some(serde_json::from_str(&new).unwrap()), "{old}");
    }

    #[test]
    fn a_header_of_version_1_is_read_and_one_of_this_version_is_no_older_one() {
        let header = |version: u32| {
            format!(
                r#"{{"header":{{"version":{version},"cluster":"demo","servers":3,"addresses":["a","b","c"],"server":2,"boot":7,"heartbeat_ms":50,"election_ms":[150,300],"program":"raft-node 0.1.0"}}}}"#
            )
        };
        let Some(Line::Header(read_header)) = read(&header(1)) else { panic!("it is a header") };
        assert_eq!((read_header.version, read_header.boot, read_header.sequence), (1, 7, 0));
        assert_eq!(read(&header(VERSION)), None);
    }
}

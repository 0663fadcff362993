//! A recorded run.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{MOST, cluster, step};
use crate::trace::clocks::Clocks;
use crate::trace::reader::{Reader, ReplayError};
use crate::trace::replay::replay;
use crate::trace::{Header, Line, Record};

/// What these traces tell, after the specification has done it again.
///
/// # Errors
///
/// [`ReplayError`] if a file is no trace, or tells what cannot have happened.
pub fn recorded(paths: &[PathBuf]) -> Result<Value, ReplayError> {
    let report = replay(paths)?;
    let mut records: Vec<Record> = Vec::new();
    let mut header: Option<Header> = None;
    for path in paths {
        let mut reader = Reader::open(path)?;
        while let Some((_, line)) = reader.next()? {
            match line {
                Line::Header(one) => header = Some(one),
                Line::Step(record) => records.push(record),
                Line::End(_) => {}
            }
        }
    }
    let clocks = Clocks::read(paths)?;
    records.sort_by_key(|record| (record.wall_us, record.server, record.boot, record.sequence));
    let left_out = records.len().saturating_sub(MOST);
    let first = records.first().map_or(0, |record| record.wall_us);
    let steps = records[left_out..].iter().map(|record| step(record, report.servers));
    let elected = report.elected.iter().map(|(term, server)| {
        let after = report.elected_after.get(term);
        json!({
            "term": term,
            "server": server,
            "us": after.map(|after| first + u64::try_from(after.as_micros()).unwrap_or(u64::MAX)),
        })
    });
    Ok(json!({
        "cluster": header.as_ref().map(cluster),
        "steps": steps.collect::<Value>(),
        "left_out": left_out,
        "records": report.records,
        "runs": report.runs,
        "received": report.received,
        "on_trust": report.on_trust,
        "elected": elected.collect::<Value>(),
        "notes": report.notes,
        "early": clocks.early(),
        "ahead_us": clocks.ahead(),
    }))
}

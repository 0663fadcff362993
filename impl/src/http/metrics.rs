//! What a node knows, as numbers for Prometheus. They are made of its status when they are asked
//! for, and kept nowhere else.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet, prometheus_text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use raft_model::types::ServerId;

use crate::Node;
use crate::control::Snapshot;
use crate::status::{Histogram, Status};

/// The type of this text.
pub(super) const CONTENT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The numbers of this node at the moment.
pub(super) fn text(node: &Node, dropped: u64) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("raft");
    let numbers = Numbers { now: Snapshot::of(node), status: node.status(), dropped };
    registry.register_collector(Box::new(numbers));
    let mut text = String::new();
    prometheus_text::encode(&mut text, &registry)?;
    Ok(text)
}

#[derive(Debug)]
struct Numbers {
    now: Snapshot,
    status: Status,
    dropped: u64,
}

/// Labels and their values.
type Labels<const N: usize> = [(&'static str, String); N];

/// The peer of datagrams that come from an address that no server has.
const NOBODY: &str = "unknown";

/// Times, as they are encoded.
#[derive(Debug)]
struct Times<'a>(&'a Histogram);

impl EncodeMetric for Times<'_> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        // The encoder adds the one without a bound.
        let bounded = self.0.buckets().filter_map(|(it, count)| Some((it?.as_secs_f64(), count)));
        let buckets: Vec<_> = bounded.collect();
        let (sum, count) = (self.0.sum().as_secs_f64(), self.0.count());
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

/// Where numbers are written.
struct Writer<'a>(DescriptorEncoder<'a>);

impl Writer<'_> {
    fn gauge(&mut self, name: &str, help: &str, unit: Option<&Unit>, value: f64) -> fmt::Result {
        let encoder = self.0.encode_descriptor(name, help, unit, MetricType::Gauge)?;
        ConstGauge::new(value).encode(encoder)
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let encoder = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        ConstCounter::new(value).encode(encoder)
    }

    fn times(&mut self, name: &str, help: &str, times: &Histogram) -> fmt::Result {
        let unit = Some(&Unit::Seconds);
        let encoder = self.0.encode_descriptor(name, help, unit, MetricType::Histogram)?;
        Times(times).encode(encoder)
    }

    /// A number for each label; none for those that have no value.
    fn each<M: EncodeMetric, const N: usize>(
        &mut self,
        (name, help, unit): (&str, &str, Option<&Unit>),
        kind: MetricType,
        values: impl Iterator<Item = (Labels<N>, Option<M>)>,
    ) -> fmt::Result {
        let mut encoder = self.0.encode_descriptor(name, help, unit, kind)?;
        for (label, value) in values {
            if let Some(value) = value {
                value.encode(encoder.encode_family(&label)?)?;
            }
        }
        Ok(())
    }
}

/// A share of a number that stays far below 2^53.
#[expect(clippy::cast_precision_loss, reason = "it would take centuries to lose any")]
fn number(value: u64) -> f64 {
    value as f64
}

fn seconds(microseconds: u64) -> f64 {
    number(microseconds) / 1e6
}

impl Collector for Numbers {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut writer = Writer(encoder);
        self.office(&mut writer)?;
        self.datagrams(&mut writer)?;
        self.peers(&mut writer)?;
        self.stalls(&mut writer)
    }
}

impl Numbers {
    fn office(&self, to: &mut Writer<'_>) -> fmt::Result {
        let status = &self.now.status;
        let left = status.leadership.map_or(0, |lease| lease.left_us);
        let leads = self.status.state.role.is_leader().then_some(status.server);
        let leader = leads.or(self.status.follows()).map_or(0, ServerId::number);
        let program = [
            ("cluster", self.now.cluster.clone()),
            ("program", self.now.program.clone()),
            ("protocol", status.protocol.clone()),
            ("authentication", status.authentication.clone()),
        ];
        let info = [(program, Some(ConstGauge::new(1.0)))].into_iter();
        to.each(("info", "1, and which node that is", None), MetricType::Gauge, info)?;
        to.gauge("server", "The number of this server", None, status.server.number().into())?;
        to.gauge("term", "The latest term that it has seen", None, number(status.term.number()))?;
        let roles = ["follower", "pre-candidate", "candidate", "leader"];
        to.each(
            ("role", "1 for the role that it has", None),
            MetricType::Gauge,
            roles.into_iter().map(|role| {
                let is_so = f64::from(u8::from(role == status.role));
                ([("role", role.to_owned())], Some(ConstGauge::new(is_so)))
            }),
        )?;
        to.gauge(
            "leader",
            "The server that it follows, or itself if it leads; 0 if neither",
            None,
            leader.into(),
        )?;
        let help = "How long it may act as the leader; 0 if it may not";
        to.gauge("lease_remaining", help, Some(&Unit::Seconds), seconds(left))?;
        let elections = &status.elections;
        to.counter("campaigns", "How often it stood for election", elections.campaigns)?;
        to.counter("elections_won", "How often it was elected", elections.won)
    }

    fn datagrams(&self, to: &mut Writer<'_>) -> fmt::Result {
        let datagrams = &self.now.status.datagrams;
        to.counter("datagrams_sent", "Handed to the network", datagrams.sent)?;
        to.counter("datagrams_not_sent", "Refused by the network", datagrams.not_sent)?;
        to.counter("datagrams_received", "Received and believed", datagrams.received)?;
        to.counter("greetings", "Hellos and answers received and believed", datagrams.greetings)?;
        to.counter("datagram_errors", "Errors instead of a datagram", datagrams.errors)?;
        let sources = self.status.peers().map(|(peer, _)| Some(peer)).chain([None]);
        let rejected = sources.flat_map(|source| {
            let peer = source.map_or(NOBODY.to_owned(), |peer| peer.number().to_string());
            self.status.datagrams.rejected_from(source).map(move |(reason, count)| {
                let labels = [("reason", reason.name().to_owned()), ("peer", peer.clone())];
                (labels, Some(ConstCounter::new(count)))
            })
        });
        let help = "Received and not believed, by reason and by whose address they came from";
        to.each(("datagrams_rejected", help, None), MetricType::Counter, rejected)
    }

    fn peers(&self, to: &mut Writer<'_>) -> fmt::Result {
        let peers = &self.now.status.peers;
        let label = |server: ServerId| [("peer", server.number().to_string())];
        let silence = |us: Option<u64>| us.map(|us| ConstGauge::new(seconds(us)));
        to.each(
            ("peer_silence", "Since a message of it arrived", Some(&Unit::Seconds)),
            MetricType::Gauge,
            peers.iter().map(|peer| (label(peer.server), silence(peer.heard_us_ago))),
        )?;
        let help = "From the opening of a round to its first answer to it, while this server led";
        to.each(
            ("peer_round_trip", help, Some(&Unit::Seconds)),
            MetricType::Histogram,
            self.status.peers().map(|(it, peer)| (label(it), Some(Times(&peer.round_trips)))),
        )?;
        to.each(
            ("peer_answers", "Answers of it that arrived", None),
            MetricType::Counter,
            peers.iter().map(|it| (label(it.server), Some(ConstCounter::new(it.answered)))),
        )?;
        let help = "Messages of an earlier run of it that came after those of a later one";
        to.each(
            ("peer_went_back", help, None),
            MetricType::Counter,
            peers.iter().map(|it| (label(it.server), Some(ConstCounter::new(it.went_back)))),
        )
    }

    fn stalls(&self, to: &mut Writer<'_>) -> fmt::Result {
        to.times("save", "From a new ballot until it is on the disk", &self.status.saves)?;
        let help = "How late the timer of the server fired";
        to.times("timer_delay", help, &self.status.delays)?;
        let stalls = &self.now.status.stalls;
        let help = "Timers that fired later than by half an election minimum";
        to.counter("late_timers", help, stalls.late_timers)?;
        let help = "Saves of the ballot that took longer than half an election minimum";
        to.counter("slow_saves", help, stalls.slow_saves)?;
        let help = "The longest of all of these";
        to.gauge("longest_stall", help, Some(&Unit::Seconds), seconds(stalls.longest_us))?;
        to.counter("log_lines_dropped", "Lines of its log that nobody read in time", self.dropped)
    }
}

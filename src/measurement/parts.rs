//! Where the time of requests went: the parts of a latency, and what was counted of connections and responses.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::LatencyHistogram;
use super::totals::add_counts;

/// Latency parts and cold starts of one request name in one phase and arm.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Parts {
    /// Waiting for an idle user, which the target caused.
    #[serde(default, skip_serializing_if = "LatencyHistogram::is_empty")]
    pub queue: LatencyHistogram,
    /// The generator's own delay.
    #[serde(default, skip_serializing_if = "LatencyHistogram::is_empty")]
    pub late: LatencyHistogram,
    /// From sending to the end of the response.
    #[serde(default, skip_serializing_if = "LatencyHistogram::is_empty")]
    pub service: LatencyHistogram,
    /// The same of requests that opened a connection; the others reused one.
    #[serde(default, skip_serializing_if = "LatencyHistogram::is_empty")]
    pub opened: LatencyHistogram,
    /// Name resolution, of new connections.
    #[serde(default, skip_serializing_if = "LatencyHistogram::is_empty")]
    pub dns: LatencyHistogram,
    /// TCP connect, of new connections.
    #[serde(default, skip_serializing_if = "LatencyHistogram::is_empty")]
    pub connect: LatencyHistogram,
    /// TLS handshake, of new connections.
    #[serde(default, skip_serializing_if = "LatencyHistogram::is_empty")]
    pub tls: LatencyHistogram,
    /// From the last byte of the request to the first byte of the response.
    #[serde(default, skip_serializing_if = "LatencyHistogram::is_empty")]
    pub first_byte: LatencyHistogram,
    /// From the first to the last byte of the response.
    #[serde(default, skip_serializing_if = "LatencyHistogram::is_empty")]
    pub body: LatencyHistogram,
    /// Latency of responses that a cold start delayed, including failures, if the scenario says how cold starts are
    /// marked.
    #[serde(default, skip_serializing_if = "LatencyHistogram::is_empty")]
    pub cold: LatencyHistogram,
    /// Latency of the other successful responses, if the scenario says how cold starts are marked.
    #[serde(default, skip_serializing_if = "LatencyHistogram::is_empty")]
    pub warm: LatencyHistogram,
    /// Responses with the header that marks cold starts, whatever its value.
    #[serde(default, rename = "told")]
    pub marked: u64,
    /// Connections opened.
    #[serde(default)]
    pub connections: u64,
    /// Reused connections that the server had closed and that were opened again.
    #[serde(default)]
    pub reopened: u64,
    /// Requests that were written to a reused connection, got no response and were sent again, whatever the outcome.
    #[serde(default)]
    pub resent: u64,
    /// Responses by status: of a request that was redirected, the last one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub statuses: BTreeMap<u16, u64>,
    /// Successful redirects that were not followed and that no `expect.status` lists.
    #[serde(default)]
    pub unfollowed: u64,
    /// Address of the first redirect that was not followed, without credentials, query and fragment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect: Option<String>,
    /// Bytes received.
    #[serde(default)]
    pub bytes: u64,
}

/// One part of a request's latency that is the target's doing, in the order in which they follow each other.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Waiting for an idle user.
    Queue,
    /// Name resolution.
    Dns,
    /// TCP connect.
    Connect,
    /// TLS handshake.
    Tls,
    /// From the last byte of the request to the first byte of the response.
    FirstByte,
    /// From the first to the last byte of the response.
    Body,
}

impl Part {
    /// All of them, in their order.
    pub const ALL: [Self; 6] = [
        Self::Queue,
        Self::Dns,
        Self::Connect,
        Self::Tls,
        Self::FirstByte,
        Self::Body,
    ];
}

/// References to all histograms of some parts; mutable ones with `mut`.
macro_rules! histograms {
    ($of:ident $($mutable:ident)?) => {
        [
            &$($mutable)? $of.queue,
            &$($mutable)? $of.late,
            &$($mutable)? $of.service,
            &$($mutable)? $of.opened,
            &$($mutable)? $of.dns,
            &$($mutable)? $of.connect,
            &$($mutable)? $of.tls,
            &$($mutable)? $of.first_byte,
            &$($mutable)? $of.body,
            &$($mutable)? $of.cold,
            &$($mutable)? $of.warm,
        ]
    };
}

impl Parts {
    /// The times of one part, of those requests that had it.
    pub fn times(&self, part: Part) -> &LatencyHistogram {
        match part {
            Part::Queue => &self.queue,
            Part::Dns => &self.dns,
            Part::Connect => &self.connect,
            Part::Tls => &self.tls,
            Part::FirstByte => &self.first_byte,
            Part::Body => &self.body,
        }
    }

    /// The quantile `q` of one part over all requests, in seconds: a request that did not have it spent no time in it.
    pub fn quantile(&self, part: Part, q: f64) -> f64 {
        let times = self.times(part);
        let (all, had) = (self.service.count() as f64, times.count() as f64);
        let without = (all - had).max(0.0);
        let above = q * all.max(had) - without;
        if had <= 0.0 || above <= 0.0 {
            return 0.0;
        }
        times.quantile((above / had).min(1.0)).unwrap_or(0.0)
    }

    /// Keeps the parts in little memory; see [`LatencyHistogram::compact`].
    pub fn compact(&mut self) {
        let histograms = histograms!(self mut);
        histograms.into_iter().for_each(LatencyHistogram::compact);
    }

    /// The same at two significant digits, which is what explaining a change takes: a third of the size.
    #[must_use]
    pub fn to_coarse(&self) -> Self {
        let mut coarse = self.clone();
        for latencies in histograms!(coarse mut) {
            *latencies = latencies.to_coarse();
        }
        coarse.compact();
        coarse
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in histograms!(self mut).into_iter().zip(histograms!(other)) {
            mine.merge(theirs);
        }
        self.marked += other.marked;
        self.connections += other.connections;
        self.reopened += other.reopened;
        self.bytes += other.bytes;
        self.merge_wire(other);
    }

    /// Adds what `other` says of responses beside their times.
    pub fn merge_wire(&mut self, other: &Self) {
        self.resent += other.resent;
        add_counts(&mut self.statuses, &other.statuses);
        self.unfollowed += other.unfollowed;
        if self.redirect.is_none() {
            self.redirect.clone_from(&other.redirect);
        }
    }
}

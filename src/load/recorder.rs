//! What one core measures, with no lock: open histograms for the slice that runs, compact ones for those that ended.

use std::sync::Arc;
use std::time::Duration;

use super::http::Exchange;
use super::live_counters::LiveCounters;
use super::prepared::Lane;
use super::redirect;
use super::timeline::Timeline;
use super::timetable::{SliceWindow, Timetable};
use crate::measurement::{
    Arm, ColdStartMark, FailureKind, Flow, LatencyHistogram, Measurement, Parts, RequestId,
    RequestStats, SentRequest, Slice, SliceInstants,
};

/// So many late finishers are kept apart before they are merged: 1.5 MB, far more than a healthy run has.
const STRAGGLERS: usize = 64 * 1024;

/// One request and what came of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestSample<'a> {
    /// Index of the request name.
    pub(super) request: usize,
    /// Index of its name and class.
    pub(super) lane: usize,
    /// When it was due, in its arm's time.
    pub(super) due: Duration,
    /// When its response was whole, or its failure known, in its arm's time.
    pub(super) ended: Duration,
    /// The same since the start of the load.
    pub(super) done: Duration,
    /// From when it was due until it ended.
    pub(super) latency: Duration,
    /// Until a user was there to send it: the target's doing.
    pub(super) queue: Duration,
    /// From then until it was sent: the generator's own delay.
    pub(super) late: Duration,
    /// From sending to the end.
    pub(super) service: Duration,
    /// Why it failed, if it did.
    pub(super) failure: Option<FailureKind>,
    /// What the response says of a cold start.
    pub(super) start: ColdStartMark,
    /// The id in its response, if requests are kept one by one.
    pub(super) id: Option<RequestId>,
    /// What became of it on the wire; none where nothing was sent, or nobody waited for its end.
    pub(super) exchange: Option<&'a Exchange>,
}

/// A request that ended after its slice had.
#[derive(Clone, Copy)]
struct LateCompletion {
    slice: u32,
    request: u32,
    latency: Duration,
    late: Duration,
    failure: Option<FailureKind>,
    start: ColdStartMark,
}

/// Records the requests of one arm on one core.
#[derive(Clone)]
pub(super) struct Recorder {
    table: Arc<Timetable>,
    names: usize,
    /// Index of the running slice.
    running: usize,
    late: LatencyHistogram,
    cells: Vec<RequestStats>,
    flow: Flowing,
    ended: Vec<Slice>,
    stragglers: Vec<LateCompletion>,
    /// By phase, arm and request.
    parts: Vec<Running>,
    timeline: Timeline,
    requests: Requests,
    sent: Vec<SentRequest>,
}

/// What is kept of requests beside their sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Requests {
    /// Nothing.
    Summed,
    /// Each one whose response has an id.
    Kept,
}

impl Recorder {
    pub(super) fn new(
        table: Arc<Timetable>,
        (names, lanes): (usize, &[Lane]),
        pulse: Arc<LiveCounters>,
        requests: Requests,
    ) -> Self {
        let phases = table.windows.iter().map(|window| window.phase + 1).max();
        Self {
            running: 0,
            late: LatencyHistogram::new(),
            cells: vec![RequestStats::default(); names],
            flow: Flowing::new(&table, lanes),
            ended: Vec::with_capacity(table.slices.len()),
            stragglers: Vec::new(),
            parts: vec![Running::default(); phases.unwrap_or(0) * ARMS.len() * names],
            timeline: Timeline::new(pulse),
            requests,
            sent: Vec::new(),
            table,
            names,
        }
    }

    /// A recorder of no load, to leave in the place of one.
    pub(super) fn nothing() -> Self {
        Self::new(Arc::default(), (0, &[]), Arc::default(), Requests::Summed)
    }

    /// Counts a user in.
    pub(super) fn join(&mut self, at: Duration) {
        self.timeline.join(at);
    }

    /// Counts a user out.
    pub(super) fn leave(&mut self, at: Duration) {
        self.timeline.leave(at);
    }

    /// The arm rests: its users send nothing until it is resumed.
    pub(super) fn rest(&mut self, at: Duration) {
        self.timeline.rest(at);
    }

    /// The arm is loaded again.
    pub(super) fn resume(&mut self, at: Duration) {
        self.timeline.resume(at);
    }

    /// Counts one request.
    pub(super) fn record(&mut self, sample: &RequestSample<'_>) {
        self.roll_to(sample.ended);
        let slice = if sample.due >= self.table.slices[self.running].start {
            self.running
        } else {
            self.table.slice_at(sample.due)
        };
        if slice == self.running {
            self.late.record(sample.late);
            add(
                &mut self.cells[sample.request],
                sample.latency,
                (sample.failure, sample.start),
            );
        } else {
            self.straggle(slice, sample);
        }
        self.note_flow(sample);
        self.timeline
            .record(sample.done, sample.latency, sample.failure);
        let window = self.table.window_of(slice);
        let place = self.place(window.phase, window.arm) + sample.request;
        self.parts[place].record(sample);
        if self.requests == Requests::Kept {
            self.keep(sample, slice);
        }
    }

    /// Keeps a request whose response has an id. Of more slices than any sensible run has, none are kept.
    fn keep(&mut self, sample: &RequestSample<'_>, slice: usize) {
        let answer = sample.exchange.map(|exchange| &exchange.outcome);
        let (Some(Ok(answer)), Some(id), Ok(slice)) = (answer, sample.id, u16::try_from(slice))
        else {
            return;
        };
        let micros = |time: Duration| u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
        self.sent.push(SentRequest {
            id,
            arm: self.table.window_of(usize::from(slice)).arm,
            status: answer.status,
            request: u16::try_from(sample.request).unwrap_or(u16::MAX),
            slice,
            service_us: micros(sample.service),
            latency_us: micros(sample.latency),
            succeeded: sample.failure.is_none(),
        });
    }

    fn place(&self, phase: usize, arm: Arm) -> usize {
        let arm = match arm {
            Arm::Target => 0,
            Arm::Base => 1,
        };
        (phase * ARMS.len() + arm) * self.names
    }

    /// Ends the slices that have passed by an instant.
    fn roll_to(&mut self, now: Duration) {
        while self
            .table
            .slices
            .get(self.running + 1)
            .is_some_and(|next| next.start <= now)
        {
            let slice = self.end_slice();
            self.ended.push(slice);
            let before = self.table.window_of(self.running);
            let (phase, arm) = (before.phase, before.arm);
            self.running += 1;
            self.flow.enter(&self.table.slices[self.running]);
            if self.table.window_of(self.running).phase != phase {
                let place = self.place(phase, arm);
                for parts in &mut self.parts[place..place + self.names] {
                    parts.compact();
                }
            }
        }
    }

    /// Takes what the running slice recorded, in its compact form.
    fn end_slice(&mut self) -> Slice {
        let window = self.table.window_of(self.running);
        let slice = &self.table.slices[self.running];
        Slice {
            phase: window.phase,
            pass: window.pass,
            arm: window.arm,
            pair: None,
            start: slice.start,
            length: slice.length,
            late: self.late.take_compact(),
            cells: self
                .cells
                .iter_mut()
                .map(RequestStats::take_compact)
                .collect(),
            flows: self.flow.take(),
        }
    }

    /// Notes when a request ended, and how long it was waited for.
    fn note_flow(&mut self, sample: &RequestSample<'_>) {
        let slice = &self.table.slices[self.running];
        let end = slice.start + slice.length;
        // The arm's time stands still at the end of a slice until all has ended.
        let is_paused =
            sample.ended >= end || (sample.ended == slice.start && sample.due < slice.start);
        if is_paused {
            self.note_after(sample);
            return;
        }
        let flow = &mut self.flow;
        let bit = flow.advance(sample.ended);
        let lane = &mut flow.lanes[sample.lane];
        match sample.failure {
            None | Some(FailureKind::Resent) => lane.succeeded |= bit,
            Some(_) => lane.waited |= bit,
        }
        if sample.failure.is_none_or(FailureKind::is_response) {
            lane.complete(sample.ended.saturating_sub(flow.start));
        }
        if sample.service > flow.moments.length() {
            self.note_wait(sample, sample.ended);
        }
    }

    /// Notes a request that ended while the arm's time stood still.
    fn note_after(&mut self, sample: &RequestSample<'_>) {
        if sample.service.is_zero() {
            return;
        }
        self.note_wait(sample, sample.ended);
        let after = (sample.due + sample.latency).saturating_sub(sample.ended);
        let before = self.running.saturating_sub(1);
        let flows = if self.table.slices[self.running].start == sample.ended {
            self.ended.get_mut(before).map(|slice| &mut slice.flows)
        } else {
            Some(&mut self.flow.lanes)
        };
        if let Some(flows) = flows {
            flows[sample.lane].end_after(after, sample.failure.is_none());
        }
    }

    /// Notes the moments in which a request was in flight.
    fn note_wait(&mut self, sample: &RequestSample<'_>, until: Duration) {
        let from = sample.due + sample.queue + sample.late;
        if from >= until {
            return;
        }
        for index in self.table.slice_at(from)..=self.running {
            let slice = &self.table.slices[index];
            let into = |time: Duration| time.saturating_sub(slice.start).min(slice.length);
            if slice.start >= until {
                break;
            }
            let bits = SliceInstants::new(slice.length).between(into(from), into(until));
            let flows = match self.ended.get_mut(index) {
                Some(ended) => &mut ended.flows,
                None => &mut self.flow.lanes,
            };
            flows[sample.lane].waited |= bits;
        }
    }

    fn straggle(&mut self, slice: usize, sample: &RequestSample<'_>) {
        let index = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        self.stragglers.push(LateCompletion {
            slice: index(slice),
            request: index(sample.request),
            latency: sample.latency,
            late: sample.late,
            failure: sample.failure,
            start: sample.start,
        });
        if self.stragglers.len() >= STRAGGLERS {
            self.merge_stragglers();
        }
    }

    fn merge_stragglers(&mut self) {
        self.stragglers.sort_unstable_by_key(|one| one.slice);
        for of_one in self.stragglers.chunk_by(|a, b| a.slice == b.slice) {
            let slice = &mut self.ended[of_one[0].slice as usize];
            for one in of_one {
                slice.late.record(one.late);
                let cell = &mut slice.cells[one.request as usize];
                add(cell, one.latency, (one.failure, one.start));
            }
            slice.compact();
        }
        self.stragglers.clear();
    }

    /// All that was recorded until `now`, in the arm's time and since the start of the load, when nothing more will be. Of
    /// the slices those that have begun; one that was cut short is as long as it ran.
    pub(super) fn finish(
        mut self,
        (time, now): (Duration, Duration),
        requests: Vec<String>,
    ) -> Measurement {
        self.roll_to(time);
        self.merge_stragglers();
        let mut last = self.end_slice();
        last.length = last.length.min(time.saturating_sub(last.start));
        // In an arm that rests the next slice has not begun.
        if !last.length.is_zero() || self.ended.is_empty() {
            self.ended.push(last);
        }
        let mut measurement = Measurement {
            requests,
            slices: self.ended,
            timeline: self.timeline.finish(now),
            sent: self.sent,
            ..Measurement::default()
        };
        for (place, mut running) in self.parts.into_iter().enumerate() {
            running.compact();
            let parts = running.parts;
            if parts.late.is_empty() {
                continue;
            }
            let (rest, request) = (place / self.names, place % self.names);
            let (phase, arm) = (rest / ARMS.len(), ARMS[rest % ARMS.len()]);
            measurement.parts.insert((phase, arm, request), parts);
        }
        measurement
    }
}

/// When responses come in the running slice.
#[derive(Clone)]
struct Flowing {
    /// By class and request name.
    lanes: Vec<Flow>,
    /// Start of the running slice.
    start: Duration,
    moments: SliceInstants,
    /// The running moment's bit, and its end.
    bit: u64,
    until: Duration,
}

impl Flowing {
    fn new(table: &Timetable, lanes: &[Lane]) -> Self {
        let index = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        let flow = |lane: &Lane| Flow {
            class: index(lane.class),
            request: index(lane.request),
            ..Flow::default()
        };
        let mut flowing = Self {
            lanes: lanes.iter().map(flow).collect(),
            start: Duration::ZERO,
            moments: SliceInstants::new(Duration::ZERO),
            bit: 1,
            until: Duration::MAX,
        };
        if let Some(first) = table.slices.first() {
            flowing.enter(first);
        }
        flowing
    }

    /// Begins a slice.
    fn enter(&mut self, slice: &SliceWindow) {
        self.start = slice.start;
        self.moments = SliceInstants::new(slice.length);
        self.bit = 1;
        self.until = slice.start + self.moments.length();
    }

    /// The bit of the moment of a time, which is never before the last one asked for.
    fn advance(&mut self, time: Duration) -> u64 {
        while time >= self.until && self.bit << 1 != 0 {
            self.bit <<= 1;
            self.until += self.moments.length();
        }
        self.bit
    }

    /// Takes what the running slice counted, and leaves the same lanes empty.
    fn take(&mut self) -> Vec<Flow> {
        let empty = |flow: &Flow| Flow {
            class: flow.class,
            request: flow.request,
            ..Flow::default()
        };
        let empty = self.lanes.iter().map(empty).collect();
        std::mem::replace(&mut self.lanes, empty)
    }
}

const ARMS: [Arm; 2] = [Arm::Target, Arm::Base];

/// Counts one request in its cell.
fn add(
    cell: &mut RequestStats,
    latency: Duration,
    (failure, start): (Option<FailureKind>, ColdStartMark),
) {
    match (failure, start) {
        (None, ColdStartMark::Cold) => cell.record_cold(latency),
        (failure, _) => cell.record(latency, failure),
    }
}

/// The parts of a name in a phase while they are recorded.
#[derive(Clone, Default)]
struct Running {
    parts: Parts,
    /// Requests whose time from sending to the end was all spent on the first byte: on a kept connection, with an answer in
    /// one piece. Most are of this kind, and one histogram then stands for three.
    whole: LatencyHistogram,
    /// The statuses that came first, which are found without a search; further ones are counted in the parts.
    statuses: [(u16, u64); 4],
}

impl Running {
    fn record(&mut self, sample: &RequestSample<'_>) {
        let parts = &mut self.parts;
        if !sample.queue.is_zero() {
            parts.queue.record(sample.queue);
        }
        parts.late.record(sample.late);
        let Some(exchange) = sample.exchange else {
            if sample.failure == Some(FailureKind::Unfinished) {
                parts.service.record(sample.service);
            }
            return;
        };
        if is_first_byte_alone(exchange, sample.service) {
            self.whole.record(sample.service);
        } else {
            add_parts(parts, sample, exchange);
        }
        match (sample.start, sample.failure) {
            (ColdStartMark::Cold, _) => parts.cold.record(sample.latency),
            (ColdStartMark::Warm | ColdStartMark::NoHeader, None) => {
                parts.warm.record(sample.latency);
            }
            (ColdStartMark::Warm | ColdStartMark::NoHeader | ColdStartMark::Untracked, _) => {}
        }
        parts.marked += u64::from(matches!(
            sample.start,
            ColdStartMark::Warm | ColdStartMark::Cold
        ));
        parts.connections += u64::from(exchange.new_connection);
        parts.reopened += u64::from(exchange.reopened);
        parts.resent += u64::from(exchange.resent);
        parts.bytes += exchange.bytes_in;
        if let Some(location) = &exchange.unfollowed {
            parts.unfollowed += u64::from(sample.failure.is_none());
            if !location.is_empty() {
                parts
                    .redirect
                    .get_or_insert_with(|| redirect::address(location));
            }
        }
        if let Ok(answer) = &exchange.outcome {
            self.count(answer.status);
        }
    }

    fn count(&mut self, status: u16) {
        for (own, count) in &mut self.statuses {
            if *own == status || *count == 0 {
                *own = status;
                *count += 1;
                return;
            }
        }
        *self.parts.statuses.entry(status).or_default() += 1;
    }

    /// Brings everything to where it is read, in its compact form.
    fn compact(&mut self) {
        let whole = std::mem::take(&mut self.whole);
        if !whole.is_empty() {
            self.parts.service.merge(&whole);
            self.parts.first_byte.merge(&whole);
            self.parts.body.record_many(0, whole.count());
        }
        for (status, count) in std::mem::take(&mut self.statuses) {
            if count > 0 {
                *self.parts.statuses.entry(status).or_default() += count;
            }
        }
        self.parts.compact();
    }
}

fn is_first_byte_alone(exchange: &Exchange, service: Duration) -> bool {
    exchange.times.first_byte == Some(service)
        && exchange.times.body == Some(Duration::ZERO)
        && !exchange.new_connection
}

fn add_parts(parts: &mut Parts, sample: &RequestSample<'_>, exchange: &Exchange) {
    // What never left this machine kept no response busy.
    if !sample.failure.is_some_and(FailureKind::is_unsent) {
        parts.service.record(sample.service);
    }
    if exchange.new_connection {
        parts.opened.record(sample.service);
    }
    let times = &exchange.times;
    for (part, time) in [
        (&mut parts.dns, times.dns),
        (&mut parts.connect, times.connect),
        (&mut parts.tls, times.tls),
        (&mut parts.first_byte, times.first_byte),
        (&mut parts.body, times.body),
    ] {
        if let Some(time) = time {
            part.record(time);
        }
    }
}

#[cfg(test)]
#[path = "recorder_tests.rs"]
mod tests;

//! What a failed change came from, in one sentence.

use super::line::measure_name;
use crate::measurement::{FailureKind, Part};
use crate::report::text::numbers::{self, count, share};
use crate::report::view::View;
use crate::verdict::{
    Attribution, ChangeLocation, Check, ColdGrowth, Comparison, KindGrowth, PartGrowth,
};

/// What a change came from: "most of it is the time to the first byte (P95 20 → 31 ms), in 11 of 12 pairs". None where
/// nothing stands out.
pub(super) fn suspicion(view: &View, line: &Check, found: &Attribution) -> Option<String> {
    let causes: Vec<String> = found
        .part
        .map(|grown| part(line, grown))
        .into_iter()
        .chain(found.kind.map(kind))
        .chain(found.cold.map(|grown| cold(line, grown)))
        .collect();
    let place = found.location.and_then(|spread| place(view, line, spread));
    match (causes.is_empty(), place) {
        (true, None) => None,
        // Alone, that a change is everywhere goes without saying.
        (true, Some(_)) if is_everywhere(found) => None,
        (true, Some(place)) => Some(format!("worse {place}")),
        (false, None) => Some(causes.join("; ")),
        (false, Some(place)) => Some(format!("{}, {place}", causes.join("; "))),
    }
}

fn is_everywhere(found: &Attribution) -> bool {
    matches!(found.location, Some(ChangeLocation::Units { worse, of }) if worse == of)
}

fn part(line: &Check, grown: PartGrowth) -> String {
    format!(
        "most of it is {} ({} {})",
        part_name(grown.part),
        measure_name(line.measure),
        numbers::from_to(line.measure, grown.before_s, grown.now_s)
    )
}

/// A part of the latency in words.
fn part_name(part: Part) -> &'static str {
    match part {
        Part::Queue => "the wait for an idle user",
        Part::Dns => "name resolution",
        Part::Connect => "the TCP connect",
        Part::Tls => "the TLS handshake",
        Part::FirstByte => "the time to the first byte",
        Part::Body => "the transfer of the body",
    }
}

fn cold(line: &Check, grown: ColdGrowth) -> String {
    format!(
        "cold starts went from {} to {} of responses, warm {} {}",
        share(grown.before),
        share(grown.now),
        measure_name(line.measure),
        numbers::from_to(line.measure, grown.warm_before_s, grown.warm_now_s)
    )
}

fn kind(grown: KindGrowth) -> String {
    let kind = if matches!(grown.kind, FailureKind::Status(_)) {
        format!("status {}", grown.kind)
    } else {
        grown.kind.to_string()
    };
    match grown.before {
        Some(before) => format!(
            "most of it is {kind} ({} → {} of requests)",
            share(before),
            share(grown.now)
        ),
        None => format!("most of it is {kind} ({} of requests)", share(grown.now)),
    }
}

fn place(view: &View, line: &Check, spread: ChangeLocation) -> Option<String> {
    match spread {
        ChangeLocation::Units { worse: 0, .. } | ChangeLocation::Units { of: 1, .. } => None,
        ChangeLocation::Units { worse, of } => {
            let (one, many) = units(view, line, of);
            let units = if of == 1 { one } else { many };
            Some(if worse == of && of > 1 {
                format!("in all {of} {units}")
            } else {
                format!("in {worse} of {of} {units}")
            })
        }
        ChangeLocation::Burst { worst, of } => Some(format!(
            "with {} of {} failures in one {}",
            count(worst),
            count(of),
            units(view, line, 0).0
        )),
    }
}

/// What one unit of a line and several are called. Pairs that were merged, since each held too few requests, are pairs no more.
fn units(view: &View, line: &Check, of: u32) -> (&'static str, &'static str) {
    let phase = line.phase.as_ref();
    let phases = view.record.phases.iter();
    let by_passes = phase.is_some_and(|name| {
        phases
            .filter(|phase| phase.name == *name)
            .any(|phase| !phase.steady)
    });
    match view.verdict.comparison {
        _ if by_passes => ("pass", "passes"),
        Comparison::Duet { pairs, .. } if of == 0 || of == pairs => ("pair", "pairs"),
        Comparison::Duet { .. } => ("group of pairs", "groups of pairs"),
        Comparison::History { .. } | Comparison::Provisional { .. } | Comparison::None(_) => {
            ("slice", "slices")
        }
    }
}

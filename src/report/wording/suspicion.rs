//! What a failed change came from, in one sentence.

use super::failures::short_kind;
use super::line::measure_name;
use crate::measurement::Part;
use crate::report::text::numbers::{self, count, share};
use crate::report::view::View;
use crate::verdict::{
    Attribution, ChangeLocation, Check, ColdGrowth, Comparison, KindGrowth, PartGrowth,
};

/// What a change came from: "most of it is the time to the first byte (P95 20 → 31 ms), in 11 of 12 pairs". None where
/// nothing stands out.
pub(super) fn suspicion(view: &View, line: &Check, found: &Attribution) -> Option<String> {
    let causes = [
        found.part.map(|grown| part(line, grown)),
        found.kind.map(kind),
        found.cold.map(|grown| cold(line, grown)),
    ];
    let causes: Vec<String> = causes.into_iter().flatten().collect();
    let causes = causes.join("; ");
    let place = found.location.and_then(|spread| place(view, line, spread));
    let is_everywhere =
        matches!(found.location, Some(ChangeLocation::Units { worse, of }) if worse == of);
    match place {
        None => Some(causes).filter(|causes| !causes.is_empty()),
        Some(place) if !causes.is_empty() => Some(format!("{causes}, {place}")),
        // Alone, that a change is everywhere goes without saying.
        Some(place) => (!is_everywhere).then(|| format!("worse {place}")),
    }
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
    let (kind, now) = (short_kind(grown.kind), share(grown.now));
    let before = grown.before.map(|before| share(before) + " → ");
    let before = before.unwrap_or_default();
    format!("most of it is {kind} ({before}{now} of requests)")
}

fn place(view: &View, line: &Check, spread: ChangeLocation) -> Option<String> {
    match spread {
        ChangeLocation::Units { worse: 0, .. } | ChangeLocation::Units { of: 1, .. } => None,
        ChangeLocation::Units { worse, of } => {
            let (_, units) = units(view, line, of);
            let how_many = Some(worse).filter(|worse| *worse != of);
            let how_many = how_many.map_or("all".to_owned(), |worse| format!("{worse} of"));
            Some(format!("in {how_many} {of} {units}"))
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

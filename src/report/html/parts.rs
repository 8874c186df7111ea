//! Where the time of a request goes: queue, connect, TLS, first byte, body, on the base and on the target.

use crate::report::text::{numbers, shorten, untrusted};
use crate::report::view::Aggregates;
use maud::{Markup, html};

use super::plot::{self, Axis, LEFT, Numbers, Plot, RIGHT, TOP, bottom};
use super::scale::{Scale, from_zero};
use super::timeline::arm_name;
use super::words::millis_unit;
use crate::measurement::{Arm, LatencyHistogram, Parts};
use crate::units::Latency;

/// A part's name, the class that fills it, and where it is kept.
type Part = (&'static str, &'static str, fn(&Parts) -> &LatencyHistogram);

/// The parts in the order of their time, with the class that fills them. They add up to the latency, but for what a
/// client spends between them.
const PARTS: [Part; 7] = [
    ("queue", "part part-0", |parts| &parts.queue),
    ("late (the generator's own)", "part part-1", |parts| {
        &parts.late
    }),
    ("name resolution", "part part-2", |parts| &parts.dns),
    ("connect", "part part-3", |parts| &parts.connect),
    ("TLS", "part part-4", |parts| &parts.tls),
    ("first byte", "part part-5", |parts| &parts.first_byte),
    ("body", "part part-6", |parts| &parts.body),
];

/// Height of a bar with its name.
const ROW: f64 = 40.0;

/// Names at most; those that take longest are told.
const NAMES: usize = 20;

/// One bar.
struct Bar {
    request: usize,
    arm: Arm,
    name: String,
    /// The average time of each part, per request, in seconds.
    parts: [f64; PARTS.len()],
    /// The 95th percentile of each part where it took place, in seconds.
    p95: [Option<f64>; PARTS.len()],
}

impl Bar {
    fn of((request, arm): (usize, Arm), name: String, parts: &Parts) -> Self {
        let requests = parts.service.count().max(parts.first_byte.count()).max(1);
        // Not every request opens a connection: what few pay for is shared out among all.
        let average =
            |of: &LatencyHistogram| of.mean().unwrap_or(0.0) * of.count() as f64 / requests as f64;
        Self {
            request,
            arm,
            name,
            parts: PARTS.map(|(_, _, of)| average(of(parts))),
            p95: PARTS.map(|(_, _, of)| of(parts).quantile(0.95)),
        }
    }

    fn whole(&self) -> f64 {
        self.parts.iter().sum()
    }
}

/// The plot; none where no part was measured.
pub(super) fn parts(pools: &Aggregates, id: &str) -> Option<Plot> {
    let bars = bars(pools);
    let longest = bars.iter().max_by(|a, b| a.whole().total_cmp(&b.whole()))?;
    let x = from_zero(bars.iter().map(Bar::whole)).between(LEFT, RIGHT);
    let unit = millis_unit(bars.iter().map(Bar::whole));
    let height = TOP + ROW * bars.len() as f64 + 50.0;
    Some(Plot {
        id: id.to_owned(),
        title: html! { "Where the time of a request goes" },
        see: see(pools, &bars, longest),
        height,
        x: Axis {
            title: format!("average per request, {}", unit.name),
            ticks: plot::ticks(&x, 6, unit.text()),
        },
        y: Axis {
            title: String::new(),
            ticks: Vec::new(),
        },
        under: html! {},
        series: Vec::new(),
        over: drawn(&bars, &x, height),
        keys: PARTS
            .iter()
            .map(|(name, look, _)| plot::Key {
                name: (*name).to_owned(),
                look,
                area: true,
            })
            .collect(),
        numbers: table(&bars),
    })
}

fn bars(pools: &Aggregates) -> Vec<Bar> {
    let is_duet = (0..pools.names.len())
        .any(|name| pools.parts(Some(name), None, Arm::Base).next().is_some());
    let mut named: Vec<Vec<Bar>> = (0..pools.names.len())
        .map(|index| {
            let name = untrusted(pools.names[index]).to_string();
            let arms = [Arm::Base, Arm::Target].into_iter();
            let bars = arms.filter_map(|arm| {
                let name = if is_duet {
                    format!("{name}, {}", arm_name(arm))
                } else {
                    name.clone()
                };
                Some(Bar::of(
                    (index, arm),
                    name,
                    &pools.merged_parts(index, arm)?,
                ))
            });
            bars.filter(|bar| bar.whole() > 0.0).collect()
        })
        .filter(|bars: &Vec<Bar>| !bars.is_empty())
        .collect();
    let whole = |bars: &Vec<Bar>| bars.iter().map(Bar::whole).fold(0.0, f64::max);
    named.sort_by(|a, b| whole(b).total_cmp(&whole(a)));
    named.into_iter().take(NAMES).flatten().collect()
}

fn drawn(bars: &[Bar], x: &Scale, height: f64) -> Markup {
    html! {
        @for (index, bar) in bars.iter().enumerate() {
            @let top = TOP + ROW * index as f64;
            text.tick x="4" y=(plot::Unit(top + 8.0)) { (shorten(&bar.name, 62)) }
            g.bar {
                @for (part, (from, length)) in stacked(bar).enumerate() {
                    @if length > 0.0 {
                        (plot::area((x.at(from), x.at(from + length)), (top + 14.0, (top + 32.0).min(bottom(height))), PARTS[part].1))
                    }
                }
            }
        }
    }
}

/// Where each part begins and how long it is, in seconds.
fn stacked(bar: &Bar) -> impl Iterator<Item = (f64, f64)> {
    bar.parts.iter().scan(0.0, |so_far, length| {
        let from = *so_far;
        *so_far += length;
        Some((from, *length))
    })
}

/// Where an average request of the slowest name spends its time, and of a duet what of it grew or shrank most.
fn see(pools: &Aggregates, bars: &[Bar], longest: &Bar) -> Markup {
    let name = super::code(pools.names[longest.request]);
    let of = |arm| {
        let mut own = bars.iter().filter(|bar| bar.request == longest.request);
        own.find(|bar| bar.arm == arm)
    };
    let most = |length: fn(&f64) -> f64, of: &[f64]| {
        let parts = of.iter().zip(PARTS);
        let most = parts.max_by(|a, b| length(a.0).total_cmp(&length(b.0)));
        most.map(|(length, (part, ..))| (*length, part))
    };
    let whole = longest.whole().max(f64::MIN_POSITIVE);
    let Some((length, part)) = most(|length| *length, &longest.parts) else {
        return html! {};
    };
    let share = numbers::about(length / whole);
    html! {
        @match (of(Arm::Base), of(Arm::Target)) {
            (Some(base), Some(target)) => {
                @let grown: Vec<f64> = target.parts.iter().zip(base.parts).map(|(now, before)| now - before).collect();
                "An average request takes longest for " (name) ": " (Latency(target.whole())) " on the target, "
                (Latency(base.whole())) " on the base."
                @if let Some((by, part)) = most(|by| by.abs(), &grown) {
                    " Most of the difference is " (called(part)) ", "
                    (Latency(by.abs())) (if by < 0.0 { " less" } else { " more" }) "."
                }
            }
            (None, _) | (_, None) => {
                "An average request takes longest for " (name) ": " (Latency(longest.whole())) ", of which " (share) " is "
                (called(part)) "."
            }
        }
    }
}

/// A part within a sentence.
fn called(part: &str) -> &str {
    match part {
        "first byte" => "the time to the first byte",
        part => part,
    }
}

/// A row for each part that took time: the table of all of them would be too wide to be read.
fn table(bars: &[Bar]) -> Numbers {
    let rows = bars.iter().flat_map(|bar| {
        let parts = bar.parts.iter().zip(bar.p95).zip(PARTS);
        let taken = parts.filter(|((average, p95), _)| **average > 0.0 || p95.is_some());
        taken.map(|((average, p95), (part, ..))| {
            let share = average / bar.whole().max(f64::MIN_POSITIVE);
            let cells = vec![
                bar.name.clone(),
                part.split(" (").next().unwrap_or(part).to_owned(),
                Latency(*average).to_string(),
                numbers::share(share),
                numbers::latency(p95),
            ];
            (None, cells)
        })
    });
    Numbers {
        heads: ["request", "part", "average", "share", "P95"]
            .map(str::to_owned)
            .to_vec(),
        rows: rows.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_few_requests_pay_for_is_shared_out_among_all() {
        let mut parts = Parts::default();
        for _ in 0..10 {
            parts.service.record_micros(20_000);
            parts.first_byte.record_micros(19_000);
        }
        parts.connect.record_micros(10_000);
        let bar = Bar::of((0, Arm::Target), "GET /".to_owned(), &parts);
        assert!((bar.parts[3] - 0.001).abs() < 1e-5, "{:?}", bar.parts);
        assert!((bar.whole() - 0.02).abs() < 1e-4);
        assert_eq!(bar.p95[4], None);
    }
}

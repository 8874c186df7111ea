//! Where the time of a request goes: queue, connect, TLS, first byte, body, on the base and on the target.

use maud::{Markup, html};

use super::arm_name;
use super::plot::{self, Axis, Key, Numbers, Plot, TOP, bottom};
use super::scale::Scale;
use crate::measurement::{Arm, LatencyHistogram, Parts};
use crate::report::text::{numbers, shorten, untrusted};
use crate::report::view::Aggregates;
use crate::units::Latency;

/// A part's name, the class that fills it, and where it is kept.
type Part = (&'static str, &'static str, fn(&Parts) -> &LatencyHistogram);

/// The parts in the order of their time. They add up to the latency, but for what a client spends between them.
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

const ROW: f64 = 40.0;

/// Names at most; those that take longest are shown.
const NAMES: usize = 20;

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
    fn new((request, arm): (usize, Arm), name: String, parts: &Parts) -> Self {
        let requests = parts.service.count().max(parts.first_byte.count()).max(1);
        // Not every request opens a connection: what few pay for is shared out among all.
        let average = |part: &LatencyHistogram| {
            part.mean().unwrap_or(0.0) * part.count() as f64 / requests as f64
        };
        Self {
            request,
            arm,
            name,
            parts: PARTS.map(|(_, _, part)| average(part(parts))),
            p95: PARTS.map(|(_, _, part)| part(parts).quantile(0.95)),
        }
    }

    fn sum(&self) -> f64 {
        self.parts.iter().sum()
    }
}

pub(super) fn parts(all: &Aggregates) -> Option<Plot> {
    let bars = bars(all);
    let longest = bars.iter().max_by(|a, b| a.sum().total_cmp(&b.sum()))?;
    let sums = || bars.iter().map(Bar::sum);
    let x = Scale::from_zero(sums()).across();
    let height = TOP + ROW * bars.len() as f64 + 50.0;
    let keys = PARTS.iter().map(|(name, look, _)| Key::area(*name, look));
    let axis = Axis::latency("average per request", x, 6, sums());
    Some(Plot {
        height,
        over: drawn(&bars, &x, height),
        keys: keys.collect(),
        ..Plot::new(
            "parts",
            html! { "Where the time of a request goes" },
            see(all, &bars, longest),
            (axis, Axis::rows(height)),
            numbers(&bars),
        )
    })
}

fn bars(all: &Aggregates) -> Vec<Bar> {
    let parts = |index, arm| all.merged_parts(index, arm);
    let is_duet = (0..all.names.len()).any(|index| parts(index, Arm::Base).is_some());
    let names = all.names.iter().enumerate().map(|(index, name)| {
        let bars = [Arm::Base, Arm::Target].into_iter().filter_map(|arm| {
            let mut name = untrusted(name).to_string();
            if is_duet {
                name += &format!(", {}", arm_name(arm));
            }
            let bar = Bar::new((index, arm), name, &parts(index, arm)?);
            (bar.sum() > 0.0).then_some(bar)
        });
        bars.collect()
    });
    let mut names: Vec<Vec<Bar>> = names.collect();
    let longest = |bars: &Vec<Bar>| bars.iter().map(Bar::sum).fold(0.0, f64::max);
    names.sort_by(|a, b| longest(b).total_cmp(&longest(a)));
    let names = names.into_iter().filter(|bars| !bars.is_empty());
    names.take(NAMES).flatten().collect()
}

fn drawn(bars: &[Bar], x: &Scale, height: f64) -> Markup {
    html! {
        @for (index, bar) in bars.iter().enumerate() {
            @let top = TOP + ROW * index as f64;
            @let y = (top + 14.0, (top + 32.0).min(bottom(height)));
            text.tick x="4" y=(plot::Unit(top + 8.0)) { (shorten(&bar.name, 62)) }
            g.bar {
                @for ((from, length), (_, look, _)) in stacked(bar).zip(PARTS) {
                    @if length > 0.0 { (plot::area((x.at(from), x.at(from + length)), y, look)) }
                }
            }
        }
    }
}

fn stacked(bar: &Bar) -> impl Iterator<Item = (f64, f64)> {
    bar.parts.iter().scan(0.0, |so_far, length| {
        let from = *so_far;
        *so_far += length;
        Some((from, *length))
    })
}

/// Where an average request of the slowest name spends its time, and of a duet what of it grew or shrank most.
fn see(all: &Aggregates, bars: &[Bar], longest: &Bar) -> Markup {
    let name = super::code(all.names[longest.request]);
    let of_arm = |arm| {
        let mut bars = bars.iter().filter(|bar| bar.request == longest.request);
        bars.find(|bar| bar.arm == arm)
    };
    // The part that takes longest, or whose time changed most.
    let most = |seconds: [f64; PARTS.len()]| {
        let (seconds, (part, ..)) = seconds
            .into_iter()
            .zip(PARTS)
            .max_by(|a, b| a.0.abs().total_cmp(&b.0.abs()))?;
        let part = match part {
            "first byte" => "the time to the first byte",
            part => part,
        };
        Some((seconds, part))
    };
    html! {
        "An average request takes longest for " (name) ": "
        @if let (Some(base), Some(target)) = (of_arm(Arm::Base), of_arm(Arm::Target)) {
            @let grown = std::array::from_fn(|part| target.parts[part] - base.parts[part]);
            (Latency(target.sum())) " on the target, " (Latency(base.sum())) " on the base."
            @if let Some((by, part)) = most(grown) {
                " Most of the difference is " (part) ", "
                (Latency(by.abs())) (if by < 0.0 { " less" } else { " more" }) "."
            }
        } @else if let Some((seconds, part)) = most(longest.parts) {
            (Latency(longest.sum())) ", of which " (numbers::about(seconds / longest.sum())) " is " (part) "."
        }
    }
}

/// A row for each part that took time: the table of all of them would be too wide to be read.
fn numbers(bars: &[Bar]) -> Numbers {
    let rows = bars.iter().flat_map(|bar| {
        let parts = bar.parts.iter().zip(bar.p95).zip(PARTS);
        let taken = parts.filter(|((average, p95), _)| **average > 0.0 || p95.is_some());
        taken.map(|((average, p95), (part, ..))| {
            let cells = vec![
                bar.name.clone(),
                part.split(" (").next().unwrap_or(part).to_owned(),
                Latency(*average).to_string(),
                numbers::share(average / bar.sum()),
                numbers::latency(p95),
            ];
            (None, cells)
        })
    });
    Numbers::new(["request", "part", "average", "share", "P95"], rows)
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
        let bar = Bar::new((0, Arm::Target), "GET /".to_owned(), &parts);
        assert!((bar.parts[3] - 0.001).abs() < 1e-5, "{:?}", bar.parts);
        assert!((bar.sum() - 0.02).abs() < 1e-4);
        assert_eq!(bar.p95[4], None);
    }
}

//! Where the time of a request goes: queue, connect, TLS, first byte, body, on the base and on the target.

use maud::{Markup, html};

use super::plot::{self, Axis, LEFT, Numbers, Plot, RIGHT, TOP, bottom};
use super::pools::Pools;
use super::scale::{Scale, from_zero};
use super::timeline::arm_name;
use super::words::millis_unit;
use crate::measurement::{Arm, Latencies, Parts};
use crate::report::numbers;
use crate::report::text::shorten;
use crate::report::words::Medium;
use crate::units::Latency;

/// A part's name, the class that fills it, and where it is kept.
type Part = (&'static str, &'static str, fn(&Parts) -> &Latencies);

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
    name: String,
    /// The average time of each part, per request, in seconds.
    parts: [f64; PARTS.len()],
    /// The 95th percentile of each part where it took place, in seconds.
    p95: [Option<f64>; PARTS.len()],
}

impl Bar {
    fn of(name: String, parts: &Parts) -> Self {
        let requests = parts.service.count().max(parts.first_byte.count()).max(1);
        // Not every request opens a connection: what few pay for is shared out among all.
        let average =
            |of: &Latencies| of.mean().unwrap_or(0.0) * of.count() as f64 / requests as f64;
        Self {
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
pub(super) fn parts(pools: &Pools, id: &str) -> Option<Plot> {
    let bars = bars(pools);
    let longest = bars.iter().max_by(|a, b| a.whole().total_cmp(&b.whole()))?;
    let x = from_zero(bars.iter().map(Bar::whole)).between(LEFT, RIGHT);
    let unit = millis_unit(bars.iter().map(Bar::whole));
    let height = TOP + ROW * bars.len() as f64 + 50.0;
    Some(Plot {
        id: id.to_owned(),
        title: html! { "Where the time of a request goes" },
        see: see(longest),
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

fn bars(pools: &Pools) -> Vec<Bar> {
    let is_duet = (0..pools.names.len()).any(|name| pools.parts(name, Arm::Base).is_some());
    let mut named: Vec<Vec<Bar>> = (0..pools.names.len())
        .map(|index| {
            let name = Medium::Plain.foreign(pools.names[index]);
            let arms = [Arm::Base, Arm::Target].into_iter();
            let bars = arms.filter_map(|arm| {
                let name = if is_duet {
                    format!("{name}, {}", arm_name(arm))
                } else {
                    name.clone()
                };
                Some(Bar::of(name, pools.parts(index, arm)?))
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
            @for (part, (from, length)) in stacked(bar).enumerate() {
                @if length > 0.0 {
                    (plot::area((x.at(from), x.at(from + length)), (top + 14.0, (top + 32.0).min(bottom(height))), PARTS[part].1))
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

fn see(longest: &Bar) -> Markup {
    let parts = longest.parts.iter().zip(PARTS);
    let Some((length, (part, ..))) = parts.max_by(|a, b| a.0.total_cmp(b.0)) else {
        return html! {};
    };
    let share = numbers::about(length / longest.whole().max(f64::MIN_POSITIVE));
    html! {
        "An average request takes longest for " (super::code(&longest.name)) ": " (Latency(longest.whole())) ", of which "
        (share) " is " (part) "."
    }
}

fn table(bars: &[Bar]) -> Numbers {
    let heads = PARTS.iter().flat_map(|(name, ..)| {
        let short = name.split(' ').next().unwrap_or(name);
        let short = if *name == "first byte" || *name == "name resolution" {
            name
        } else {
            short
        };
        [format!("{short}, average"), format!("{short}, P95")]
    });
    let rows = bars.iter().map(|bar| {
        let figures = bar
            .parts
            .iter()
            .zip(bar.p95)
            .flat_map(|(average, p95)| [Latency(*average).to_string(), numbers::latency(p95)]);
        (
            None,
            std::iter::once(bar.name.clone()).chain(figures).collect(),
        )
    });
    Numbers {
        heads: std::iter::once("request".to_owned()).chain(heads).collect(),
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
        let bar = Bar::of("GET /".to_owned(), &parts);
        assert!((bar.parts[3] - 0.001).abs() < 1e-5, "{:?}", bar.parts);
        assert!((bar.whole() - 0.02).abs() < 1e-4);
        assert_eq!(bar.p95[4], None);
    }
}

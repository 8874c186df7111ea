//! Cold against warm: what a cold start costs, by name and by phase.

use crate::report::text::numbers::{self, count, counted, share};
use crate::report::text::untrusted;
use crate::report::view::{Aggregates, Starts};
use maud::{Markup, html};

use super::plot::{self, Axis, Form, LEFT, Marker, Numbers, Plot, RIGHT, Series, TOP, bottom};
use super::scale::{Scale, Spread};
use super::words::millis_unit;
use crate::measurement::{Arm, LatencyHistogram};
use crate::units::Latency;

/// Height of a row.
const ROW: f64 = 40.0;

/// Rows at most; the names that had most cold starts are told.
const ROWS: usize = 24;

/// One row: its name, and its cold and warm responses.
type Row = (String, Starts);

/// Cold against warm; none where the scenario does not say how a cold start is marked, or none was seen.
pub(super) fn starts(pools: &Aggregates, id: &str) -> Option<Plot> {
    let rows = rows(pools);
    let (_, all) = rows.first()?;
    if all.cold.is_empty() {
        return None;
    }
    let values = rows.iter().flat_map(|(_, row)| [&row.cold, &row.warm]);
    let values: Vec<f64> = values
        .flat_map(|of| [of.quantile(0.5), of.quantile(0.95)])
        .flatten()
        .collect();
    let low = values.iter().copied().fold(f64::MAX, f64::min);
    let high = values.iter().copied().fold(0.0, f64::max);
    let x = Scale::new(Spread::Log, low / 1.3, high * 1.3).between(LEFT, RIGHT);
    let unit = millis_unit(values.iter().copied());
    let height = TOP + ROW * rows.len() as f64 + 56.0;
    let middle = |index: usize| TOP + ROW * (index as f64 + 0.62);
    let series =
        |name: &str, look, marker, lift: f64, of: fn(&Starts) -> &LatencyHistogram| Series {
            name: name.to_owned(),
            look,
            marker,
            form: Form::Line,
            runs: rows
                .iter()
                .enumerate()
                .map(|(index, (_, row))| {
                    let quantiles = [0.5, 0.95].into_iter().filter_map(|q| of(row).quantile(q));
                    quantiles
                        .map(|value| (x.at(value), middle(index) + lift))
                        .collect()
                })
                .filter(|run: &Vec<_>| !run.is_empty())
                .collect(),
        };
    Some(Plot {
        id: id.to_owned(),
        title: html! { "Cold against warm responses" },
        see: see(all),
        height,
        x: Axis {
            title: format!("latency from P50 to P95, {} (logarithmic)", unit.name),
            ticks: plot::ticks(&x, 6, unit.text()),
        },
        y: Axis {
            title: String::new(),
            ticks: Vec::new(),
        },
        under: names(&rows, &middle, height),
        series: vec![
            series("cold, P50 to P95", "cold", Marker::Diamond, -4.0, |row| {
                &row.cold
            }),
            series(
                "warm, P50 to P95",
                "warm hollow",
                Marker::Square,
                5.0,
                |row| &row.warm,
            ),
        ],
        over: html! {},
        keys: Vec::new(),
        numbers: table(&rows),
    })
}

/// All together, then by name, then by phase where there are several.
fn rows(pools: &Aggregates) -> Vec<Row> {
    let of = |name: String, request, phase| (name, pools.starts(request, phase, Arm::Target));
    let mut named: Vec<Row> = (0..pools.names.len())
        .map(|index| of(untrusted(pools.names[index]).to_string(), Some(index), None))
        .filter(|(_, row)| row.count() > 0)
        .collect();
    named.sort_by_key(|(_, row)| std::cmp::Reverse(row.cold.count()));
    let phases = pools.phases.iter().enumerate();
    let phases: Vec<Row> = phases
        .filter(|(_, phase)| phase.is_measured_load())
        .map(|(index, phase)| of(format!("in {}", untrusted(&phase.name)), None, Some(index)))
        .collect();
    let mut rows = vec![of("all requests".to_owned(), None, None)];
    rows.extend(named);
    if phases.len() > 1 {
        rows.extend(phases);
    }
    rows.truncate(ROWS);
    rows
}

fn names(rows: &[Row], middle: &dyn Fn(usize) -> f64, height: f64) -> Markup {
    html! {
        @for (index, (name, _)) in rows.iter().enumerate() {
            text.tick x="4" y=(plot::Unit(middle(index) - 13.0)) { (crate::report::text::shorten(name, 60)) }
            line.grid x1=(LEFT) x2=(RIGHT) y1=(plot::Unit((middle(index) + 16.0).min(bottom(height)))) y2=(plot::Unit((middle(index) + 16.0).min(bottom(height)))) {}
        }
    }
}

fn see(all: &Starts) -> Markup {
    let of = share(all.share().unwrap_or(0.0));
    let middle = |of: &LatencyHistogram| of.quantile(0.5);
    html! {
        (counted(all.cold.count(), "answer")) " of " (count(all.count())) " came from a cold start (" (of) ")."
        @if let (Some(cold), Some(warm)) = (middle(&all.cold), middle(&all.warm)) {
            @if cold > warm {
                " At the median a cold start adds " (Latency(cold - warm)) ": " (Latency(cold)) " against " (Latency(warm)) "."
            } @else {
                " At the median they are no slower: " (Latency(cold)) " against " (Latency(warm)) "."
            }
        }
    }
}

fn table(rows: &[Row]) -> Numbers {
    let heads = [
        "requests", "cold", "share", "cold P50", "cold P95", "warm P50", "warm P95",
    ];
    let latency = |of: &LatencyHistogram, q| numbers::latency(of.quantile(q));
    let rows = rows.iter().map(|(name, row)| {
        let mut cells = vec![
            name.clone(),
            count(row.cold.count()),
            share(row.share().unwrap_or(0.0)),
        ];
        for of in [&row.cold, &row.warm] {
            cells.extend([latency(of, 0.5), latency(of, 0.95)]);
        }
        (None, cells)
    });
    Numbers {
        heads: heads.map(str::to_owned).to_vec(),
        rows: rows.collect(),
    }
}

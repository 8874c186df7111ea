//! Cold against warm: what a cold start costs, by name and by phase.

use maud::{Markup, html};

use super::plot::{Axis, LEFT, Marker, Numbers, Plot, RIGHT, Series, TOP, Unit, bottom};
use super::scale::{Scale, Spread, extent};
use crate::measurement::{Arm, LatencyHistogram};
use crate::report::text::{count, counted, numbers, share, shorten, untrusted};
use crate::report::view::{Aggregates, Starts};
use crate::units::Latency;

const ROW: f64 = 40.0;

/// Rows at most; the names that had most cold starts are shown.
const ROWS: usize = 24;

/// One row: its name, and its cold and warm responses.
type Row = (String, Starts);

/// Cold against warm; none if the scenario does not say how a cold start is marked, or none was seen.
pub(super) fn starts(all: &Aggregates) -> Option<Plot> {
    let rows = rows(all);
    let (_, overall) = rows.first().filter(|(_, row)| !row.cold.is_empty())?;
    let ends = |of: &LatencyHistogram| [0.5, 0.95].map(|q| of.quantile(q)).into_iter().flatten();
    let values = || {
        let both = rows.iter().flat_map(|(_, row)| [&row.cold, &row.warm]);
        both.flat_map(ends)
    };
    let (low, high) = extent(values())?;
    let height = TOP + ROW * rows.len() as f64 + 56.0;
    let series = |name, look, marker, lift: f64, of: fn(&Starts) -> &LatencyHistogram| {
        let runs = rows.iter().enumerate().map(|(index, (_, row))| {
            let points = ends(of(row)).map(|value| (value, middle(index) + lift));
            points.collect()
        });
        let runs = runs.filter(|run: &Vec<_>| !run.is_empty());
        Series::line(name, look, marker, runs.collect())
    };
    let scale = Scale::new(Spread::Log, low / 1.3, high * 1.3).across();
    let x = Axis::latency("latency from P50 to P95", scale, 6, values());
    Some(Plot {
        height,
        under: names(&rows, height),
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
        ..Plot::new(
            "starts",
            html! { "Cold against warm responses" },
            see(overall),
            (x, Axis::rows(height)),
            numbers(&rows),
        )
    })
}

fn middle(index: usize) -> f64 {
    TOP + ROW * (index as f64 + 0.62)
}

/// All together, then by name, then by phase if there are several.
fn rows(all: &Aggregates) -> Vec<Row> {
    let row = |name: String, request, phase| (name, all.starts(request, phase, Arm::Target));
    let names = all.names.iter().enumerate();
    let names = names.map(|(index, name)| row(untrusted(name).to_string(), Some(index), None));
    let mut names: Vec<Row> = names.filter(|(_, row)| row.count() > 0).collect();
    names.sort_by_key(|(_, row)| std::cmp::Reverse(row.cold.count()));
    let phases = all.phases.iter().enumerate();
    let phases = phases.filter(|(_, phase)| phase.is_measured_load());
    let phases: Vec<Row> = phases
        .map(|(index, phase)| row(format!("in {}", untrusted(&phase.name)), None, Some(index)))
        .collect();
    let mut rows = vec![row("all requests".to_owned(), None, None)];
    rows.extend(names);
    if phases.len() > 1 {
        rows.extend(phases);
    }
    rows.truncate(ROWS);
    rows
}

fn names(rows: &[Row], height: f64) -> Markup {
    html! {
        @for (index, (name, _)) in rows.iter().enumerate() {
            @let below = Unit((middle(index) + 16.0).min(bottom(height)));
            text.tick x="4" y=(Unit(middle(index) - 13.0)) { (shorten(name, 60)) }
            line.grid x1=(LEFT) x2=(RIGHT) y1=(below) y2=(below) {}
        }
    }
}

fn see(all: &Starts) -> Markup {
    html! {
        (counted(all.cold.count(), "answer")) " of " (count(all.count())) " came from a cold start ("
        (share(all.share().unwrap_or(0.0))) ")."
        @if let (Some(cold), Some(warm)) = (all.cold.quantile(0.5), all.warm.quantile(0.5)) {
            @if cold > warm {
                " At the median a cold start adds " (Latency(cold - warm)) ": " (Latency(cold)) " against " (Latency(warm)) "."
            } @else {
                " At the median they are no slower: " (Latency(cold)) " against " (Latency(warm)) "."
            }
        }
    }
}

fn numbers(rows: &[Row]) -> Numbers {
    let heads = [
        "requests", "cold", "share", "cold P50", "cold P95", "warm P50", "warm P95",
    ];
    let rows = rows.iter().map(|(name, row)| {
        let cold = count(row.cold.count());
        let mut cells = vec![name.clone(), cold, share(row.share().unwrap_or(0.0))];
        for of in [&row.cold, &row.warm] {
            cells.extend([0.5, 0.95].map(|q| numbers::latency(of.quantile(q))));
        }
        (None, cells)
    });
    Numbers::new(heads, rows)
}

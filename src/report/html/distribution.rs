//! The latency distribution on a percentile axis, against what was before, and the change at each percentile.

use maud::{Markup, html};

use super::plot::{self, Axis, Key, Marker, Numbers, Plot, Series};
use super::scale::{Scale, Spread, extent};
use crate::baseline::PhaseScope;
use crate::measurement::{Arm, LatencyHistogram};
use crate::metric::Metric;
use crate::report::ComparedWith;
use crate::report::text::numbers::{self, P95};
use crate::report::view::{CheckRow, View};
use crate::verdict::{EstimatedChange, Measure};

/// Points of a curve: enough that it looks like one.
const STEPS: u32 = 80;

/// Requests that must lie above a percentile for it to be drawn: above fewer it is chance.
const BEYOND: f64 = 3.0;

/// Limits up to so many times the highest latency, or down to so much of the lowest, are drawn.
const NEAR: f64 = 4.0;

const LISTED: [f64; 9] = [0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999];

/// The latencies of one name now, and before if that is known.
pub(super) struct DistributionPlots<'r, 'a> {
    name: Markup,
    now: LatencyHistogram,
    before: Option<LatencyHistogram>,
    before_name: &'static str,
    /// The rows of this name over all phases that regression compares.
    rows: Vec<&'r CheckRow<'a>>,
    tolerance: f64,
    x: Scale,
}

/// A change that was judged: its metric, percentile and figures.
type Judged = (Metric, f64, EstimatedChange);

impl<'r, 'a> DistributionPlots<'r, 'a> {
    /// The distribution of one name (of all requests if none); none if nothing was measured.
    pub(super) fn new(view: &'r View<'a>, request: Option<usize>) -> Option<Self> {
        let all = view.aggregates();
        // Unpacked once, since it is asked for many quantiles.
        let unpacked = |packed: &LatencyHistogram| LatencyHistogram::from_counts(packed.counts());
        let now = unpacked(&all.compared(request, Arm::Target).latencies);
        if now.is_empty() {
            return None;
        }
        let name = request.map(|index| all.names[index]);
        let (before_name, before) = match view.compared_with {
            ComparedWith::Base { .. } => {
                let base = all.compared(request, Arm::Base).latencies;
                ("base", Some(unpacked(&base)))
            }
            ComparedWith::Baseline { .. } | ComparedWith::Result { .. } => {
                let newest = view.jobs_before().last();
                let cell = newest.and_then(|job| job.cell(&PhaseScope::Steady, name));
                let latencies = cell.and_then(|cell| cell.latencies.as_ref());
                ("newest baseline job", latencies.map(unpacked))
            }
            ComparedWith::Nothing => ("", None),
        };
        let before = before.filter(|before| !before.is_empty());
        let least = before.iter().map(LatencyHistogram::count);
        let count = least.fold(now.count(), u64::min);
        let highest = (1.0 - BEYOND / count as f64).clamp(0.5, 0.999_99);
        let is_of_name = |row: &&CheckRow| {
            let line = row.line();
            line.subject.name() == name && line.phase.is_none()
        };
        Some(Self {
            name: name.map_or_else(|| html! { "all requests" }, super::code),
            now,
            before,
            before_name,
            rows: view.rows().iter().filter(is_of_name).collect(),
            tolerance: view.usual_tolerance(),
            x: Scale::new(Spread::Percentile, 0.0, highest).across(),
        })
    }

    fn x_axis(&self) -> Axis {
        Axis::new("percentile of requests", self.x, 6, numbers::percent)
    }

    fn curve(&self, y: impl Fn(f64) -> Option<f64>) -> Vec<(f64, f64)> {
        let steps = self.x.steps(STEPS);
        steps.filter_map(|q| Some((q, y(q)?))).collect()
    }

    pub(super) fn plot(&self, id: &str) -> Plot {
        let highest = self.x.steps(1).last().unwrap_or(0.99);
        let sides = std::iter::once(&self.now).chain(&self.before);
        let ends = sides.flat_map(|side| [at(side, 0.0), at(side, highest)]);
        let ends = ends.flatten();
        let (low, high) = extent(ends.clone()).unwrap_or_default();
        // A limit that lies far away would press the curves together: it is named instead.
        let is_near = |bound: f64| (low / NEAR..=high * NEAR).contains(&bound);
        let limits = self.limits().into_iter();
        let (near, far): (Vec<_>, Vec<_>) = limits.partition(|(_, bound)| is_near(*bound));
        let values = || ends.clone().chain(near.iter().map(|(_, bound)| *bound));
        let scale = Scale::around(values()).upward();
        let y = Axis::latency("latency", scale, 5, values());
        let line = |name, look, marker, side: &LatencyHistogram| {
            Series::line(name, look, marker, vec![self.curve(|q| at(side, q))])
        };
        let mut series = vec![line("this run", "now", Marker::Circle, &self.now)];
        let before = self.before.iter();
        series.extend(before.map(|before| line(self.before_name, "base", Marker::Square, before)));
        if !near.is_empty() {
            series.push(Series::points("limit", "limit", Marker::Cross, near));
        }
        Plot {
            series,
            ..Plot::new(
                id,
                html! { "Latency of " (self.name) },
                html! { (self.see()) (far_limits(&far)) },
                (self.x_axis(), y),
                self.numbers(),
            )
        }
    }

    fn limits(&self) -> Vec<(f64, f64)> {
        let limits = self.rows.iter().flat_map(|row| &row.limits);
        limits
            .filter_map(|(line, limit)| Some((quantile(line.measure)?.1, limit.bound)))
            .filter(|(q, _)| self.x.holds(*q))
            .collect()
    }

    fn change_at(&self, q: f64) -> Option<f64> {
        let (now, before) = (at(&self.now, q)?, at(self.before.as_ref()?, q)?);
        (before > 0.0).then(|| now / before - 1.0)
    }

    fn see(&self) -> Markup {
        let text = |side: &LatencyHistogram, q| numbers::latency(side.quantile(q));
        html! {
            @if let Some(before) = &self.before {
                "P95 is " (text(&self.now, 0.95)) " now and was " (text(before, 0.95)) " on the " (self.before_name) ". "
                (self.shape())
            } @else {
                "Half of the requests took up to " (text(&self.now, 0.5)) ", 95 % up to " (text(&self.now, 0.95))
                ", 99 % up to " (text(&self.now, 0.99)) "."
            }
        }
    }

    /// Which part of the distribution moved.
    fn shape(&self) -> Markup {
        let tail = || self.change_at(0.99).or_else(|| self.change_at(0.95));
        let (Some(middle), Some(tail)) = (self.change_at(0.5), tail()) else {
            return html! {};
        };
        let is_moved = |change: f64| change.abs() > self.tolerance;
        let figures = [middle, tail].map(|change| numbers::change(P95, change));
        let figures = format!("P50 {}, P99 {}", figures[0], figures[1]);
        let what = match (is_moved(middle), is_moved(tail)) {
            (false, false) => "The curves lie on each other",
            (true, true) if (middle > 0.0) == (tail > 0.0) => "The whole distribution moved",
            (false, true) => "The middle stayed and the tail moved",
            (true, false) => "The middle moved and the tail stayed",
            (true, true) => "The middle and the tail moved apart",
        };
        html! { (what) " (" (super::words::together(&figures)) ")." }
    }

    /// Whether the middle, the tail or both moved, as a sentence for the top of the page; none if nothing did.
    pub(super) fn moved(&self) -> Option<Markup> {
        let changes = [self.change_at(0.5)?, self.change_at(0.99)?];
        let is_moved = changes.iter().any(|change| change.abs() > self.tolerance);
        is_moved.then(|| self.shape())
    }

    /// The percentiles of the table that are drawn.
    fn listed(&self) -> impl Iterator<Item = f64> {
        LISTED.into_iter().filter(|q| self.x.holds(*q))
    }

    fn numbers(&self) -> Numbers {
        let mut heads = vec!["percentile", "this run"];
        if self.before.is_some() {
            heads.extend([self.before_name, "change"]);
        }
        let rows = self.listed().map(|q| {
            let mut cells = vec![percentile(q), numbers::latency(self.now.quantile(q))];
            if let Some(before) = &self.before {
                cells.push(numbers::latency(before.quantile(q)));
                cells.push(change_text(self.change_at(q)));
            }
            (Some(q), cells)
        });
        Numbers::new(heads, rows)
    }

    fn judged(&self) -> Vec<Judged> {
        let changes = self.rows.iter().filter_map(|row| {
            let (metric, q) = quantile(row.measure())?;
            Some((metric, q, row.estimated()?))
        });
        let mut changes: Vec<Judged> = changes.collect();
        changes.sort_by(|a, b| a.1.total_cmp(&b.1));
        changes.retain(|(_, q, _)| self.x.holds(*q));
        changes
    }

    /// The change at each percentile with its band; none if there is nothing to compare with.
    pub(super) fn change(&self, id: &str) -> Option<Plot> {
        self.before.as_ref()?;
        let judged = self.judged();
        let curve = self.curve(|q| self.change_at(q));
        let bounds = judged.iter();
        let bounds = bounds.flat_map(|(_, _, change)| [change.lower, change.upper]);
        let changes = curve.iter().map(|(_, change)| *change);
        let scale = change_scale(bounds.chain(changes).chain([self.tolerance * 2.0]));
        let name = "all requests of each side";
        let mut series = vec![Series::line(name, "now", Marker::Circle, vec![curve])];
        let tolerance = format!("tolerance {}", numbers::percent(self.tolerance));
        let mut keys = vec![Key::area(tolerance, "tolerance")];
        if !judged.is_empty() {
            let points = judged.iter().map(|(_, q, change)| (*q, change.estimate));
            let name = "judged, with 95 % interval";
            series.push(Series::points(name, "judged", Marker::Diamond, points));
            keys.push(Key::area("95 % band", "band"));
        }
        Some(Plot {
            under: html! {
                (scale.area((self.tolerance, -self.tolerance), "tolerance"))
                @if !judged.is_empty() { (self.band(&judged, &scale)) }
                (scale.level(0.0, "zero"))
            },
            series,
            over: html! {
                @for (_, q, change) in &judged {
                    (plot::whisker(self.x.at(*q), scale.at(change.lower), scale.at(change.upper), "interval"))
                }
            },
            keys,
            ..Plot::new(
                id,
                html! { "Change of " (self.name) " at each percentile" },
                self.see_change(&judged),
                (self.x_axis(), change_axis(scale)),
                self.change_numbers(&judged),
            )
        })
    }

    /// The change at each percentile of the table, and those that were judged with their interval.
    fn change_numbers(&self, judged: &[Judged]) -> Numbers {
        let rows = self.listed().filter_map(|q| {
            let change = self.change_at(q)?;
            let judged = judged.iter().find(|(_, at, _)| (at - q).abs() < 1e-9);
            let interval = judged.map(|(_, _, change)| numbers::interval(P95, change));
            let cells = vec![
                percentile(q),
                numbers::change(P95, change),
                change_text(judged.map(|(_, _, change)| change.estimate)),
                numbers::or_none(interval),
            ];
            Some((Some(q), cells))
        });
        let heads = ["percentile", "added up", "judged", "95 % interval"];
        Numbers::new(heads, rows)
    }

    /// The band between the intervals of neighbouring percentiles.
    fn band(&self, judged: &[Judged], scale: &Scale) -> Markup {
        let upper = judged.iter().map(|(_, q, change)| (q, change.upper));
        let lower = judged.iter().rev();
        let lower = lower.map(|(_, q, change)| (q, change.lower));
        let points = upper.chain(lower);
        let points =
            points.map(|(q, bound)| format!("{:.1} {:.1}", self.x.at(*q), scale.at(bound)));
        html! { polygon class="band" points=(points.collect::<Vec<_>>().join(" ")) {} }
    }

    fn see_change(&self, judged: &[Judged]) -> Markup {
        let labels = |is_meant: &dyn Fn(&EstimatedChange) -> bool| {
            let meant = judged.iter().filter(|(_, _, change)| is_meant(change));
            let labels: Vec<&str> = meant.map(|(metric, ..)| metric.label()).collect();
            labels.join(", ")
        };
        let worse = labels(&|change| change.lower > self.tolerance);
        let better = labels(&|change| change.upper < -self.tolerance);
        let tolerance = numbers::percent(self.tolerance);
        html! {
            @if judged.is_empty() {
                "No percentile was judged; the line shows how all requests of this name changed together."
            } @else if worse.is_empty() && better.is_empty() {
                "No percentile changed by more than the tolerance of " (tolerance) "."
            }
            @if !worse.is_empty() {
                "Slower by more than the tolerance of " (tolerance) " at " (worse) "."
            }
            @if !better.is_empty() { " Faster by more than that at " (better) "." }
        }
    }
}

/// A percentile; the lowest is the latency of one request, as precise as all others.
fn at(latencies: &LatencyHistogram, q: f64) -> Option<f64> {
    latencies.quantile(q.max(f64::MIN_POSITIVE))
}

/// The metric and the percentile of a measure that is one.
fn quantile(measure: Measure) -> Option<(Metric, f64)> {
    match measure {
        Measure::Metric(metric) => Some((metric, metric.quantile()?)),
        Measure::Failures(_) | Measure::Unavailable | Measure::Aws(_) => None,
    }
}

fn percentile(q: f64) -> String {
    format!("P{}", numbers::percent(q).trim_end_matches(" %"))
}

fn change_text(change: Option<f64>) -> String {
    numbers::or_none(change.map(|change| numbers::change(P95, change)))
}

fn far_limits(far: &[(f64, f64)]) -> Markup {
    html! {
        @for (q, bound) in far {
            " The limit of " (numbers::latency(Some(*bound))) " at " (percentile(*q))
            " lies beyond this plot."
        }
    }
}

/// An upward scale that holds these changes (0.05 is +5 %), within reason.
pub(super) fn change_scale(changes: impl Iterator<Item = f64>) -> Scale {
    let changes = changes.filter(|change| change.is_finite());
    let (low, high) = extent(changes.chain([-0.05, 0.1])).unwrap_or_default();
    let (low, high) = (1.0 + low.max(-0.95), 1.0 + high.min(50.0));
    Scale::new(Spread::Change, low / 1.04 - 1.0, high * 1.06 - 1.0).upward()
}

pub(super) fn change_axis(scale: Scale) -> Axis {
    Axis::new("change, %", scale, 6, |change| {
        let text = numbers::change(P95, change).replace(".0", "");
        text.trim_end_matches(" %").to_owned()
    })
}

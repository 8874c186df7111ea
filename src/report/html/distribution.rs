//! The latency distribution on a percentile axis, against what was before, and the change at each percentile.

use maud::{Markup, html};

use super::plot::{self, Axis, Form, HEIGHT, Key, LEFT, Marker, Numbers, Plot, RIGHT, Series, TOP};
use super::quantiles::QuantileTable;
use super::scale::{Scale, Spread, around};
use super::words::millis_unit;
use crate::baseline::PhaseScope;
use crate::measurement::Arm;
use crate::metric::Metric;
use crate::report::ComparedWith;
use crate::report::text::numbers;
use crate::report::view::{CheckRow, View};
use crate::thresholds::Subject;
use crate::verdict::{EstimatedChange, Measure};

/// Points of a curve: enough that it looks like one.
const STEPS: u32 = 80;

/// Requests that must lie above a percentile for it to be drawn: above fewer it is chance.
const BEYOND: f64 = 3.0;

/// Limits up to so many times the highest latency, or down to so much of the lowest, are drawn.
const NEAR: f64 = 4.0;

/// The percentiles of the table.
const TOLD: [f64; 9] = [0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999];

/// The latencies of one name now, and before where that is known.
pub(super) struct Distribution<'r, 'a> {
    name: Markup,
    now: QuantileTable,
    before: Option<QuantileTable>,
    /// The rows of this name over all phases that regression compares.
    rows: Vec<&'r CheckRow<'a>>,
    before_name: &'static str,
    tolerance: f64,
    x: Scale,
}

impl<'r, 'a> Distribution<'r, 'a> {
    /// The distribution of one name (of all requests if none); none if nothing was measured.
    pub(super) fn new(view: &'r View<'a>, request: Option<usize>) -> Option<Self> {
        let pools = view.aggregates();
        let now = QuantileTable::of(&pools.compared(request, Arm::Target).latencies);
        if now.count() == 0 {
            return None;
        }
        let name = request.map(|index| pools.names[index]);
        let before = match view.compared_with {
            ComparedWith::Base { .. } => Some(QuantileTable::of(
                &pools.compared(request, Arm::Base).latencies,
            )),
            ComparedWith::Baseline { .. } | ComparedWith::Result { .. } => view
                .jobs_before()
                .last()
                .and_then(|job| job.cell(&PhaseScope::Steady, name)?.latencies.as_ref())
                .map(QuantileTable::of),
            ComparedWith::Nothing => None,
        };
        let before = before.filter(|before| before.count() > 0);
        let subject = name.map_or(Subject::Overall, |name| Subject::Request(name.to_owned()));
        let own = |row: &&CheckRow| row.line().subject == subject && row.line().phase.is_none();
        let count = before
            .as_ref()
            .map_or(now.count(), |before| before.count().min(now.count()));
        let last = (1.0 - BEYOND / count as f64).clamp(0.5, 0.999_99);
        Some(Self {
            name: name.map_or_else(|| html! { "all requests" }, super::code),
            now,
            before,
            rows: view.rows().iter().filter(own).collect(),
            before_name: match view.compared_with {
                ComparedWith::Base { .. } => "base",
                ComparedWith::Baseline { .. }
                | ComparedWith::Result { .. }
                | ComparedWith::Nothing => "newest baseline job",
            },
            tolerance: view.usual_tolerance(),
            x: Scale::new(Spread::Percentile, 0.0, last).between(LEFT, RIGHT),
        })
    }

    fn x_axis(&self) -> Axis {
        Axis {
            title: "percentile of requests".to_owned(),
            ticks: plot::ticks(&self.x, 6, numbers::percent),
        }
    }

    /// Points of a function of the percentile.
    fn curve(&self, y: impl Fn(f64) -> Option<f64>) -> Vec<(f64, f64)> {
        let steps = self.x.steps(STEPS);
        steps.filter_map(|q| Some((self.x.at(q), y(q)?))).collect()
    }

    /// The distribution itself.
    pub(super) fn plot(&self, id: &str) -> Plot {
        let last = self.x.steps(1).last().unwrap_or(0.99);
        let limits = self.limits();
        let ranks = std::iter::once(&self.now).chain(&self.before);
        let ends = ranks.flat_map(|ranks| [ranks.quantile(0.0), ranks.quantile(last)]);
        let own = || ends.clone().flatten();
        let (low, high) = own().fold((f64::MAX, 0.0), |(low, high), value| {
            (f64::min(low, value), f64::max(high, value))
        });
        // A limit that lies far away would press the curves together: it is told instead.
        let is_near = |bound: f64| (low / NEAR..=high * NEAR).contains(&bound);
        let (limits, far): (Vec<_>, Vec<_>) =
            limits.into_iter().partition(|(_, bound)| is_near(*bound));
        let values = || own().chain(limits.iter().map(|(_, bound)| *bound));
        let (scale, spread) = around(values());
        let y = scale.between(plot::bottom(HEIGHT), TOP);
        let unit = millis_unit(values());
        let logarithmic = if spread == Spread::Log {
            " (logarithmic)"
        } else {
            ""
        };
        let line = |name: &str, look, marker, ranks: &QuantileTable| Series {
            name: name.to_owned(),
            look,
            marker,
            form: Form::Line,
            runs: vec![self.curve(|q| ranks.quantile(q).map(|value| y.at(value)))],
        };
        let mut series = vec![line("this run", "now", Marker::Circle, &self.now)];
        series.extend(
            self.before
                .iter()
                .map(|before| line(self.before_name, "base", Marker::Square, before)),
        );
        if !limits.is_empty() {
            series.push(Series {
                name: "limit".to_owned(),
                look: "limit",
                marker: Marker::Cross,
                form: Form::Points,
                runs: vec![
                    limits
                        .iter()
                        .map(|(q, bound)| (self.x.at(*q), y.at(*bound)))
                        .collect(),
                ],
            });
        }
        Plot {
            id: id.to_owned(),
            title: html! { "Latency of " (self.name) },
            see: html! { (self.see()) (far_limits(&far)) },
            height: HEIGHT,
            x: self.x_axis(),
            y: Axis {
                title: format!("latency, {}{logarithmic}", unit.name),
                ticks: plot::ticks(&y, 5, unit.text()),
            },
            under: html! {},
            series,
            over: html! {},
            keys: Vec::new(),
            numbers: self.numbers(),
        }
    }

    /// The limits on quantiles over all phases.
    fn limits(&self) -> Vec<(f64, f64)> {
        let limits = self.rows.iter().flat_map(|row| &row.limits);
        limits
            .filter_map(|(line, limit)| match line.measure {
                Measure::Metric(metric) => Some((metric.quantile()?, limit.bound)),
                Measure::Failures(_) | Measure::Unavailable => None,
            })
            .filter(|(q, _)| self.x.holds(*q))
            .collect()
    }

    /// The ratio at a percentile less one.
    fn ratio(&self, q: f64) -> Option<f64> {
        let (now, before) = (self.now.quantile(q)?, self.before.as_ref()?.quantile(q)?);
        (before > 0.0).then(|| now / before - 1.0)
    }

    fn see(&self) -> Markup {
        let at = |ranks: &QuantileTable, q| numbers::latency(ranks.quantile(q));
        let Some(before) = &self.before else {
            return html! {
                "Half of the requests took up to " (at(&self.now, 0.5)) ", 95 % up to " (at(&self.now, 0.95))
                ", 99 % up to " (at(&self.now, 0.99)) "."
            };
        };
        html! {
            "P95 is " (at(&self.now, 0.95)) " now and was " (at(before, 0.95)) " on the " (self.before_name) ". "
            (self.shape())
        }
    }

    /// Which part of the distribution moved.
    fn shape(&self) -> Markup {
        let p95 = Measure::Metric(Metric::P95);
        let (Some(middle), Some(tail)) = (
            self.ratio(0.5),
            self.ratio(0.99).or_else(|| self.ratio(0.95)),
        ) else {
            return html! {};
        };
        let moved = |change: f64| change.abs() > self.tolerance;
        let figures = format!(
            "P50 {}, P99 {}",
            numbers::change(p95, middle),
            numbers::change(p95, tail)
        );
        let what = match (moved(middle), moved(tail)) {
            (false, false) => "The curves lie on each other",
            (true, true) if (middle > 0.0) == (tail > 0.0) => "The whole distribution moved",
            (false, true) => "The middle stayed and the tail moved",
            (true, false) => "The middle moved and the tail stayed",
            (true, true) => "The middle and the tail moved apart",
        };
        html! { (what) " (" (super::words::together(&figures)) ")." }
    }

    /// Whether the middle, the tail or both moved, as a sentence for the top of the page; none where nothing did.
    pub(super) fn moved(&self) -> Option<Markup> {
        let (middle, tail) = (self.ratio(0.5)?, self.ratio(0.99)?);
        let moved = middle.abs() > self.tolerance || tail.abs() > self.tolerance;
        moved.then(|| self.shape())
    }

    fn numbers(&self) -> Numbers {
        let mut heads = vec!["percentile".to_owned(), "this run".to_owned()];
        if self.before.is_some() {
            heads.extend([self.before_name.to_owned(), "change".to_owned()]);
        }
        let told = TOLD.into_iter().filter(|q| self.x.holds(*q));
        let rows = told.map(|q| {
            let mut cells = vec![percentile(q), numbers::latency(self.now.quantile(q))];
            if let Some(before) = &self.before {
                cells.push(numbers::latency(before.quantile(q)));
                let change = self
                    .ratio(q)
                    .map(|change| numbers::change(Measure::Metric(Metric::P95), change));
                cells.push(change.unwrap_or_else(|| numbers::NONE.to_owned()));
            }
            (Some(self.x.at(q)), cells)
        });
        Numbers {
            heads,
            rows: rows.collect(),
        }
    }

    /// The changes that were judged, by percentile.
    fn judged(&self) -> Vec<(Metric, f64, EstimatedChange)> {
        let changes = self.rows.iter().filter_map(|row| match row.measure() {
            Measure::Metric(metric) => Some((metric, metric.quantile()?, row.estimated()?)),
            Measure::Failures(_) | Measure::Unavailable => None,
        });
        let mut changes: Vec<_> = changes.collect();
        changes.sort_by(|a, b| a.1.total_cmp(&b.1));
        changes.retain(|(_, q, _)| self.x.holds(*q));
        changes
    }

    /// The change at each percentile with its band; none where there is nothing to compare with.
    pub(super) fn change(&self, id: &str) -> Option<Plot> {
        self.before.as_ref()?;
        let judged = self.judged();
        let curve: Vec<f64> = self.x.steps(STEPS).filter_map(|q| self.ratio(q)).collect();
        let bounds = judged
            .iter()
            .flat_map(|(_, _, change)| [change.lower, change.upper]);
        let y = change_scale(bounds.chain(curve).chain([self.tolerance * 2.0]));
        let point = |(_, q, change): &(Metric, f64, EstimatedChange)| {
            (self.x.at(*q), y.at(1.0 + change.estimate))
        };
        let mut series = vec![Series {
            name: "all requests of each side".to_owned(),
            look: "now",
            marker: Marker::Circle,
            form: Form::Line,
            runs: vec![self.curve(|q| self.ratio(q).map(|ratio| y.at(1.0 + ratio)))],
        }];
        let mut keys = vec![Key {
            name: format!("tolerance {}", numbers::percent(self.tolerance)),
            look: "tolerance",
            area: true,
        }];
        if !judged.is_empty() {
            series.push(Series {
                name: "judged, with 95 % interval".to_owned(),
                look: "judged",
                marker: Marker::Diamond,
                form: Form::Points,
                runs: vec![judged.iter().map(point).collect()],
            });
            keys.push(Key {
                name: "95 % band".to_owned(),
                look: "band",
                area: true,
            });
        }
        Some(Plot {
            id: id.to_owned(),
            title: html! { "Change of " (self.name) " at each percentile" },
            see: self.see_change(&judged),
            height: HEIGHT,
            x: self.x_axis(),
            y: change_axis(&y),
            under: html! {
                (tolerance(&y, self.tolerance))
                @if !judged.is_empty() { (self.band(&judged, &y)) }
                (plot::level(y.at(1.0), "zero"))
            },
            series,
            over: html! {
                @for (_, q, change) in &judged {
                    (plot::whisker(self.x.at(*q), y.at(1.0 + change.lower), y.at(1.0 + change.upper), "interval"))
                }
            },
            keys,
            numbers: self.change_numbers(&judged),
        })
    }

    /// The change at each percentile of the table, and those that were judged with their interval.
    fn change_numbers(&self, judged: &[(Metric, f64, EstimatedChange)]) -> Numbers {
        let told = TOLD.into_iter().filter(|q| self.x.holds(*q));
        let rows = told.filter_map(|q| {
            let ratio = self.ratio(q)?;
            let p95 = Measure::Metric(Metric::P95);
            let mut cells = vec![percentile(q), numbers::change(p95, ratio)];
            let own = judged.iter().find(|(_, own, _)| (own - q).abs() < 1e-9);
            cells.extend(own.map_or_else(
                || [(); 2].map(|()| numbers::NONE.to_owned()),
                |(metric, _, change)| {
                    let measure = Measure::Metric(*metric);
                    let estimate = numbers::change(measure, change.estimate);
                    [estimate, numbers::interval(measure, change)]
                },
            ));
            Some((Some(self.x.at(q)), cells))
        });
        let heads = ["percentile", "added up", "judged", "95 % interval"];
        Numbers {
            heads: heads.map(str::to_owned).to_vec(),
            rows: rows.collect(),
        }
    }

    /// The band between the intervals of neighbouring percentiles.
    fn band(&self, judged: &[(Metric, f64, EstimatedChange)], y: &Scale) -> Markup {
        let upper = judged
            .iter()
            .map(|(_, q, change)| (self.x.at(*q), y.at(1.0 + change.upper)));
        let lower = judged
            .iter()
            .rev()
            .map(|(_, q, change)| (self.x.at(*q), y.at(1.0 + change.lower)));
        let points: Vec<String> = upper
            .chain(lower)
            .map(|(x, y)| format!("{x:.1} {y:.1}"))
            .collect();
        html! { polygon class="band" points=(points.join(" ")) {} }
    }

    fn see_change(&self, judged: &[(Metric, f64, EstimatedChange)]) -> Markup {
        let beyond: Vec<&str> = judged
            .iter()
            .filter(|(_, _, change)| change.lower > self.tolerance)
            .map(|(metric, ..)| metric.label())
            .collect();
        let better: Vec<&str> = judged
            .iter()
            .filter(|(_, _, change)| change.upper < -self.tolerance)
            .map(|(metric, ..)| metric.label())
            .collect();
        let tolerance = numbers::percent(self.tolerance);
        html! {
            @if judged.is_empty() {
                "No percentile was judged; the line shows how all requests of this name changed together."
            } @else if beyond.is_empty() && better.is_empty() {
                "No percentile changed by more than the tolerance of " (tolerance) "."
            }
            @if !beyond.is_empty() {
                "Slower by more than the tolerance of " (tolerance) " at " (beyond.join(", ")) "."
            }
            @if !better.is_empty() { " Faster by more than that at " (better.join(", ")) "." }
        }
    }
}

/// What a percentile is called.
fn percentile(q: f64) -> String {
    format!("P{}", numbers::percent(q).trim_end_matches(" %"))
}

/// The limits that lie beyond a plot.
fn far_limits(far: &[(f64, f64)]) -> Markup {
    html! {
        @for (q, bound) in far {
            " The limit of " (numbers::latency(Some(*bound))) " at " (percentile(*q))
            " lies beyond this plot."
        }
    }
}

/// A scale of ratios around 1 that holds these changes (0.05 is +5 %), within reason.
pub(super) fn change_scale(changes: impl Iterator<Item = f64>) -> Scale {
    let changes = changes.filter(|change| change.is_finite());
    let (low, high) = changes.fold((-0.05, 0.1), |(low, high), change| {
        (f64::min(low, change), f64::max(high, change))
    });
    let (low, high) = (low.max(-0.95), high.min(50.0));
    let scale = Scale::new(Spread::Log, (1.0 + low) / 1.04, (1.0 + high) * 1.06);
    scale.between(plot::bottom(HEIGHT), TOP)
}

/// The axis of such a scale, in percent.
pub(super) fn change_axis(y: &Scale) -> Axis {
    let words =
        |ratio: f64| numbers::change(Measure::Metric(Metric::P95), ratio - 1.0).replace(".0", "");
    Axis {
        title: "change, %".to_owned(),
        ticks: plot::ticks(y, 6, |ratio| words(ratio).trim_end_matches(" %").to_owned()),
    }
}

/// The tolerance as an area around no change.
pub(super) fn tolerance(y: &Scale, tolerance: f64) -> Markup {
    plot::area(
        (LEFT, RIGHT),
        (y.at(1.0 + tolerance), y.at(1.0 - tolerance)),
        "tolerance",
    )
}

//! What decided a change: the baseline's jobs with this run, or the pairs of a duet, each with the tolerance and the
//! bounds that a verdict is drawn from.

use crate::report::text::numbers::{self, counted, date};
use crate::report::text::untrusted;
use crate::report::view::{CheckRow, Status, View, job_value};
use crate::report::wording::{measure_name, short_commit};
use maud::{Markup, html};

use super::distribution::{change_axis, change_scale, tolerance};
use super::plot::{self, Axis, Form, HEIGHT, Key, LEFT, Marker, Numbers, Plot, RIGHT, Series, TOP};
use super::scale::{Scale, Spread};
use super::words::millis_unit;
use crate::baseline::{Job, PhaseScope};
use crate::measurement::Arm;
use crate::metric::{Metric, MetricKind};
use crate::record::{Aggregate, SliceFilter, log_units};
use crate::thresholds::Subject;
use crate::verdict::{ChangeCheck, Check, Comparison, EstimatedChange, Measure};

/// The plot of what a row's change was drawn from; none where nothing was compared or its numbers are not kept.
pub(super) fn decision<'a>(view: &View<'a>, row: &CheckRow<'a>, id: &str) -> Option<Plot> {
    let (line, check) = row.change?;
    let change = check.change?;
    let Measure::Metric(metric) = line.measure else {
        return None;
    };
    let decision = Decision {
        view,
        row,
        line,
        check,
        change,
        metric,
    };
    match view.verdict.comparison {
        Comparison::Duet { .. } => decision.pairs(id),
        Comparison::History { .. } | Comparison::Provisional { .. } => decision.history(id),
        Comparison::None(_) => None,
    }
}

struct Decision<'s, 'r, 'a> {
    view: &'s View<'a>,
    row: &'r CheckRow<'a>,
    line: &'a Check,
    check: &'a ChangeCheck,
    change: EstimatedChange,
    metric: Metric,
}

impl Decision<'_, '_, '_> {
    fn scope(&self) -> PhaseScope {
        let phase = self.line.phase.clone();
        phase.map_or(PhaseScope::Steady, PhaseScope::Phase)
    }

    fn request(&self) -> Option<&str> {
        match &self.line.subject {
            Subject::Overall => None,
            Subject::Request(name) => Some(name),
        }
    }

    /// The class of the interval, by what it came to.
    fn class(&self) -> &'static str {
        super::class(self.view.tone(self.row.status))
    }

    fn is_share(&self) -> bool {
        numbers::is_share(self.line.measure)
    }

    /// A value this much changed.
    fn changed(&self, before: f64, change: f64) -> f64 {
        if self.is_share() {
            before + change
        } else {
            before * (1.0 + change)
        }
    }

    /// The bound that decided, in words.
    fn bound(&self) -> String {
        let measure = self.line.measure;
        let told = |change: f64| super::words::together(&numbers::change(measure, change));
        let tolerance = super::words::together(&numbers::allowed(measure, self.check.tolerance));
        let (worse, better) = if numbers::more_is_better(measure) {
            (-self.change.upper, -self.change.lower)
        } else {
            (self.change.lower, self.change.upper)
        };
        let sign = if numbers::more_is_better(measure) {
            -1.0
        } else {
            1.0
        };
        match self.row.status {
            Status::Failed | Status::Worse => format!(
                "What decided: the change is beyond {}, and {tolerance} is tolerated.",
                told(worse * sign)
            ),
            Status::Inconclusive => format!(
                "What decided: the change may be as large as {}, so a regression cannot be ruled out.",
                told(better * sign)
            ),
            Status::Passed | Status::Reported | Status::Warned | Status::NotJudged => format!(
                "The change is at most {}; {tolerance} is tolerated.",
                told(better * sign)
            ),
        }
    }

    /// The jobs of the baseline, oldest first, and this run.
    fn history(&self, id: &str) -> Option<Plot> {
        let known: Vec<(&Job, f64)> = self
            .view
            .jobs_before()
            .iter()
            .filter_map(|job| Some((*job, job_value(job, self.line)?)))
            .collect();
        let (before, now) = (self.check.before?, self.line.current?);
        let bounds =
            [self.change.lower, self.change.upper].map(|change| self.changed(before, change));
        let tolerated = self.changed(before, self.check.tolerance);
        let detect = self.changed(before, self.view.must_detect());
        let values = known.iter().map(|(_, value)| *value);
        let mut shown: Vec<f64> = values
            .chain([before, now, tolerated])
            .chain(bounds)
            .collect();
        if !self.is_share() {
            shown.push(detect);
        }
        let y = history_scale(&shown);
        let slots = known.len() as f64;
        let x = Scale::new(Spread::Linear, -0.5, slots + 0.5).between(LEFT, RIGHT);
        let place = |index: usize| x.at(index as f64);
        let own = x.at(slots);
        let points = known
            .iter()
            .enumerate()
            .map(|(index, (_, value))| (place(index), y.at(*value)));
        Some(Plot {
            id: id.to_owned(),
            title: super::title(self.line),
            see: self.see_history(&known, now),
            height: HEIGHT,
            x: Axis {
                title: "jobs of the baseline, oldest first, and this run".to_owned(),
                ticks: job_ticks(&known, &x),
            },
            y: self.value_axis(&y, &shown),
            under: html! {
                (plot::area((LEFT, RIGHT), (y.at(before), y.at(tolerated)), "tolerance"))
                (plot::level(y.at(before), "before"))
                @if !self.is_share() { (plot::level(y.at(detect), "detect")) }
                (plot::upright(f64::midpoint(own, place(known.len().saturating_sub(1))), TOP, plot::bottom(HEIGHT), "edge"))
            },
            series: vec![
                Series {
                    name: "baseline jobs".to_owned(),
                    look: "base",
                    marker: Marker::Square,
                    form: Form::Line,
                    runs: vec![points.collect()],
                },
                Series {
                    name: "this run, with the 95 % interval of its change".to_owned(),
                    look: self.class(),
                    marker: Marker::Circle,
                    form: Form::Points,
                    runs: vec![vec![(own, y.at(now))]],
                },
            ],
            over: self.interval(own, y.at(bounds[0]), y.at(bounds[1])),
            keys: self.keys("mean of the jobs"),
            numbers: self.history_numbers(&known, &place, own, now),
        })
    }

    fn interval(&self, x: f64, from: f64, to: f64) -> Markup {
        plot::whisker(x, from, to, &format!("interval {}", self.class()))
    }

    fn keys(&self, before: &str) -> Vec<Key> {
        let tolerance = numbers::allowed(self.line.measure, self.check.tolerance);
        let mut keys = vec![
            Key {
                name: before.to_owned(),
                look: "before",
                area: false,
            },
            Key {
                name: format!("tolerance {tolerance}"),
                look: "tolerance",
                area: true,
            },
        ];
        if !self.is_share() {
            let must = numbers::allowed(self.line.measure, self.view.must_detect());
            keys.push(Key {
                name: format!("must be ruled out: +{must}"),
                look: "detect",
                area: false,
            });
        }
        keys
    }

    fn value_axis(&self, y: &Scale, shown: &[f64]) -> Axis {
        let measure = measure_name(self.line.measure);
        match self.metric.kind() {
            MetricKind::Quantile(_) => {
                let unit = millis_unit(shown.iter().copied());
                Axis {
                    title: format!("{measure}, {}", unit.name),
                    ticks: plot::ticks(y, 5, unit.text()),
                }
            }
            MetricKind::Share => Axis {
                title: format!("{measure}, %"),
                ticks: plot::ticks(y, 5, |share| {
                    numbers::percent(share).trim_end_matches(" %").to_owned()
                }),
            },
            MetricKind::Rate => Axis {
                title: measure,
                ticks: plot::ticks(y, 5, |rate| numbers::count(numbers::whole(rate))),
            },
        }
    }

    fn see_history(&self, known: &[(&Job, f64)], now: f64) -> Markup {
        let measure = self.line.measure;
        let value = |value: f64| numbers::value(measure, value);
        let values = known.iter().map(|(_, value)| *value);
        let low = values.clone().fold(f64::MAX, f64::min);
        let high = values.clone().fold(f64::MIN, f64::max);
        let worse = |other: f64| {
            if numbers::more_is_better(measure) {
                other <= now
            } else {
                other >= now
            }
        };
        let as_bad = values.filter(|other| worse(*other)).count();
        if let [(_, before)] = known {
            return html! {
                "This run " (value(now)) ", the one job before it " (value(*before)) ". " (self.bound())
            };
        }
        html! {
            "This run " (value(now)) "; the " (known.len()) " jobs before it lay between " (value(low)) " and " (value(high)) ", "
            @match as_bad {
                0 => "none of them as bad",
                n if n == known.len() => "each as bad or worse",
                n => { (n) " as bad or worse" }
            }
            ". " (self.bound())
        }
    }

    fn history_numbers(
        &self,
        known: &[(&Job, f64)],
        place: &dyn Fn(usize) -> f64,
        own: f64,
        now: f64,
    ) -> Numbers {
        let measure = self.line.measure;
        let commit = |commit: Option<&str>| {
            commit.map_or_else(
                || numbers::NONE.to_owned(),
                |commit| untrusted(&short_commit(commit)).to_string(),
            )
        };
        let jobs = known.iter().enumerate().map(|(index, (job, value))| {
            let cells = vec![
                date(job.started).to_string(),
                commit(job.commit.as_deref()),
                numbers::value(measure, *value),
            ];
            (Some(place(index)), cells)
        });
        let run = &self.view.record.run;
        let this = vec![
            format!("{} (this run)", date(run.started)),
            commit(run.commit.as_deref()),
            numbers::value(measure, now),
        ];
        Numbers {
            heads: vec!["day".to_owned(), "commit".to_owned(), measure_name(measure)],
            rows: jobs.chain([(Some(own), this)]).collect(),
        }
    }

    /// The pairs of a duet, each as the change from the base to the target.
    fn pairs(&self, id: &str) -> Option<Plot> {
        if self.is_share() {
            return None;
        }
        let units = self.units();
        let changes: Vec<f64> = units.iter().map(|[now, base]| now / base - 1.0).collect();
        let bounds = [self.change.lower, self.change.upper];
        let y = change_scale(
            changes
                .iter()
                .copied()
                .chain(bounds)
                .chain([self.check.tolerance, self.view.must_detect()]),
        );
        let count = changes.len();
        let x = Scale::new(Spread::Linear, 0.0, count as f64 + 1.0).between(LEFT, RIGHT);
        let is_worse = |change: f64| (change > 0.0) != numbers::more_is_better(self.line.measure);
        let of = |worse: bool| {
            let own = changes
                .iter()
                .enumerate()
                .filter(|(_, change)| is_worse(**change) == worse);
            vec![
                own.map(|(index, change)| (x.at(index as f64 + 1.0), y.at(1.0 + change)))
                    .collect(),
            ]
        };
        let estimate = 1.0 + self.change.estimate;
        let every = count.div_ceil(12).max(1);
        let points = |name: &str, look, marker, runs| Series {
            name: name.to_owned(),
            look,
            marker,
            form: Form::Points,
            runs,
        };
        let ticks = (1..=count).step_by(every);
        Some(Plot {
            id: id.to_owned(),
            title: html! { (super::title(self.line)) ", pair by pair" },
            see: self.see_pairs(&changes),
            height: HEIGHT,
            x: Axis {
                title: "pairs in the order of their time".to_owned(),
                ticks: ticks
                    .map(|pair| (x.at(pair as f64), pair.to_string()))
                    .collect(),
            },
            y: change_axis(&y),
            under: html! {
                (tolerance(&y, self.check.tolerance))
                (plot::area((LEFT, RIGHT), (y.at(1.0 + bounds[0]), y.at(1.0 + bounds[1])), "band"))
                (plot::level(y.at(1.0), "zero"))
                (plot::level(y.at(1.0 + self.view.must_detect()), "detect"))
                (plot::level(y.at(estimate), "before"))
            },
            series: vec![
                points("target worse", "errors", Marker::Triangle, of(true)),
                points("target better or alike", "p50", Marker::Down, of(false)),
            ],
            over: html! {},
            keys: {
                let mut keys = self.keys("estimate");
                keys.push(Key {
                    name: "its 95 % interval".to_owned(),
                    look: "band",
                    area: true,
                });
                keys
            },
            numbers: self.pair_numbers(&units, &changes, &x),
        })
    }

    /// The units that the change was drawn from: the value on the target and on the base.
    fn units(&self) -> Vec<[f64; 2]> {
        let scope = self.scope();
        let mut units = Vec::new();
        for record in self.view.records() {
            let request = self
                .request()
                .and_then(|name| record.requests.iter().position(|own| own == name));
            let base = || {
                let slices = record.pooled(None, |slice| {
                    slice.arm == Arm::Base && record.phases[slice.phase].measured
                });
                slices.latencies().quantile(0.5)
            };
            let sieve = SliceFilter::new(record, base);
            for phase in scope.phases(&record.phases) {
                let blocks = sieve.paired_slices(record, phase);
                let whole = blocks
                    .iter()
                    .filter(|arms| arms.iter().all(|arm| !arm.is_empty()));
                let samples: Vec<[Aggregate; 2]> = whole
                    .map(|arms| {
                        arms.each_ref()
                            .map(|arm| Aggregate::from_slices(arm, request))
                    })
                    .collect();
                units.extend(
                    log_units(&samples, self.metric)
                        .iter()
                        .map(|arms| arms.map(libm::exp)),
                );
            }
        }
        units
    }

    fn see_pairs(&self, changes: &[f64]) -> Markup {
        let above = changes.iter().filter(|change| **change > 0.0).count();
        html! {
            (measure_name(self.line.measure)) " of the target lies above the base in " (above) " of "
            (counted(changes.len() as u64, "pair")) ". " (self.bound())
        }
    }

    fn pair_numbers(&self, units: &[[f64; 2]], changes: &[f64], x: &Scale) -> Numbers {
        let measure = self.line.measure;
        let rows = units
            .iter()
            .zip(changes)
            .enumerate()
            .map(|(index, ([now, base], change))| {
                let cells = vec![
                    format!("pair {}", index + 1),
                    numbers::value(measure, *base),
                    numbers::value(measure, *now),
                    numbers::change(measure, *change),
                ];
                (Some(x.at(index as f64 + 1.0)), cells)
            });
        Numbers {
            heads: ["pair", "base", "target", "change"]
                .map(str::to_owned)
                .to_vec(),
            rows: rows.collect(),
        }
    }
}

/// The days of the oldest and the newest job, and this run.
fn job_ticks(known: &[(&Job, f64)], x: &Scale) -> Vec<(f64, String)> {
    let last = known.len().saturating_sub(1);
    let mut ticks: Vec<(f64, String)> = [0, last]
        .into_iter()
        .filter_map(|index| {
            let day = date(known.get(index)?.0.started);
            Some((x.at(index as f64), day.strftime("%b %-d").to_string()))
        })
        .collect();
    ticks.dedup_by(|a, b| a.1 == b.1);
    // Every second mark is left out where there is little room; this run's never is.
    if ticks.len() == 1 {
        ticks.push((-100.0, String::new()));
    }
    ticks.push((x.at(known.len() as f64), "this run".to_owned()));
    ticks
}

/// A scale over values that lie near each other, not from zero where that would press them together.
fn history_scale(values: &[f64]) -> Scale {
    let low = values.iter().copied().fold(f64::MAX, f64::min);
    let high = values.iter().copied().fold(f64::MIN, f64::max);
    let room = ((high - low) * 0.1).max(high.abs() * 0.01).max(1e-6);
    let from = if low > (high - low) * 2.0 {
        low - room
    } else {
        0.0_f64.min(low)
    };
    Scale::new(Spread::Linear, from, high + room).between(plot::bottom(HEIGHT), TOP)
}

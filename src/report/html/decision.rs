//! What decided a change: the baseline's jobs with this run, or the pairs of a duet, each with the tolerance and the
//! bounds that a verdict is drawn from.

use maud::{Markup, html};

use super::distribution::{change_axis, change_scale};
use super::plot::{self, Axis, HEIGHT, Key, Marker, Numbers, Plot, Series, TOP};
use super::scale::{Scale, Spread, extent};
use super::words::together;
use crate::baseline::Job;
use crate::metric::{Metric, MetricKind};
use crate::report::text::{counted, numbers, untrusted};
use crate::report::view::{CheckRow, Status, View, job_value, pairs};
use crate::report::wording::{measure_name, short_commit};
use crate::units::date;
use crate::verdict::{ChangeCheck, Check, Comparison, EstimatedChange, Measure};

/// The plot of what a row's change was drawn from; none if nothing was compared or its numbers are not kept.
pub(super) fn decision<'a>(view: &View<'a>, row: &CheckRow<'a>, id: &str) -> Option<Plot> {
    let (line, check) = row.change?;
    let Measure::Metric(metric) = line.measure else {
        return None;
    };
    let change = check.change?;
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

struct Decision<'s, 'a> {
    view: &'s View<'a>,
    row: &'s CheckRow<'a>,
    line: &'a Check,
    check: &'a ChangeCheck,
    change: EstimatedChange,
    metric: Metric,
}

impl Decision<'_, '_> {
    fn is_share(&self) -> bool {
        self.metric.kind() == MetricKind::Share
    }

    /// Whether more of the metric is better.
    fn is_rate(&self) -> bool {
        self.metric.kind() == MetricKind::Rate
    }

    /// A value this much changed.
    fn changed(&self, before: f64, change: f64) -> f64 {
        if self.is_share() {
            before + change
        } else {
            before * (1.0 + change)
        }
    }

    /// The change that must be ruled out.
    fn detect(&self) -> f64 {
        self.view.must_detect_of(self.line.measure)
    }

    fn value(&self, value: f64) -> String {
        numbers::value(self.line.measure, value)
    }

    fn bound(&self) -> String {
        let measure = self.line.measure;
        let tolerance = together(&numbers::allowed(measure, self.check.tolerance));
        let [best, worst] = numbers::best_and_worst(measure, &self.change)
            .map(|change| together(&numbers::change(measure, change)));
        match self.row.status {
            Status::Failed | Status::Worse => {
                format!("What decided: the change is beyond {best}, and {tolerance} is tolerated.")
            }
            Status::Inconclusive => format!(
                "What decided: the change may be as large as {worst}, so a regression cannot be ruled out."
            ),
            Status::Passed | Status::Reported | Status::Warned | Status::NotJudged => {
                format!("The change is at most {worst}; {tolerance} is tolerated.")
            }
        }
    }

    fn history(&self, id: &str) -> Option<Plot> {
        let jobs = self.view.jobs_before().iter();
        let jobs = jobs.filter_map(|job| Some((*job, job_value(job, self.line)?)));
        let jobs: Vec<(&Job, f64)> = jobs.collect();
        let (before, now) = (self.check.before?, self.line.current?);
        let (change, tolerance) = (self.change, self.check.tolerance);
        let [lower, upper, tolerated, detect] =
            [change.lower, change.upper, tolerance, self.detect()]
                .map(|change| self.changed(before, change));
        let mut shown: Vec<f64> = jobs.iter().map(|(_, value)| *value).collect();
        shown.extend([before, now, tolerated, lower, upper]);
        shown.extend((!self.is_share()).then_some(detect));
        let y = history_scale(&shown);
        let this_run = jobs.len() as f64;
        let x = Scale::new(Spread::Linear, -0.5, this_run + 0.5).across();
        let class = super::class(self.view.tone(self.row.status));
        let points = jobs.iter().enumerate();
        let points = points.map(|(index, (_, value))| (index as f64, *value));
        let points = vec![points.collect()];
        let edge = f64::midpoint(x.at(this_run), x.at((this_run - 1.0).max(0.0)));
        let interval = format!("interval {class}");
        let x_axis = Axis {
            title: "jobs of the baseline, oldest first, and this run".to_owned(),
            scale: x,
            ticks: job_ticks(&jobs, &x),
        };
        Some(Plot {
            under: html! {
                (y.area((before, tolerated), "tolerance"))
                (y.level(before, "before"))
                @if !self.is_share() { (y.level(detect, "detect")) }
                (plot::upright(edge, TOP, plot::bottom(HEIGHT), "edge"))
            },
            series: vec![
                Series::line("baseline jobs", "base", Marker::Square, points),
                Series::points(
                    "this run, with the 95 % interval of its change",
                    class,
                    Marker::Circle,
                    [(this_run, now)],
                ),
            ],
            over: plot::whisker(x.at(this_run), y.at(lower), y.at(upper), &interval),
            keys: self.keys("mean of the jobs"),
            ..Plot::new(
                id,
                super::title(self.line),
                self.see_history(&jobs, now),
                (x_axis, self.value_axis(y, &shown)),
                self.history_numbers(&jobs, now),
            )
        })
    }

    fn keys(&self, before: &str) -> Vec<Key> {
        let allowed = |change| numbers::allowed(self.line.measure, change);
        let tolerance = format!("tolerance {}", allowed(self.check.tolerance));
        let mut keys = vec![
            Key::line(before, "before"),
            Key::area(tolerance, "tolerance"),
        ];
        if !self.is_share() {
            let detect = allowed(self.detect());
            keys.push(Key::line(format!("must be ruled out: +{detect}"), "detect"));
        }
        keys
    }

    fn value_axis(&self, scale: Scale, shown: &[f64]) -> Axis {
        let measure = measure_name(self.line.measure);
        match self.metric.kind() {
            MetricKind::Quantile(_) => Axis::latency(&measure, scale, 5, shown.iter().copied()),
            MetricKind::Share => Axis::new(format!("{measure}, %"), scale, 5, |share| {
                let percent = numbers::percent(share);
                percent.trim_end_matches(" %").to_owned()
            }),
            MetricKind::Rate => Axis::new(measure, scale, 5, |rate| {
                numbers::count(numbers::whole(rate))
            }),
        }
    }

    fn see_history(&self, jobs: &[(&Job, f64)], now: f64) -> Markup {
        let values = || jobs.iter().map(|(_, value)| *value);
        let (low, high) = extent(values()).unwrap_or_default();
        let is_rate = self.is_rate();
        let as_bad = values().filter(|it| if is_rate { *it <= now } else { *it >= now });
        html! {
            "This run " (self.value(now))
            @if jobs.is_empty() {
                ". "
            } @else if let [(_, before)] = jobs {
                ", the one job before it " (self.value(*before)) ". "
            } @else {
                "; the " (jobs.len()) " jobs before it lay between " (self.value(low)) " and "
                (self.value(high)) ", "
                @match as_bad.count() {
                    0 => "none of them as bad",
                    n if n == jobs.len() => "each as bad or worse",
                    n => { (n) " as bad or worse" }
                }
                ". "
            }
            (self.bound())
        }
    }

    fn history_numbers(&self, jobs: &[(&Job, f64)], now: f64) -> Numbers {
        let row = |place: usize, day: String, commit: Option<&str>, value: f64| {
            let commit = commit.map(|commit| untrusted(&short_commit(commit)).to_string());
            let cells = vec![day, numbers::or_none(commit), self.value(value)];
            (Some(place as f64), cells)
        };
        let rows = jobs.iter().enumerate().map(|(index, (job, value))| {
            let day = date(job.started).to_string();
            row(index, day, job.commit.as_deref(), *value)
        });
        let run = &self.view.record.run;
        let day = format!("{} (this run)", date(run.started));
        let this_run = row(jobs.len(), day, run.commit.as_deref(), now);
        let heads = ["day", "commit", &measure_name(self.line.measure)].map(str::to_owned);
        Numbers::new(heads, rows.chain([this_run]))
    }

    /// The pairs of a duet, each as the change from the base to the target.
    fn pairs(&self, id: &str) -> Option<Plot> {
        if self.is_share() {
            return None;
        }
        let pairs = pairs(self.view, self.line, self.metric);
        let changes: Vec<f64> = pairs.iter().map(|[now, base]| now / base - 1.0).collect();
        let [lower, upper] = [self.change.lower, self.change.upper];
        let (tolerance, detect) = (self.check.tolerance, self.detect());
        let bounds = [lower, upper, tolerance, detect];
        let y = change_scale(changes.iter().copied().chain(bounds));
        let count = changes.len();
        let x = Scale::new(Spread::Linear, 0.0, count as f64 + 1.0).across();
        let numbered = (1..).zip(&changes);
        let numbered = numbered.map(|(pair, change)| (f64::from(pair), *change));
        let is_worse = |point: &(f64, f64)| (point.1 > 0.0) != self.is_rate();
        let (worse, better): (Vec<_>, Vec<_>) = numbered.partition(is_worse);
        let every = count.div_ceil(12).max(1);
        let ticks = (1..=count).step_by(every);
        let ticks = ticks.map(|pair| (x.at(pair as f64), pair.to_string()));
        let x_axis = Axis {
            title: "pairs in the order of their time".to_owned(),
            scale: x,
            ticks: ticks.collect(),
        };
        let mut keys = self.keys("estimate");
        keys.push(Key::area("its 95 % interval", "band"));
        Some(Plot {
            under: html! {
                (y.area((tolerance, -tolerance), "tolerance"))
                (y.area((lower, upper), "band"))
                (y.level(0.0, "zero"))
                (y.level(detect, "detect"))
                (y.level(self.change.estimate, "before"))
            },
            series: vec![
                Series::points("target worse", "errors", Marker::Triangle, worse),
                Series::points("target better or alike", "p50", Marker::Down, better),
            ],
            keys,
            ..Plot::new(
                id,
                html! { (super::title(self.line)) ", pair by pair" },
                self.see_pairs(&changes),
                (x_axis, change_axis(y)),
                self.pair_numbers(&pairs, &changes),
            )
        })
    }

    fn see_pairs(&self, changes: &[f64]) -> Markup {
        let above = changes.iter().filter(|change| **change > 0.0).count();
        html! {
            (measure_name(self.line.measure)) " of the target lies above the base in " (above) " of "
            (counted(changes.len() as u64, "pair")) ". " (self.bound())
        }
    }

    fn pair_numbers(&self, pairs: &[[f64; 2]], changes: &[f64]) -> Numbers {
        let rows = (1..).zip(pairs.iter().zip(changes));
        let rows = rows.map(|(pair, ([now, base], change))| {
            let cells = vec![
                format!("pair {pair}"),
                self.value(*base),
                self.value(*now),
                numbers::change(self.line.measure, *change),
            ];
            (Some(f64::from(pair)), cells)
        });
        Numbers::new(["pair", "base", "target", "change"], rows)
    }
}

fn job_ticks(jobs: &[(&Job, f64)], x: &Scale) -> Vec<(f64, String)> {
    let ends = [0, jobs.len().saturating_sub(1)].into_iter();
    let ticks = ends.filter_map(|index| {
        let day = date(jobs.get(index)?.0.started);
        Some((x.at(index as f64), day.strftime("%b %-d").to_string()))
    });
    let mut ticks: Vec<(f64, String)> = ticks.collect();
    ticks.dedup_by(|a, b| a.1 == b.1);
    // Every second mark is left out where there is little room; this run's never is.
    if ticks.len() == 1 {
        ticks.push((-100.0, String::new()));
    }
    ticks.push((x.at(jobs.len() as f64), "this run".to_owned()));
    ticks
}

/// An upward scale over values that lie near each other, not from zero where that would press them together.
fn history_scale(values: &[f64]) -> Scale {
    let (low, high) = extent(values.iter().copied()).unwrap_or_default();
    let room = ((high - low) * 0.1).max(high.abs() * 0.01).max(1e-6);
    let is_far = low > (high - low) * 2.0;
    let from = if is_far { low - room } else { low.min(0.0) };
    Scale::new(Spread::Linear, from, high + room).upward()
}

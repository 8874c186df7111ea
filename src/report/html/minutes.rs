//! CloudWatch's series below the timeline: each minute as a bar, on the timeline's own axis of time.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::code;
use super::plot::{Axis, Form, Marker, Numbers, Plot, Series};
use super::scale::Scale;
use super::timeline::{Timeline, number_text};
use super::words::clock;
use crate::record::{AwsFigures, SeriesRecord};
use crate::report::text::{numbers, untrusted};

/// Plots at most, and minutes of each: those of a day.
const PLOTS: usize = 12;
const MINUTES: usize = 24 * 60 + 2;

/// Seconds of a point.
const MINUTE: f64 = 60.0;

/// The statistics of one metric of one resource.
struct Group<'a> {
    series: &'a [SeriesRecord],
    /// Seconds for one unit of the metric, if it is a time.
    seconds: Option<f64>,
}

/// The part of a minute that lies in the timeline, and the value of the whole minute.
struct Bar {
    from: f64,
    to: f64,
    value: f64,
}

/// A plot for each metric of each resource that was above zero.
pub(super) fn minutes(timeline: &Timeline<'_>, figures: &AwsFigures) -> Vec<Plot> {
    let groups = figures
        .series
        .chunk_by(|a, b| (&a.resource, &a.metric) == (&b.resource, &b.metric));
    let groups = groups.map(Group::new);
    let drawn = groups.filter(|group| group.bars(timeline).any(|(_, bar)| bar.value > 0.0));
    let drawn = drawn.take(PLOTS).enumerate();
    drawn
        .map(|(index, group)| group.plot(timeline, index))
        .collect()
}

impl<'a> Group<'a> {
    fn new(series: &'a [SeriesRecord]) -> Self {
        let metric = series.first().map_or("", |first| first.metric.as_str());
        Self {
            series,
            seconds: seconds(metric),
        }
    }

    /// The bars of all series, each with its series.
    fn bars<'b>(
        &'b self,
        timeline: &'b Timeline<'_>,
    ) -> impl Iterator<Item = (&'b SeriesRecord, Bar)> + 'b {
        self.series.iter().flat_map(|one| {
            let points = one.points.iter().take(MINUTES);
            let bars = points.filter_map(|(start, value)| {
                let (from, to) = timeline.within(*start, start + MINUTE)?;
                let value = value * self.seconds.unwrap_or(1.0);
                Some(Bar { from, to, value })
            });
            bars.map(move |bar| (one, bar))
        })
    }

    fn plot(&self, timeline: &Timeline<'_>, index: usize) -> Plot {
        let values = || self.bars(timeline).map(|(_, bar)| bar.value);
        let scale = Scale::from_zero(values()).upward();
        let y = match self.seconds {
            Some(_) => Axis::latency("latency", scale, 4, values()),
            None => Axis::new("of the minute", scale, 4, number_text),
        };
        let series = self.series.iter().map(|one| {
            let own = self.bars(timeline).filter(|(of, _)| std::ptr::eq(*of, one));
            let outlines = own.map(|(_, Bar { from, to, value })| {
                vec![(from, 0.0), (from, value), (to, value), (to, 0.0)]
            });
            Series {
                form: Form::Outlines,
                ..Series::line(
                    untrusted(&one.statistic).to_string(),
                    look(&one.statistic),
                    Marker::Circle,
                    outlines.collect(),
                )
            }
        });
        let first = self.series.first();
        let title = html! {
            @if let Some(first) = first { (untrusted(&first.metric).to_string()) " of " (code(&first.resource)) }
        };
        let plot = timeline.plot(
            &format!("cloudwatch-{index}"),
            title,
            self.see(timeline),
            y,
            series.collect(),
            self.numbers(timeline),
        );
        Plot {
            x: timeline.axis("minute"),
            ..plot
        }
    }

    fn text(&self, value: f64) -> String {
        match self.seconds {
            Some(_) => numbers::latency(Some(value)),
            None => number_text(value),
        }
    }

    fn see(&self, timeline: &Timeline<'_>) -> Markup {
        let statistic = ["p95", "Sum"].into_iter().find(|name| {
            let mut series = self.series.iter();
            series.any(|one| one.statistic == *name)
        });
        let shown = |one: &SeriesRecord| statistic.is_none_or(|name| one.statistic == name);
        let bars = self.bars(timeline).filter(|(one, _)| shown(one));
        let highest = bars.max_by(|(_, a), (_, b)| a.value.total_cmp(&b.value));
        html! {
            @if let Some((one, bar)) = highest {
                "Highest " (untrusted(&one.statistic).to_string()) ": " (self.text(bar.value)) ", in the minute that covers "
                (span(bar.from, bar.to)) "."
            }
        }
    }

    /// A row for each minute.
    fn numbers(&self, timeline: &Timeline<'_>) -> Numbers {
        let statistics = self.series.iter();
        let statistics = statistics.map(|one| untrusted(&one.statistic).to_string());
        let heads = ["time", "phases"].map(str::to_owned);
        // Times from zero on are in the order of their bits.
        let mut minutes: BTreeMap<u64, (Bar, Vec<String>)> = BTreeMap::new();
        for (index, one) in self.series.iter().enumerate() {
            let bars = self.bars(timeline);
            for (_, bar) in bars.filter(|(of, _)| std::ptr::eq(*of, one)) {
                let value = self.text(bar.value);
                let none = vec![numbers::NONE.to_owned(); self.series.len()];
                let minute = minutes.entry(bar.from.to_bits());
                let (_, values) = minute.or_insert((bar, none));
                values[index] = value;
            }
        }
        let rows = minutes.into_values().map(|(Bar { from, to, .. }, values)| {
            let mut row = vec![span(from, to), timeline.phases_between(from, to)];
            row.extend(values);
            (Some(f64::midpoint(from, to)), row)
        });
        Numbers::new(heads.into_iter().chain(statistics), rows)
    }
}

fn span(from: f64, to: f64) -> String {
    format!("{} to {}", clock(from), clock(to))
}

/// Percentiles look as ours do, in a plot of their own.
fn look(statistic: &str) -> &'static str {
    match statistic {
        "p50" => "p50",
        "p95" => "p95",
        "p99" => "p99",
        _ => "f4",
    }
}

/// Seconds for one unit of a metric, if it is a time.
fn seconds(metric: &str) -> Option<f64> {
    match metric {
        "Duration"
        | "Latency"
        | "IntegrationLatency"
        | "UrlRequestLatency"
        | "SuccessfulRequestLatency" => Some(1e-3),
        "TargetResponseTime" | "ReadLatency" | "WriteLatency" => Some(1.0),
        _ => None,
    }
}

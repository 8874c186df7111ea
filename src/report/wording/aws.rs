//! What AWS says of a run, in sentences.

use crate::measurement::{Arm, FailureKind};
use crate::record::{AwsFigures, CostRecord, JoinRecord, TraceParts, TracedRecord};
use crate::report::text::{Text, count, counted, numbers, share, text, untrusted};
use crate::report::view::View;
use crate::thresholds::AwsMetric;
use crate::units::{Dollars, Latency};
use crate::verdict::Measure;

/// How many sentences on limits, and on what is missing, are shown.
const MOST: usize = 5;

/// How many traces, and parts of them, are named.
const TRACES: usize = 3;
const PARTS: usize = 5;

/// What AWS says, the most important first; empty without figures.
pub(crate) fn aws(view: &View) -> Vec<Text> {
    let aws = view.record.aws.as_ref();
    let Some(figures) = aws.and_then(|aws| aws.figures.as_ref()) else {
        return Vec::new();
    };
    let sentences = [
        figures.others.map(others),
        figures.join.as_ref().map(joined),
        figures.traced.as_ref().and_then(traced),
        figures.traced.as_ref().and_then(slowest),
        where_time_goes(view, figures),
        throttled(view, figures),
        figures.cost.as_ref().map(|own| cost(view, own)),
    ];
    let notes = figures
        .limits
        .iter()
        .take(MOST)
        .chain(figures.missing.iter().take(MOST));
    let notes = notes.map(|why| text!("AWS: {}", untrusted(why)));
    sentences.into_iter().flatten().chain(notes).collect()
}

/// What the load costs, and what requests to the base or in the newest job cost.
fn cost(view: &View, cost: &CostRecord) -> Text {
    let newest = view.jobs_before().last();
    let newest =
        newest.and_then(|job| Some((job.cost.as_ref()?.per_million_usd, "in the newest job")));
    let base = cost.base_per_million_usd.map(|base| (base, "to the base"));
    let before = base.or(newest).filter(|(dollars, _)| *dollars > 0.0);
    let compared = before.map(|(dollars, of)| {
        let change = cost.per_million_usd / dollars - 1.0;
        let change = numbers::change(Measure::Aws(AwsMetric::CostPerMillion), change);
        text!(
            ", {} against {} {}",
            change,
            Dollars(dollars).to_string(),
            of
        )
    });
    text!(
        "AWS costs {} for this load, {} for a million requests{} (list prices of {}, without free tier)",
        Dollars(cost.usd).to_string(),
        Dollars(cost.per_million_usd).to_string(),
        compared,
        untrusted(&cost.prices_of)
    )
}

/// That no figure is this run's alone.
pub(super) fn others(count_of: u64) -> Text {
    text!(
        "others sent {} to the functions in the same minutes, so no figure of AWS is of this run alone",
        counted(count_of, "request")
    )
}

/// How many responses were found in the log.
fn joined(join: &JoinRecord) -> Text {
    let of = count(join.answered);
    if let Some(why) = &join.counts_only {
        return text!(
            "the log of the functions gives counts only: {}",
            untrusted(why)
        );
    }
    let found = join.joined as f64 / join.answered.max(1) as f64;
    text!(
        "{} of {} responses ({}) were found in the log of the functions by their id",
        count(join.joined),
        of,
        share(found)
    )
}

/// How many traced requests were found in the log. No other figure is scaled up from them.
fn traced(traced: &TracedRecord) -> Option<Text> {
    let join = traced.join.as_ref()?;
    if let Some(why) = &join.counts_only {
        return Some(text!(
            "traced requests were not found in the log of the functions: {}",
            untrusted(why)
        ));
    }
    let found = join.joined as f64 / join.answered.max(1) as f64;
    Some(text!(
        "{} of {} traced requests ({}) were found in that log by their trace. {} of them waited for a cold start. No other figure is taken from this sample",
        count(join.joined),
        count(join.answered),
        share(found),
        count(traced.cold)
    ))
}

/// The slowest traced requests, and the parts of them that X-Ray recorded.
fn slowest(traced: &TracedRecord) -> Option<Text> {
    let named = traced.slowest.iter().take(TRACES);
    let named: Vec<Text> = named
        .map(|(root, millis)| text!("{} ({})", untrusted(root), milliseconds(*millis)))
        .collect();
    let parts = traced.parts.as_ref().filter(|of| !of.parts.is_empty());
    (!named.is_empty()).then(|| {
        text!(
            "the slowest traced requests are {}{}",
            Text::join(named, ", "),
            parts.map(parts_of).unwrap_or_default()
        )
    })
}

fn parts_of(traces: &TraceParts) -> Text {
    let parts = traces.parts.iter().take(PARTS);
    let parts = parts.map(|(name, millis)| text!("{} {}", untrusted(name), milliseconds(*millis)));
    text!(
        ". X-Ray recorded {} of the slowest. Of {} on average: {}. Parts may contain one another",
        count(traces.traces),
        milliseconds(traces.service_ms),
        Text::join(parts, ", ")
    )
}

fn milliseconds(millis: f64) -> String {
    Latency(millis / 1e3).to_string()
}

/// Where the time of the slowest requests goes: before the gateway, in it, before the function, in the function.
fn where_time_goes(view: &View, figures: &AwsFigures) -> Option<Text> {
    let ours = view.overall().latencies.quantile(0.95)?;
    let worst = |metric: &str| {
        let series = figures.series.iter();
        let series = series.filter(|one| one.metric == metric && one.statistic == "p95");
        let points = series
            .flat_map(|one| &one.points)
            .map(|(_, value)| value / 1e3);
        points.reduce(f64::max)
    };
    let steps = [
        ("API Gateway", worst("Latency")),
        ("the integration", worst("IntegrationLatency")),
        ("the function", worst("Duration")),
    ];
    let steps = steps
        .into_iter()
        .filter_map(|(name, seconds)| Some((name, seconds?)));
    let steps: Vec<Text> = steps
        .map(|(name, seconds)| text!("{} in {}", Latency(seconds).to_string(), name))
        .collect();
    (!steps.is_empty()).then(|| {
        text!(
            "P95 is {} at the client and at most {} by the minute; the rest is network, TLS and queueing",
            Latency(ours).to_string(),
            Text::join(steps, ", ")
        )
    })
}

/// Whether the 429s of the target are Lambda's own.
fn throttled(view: &View, figures: &AwsFigures) -> Option<Text> {
    let slices = view.record.measured_slices();
    let own = slices.filter(|slice| slice.arm == Arm::Target);
    let cells = own.flat_map(|slice| slice.of_request(None));
    let of_429 = cells.filter_map(|cell| cell.errors.get(&FailureKind::Status(429)));
    let ours: u64 = of_429.sum();
    let throttles: Option<f64> = figures.functions.iter().map(|it| it.throttles).sum();
    let throttles = throttles?;
    (ours > 0).then(|| {
        let whose = if throttles > 0.0 {
            format!(
                "Lambda throttled {}: it lacks concurrency",
                counted(numbers::whole(throttles), "invocation")
            )
        } else {
            "Lambda throttled none: the gateway's rate limit did".to_owned()
        };
        text!("{} responded 429. {}", counted(ours, "request"), whose)
    })
}

//! What a person should know and nothing depends on: each with its numbers and with what to do.

use super::context::{noise, proxy_of};
use super::line::{caught, subject_name, title};
use super::outage::short_silence;
use super::reasons::{not_judged, record_command, units_of, written_at};
use super::redirects::{follow, resent, strayed, unfollowed};
use crate::baseline::PhaseScope;
use crate::measurement::Scheduling;
use crate::metric::Metric;
use crate::report::text::{Text, count, counted, numbers, quoted, share, text, untrusted};
use crate::report::view::View;
use crate::thresholds::Acceptance;
use crate::units::Latency;
use crate::verdict::{Check, Measure, NotJudged, Outcome, SampleSizeAdvice, Warning};

/// The cautions of a story, but for what the verdict says itself.
pub(crate) fn shown_warnings<'a>(view: &View<'a>) -> impl Iterator<Item = &'a Warning> {
    let has_failed = view.verdict.outcome == Outcome::Failed;
    let cautions = view.verdict.warnings.iter();
    cautions.filter(move |caution| !has_failed || !matches!(caution, Warning::Aborted { .. }))
}

/// A caution in words.
#[expect(
    clippy::too_many_lines,
    reason = "a catalogue with one arm for each caution, which reads best in one place"
)]
pub(crate) fn caution(view: &View, caution: &Warning) -> Text {
    match caution {
        Warning::MuchFaster { check: line } => much_faster(view.verdict.checks.get(*line)),
        Warning::Silent {
            arm,
            subject,
            class,
            seconds,
            of_s,
        } => short_silence(*arm, subject, class.as_deref(), (*seconds, *of_s)),
        Warning::NeverSent { request } => text!(
            "{} was never sent; check task weights, conditions and run length",
            untrusted(request)
        ),
        Warning::Overloaded {
            phase,
            due,
            served,
            first_s,
            last_s,
        } => text!(
            "the target did not keep up in {}: {} arrived, {} completed. The median latency grew from {} in the first third to {} in the last; set a latency limit or send less",
            untrusted(phase),
            numbers::rate(*due),
            numbers::rate(*served),
            Latency(*first_s),
            Latency(*last_s)
        ),
        Warning::RareRequests { requests } => rare(requests),
        Warning::LongWaits { by_time_s, p99_s } => text!(
            "a few long waits take most of the time: a request in flight at a random instant takes {} on average, while P99 is {}",
            Latency(*by_time_s),
            Latency(*p99_s)
        ),
        Warning::RateDefinitionDiffers => text!(
            "requests/s are compared with jobs of an older loadgate, which counted planned arrivals; record new jobs"
        ),
        Warning::MissingRequest { request } => text!(
            "{} {}, but was not sent to the target in this run; check task weights and run length",
            untrusted(request),
            if view.is_duet() {
                "was sent to the base"
            } else {
                "is in the baseline"
            }
        ),
        Warning::Unfollowed(names) => text!("{}; {}", unfollowed(names), follow(names)),
        Warning::RedirectedAway(names) => strayed(names),
        Warning::Resent {
            resent: count,
            most,
        } => resent(*count, most.as_ref()),
        Warning::BaseMissing { why } => text!(
            "the base in regression.base was not loaded: {}. Compared with the baseline alone, smaller changes go unseen",
            untrusted(why)
        ),
        Warning::ReferenceMissing { why } => text!(
            "the reference in regression.reference was not measured: {}. A slow runner and a slow target look alike",
            untrusted(why)
        ),
        Warning::FailureRulesDiffer { baseline_is_older } => text!(
            "{} is from an older loadgate, which did not count resent requests and redirects out of the target as failures. Part of a change of the error rate may come from that",
            if *baseline_is_older {
                "the earlier result"
            } else {
                "this run"
            }
        ),
        Warning::AcceptanceExpired { acceptance } => {
            acceptance_text(view, *acceptance, |accepted| {
                text!("ended on {}; remove it or set a later date", accepted.until)
            })
        }
        Warning::AcceptanceUnneeded { acceptance } => acceptance_text(view, *acceptance, |_| {
            text!("is not needed any more; remove it")
        }),
        Warning::CannotDetect {
            check: line,
            advice: enough,
        } => cannot_detect(view, *line, *enough),
        Warning::Aborted { failures, requests } => {
            let why = aborted(view, *failures, *requests);
            text!("the run was stopped early: {}", why)
        }
        Warning::TooFewToCompare {
            metric,
            phase,
            why,
            times,
        } => too_few_to_compare(view, (*metric, phase.as_deref()), why, *times),
        Warning::LateJobs { late, of, id } => text!(
            "the generator was late in {} of {} baseline jobs, so parts of their latencies were left out; record again on a quieter machine, and drop such a job with {}",
            late,
            of,
            record_command(view, &format!("--drop {}", quoted(id)))
        ),
        Warning::CpuDiffers { baseline, current } => text!(
            "this machine's CPU is {}, the baseline's was {}; part of a change may come from the machine",
            untrusted(current),
            untrusted(baseline)
        ),
        Warning::SchedulingDiffers {
            differing,
            jobs,
            current,
        } => text!(
            "the generator had {} here, but not in {} of {}; part of a change in latency may come from that",
            scheduling(*current),
            differing,
            counted(u64::from(*jobs), "baseline job")
        ),
        Warning::NoColdStartHeader => {
            let why = view.record.cold_start.as_deref().map(|header| {
                text!(
                    "no response has the header {}, so all requests count as warm; make the target send it",
                    untrusted(header)
                )
            });
            why.unwrap_or_else(|| {
                "no request was found in the log of a function, so all count as warm; see what AWS did not give".into()
            })
        }
        Warning::CertificatesUnchecked => {
            text!("certificates were not verified (--insecure), so any server could have responded")
        }
        Warning::ProxyResponses {
            arm,
            status,
            requests,
        } => text!(
            "all {} got {} or a similar status, which {} may have sent itself; check the proxy, or exempt the deployment with NO_PROXY",
            counted(*requests, "request"),
            status,
            proxy_of(view.record, *arm)
        ),
        Warning::LateSlices {
            dropped,
            of,
            worst_s,
            limit_s,
        } => text!(
            "latencies are judged without {} of {} {}: the generator was late in them (up to {} at P99, {} allowed). Failures, cold starts and requests/s still count in those {}. Use a machine with more free cores, or send less",
            dropped,
            of,
            units_of(view.record),
            Latency(*worst_s),
            Latency(*limit_s),
            units_of(view.record)
        ),
        Warning::Noisy => {
            let text = noise(view).unwrap_or_else(|| "the run was noisy".to_owned());
            text!("{}; use a quieter runner, or run it again", text)
        }
    }
}

/// The scheduling of the generator's threads.
pub(super) fn scheduling(scheduling: Scheduling) -> &'static str {
    match scheduling {
        Scheduling::Normal => "normal scheduling",
        Scheduling::RealTime => "real-time scheduling",
        Scheduling::PartlyRealTime => "real-time scheduling in part",
    }
}

/// That the next run could not be compared with this one, and how long it would have to last.
fn too_few_to_compare(
    view: &View,
    (metric, phase): (Metric, Option<&str>),
    why: &NotJudged,
    times: f64,
) -> Text {
    let whose = phase.map(|phase| text!("the phase {}", untrusted(phase)));
    let scope = phase.map_or(PhaseScope::Steady, |phase| {
        PhaseScope::Phase(phase.to_owned())
    });
    let phases = scope.phases(&view.record.phases).into_iter();
    let phases = phases.map(|index| &view.record.phases[index]);
    let lasts: f64 = phases
        .map(|phase| phase.duration_s * f64::from(phase.passes))
        .sum();
    // A tenth more, since no two runs send the same number.
    let longer = (lasts * times * 1.1).ceil();
    text!(
        "a later run of this length could not be compared with this one: {} overall has {}; lengthen {} from {} to {}, or send a higher load",
        metric.label(),
        not_judged(why),
        whose.unwrap_or_else(|| text!("the steady phases")),
        numbers::length(lasts),
        numbers::length(longer)
    )
}

/// The cautions that matter to who records a run, in words.
pub(crate) fn recording_warnings(view: &View) -> Vec<Text> {
    let of_recording = |caution: &&Warning| {
        matches!(
            caution,
            Warning::TooFewToCompare { .. } | Warning::LateSlices { .. }
        )
    };
    let cautions = view.verdict.warnings.iter().filter(of_recording);
    cautions.map(|warning| caution(view, warning)).collect()
}

/// Names beyond which a line only counts them.
const NAMED: usize = 3;

/// The names whose changes nothing judges, in one line.
fn rare(requests: &[String]) -> Text {
    let named = requests.iter().take(NAMED);
    let named = Text::join(named.map(|name| untrusted(name)), ", ");
    let more = requests.len().saturating_sub(NAMED);
    let more = (more > 0).then(|| text!(" and {}", counted(more as u64, "more name")));
    text!("too few requests to judge a change: {}{}", named, more)
}

fn much_faster(line: Option<&Check>) -> Text {
    let figures = line.and_then(|line| {
        let before = line.change()?.before?;
        Some(numbers::from_to(line.measure, before, line.current?))
    });
    text!(
        "{} is much faster than ever before{}; check that it still does its work",
        line.map_or_else(|| text!("the target"), title),
        figures.map(|figures| format!(" ({figures})"))
    )
}

fn acceptance_text(view: &View, index: usize, says: impl Fn(&Acceptance) -> Text) -> Text {
    let Some(accepted) = view.thresholds.regression.accepted.get(index) else {
        return text!("an acceptance has ended");
    };
    text!(
        "the acceptance of {} {} up to {}{} {}",
        accepted.metric.label(),
        subject_name(&accepted.subject),
        numbers::allowed(Measure::Metric(accepted.metric), accepted.up_to),
        written_at(view, Some(accepted.line)),
        says(accepted)
    )
}

fn cannot_detect(view: &View, index: usize, enough: Option<SampleSizeAdvice>) -> Text {
    let remedy = sees_more(view, enough);
    let line = view.verdict.checks.get(index);
    let seen = line.and_then(|line| Some((line, caught(line, line.change()?)?)));
    let Some((line, caught)) = seen else {
        return text!(
            "this run could not detect the change that must_detect sets; {}",
            remedy
        );
    };
    // The advice beside the verdict says what to do about an open change.
    let is_open = view.verdict.outcome == Outcome::Inconclusive;
    text!(
        "{}: only a change of {} or more would have been caught, but must_detect is {}{}",
        title(line),
        caught,
        numbers::caught(line.measure, view.must_detect_of(line.measure)),
        (!is_open).then(|| format!("; {remedy}"))
    )
}

/// What would let a run see what it must.
pub(super) fn sees_more(view: &View, enough: Option<SampleSizeAdvice>) -> String {
    let given = &view.record.run.extra_args;
    match enough {
        // It decides the pairs.
        Some(SampleSizeAdvice::Pairs { .. }) if given.iter().any(|word| word == "--duration") => {
            "use a longer --duration, or a quieter runner".to_owned()
        }
        Some(SampleSizeAdvice::Pairs { pairs, seconds }) => {
            let length = numbers::length(seconds);
            format!("use --pairs {pairs} ({length} in all), or a quieter runner")
        }
        Some(SampleSizeAdvice::ParallelJobs(jobs)) => {
            format!("judge {jobs} parallel jobs as one, or compare with --against")
        }
        None if view.is_duet() => "use a quieter runner; more pairs would not help".to_owned(),
        None => "record more jobs, use a quieter runner, or compare with --against".to_owned(),
    }
}

/// Why a run was stopped early.
pub(super) fn aborted(view: &View, failures: u64, requests: u64) -> String {
    let ratio = share(failures as f64 / requests.max(1) as f64);
    let abort = view.thresholds.abort;
    let allowed = abort.map(|abort| abort.error_rate.fraction());
    let allowed = allowed.map(|it| format!(", abort.error_rate is {}", numbers::percent(it)));
    let (failed, of) = (count(failures), counted(requests, "request"));
    format!(
        "{failed} of {of} had failed ({ratio}{})",
        allowed.unwrap_or_default()
    )
}

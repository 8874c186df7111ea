//! What a verdict rests on: the comparison, the load and the generator.

use crate::report::ComparedWith;
use crate::report::text::{Text, counted, numbers, text, untrusted};
use crate::report::view::View;
use jiff::Timestamp;

use super::cautions::scheduling;
use super::reasons::{Message, no_comparison};
use crate::measurement::Arm;
use crate::record::RunRecord;
use crate::units::{Latency, date, rounded};
use crate::verdict::{
    Comparison, HISTORY_FROM, InvalidReason, Measure, NoComparison, Outcome, ReferenceUse, Warning,
};

/// Above these the generator is called strained: what a slice is dropped for, `statistics.md` 3.0.
const STRAINED_LATE_S: f64 = 0.005;
const STRAINED_CPU: f64 = 0.8;
const STRAINED_STEAL: f64 = 0.05;

/// Slices that vary by less are as good as equal.
const TOLD_NOISE: f64 = 0.001;

/// From here on a share reads 100 %, and goes without saying.
const ALL: f64 = 0.9995;

/// Digits of a commit that people recognise.
const COMMIT_DIGITS: usize = 7;

/// What the verdict rests on, in sentences behind a label: the comparison and its versions, or why there is none and
/// what to do about that. No sentence where the reasons of an invalid run say it already.
pub(crate) fn compared(view: &View) -> (&'static str, Vec<Text>) {
    if view.is_comparison() {
        return ("compared", provenance(view).into_iter().collect());
    }
    let Comparison::None(why) = &view.verdict.comparison else {
        let sentences = [Some(comparison(view)), provenance(view)];
        return ("compared", sentences.into_iter().flatten().collect());
    };
    let invalid = &view.verdict.invalid;
    let is_invalid = view.verdict.outcome == Outcome::Invalid;
    let is_told = invalid.contains(&InvalidReason::MissingBaseline);
    if is_told || (is_invalid && *why == NoComparison::NotJudged) {
        return ("nothing compared", Vec::new());
    }
    let Message { what, fix } = no_comparison(view, why);
    // After an abort the verdict says what to do about it.
    let fix = Some(fix).filter(|_| view.abort_line().is_none());
    (
        "nothing compared",
        std::iter::once(what).chain(fix).collect(),
    )
}

/// What was compared: `history, 10 baseline jobs`.
pub(crate) fn comparison(view: &View) -> Text {
    let jobs = |jobs: u32| counted(u64::from(jobs), "baseline job");
    let as_one = |n: u32| (n > 1).then(|| text!(", {} runs judged as one", n));
    match &view.verdict.comparison {
        Comparison::Duet { pairs, dropped } => {
            let saved = view.record.saved_s().map(numbers::length);
            text!(
                "{}duet, {}{}{}",
                if view.record.is_mixed() { "mixed " } else { "" },
                counted(u64::from(*pairs), "pair"),
                (*dropped > 0).then(|| {
                    text!(" ({} more dropped because the generator was late)", dropped)
                }),
                saved.map(|saved| {
                    text!(", ended early since it was clear ({} of load saved)", saved)
                })
            )
        }
        Comparison::History {
            jobs: n,
            candidates,
        } => text!(
            "history, {}{}{}",
            jobs(*n),
            as_one(*candidates),
            reference(view)
        ),
        Comparison::Provisional {
            jobs: n,
            candidates,
        } => text!(
            "single, provisional: {} (a history needs {}){}",
            jobs(*n),
            HISTORY_FROM,
            as_one(*candidates)
        ),
        Comparison::None(why) => text!("nothing: {}", no_comparison(view, why).what),
    }
}

/// How a reference was used, behind what a history is.
fn reference(view: &View) -> Option<String> {
    Some(match view.verdict.reference.as_ref()? {
        ReferenceUse::Relative { jobs, changes } => {
            let changes: Vec<String> = changes
                .iter()
                .map(|(metric, change)| {
                    let measure = Measure::Metric(*metric);
                    format!("{} {}", metric.label(), numbers::change(measure, *change))
                })
                .collect();
            format!(
                ", relative to the reference in {jobs} of them (now {})",
                changes.join(", ")
            )
        }
        ReferenceUse::TooFewJobs(jobs) => {
            format!(", not relative to the reference: {jobs} of {HISTORY_FROM} jobs have it")
        }
        ReferenceUse::NotQuieter => {
            ", not relative to the reference: jobs vary no less with it".to_owned()
        }
    })
}

/// Why checks and tables may show two figures of one metric.
pub(crate) fn two_figures(view: &View) -> &'static str {
    if view.is_duet() {
        "a change is estimated from the ranks of the slowest requests, values are of all requests"
    } else {
        "checks show the median slice, tables show all requests"
    }
}

/// Why rows of a table may have no earlier figures, if some may: the job has none by phase.
pub(crate) fn missing_figures(view: &View) -> Option<Text> {
    let (job, was_followed) = view.previous().without_phases()?;
    let why = if was_followed {
        "this run was recorded after it, and only the newest job keeps them"
    } else {
        "an older loadgate recorded it"
    };
    Some(text!(
        "the job of {} has no figures by phase, so that a row may have no earlier figures: {}",
        date(job.started),
        why
    ))
}

/// Which versions: `this run 3f2c9ab, newest job 8d10e7f of 2026-11-20 (4 days before)`.
fn provenance(view: &View) -> Option<Text> {
    let named = |commit: Option<&str>| commit.map(|commit| untrusted(&short_commit(commit)));
    let spaced = |commit: Option<&str>| named(commit).map(|commit| text!(" {}", commit));
    let (own, ran) = (view.record.run.commit.as_deref(), view.record.run.started);
    match view.compared_with {
        ComparedWith::Nothing => None,
        ComparedWith::Baseline { commit, started } => Some(text!(
            "{}newest job{} of {} ({})",
            named(own).map(|commit| text!("this run {}, ", commit)),
            spaced(commit),
            date(started),
            age(view, started)
        )),
        ComparedWith::Result { commit, started } => Some(text!(
            "the old result{} of {} with the new one{} of {}",
            spaced(commit),
            date(started),
            spaced(own),
            date(ran)
        )),
        ComparedWith::Base { commit } => {
            let url = view.record.base.as_ref().map(|base| base.url.as_str());
            let base = named(commit).or_else(|| url.map(untrusted));
            let base = base.unwrap_or_else(|| text!("the base"));
            Some(text!("this run{} against {}", spaced(own), base))
        }
    }
}

/// How long before this run a job started, by days.
fn age(view: &View, started: Timestamp) -> String {
    let run = date(view.record.run.started);
    let days = run.duration_since(date(started)).as_hours() / 24;
    match u64::try_from(days) {
        Ok(0) => "the same day".to_owned(),
        Ok(days) => format!("{} before", counted(days, "day")),
        Err(_) => "later than this run".to_owned(),
    }
}

/// The first digits of a commit, or the whole of what is no hash.
pub fn short_commit(commit: &str) -> String {
    let is_hash = commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    let short = commit.get(..COMMIT_DIGITS).filter(|_| is_hash);
    short.unwrap_or(commit).to_owned()
}

/// Which proxy led to a deployment: `the proxy proxy.corp:3128 (from https_proxy)`.
pub(super) fn proxy_of(record: &RunRecord, arm: Arm) -> Option<Text> {
    let deployment = match arm {
        Arm::Target => Some(&record.target),
        Arm::Base => record.base.as_ref(),
    }?;
    let proxy = untrusted(deployment.proxy.as_deref()?);
    let variable = deployment.proxy_variable.as_deref();
    let from = variable.map(|variable| text!(" (from {})", untrusted(variable)));
    Some(text!("the proxy {}{}", proxy, from))
}

/// Which proxies led to the deployments, if any did.
pub(crate) fn proxies(view: &View) -> Option<Text> {
    let [target, base] = [Arm::Target, Arm::Base].map(|arm| proxy_of(view.record, arm));
    let way = |proxy: Option<Text>| {
        proxy.map_or_else(|| text!("directly"), |proxy| text!("through {}", proxy))
    };
    if target.is_none() && base.is_none() {
        return None;
    }
    if view.record.base.is_none() || target == base {
        return Some(way(target));
    }
    Some(text!("the target {}, the base {}", way(target), way(base)))
}

/// How much was sent, and through which proxy: `6,000 requests in 1 min 30 s`.
pub(crate) fn load(view: &View) -> Text {
    let overall = view.overall();
    let unsent = Some(overall.unsent()).filter(|unsent| *unsent > 0);
    text!(
        "{} in {}{}{}",
        counted(overall.sent(), "request"),
        numbers::length(view.record.run.duration_s),
        unsent.map(|n| format!(", {} more never sent", numbers::count(n))),
        proxies(view).map(|proxies| text!(", {}", proxies))
    )
}

/// How noisy the run was: `P95 varied by 3.1 % from slice to slice of the base, by 2.8 % in the baseline's jobs`.
pub(super) fn noise(view: &View) -> Option<String> {
    let noise = view.verdict.noise;
    let noise = noise.filter(|noise| noise.spread >= TOLD_NOISE)?;
    let of = match noise.arm {
        Arm::Base => " of the base",
        Arm::Target => "",
    };
    let share = |spread| numbers::share(rounded(spread, 2));
    let usual = noise.usual_spread.map_or_else(String::new, |usual| {
        // What is as good as equal would read 0.000000000000023 %.
        let usual = if usual < TOLD_NOISE { 0.0 } else { usual };
        format!(", by {} in the baseline's jobs", share(usual))
    });
    let (metric, spread) = (noise.metric.label(), share(noise.spread));
    Some(format!(
        "{metric} varied by {spread} from slice to slice{of}{usual}"
    ))
}

/// The load, the generator and the noise of a run that sent something, each as a sentence.
pub(crate) fn circumstances(view: &View) -> Vec<Text> {
    if view.record.slices.is_empty() {
        return Vec::new();
    }
    let noise = ordinary_noise(view).map(Text::from);
    let sentences = [load(view), generator(view).into()].into_iter();
    sentences.chain(noise).collect()
}

/// The noise of a run where it is no caution, which tells it itself.
pub(crate) fn ordinary_noise(view: &View) -> Option<String> {
    noise(view).filter(|_| !view.verdict.warnings.contains(&Warning::Noisy))
}

/// How well the generator did: `generator healthy (late P99 0.3 ms, CPU 35 %)`.
pub(crate) fn generator(view: &View) -> String {
    let health = &view.record.health;
    let steal = health.steal_share.unwrap_or(0.0);
    let fell_behind = view.verdict.invalid.iter().any(|why| {
        matches!(
            why,
            InvalidReason::GeneratorLate { .. }
                | InvalidReason::GeneratorBusy { .. }
                | InvalidReason::GeneratorShort { .. }
        )
    });
    if !fell_behind && view.overall().sent() == 0 {
        return "generator health unknown: no requests were sent".to_owned();
    }
    let is_strained = health.late_p99_s > STRAINED_LATE_S
        || health.cpu_share > STRAINED_CPU
        || steal > STRAINED_STEAL;
    let (word, so) = match (fell_behind, is_strained) {
        (true, _) => ("fell behind", ""),
        (false, true) => ("strained", ": latencies may include some of its own delay"),
        (false, false) => ("healthy", ""),
    };
    let allowed = health.max_late_s.map(Latency);
    let allowed = allowed.map_or_else(String::new, |it| format!(" of {it} allowed"));
    let steal = Some(steal).filter(|steal| *steal > STRAINED_STEAL);
    let had = view.record.environment.scheduling;
    let achieved = health.achieved.filter(|achieved| *achieved < ALL);
    let parts = [
        Some(format!("late P99 {}{allowed}", Latency(health.late_p99_s))),
        Some(format!("CPU {}", numbers::about(health.cpu_share))),
        had.map(|had| scheduling(had).to_owned()),
        steal.map(|steal| format!("{} stolen by the host", numbers::about(steal))),
        achieved.map(|it| format!("{} of the planned requests sent", numbers::share(it))),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    format!("generator {word} ({}){so}", parts.join(", "))
}

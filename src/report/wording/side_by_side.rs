//! Results beside each other, in sentences: what a step from one to the next gains and costs, and what is missing.

use std::cmp::Ordering;

use super::aws::others;
use crate::report::input::SideBySide;
use crate::report::text::{Text, command, numbers, text, untrusted, untrusted_message};
use crate::verdict::{EstimatedChange, Gap, Variant, direction};

/// What stands before a result that no other one beats.
pub(crate) const MARK: &str = "◆";

/// What the mark means.
pub(crate) const MARK_MEANS: &str =
    "no other is surely faster or cheaper without being surely worse in the other";

/// How intervals are to be read.
const INTERVALS: &str = "95 % intervals show how much a run varied within itself, and another run may differ \
by more; repeat the runs before you rely on a small difference";

/// Each result against the one before it, as far as something is sure.
pub(crate) fn steps(view: &SideBySide) -> Vec<Text> {
    let sound: Vec<&Variant> = view.variants.iter().filter(|it| it.is_sound()).collect();
    let steps = sound.windows(2).filter_map(|pair| step(pair[0], pair[1]));
    steps
        .map(|step| text!("{} {}", untrusted(view.label), step))
        .collect()
}

fn step(before: &Variant, now: &Variant) -> Option<Text> {
    let p95 = now.p95?.change_from(&before.p95?);
    let cost = before.cost.zip(now.cost);
    let cost = cost.and_then(|(before, now)| now.change_from(&before));
    let is_sure = |change: &EstimatedChange| direction(change) != Ordering::Equal;
    if ![p95, cost].iter().flatten().any(is_sure) {
        return None;
    }
    let parts = [("P95", p95), ("cost", cost)];
    let parts = parts.into_iter().filter_map(|(name, it)| Some((name, it?)));
    let parts = parts.map(|(name, it)| text!("{} {}", name, changed(&it)));
    Some(text!(
        "{} against {}: {}",
        untrusted(&now.label),
        untrusted(&before.label),
        Text::join(parts, ", ")
    ))
}

/// A change in words: `38.0 % lower [33.1 %, 42.6 %]`.
fn changed(change: &EstimatedChange) -> String {
    let unsigned = |change: f64| {
        let text = numbers::change(numbers::P95, change);
        text.trim_start_matches(['+', '-']).to_owned()
    };
    let [estimate, lower, upper] = [change.estimate, change.lower, change.upper].map(unsigned);
    match direction(change) {
        Ordering::Less => format!("{estimate} lower [{upper}, {lower}]"),
        Ordering::Greater => format!("{estimate} higher [{lower}, {upper}]"),
        Ordering::Equal => {
            let interval = numbers::interval(numbers::P95, change);
            format!("not surely lower or higher {interval}")
        }
    }
}

/// What is missing or not to be relied on, and how intervals and prices are to be read.
pub(crate) fn notes(view: &SideBySide) -> Vec<Text> {
    let mut gaps: Vec<(Text, Vec<Text>)> = Vec::new();
    for variant in view.variants {
        for why in variant.gaps.iter().map(gap) {
            let label = untrusted(&variant.label);
            match gaps.iter_mut().find(|(known, _)| *known == why) {
                Some((_, labels)) => labels.push(label),
                None => gaps.push((why, vec![label])),
            }
        }
    }
    let gaps = gaps.into_iter().map(|(why, labels)| {
        let labels = Text::join(labels, ", ");
        text!("{} {}: {}", untrusted(view.label), labels, why)
    });
    let mut dates: Vec<&str> = view
        .variants
        .iter()
        .filter_map(|it| it.prices_of.as_deref())
        .collect();
    dates.sort_unstable();
    dates.dedup();
    let prices = (!dates.is_empty()).then(|| {
        let dates = Text::join(dates.into_iter().map(untrusted), " and ");
        text!("costs are at list prices of {}, without free tier", dates)
    });
    gaps.chain([INTERVALS.into()]).chain(prices).collect()
}

fn gap(gap: &Gap) -> Text {
    let again = || command("loadgate aws RESULT");
    match gap {
        Gap::Failing(share) => text!(
            "{} of the requests failed, so it is not compared with the others",
            numbers::share(*share)
        ),
        Gap::Late(late) => text!(
            "the generator was late in {} of {} slices, so there is no latency",
            numbers::count(u64::from(late.dropped)),
            numbers::count(u64::from(late.of))
        ),
        Gap::TooFew(metric) => text!("too few requests for an interval of {}", metric.label()),
        Gap::NoColdStart => "no cold start was seen".into(),
        Gap::NotFetched => text!(
            "nothing was fetched from AWS; name the functions in {} of the scenario, or run {}",
            command("aws"),
            again()
        ),
        Gap::TwoVersions => "figures of AWS are of both versions of the duet".into(),
        Gap::Others(count) => others(*count),
        Gap::Incomplete => text!("figures of AWS are not complete; run {} later", again()),
        Gap::NoLines => "the log has no REPORT line, so there is no billed time".into(),
        Gap::NoCost(None) => "the cost is not known".into(),
        Gap::NoCost(Some(why)) => text!("the cost is not known: {}", untrusted_message(why)),
        Gap::TooFewSlices => "too few slices for an interval of billed time and cost".into(),
    }
}

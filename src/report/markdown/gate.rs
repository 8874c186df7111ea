//! One gate's part of the summary.

use super::blocks::{Block, Priority, paragraphs};
use super::checks::{unfolded, why_not_judged};
use super::{changes, details, full_sentence};
use crate::baseline::Mismatch;
use crate::record::Deployment;
use crate::report::markdown::syntax::{details as folded, fenced, link, markdown, name};
use crate::report::text::{capitalized, capped, counted, quoted};
use crate::report::view::View;
use crate::report::wording::{
    MOST_REASONS, advice, caution, circumstances, compared, invalidities, more_reasons,
    short_commit, showed, shown_warnings,
};
use crate::verdict::{Comparison, NoComparison, Outcome};

/// Notes that stand in a summary at most.
const MOST_NOTES: usize = 10;

/// All of one gate below its headline and above the last line.
pub(super) fn blocks(view: &View) -> Vec<Block> {
    if view.verdict.outcome == Outcome::Passed {
        return of_passed(view);
    }
    let parts = [
        (Priority::Finding, to_mend(view)),
        (Priority::Finding, rests_on(view)),
        (Priority::Finding, unfolded(view)),
        (Priority::Advice, details::sparkline_of(view)),
        (Priority::Finding, cautions(view)),
        (Priority::Finding, shown(view)),
        (Priority::Advice, advice_text(view)),
        (Priority::Advice, changes::diff(view)),
        (Priority::Advice, changes::wanted(view)),
        (Priority::Advice, reproduce(view)),
        (Priority::Detail, scenario_diff(view)),
    ];
    let parts = parts.map(|(need, text)| Block::new(need, text)).into_iter();
    parts
        .chain(details::blocks(view, details::Unfolded::Checks))
        .collect()
}

/// Of a gate that passed only what got worse, what to know, and one line for the rest; everything else is folded.
fn of_passed(view: &View) -> Vec<Block> {
    let mut blocks = vec![
        Block::new(Priority::Finding, unfolded(view)),
        Block::new(Priority::Finding, cautions(view)),
    ];
    blocks.extend(details::blocks(view, details::Unfolded::Checks));
    let measured = [
        rests_on(view),
        why_not_judged(view),
        shown(view),
        details::sparkline_of(view),
        changes::diff(view),
        reproduce(view),
        scenario_diff(view),
    ];
    let title = details::titled(view, "Measurement");
    let measured = paragraphs(measured.iter().map(String::as_str)) + "\n";
    blocks.push(Block::new(Priority::Detail, folded(&title, &measured)));
    blocks
}

/// What to do about a run that could not be judged; with several reasons also what they are, since the headline has
/// room for one.
fn to_mend(view: &View) -> String {
    let reasons = invalidities(view);
    if let [only] = reasons.as_slice() {
        return format!("**Fix:** {}", markdown(&only.fix.clone().stopped()));
    }
    let lines = reasons.into_iter().map(|reason| {
        let (what, fix) = (reason.what.sentence(), reason.fix.stopped());
        format!("- {} **Fix:** {}", markdown(&what), markdown(&fix))
    });
    let more = |more| format!("- {}", more_reasons(view, more));
    capped(lines.collect(), MOST_REASONS, more).join("\n")
}

/// What the comparison rests on: mode, versions, load, generator.
fn rests_on(view: &View) -> String {
    let (label, compared) = compared(view);
    let label = format!("**{}:** ", capitalized(label));
    let mut compared = compared.into_iter();
    let first = compared
        .next()
        .map(|first| label + &markdown(&first.stopped()));
    let others = compared.chain(circumstances(view)).map(full_sentence);
    let sentences: Vec<String> = first.into_iter().chain(others).collect();
    sentences.join(" ")
}

/// What the run showed of itself, in sentences.
fn shown(view: &View) -> String {
    let insights = showed(view);
    if insights.is_empty() {
        return String::new();
    }
    let lines = insights.into_iter();
    let lines = lines.map(|insight| format!("- {}\n", full_sentence(insight)));
    format!("**What it showed:**\n\n{}", lines.collect::<String>())
}

fn advice_text(view: &View) -> String {
    let advice: Vec<String> = advice(view).iter().map(markdown).collect();
    advice.join("\n\n")
}

pub(super) fn caution_sentences(view: &View) -> Vec<String> {
    shown_warnings(view)
        .map(|shown| full_sentence(caution(view, shown)))
        .collect()
}

fn cautions(view: &View) -> String {
    let lines = caution_sentences(view).into_iter();
    let lines = lines.map(|caution| format!("- **Note:** {caution}"));
    let more = |more| format!("- And {}.", counted(more as u64, "more note"));
    capped(lines.collect(), MOST_NOTES, more).join("\n")
}

/// The command that runs the same again.
fn reproduce(view: &View) -> String {
    if view.is_untrusted {
        return String::new();
    }
    let record = view.record;
    let given = &record.run.extra_args;
    let is_started = |flag: &str| given.iter().any(|word| word == flag);
    // A URL among the arguments stands for the gate and the target.
    let is_url = |word: &&String| {
        let scheme = word.split_once("://").map(|(scheme, _)| scheme);
        scheme.is_some_and(|it| ["http", "https"].contains(&&*it.to_ascii_lowercase()))
    };
    let url = given.iter().find(is_url);
    let mut words = ["loadgate", "run"].map(str::to_owned).to_vec();
    let gate = url.map(|url| &**url).or(view.gate_path);
    words.push(quoted(gate.unwrap_or("GATE")));
    // A server that the gate started has another port each time.
    if url.is_none() && !is_started("--target-cmd") && !record.target.by_thresholds {
        words.extend(["--target".to_owned(), quoted(&record.target.url)]);
    }
    let is_named = |base: &&Deployment| !is_started("--base-cmd") && !base.by_thresholds;
    if let Some(base) = record.base.as_ref().filter(is_named) {
        words.extend(["--against".to_owned(), quoted(&base.url)]);
    }
    let others = given.iter().filter(|word| Some(*word) != url);
    words.extend(others.map(|word| quoted(word)));
    for (name, value) in &record.labels {
        words.extend(["--label".to_owned(), quoted(&format!("{name}={value}"))]);
    }
    if record.run.insecure {
        words.push("--insecure".to_owned());
    }
    words.extend(["--seed".to_owned(), record.run.seed.to_string()]);
    format!("**Reproduce:**\n\n{}", fenced("sh", &words.join(" ")))
}

fn scenario_diff(view: &View) -> String {
    match &view.verdict.comparison {
        Comparison::None(NoComparison::Baseline(Mismatch::ScenarioDiffers { diff })) => format!(
            "**How the scenario differs** from the baseline's:\n\n{}",
            fenced("diff", diff)
        ),
        Comparison::None(_)
        | Comparison::Duet { .. }
        | Comparison::History { .. }
        | Comparison::Provisional { .. } => String::new(),
    }
}

/// The last line: run, commit, date, version.
pub(super) fn footer(view: &View) -> String {
    let run = &view.record.run;
    let attempt = run.attempt.map(|n| format!(", attempt {n}"));
    let words = format!("CI run{}", attempt.unwrap_or_default());
    let commit = run.commit.as_deref().map(short_commit);
    let parts = [
        run.url.as_deref().map(|url| link(&words, url)),
        commit.map(|commit| format!("commit {}", name(&commit))),
        Some(run.started.strftime("%Y-%m-%d %H:%M UTC").to_string()),
        Some(format!("loadgate {}", name(&view.record.tool))),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

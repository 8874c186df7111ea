//! One gate's part of the summary.

use super::blocks::{Block, Priority};
use super::checks::{unfolded, why_not_judged};
use super::{changes, details, full_sentence, measured};
use crate::baseline::Mismatch;
use crate::report::markdown::syntax::{details as folded, fenced, link, markdown, name};
use crate::report::text::numbers::counted;
use crate::report::text::{Text, capitalized, quoted};
use crate::report::view::View;
use crate::report::wording::{
    MOST_REASONS, advice, caution, compared, generator, invalidities, load, more_reasons,
    ordinary_noise, short_commit, told_cautions,
};
use crate::verdict::{Comparison, NoComparison, Outcome};

/// Notes that stand in a summary at most.
const MOST_NOTES: usize = 10;

/// All of one gate below its headline and above the last line.
pub(super) fn blocks(view: &View) -> Vec<Block> {
    if view.verdict.outcome == Outcome::Passed {
        return of_passed(view);
    }
    let mut blocks = vec![
        Block::new(Priority::Finding, to_mend(view)),
        Block::new(Priority::Finding, rests_on(view)),
        Block::new(Priority::Finding, unfolded(view)),
        Block::new(Priority::Advice, details::sparkline_of(view)),
        Block::new(Priority::Finding, cautions(view)),
        Block::new(Priority::Finding, measured::shown(view)),
        Block::new(Priority::Advice, paragraphs(&advice(view))),
        Block::new(Priority::Advice, changes::diff(view)),
        Block::new(Priority::Advice, changes::wanted(view)),
        Block::new(Priority::Advice, reproduce(view)),
        Block::new(Priority::Detail, scenario_diff(view)),
    ];
    blocks.extend(details::blocks(view, details::Unfolded::Checks));
    blocks
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
        measured::shown(view),
        details::sparkline_of(view),
        changes::diff(view),
        reproduce(view),
        scenario_diff(view),
    ];
    let measured: Vec<&str> = measured
        .iter()
        .map(|text| text.trim_end())
        .filter(|text| !text.is_empty())
        .collect();
    let title = details::titled(view, "Measurement");
    let measured = measured.join("\n\n") + "\n";
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
    let mut lines: Vec<String> = reasons
        .iter()
        .take(MOST_REASONS)
        .map(|reason| {
            let (what, fix) = (reason.what.clone().sentence(), reason.fix.clone().stopped());
            format!("- {} **Fix:** {}", markdown(&what), markdown(&fix))
        })
        .collect();
    if let more @ 1.. = reasons.len().saturating_sub(MOST_REASONS) {
        lines.push(format!("- {}", more_reasons(view, more)));
    }
    lines.join("\n")
}

/// What the comparison rests on: mode, versions, load, generator.
fn rests_on(view: &View) -> String {
    let mut told = Vec::new();
    let (label, sentences) = compared(view);
    if !sentences.is_empty() {
        let first = markdown(&sentences[0].clone().stopped());
        told.push(format!("**{}:** {first}", capitalized(label)));
        let others = sentences.into_iter().skip(1);
        told.extend(others.map(full_sentence));
    }
    if !view.record.slices.is_empty() {
        told.push(full_sentence(load(view)));
        told.push(full_sentence(generator(view)));
        told.extend(ordinary_noise(view).map(full_sentence));
    }
    told.join(" ")
}

fn paragraphs(texts: &[Text]) -> String {
    let texts: Vec<String> = texts.iter().map(markdown).collect();
    texts.join("\n\n")
}

/// The cautions of a story as sentences.
pub(super) fn caution_sentences(view: &View) -> Vec<String> {
    told_cautions(view)
        .map(|told| full_sentence(caution(view, told)))
        .collect()
}

fn cautions(view: &View) -> String {
    let told = caution_sentences(view);
    let mut lines: Vec<String> = told
        .iter()
        .take(MOST_NOTES)
        .map(|told| format!("- **Note:** {told}"))
        .collect();
    if let more @ 1.. = told.len().saturating_sub(MOST_NOTES) {
        lines.push(format!("- And {}.", counted(more as u64, "more note")));
    }
    lines.join("\n")
}

/// The command that runs the same again.
fn reproduce(view: &View) -> String {
    if view.is_untrusted {
        return String::new();
    }
    let record = view.record;
    let mut words = vec![
        "loadgate".to_owned(),
        "run".to_owned(),
        quoted(view.gate_path),
    ];
    // A server that the gate started has another port each time.
    let given = &record.run.extra_args;
    let is_started = |flag: &str| given.iter().any(|word| word == flag);
    if !is_started("--target-cmd") {
        words.extend(["--target".to_owned(), quoted(&record.target.url)]);
    }
    if let Some(base) = record.base.as_ref().filter(|_| !is_started("--base-cmd")) {
        words.extend(["--against".to_owned(), quoted(&base.url)]);
    }
    words.extend(given.iter().map(|word| quoted(word)));
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
    let mut told = Vec::new();
    if let Some(url) = &run.url {
        let attempt = run
            .attempt
            .map_or_else(String::new, |n| format!(", attempt {n}"));
        told.push(link(&format!("CI run{attempt}"), url));
    }
    if let Some(commit) = &run.commit {
        told.push(format!("commit {}", name(&short_commit(commit))));
    }
    told.push(run.started.strftime("%Y-%m-%d %H:%M UTC").to_string());
    told.push(format!("loadgate {}", name(&view.record.tool)));
    told.join(" · ")
}

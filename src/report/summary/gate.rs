//! One gate's part of the summary.

use super::blocks::{Block, Priority};
use super::checks::{unfolded, why_not_judged};
use super::{MEDIUM, answers, changes, details, full_sentence, stopped};
use crate::baseline::Mismatch;
use crate::report::ReportInput;
use crate::report::markdown::{details as folded, fenced, link};
use crate::report::numbers::counted;
use crate::report::rows::{CheckRow, rows};
use crate::report::text::{capitalized, quoted};
use crate::report::wording::{
    MOST_REASONS, advice, caution, compared, generator, invalidities, load, more_reasons,
    ordinary_noise, short_commit, told_cautions,
};
use crate::verdict::{Comparison, NoComparison, Outcome};

/// Notes that stand in a summary at most.
const MOST_NOTES: usize = 10;

/// All of one gate below its headline and above the last line.
pub(super) fn blocks(story: &ReportInput) -> Vec<Block> {
    let rows = rows(story);
    if story.verdict.outcome == Outcome::Passed {
        return of_passed(story, &rows);
    }
    let mut blocks = vec![
        Block::new(Priority::Finding, to_mend(story)),
        Block::new(Priority::Finding, rests_on(story)),
        Block::new(Priority::Finding, unfolded(story, &rows)),
        Block::new(Priority::Advice, details::sparkline_of(story)),
        Block::new(Priority::Finding, cautions(story)),
        Block::new(Priority::Finding, answers::shown(story)),
        Block::new(Priority::Advice, advice(story, MEDIUM).join("\n\n")),
        Block::new(Priority::Advice, changes::diff(story, &rows)),
        Block::new(Priority::Advice, changes::wanted(story, &rows)),
        Block::new(Priority::Advice, reproduce(story)),
        Block::new(Priority::Detail, scenario_diff(story)),
    ];
    blocks.extend(details::blocks(story, &rows, details::Unfolded::Checks));
    blocks
}

/// Of a gate that passed only what got worse, what to know, and one line for the rest; everything else is folded.
fn of_passed(story: &ReportInput, rows: &[CheckRow]) -> Vec<Block> {
    let mut blocks = vec![
        Block::new(Priority::Finding, unfolded(story, rows)),
        Block::new(Priority::Finding, cautions(story)),
    ];
    blocks.extend(details::blocks(story, rows, details::Unfolded::Checks));
    let measured = [
        rests_on(story),
        why_not_judged(story, rows),
        answers::shown(story),
        details::sparkline_of(story),
        changes::diff(story, rows),
        reproduce(story),
        scenario_diff(story),
    ];
    let measured: Vec<&str> = measured
        .iter()
        .map(|text| text.trim_end())
        .filter(|text| !text.is_empty())
        .collect();
    let title = details::titled(story, "Measurement");
    let measured = measured.join("\n\n") + "\n";
    blocks.push(Block::new(Priority::Detail, folded(&title, &measured)));
    blocks
}

/// What to do about a run that could not be judged; with several reasons also what they are, since the headline has
/// room for one.
fn to_mend(story: &ReportInput) -> String {
    let reasons = invalidities(story, MEDIUM);
    if let [only] = reasons.as_slice() {
        return format!("**To mend it:** {}", stopped(&only.fix));
    }
    let mut lines: Vec<String> = reasons
        .iter()
        .take(MOST_REASONS)
        .map(|reason| {
            let what = full_sentence(&reason.what);
            format!("- {what} **To mend it:** {}", stopped(&reason.fix))
        })
        .collect();
    if let more @ 1.. = reasons.len().saturating_sub(MOST_REASONS) {
        lines.push(format!("- {}", more_reasons(story, more)));
    }
    lines.join("\n")
}

/// What the comparison rests on: mode, versions, load, generator.
fn rests_on(story: &ReportInput) -> String {
    let mut told = Vec::new();
    let (label, sentences) = compared(story, MEDIUM);
    if !sentences.is_empty() {
        let first = stopped(&sentences[0]);
        told.push(format!("**{}:** {first}", capitalized(label)));
        let others = sentences.iter().skip(1);
        told.extend(others.map(|sentence| full_sentence(sentence)));
    }
    if !story.record.slices.is_empty() {
        told.push(full_sentence(&load(story, MEDIUM)));
        told.push(full_sentence(&generator(story)));
        told.extend(ordinary_noise(story).map(|noise| full_sentence(&noise)));
    }
    told.join(" ")
}

/// The cautions of a story as sentences.
pub(super) fn caution_sentences(story: &ReportInput) -> Vec<String> {
    told_cautions(story)
        .map(|told| full_sentence(&caution(story, told, MEDIUM)))
        .collect()
}

fn cautions(story: &ReportInput) -> String {
    let told = caution_sentences(story);
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
fn reproduce(story: &ReportInput) -> String {
    if story.is_untrusted {
        return String::new();
    }
    let record = story.record;
    let mut words = vec![
        "loadgate".to_owned(),
        "run".to_owned(),
        quoted(story.gate_path),
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

fn scenario_diff(story: &ReportInput) -> String {
    match &story.verdict.comparison {
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
pub(super) fn footer(story: &ReportInput) -> String {
    let run = &story.record.run;
    let mut told = Vec::new();
    if let Some(url) = &run.url {
        let attempt = run
            .attempt
            .map_or_else(String::new, |n| format!(", attempt {n}"));
        told.push(link(&format!("CI run{attempt}"), url));
    }
    if let Some(commit) = &run.commit {
        told.push(format!(
            "commit {}",
            MEDIUM.untrusted(&short_commit(commit))
        ));
    }
    told.push(run.started.strftime("%Y-%m-%d %H:%M UTC").to_string());
    told.push(format!("loadgate {}", MEDIUM.untrusted(&story.record.tool)));
    told.join(" · ")
}

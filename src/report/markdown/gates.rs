//! Several gates in one summary: the worst first, those that passed in a table.

use super::blocks::{Block, Priority};
use super::checks::notes_of_passed;
use super::details::{self, Unfolded};
use super::gate::{self, caution_sentences, footer};
use crate::report::markdown::syntax::{Align, markdown, name, table};
use crate::report::text::{Text, numbers, text, untrusted};
use crate::report::view::{CheckRow, OutcomeStyle, View};
use crate::report::wording::{comparison, finding, nothing_slower};
use crate::verdict::{Comparison, Outcome};

/// The headline, a table of the gates, what there is to say of each, and the last line.
pub(super) fn blocks(views: &[View], blocks: &mut Vec<Block>) {
    let mut views: Vec<&View> = views.iter().collect();
    // Sorting is stable: gates of one outcome keep the order in which they ran.
    views.sort_by_key(|view| {
        let blocks_nothing = view.verdict.observed || view.verdict.outcome == Outcome::Passed;
        (blocks_nothing, view.rank())
    });
    let Some(worst) = views.first() else { return };
    let emoji = worst.outcome_style().emoji;
    let title = format!("### {emoji} {}\n", title(&views, worst));
    blocks.push(Block::new(Priority::Always, title));
    blocks.push(Block::new(Priority::Finding, gate_table(&views)));
    for view in &views {
        if view.verdict.outcome != Outcome::Passed {
            let title = super::title("####", view);
            blocks.push(Block::new(Priority::Finding, title));
            blocks.extend(gate::blocks(view));
        }
    }
    let passed = || {
        let passed = views.iter();
        passed.filter(|view| view.verdict.outcome == Outcome::Passed)
    };
    let notes: Vec<String> = passed().flat_map(|view| passed_notes(view)).collect();
    blocks.push(Block::new(Priority::Finding, notes.concat()));
    for view in passed() {
        blocks.extend(details::blocks(view, Unfolded::Nothing));
    }
    blocks.push(Block::new(Priority::Always, footer(worst)));
}

/// What there is to know of a gate that passed.
fn passed_notes(view: &View) -> Vec<String> {
    let notes = notes_of_passed(view)
        .into_iter()
        .chain(caution_sentences(view));
    let gate = name(view.gate());
    notes.map(|note| format!("- {gate}: {note}\n")).collect()
}

fn title(views: &[&View], worst: &View) -> String {
    let finding = if worst.verdict.outcome == Outcome::Passed {
        all_passed(views).capitalized()
    } else {
        text!("In {}, {}", untrusted(worst.gate()), finding(worst))
    };
    format!("Performance: {}. {}", counts(views), markdown(&finding))
}

/// How many gates came to what, the worst first: `1 of 3 gates failed, 1 is INCONCLUSIVE`.
fn counts(views: &[&View]) -> String {
    let ended = |view: &View| match (view.verdict.outcome, view.verdict.observed) {
        (Outcome::Passed, _) => ["passed", "passed"],
        (Outcome::Failed, false) => ["failed", "failed"],
        (Outcome::Failed, true) => ["would have failed (observed only)"; 2],
        (Outcome::Inconclusive, _) => ["is INCONCLUSIVE", "are INCONCLUSIVE"],
        (Outcome::Invalid, false) => ["could NOT BE JUDGED"; 2],
        (Outcome::Invalid, true) => ["could NOT BE JUDGED (observed only)"; 2],
    };
    let mut counts: Vec<String> = Vec::new();
    let mut seen = Vec::new();
    for view in views {
        let ending = ended(view);
        let same = views.iter().filter(|view| ended(view) == ending).count();
        let is_first = seen.is_empty();
        // That the others passed goes without saying.
        let goes_without = !is_first && view.verdict.outcome == Outcome::Passed;
        if seen.contains(&ending) || goes_without {
            continue;
        }
        seen.push(ending);
        let of = is_first.then(|| format!(" of {} gates", views.len()));
        let (of, ending) = (of.unwrap_or_default(), ending[usize::from(same > 1)]);
        counts.push(format!("{same}{of} {ending}"));
    }
    counts.join(", ")
}

/// One sentence for all: the largest change that any of them would have missed.
fn all_passed(views: &[&View]) -> Text {
    let is_compared = |view: &&&View| !matches!(view.verdict.comparison, Comparison::None(_));
    let compared: Vec<&View> = views.iter().filter(is_compared).copied().collect();
    let alone = views.len() - compared.len();
    let slower = nothing_slower(&compared);
    match (slower, alone) {
        (Some(nothing), 0) => nothing,
        (None, 0) => text!("all limits hold; no change was judged"),
        (Some(nothing), 1) => nothing + "; 1 gate had nothing to compare with",
        (Some(nothing), alone) => {
            text!("{}; {} gates had nothing to compare with", nothing, alone)
        }
        (None, _) => text!("all limits hold; nothing was compared"),
    }
}

fn gate_table(views: &[&View]) -> String {
    let columns = [
        ("gate", Align::Left),
        ("", Align::Left),
        ("compared with", Align::Left),
        ("worst line", Align::Left),
        ("change [95 %]", Align::Right),
        ("limit", Align::Right),
    ];
    let cells: Vec<Vec<String>> = views.iter().map(|view| gate_cells(view)).collect();
    table(&columns, &cells)
}

fn gate_cells(view: &View) -> Vec<String> {
    let OutcomeStyle { emoji, word, .. } = view.outcome_style();
    let row = view.worst().map(|(row, _)| row);
    let worst = row.map(|row| {
        let (subject, measure) = (row.subject_text(), row.measure_text());
        let figures = numbers::or_none(row.figures_text());
        markdown(&text!("{} {} {}", subject, measure, figures))
    });
    vec![
        name(view.gate()),
        format!("{emoji} {word}"),
        markdown(&comparison(view)),
        numbers::or_none(worst),
        numbers::or_none(row.and_then(CheckRow::change_text)),
        numbers::or_none(row.map(CheckRow::limit_text)),
    ]
}

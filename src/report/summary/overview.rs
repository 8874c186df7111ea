//! Several gates in one summary: the worst first, those that passed in a table.

use super::blocks::{Block, Need};
use super::gate::{self, footer};
use super::{MEDIUM, icon, outcome_word};
use crate::report::Story;
use crate::report::markdown::{Align, table};
use crate::report::numbers::{self, caught};
use crate::report::rows::{Row, rows};
use crate::report::text::capitalized;
use crate::report::words::{comparison, finding, headline};
use crate::verdict::{Check, Outcome, Verdict};

/// The headline, a table of the gates, what there is to say of each, and the last line.
pub(super) fn blocks(stories: &[Story], blocks: &mut Vec<Block>) {
    let mut stories: Vec<&Story> = stories.iter().collect();
    // Sorting is stable: gates of one outcome keep the order in which they ran.
    stories.sort_by_key(|story| rank(story.verdict));
    let Some(worst) = stories.first() else { return };
    let title = format!("### {} {}\n", icon(worst.verdict), title(&stories, worst));
    blocks.push(Block::new(Need::Always, title));
    blocks.push(Block::new(Need::Finding, gate_table(&stories)));
    for story in &stories {
        if story.verdict.outcome != Outcome::Passed {
            let title = format!("#### {} {}\n", icon(story.verdict), headline(story, MEDIUM));
            blocks.push(Block::new(Need::Finding, title));
            blocks.extend(gate::blocks(story));
        }
    }
    for story in &stories {
        if story.verdict.outcome == Outcome::Passed {
            let rows = rows(story);
            blocks.extend(super::details::blocks(story, &rows));
        }
    }
    blocks.push(Block::new(Need::Always, footer(worst)));
}

/// What fails a build comes first; observed gates fail nothing.
fn rank(verdict: &Verdict) -> (bool, u8) {
    let rank = match verdict.outcome {
        Outcome::Failed => 0,
        Outcome::Invalid => 1,
        Outcome::Inconclusive => 2,
        Outcome::Passed => 3,
    };
    (verdict.observed || verdict.outcome == Outcome::Passed, rank)
}

fn title(stories: &[&Story], worst: &Story) -> String {
    let of = stories.len();
    let same = stories
        .iter()
        .filter(|story| story.verdict.outcome == worst.verdict.outcome)
        .count();
    let ended = match (worst.verdict.outcome, worst.verdict.observed) {
        (Outcome::Passed, _) => "passed",
        (Outcome::Failed, false) => "failed",
        (Outcome::Failed, true) => "would have failed, observed only",
        (Outcome::Inconclusive, _) if same == 1 => "is INCONCLUSIVE",
        (Outcome::Inconclusive, _) => "are INCONCLUSIVE",
        (Outcome::Invalid, _) => "could NOT BE JUDGED",
    };
    let finding = if worst.verdict.outcome == Outcome::Passed {
        all_passed(stories)
    } else {
        finding(worst, MEDIUM)
    };
    format!(
        "Performance: {same} of {of} gates {ended}. {}",
        capitalized(&finding)
    )
}

/// One sentence for all: the largest change that any of them would have missed.
fn all_passed(stories: &[&Story]) -> String {
    let compared = stories.iter().all(|story| {
        !matches!(
            story.verdict.comparison,
            crate::verdict::Comparison::None(_)
        )
    });
    if !compared {
        return "not every gate had something to compare with".to_owned();
    }
    let least = stories
        .iter()
        .flat_map(|story| &story.verdict.lines)
        .filter(|line| crate::report::rows::Status::of(line) == crate::report::rows::Status::Passed)
        .filter(|line| !numbers::is_share(line.measure))
        .filter_map(|line| match &line.check {
            Check::Change(check) => Some((line.measure, check.would_catch?)),
            Check::Limit(_) => None,
        })
        .max_by(|a, b| a.1.total_cmp(&b.1));
    match least {
        Some((measure, change)) => format!(
            "nothing slower; {} or more on any gated line would have been caught",
            caught(measure, change)
        ),
        None => "nothing slower".to_owned(),
    }
}

fn gate_table(stories: &[&Story]) -> String {
    let columns = [
        ("gate", Align::Left),
        ("", Align::Left),
        ("compared", Align::Left),
        ("worst line", Align::Left),
        ("change [95 %]", Align::Right),
        ("limit", Align::Right),
    ];
    let cells: Vec<Vec<String>> = stories.iter().map(|story| gate_cells(story)).collect();
    table(&columns, &cells)
}

fn gate_cells(story: &Story) -> Vec<String> {
    let none = || numbers::NONE.to_owned();
    let rows = rows(story);
    let mut cells = vec![
        MEDIUM.foreign(story.gate()),
        outcome_word(story),
        comparison(story, MEDIUM),
    ];
    match worst_row(&rows) {
        Some(row) => cells.extend([worst_text(row), change_text(row), row.limit_text()]),
        None => cells.extend([none(), none(), none()]),
    }
    cells
}

/// Of the rows of the worst status the one whose change is largest.
fn worst_row<'r, 'a>(rows: &'r [Row<'a>]) -> Option<&'r Row<'a>> {
    let gated = || {
        rows.iter()
            .filter(|row| row.is_gated() && !row.is_empty_comparison())
    };
    let status = gated().map(|row| row.status).min()?;
    let size = |row: &Row| {
        let points = numbers::is_share(row.measure());
        let estimate = row
            .estimated()
            .map_or(f64::NEG_INFINITY, |change| change.estimate);
        (!points, estimate)
    };
    gated().filter(|row| row.status == status).max_by(|a, b| {
        let (a, b) = (size(a), size(b));
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
    })
}

fn worst_text(row: &Row) -> String {
    let measure = row.measure();
    let figures = match (row.before(), row.now()) {
        (Some(before), Some(now)) => numbers::from_to(measure, before, now),
        (None | Some(_), now) => numbers::value_or_none(measure, now),
    };
    format!(
        "{} {} {figures}",
        row.subject_text(MEDIUM),
        row.measure_text(MEDIUM)
    )
}

fn change_text(row: &Row) -> String {
    row.estimated().map_or_else(
        || numbers::NONE.to_owned(),
        |change| {
            let measure = row.measure();
            let estimate = numbers::change(measure, change.estimate);
            format!("{estimate} {}", numbers::interval(measure, &change))
        },
    )
}

//! The interval of a change as a small bar, all of them on one scale; of a limit alone, how much of it is used.

use maud::{Markup, html};

use super::plot::{area, upright};
use super::scale::{Scale, Spread};
use crate::report::text::numbers;
use crate::report::view::{CheckRow, View, margin_factor};
use crate::report::wording::two_figures;
use crate::verdict::{ChangeCheck, Check};

const WIDTH: f64 = 220.0;
const HEIGHT: f64 = 30.0;
const MIDDLE: f64 = HEIGHT / 2.0;

/// Where a limit stands among bars that tell how much of it is used.
const LIMIT_AT: f64 = 0.7;

/// The scales that bars are drawn on: one for ratios, one for differences of shares.
pub(super) struct Bars {
    ratios: Scale,
    points: Scale,
    must_detect: f64,
}

impl Bars {
    pub(super) fn new(view: &View, rows: &[&CheckRow]) -> Self {
        let [(low, high), (least, most)] = view.change_ranges(rows, |check, change| {
            let tolerance = check.tolerance * 1.5;
            let caught = check.min_detectable.unwrap_or(tolerance);
            let bounds = [change.lower, change.upper, tolerance, caught].into_iter();
            bounds.filter(|bound| bound.is_finite()).collect()
        });
        Self {
            ratios: Scale::new(Spread::Change, low, high).between(8.0, WIDTH - 8.0),
            points: Scale::new(Spread::Linear, least, most).between(8.0, WIDTH - 8.0),
            must_detect: view.must_detect(),
        }
    }

    /// The bar of a row; none where it has neither a change nor a limit with a figure.
    pub(super) fn draw(&self, row: &CheckRow, class: &str) -> Option<Markup> {
        let change = row
            .change
            .and_then(|(line, check)| self.change(line, check, class));
        let drawn = change.or_else(|| used(row, class))?;
        let size = format!("0 0 {WIDTH} {HEIGHT}");
        Some(html! {
            svg viewBox=(size) preserveAspectRatio="none" aria-hidden="true" { (drawn) }
        })
    }

    fn change(&self, line: &Check, check: &ChangeCheck, class: &str) -> Option<Markup> {
        let is_share = numbers::is_share(line.measure);
        let scale = if is_share { &self.points } else { &self.ratios };
        let change = check.change?;
        let is_rate = numbers::more_is_better(line.measure);
        let tolerance = if is_rate {
            -check.tolerance
        } else {
            check.tolerance
        };
        let [low, high, estimate, zero, tolerated] =
            [change.lower, change.upper, change.estimate, 0.0, tolerance]
                .map(|change| scale.at(change));
        let caught = check.min_detectable.filter(|caught| caught.is_finite());
        let bar = format!("M{low:.1} {MIDDLE}H{high:.1}M{low:.1} 9v12M{high:.1} 9v12");
        let detect = scale.at(self.must_detect * margin_factor(line.measure));
        Some(html! {
            (area((zero, tolerated), (2.0, 28.0), "tolerance"))
            (upright(zero, 0.0, HEIGHT, "zero"))
            @if !is_share { (upright(detect, 2.0, 28.0, "detect")) }
            @if let Some(caught) = caught { path class="caught" d=(format!("M{:.1} 24l4 5h-8z", scale.at(caught))) {} }
            path class=(format!("interval {class}")) d=(bar) {}
            path class=(format!("estimate {class}")) d=(format!("M{estimate:.1} 8l5 7l-5 7l-5-7z")) {}
        })
    }
}

/// How much of a limit is used.
fn used(row: &CheckRow, class: &str) -> Option<Markup> {
    let (line, limit) = row.limits.first()?;
    let current = line.current?;
    let share = if limit.bound > 0.0 {
        current / limit.bound
    } else if current > 0.0 {
        10.0
    } else {
        0.0
    };
    let at = |share: f64| 8.0 + (share * LIMIT_AT).min(1.0) * (WIDTH - 16.0);
    let bar = format!("M8 {MIDDLE}H{:.1}", at(share).max(9.0));
    Some(html! {
        (upright(at(1.0), 2.0, 28.0, "detect"))
        (upright(8.0, 6.0, 24.0, "axis"))
        path class=(format!("interval used {class}")) d=(bar) {}
    })
}

/// What the bars of a table show, in words.
pub(super) fn key(view: &View, rows: &[&CheckRow]) -> Markup {
    let has_change = rows.iter().any(|row| row.estimated().is_some());
    let has_limit = rows
        .iter()
        .any(|row| row.estimated().is_none() && !row.limits.is_empty());
    let tolerance = view.usual_tolerance();
    let must = view.must_be_ruled_out(rows);
    html! {
        @if has_change {
            "Drawn: ◆ the change with its 95 % interval; the vertical line marks no change, the green area the tolerance ("
            (numbers::percent(tolerance)) " unless stated otherwise), the dashed line what must be ruled out ("
            (must) "), ▴ what would have been caught."
        }
        @if has_change { " Two figures of one metric may differ: " (two_figures(view)) "." }
        @if has_limit { " If there is only a limit, the bar is the current figure and the dashed line its limit." }
    }
}

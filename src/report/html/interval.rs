//! The interval of a change as a small bar, all of them on one scale; of a limit alone, how much of it is used.

use maud::{Markup, html};

use super::plot::Unit;
use super::scale::{Scale, Spread, extent};
use crate::report::text::numbers;
use crate::report::view::{CheckRow, View, margin_factor, must_be_ruled_out};
use crate::report::wording::two_figures;
use crate::verdict::{ChangeCheck, Check};

const WIDTH: f64 = 220.0;
const HEIGHT: f64 = 30.0;
const MIDDLE: f64 = HEIGHT / 2.0;

/// Where a limit stands among bars that tell how much of it is used.
const LIMIT_AT: f64 = 0.7;

/// What a change larger than this is drawn as: as large, with an arrow.
const LARGEST: f64 = 4.0;
const SMALLEST: f64 = -0.8;

/// The scales that bars are drawn on: one for ratios, one for differences of shares.
pub(super) struct Bars {
    ratios: Scale,
    points: Scale,
    must_detect: f64,
}

impl Bars {
    pub(super) fn new(view: &View, rows: &[&CheckRow]) -> Self {
        let must_detect = view.must_detect();
        let ends = |is_share: bool, least: f64, most: f64| {
            let of_kind = rows.iter();
            let of_kind = of_kind.filter(|row| numbers::is_share(row.measure()) == is_share);
            let bounds = of_kind.filter_map(|row| {
                let (_, check) = row.change?;
                let change = check.change?;
                let tolerance = check.tolerance * 1.5;
                let caught = check.min_detectable.unwrap_or(tolerance);
                Some([change.lower, change.upper, tolerance, caught])
            });
            let bounds = bounds.flatten().filter(|bound| bound.is_finite());
            extent(bounds.chain([least, most])).unwrap_or((least, most))
        };
        let (low, high) = ends(false, -0.05, must_detect * 1.1);
        let (low, high) = (low.max(SMALLEST), high.min(LARGEST));
        let (least, most) = ends(true, -0.0005, 0.002);
        Self {
            ratios: Scale::new(Spread::Change, low, high).between(8.0, WIDTH - 8.0),
            points: Scale::new(Spread::Linear, least, most).between(8.0, WIDTH - 8.0),
            must_detect,
        }
    }

    /// The bar of a row; none where it has neither a change nor a limit with a figure.
    pub(super) fn draw(&self, row: &CheckRow, class: &str) -> Option<Markup> {
        let change = row.change.and_then(|(line, check)| {
            let scale = if numbers::is_share(line.measure) {
                &self.points
            } else {
                &self.ratios
            };
            self.change(line, check, scale, class)
        });
        let drawn = change.or_else(|| used(row, class))?;
        let size = format!("0 0 {WIDTH} {HEIGHT}");
        Some(html! {
            svg viewBox=(size) preserveAspectRatio="none" aria-hidden="true" { (drawn) }
        })
    }

    fn change(
        &self,
        line: &Check,
        check: &ChangeCheck,
        scale: &Scale,
        class: &str,
    ) -> Option<Markup> {
        let change = check.change?;
        let [low, high, estimate, zero] =
            [change.lower, change.upper, change.estimate, 0.0].map(|change| scale.at(change));
        let tolerated = scale.at(if numbers::more_is_better(line.measure) {
            -check.tolerance
        } else {
            check.tolerance
        });
        let caught = check.min_detectable.filter(|caught| caught.is_finite());
        let bar = format!("M{low:.1} {MIDDLE}H{high:.1}M{low:.1} 9v12M{high:.1} 9v12");
        let detect = Unit(scale.at(self.must_detect * margin_factor(line.measure)));
        Some(html! {
            rect class="tolerance" x=(Unit(zero.min(tolerated))) y="2" width=(Unit((tolerated - zero).abs())) height="26" {}
            line class="zero" x1=(Unit(zero)) x2=(Unit(zero)) y1="0" y2=(HEIGHT) {}
            @if !numbers::is_share(line.measure) { line class="detect" x1=(detect) x2=(detect) y1="2" y2="28" {} }
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
        line class="detect" x1=(Unit(at(1.0))) x2=(Unit(at(1.0))) y1="2" y2="28" {}
        line class="axis" x1="8" x2="8" y1="6" y2="24" {}
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
    let must = must_be_ruled_out(view.must_detect(), rows);
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

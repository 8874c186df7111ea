//! What is folded away, each part with a word on what is in it.

use crate::report::tables::aws as aws_tables;
use crate::report::text::{count, counted, numbers, one_line, untrusted};
use crate::report::view::{CheckRow, Status, View};
use crate::report::wording::{aws_sentences, comparison, generator, proxies};
use maud::{Markup, html};

use super::concurrency::concurrency;
use super::decision::decision as decided;
use super::distribution::DistributionPlots;
use super::minutes::minutes;
use super::parts::parts;
use super::plot::Plot;
use super::starts::starts;
use super::timeline::Timeline;
use super::{checks, code, tables, why, words};
use crate::baseline::Mismatch;
use crate::thresholds::Subject;
use crate::verdict::{Comparison, NoComparison};

/// Names whose distribution and decision are drawn; of more, those that matter most.
const NAMES: usize = 40;

/// What decided, beside the reasons: the history or the pairs of the worst check; where nothing was compared, the run.
pub(super) fn decision(view: &View) -> Option<Plot> {
    let worst = why::worst(view);
    let decision = worst.and_then(|row| decided(view, row, "decision"));
    decision.or_else(|| Timeline::new(view).map(|timeline| timeline.latency()))
}

/// The distribution of the name that got worst, or of all requests.
pub(super) fn worst_distribution<'p, 'a>(view: &'p View<'a>) -> Option<DistributionPlots<'p, 'a>> {
    let worst = why::worst(view).filter(|row| row.status == Status::Failed)?;
    if !numbers::is_latency(worst.measure()) {
        return None;
    }
    DistributionPlots::new(view, index(view, &worst.line().subject))
}

/// The index of a request name; none for all together or a name that was not sent.
fn index(view: &View, subject: &Subject) -> Option<usize> {
    view.aggregates().index(subject.name()?)
}

/// A part that is folded away.
fn fold(id: &str, title: &str, hint: &Markup, inside: &Markup) -> Markup {
    html! {
        section.fold id=(id) {
            details {
                summary { h2 { (title) } span.hint { (hint) } }
                .inside { (inside) }
            }
        }
    }
}

/// Plots side by side.
fn drawn<'p>(plots: impl IntoIterator<Item = &'p Plot>) -> Markup {
    html! { .plots { @for plot in plots { (plot.draw()) } } }
}

/// All of them; `shown` is the plot that stands above.
pub(super) fn folded(view: &View, shown: Option<&str>) -> Markup {
    html! {
        (timeline(view, shown))
        (distributions(view))
        (decisions(view))
        (more_plots(view))
        (measured(view))
        (aws(view))
        @if !view.rows().is_empty() {
            (fold("checks", "All checks", &html! { (count(view.rows().len() as u64)) ", sortable" }, &checks::all(view)))
        }
        (circumstances(view))
    }
}

fn timeline(view: &View, shown: Option<&str>) -> Markup {
    let Some(timeline) = Timeline::new(view) else {
        return html! {};
    };
    let plots = timeline.plots();
    let plots = plots.iter().filter(|plot| Some(plot.id.as_str()) != shown);
    let (title, points) = timeline.title();
    let aws = view.record.aws_figures();
    let minutes = aws.map_or_else(Vec::new, |figures| minutes(&timeline, figures));
    let hint = html! {
        (points) ": latency, requests, users, errors"
        @if !minutes.is_empty() { ", CloudWatch by the minute" }
    };
    let inside = html! {
        .plots {
            @for plot in plots { (plot.draw()) }
            @if !minutes.is_empty() {
                p.see {
                    "CloudWatch keeps whole minutes: a bar has the value of all its minute, also before and after the load. Phases "
                    "in one minute share its bar. Percentiles are AWS's, of the requests of all callers, and never mixed with "
                    "those measured here. More series are in the " a href="#aws" { "table" } "."
                }
            }
            @for plot in &minutes { (plot.draw()) }
        }
    };
    fold("timeline", title, &hint, &inside)
}

/// The names that were sent, those that came off worst first.
fn by_worst(view: &View) -> Vec<usize> {
    let status = |name: usize| {
        let of_name = |row: &&CheckRow| index(view, &row.line().subject) == Some(name);
        let rows = view.rows().iter().filter(of_name);
        rows.map(|row| row.status).min()
    };
    let mut names: Vec<usize> = (0..view.aggregates().names.len()).collect();
    names.sort_by_key(|index| status(*index).unwrap_or(Status::Reported));
    names
}

fn distributions(view: &View) -> Markup {
    let Some(all) = DistributionPlots::new(view, None) else {
        return html! {};
    };
    let draw = |distribution: &DistributionPlots, id: &str| {
        let change = distribution.change(&format!("change-{id}"));
        let plot = distribution.plot(&format!("distribution-{id}"));
        drawn(std::iter::once(&plot).chain(&change))
    };
    // With one name, all requests are that one's.
    let names = Some(by_worst(view)).filter(|names| names.len() > 1);
    let names = names.into_iter().flatten().take(NAMES);
    let each = names.filter_map(|index| Some((index, DistributionPlots::new(view, Some(index))?)));
    let each: Vec<(usize, DistributionPlots)> = each.collect();
    let is_compared = all.change("change").is_some();
    let hint = html! {
        "on a percentile axis"
        @if !each.is_empty() { ", overall and for " (counted(each.len() as u64, "request name")) }
    };
    let inside = html! {
        (draw(&all, "all"))
        div class=(if is_compared { "names" } else { "names plots" }) {
            @for (index, distribution) in &each {
                details {
                    summary { (code(view.aggregates().names[*index])) }
                    (draw(distribution, &index.to_string()))
                }
            }
        }
    };
    fold("distribution", "Latency distribution", &hint, &inside)
}

/// What every gated change was drawn from.
fn decisions(view: &View) -> Markup {
    let gated = view.rows().iter().filter(|row| row.is_gated());
    let plots = gated.enumerate();
    let plots = plots.filter_map(|(index, row)| decided(view, row, &format!("decision-{index}")));
    let plots: Vec<Plot> = plots.take(2 * NAMES).collect();
    if plots.is_empty() {
        return html! {};
    }
    let (title, what) = if view.is_duet() {
        ("Pair by pair", "the pairs of")
    } else {
        ("History", "the baseline's jobs and this run, for")
    };
    let hint = html! { (what) " each gated check" };
    fold("history", title, &hint, &drawn(&plots))
}

fn more_plots(view: &View) -> Markup {
    let plots = [
        ("cold", "Cold starts", starts(view.aggregates())),
        ("load", "Latency against concurrency", concurrency(view)),
        ("time", "Where the time goes", parts(view.aggregates())),
    ];
    html! {
        @for (id, title, plot) in &plots {
            @if let Some(plot) = plot {
                // The hint is said again inside.
                (fold(id, title, &html! { span.again { (plot.see) } }, &plot.draw()))
            }
        }
    }
}

fn measured(view: &View) -> Markup {
    let all = view.overall();
    if all.requests == 0 {
        return html! {};
    }
    let failures = all.failures;
    let hint = html! {
        (counted(all.requests, "request")) ", "
        @if failures == 0 { "none failed" } @else { (count(failures)) " failed" }
    };
    fold("figures", "Figures", &hint, &tables::tables(view))
}

/// What AWS says beside it.
fn aws(view: &View) -> Markup {
    let tables = aws_tables(view);
    let (Some(table), Some(figures)) = (tables.first(), view.record.aws_figures()) else {
        return html! {};
    };
    let hint = html! { (table.title.to_string()) ", " (untrusted(&figures.region).to_string()) };
    let inside = html! {
        ul { @for sentence in aws_sentences(view) { li { (words::sentence(sentence)) } } }
        @for table in &tables { (tables::draw(table)) }
    };
    fold("aws", "AWS", &hint, &inside)
}

/// What the run was, on which machine, and how to do it again.
fn circumstances(view: &View) -> Markup {
    let record = view.record;
    let environment = &record.environment;
    let machine = [
        &environment.cpu,
        &environment.os,
        &environment.kernel,
        &environment.arch,
    ];
    let [cpu, os, kernel, arch] = machine.map(|name| untrusted(name));
    let machine = format!(
        "{} cores of {cpu}, {os} {kernel}, {arch}",
        environment.cores
    );
    let entry = |term: &str, text: Markup| html! { dt { (term) } dd { (text) } };
    let inside = html! {
        dl {
            (entry("compared", words::text(&comparison(view))))
            (entry("generator", words::text(&generator(view).into())))
            @if let Some(proxies) = proxies(view) {
                (entry("way", words::text(&proxies)))
            }
            (entry("machine", html! { (machine) }))
            @if !record.labels.is_empty() {
                (entry("labels", html! {
                    @for (index, (name, value)) in record.labels.iter().enumerate() {
                        @if index > 0 { ", " } (code(&format!("{name}={value}")))
                    }
                }))
            }
            (entry("run", html! { (code(&record.run.id)) }))
            (entry("seed", html! { (record.run.seed) }))
            (entry("thresholds", html! { (code(view.thresholds_path)) }))
            @if !view.files.is_empty() {
                (entry("written", html! {
                    @for (index, file) in view.files.iter().enumerate() { @if index > 0 { ", " } (code(file)) }
                }))
            }
        }
        (scenario(view))
    };
    let generator = words::text(&generator(view).into());
    fold("circumstances", "How it was measured", &generator, &inside)
}

/// The scenario, and in what it differs from the baseline's.
fn scenario(view: &View) -> Markup {
    let lines = |text: &str| text.lines().map(one_line).collect::<Vec<_>>().join("\n");
    let text = lines(&view.record.scenario.text);
    html! {
        @if let Comparison::None(NoComparison::Baseline(Mismatch::ScenarioDiffers { diff })) = &view.verdict.comparison {
            h3 { "How the scenario differs from the baseline's" }
            pre tabindex="0" { (lines(diff)) }
        }
        @if !text.is_empty() {
            details {
                summary { "Scenario" }
                pre tabindex="0" { (text) }
            }
        }
    }
}

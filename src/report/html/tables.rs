//! What was measured, in tables that can be sorted.

use maud::{Markup, PreEscaped, html};

use super::checks::number;
use super::code;
use crate::report::tables::{Cell, Column, Detail, Table, by_phase, by_request};
use crate::report::tables::{by_request_in_phases, errors, statuses};
use crate::report::text::{Span, Text};
use crate::report::view::View;

pub(super) fn tables(view: &View) -> Markup {
    let phases = by_phase(view, Detail::Full);
    let tables = by_request(view, Detail::Full).into_iter().chain(phases);
    let in_phases = by_request_in_phases(view, Detail::Full).map(|(_, table)| table);
    let tables = tables.chain(in_phases).chain(errors(view));
    let tables = tables.chain(statuses(view, Detail::Full));
    html! { @for table in tables { (draw(&table)) } }
}

/// A table that can be sorted, in a region that can be scrolled, and what to know beside it.
pub(super) fn draw(table: &Table) -> Markup {
    html! {
        .scroll tabindex="0" role="group" aria-label=(table.title.to_string()) {
            table data-sort {
                caption { (table.title.to_string()) }
                thead {
                    tr {
                        @for column in &table.columns {
                            @match column {
                                Column::Words(head) => th.words scope="col" { (markup(head)) },
                                Column::Numbers(head) | Column::Change(head) => th scope="col" { (markup(head)) },
                            }
                        }
                    }
                }
                tbody {
                    @for row in &table.rows {
                        tr {
                            th scope="row" { (markup(&row.name)) @if let Some(before) = row.before { ", " (before) } }
                            @for value in &row.cells { (cell(value)) }
                        }
                    }
                }
            }
        }
        @if let Some(note) = &table.note { p { (super::words::sentence(note.clone())) } }
    }
}

fn cell(cell: &Cell) -> Markup {
    let value = match cell {
        Cell::Words(words) => return html! { td.words { (markup(words)) } },
        Cell::Count(count) => Some(*count as f64),
        Cell::Start(value) => Some(*value),
        Cell::Number(value) | Cell::Share(value) | Cell::Latency(value) => *value,
        Cell::Figure(_, figure) => figure.map(|figure| figure.value),
        Cell::Change(change) => change.map(|(_, change)| change.estimate),
    };
    number(value, Some(cell.text().to_string()))
}

/// A text whose names may break where a path does.
fn markup(text: &Text) -> Markup {
    PreEscaped(text.render(|span| {
        let markup = match span {
            Span::Plain(words) => html! { (words) },
            Span::Untrusted(text) | Span::Code(text) => code(text),
        };
        markup.into_string()
    }))
}

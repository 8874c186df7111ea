//! Compiles headers that are sent.

use super::fields::Headers;
use super::template::{Bindings, EscapeContext, Template};
use crate::yaml::Error;

/// Headers to send, in order.
pub(super) type HeaderTemplates = Vec<(String, Template)>;

/// Compiles headers; their names must differ in more than case.
pub(super) fn templates(
    headers: &Headers<'_>,
    names: Bindings<'_>,
) -> Result<HeaderTemplates, Error> {
    let mut templates = HeaderTemplates::new();
    for header in &headers.0 {
        let name = header.entry.name();
        if has(&templates, name) {
            return Err(header.entry.error(format_args!(
                "the header '{name}' appears twice; remove one of them"
            )));
        }
        let value = names.template(&header.value, EscapeContext::Header)?;
        templates.push((name.to_owned(), value));
    }
    Ok(templates)
}

/// Whether a header is there, in any case.
pub(super) fn has(headers: &HeaderTemplates, name: &str) -> bool {
    headers
        .iter()
        .any(|(other, _)| other.eq_ignore_ascii_case(name))
}

/// Merges headers; `over` replaces those of the same name, in any case.
pub(super) fn merge(under: &HeaderTemplates, over: HeaderTemplates) -> HeaderTemplates {
    let kept = under.iter().filter(|(name, _)| !has(&over, name)).cloned();
    kept.collect::<Vec<_>>().into_iter().chain(over).collect()
}

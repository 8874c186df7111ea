//! Compiles steps: requests with what they send and expect, pauses and programs.

use super::bodies::body;
use super::captures::captures;
use super::checks::expect;
use super::fields::Text;
use super::headers::{self, HeaderTemplates};
use super::rules::OF_PAUSES;
use super::source;
use super::template::{Bindings, EscapeContext, Template};
use super::users::Compiler;
use super::{Action, Expect, Method, Request, Step};
use crate::yaml::{Entry, Error, LONGEST_NAME, Located};

/// What a step takes from the place where it stands.
#[derive(Clone, Copy)]
pub(super) struct StepContext<'a> {
    /// The headers of its class.
    pub(super) headers: &'a HeaderTemplates,
    /// What its expressions may name.
    pub(super) names: Bindings<'a>,
}

type StepSource<'d> = Located<'d, source::Step<'d>>;

impl Compiler<'_> {
    /// Compiles one step.
    pub(super) fn step(
        &mut self,
        step: &StepSource<'_>,
        context: StepContext<'_>,
    ) -> Result<Step, Error> {
        let entries = step.at.entries()?;
        let names = entries.iter().map(Entry::name);
        let actions: Vec<&str> = names.filter(|key| is_action(key)).collect();
        if let [first, second, ..] = actions.as_slice() {
            return Err(step.at.error(format_args!(
                "a step does one thing, but this has both '{first}' and '{second}'; make them two steps"
            )));
        }
        let source = &step.value;
        let action = if let Some(pause) = source.think {
            if entries
                .iter()
                .any(|entry| !OF_PAUSES.contains(&entry.name()))
            {
                return Err(step.at.error(
                    "a pause has no other keys than 'think' and 'when'; make it a separate step",
                ));
            }
            Action::Think(pause)
        } else if let Some(program) = &source.command {
            Action::Command(Box::new(self.command(step, program, context.names)?))
        } else if let Some((method, path)) = source.methods.0.first() {
            Action::Request(Box::new(self.request(step, *method, path, context)?))
        } else {
            return Err(step.at.error("a step needs one of get, post, put, patch, delete, head, options, think or command"));
        };
        let condition = |when| context.names.condition(when);
        Ok(Step {
            when: source.when.as_deref().map(condition).transpose()?,
            action,
        })
    }

    fn request(
        &mut self,
        step: &StepSource<'_>,
        method: Method,
        path: &Text<'_>,
        context: StepContext<'_>,
    ) -> Result<Request, Error> {
        let (names, source) = (context.names, &step.value);
        let path = self::path(path, names)?;
        let name = match &source.name {
            Some(name) => name.0.clone(),
            None => default_name(method, &path).map_err(|message| step.at.error(message))?,
        };
        let query = source.query.0.iter();
        let query = query.map(|it| Ok((it.entry.name().to_owned(), names.text(&it.value)?)));
        let headers = headers::templates(&source.headers, names)?;
        let captures = |section| captures(section, names.rows);
        Ok(Request {
            method,
            path,
            query: query.collect::<Result<_, Error>>()?,
            headers: headers::merge(context.headers, headers),
            body: body(step, method, &self.inputs, names)?,
            expect: self.expect(source, method, names)?,
            capture: source.capture.as_ref().map_or(Ok(Vec::new()), captures)?,
            name: self
                .intern(&name)
                .map_err(|message| step.at.error(message))?,
            timeout: source
                .timeout
                .as_ref()
                .map_or(self.defaults.timeout, |it| it.0),
            redirects: source.redirects.map_or(self.defaults.redirects, |it| it.0),
        })
    }

    fn expect(
        &self,
        step: &source::Step<'_>,
        method: Method,
        names: Bindings<'_>,
    ) -> Result<Expect, Error> {
        let Some(section) = &step.expect else {
            return Ok(self.defaults.expect.clone());
        };
        let expected = expect(section, &self.defaults.expect, names)?;
        if method == Method::Head && expected.reads_body() {
            return Err(section.at.error(
                "a response to HEAD has no body to check; expect only its status or headers",
            ));
        }
        Ok(expected)
    }
}

fn path(path: &Text<'_>, names: Bindings<'_>) -> Result<Template, Error> {
    let template = names.template(path, EscapeContext::Path)?;
    if !template.prefix().starts_with('/') {
        return Err(path.error(format_args!(
            "'{}' is not a path; start it with '/', since the host is that of the target",
            template.source()
        )));
    }
    if template.has_fragment() {
        return Err(path.error("a fragment is never sent; remove '#' and what follows"));
    }
    Ok(template)
}

fn is_action(key: &str) -> bool {
    ["think", "command"].contains(&key) || Method::ALL.iter().any(|method| method.key() == key)
}

fn default_name(method: Method, path: &Template) -> Result<String, String> {
    let name = format!("{} {}", method.as_str(), path.source());
    if name.len() > LONGEST_NAME {
        return Err(format!(
            "the name from its method and path has more than {LONGEST_NAME} bytes; give it a 'name'"
        ));
    }
    Ok(name)
}

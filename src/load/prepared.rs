//! The scenario made ready to send: what is constant is rendered ahead, once for all users.

use std::borrow::Cow;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;

use super::draws;
use super::http::{
    HeaderName, Origin, RenderError as HttpError, render_into, render_line_into, rest,
};
use crate::scenario::{
    self, Auth, Body, Capture, Expect, Method, Pause, RenderError, Scenario, Scope, Source,
    Template, ValueTemplate,
};

/// Sent where the scenario sets none: firewalls in front of APIs turn away requests without one.
const USER_AGENT: &str = concat!("loadgate/", env!("CARGO_PKG_VERSION"));

/// Most targets are shorter, in bytes.
const USUAL_TARGET: usize = 128;

/// Everything that users of a run do.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) classes: Vec<Class>,
    /// The value of the wanted header at place 0 that marks a cold start.
    pub(super) cold: Option<String>,
    pub(super) names: usize,
}

/// What users of one class do.
#[derive(Debug)]
pub(super) struct Class {
    pub(super) wait: Pause,
    pub(super) on_start: Vec<Step>,
    pub(super) tasks: Vec<Task>,
    weights: u64,
}

#[derive(Debug)]
pub(super) struct Task {
    weight: u32,
    pub(super) set: Vec<(String, ValueTemplate)>,
    pub(super) stop_on_failure: bool,
    pub(super) steps: Vec<Step>,
}

#[derive(Debug)]
pub(super) enum Step {
    Request(Box<Prepared>),
    Think(Pause),
}

/// A request, rendered as far as it can be ahead.
#[derive(Debug)]
pub(super) struct Prepared {
    /// Index of the name that it is counted under.
    pub(super) name: usize,
    pub(super) method: Method,
    pub(super) expect: Expect,
    pub(super) capture: Vec<Capture>,
    pub(super) timeout: Duration,
    pub(super) redirects: u32,
    /// Headers of the answer that are read: the cold start's, then the captured ones in their order, then
    /// `Content-Encoding` where the body is read, then `Location` where redirects are followed.
    pub(super) wanted: Vec<HeaderName>,
    /// Where `Content-Encoding` stands among them, for a body that is read; none for one that is drained unseen.
    pub(super) coding: Option<usize>,
    /// All of it, where it is the same for everybody.
    pub(super) fixed: Option<Vec<u8>>,
    /// All that follows the request line, where at least that is.
    rest: Option<Vec<u8>>,
    template: Parts,
}

#[derive(Debug)]
struct Parts {
    /// What the target sets before the path.
    prefix: String,
    path: Template,
    query: Vec<(String, Template)>,
    headers: Vec<(String, Template)>,
    bearer: Option<Template>,
    body: Option<ValueTemplate>,
}

/// Why a request could not be rendered for a user.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unsent {
    /// A template has no value.
    #[error(transparent)]
    Template(#[from] RenderError),
    /// A value would break out of its place.
    #[error(transparent)]
    Http(#[from] HttpError),
}

impl Script {
    /// Makes a scenario ready for a target.
    ///
    /// # Errors
    ///
    /// Where a constant part of a request could never be sent.
    pub(super) fn new(scenario: &Scenario, origin: &Origin) -> Result<Self, Unsent> {
        let cold = scenario.cold_start.as_ref();
        let marker = cold.map(|cold| cold.header.parse()).transpose()?;
        let classes = scenario.user_classes.iter();
        Ok(Self {
            classes: classes
                .map(|class| Class::new(class, marker.as_ref(), origin))
                .collect::<Result<_, _>>()?,
            cold: cold.map(|cold| cold.equals.clone()),
            names: scenario.requests.len(),
        })
    }
}

impl Class {
    fn new(
        class: &scenario::UserClass,
        marker: Option<&HeaderName>,
        origin: &Origin,
    ) -> Result<Self, Unsent> {
        let steps = |steps: &[scenario::Step]| -> Result<Vec<Step>, Unsent> {
            let prepare = |step: &scenario::Step| match step {
                scenario::Step::Think(pause) => Ok(Step::Think(*pause)),
                scenario::Step::Request(request) => {
                    Prepared::new(request, class.auth.as_ref(), marker, origin)
                        .map(|request| Step::Request(Box::new(request)))
                }
            };
            steps.iter().map(prepare).collect()
        };
        let task = |task: &scenario::Task| {
            Ok(Task {
                weight: task.weight,
                set: task.set.clone(),
                stop_on_failure: task.stop_on_failure,
                steps: steps(&task.steps)?,
            })
        };
        Ok(Self {
            wait: class.wait,
            on_start: steps(&class.on_start)?,
            weights: class.tasks.iter().map(|task| u64::from(task.weight)).sum(),
            tasks: class
                .tasks
                .iter()
                .map(task)
                .collect::<Result<_, Unsent>>()?,
        })
    }

    /// Draws a task by weight.
    pub(super) fn draw(&self, rng: &mut ChaCha8Rng) -> usize {
        draws::weighted(rng, self.weights, self.tasks.iter().map(|task| task.weight))
    }
}

impl Step {
    pub(super) fn request(&self) -> Option<&Prepared> {
        match self {
            Self::Request(request) => Some(request),
            Self::Think(_) => None,
        }
    }
}

impl Prepared {
    fn new(
        request: &scenario::Request,
        auth: Option<&Auth>,
        marker: Option<&HeaderName>,
        origin: &Origin,
    ) -> Result<Self, Unsent> {
        let mut wanted: Vec<HeaderName> = marker.cloned().into_iter().collect();
        let mut keep_body = false;
        for capture in &request.capture {
            match &capture.from {
                Source::Header(name) => wanted.push(name.parse()?),
                Source::Json(_) => keep_body = true,
            }
        }
        let coding = keep_body.then_some(wanted.len());
        if keep_body {
            wanted.push("content-encoding".parse()?);
        }
        if request.redirects > 0 {
            wanted.push("location".parse()?);
        }
        let authorized = request
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        let bearer = auth.filter(|_| !authorized).map(|auth| match auth {
            Auth::Bearer(token) => token.clone(),
        });
        let mut prepared = Self {
            name: request.name,
            method: request.method,
            expect: request.expect.clone(),
            capture: request.capture.clone(),
            timeout: request.timeout,
            redirects: request.redirects,
            wanted,
            coding,
            fixed: None,
            rest: None,
            template: Parts {
                prefix: origin.prefix(),
                path: request.path.clone(),
                query: request.query.clone(),
                headers: request.headers.clone(),
                bearer,
                body: request.body.as_ref().map(|body| match body {
                    Body::Json(json) => json.clone(),
                }),
            },
        };
        if prepared.template.is_constant_but_for_its_target() {
            let (values, mut rng) = (std::collections::BTreeMap::new(), draws::unused());
            let mut scope = Scope {
                values: &values,
                rng: &mut rng,
                now: || jiff::Timestamp::UNIX_EPOCH,
            };
            let mut bytes = Vec::new();
            if prepared.template.is_constant() {
                prepared.render(origin, &mut scope, &mut bytes)?;
                prepared.fixed = Some(bytes);
            } else {
                prepared.render_to(origin, prepared.method, "/", &mut scope, &mut bytes)?;
                prepared.rest = Some(rest(&bytes).to_vec());
            }
        }
        Ok(prepared)
    }

    /// Renders the request for a user, in place of what `bytes` held.
    pub(super) fn render<'a>(
        &'a self,
        origin: &'a Origin,
        scope: &mut Scope<'a>,
        bytes: &mut Vec<u8>,
    ) -> Result<(), Unsent> {
        let target = self.template.target(scope)?;
        if let Some(rest) = &self.rest {
            return Ok(render_line_into(
                bytes,
                self.method.as_str(),
                &target,
                rest,
            )?);
        }
        self.render_to(origin, self.method, &target, scope, bytes)
    }

    /// Renders the request to another target of the same origin, as a redirect asks.
    pub(super) fn render_to<'a>(
        &'a self,
        origin: &'a Origin,
        method: Method,
        target: &str,
        scope: &mut Scope<'a>,
        bytes: &mut Vec<u8>,
    ) -> Result<(), Unsent> {
        // A redirect that turns a POST into a GET leaves its body behind.
        let body = if method == self.method {
            self.template.json(scope)?
        } else {
            None
        };
        let headers = self.template.headers(origin, scope, body.is_some())?;
        let body = body.as_deref().map(str::as_bytes);
        let method = method.as_str();
        render_into(bytes, method, origin.authority(), target, &headers, body)?;
        Ok(())
    }
}

impl Parts {
    fn is_constant(&self) -> bool {
        let mut query = self.query.iter();
        self.is_constant_but_for_its_target()
            && self.path.is_constant()
            && query.all(|(_, template)| template.is_constant())
    }

    fn is_constant_but_for_its_target(&self) -> bool {
        let mut headers = self.headers.iter();
        headers.all(|(_, template)| template.is_constant())
            && self.bearer.as_ref().is_none_or(Template::is_constant)
            && self.body.as_ref().is_none_or(ValueTemplate::is_constant)
    }

    /// Path and query under the target's own path.
    fn target(&self, scope: &mut Scope<'_>) -> Result<String, RenderError> {
        let mut target = String::with_capacity(USUAL_TARGET);
        target.push_str(&self.prefix);
        self.path.render_into(scope, &mut target)?;
        let mut separator = if target.contains('?') { '&' } else { '?' };
        for (name, value) in &self.query {
            target.push(separator);
            encode(name, &mut target);
            target.push('=');
            encode(&value.render(scope)?, &mut target);
            separator = '&';
        }
        Ok(target)
    }

    fn headers<'a>(
        &'a self,
        origin: &'a Origin,
        scope: &mut Scope<'a>,
        json: bool,
    ) -> Result<Vec<(&'a str, Cow<'a, str>)>, RenderError> {
        let mut headers = Vec::with_capacity(self.headers.len() + 4);
        if let Some(value) = origin.proxy_authorization() {
            headers.push(("Proxy-Authorization", value.into()));
        }
        for (name, value) in &self.headers {
            headers.push((name.as_str(), value.render(scope)?));
        }
        let has = |headers: &[(&str, _)], wanted: &str| {
            headers
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case(wanted))
        };
        if !has(&headers, "user-agent") {
            headers.push(("User-Agent", USER_AGENT.into()));
        }
        if json && !has(&headers, "content-type") {
            headers.push(("Content-Type", "application/json".into()));
        }
        if let Some(token) = &self.bearer {
            match token.render(scope) {
                Ok(token) => headers.push(("Authorization", format!("Bearer {token}").into())),
                Err(RenderError::Unset(_)) => {}
                Err(error @ RenderError::Failed(..)) => return Err(error),
            }
        }
        Ok(headers)
    }

    fn json<'a>(&'a self, scope: &mut Scope<'a>) -> Result<Option<Cow<'a, str>>, RenderError> {
        let Some(body) = &self.body else {
            return Ok(None);
        };
        if let Some(json) = body.constant_json() {
            return Ok(Some(json.into()));
        }
        let mut json = String::new();
        body.render_json(scope, &mut json)?;
        Ok(Some(json.into()))
    }
}

/// Percent-encodes a part of a query. A blank becomes `%20`, which every server reads, and not every one a `+`.
fn encode(text: &str, onto: &mut String) {
    for piece in url::form_urlencoded::byte_serialize(text.as_bytes()) {
        onto.push_str(if piece == "+" { "%20" } else { piece });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_request_is_the_same_bytes_however_much_of_it_is_known_ahead() {
        let rendered = |path: &str, agent: &str| {
            let text = format!(
                "name: x\nvariables: {{way: a/b, ways: [a/b]}}\nuser_classes:\n- name: a\n  tasks:\n  - steps: [{{get: '{path}', \
                 headers: {{user-agent: '{agent}'}}, query: {{q: a b}}}}]\nload: [{{phase: p, users: 1, for: 1s}}]\n"
            );
            let scenario = scenario::parse("scenario.yml", &text, &BTreeMap::new(), &|_| None);
            let origin = "http://h:1/prod".parse().unwrap();
            let script = Script::new(&scenario.unwrap(), &origin).unwrap();
            let request = script.classes[0].tasks[0].steps[0].request().unwrap();
            let (values, mut rng) = (BTreeMap::new(), draws::unused());
            let mut scope = Scope {
                values: &values,
                rng: &mut rng,
                now: jiff::Timestamp::now,
            };
            let mut bytes = request.fixed.clone().unwrap_or_default();
            if bytes.is_empty() {
                request.render(&origin, &mut scope, &mut bytes).unwrap();
            }
            String::from_utf8(bytes).unwrap()
        };
        let whole = "GET /prod/a/b?q=a%20b HTTP/1.1\r\nHost: h:1\r\nuser-agent: a/b\r\n\r\n";
        for path in ["/{{ way }}", "/{{ pick(ways) }}", "/{{ pick( ways ) }}"] {
            for agent in ["{{ way }}", "{{ pick(ways) }}"] {
                assert_eq!(rendered(path, agent), whole, "{path} {agent}");
            }
        }
    }
}

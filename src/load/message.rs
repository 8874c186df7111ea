//! One request of the scenario: what of it is constant is rendered ahead, and the rest for a user just before it is sent.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::cookies::Jar;
use super::draws;
use super::http::{
    Origin, RenderError as HttpError, redirects, render_into, render_line_into, rest,
};
use super::signature::{self, Signed};
use crate::scenario::{
    self, Auth, AwsSigV4, Body, KeyPlace, Method, RenderError, Scope, Source, Template, UserClass,
};

/// Sent where the scenario sets none: firewalls in front of APIs turn away requests without one.
const USER_AGENT: &str = concat!("loadgate/", env!("CARGO_PKG_VERSION"));

/// Most targets are shorter, in bytes.
const USUAL_TARGET: usize = 128;

/// A request, rendered as far as it can be ahead.
#[derive(Debug)]
pub(super) struct CompiledRequest {
    /// The request as the scenario has it.
    pub(super) spec: scenario::Request,
    /// Index of its name and class among [`super::prepared::CompiledScenario::lanes`].
    pub(super) lane: usize,
    /// Whether it matters where a response redirects to: to follow it, or to report it.
    pub(super) location: bool,
    /// Whether the step itself looks at where a response redirects to.
    reads_location: bool,
    /// Whether the request has a condition, so that a 304 is a response to it.
    is_conditional: bool,
    /// Headers of the response that are read, in lower case.
    pub(super) wanted: Vec<String>,
    /// Indices among them of those that are captured, in the order of the captures from headers.
    pub(super) captured: Vec<usize>,
    /// Indices of those that something is expected of.
    pub(super) expected: Vec<usize>,
    /// Index of `Set-Cookie`, for a user that keeps cookies.
    pub(super) cookies: Option<usize>,
    /// Index of `Content-Encoding`, for a body that is read; none for one that is drained unseen.
    pub(super) coding: Option<usize>,
    /// All of it, if it is the same for every user.
    pub(super) fixed: Option<Vec<u8>>,
    /// All that follows the request line, if at least that is.
    rest: Option<Vec<u8>>,
    /// What the target sets before the path.
    prefix: String,
    /// How it authenticates.
    auth: Vec<Auth>,
}

/// Names and values of header fields. Values are bytes, since a cookie may be other than text.
type Headers<'a> = Vec<(&'a str, Cow<'a, [u8]>)>;

/// Why a request could not be rendered for a user.
#[derive(Debug, thiserror::Error)]
pub(super) enum BuildError {
    /// A template has no value.
    #[error(transparent)]
    Template(#[from] RenderError),
    /// A value would break out of its place.
    #[error(transparent)]
    Http(#[from] HttpError),
}

impl CompiledRequest {
    pub(super) fn new(
        request: &scenario::Request,
        class: &UserClass,
        first: &[&str],
        origin: &Origin,
    ) -> Result<Self, BuildError> {
        let mut wanted: Vec<String> = first.iter().map(|&name| name.to_owned()).collect();
        let mut want = |name: &str| {
            wanted.push(name.to_owned());
            wanted.len() - 1
        };
        let mut captured = Vec::new();
        let mut keep_body = request.expect.reads_body();
        for capture in &request.capture {
            match &capture.from {
                Source::Header(name) => captured.push(want(name)),
                Source::Json(_) => keep_body = true,
            }
        }
        let checks = request.expect.header.iter();
        let expected = checks.map(|check| want(&check.header)).collect();
        let own = |name: &str| {
            let mut headers = request.headers.iter();
            headers.any(|(own, _)| own.eq_ignore_ascii_case(name))
        };
        let cookies = class.cookies.then(|| want("set-cookie"));
        let coding = keep_body.then(|| want("content-encoding"));
        let auth = class.auth.iter();
        let auth = auth.filter(|auth| auth.header().is_none_or(|name| !own(name)));
        let reads_location = reads_location(request);
        let names_redirects = request.expect.status.iter().copied().any(redirects);
        let mut compiled = Self {
            spec: request.clone(),
            lane: 0,
            location: request.redirects > 0 || !(reads_location || names_redirects),
            reads_location,
            is_conditional: own("if-none-match") || own("if-modified-since"),
            wanted,
            captured,
            expected,
            cookies,
            coding,
            fixed: None,
            rest: None,
            prefix: origin.prefix(),
            auth: auth.cloned().collect(),
        };
        compiled.render_ahead(origin)?;
        Ok(compiled)
    }

    /// Renders what is the same for everybody.
    fn render_ahead(&mut self, origin: &Origin) -> Result<(), BuildError> {
        if !self.is_constant_but_for_its_target() {
            return Ok(());
        }
        let (values, mut rng) = (std::collections::BTreeMap::new(), draws::unused());
        let mut scope = Scope {
            values: &values,
            rng: &mut rng,
            now: || jiff::Timestamp::UNIX_EPOCH,
            log: None,
        };
        let mut bytes = Vec::new();
        if self.is_constant() {
            self.render(origin, &mut scope, None, &mut bytes)?;
            self.fixed = Some(bytes);
        } else {
            self.render_to(origin, self.spec.method, "/", &mut scope, None, &mut bytes)?;
            self.rest = Some(rest(&bytes).to_vec());
        }
        Ok(())
    }

    /// Leaves no request the same for every user, so that each can have a header of its own.
    pub(super) fn render_for_each_user(&mut self) {
        if let Some(fixed) = self.fixed.take() {
            self.rest = Some(rest(&fixed).to_vec());
        }
    }

    /// Whether its response is read as JSON.
    pub(super) fn reads_json(&self) -> bool {
        let mut captures = self.spec.capture.iter();
        !self.spec.expect.json.is_empty()
            || captures.any(|capture| matches!(capture.from, Source::Json(_)))
    }

    /// Whether a response of this status leads elsewhere, and that is not what the step measures.
    pub(super) fn is_unasked_redirect(&self, status: u16) -> bool {
        const NOT_MODIFIED: u16 = 304;
        let is_asked = self.reads_location
            || self.spec.expect.status.contains(&status)
            || (status == NOT_MODIFIED && self.is_conditional);
        (300..400).contains(&status) && !is_asked
    }

    /// Whether anything is looked for in a response beside its status.
    pub(super) fn is_checked(&self) -> bool {
        self.coding.is_some() || !self.captured.is_empty() || !self.expected.is_empty()
    }

    /// Renders the request for a user with its cookies, in place of what `bytes` held.
    pub(super) fn render<'a>(
        &'a self,
        origin: &'a Origin,
        scope: &mut Scope<'a>,
        cookies: Option<&Jar>,
        bytes: &mut Vec<u8>,
    ) -> Result<(), BuildError> {
        let target = self.target(scope)?;
        let method = self.spec.method;
        match (&self.rest, cookies) {
            (Some(rest), None) => Ok(render_line_into(bytes, method.as_str(), &target, rest)?),
            _ => self.render_to(origin, method, &target, scope, cookies, bytes),
        }
    }

    /// Renders the request to another target of the same origin, as a redirect asks.
    pub(super) fn render_to<'a>(
        &'a self,
        origin: &'a Origin,
        method: Method,
        target: &str,
        scope: &mut Scope<'a>,
        cookies: Option<&Jar>,
        bytes: &mut Vec<u8>,
    ) -> Result<(), BuildError> {
        // A redirect that turns a POST into a GET leaves its body behind.
        let sends_body = method == self.spec.method;
        let body = self.spec.body.as_ref().filter(|_| sends_body);
        let content = body.map(|body| content(body, scope)).transpose()?;
        let mut headers = self.headers(origin, scope, body)?;
        let path = target.strip_prefix(&origin.before_path()).unwrap_or(target);
        if let Some(jar) = cookies {
            set_cookies(&mut headers, jar, origin, path, (scope.now)());
        }
        let method = method.as_str();
        let content = content.as_deref();
        let signature = self.signature();
        let added = signature
            .map(|own| signed(own, origin, (method, path), &headers, content, scope))
            .transpose()?;
        let added = added.iter().flatten().flatten();
        headers.extend(added.map(|(name, value)| (name.as_str(), value.as_bytes().into())));
        render_into(bytes, method, origin.authority(), target, &headers, content)?;
        Ok(())
    }
}

/// Puts a user's cookies into the `Cookie` field, beside what the request's own holds.
fn set_cookies(
    headers: &mut Headers<'_>,
    jar: &Jar,
    origin: &Origin,
    path: &str,
    now: jiff::Timestamp,
) {
    let is_own = |(name, _): &(&str, _)| name.eq_ignore_ascii_case("cookie");
    let own = headers.iter().position(is_own);
    let pairs = own.map(|place| &*headers[place].1);
    let field = jar.header(pairs, origin, path, now);
    match (own, field) {
        (Some(place), Some(field)) => headers[place].1 = field.into(),
        (None, Some(field)) => headers.push(("Cookie", field.into())),
        (_, None) => {}
    }
}

/// Whether a step looks at where a response redirects to.
fn reads_location(request: &scenario::Request) -> bool {
    let mut captures = request.capture.iter();
    let mut checks = request.expect.header.iter();
    checks.any(|check| check.header == "location")
        || captures.any(|capture| match &capture.from {
            Source::Header(name) => name == "location",
            Source::Json(_) => false,
        })
}

/// What a signature adds to the headers of a request; nothing while its keys are unset.
fn signed(
    signature: &AwsSigV4,
    origin: &Origin,
    (method, path): (&str, &str),
    headers: &[(&str, Cow<'_, [u8]>)],
    body: Option<&[u8]>,
    scope: &mut Scope<'_>,
) -> Result<Option<Vec<(String, String)>>, RenderError> {
    // A proxy reads what is meant for it, and takes it away.
    let own = headers.iter().filter(|(name, _)| *name != PROXY);
    // What is not text cannot be signed as it is; only a cookie of the target's own can be that.
    let own: Vec<_> = own
        .map(|(name, value)| (*name, String::from_utf8_lossy(value)))
        .collect();
    let own: Vec<(&str, &str)> = own.iter().map(|(name, value)| (*name, &**value)).collect();
    let request = Signed {
        method,
        scheme: origin.scheme().as_str(),
        authority: origin.authority(),
        target: path,
        headers: &own,
        body: body.unwrap_or_default(),
    };
    unless_unset(signature::headers(signature, &request, scope))
}

/// Nothing where a value is unset: authentication is left out then.
fn unless_unset<T>(rendered: Result<T, RenderError>) -> Result<Option<T>, RenderError> {
    match rendered {
        Ok(value) => Ok(Some(value)),
        Err(RenderError::Unset(_)) => Ok(None),
        Err(error @ RenderError::Failed(..)) => Err(error),
    }
}

const PROXY: &str = "Proxy-Authorization";

impl CompiledRequest {
    fn is_constant(&self) -> bool {
        let mut query = self.spec.query.iter();
        self.is_constant_but_for_its_target()
            && self.spec.path.is_constant()
            && query.all(|(_, template)| template.is_constant())
            && self.auth.iter().all(is_constant)
    }

    fn is_constant_but_for_its_target(&self) -> bool {
        let mut headers = self.spec.headers.iter();
        let mut auth = self.auth.iter().filter(|auth| auth.header().is_some());
        headers.all(|(_, template)| template.is_constant())
            && auth.all(is_constant)
            && self.spec.body.as_ref().is_none_or(|body| match body {
                Body::Json(json) => json.is_constant(),
                Body::Form(form) => form.iter().all(|(_, template)| template.is_constant()),
                Body::Raw(text) => text.is_constant(),
                Body::File(_) => true,
            })
    }

    /// The signature to be made, if one is.
    fn signature(&self) -> Option<&AwsSigV4> {
        self.auth.iter().find_map(|auth| match auth {
            Auth::AwsSigV4(signature) => Some(&**signature),
            Auth::Bearer(_) | Auth::Basic { .. } | Auth::ApiKey { .. } => None,
        })
    }

    /// Path and query under the target's own path.
    fn target(&self, scope: &mut Scope<'_>) -> Result<String, RenderError> {
        let mut target = String::with_capacity(USUAL_TARGET);
        target.push_str(&self.prefix);
        self.spec.path.render_into(scope, &mut target)?;
        let mut separator = if target.contains('?') { '&' } else { '?' };
        let mut push = |name: &str, value: &str| {
            target.push(separator);
            encode(name, &mut target);
            target.push('=');
            encode(value, &mut target);
            separator = '&';
        };
        for (name, value) in &self.spec.query {
            push(name, &value.render(scope)?);
        }
        for auth in &self.auth {
            if let Auth::ApiKey { place, value } = auth
                && let KeyPlace::Query(name) = place
                && let Some(value) = unless_unset(value.render(scope))?
            {
                push(name, &value);
            }
        }
        Ok(target)
    }

    fn headers<'a>(
        &'a self,
        origin: &'a Origin,
        scope: &mut Scope<'a>,
        body: Option<&Body>,
    ) -> Result<Headers<'a>, RenderError> {
        let mut headers = Vec::with_capacity(self.spec.headers.len() + 4);
        if let Some(value) = origin.proxy_authorization() {
            headers.push((PROXY, value.as_bytes().into()));
        }
        for (name, value) in &self.spec.headers {
            headers.push((name.as_str(), bytes(value.render(scope)?)));
        }
        let has = |headers: &[(&str, _)], wanted: &str| {
            headers
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case(wanted))
        };
        if !has(&headers, "user-agent") {
            headers.push(("User-Agent", USER_AGENT.as_bytes().into()));
        }
        if let Some(body) = body
            && !has(&headers, "content-type")
        {
            headers.push(("Content-Type", body.media_type().as_bytes().into()));
        }
        for auth in &self.auth {
            let header = unless_unset(auth_header(auth, scope))?.flatten();
            headers.extend(header.map(|(name, value)| (name, bytes(value))));
        }
        Ok(headers)
    }
}

/// The header by which a request authenticates, apart from signatures.
fn auth_header<'a>(
    auth: &'a Auth,
    scope: &mut Scope<'a>,
) -> Result<Option<(&'a str, Cow<'a, str>)>, RenderError> {
    Ok(match auth {
        Auth::Bearer(token) => {
            let token = token.render(scope)?;
            Some(("Authorization", format!("Bearer {token}").into()))
        }
        Auth::Basic { username, password } => {
            let username = username.render(scope)?;
            let both = BASE64.encode(format!("{username}:{}", password.render(scope)?));
            Some(("Authorization", format!("Basic {both}").into()))
        }
        Auth::ApiKey { place, value } => match place {
            KeyPlace::Header(name) => Some((name, value.render(scope)?)),
            KeyPlace::Query(_) => None,
        },
        Auth::AwsSigV4(_) => None,
    })
}

/// Whether it is the same for every user, at any time.
fn is_constant(auth: &Auth) -> bool {
    let is_signature = matches!(auth, Auth::AwsSigV4(_));
    !is_signature && auth.secrets().all(Template::is_constant)
}

/// The bytes of a body.
fn content<'a>(body: &'a Body, scope: &mut Scope<'_>) -> Result<Cow<'a, [u8]>, RenderError> {
    Ok(match body {
        Body::Json(json) => {
            if let Some(json) = json.constant_json() {
                return Ok(json.as_bytes().into());
            }
            let mut text = String::new();
            json.render_json(scope, &mut text)?;
            text.into_bytes().into()
        }
        Body::Form(form) => {
            let mut text = url::form_urlencoded::Serializer::new(String::new());
            for (name, value) in form {
                text.append_pair(name, &value.render(scope)?);
            }
            text.finish().into_bytes().into()
        }
        Body::Raw(text) => bytes(text.render(scope)?),
        Body::File(bytes) => (&**bytes).into(),
    })
}

fn bytes(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => text.as_bytes().into(),
        Cow::Owned(text) => text.into_bytes().into(),
    }
}

/// Percent-encodes a part of a query. A blank becomes `%20`, which every server reads, and not every one a `+`.
fn encode(text: &str, onto: &mut String) {
    for piece in url::form_urlencoded::byte_serialize(text.as_bytes()) {
        onto.push_str(if piece == "+" { "%20" } else { piece });
    }
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;

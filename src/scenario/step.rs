//! The model of a step: a request, a pause or a program.

use std::sync::Arc;
use std::time::Duration;

use serde_json_path::JsonPath;

use super::expectation::Expect;
use super::template::{Condition, Template, ValueTemplate};

/// One step of a task, with its request as it is written or as it is sent.
#[derive(Clone, Debug)]
pub struct Step<R = Request> {
    /// The condition of the step, if there is one.
    pub when: Option<Condition>,
    /// The action.
    pub action: Action<R>,
}

/// The action of a step.
#[derive(Clone, Debug)]
pub enum Action<R = Request> {
    /// Send a request.
    Request(Box<R>),
    /// Pause.
    Think(Pause),
    /// Run a program, for what a scenario cannot express.
    Command(Box<Command>),
}

impl<R> Step<R> {
    /// The request, if it sends one.
    pub fn request(&self) -> Option<&R> {
        match &self.action {
            Action::Request(request) => Some(request),
            Action::Think(_) | Action::Command(_) => None,
        }
    }

    /// Whether its condition is known to be false before the run.
    pub fn is_never_done(&self) -> bool {
        self.when.as_ref().and_then(Condition::constant) == Some(false)
    }

    /// Whether its condition is only known during the run.
    pub fn is_conditional(&self) -> bool {
        let mut conditions = self.when.iter();
        conditions.any(|when| when.constant().is_none())
    }
}

/// A pause drawn uniformly from a range; constant where both ends are equal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pause {
    /// Shortest pause.
    pub from: Duration,
    /// Longest pause.
    pub to: Duration,
}

/// A program that prints JSON. It does not count as a request.
#[derive(Clone, Debug)]
pub struct Command {
    /// The program and its arguments; they are not passed to a shell.
    pub arguments: Vec<Template>,
    /// Values taken from the JSON, at least one.
    pub capture: Vec<(String, JsonPath)>,
    /// The longest time that it may take.
    pub timeout: Duration,
}

/// A request as a template.
#[derive(Clone, Debug)]
pub struct Request {
    /// The name of its statistics: an index into [`Scenario::requests`].
    pub name: usize,
    /// The method.
    pub method: Method,
    /// Path below that of the target, with a slash at its start.
    pub path: Template,
    /// Query parameters in their order, to be percent-encoded.
    pub query: Vec<(String, Template)>,
    /// Headers: those of the class, with those of the step over them.
    pub headers: Vec<(String, Template)>,
    /// The body.
    pub body: Option<Body>,
    /// What the response must be.
    pub expect: Expect,
    /// Values taken from the response.
    pub capture: Vec<Capture>,
    /// Longest time from sending to the end of the response.
    pub timeout: Duration,
    /// How many redirects within the origin are followed.
    pub redirects: u32,
}

/// HTTP methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
    /// PUT
    Put,
    /// PATCH
    Patch,
    /// DELETE
    Delete,
    /// HEAD
    Head,
    /// OPTIONS
    Options,
}

impl Method {
    /// All methods.
    pub const ALL: [Self; 7] = [
        Self::Get,
        Self::Post,
        Self::Put,
        Self::Patch,
        Self::Delete,
        Self::Head,
        Self::Options,
    ];

    /// The method as it is sent.
    pub fn as_str(self) -> &'static str {
        self.names().0
    }

    /// The key of a step that sends a request with this method.
    pub(super) fn key(self) -> &'static str {
        self.names().1
    }

    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Get => ("GET", "get"),
            Self::Post => ("POST", "post"),
            Self::Put => ("PUT", "put"),
            Self::Patch => ("PATCH", "patch"),
            Self::Delete => ("DELETE", "delete"),
            Self::Head => ("HEAD", "head"),
            Self::Options => ("OPTIONS", "options"),
        }
    }

    /// Whether the method is idempotent (RFC 9110, section 9.2.2).
    pub fn is_idempotent(self) -> bool {
        !matches!(self, Self::Post | Self::Patch)
    }
}

/// A request body.
#[derive(Clone, Debug)]
pub enum Body {
    /// JSON.
    Json(ValueTemplate),
    /// A form, as a page of HTML sends it.
    Form(Vec<(String, Template)>),
    /// Text as it is.
    Raw(Template),
    /// The bytes of a file.
    File(Arc<[u8]>),
}

impl Body {
    /// The default of the Content-Type header.
    pub fn media_type(&self) -> &'static str {
        match self {
            Self::Json(_) => "application/json",
            Self::Form(_) => "application/x-www-form-urlencoded",
            Self::Raw(_) => "text/plain; charset=utf-8",
            Self::File(_) => "application/octet-stream",
        }
    }
}

/// A value taken from a response.
#[derive(Clone, Debug)]
pub struct Capture {
    /// The name under which the user keeps it.
    pub variable: String,
    /// Where it is in the response.
    pub from: Source,
}

/// Where a captured value is in a response.
#[derive(Clone, Debug)]
pub enum Source {
    /// An RFC 9535 `JSONPath` into the body; the first node found.
    Json(JsonPath),
    /// A header, lower case.
    Header(String),
}

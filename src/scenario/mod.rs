//! What do we send? The scenario file, parsed and checked.
//!
//! This room is pure: text in, a `Scenario` out. It must not know how load is sent, what is promised, or where files
//! lie; `plan` reads them.

mod error;
mod expected;
mod identity;
mod model;
mod parse;
mod phases;
mod steps;
mod template;
#[cfg(test)]
mod tests;
mod users;
mod variables;

pub use error::Error;
pub use model::{
    Auth, Body, Capture, ColdStart, Expect, HttpVersion, Method, Pause, Phase, Request, Scenario,
    Shape, Source, Spacing, Step, Task, UserClass,
};
pub use parse::parse;
pub use template::{RenderError, Scope, Template, ValueTemplate};

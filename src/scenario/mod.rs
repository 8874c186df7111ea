//! What do we send? The scenario file, parsed and checked.
//!
//! This module is pure: text in, a `Scenario` out. It must not know how load is sent, what is promised, or where files
//! are; `plan` reads them. `source` lists the keys; the other files compile them into the model.

mod auth;
mod aws;
mod bodies;
mod captures;
mod checks;
mod collections;
mod commands;
mod credentials;
mod data;
mod environments;
mod error;
mod expectation;
mod expected;
mod fields;
mod header_names;
mod headers;
mod hex;
mod identity;
mod include;
mod inputs;
mod misplaced;
mod model;
mod number;
mod parse;
mod phases;
mod rules;
mod sensitive;
mod services;
mod source;
mod step;
mod steps;
mod template;
#[cfg(test)]
mod tests;
mod users;
mod variables;

pub use auth::{Auth, AwsSigV4, KeyPlace};
pub use aws::{Aws, Front, LambdaFunction, OnLimits};
pub use data::{Format, Table};
pub use error::Error;
pub use expectation::{Expect, HeaderCheck, JsonCheck, Wanted};
pub use inputs::{Commands, Files, Inputs, Open, Opened};
pub use model::{
    ColdStart, Data, HttpVersion, Phase, RowOrder, Scenario, Shape, Spacing, Task, UserClass,
};
pub use parse::{parse, schema};
pub use step::{Action, Body, Capture, Command, Method, Pause, Request, Source, Step};
pub use template::{
    Condition, RenderError, Scope, SecretLog, Template, ValueTemplate, catches_panics, secret_texts,
};

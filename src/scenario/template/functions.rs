//! The functions that expressions may call, and their source of random numbers and of time.
//!
//! All threads share the functions of minijinja, so they have no state. A function finds the random generator among the
//! values of its render, under a name that no expression can use.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use minijinja::value::{Kwargs, Object, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, UndefinedBehavior, Value};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::budget::FUEL;
use super::products::{PRODUCT, product};

/// Functions whose result differs from render to render.
pub(super) const FUNCTIONS: [&str; 4] = ["uuid", "random_int", "pick", "now"];

/// The name of a render's [`Draws`] among its values.
pub(super) const DRAWS: &str = "\0draws";

/// The widest indentation of JSON.
const MOST_SPACES: usize = 16;

/// The environment of all expressions.
pub(super) static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    // The built-in globals are not part of the format, and `debug` would print secrets.
    for name in ["debug", "dict", "namespace", "range"] {
        environment.remove_global(name);
    }
    environment.add_filter("sum", sum);
    environment.add_filter("tojson", to_json);
    environment.add_filter(PRODUCT, product);
    environment.add_function("uuid", uuid);
    environment.add_function("random_int", random_int);
    environment.add_function("pick", pick);
    environment.add_function("now", now);
    environment
});

/// The random generator and the time of one render.
#[derive(Debug)]
pub(super) struct Draws {
    rng: Mutex<ChaCha8Rng>,
    now: jiff::Timestamp,
}

impl Object for Draws {}

impl Draws {
    pub(super) fn new(rng: ChaCha8Rng, now: jiff::Timestamp) -> Arc<Self> {
        Arc::new(Self {
            rng: Mutex::new(rng),
            now,
        })
    }

    /// The generator as the render left it.
    pub(super) fn generator(&self) -> ChaCha8Rng {
        self.rng
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn draw<T>(&self, draw: impl FnOnce(&mut ChaCha8Rng) -> T) -> T {
        draw(&mut self.rng.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Hands the render's draws to a function.
fn with_draws<T>(state: &State, use_draws: impl FnOnce(&Draws) -> T) -> Result<T, Error> {
    let value = state.lookup(DRAWS).unwrap_or_default();
    value
        .downcast_object_ref::<Draws>()
        .map(use_draws)
        .ok_or_else(|| refusal("nothing to draw from".to_owned()))
}

/// A random UUID (RFC 9562, version 4).
fn uuid(state: &State) -> Result<String, Error> {
    let (high, low): (u64, u64) = with_draws(state, |draws| draws.draw(RngExt::random))?;
    let variant = low >> 48 & 0x3fff | 0x8000;
    Ok(format!(
        "{:08x}-{:04x}-4{:03x}-{variant:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low & 0xffff_ffff_ffff,
    ))
}

/// A whole number between both bounds, which are among the possible results.
fn random_int(state: &State, lowest: i64, highest: i64) -> Result<i64, Error> {
    if lowest > highest {
        return Err(refusal(format!(
            "random_int({lowest}, {highest}) is empty; write the smaller number first"
        )));
    }
    with_draws(state, |draws| {
        draws.draw(|rng| rng.random_range(lowest..=highest))
    })
}

/// One element of a list.
#[expect(
    clippy::needless_pass_by_value,
    reason = "minijinja hands values over by value"
)]
fn pick(state: &State, list: Value) -> Result<Value, Error> {
    if list.kind() != ValueKind::Seq {
        let kind = list.kind();
        return Err(refusal(format!(
            "pick() needs a list, and this is a {kind}"
        )));
    }
    let length = list.len().unwrap_or(0);
    if length == 0 {
        return Err(refusal(
            "pick() needs a list with at least one value".into(),
        ));
    }
    let index = with_draws(state, |draws| draws.draw(|rng| draw(rng, length)))?;
    list.get_item_by_index(index)
}

/// The index of one of so many, of which there is at least one.
pub(super) fn draw(rng: &mut ChaCha8Rng, length: usize) -> usize {
    rng.random_range(0..length)
}

/// The time of the render, RFC 3339 in UTC to the millisecond.
fn now(state: &State) -> Result<String, Error> {
    with_draws(state, |draws| format!("{:.3}", draws.now))
}

/// A value as JSON. The filter of minijinja accepts any indentation, which its fuel does not count.
fn to_json(value: &Value, indent: Option<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    let given = match &indent {
        Some(indent) => Some(indent.clone()),
        None => kwargs.get("indent")?,
    };
    let spaces = given.and_then(|indent: Value| indent.as_usize());
    if spaces.is_some_and(|spaces| spaces > MOST_SPACES) {
        return Err(refusal(format!(
            "tojson indents by at most {MOST_SPACES} spaces"
        )));
    }
    minijinja::filters::tojson(value, indent, kwargs)
}

/// The sum of numbers. The filter of minijinja also joins texts and lists, which its fuel does not count.
fn sum(
    state: &State,
    values: Value,
    attribute: Option<&str>,
    start: Option<Value>,
    kwargs: Kwargs,
) -> Result<Value, Error> {
    let first = match &start {
        Some(start) => Some(start.clone()),
        None => kwargs.get("start")?,
    };
    if first.is_some_and(|first: Value| !first.is_number()) {
        return Err(refusal("sum adds numbers; join texts with join".into()));
    }
    minijinja::filters::sum(state, values, attribute, start, kwargs)
}

pub(super) fn refusal(message: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

//! What the functions do: a reply from a request, with no clock and no state.

mod account;
mod catalog;
mod orders;
mod payload;
mod reports;

use super::functions::Function;
use super::replies::Reply;
use super::tokens::Tokens;
use hyper::StatusCode;
use std::borrow::Cow;
use std::time::Duration;

/// The most that a list gives at once.
const LONGEST_LIST: u32 = 100;

/// One invocation's input.
pub(super) struct Call<'a> {
    pub(super) function: Function,
    /// The `{id}` of the path, empty where the route has none.
    pub(super) id: &'a str,
    pub(super) query: &'a str,
    pub(super) body: &'a [u8],
    /// Whose token the authorizer accepted, empty where there was none.
    pub(super) holder: &'a str,
    /// The time since 1970.
    pub(super) unix: Duration,
}

/// Runs a function that had so many invocations before.
pub(super) fn run(call: &Call, index: u64, tokens: &Tokens) -> Reply {
    let outcome = match call.function {
        Function::ListItems => catalog::list_items(call),
        Function::GetItem => catalog::get_item(call),
        Function::LogIn => account::log_in(call, index, tokens),
        Function::GetProfile => Ok(account::get_profile(call)),
        Function::ListOrders => orders::list_orders(call),
        Function::AddToCart => orders::add_to_cart(call, index),
        Function::CheckOut => orders::check_out(call, index),
        Function::GeneratePreview => reports::generate_preview(call),
    };
    // Whether the function is content or not, its caller gets a reply.
    outcome.unwrap_or_else(|refusal| refusal)
}

fn limit(query: &str, default: u32) -> Result<u32, Reply> {
    let Some(text) = parameter(query, "limit") else {
        return Ok(default);
    };
    match text.parse() {
        Ok(limit @ 1..=LONGEST_LIST) => Ok(limit),
        Ok(_) | Err(_) => Err(malformed("`limit` must be a number from 1 to 100")),
    }
}

fn parameter<'a>(query: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find(|(key, _)| key == name).map(|(_, value)| value)
}

fn malformed(message: &str) -> Reply {
    Reply::message(StatusCode::BAD_REQUEST, message)
}

/// The price of the thing with this number: always the same.
fn price(number: u32) -> f64 {
    f64::from(number % 9_000 + 499) / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    pub(super) const NOW: Duration = Duration::from_hours(500_000);

    pub(super) fn tokens() -> Tokens {
        Tokens::new(1, "here", &[])
    }

    pub(super) fn call(function: Function) -> Call<'static> {
        Call {
            function,
            id: "",
            query: "",
            body: b"",
            holder: "ann",
            unix: NOW,
        }
    }

    pub(super) fn answer(call: &Call) -> (u16, Value) {
        let reply = run(call, 0, &tokens());
        (
            reply.status.as_u16(),
            serde_json::from_slice(&reply.body).unwrap(),
        )
    }

    pub(super) fn post(function: Function, body: &Value) -> (u16, Value) {
        answer(&Call {
            body: body.to_string().as_bytes(),
            ..call(function)
        })
    }

    /// A good body is refused when this one field of it is wrong.
    pub(super) fn assert_refused(function: Function, mut body: Value, field: &str, wrong: Value) {
        *body.pointer_mut(field).unwrap() = wrong;
        assert_eq!(post(function, &body).0, 400, "{function:?} {field}");
    }
}

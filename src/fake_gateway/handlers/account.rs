//! The account: logging in, and who one is then.

use super::super::tokens::{LIFETIME, Tokens};
use super::payload::Payload;
use super::{Call, Reply};
use hyper::StatusCode;
use serde_json::json;

pub(super) fn log_in(call: &Call, index: u64, tokens: &Tokens) -> Result<Reply, Reply> {
    let login = Payload::parse(call.body)?;
    let (user, device) = (login.filled("/username")?, login.filled("/deviceId")?);
    // A login without password is refused, not malformed.
    if login.optional("/password")?.is_none() {
        let message = "Incorrect username or password.";
        return Err(Reply::message(StatusCode::UNAUTHORIZED, message));
    }
    Ok(Reply::ok(&json!({
        "accessToken": tokens.issue(user, index, call.unix),
        "tokenType": "Bearer",
        "expiresIn": LIFETIME.as_secs(),
        "deviceId": device,
    })))
}

pub(super) fn get_profile(call: &Call) -> Reply {
    Reply::ok(&json!({
        "username": call.holder,
        "displayName": "Taylor Smith",
        "locale": "en-US",
        "memberSince": "2024-05-17",
        "preferences": { "newsletter": false, "currency": "USD" },
    }))
}

#[cfg(test)]
mod tests {
    use super::super::{Function, tests};
    use super::*;
    use serde_json::Value;
    use tests::{NOW, answer, call, post, tokens};

    fn login() -> Value {
        json!({ "username": "ann", "password": "secret", "deviceId": "lt-browser-session-01" })
    }

    #[test]
    fn a_login_gives_a_token_of_the_user() {
        let (status, body) = post(Function::LogIn, &login());
        let holder = tokens().holder(body["accessToken"].as_str().unwrap(), NOW);
        assert_eq!((status, holder.as_deref()), (200, Some("ann")));
        assert_eq!(
            (&body["tokenType"], &body["expiresIn"]),
            (&json!("Bearer"), &json!(3600))
        );
    }

    #[test]
    fn a_login_without_password_is_refused() {
        for password in [json!(""), Value::Null] {
            let mut body = login();
            body["password"] = password;
            assert_eq!(post(Function::LogIn, &body).0, 401);
        }
        let missing = json!({ "username": "ann", "deviceId": "lt-browser-session-01" });
        assert_eq!(post(Function::LogIn, &missing).0, 401);
    }

    #[test]
    fn a_malformed_login_is_told_apart_from_a_refused_one() {
        for (field, wrong) in [
            ("username", json!("")),
            ("deviceId", json!(7)),
            ("password", json!(1)),
        ] {
            let mut body = login();
            body[field] = wrong;
            assert_eq!(post(Function::LogIn, &body).0, 400, "{field}");
        }
        for body in [
            &b""[..],
            b"{",
            b"[]",
            b"\xff\xfe",
            "[".repeat(100_000).as_bytes(),
        ] {
            assert_eq!(
                answer(&Call {
                    body,
                    ..call(Function::LogIn)
                })
                .0,
                400
            );
        }
    }

    #[test]
    fn a_profile_is_the_bearer_s() {
        assert_eq!(answer(&call(Function::GetProfile)).1["username"], "ann");
    }
}

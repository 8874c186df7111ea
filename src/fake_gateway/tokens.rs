//! Access tokens: issued at login, checked by the authorizer, nothing kept in between.
//!
//! A token has the shape of a JWT. It is good for a while on the server that issued it: its key comes from the seed and
//! the address, so that a client that mixes up two stand-ins is caught even where they share a seed. This is a stand-in's
//! security: the key is as guessable as the seed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::time::Duration;

/// How long a token is good for.
pub(super) const LIFETIME: Duration = Duration::from_hours(1);

/// Who the bearer of a token is that was given from outside.
const GIVEN_HOLDER: &str = "load-test";

/// Issues and checks the tokens of one server.
#[derive(Debug)]
pub(super) struct Tokens {
    key: String,
    header: String,
    given: HashSet<String>,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    jti: u64,
    iat: u64,
    exp: u64,
}

impl Tokens {
    pub(super) fn new(seed: u64, address: &str, given: &[String]) -> Self {
        Self {
            key: format!("{seed} {address} "),
            header: URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#),
            given: given.iter().cloned().collect(),
        }
    }

    /// A token for a user; the serial number makes it one of its kind.
    pub(super) fn issue(&self, holder: &str, serial: u64, unix: Duration) -> String {
        let claims = Claims {
            sub: holder.to_owned(),
            jti: serial,
            iat: unix.as_secs(),
            exp: (unix + LIFETIME).as_secs(),
        };
        // Strings and integers cannot fail to serialize; an empty token would admit nobody.
        let claims = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&claims).unwrap_or_default());
        let signed = format!("{}.{claims}", self.header);
        let signature = self.signature(&signed);
        format!("{signed}.{signature}")
    }

    /// Whose token this is, if it is good at this time.
    pub(super) fn holder(&self, token: &str, unix: Duration) -> Option<String> {
        if self.given.contains(token) {
            return Some(GIVEN_HOLDER.to_owned());
        }
        let (signed, signature) = token.rsplit_once('.')?;
        if signature != self.signature(signed) {
            return None;
        }
        let (_, claims) = signed.split_once('.')?;
        let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
        (unix.as_secs() < claims.exp).then_some(claims.sub)
    }

    fn signature(&self, signed: &str) -> String {
        let digest = Sha256::new()
            .chain_update(&self.key)
            .chain_update(signed)
            .finalize();
        URL_SAFE_NO_PAD.encode(digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_hours(500_000);

    fn tokens() -> Tokens {
        Tokens::new(1, "127.0.0.1:4000", &["from.out.side".to_owned()])
    }

    #[test]
    fn an_issued_token_names_its_holder() {
        let token = tokens().issue("ann@example.com", 7, NOW);
        assert_eq!(
            tokens().holder(&token, NOW).as_deref(),
            Some("ann@example.com")
        );
    }

    #[test]
    fn every_token_is_another() {
        assert_ne!(tokens().issue("ann", 1, NOW), tokens().issue("ann", 2, NOW));
    }

    #[test]
    fn a_token_from_outside_is_accepted_as_given() {
        assert!(tokens().holder("from.out.side", NOW).is_some());
    }

    #[test]
    fn what_was_not_issued_here_is_refused() {
        let token = tokens().issue("ann", 1, NOW);
        let elsewhere = Tokens::new(1, "127.0.0.1:4001", &[]).issue("ann", 1, NOW);
        let (rest, _) = token.rsplit_once('.').unwrap();
        for bad in [
            "",
            ".",
            "..",
            "a.b.c",
            "é.ü.ß",
            rest,
            &format!("{token}x"),
            &format!("x{token}"),
            &elsewhere,
        ] {
            assert_eq!(tokens().holder(bad, NOW), None, "{bad}");
        }
    }

    #[test]
    fn a_token_ends() {
        let token = tokens().issue("ann", 1, NOW);
        let last_second = LIFETIME.saturating_sub(Duration::from_secs(1));
        assert!(tokens().holder(&token, NOW + last_second).is_some());
        assert!(tokens().holder(&token, NOW + LIFETIME).is_none());
    }
}

//! What is secret by its name, and how a secret is kept out of text.
//!
//! One list for all who tell of a run. It must not know where the values come from.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// What stands for what may be a secret.
pub const HIDDEN: &str = "***";

/// The shortest value, in characters, that is hidden wherever it stands. Within other words the gap that a shorter one
/// leaves tells what it hides, and nobody can read the rest.
const SHORTEST: usize = 4;

/// Parts of names that say that a value is secret, without case, dashes and underscores.
const PARTS: [&str; 22] = [
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "apikey",
    "accesskey",
    "privatekey",
    "credential",
    "authorization",
    "xauth",
    "cookie",
    "jwt",
    "signature",
    "csrf",
    "xsrf",
    "hmac",
    "assertion",
    "nonce",
    "otpcode",
    "bearer",
];

/// Words that say so where they are a name's only word or one of several, as in `adminPin` and `session_id`, and that stand
/// within others by chance, as in `author` and `shipping`.
const WORDS: [&str; 24] = [
    "pass", "pwd", "pw", "pin", "otp", "totp", "key", "keys", "cred", "creds", "auth", "oauth",
    "session", "sess", "sid", "ssid", "sig", "sas", "refresh", "mac", "salt", "sso", "saml", "psk",
];

/// Whether a name says that its value is secret.
pub fn names_secret(name: &str) -> bool {
    let plain = plain(name);
    PARTS.iter().any(|part| plain.contains(part))
        || words(name).any(|word| WORDS.contains(&word.as_str()))
}

/// Whether a name may say that its value is secret, be it by a part of a word: for where hiding too much costs little.
pub fn may_name_secret(name: &str) -> bool {
    let plain = plain(name);
    PARTS.iter().chain(&WORDS).any(|part| plain.contains(part))
}

/// A name without case, dashes and underscores.
fn plain(name: &str) -> String {
    let plain: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
    plain.to_lowercase()
}

/// The words of a name, in lower case: `apiKey`, `API_KEY` and `api-key` have two.
fn words(name: &str) -> impl Iterator<Item = String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        let begins = !c.is_alphanumeric() || (c.is_uppercase() && before.is_lowercase());
        if begins {
            words.push(String::new());
        }
        if let (true, Some(word)) = (c.is_alphabetic(), words.last_mut()) {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    words.into_iter().filter(|word| !word.is_empty())
}

/// The text with each of these values hidden: wherever they stand, in every form that loadgate gives them (as they are, in a
/// path, a query, a form, JSON or Base64), and those of fewer than [`SHORTEST`] characters where they stand by themselves.
pub fn redact<'s>(text: &str, secrets: impl IntoIterator<Item = &'s String>) -> String {
    let mut spans = Vec::new();
    for secret in secrets {
        // A header's value loses its surrounding blanks.
        let secret = secret.trim();
        if secret.is_empty() {
            continue;
        }
        find(text, secret, &mut spans);
        for hidden in in_base64(secret) {
            spans.extend(
                text.match_indices(&hidden)
                    .map(|(at, found)| at..at + found.len()),
            );
        }
    }
    hidden(text, spans)
}

/// The text with these parts hidden. Those that overlap are one.
fn hidden(text: &str, mut spans: Vec<Range<usize>>) -> String {
    spans.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
    let mut clean = String::with_capacity(text.len());
    let mut from = 0;
    for span in spans {
        if span.start >= from {
            clean.push_str(&text[from..span.start]);
            clean.push_str(HIDDEN);
        }
        from = from.max(span.end);
    }
    clean + &text[from..]
}

/// Finds a value, each character of it in whatever form.
fn find(text: &str, secret: &str, spans: &mut Vec<Range<usize>>) {
    let is_short = secret.chars().count() < SHORTEST;
    let mut at = 0;
    while at < text.len() {
        let Some(end) = matched(&text[at..], secret).map(|length| at + length) else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
            continue;
        };
        let joins = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let is_within = joins(text[..at].chars().next_back()) || joins(text[end..].chars().next());
        if !(is_short && is_within) {
            spans.push(at..end);
        }
        at = end;
    }
}

/// Bytes of the text that stand for the whole value, if it begins with it. A backslash may be one as it is, or begin an
/// escape, so that there may be several ways to read on.
fn matched(text: &str, secret: &str) -> Option<usize> {
    let mut ends = vec![0];
    for c in secret.chars() {
        let forms = ends.iter().flat_map(|end| {
            let rest = &text[*end..];
            let plain = rest.starts_with(c).then_some(c.len_utf8());
            let lengths = plain.into_iter().chain(encoded(rest, c));
            lengths.map(move |length| end + length)
        });
        let mut next: Vec<usize> = forms.collect();
        next.sort_unstable();
        next.dedup();
        ends = next;
        if ends.is_empty() {
            return None;
        }
    }
    ends.last().copied()
}

/// Bytes of the text that stand for a character, if it begins with an encoded form of it.
fn encoded(text: &str, c: char) -> Option<usize> {
    match text.as_bytes().first()? {
        b'+' => (c == ' ').then_some(1),
        b'%' => {
            let mut buffer = [0; 4];
            let bytes = c.encode_utf8(&mut buffer).bytes();
            let encoded: Vec<String> = bytes.map(|byte| format!("%{byte:02X}")).collect();
            let encoded = encoded.concat();
            let start = text.get(..encoded.len())?;
            start
                .eq_ignore_ascii_case(&encoded)
                .then_some(encoded.len())
        }
        b'\\' => {
            // JSON within JSON escapes what escapes.
            let depth = text.bytes().take_while(|byte| *byte == b'\\').count();
            let behind = &text[depth..];
            let short = match c {
                '\\' => return Some(depth),
                '\n' => 'n',
                '\r' => 'r',
                '\t' => 't',
                '\u{8}' => 'b',
                '\u{c}' => 'f',
                '"' | '/' | '\'' => c,
                _ => '\0',
            };
            if behind.starts_with(short) {
                return Some(depth + 1);
            }
            let mut units = [0; 2];
            let units = c.encode_utf16(&mut units).iter();
            let units: Vec<String> = units.map(|unit| format!("u{unit:04x}")).collect();
            let long = units.join(&text[..depth]);
            let start = behind.get(..long.len())?;
            start
                .eq_ignore_ascii_case(&long)
                .then_some(depth + long.len())
        }
        b'&' => {
            let named = match c {
                '&' => "&amp;",
                '<' => "&lt;",
                '>' => "&gt;",
                '"' => "&quot;",
                '\'' => "&#39;",
                _ => return None,
            };
            text.starts_with(named).then_some(named.len())
        }
        _ => shown(text, c),
    }
}

/// Bytes of the sign that stands for a control character in what is printed, as `report` writes it.
fn shown(text: &str, c: char) -> Option<usize> {
    let sign = char::from_u32(0x2400 + u32::from(c)).filter(|_| c.is_ascii_control())?;
    text.starts_with(sign).then(|| sign.len_utf8())
}

/// What every Base64 text holds that encodes the value, wherever in it the value stands: its middle, without the letters that
/// depend on its neighbours. Nothing of a short one.
fn in_base64(secret: &str) -> Vec<String> {
    const LEAST: usize = 6;
    if secret.len() < LEAST {
        return Vec::new();
    }
    let mut all = Vec::new();
    for before in 0..3 {
        let padded = [&b"\0\0"[..before], secret.as_bytes()].concat();
        let whole = &padded[..padded.len() / 3 * 3];
        let skipped = if before == 0 { 0 } else { 4 };
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            let encoded = engine.encode(whole);
            all.push(encoded[skipped.min(encoded.len())..].to_owned());
        }
    }
    all.retain(|own| own.len() >= LEAST - 2);
    all
}

/// The text with the user names and passwords of addresses hidden.
pub fn without_user_info(text: &str) -> String {
    let mut spans = Vec::new();
    for (at, mark) in text.match_indices("://") {
        let start = at + mark.len();
        let ends = |c: char| c.is_whitespace() || "'\"`<>\\|".contains(c);
        let rest = text[start..].split(ends).next().unwrap_or_default();
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        // A password that is not encoded may hold what ends an authority. A port is a number.
        let is_port = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let has_password = authority
            .split_once(':')
            .is_some_and(|(_, port)| !is_port(port));
        let place = match authority.rfind('@') {
            Some(place) => Some(place),
            None if has_password && !authority.starts_with('[') => rest.rfind('@'),
            None => None,
        };
        spans.extend(place.map(|place| start..start + place));
    }
    hidden(text, spans)
}

/// The text without what it says itself is a credential: values behind a name of secrets, tokens behind `Bearer`, and the
/// user and password of an address. For text that others wrote, such as a log.
pub fn without_credentials(text: &str) -> String {
    without_bearers(&without_named(&without_user_info(text)))
}

/// What may stand around a value.
const QUOTES: [char; 3] = ['"', '\'', '\\'];

/// Without the values behind names of secrets: `password=…`, `"apiKey": "…"`, `Authorization: Basic …`.
fn without_named(text: &str) -> String {
    let is_of_name = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['=', ':']) {
        let (before, behind) = rest.split_at(at);
        let name = before.trim_end_matches(QUOTES).trim_end();
        let name = name.rsplit(|c| !is_of_name(c)).next().unwrap_or_default();
        let value = behind[1..].trim_start_matches([' ', '"', '\'', '\\']);
        let (mark, value) = behind.split_at(behind.len() - value.len());
        let hidden = if names_secret(name) && !(mark == ": " && is_prose(value)) {
            credential(value)
        } else {
            0
        };
        clean.push_str(before);
        clean.push_str(mark);
        if hidden > 0 {
            clean.push_str(HIDDEN);
        }
        rest = &value[hidden..];
    }
    clean + rest
}

/// Words that go on with a sentence, as in "requires credentials: it responded 407", and are nobody's secret.
const GOES_ON: [&str; 16] = [
    "it", "its", "the", "a", "an", "is", "are", "was", "no", "not", "this", "that", "they",
    "there", "give", "write",
];

/// Whether a sentence goes on here, and no value begins.
fn is_prose(text: &str) -> bool {
    text.split_once(' ')
        .is_some_and(|(word, _)| GOES_ON.contains(&word))
}

/// The length of a value, with the scheme before it if it names one.
fn credential(value: &str) -> usize {
    let length = |text: &str| {
        let ends = |c: char| c.is_whitespace() || QUOTES.contains(&c) || "&,;|}".contains(c);
        text.find(ends).unwrap_or(text.len())
    };
    let scheme = length(value);
    let is_scheme = ["bearer", "basic", "token", "digest"]
        .iter()
        .any(|own| value[..scheme].eq_ignore_ascii_case(own));
    match value[scheme..].strip_prefix(' ') {
        Some(behind) if is_scheme => scheme + 1 + length(behind),
        Some(_) | None => scheme,
    }
}

/// Without the tokens behind `Bearer`, wherever they stand.
fn without_bearers(text: &str) -> String {
    const BEARER: &str = "bearer ";
    let lower = text.to_ascii_lowercase();
    let mut clean = String::with_capacity(text.len());
    let mut from = 0;
    for (at, found) in lower.match_indices(BEARER) {
        let end = at + found.len();
        if at < from {
            continue;
        }
        clean.push_str(&text[from..end]);
        let length = credential(&text[end..]);
        if length > 0 {
            clean.push_str(HIDDEN);
        }
        from = end + length;
    }
    clean + &text[from..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_text_calls_a_credential_is_hidden() {
        for (text, hidden) in [
            ("", ""),
            ("listening on :8080, user=me", "listening on :8080, user=me"),
            ("password=hunter2 user=me", "password=*** user=me"),
            ("PASSWORD: hunter2", "PASSWORD: ***"),
            (
                r#"{"accessToken": "abc.def", "n": 1}"#,
                r#"{"accessToken": "***", "n": 1}"#,
            ),
            (r#"{\"apiKey\":\"abc\"}"#, r#"{\"apiKey\":\"***\"}"#),
            ("?token=a%20b&x=1", "?token=***&x=1"),
            (
                "Authorization: Basic dTpw | next",
                "Authorization: *** | next",
            ),
            ("Authorization: Bearer a.b.c", "Authorization: ***"),
            ("got bearer a.b.c and 2", "got bearer *** and 2"),
            (
                "postgres://me:secret@db/x and http://db:1/@",
                "postgres://***@db/x and http://db:1/@",
            ),
            ("token=", "token="),
            (
                "requires credentials: it responded 407",
                "requires credentials: it responded 407",
            ),
            ("password: it", "password: ***"),
            ("password=it is", "password=*** is"),
            ("é: ü, session: ö", "é: ü, session: ***"),
        ] {
            assert_eq!(without_credentials(text), hidden);
        }
    }

    #[test]
    fn a_name_says_that_its_value_is_secret_by_its_words() {
        for name in [
            "accessToken",
            "client_secret",
            "PASSWORD",
            "X-Api-Key",
            "apiKey",
            "APIKEY",
            "PIN",
            "adminPin",
            "pin2",
            "Authorization",
            "x-auth",
            "AUTH_USER",
            "session",
            "X-Session-Id",
            "set-cookie",
            "db_pwd",
            "key",
            "sig",
            "sid",
            "connect.sid",
            "X-CSRF-Token",
            "csrfmiddlewaretoken",
            "db_pw",
            "hmac",
            "sas",
            "refresh",
            "client_assertion",
            "nonce",
            "SAMLResponse_saml",
        ] {
            assert!(names_secret(name), "{name}");
        }
        for name in [
            "",
            "author",
            "shipping",
            "monkey",
            "compass",
            "keyboard",
            "burst_users",
            "sessions",
            "share",
            "Host",
            "design",
            "side",
            "basalt",
            "pwned",
            "machine",
        ] {
            assert!(!names_secret(name), "{name}");
        }
    }

    #[test]
    fn a_secret_within_another_leaves_nothing_of_it() {
        let secrets = ["", "abcd", "abcdefg", "c"].map(str::to_owned);
        let told = redact("sent abcdefg, then abcd and c", &secrets);
        assert_eq!(told, "sent ***, then *** and ***");
    }

    #[test]
    fn a_short_secret_is_hidden_where_it_stands_by_itself_and_tells_no_word_apart() {
        let hidden = |text: &str, secret: &str| redact(text, [&secret.to_owned()]);
        for (text, secret, told) in [
            (
                "a banana, a/b?x=a&y=aa \"a\"",
                "a",
                "*** banana, ***/b?x=***&y=aa \"***\"",
            ),
            ("limit=20 in 200 of 20", "20", "limit=*** in 200 of ***"),
            ("aaa aa", "aa", "aaa ***"),
            ("né é", "é", "né ***"),
            ("pre1234post", "1234", "pre***post"),
        ] {
            assert_eq!(hidden(text, secret), told, "{secret}");
        }
    }

    #[test]
    fn a_secret_is_hidden_in_every_form_that_it_is_sent_in() {
        let secret = "tok+en/w ith\"s\\pé99".to_owned();
        for text in [
            "a tok+en/w ith\"s\\pé99 b",
            "a tok+en/w%20ith%22s%5Cp%C3%A999 b",
            "a tok%2Ben%2Fw%20ith%22s%5cp%c3%a999 b",
            "a tok%2Ben%2Fw+ith%22s%5Cp%C3%A999 b",
            "a tok+en\\/w ith\\\"s\\\\p\\u00E999 b",
            "a tok+en/w ith&quot;s\\pé99 b",
            "a tok+en/w ith\\\\\\\"s\\\\\\\\p\\\\u00e999 b",
        ] {
            assert_eq!(redact(text, [&secret]), "a *** b");
        }
        let secret = " pass:word1\n ".to_owned();
        for (text, safe) in [
            ("X: pass:word1", "X: ***"),
            ("pass%3Aword1", "***"),
            ("pass:word", "pass:word"),
        ] {
            assert_eq!(redact(text, [&secret]), safe);
        }
        let lines = "one\ntwo\tthree".to_owned();
        assert_eq!(redact("one␊two␉three", [&lines]), "***");
    }

    #[test]
    fn a_secret_in_base64_is_hidden_whatever_stands_around_it() {
        let secret = "hunter2-hunter2".to_owned();
        for before in ["", "a", "ab", "user:", "ann:"] {
            for after in ["", "z", "zz"] {
                let encoded = STANDARD_NO_PAD.encode(format!("{before}{secret}{after}"));
                let shown = redact(&format!("Basic {encoded}"), [&secret]);
                assert!(shown.contains(HIDDEN), "{before}{after}: {shown}");
                assert!(shown.len() < encoded.len(), "{shown}");
            }
        }
    }

    #[test]
    fn addresses_lose_their_credentials_and_nothing_else() {
        for (text, safe) in [
            (
                "see https://user:pass@h:8/p?a=b",
                "see https://***@h:8/p?a=b",
            ),
            ("'http://token@h' is wrong", "'http://***@h' is wrong"),
            ("http://u:p/a#s?s@h:x", "http://***@h:x"),
            ("http://h:80/@scope/a b@c", "http://h:80/@scope/a b@c"),
            ("http://[::1]:80/@a", "http://[::1]:80/@a"),
            ("mail a@b.c", "mail a@b.c"),
            ("http://a@b http://c@d", "http://***@b http://***@d"),
        ] {
            assert_eq!(without_user_info(text), safe);
        }
    }
}

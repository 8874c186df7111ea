//! What is secret by its name, and how a secret is kept out of text.
//!
//! One list for every report of a run. It must not know where the values come from.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// What stands for what may be a secret.
pub const HIDDEN: &str = "***";

/// The shortest value, in characters, that is hidden wherever it stands. Within other words the gap that a shorter one
/// leaves tells what it hides, and nobody can read the rest.
const SHORTEST: usize = 4;

/// The longest beginning of a secret that a message repeats, in characters.
const LONGEST_CUT: usize = 300;

/// Parts of names that say that a value is secret, without case, dashes and underscores.
const PARTS: &str = "token secret password passwd passphrase passcode apikey accesskey privatekey sshkey credential \
    authorization xauth cookie jwt signature csrf xsrf hmac assertion nonce otpcode bearer";

/// Words that say so as a name's only word or as one of several, as in `adminPin` and `session_id`. They stand within
/// other words by chance, as in `author` and `shipping`.
const WORDS: &str = "pass pwd pw pin otp totp key keys cred creds auth oauth session sess sid ssid sig sas refresh mac \
    salt sso saml psk pat private";

/// Of these words, those that stand within many harmless ones, as in `path` and `pattern`.
const OFTEN_WITHIN: &str = "pat";

/// Parts and words of names whose values hold a secret in the midst of what servers need to reach others: an address with
/// a password.
const ADDRESS_PARTS: &str =
    "connectionstring connectionurl connectionuri databaseurl databaseuri dburl webhook";
const ADDRESS_WORDS: &str = "dsn jdbc";

/// Whether a name says that its value is secret, or holds a secret.
pub fn names_secret(name: &str) -> bool {
    names_credential(name) || is_named(name, ADDRESS_PARTS, ADDRESS_WORDS)
}

/// Whether a name says that its value is a secret and no more: such as no server needs that reads an address with one.
pub fn names_credential(name: &str) -> bool {
    is_named(name, PARTS, WORDS)
}

/// Whether a name may say that its value is secret, be it by a part of a word: for where hiding too much costs little.
pub fn may_name_secret(name: &str) -> bool {
    let plain = plain(name);
    let mut words = WORDS.split(' ').filter(|word| *word != OFTEN_WITHIN);
    names_secret(name) || words.any(|word| plain.contains(word))
}

/// Whether a name holds one of these parts, or has one of these words.
fn is_named(name: &str, parts: &str, listed: &str) -> bool {
    let plain = plain(name);
    parts.split(' ').any(|part| plain.contains(part))
        || words(name).any(|word| listed.split(' ').any(|listed| listed == word))
}

/// Whether a text holds one of these values, in whatever form.
pub fn holds<'s>(text: &str, secrets: impl IntoIterator<Item = &'s String>) -> bool {
    redact(text, secrets) != text
}

/// An address, or what should be one, as a message may repeat it: without user, password, query and fragment.
pub fn redacted_address(address: &str) -> String {
    let end = address.find(['?', '#']).unwrap_or(address.len());
    let (before, behind) = address.split_at(end);
    let (scheme, rest) = match before.split_once("://") {
        Some((scheme, _)) => before.split_at(scheme.len() + 3),
        None => ("", before),
    };
    let user = rest.rfind('@').map(|at| &rest[at..]);
    let hidden = |text: &str| if text.is_empty() { "" } else { HIDDEN };
    let mark: String = behind.chars().take(1).collect();
    format!(
        "{scheme}{}{}{mark}{}",
        user.map_or("", |_| HIDDEN),
        user.unwrap_or(rest),
        hidden(&behind[mark.len()..])
    )
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
        find_cut(text, secret, &mut spans);
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

/// Finds the beginning of a value that was cut, as loadgate shows it: before `…`.
fn find_cut(text: &str, secret: &str, spans: &mut Vec<Range<usize>>) {
    for (end, _) in text.match_indices('…') {
        let starts = text[..end].char_indices().rev().skip(SHORTEST - 1);
        let starts = starts.take(LONGEST_CUT).map(|(start, _)| start);
        let cut = starts.filter(|start| begins(secret, &text[*start..end]));
        spans.extend(cut.min().map(|start| start..end));
    }
}

/// Whether a value begins with what the text stands for.
fn begins(secret: &str, text: &str) -> bool {
    let mut ends = vec![0];
    for c in secret.chars() {
        ends = ends_after(&ends, text, c);
        if ends.is_empty() || ends.contains(&text.len()) {
            break;
        }
    }
    ends.contains(&text.len())
}

/// Bytes of the text that stand for the whole value, if it begins with it. A backslash may be one as it is, or begin an
/// escape, so that there may be several ways to read on.
fn matched(text: &str, secret: &str) -> Option<usize> {
    let mut ends = vec![0];
    for c in secret.chars() {
        ends = ends_after(&ends, text, c);
        if ends.is_empty() {
            return None;
        }
    }
    ends.last().copied()
}

/// Where a character ends that begins in one of these places, in each of its forms.
fn ends_after(places: &[usize], text: &str, c: char) -> Vec<usize> {
    let forms = places.iter().flat_map(|place| {
        let rest = &text[*place..];
        let plain = rest.starts_with(c).then_some(c.len_utf8());
        let lengths = plain.into_iter().chain(encoded(rest, c));
        lengths.map(move |length| place + length)
    });
    let mut ends: Vec<usize> = forms.collect();
    ends.sort_unstable();
    ends.dedup();
    ends
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

/// The text without what it says itself is a credential: values behind a name of secrets, tokens behind `Bearer`, tokens that
/// are known by how they begin, and the user and password of an address. For text that others wrote, such as a log; of
/// loadgate's own sentences it could take words.
pub fn without_credentials(text: &str) -> String {
    without_named(&without_tokens(&without_user_info(text)))
}

/// The text without tokens that are known as such wherever they stand.
pub fn without_tokens(text: &str) -> String {
    let mut spans = Vec::new();
    for (shortest, begins) in TOKENS {
        for (at, _) in begins
            .split(' ')
            .flat_map(|begin| text.match_indices(begin))
        {
            let token = token_at(text, at);
            let is_start = !text[..at].ends_with(is_of_token);
            spans.extend(Some(token).filter(|token| is_start && token.len() >= shortest));
        }
    }
    spans.extend(webtokens(text));
    spans.extend(bearers(text));
    for (at, begin) in text.match_indices("-----BEGIN ") {
        let is_key = text[at..]
            .split('\n')
            .next()
            .is_some_and(|line| line.contains("PRIVATE KEY"));
        let rest = &text[at + begin.len()..];
        let end = rest
            .find("-----END ")
            .map_or(text.len(), |end| at + begin.len() + end);
        spans.extend(is_key.then_some(at + begin.len()..end));
    }
    hidden(text, spans)
}

/// How tokens begin that others give out, by the length of the shortest, in bytes.
const TOKENS: [(usize, &str); 2] = [
    (
        20,
        "ghp_ gho_ ghu_ ghs_ ghr_ glpat- glptt- gldt- npm_ xoxb- xoxp- xoxa- sk_live_ rk_live_ dckr_pat_",
    ),
    (24, "github_pat_ pypi- sk-"),
];

fn is_of_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.".contains(c)
}

/// The token that begins at a place.
fn token_at(text: &str, at: usize) -> Range<usize> {
    let length = text[at..].find(|c| !is_of_token(c));
    at..length.map_or(text.len(), |length| at + length)
}

/// JSON Web Tokens, by whatever name they go. The first part of one is an object in Base64.
fn webtokens(text: &str) -> impl Iterator<Item = Range<usize>> {
    const SHORTEST: usize = 20;
    let tokens = text.match_indices("eyJ").map(|(at, _)| token_at(text, at));
    tokens.filter(|token| token.len() >= SHORTEST && text[token.clone()].contains('.'))
}

/// The tokens behind `Bearer`, wherever they stand.
fn bearers(text: &str) -> Vec<Range<usize>> {
    const BEARER: &str = "bearer ";
    let lower = text.to_ascii_lowercase();
    let tokens = lower.match_indices(BEARER).filter_map(|(at, found)| {
        let from = at + found.len();
        let begins = |c: char| c == ' ' || QUOTES.contains(&c);
        let from = text.len() - text[from..].trim_start_matches(begins).len();
        let is_word = !text[..at].ends_with(char::is_alphanumeric);
        let length = plain_length(&text[from..]);
        (is_word && length > 0).then_some(from..from + length)
    });
    tokens.collect()
}

/// What may stand around a value.
const QUOTES: [char; 3] = ['"', '\'', '\\'];
/// What may stand between a name and its value.
const MARKS: [char; 6] = [' ', '\t', '=', ':', '>', '\\'];

/// Without the values behind names of secrets: `password=…`, `"apiKey": "…"`, `Authorization: Basic …`, `--token …`,
/// `<pin>…</pin>`.
fn without_named(text: &str) -> String {
    let mut spans = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find(['=', ':', '>', ' ']).map(|at| from + at) {
        let (before, behind) = text.split_at(at);
        from = at + 1;
        if !names_value(before, behind) {
            continue;
        }
        let start = text.len() - behind.trim_start_matches(MARKS).len();
        // Backslashes before a quote belong to it.
        let start = start - escapes(&text[at..start]);
        if let Some(length) = credential(&text[start..]) {
            from = start + length.end;
            spans.push(start + length.start..from);
        }
    }
    hidden(text, spans)
}

/// Whether a text ends with the name of a secret, and what is behind it begins as its value does.
fn names_value(before: &str, behind: &str) -> bool {
    let is_of_name = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let before = before.trim_end_matches([' ', '\t']);
    let is_index = before.ends_with("']") || before.ends_with("\"]");
    let before = before
        .strip_suffix(']')
        .filter(|_| is_index)
        .unwrap_or(before);
    let bare = before.trim_end_matches(QUOTES);
    let name = bare.rsplit(|c| !is_of_name(c)).next().unwrap_or_default();
    let opener = &bare[..bare.len() - name.len()];
    let is_named = match behind.as_bytes().first() {
        Some(b'>') => opener.ends_with('<') && !name.starts_with('-'),
        Some(b' ') => name.starts_with("--") && !behind.trim_start().starts_with('-'),
        // A path of code, as in `auth::login`.
        Some(b':') => !behind.starts_with("::"),
        Some(_) | None => true,
    };
    is_named && names_secret(name)
}

/// How many backslashes a text ends with.
fn escapes(text: &str) -> usize {
    text.len() - text.trim_end_matches('\\').len()
}

/// Where in a text that begins with a value that stands: without its quotes, with the scheme before it if it names one.
fn credential(value: &str) -> Option<Range<usize>> {
    let depth = value.bytes().take_while(|byte| *byte == b'\\').count();
    if let Some(quote @ ('"' | '\'' | '`')) = value[depth..].chars().next() {
        let start = depth + 1;
        return Some(start..start + quoted_length(&value[start..], quote, depth))
            .filter(|span| !span.is_empty());
    }
    let first = plain_length(value);
    let is_scheme = ["bearer", "basic", "token", "digest"]
        .iter()
        .any(|own| value[..first].eq_ignore_ascii_case(own));
    let length = match value[first..].strip_prefix(' ') {
        Some(behind) if is_scheme => first + 1 + plain_length(behind),
        Some(_) | None => first,
    };
    (length > 0).then_some(0..length)
}

/// The length of a value in quotes that are escaped so many times. A quote that is escaped more often, or twice in a row as
/// YAML and SQL do it, is part of the value; one that never ends ends with its line.
fn quoted_length(value: &str, quote: char, depth: usize) -> usize {
    let mut skipped = 0;
    while let Some(at) = value[skipped..].find([quote, '\n']).map(|at| skipped + at) {
        let behind = &value[at + 1..];
        let escapes = escapes(&value[..at]);
        let is_quote = value[at..].starts_with(quote);
        if is_quote && escapes > depth {
            skipped = at + 1;
        } else if is_quote && quote == '\'' && depth == 0 && behind.starts_with(quote) {
            skipped = at + 2;
        } else {
            return at - escapes.min(depth);
        }
    }
    value.len()
}

/// The length of a value without quotes.
fn plain_length(text: &str) -> usize {
    let ends = |c: char| c.is_whitespace() || QUOTES.contains(&c) || "&,;|}<".contains(c);
    text.find(ends).unwrap_or(text.len())
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
            ("password: the next", "password: *** next"),
            ("é: ü, session: ö", "é: ü, session: ***"),
            (
                r#"password="correct horse battery" user=me"#,
                r#"password="***" user=me"#,
            ),
            ("{password: 'a secret9', n: 1}", "{password: '***', n: 1}"),
            ("pin: 'it''s 9', n: 1", "pin: '***', n: 1"),
            (
                r#"{"Password": "a\"hunter2", "n": 1}"#,
                r#"{"Password": "***", "n": 1}"#,
            ),
            (
                r#"{\"Password\": \"a\\\"hunter2\", \"n\": 1}"#,
                r#"{\"Password\": \"***\", \"n\": 1}"#,
            ),
            ("password: \"never closed\nn: 1", "password: \"***\nn: 1"),
            ("Password => hunter2", "Password => ***"),
            (r#"conf["password"] = 'a b'"#, r#"conf["password"] = '***'"#),
            ("run --password secret9 -v", "run --password *** -v"),
            ("run --password 'a b' -v", "run --password '***' -v"),
            ("run --token --verbose", "run --token --verbose"),
            (
                "<password>secret9</password><n>1</n>",
                "<password>***</password><n>1</n>",
            ),
            (
                "at ghp_0123456789abcdefABCD, glpat-0123456789abcdef",
                "at ***, ***",
            ),
            (
                "is ghp_short, task-ghp_0123456789abcdefABCD",
                "is ghp_short, task-ghp_0123456789abcdefABCD",
            ),
            ("id eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln!", "id ***!"),
            ("Bearer \"abc def\"", "Bearer \"*** def\""),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----",
                "-----BEGIN ***-----END RSA PRIVATE KEY-----",
            ),
            (
                "at auth::login, tokens are fine",
                "at auth::login, tokens are fine",
            ),
        ] {
            assert_eq!(without_credentials(text), hidden);
        }
    }

    #[test]
    fn the_beginning_of_a_secret_that_was_cut_is_hidden() {
        let secret = "tok en/0123456789".to_owned();
        for (text, shown) in [
            ("is 'tok en/0123…'", "is '***…'"),
            ("is 'tok%20en/0…", "is '***…"),
            ("is 'to…', tok…", "is 'to…', tok…"),
            ("other text…", "other text…"),
        ] {
            assert_eq!(redact(text, [&secret]), shown);
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
            "GH_PAT",
            "pat",
            "sshkey",
            "SSH_PRIVATE_KEY",
            "private",
            "SENTRY_DSN",
            "connection_string",
            "ConnectionStrings",
            "webhook_url",
            "DATABASE_URL",
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
            "path",
            "pattern",
            "patch",
            "url",
            "database",
        ] {
            assert!(!names_secret(name), "{name}");
        }
        for name in ["path", "pattern"] {
            assert!(!may_name_secret(name), "{name}");
        }
        assert!(!names_credential("DATABASE_URL"), "a server needs it");
    }

    #[test]
    fn an_address_is_repeated_without_what_may_be_secret() {
        for (address, shown) in [
            ("https://a.b/c", "https://a.b/c"),
            ("https://me:pw@a.b/c", "https://***@a.b/c"),
            ("me:pw@127.0.0.1:1", "***@127.0.0.1:1"),
            ("http:/me:p@w@h", "***@h"),
            ("http://h:1/?token=a", "http://h:1/?***"),
            ("http://h/#a?b", "http://h/#***"),
            ("http://h?", "http://h?"),
            ("", ""),
        ] {
            assert_eq!(redacted_address(address), shown);
        }
    }

    #[test]
    fn a_secret_within_another_leaves_nothing_of_it() {
        let secrets = ["", "abcd", "abcdefg", "c"].map(str::to_owned);
        let redacted = redact("sent abcdefg, then abcd and c", &secrets);
        assert_eq!(redacted, "sent ***, then *** and ***");
    }

    #[test]
    fn a_short_secret_is_hidden_only_as_a_whole_word() {
        let hidden = |text: &str, secret: &str| redact(text, [&secret.to_owned()]);
        for (text, secret, expected) in [
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
            assert_eq!(hidden(text, secret), expected, "{secret}");
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

//! What is secret by its name, and how a secret is kept out of text.
//!
//! One list for all who tell of a run. It must not know where the values come from.

/// What stands for what may be a secret.
pub const HIDDEN: &str = "***";

/// The shortest value, in characters, that is hidden wherever it stands. Within other words the gap that a shorter one
/// leaves tells what it hides, and nobody can read the rest.
const SHORTEST: usize = 4;

/// Parts of names that say that a value is secret, without case, dashes and underscores.
const PARTS: [&str; 15] = [
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
];

/// Words that say so where they are a name's only word or one of several, as in `adminPin` and `session_id`, and that stand
/// within others by chance, as in `author` and `shipping`.
const WORDS: [&str; 10] = [
    "pass", "pwd", "pin", "otp", "key", "keys", "cred", "creds", "auth", "session",
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

/// The text with each of these values hidden: wherever they stand, and those of fewer than [`SHORTEST`] characters where they
/// stand by themselves.
pub fn redacted<'s>(text: &str, secrets: impl IntoIterator<Item = &'s String>) -> String {
    let secrets = secrets.into_iter().filter(|secret| !secret.is_empty());
    let mut secrets: Vec<&String> = secrets.collect();
    // Longer ones first: a shorter one may be a part of them, and would leave their rest.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets.iter().fold(text.to_owned(), |text, secret| {
        if secret.chars().count() < SHORTEST {
            without_alone(&text, secret)
        } else {
            text.replace(secret.as_str(), HIDDEN)
        }
    })
}

/// The text without a short value where no letter or digit stands beside it.
fn without_alone(text: &str, secret: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut from = 0;
    for (at, found) in text.match_indices(secret) {
        let end = at + found.len();
        let joins = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let is_within = joins(text[..at].chars().next_back()) || joins(text[end..].chars().next());
        clean.push_str(&text[from..at]);
        clean.push_str(if is_within { found } else { HIDDEN });
        from = end;
    }
    clean + &text[from..]
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
        let hidden = if names_secret(name) {
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

/// Without the user and password of addresses.
fn without_user_info(text: &str) -> String {
    const SLASHES: &str = "://";
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(SLASHES) {
        let (before, behind) = rest.split_at(at + SLASHES.len());
        clean.push_str(before);
        let ends = |c: char| c.is_whitespace() || QUOTES.contains(&c) || "/?#|".contains(c);
        let authority = &behind[..behind.find(ends).unwrap_or(behind.len())];
        rest = behind;
        if let Some(at) = authority.rfind('@') {
            clean.push_str(HIDDEN);
            rest = &behind[at..];
        }
    }
    clean + rest
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
        ] {
            assert!(!names_secret(name), "{name}");
        }
    }

    #[test]
    fn a_secret_within_another_leaves_nothing_of_it() {
        let secrets = ["", "abcd", "abcdefg", "c"].map(str::to_owned);
        let told = redacted("sent abcdefg, then abcd and c", &secrets);
        assert_eq!(told, "sent ***, then *** and ***");
    }

    #[test]
    fn a_short_secret_is_hidden_where_it_stands_by_itself_and_tells_no_word_apart() {
        let hidden = |text: &str, secret: &str| redacted(text, [&secret.to_owned()]);
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
}

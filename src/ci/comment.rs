//! One comment for all gates of a job, written once and then edited in place.
//!
//! It is known by a marker in its first line and by its author: a marker alone anybody can write. A refusal or a fault of
//! the platform is told and harmless. A call is tried again where that may help, each time from the search on, so that a
//! call whose response was lost is not carried out twice.

use std::time::{Duration, Instant};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::conversation::{Call, Comment, Conversation, PAGE};
use crate::http_client::{self, Answer, Client, Request, WHOLE};

/// Pages that are looked through at most: ten thousand comments.
const MOST_PAGES: usize = 100;
/// Bytes of a response at most: a page of the longest comments there can be.
const MOST_BYTES: usize = 64 << 20;
/// Tries at most.
const TRIES: u32 = 6;
/// The wait before the second try; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// All waits together at most: a job that only waits costs money.
const MOST_WAITING: Duration = Duration::from_mins(2);
/// Letters of a key that stay readable.
const KEY_LETTERS: usize = 60;

/// Key that identifies a comment among loadgate's, such as those of other jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// A key of any text: readable, and never what could end a marker.
    pub fn new(text: &str) -> Self {
        let mut readable = String::new();
        for c in text.chars() {
            if c.is_ascii_alphanumeric() {
                readable.push(c);
            } else if !readable.ends_with('-') {
                readable.push('-');
            }
        }
        let readable = readable.trim_matches('-');
        if readable == text && !readable.is_empty() && readable.len() <= KEY_LETTERS {
            return Self(readable.to_owned());
        }
        let short = &readable[..readable.len().min(KEY_LETTERS)];
        let digest = Sha256::digest(text.as_bytes());
        let hash = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
        Self(format!("{}-{hash:08x}", short.trim_matches('-')))
    }

    /// The first line of the comment.
    fn marker(&self) -> String {
        format!("<!-- loadgate:{} -->", self.0)
    }
}

/// A run of the CI system, by which a comment is known to be newer than another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunOrder {
    /// Number of the workflow run or pipeline.
    pub run: u64,
    /// Which attempt.
    pub attempt: u64,
}

impl RunOrder {
    fn line(self) -> String {
        format!("<!-- run {}.{} -->", self.run, self.attempt)
    }

    fn of(body: &str) -> Option<Self> {
        let line = body.lines().nth(1)?.strip_prefix("<!-- run ")?;
        let (run, attempt) = line.strip_suffix(" -->")?.split_once('.')?;
        Some(Self {
            run: run.parse().ok()?,
            attempt: attempt.parse().ok()?,
        })
    }
}

/// What is to be said, and when.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    /// Which of our comments.
    pub key: &'a Key,
    /// The run that it speaks of.
    pub age: RunOrder,
    /// Markdown.
    pub text: &'a str,
    /// Who we are, where the platform is not to be asked.
    pub author: Option<&'a str>,
    /// What happens where there is no comment of ours yet.
    pub first: OnFirst,
}

/// What happens where there is no comment of ours yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFirst {
    /// One is made.
    Made,
    /// None is made: there is nothing that must be said.
    Spared,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Posted {
    /// A comment was made.
    Made,
    /// The comment was edited.
    Edited,
    /// The comment says the same already.
    Unchanged,
    /// The comment speaks of a newer run.
    Outdated,
    /// There was nothing that must be said, and no comment to update.
    Spared,
    /// It could not be done.
    Failed(String),
}

/// Why a try failed.
enum Fault {
    /// Another may go better, after a while.
    Passing { why: String, wait: Option<Duration> },
    /// It is no use.
    Final(String),
}

/// Writes the comment, or says why not.
pub fn post(thread: &Conversation, message: &Message<'_>) -> Posted {
    if !thread.is_private() {
        return Posted::Failed(
            "the platform's address is neither https nor on this machine, so no token is sent to it".to_owned(),
        );
    }
    let client = match Client::new() {
        Ok(client) => client,
        Err(error) => return Posted::Failed(error.to_string()),
    };
    let desk = CommentClient { client, thread };
    let give_up = Instant::now() + MOST_WAITING;
    let mut pause = FIRST_WAIT;
    let mut tries = 0;
    loop {
        tries += 1;
        let (why, wait) = match desk.try_to_post(message) {
            Ok(posted) => return posted,
            Err(Fault::Final(why)) => return Posted::Failed(thread.redacted(&why)),
            Err(Fault::Passing { why, wait }) => (why, wait.unwrap_or(pause).max(pause)),
        };
        if tries >= TRIES || Instant::now() + wait > give_up {
            let why = format!("{why} (tried {tries} times)");
            return Posted::Failed(thread.redacted(&why));
        }
        std::thread::sleep(wait);
        pause *= 2;
    }
}

/// The API, and what is asked of it.
struct CommentClient<'a> {
    client: Client,
    thread: &'a Conversation,
}

impl CommentClient<'_> {
    fn try_to_post(&self, message: &Message<'_>) -> Result<Posted, Fault> {
        let marker = message.key.marker();
        let body = format!("{marker}\n{}\n{}", message.age.line(), message.text);
        let Some(own) = self.own_comment(&marker, message.author)? else {
            if message.first == OnFirst::Spared {
                return Ok(Posted::Spared);
            }
            self.call(self.thread.create(&body))?;
            return Ok(Posted::Made);
        };
        if own.body.trim_end() == body.trim_end() {
            return Ok(Posted::Unchanged);
        }
        if RunOrder::of(&own.body).is_some_and(|age| age > message.age) {
            return Ok(Posted::Outdated);
        }
        self.call(self.thread.update(own.id, &body))?;
        Ok(Posted::Edited)
    }

    /// The comment that begins with our marker and was written by us.
    fn own_comment(&self, marker: &str, author: Option<&str>) -> Result<Option<Comment>, Fault> {
        let mut us: Option<String> = author.map(str::to_owned);
        for page in 1..=MOST_PAGES {
            let answer = self.call(self.thread.list(page))?;
            let Some(list) = answer.as_array() else {
                return Err(Fault::Final(
                    "the list of comments is not a list".to_owned(),
                ));
            };
            let candidates = list
                .iter()
                .filter_map(|value| self.thread.comment(value))
                .filter(|comment| comment.body.starts_with(marker));
            for comment in candidates {
                // Asked only where there is something to tell apart.
                let us = match &us {
                    Some(us) => us,
                    None => us.insert(self.whoami()?),
                };
                if comment.author == *us {
                    return Ok(Some(comment));
                }
            }
            if list.len() < PAGE {
                return Ok(None);
            }
        }
        Err(Fault::Final(format!(
            "there are more than {} comments, and none of these is loadgate's",
            MOST_PAGES * PAGE
        )))
    }

    fn whoami(&self) -> Result<String, Fault> {
        let answer = match self.call(self.thread.whoami()) {
            Ok(answer) => Some(answer),
            Err(Fault::Final(_)) => None,
            Err(passing @ Fault::Passing { .. }) => return Err(passing),
        };
        let author = self.thread.author(answer.as_ref());
        author.ok_or_else(|| {
            Fault::Final("the platform does not say who owns the token; set --author".to_owned())
        })
    }

    fn call(&self, call: Call) -> Result<Value, Fault> {
        let bearer = self.thread.bearer();
        let answer = self.client.send(&Request {
            method: call.method,
            url: &call.url,
            headers: &self.thread.headers(&bearer),
            body: call.json,
            most: MOST_BYTES,
            within: WHOLE,
        });
        let answer = answer.map_err(|error| {
            let why = error.to_string();
            if error.may_pass() {
                Fault::Passing { why, wait: None }
            } else {
                Fault::Final(why)
            }
        })?;
        read(&call.url, &answer)
    }
}

fn read(url: &str, answer: &Answer) -> Result<Value, Fault> {
    let body = serde_json::from_str::<Value>(&answer.body);
    let why = || {
        let message = body.as_ref().ok().and_then(|body| body.get("message"));
        let message = message.and_then(Value::as_str).unwrap_or_default();
        let message: String = message.chars().take(200).collect();
        let place = http_client::without_secrets(url);
        format!("{place} responded {} {message}", answer.status)
    };
    let wait = answer.retry_after;
    match (answer.status, &body) {
        (200..=299, Ok(_)) => body.map_err(|_| Fault::Final(String::new())),
        (200..=299, Err(_)) => Err(Fault::Final(format!(
            "{} responded without JSON",
            http_client::without_secrets(url)
        ))),
        (429 | 500..=599, _) => Err(Fault::Passing { why: why(), wait }),
        // GitHub's second limit; without a time it is a refusal.
        (403, _) if wait.is_some() => Err(Fault::Passing { why: why(), wait }),
        (401 | 403 | 404, _) => Err(Fault::Final(format!(
            "{}: the token may not comment there, as on pull requests from forks",
            why().trim_end()
        ))),
        _ => Err(Fault::Final(why())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_readable_and_cannot_end_its_marker() {
        for (text, start) in [
            ("pr-gates", "pr-gates"),
            ("job thresholds/api", "job-thresholds-api-"),
            ("--> <img src=x> @everyone", "img-src-x-everyone-"),
            ("", "-"),
        ] {
            let Key(key) = Key::new(text);
            assert!(key.starts_with(start), "{key}");
            assert!(key.len() <= KEY_LETTERS + 9 && !key.contains("--"), "{key}");
        }
        assert_ne!(Key::new("a/b"), Key::new("a b"), "no two texts share a key");
    }

    #[test]
    fn the_age_of_a_comment_is_read_back() {
        let age = RunOrder {
            run: 42,
            attempt: 2,
        };
        let body = format!("<!-- loadgate:a -->\n{}\ntext", age.line());
        assert_eq!(RunOrder::of(&body), Some(age));
        assert_eq!(RunOrder::of("<!-- loadgate:a -->\ntext"), None);
        assert!(
            age > RunOrder {
                run: 42,
                attempt: 1
            }
        );
    }
}

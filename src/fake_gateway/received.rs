//! What the server received: kept in memory, the newest of it, and in a log where one is wanted.

use super::log_events::LogEvent;
use serde::Serialize;
use std::collections::VecDeque;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};

/// How many requests are kept in memory; older ones are in the log only.
const KEPT: usize = 10_000;

/// No text of a record is longer, so that a hostile client cannot fill the memory.
const LONGEST_TEXT: usize = 512;

/// One request, as the server saw it. Bodies, passwords and tokens are not in here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Received {
    /// When its head had arrived, in µs since the server's start.
    pub t_us: u64,
    /// The same moment in µs since 1970.
    pub unix_us: u64,
    /// When its response was meant to leave, in µs since the server's start.
    pub due_us: u64,
    /// When its response did leave; `None` where the client or the server was gone by then.
    pub sent_us: Option<u64>,
    /// The HTTP method.
    pub method: String,
    /// The path.
    pub path: String,
    /// What follows the `?`.
    pub query: Option<String>,
    /// The status of the response.
    pub status: u16,
    /// Whether an execution environment was made for it.
    pub cold: bool,
    /// The header `x-session-id`.
    pub session: Option<String>,
    /// Whether a bearer token was sent, good or not.
    pub authorized: bool,
}

/// The newest records.
#[derive(Debug, Default)]
pub(super) struct RecentRequests(Mutex<VecDeque<Arc<Received>>>);

/// Where finished records go.
#[derive(Debug)]
pub(super) struct Recorder {
    pub(super) kept: Arc<RecentRequests>,
    pub(super) journal: Option<Sender<Arc<Received>>>,
    pub(super) events: Option<Sender<Arc<LogEvent>>>,
}

/// A record whose response has not left yet. Dropped, it says that it never did.
#[derive(Debug)]
pub(super) struct Unsent<'a> {
    recorder: &'a Recorder,
    received: Option<Received>,
    events: Vec<LogEvent>,
}

impl RecentRequests {
    /// The newest records, in the order in which they ended.
    pub(super) fn newest(&self) -> Vec<Received> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter()
            .map(|received| Received::clone(received))
            .collect()
    }

    fn push(&self, received: Arc<Received>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(received);
    }
}

impl Recorder {
    /// Takes a record that waits for its response to leave, and the events that are logged then.
    pub(super) fn open(&self, received: Received, events: Vec<LogEvent>) -> Unsent<'_> {
        Unsent {
            recorder: self,
            received: Some(received),
            events,
        }
    }

    fn close(&self, received: Received, events: Vec<LogEvent>) {
        let received = Arc::new(received);
        if let Some(journal) = &self.journal {
            // A journal that has stopped tells why when the server stops.
            let _ = journal.send(Arc::clone(&received));
        }
        if let Some(log) = &self.events {
            for event in events {
                let _ = log.send(Arc::new(event));
            }
        }
        self.kept.push(received);
    }
}

impl Unsent<'_> {
    /// The response leaves now.
    pub(super) fn sent(mut self, sent_us: u64) {
        if let Some(received) = &mut self.received {
            received.sent_us = Some(sent_us);
        }
    }
}

impl Drop for Unsent<'_> {
    fn drop(&mut self) {
        if let Some(received) = self.received.take() {
            self.recorder
                .close(received, std::mem::take(&mut self.events));
        }
    }
}

/// A text for a record, cut to a bearable length.
pub(super) fn clipped(text: &str) -> String {
    text.chars().take(LONGEST_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(t_us: u64) -> Received {
        Received {
            t_us,
            unix_us: t_us,
            due_us: t_us,
            sent_us: None,
            method: "GET".to_owned(),
            path: "/health".to_owned(),
            query: None,
            status: 200,
            cold: false,
            session: None,
            authorized: false,
        }
    }

    #[test]
    fn a_record_whose_answer_never_left_says_so() {
        let recorder = Recorder {
            kept: Arc::default(),
            journal: None,
            events: None,
        };
        recorder.open(received(1), Vec::new()).sent(7);
        drop(recorder.open(received(2), Vec::new()));
        let sent: Vec<_> = recorder
            .kept
            .newest()
            .iter()
            .map(|received| received.sent_us)
            .collect();
        assert_eq!(sent, [Some(7), None]);
    }

    #[test]
    fn the_newest_records_are_kept_and_no_more() {
        let kept = RecentRequests::default();
        for t_us in 0..=KEPT as u64 {
            kept.push(Arc::new(received(t_us)));
        }
        let newest = kept.newest();
        assert_eq!((newest.len(), newest[0].t_us), (KEPT, 1));
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(clipped(&"é".repeat(1_000)).chars().count(), LONGEST_TEXT);
    }
}

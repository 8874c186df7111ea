//! The pages of one answer: how the next is found, and when there are too many.

use std::collections::HashSet;

use super::error::Error;

/// Pages at most. A page of a log is up to 1 MB, so this is more than a run of ten million requests writes.
const MOST: usize = 10_000;

/// The pages of one answer so far.
pub(super) struct Pages {
    action: &'static str,
    tokens: HashSet<String>,
}

impl Pages {
    /// No page of this action's answer yet.
    pub(super) fn new(action: &'static str) -> Self {
        Self {
            action,
            tokens: HashSet::new(),
        }
    }

    /// The token of the next page, if there is one. An empty page is not the last one if it has a token.
    pub(super) fn next(&mut self, token: Option<String>) -> Result<Option<String>, Error> {
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            return Ok(None);
        };
        let why = if !self.tokens.insert(token.clone()) {
            "it repeats a page"
        } else if self.tokens.len() >= MOST {
            "it has too many pages"
        } else {
            return Ok(Some(token));
        };
        Err(Error::Unexpected {
            action: self.action,
            why: why.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_end_without_a_token() {
        let mut pages = Pages::new("x:y");
        let next = pages.next(Some("a".to_owned())).unwrap();
        assert_eq!(next.as_deref(), Some("a"));
        for last in [None, Some(String::new())] {
            assert_eq!(pages.next(last).unwrap(), None);
        }
    }

    #[test]
    fn a_chain_of_pages_without_end_is_an_error() {
        let mut pages = Pages::new("x:y");
        let mut turns = 0..;
        let error = turns.find_map(|turn| pages.next(Some(turn.to_string())).err());
        assert_eq!(turns.next(), Some(MOST));
        assert!(error.unwrap().to_string().contains("too many pages"));
        let mut pages = Pages::new("x:y");
        let mut turns = ["a", "b", "a"].into_iter();
        let error = turns.find_map(|token| pages.next(Some(token.to_owned())).err());
        assert!(error.unwrap().to_string().contains("repeats a page"));
    }
}

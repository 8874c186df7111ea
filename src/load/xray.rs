//! The share of requests that AWS X-Ray records: which they are, and the header that asks for it.

use jiff::Timestamp;
use rand::rngs::SysRng;
use rand::{RngExt as _, TryRng as _};
use rand_chacha::ChaCha8Rng;

use super::draws;
use crate::measurement::TraceRoot;
use crate::units::Share;

/// Chooses the traced requests of one user.
#[derive(Debug)]
pub(super) struct TraceSampler {
    share: Share,
    /// Beside the generator of the user or the arrival, so that the choice is reproducible and changes nothing else.
    rng: ChaCha8Rng,
    /// The trace of the request that is being sent, if it has one.
    pub(super) root: Option<TraceRoot>,
}

impl TraceSampler {
    pub(super) fn new(share: Share, user: &ChaCha8Rng) -> Self {
        Self {
            share,
            rng: draws::beside(user),
            root: None,
        }
    }

    /// Chooses whether the next request is traced, and if so adds the header to it. `user` is the generator that the
    /// request was rendered with, of which nothing is taken.
    pub(super) fn next(&mut self, user: &ChaCha8Rng, request: &mut Vec<u8>) {
        // The next arrival has a generator of its own, whoever serves it.
        if self.rng.get_stream() != user.get_stream() {
            self.rng = draws::beside(user);
        }
        let is_traced = self.rng.random_bool(self.share.fraction());
        self.root = is_traced.then(root).flatten();
        let head = request.windows(4).position(|bytes| bytes == b"\r\n\r\n");
        if let (Some(root), Some(end)) = (self.root, head) {
            let header = format!("\r\nX-Amzn-Trace-Id: Root={root};Sampled=1");
            request.splice(end..end, header.into_bytes());
        }
    }
}

/// A new root. Its number is not reproducible, since two runs with one seed must not share traces.
fn root() -> Option<TraceRoot> {
    let mut number = [0; 12];
    SysRng.try_fill_bytes(&mut number).ok()?;
    let seconds = u32::try_from(Timestamp::now().as_second()).ok()?;
    Some(TraceRoot::new(seconds, number))
}

#[cfg(test)]
mod tests {
    use super::super::draws::{Purpose, generator};
    use super::*;

    const REQUEST: &str = "POST / HTTP/1.1\r\nHost: x\r\n\r\nbody\r\n\r\n";

    /// What a user who serves these arrivals sends, two requests for each.
    fn sent(seed: u64, arrivals: &[u64]) -> Vec<(u64, Vec<String>)> {
        let user = generator(seed, Purpose::Newcomer(arrivals[0]));
        let mut sampler = TraceSampler::new("10%".parse().unwrap(), &user);
        let requests = arrivals.iter().map(|index| {
            let arrival = generator(seed, Purpose::Arrival(*index));
            let texts = [(); 2].map(|()| {
                let mut request = REQUEST.as_bytes().to_vec();
                sampler.next(&arrival, &mut request);
                String::from_utf8(request).unwrap()
            });
            (*index, texts.into())
        });
        requests.collect()
    }

    /// Which of an arrival's requests are traced.
    fn chosen((arrival, texts): &(u64, Vec<String>)) -> (u64, Vec<bool>) {
        let traced = texts.iter().map(|text| text != REQUEST);
        (*arrival, traced.collect())
    }

    #[test]
    fn the_choice_depends_on_the_seed_and_the_arrival_alone() {
        let all: Vec<u64> = (0..2_000).collect();
        let (once, again) = (sent(1, &all), sent(1, &all));
        let chosen_of = |sent: &[(u64, Vec<String>)]| sent.iter().map(chosen).collect::<Vec<_>>();
        assert_eq!(chosen_of(&once), chosen_of(&again));
        assert_ne!(chosen_of(&once), chosen_of(&sent(2, &all)));
        // Whoever serves an arrival, and after which others.
        let late: Vec<u64> = (1_000..2_000).rev().collect();
        let mut late = chosen_of(&sent(1, &late));
        late.reverse();
        assert_eq!(chosen_of(&once)[1_000..], late);
        // Five standard deviations around 10 % of 4,000.
        let traced = once.iter().flat_map(|(_, texts)| texts);
        let traced = traced.filter(|text| *text != REQUEST).count();
        assert!((305..=495).contains(&traced), "{traced}");
        let same = once
            .iter()
            .zip(&again)
            .flat_map(|(one, other)| one.1.iter().zip(&other.1));
        assert!(
            same.filter(|(one, _)| *one != REQUEST)
                .all(|(one, other)| one != other)
        );
    }

    #[test]
    fn a_traced_request_has_the_header_at_the_end_of_its_head() {
        let sent = sent(1, &(0..100).collect::<Vec<_>>());
        let mut traced = sent.iter().flat_map(|(_, texts)| texts);
        let traced = traced.find(|text| *text != REQUEST).unwrap();
        let rest = traced.strip_prefix("POST / HTTP/1.1\r\nHost: x\r\nX-Amzn-Trace-Id: Root=");
        let (root, rest) = rest.unwrap().split_once(';').unwrap();
        assert_eq!(
            TraceRoot::parse(root)
                .map(|root| root.to_string())
                .as_deref(),
            Some(root)
        );
        assert_eq!(rest, "Sampled=1\r\n\r\nbody\r\n\r\n");
    }
}

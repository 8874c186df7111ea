//! When responses came: how many in each slice, and how long none came while a request was in flight.
//!
//! A latency percentile weighs requests. A user who waits for a target that hangs sends one request in all that time, so
//! the percentiles hide the wait: this is coordinated omission. Here time is weighed. Each slice is divided into
//! moments, and for each moment two bits say whether a request succeeded in it and whether one failed or was still in
//! flight.

use std::time::Duration;

use super::Slice;

/// Moments of a slice.
const MOMENTS: u32 = u64::BITS;

/// Silences shorter than this are not kept: no verdict counts them.
const SHORTEST: Duration = Duration::from_millis(500);

/// The requests of one name, sent by users of one class, in one slice by when they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// Index of the user class.
    pub class: u32,
    /// Index of the request name.
    pub request: u32,
    /// Responses that came within the slice, whatever they say.
    pub completed: u64,
    /// When the first of them came, from the start of the slice.
    pub first: Option<Duration>,
    /// Moments in which a request succeeded.
    pub succeeded: u64,
    /// Moments in which a request was in flight at length, or failed.
    pub waited: u64,
    /// From the end of the slice until the first success of a request that was in flight there, if the load paused
    /// then.
    pub recovered: Option<Duration>,
    /// From the end of the slice until the last request that was in flight there had ended, if the load paused then.
    pub after: Duration,
}

impl Flow {
    /// Counts a response that came so long after the start of the slice.
    pub fn complete(&mut self, into: Duration) {
        self.completed += 1;
        self.first.get_or_insert(into);
    }

    /// Counts a request that was in flight at the end of the slice, and ended so long after it while the load paused.
    pub fn end_after(&mut self, after: Duration, has_succeeded: bool) {
        self.after = self.after.max(after);
        if has_succeeded {
            self.recovered = self.recovered.into_iter().chain([after]).min();
        }
    }

    /// Adds what another core counted of the same name and class.
    pub fn merge(&mut self, other: &Self) {
        self.completed += other.completed;
        self.first = self.first.into_iter().chain(other.first).min();
        self.succeeded |= other.succeeded;
        self.waited |= other.waited;
        self.recovered = self.recovered.into_iter().chain(other.recovered).min();
        self.after = self.after.max(other.after);
    }
}

/// The moments of a slice of some length.
#[derive(Clone, Copy, Debug)]
pub struct SliceInstants {
    /// How long one lasts; the last takes the remainder.
    length: Duration,
}

impl SliceInstants {
    /// Those of a slice so long.
    pub fn new(slice: Duration) -> Self {
        Self {
            length: (slice / MOMENTS).max(Duration::from_nanos(1)),
        }
    }

    /// How long each lasts.
    pub fn length(self) -> Duration {
        self.length
    }

    /// The moment so long after the start of the slice; the last one's from its start on.
    pub fn index(self, into: Duration) -> u32 {
        let index = into.as_nanos() / self.length.as_nanos();
        u32::try_from(index).map_or(MOMENTS - 1, |index| index.min(MOMENTS - 1))
    }

    /// The bits of the moments between two times after the start of the slice, both included.
    pub fn between(self, from: Duration, to: Duration) -> u64 {
        let (first, last) = (self.index(from), self.index(to));
        (u64::MAX << first) & (u64::MAX >> (MOMENTS - 1 - last))
    }
}

/// A stretch of a slice in which no request succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    /// Index of the user class; none for users of every class.
    pub class: Option<usize>,
    /// Index of the request name; none for all requests together.
    pub request: Option<usize>,
    /// When it begins, from the start of the slice.
    pub from: Duration,
    /// When it ends; at the end of the slice if it goes on.
    pub to: Duration,
    /// How long it went on after the slice while the load paused.
    pub after: Duration,
    /// Its whole length in seconds, including neighbouring slices.
    pub whole: Duration,
}

/// The silences of each slice of one arm, given in their order: of all requests together, of each name, and of each
/// class that shares a name with another.
///
/// A silence begins with a request that does not succeed in time, and ends with the next success, or with the last
/// request that waited for one.
pub fn silences(slices: &[&Slice]) -> Vec<Vec<Silence>> {
    let mut found = vec![Vec::new(); slices.len()];
    let Some(flows) = slices.first().map(|slice| &slice.flows) else {
        return found;
    };
    let mut names: Vec<u32> = flows.iter().map(|flow| flow.request).collect();
    names.sort_unstable();
    let shared: Vec<u32> = names
        .windows(2)
        .filter_map(|pair| (pair[0] == pair[1]).then_some(pair[0]))
        .collect();
    names.dedup();
    search(slices, (None, None), |_| true, &mut found);
    for name in names {
        let key = (None, Some(name));
        search(slices, key, |flow| flow.request == name, &mut found);
    }
    for of in flows.iter().filter(|flow| shared.contains(&flow.request)) {
        let same = |flow: &Flow| (flow.class, flow.request) == (of.class, of.request);
        search(slices, (Some(of.class), Some(of.request)), same, &mut found);
    }
    found
}

/// A silence that goes on: where it began, and the last moment that was waited in.
#[derive(Clone, Copy)]
struct Open {
    begin: (usize, u32),
    last: (usize, u32),
    after: Duration,
}

/// Finds the silences of those flows that `keep` picks.
fn search(
    slices: &[&Slice],
    key: (Option<u32>, Option<u32>),
    keep: impl Fn(&Flow) -> bool,
    found: &mut [Vec<Silence>],
) {
    let begun = |at| Open {
        begin: at,
        last: at,
        after: Duration::ZERO,
    };
    let mut open: Option<Open> = None;
    let mut afters = vec![Duration::ZERO; slices.len()];
    for (index, slice) in slices.iter().enumerate() {
        let mut flow = Flow::default();
        for own in slice.flows.iter().filter(|flow| keep(flow)) {
            flow.merge(own);
        }
        let is_empty = flow.waited | flow.succeeded == 0;
        for moment in 0..if is_empty { 0 } else { MOMENTS } {
            let bit = 1_u64 << moment;
            if flow.succeeded & bit != 0 {
                close(slices, key, open.take(), &mut afters, found);
            } else if flow.waited & bit != 0 {
                let at = (index, moment);
                open.get_or_insert(begun(at)).last = at;
            }
        }
        let after = flow.recovered.unwrap_or(flow.after);
        if !after.is_zero() {
            let open = open.get_or_insert(begun((index, MOMENTS)));
            open.last = (index, open.last.1.max(MOMENTS - 1));
            open.after += after;
            afters[index] = after;
        }
        if flow.recovered.is_some() {
            close(slices, key, open.take(), &mut afters, found);
        }
    }
    close(slices, key, open, &mut afters, found);
}

/// Notes a silence that has ended in each of its slices, if it is long enough.
fn close(
    slices: &[&Slice],
    (class, request): (Option<u32>, Option<u32>),
    open: Option<Open>,
    afters: &mut [Duration],
    found: &mut [Vec<Silence>],
) {
    let Some(Open { begin, last, after }) = open else {
        return;
    };
    let part = |index: usize| {
        let slice = slices[index];
        let length = SliceInstants::new(slice.length).length();
        let place = |moment: u32| match moment {
            MOMENTS.. => slice.length,
            moment => (length * moment).min(slice.length),
        };
        let from = (index == begin.0).then(|| place(begin.1));
        let to = (index == last.0).then(|| place(last.1 + 1));
        (from.unwrap_or_default(), to.unwrap_or(slice.length))
    };
    let parts = (begin.0..=last.0).map(|index| (index, part(index)));
    let within: Duration = parts
        .clone()
        .map(|(_, (from, to))| to.saturating_sub(from))
        .sum();
    let whole = within + after;
    for (index, (from, to)) in parts {
        let after = std::mem::take(&mut afters[index]);
        if whole >= SHORTEST {
            found[index].push(Silence {
                class: class.map(|class| class as usize),
                request: request.map(|request| request as usize),
                from,
                to,
                after,
                whole,
            });
        }
    }
}

#[cfg(test)]
#[path = "flow_tests.rs"]
mod tests;

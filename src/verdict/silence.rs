//! Silences that count: stretches in which a request was in flight and none succeeded, which the service's own times do
//! not explain.

use crate::measurement::{Arm, RequestStats};
use crate::record::{LoadModel, PhaseRecord, RunRecord, SilenceRecord, SliceRecord};

/// A silence longer than this counts in any phase, in seconds. A cold start, a pause of a runtime or a failover within its
/// time is shorter; users do not wait longer for a page.
const PAUSE_S: f64 = 5.0;
/// In a phase so short that half of it is less, half of it counts, but never less than this.
const SHORTEST_PAUSE_S: f64 = 2.0;
/// Share of a short phase that counts.
const PAUSE_SHARE: f64 = 0.5;
/// A silence is explained if it is not longer than this many times the latency that nearly all requests of the name exceed.
/// In an open model the latencies of one hang are spread evenly from zero to its length if its requests are served at its
/// end. So this latency is at most a twentieth of the hang, and ten times that is half of it: such a hang does not explain
/// itself. One after which requests are served as fast as they come looks like a service that always takes as long.
const TIMES: f64 = 10.0;
/// The quantile of that latency.
const USUAL: f64 = 0.05;
/// Shorter silences count only together: if they make up at least this share of a phase, or if the limit is written.
const SHORT_SHARE: f64 = 0.5;
/// With so many requests in flight, a pause of all is distinguished from a long request of each.
const MANY_IN_FLIGHT: f64 = 5.0;
/// With fewer, and with more than one.
const SOME_IN_FLIGHT: f64 = 2.0;
/// The shortest silence that counts together with others, in seconds.
const SHORT_S: f64 = 1.0;
/// The same if only one request is in flight, which may be long by itself.
const SHORT_OF_ONE_S: f64 = 2.0;
/// The same if many are in flight, and no percentile shows it.
const HIDDEN_SHORT_S: f64 = 0.5;
/// The quantile of the latency that nearly no request exceeds. A silence ten times as long is hidden: a limit on this
/// percentile does not see it, since users who wait send nothing.
const HIDDEN: f64 = 0.95;
/// A short silence counts only if it lasts as long as so many responses usually take to come. Of responses that come
/// independently, none comes in that time once in 150 times (e^-5).
const EXPECTED_RESPONSES: f64 = 5.0;

/// Silence of some requests in one phase.
pub(super) struct Silent<'r> {
    pub(super) group: Group<'r>,
    pub(super) phase: usize,
    /// In silences that count, in seconds.
    pub(super) seconds: f64,
    /// In silences that count only together with others, in seconds.
    short_s: f64,
    pub(super) of_s: f64,
}

/// The requests that a silence is about: all together, those of a name, or those of a name that one class sends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Group<'r> {
    pub(super) class: Option<&'r str>,
    pub(super) request: Option<usize>,
}

impl<'r> Group<'r> {
    const ALL: Self = Self {
        class: None,
        request: None,
    };

    fn of_silence(silence: &'r SilenceRecord) -> Self {
        Self {
            class: silence.class.as_deref(),
            request: silence.request,
        }
    }
}

/// The silences that count, by key and measured phase.
pub(super) fn silent_times(is_written: bool, record: &RunRecord, arm: Arm) -> Vec<Silent<'_>> {
    let mut own = record.slices.iter().filter(|slice| slice.arm == arm);
    if own.all(|slice| slice.silences.as_ref().is_none_or(Vec::is_empty)) {
        return Vec::new();
    }
    let [usual, longest] = Times::of_names(record, arm, [USUAL, HIDDEN]);
    let arms = if record.is_mixed() { 2.0 } else { 1.0 };
    let mut all: Vec<Silent<'_>> = Vec::new();
    for (index, phase) in record.phases.iter().enumerate() {
        if !phase.is_measured_load() {
            continue;
        }
        let of_phase = |slice: &&SliceRecord| slice.phase == index && slice.arm == arm;
        let slices: Vec<&SliceRecord> = record.slices.iter().filter(of_phase).collect();
        let length: f64 = slices.iter().map(|slice| slice.length_s).sum();
        let passes = 1 + slices.iter().map(|slice| slice.pass).max().unwrap_or(0);
        let pause = (PAUSE_SHARE * length / f64::from(passes)).clamp(SHORTEST_PAUSE_S, PAUSE_S);
        let counts = |silence: &SilenceRecord| silence.whole_s > pause && !usual.explain(silence);
        let is_short = |silence: &SilenceRecord| {
            let is_hidden = !longest.explain(silence);
            silence.whole_s <= pause
                && !usual.explain(silence)
                && ((is_written && silence.whole_s >= SHORT_S)
                    || is_of_all(phase, arms, &slices, silence, is_hidden))
        };
        for slice in &slices {
            let of_slice = slice.silences.as_deref().unwrap_or_default();
            let mut add = |group, seconds, short_s| {
                let known = all
                    .iter_mut()
                    .find(|one| one.group == group && one.phase == index);
                match known {
                    Some(known) => {
                        known.seconds += seconds;
                        known.short_s += short_s;
                    }
                    None => all.push(Silent {
                        group,
                        phase: index,
                        seconds,
                        short_s,
                        of_s: length,
                    }),
                }
            };
            for silence in of_slice {
                let lasted = lasted(slice, silence);
                if counts(silence) {
                    add(Group::of_silence(silence), lasted, 0.0);
                } else if is_short(silence) {
                    add(Group::of_silence(silence), 0.0, lasted);
                }
            }
            if let Some((group, seconds)) = unexplained(of_slice, pause, &counts) {
                add(group, seconds, 0.0);
            }
        }
        for one in all.iter_mut().filter(|one| one.phase == index) {
            // While the load of a duet pauses, time goes on for who waits.
            one.of_s += paused(record, arm, one.group, index);
            let is_limited = is_written && one.group.request.is_none();
            if is_limited || one.seconds + one.short_s >= SHORT_SHARE * one.of_s {
                one.seconds += one.short_s;
            }
        }
    }
    all
}

/// The latencies in seconds of each request name that explain a silence which is not far longer.
struct Times {
    of_names: Vec<Option<f64>>,
    slowest: Option<f64>,
}

impl Times {
    /// Some quantiles of each name, or the median of its cold starts, which their mark explains.
    fn of_names<const N: usize>(record: &RunRecord, arm: Arm, quantiles: [f64; N]) -> [Self; N] {
        let names = 0..record.requests.len();
        let pooled = names.map(|name| record.pooled(Some(name), |slice| slice.arm == arm));
        let pooled: Vec<RequestStats> = pooled.collect();
        quantiles.map(|quantile| {
            let of_names = pooled.iter().map(|all| {
                let usual = all.succeeded.quantile(quantile)?;
                Some(all.cold.quantile(0.5).map_or(usual, |cold| usual.max(cold)))
            });
            let of_names: Vec<Option<f64>> = of_names.collect();
            Self {
                slowest: of_names.iter().flatten().copied().reduce(f64::max),
                of_names,
            }
        })
    }

    fn explain(&self, silence: &SilenceRecord) -> bool {
        let time = match silence.request {
            Some(request) => self.of_names.get(request).copied().flatten(),
            None => self.slowest,
        };
        time.is_some_and(|time| silence.whole_s <= TIMES * time)
    }
}

/// Whether a short silence is one of all requests of its name, and not a long one of each: enough were in flight, or no
/// percentile shows it, and many responses would usually have come in its time. So many arms share the load of the phase.
fn is_of_all(
    phase: &PhaseRecord,
    arms: f64,
    slices: &[&SliceRecord],
    silence: &SilenceRecord,
    is_hidden: bool,
) -> bool {
    let requests = |request: Option<usize>| -> f64 {
        let cells = slices.iter().flat_map(|slice| slice.of_request(request));
        cells.map(RequestStats::requests).sum::<u64>() as f64
    };
    let length: f64 = slices.iter().map(|slice| slice.length_s).sum();
    let (of_name, of_all) = (requests(silence.request), requests(None));
    if of_name <= 0.0 || length <= 0.0 {
        return false;
    }
    let in_flight = of_name / of_all
        * match phase.model {
            LoadModel::Users => phase.peak_load,
            LoadModel::Arrivals => phase.peak_load * silence.whole_s,
        }
        / arms;
    let shortest = match (in_flight >= MANY_IN_FLIGHT, is_hidden) {
        (true, true) => HIDDEN_SHORT_S,
        (true, false) => SHORT_S,
        (false, true) if in_flight >= SOME_IN_FLIGHT => SHORT_S,
        (false, true) => SHORT_OF_ONE_S,
        (false, false) => return false,
    };
    let expected = of_name / length * silence.whole_s;
    silence.whole_s >= shortest && expected > EXPECTED_RESPONSES
}

/// How long a silence lasted in a slice; in a duet, while the load paused for it too.
fn lasted(slice: &SliceRecord, silence: &SilenceRecord) -> f64 {
    let after = if slice.pair.is_some() {
        silence.after_s
    } else {
        0.0
    };
    silence.to_s - silence.from_s + after
}

/// How long the load of a duet paused in all for requests that were not served.
fn paused(record: &RunRecord, arm: Arm, group: Group<'_>, phase: usize) -> f64 {
    let slices = record.slices.iter();
    let own =
        slices.filter(|slice| slice.phase == phase && slice.arm == arm && slice.pair.is_some());
    let silences = own.flat_map(|slice| slice.silences.iter().flatten());
    silences
        .filter(|silence| Group::of_silence(silence) == group)
        .map(|silence| silence.after_s)
        .sum()
}

/// A silence of all requests that a slow name would explain, where it overlaps with that of a name that nothing explains.
fn unexplained<'r>(
    silences: &'r [SilenceRecord],
    pause: f64,
    counts: &impl Fn(&SilenceRecord) -> bool,
) -> Option<(Group<'r>, f64)> {
    let overall = silences.iter().filter(|silence| silence.request.is_none());
    let overall = overall.filter(|silence| !counts(silence) && silence.whole_s > pause);
    let names = || {
        silences
            .iter()
            .filter(|one| one.request.is_some() && counts(one))
    };
    let shared = |all: &SilenceRecord| {
        let each = names().map(|one| one.to_s.min(all.to_s) - one.from_s.max(all.from_s));
        each.fold(0.0, f64::max)
    };
    let seconds: f64 = overall.map(shared).sum();
    (seconds > 0.0).then_some((Group::ALL, seconds))
}

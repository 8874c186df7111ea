//! What the verdict promises, world by world, and whether trials bear it out.

use super::duet::{Change, Course, Duet, Errors, Interleaving};
use super::noise::{HOSTED, Memory, NOISY, Pool, QUIET, Regime, Shape};
use super::trials::{Counts, Trial, lower, trials, upper};
use super::world::{History, promises};

/// A bar is broken where the true rate is surely (99.9 %) on the wrong side of it: a red test means a broken rule and
/// not bad luck.
const SURE: f64 = 0.001;

/// A share of failing trials that must not be exceeded, or must be reached; or a share of the planned load that must
/// suffice on average.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bar {
    AtMost(f64),
    AtLeast(f64),
    UsesAtMost(f64),
}

/// One world with its bar.
pub(crate) struct Promise {
    pub(crate) bar_id: &'static str,
    pub(crate) world: String,
    pub(crate) bar: Bar,
    thresholds: &'static str,
    of: World,
}

enum World {
    Duet(Duet),
    History(History),
}

/// A promise with what its trials came to.
pub(crate) struct Measured {
    pub(crate) promise: Promise,
    pub(crate) counts: Counts,
}

impl Measured {
    pub(crate) fn is_broken(&self) -> bool {
        let (failed, of) = (self.counts.failed, self.counts.all());
        match self.promise.bar {
            Bar::AtMost(share) => lower(failed, of, SURE) > share,
            Bar::AtLeast(share) => upper(failed, of, SURE) < share,
            Bar::UsesAtMost(share) => self.counts.used > share * of as f64,
        }
    }

    pub(crate) fn row(&self) -> String {
        let Promise {
            bar_id, world, bar, ..
        } = &self.promise;
        let percent = |share: f64| format!("{:.2} %", share * 100.0);
        let (failed, of) = (self.counts.failed, self.counts.all());
        let bar = match bar {
            Bar::AtMost(share) => format!("≤ {}", percent(*share)),
            Bar::AtLeast(share) => format!("≥ {}", percent(*share)),
            Bar::UsesAtMost(share) => format!("load ≤ {}", percent(*share)),
        };
        format!(
            "| {bar_id} | {world} | {of} | {} [{}, {}] | {} | {} | {bar} | {} |",
            percent(self.counts.share_failed()),
            percent(lower(failed, of, 0.025)),
            percent(upper(failed, of, 0.025)),
            percent(self.counts.inconclusive as f64 / of as f64),
            percent(self.counts.used / of as f64),
            if self.is_broken() {
                "**broken**"
            } else {
                "holds"
            }
        )
    }
}

/// What a gate promises where nothing is written but what it gates.
const USUAL: &str = "limits: { overall: { error_rate: off } }";
const HIGH: &str =
    "limits: { overall: { error_rate: off } }\nregression: { precision: high, must_detect: 10% }";
/// One quantile of many instances, with the usual tolerance and with none.
const P95: &str =
    "limits: { overall: { error_rate: off } }\nregression: { gate: [p95], instances: many }";
const P99: &str =
    "limits: { overall: { error_rate: off } }\nregression: { gate: [p99], instances: many }";
const P95_EXACT: &str = "limits: { overall: { error_rate: off } }\nregression: { gate: [p95], instances: many, tolerance: 0%, must_detect: 10% }";
/// One quantile of one process each.
const P95_ALONE: &str = "limits: { overall: { error_rate: off } }\nregression: { gate: [p95] }";

impl Promise {
    /// Judges so many trials, a tenth of them in a world of many names, each of which takes ten times as long and more.
    pub(crate) fn measure(self, count: u64) -> Measured {
        let counts = match &self.of {
            World::Duet(duet) => {
                let count = if duet.names > 1 {
                    count.div_ceil(10)
                } else {
                    count
                };
                let thresholds = promises(self.thresholds, duet.names);
                trials(count, |seed| duet.trial(&thresholds, seed))
            }
            World::History(history) => {
                let thresholds = promises(self.thresholds, 1);
                let pool = Pool::new(Memory::Weak);
                trials(count, |seed| {
                    Trial::of(history.outcome(&thresholds, &pool, seed))
                })
            }
        };
        Measured {
            promise: self,
            counts,
        }
    }

    fn duet(
        bar_id: &'static str,
        what: &str,
        bar: Bar,
        thresholds: &'static str,
        duet: Duet,
    ) -> Self {
        let names = match duet.names {
            1 => "1 name".to_owned(),
            names => format!("{names} names"),
        };
        let interleaving = match duet.interleaving {
            Interleaving::Mixed => "mixed".to_owned(),
            Interleaving::Turns(slice_s) => format!("{slice_s} s"),
        };
        Self {
            bar_id,
            world: format!(
                "duet, {}, {interleaving}, {} requests, {names}: {what}",
                duet.regime.name, duet.requests
            ),
            bar,
            thresholds,
            of: World::Duet(duet),
        }
    }

    fn history(bar_id: &'static str, what: &str, bar: Bar, history: History) -> Self {
        let History {
            regime,
            jobs,
            candidates,
            ..
        } = history;
        Self {
            bar_id,
            world: format!(
                "history, {}, {jobs} jobs, {candidates} candidates: {what}",
                regime.name
            ),
            bar,
            thresholds: USUAL,
            of: World::History(history),
        }
    }
}

const REGIMES: [Regime; 3] = [QUIET, HOSTED, NOISY];
const INTERLEAVINGS: [Interleaving; 3] = [
    Interleaving::Turns(5.0),
    Interleaving::Turns(1.0),
    Interleaving::Mixed,
];

fn is_noisy(regime: Regime) -> bool {
    regime.name == NOISY.name
}

/// Every promise. R is of `power.md`, the others of `statistics.md`.
pub(crate) fn all() -> Vec<Promise> {
    let mut all = unchanged();
    all.extend(sensitivity());
    all.extend(courses());
    all.extend(late());
    all.extend(looks());
    all.extend(errors());
    all.extend(references());
    for regime in REGIMES {
        all.extend(many_names(regime));
        all.extend(histories(regime));
    }
    all.extend(high_precision());
    all
}

/// R1 and R2, and a duet of five pairs.
fn unchanged() -> Vec<Promise> {
    let mut promises = Vec::new();
    let at_most =
        |share, what: &str, duet| Promise::duet("R1", what, Bar::AtMost(share), USUAL, duet);
    for interleaving in INTERLEAVINGS {
        for requests in [1_000, 3_000, 10_000] {
            let of = |regime| Duet {
                interleaving,
                requests,
                ..Duet::of(regime)
            };
            for regime in REGIMES {
                promises.push(at_most(0.01, "unchanged", of(regime)));
            }
            let hosted = of(HOSTED);
            let strong = Duet {
                memory: Memory::Strong,
                ..hosted
            };
            promises.push(at_most(0.01, "unchanged, strong memory", strong));
            for (shape, what) in [
                (Shape::Bimodal, "unchanged, bimodal"),
                (Shape::Heavy, "unchanged, heavy-tailed"),
                (Shape::Tight, "unchanged, tight"),
                (Shape::Constant, "unchanged, alike by themselves"),
            ] {
                promises.push(at_most(0.01, what, Duet { shape, ..hosted }));
            }
        }
    }
    let many = Duet {
        requests: 20_000,
        ..Duet::of(NOISY)
    };
    promises.push(Promise::duet(
        "R2",
        "unchanged",
        Bar::AtMost(0.013),
        USUAL,
        many,
    ));
    for regime in REGIMES {
        let five = Duet {
            interleaving: Interleaving::Turns(5.0),
            seconds: 50.0,
            early: false,
            ..Duet::of(regime)
        };
        promises.push(Promise::duet(
            "D4",
            "unchanged, 5 pairs",
            Bar::AtMost(0.01),
            USUAL,
            five,
        ));
    }
    promises
}

/// R3 to R6: what one quantile sees, judged once.
fn sensitivity() -> Vec<Promise> {
    let mut promises = Vec::new();
    let mut add = |id, what: &str, share, thresholds, duet: Duet| {
        let once = Duet {
            early: false,
            seconds: 120.0,
            ..duet
        };
        promises.push(Promise::duet(
            id,
            what,
            Bar::AtLeast(share),
            thresholds,
            once,
        ));
    };
    let second = |regime| Duet {
        interleaving: Interleaving::Turns(1.0),
        ..Duet::of(regime)
    };
    add("R3", "P95 +20 %", 0.94, P95, second(HOSTED).slower(1.2));
    add("R3", "P95 +20 %", 0.91, P95, second(NOISY).slower(1.2));
    add("R3", "P99 +30 %", 0.92, P99, second(HOSTED).slower(1.3));
    add("R3", "P99 +30 %", 0.90, P99, second(NOISY).slower(1.3));
    let mixed = Duet::of;
    add("R4", "P95 +20 %", 0.96, P95, mixed(HOSTED).slower(1.2));
    add(
        "R4",
        "P95 +20 %, one process",
        0.94,
        P95_ALONE,
        mixed(HOSTED).slower(1.2),
    );
    add("R4", "P95 +20 %", 0.95, P95, mixed(NOISY).slower(1.2));
    add("R4", "P99 +30 %", 0.94, P99, mixed(HOSTED).slower(1.3));
    add("R4", "P99 +30 %", 0.93, P99, mixed(NOISY).slower(1.3));
    let exact = |requests| Duet {
        requests,
        instances: false,
        ..mixed(HOSTED)
    };
    add(
        "R5",
        "P95 +10 %, no tolerance",
        0.80,
        P95_EXACT,
        exact(3_000).slower(1.1),
    );
    add(
        "R5",
        "P95 +10 %, no tolerance",
        0.97,
        P95_EXACT,
        exact(6_000).slower(1.1),
    );
    let shaped = |shape| Duet {
        shape,
        ..mixed(HOSTED)
    };
    let bimodal = shaped(Shape::Bimodal).slower(1.2);
    let fewer = Duet {
        misses: 0.04,
        ..bimodal
    };
    let what = "P95 +20 %, bimodal, misses beyond the percentile";
    add("R6", what, 0.73, P95, fewer);
    // Where hits and misses meet at the percentile, it says the least.
    let what = "P95 +20 %, bimodal, misses at the percentile";
    add("R6", what, 0.50, P95, bimodal);
    add(
        "R6",
        "P95 +20 %, heavy-tailed",
        0.92,
        P95,
        shaped(Shape::Heavy).slower(1.2),
    );
    add(
        "R6",
        "P95 +10 %, tight",
        0.83,
        P95,
        shaped(Shape::Tight).slower(1.1),
    );
    for requests in [3_000, 6_000] {
        let duet = Duet {
            early: false,
            seconds: 120.0,
            ..exact(requests)
        };
        let what = "unchanged, no tolerance";
        promises.push(Promise::duet(
            "R5",
            what,
            Bar::AtMost(0.01),
            P95_EXACT,
            duet,
        ));
    }
    promises
}

/// L1: a generator that is late in two of five pairs, which are dropped.
fn late() -> Vec<Promise> {
    let late = |duet: Duet| Duet { late: 0.4, ..duet };
    let mut promises = Vec::new();
    for regime in [HOSTED, NOISY] {
        for requests in [3_000, 10_000] {
            let duet = late(Duet {
                requests,
                ..Duet::of(regime)
            });
            let what = "unchanged, 40 % of the pairs late";
            promises.push(Promise::duet("L1", what, Bar::AtMost(0.01), USUAL, duet));
        }
        let what = "P95 +20 %, 40 % of the pairs late";
        let slower = late(Duet {
            early: false,
            ..Duet::of(regime)
        });
        let slower = slower.slower(1.2);
        promises.push(Promise::duet("L1", what, Bar::AtLeast(0.85), P95, slower));
    }
    promises
}

/// R7: what changes over the time of a run.
fn courses() -> Vec<Promise> {
    let mut promises = Vec::new();
    for interleaving in INTERLEAVINGS {
        for (course, what) in [
            (Course::Ramp, "unchanged, ramp of 40 %"),
            (Course::Step, "unchanged, step of 40 %"),
            (Course::Drift, "unchanged, drift of 40 %"),
        ] {
            let duet = Duet {
                interleaving,
                course,
                ..Duet::of(HOSTED)
            };
            promises.push(Promise::duet("R7", what, Bar::AtMost(0.01), USUAL, duet));
        }
    }
    promises
}

/// R10: a duet that may end early beside one that may not, and a change that only the slowest requests show.
fn looks() -> Vec<Promise> {
    let mut promises = Vec::new();
    for regime in REGIMES {
        for interleaving in INTERLEAVINGS {
            let duet = Duet {
                interleaving,
                requests: 10_000,
                ..Duet::of(regime)
            };
            let slowest = Duet {
                change: Change {
                    factor: 1.3,
                    slowest: 0.02,
                },
                ..duet
            };
            let whole = |duet| Duet {
                early: false,
                ..duet
            };
            // Six tenths of the twelve pairs that a duet had before it could end early.
            let uses = Bar::UsesAtMost(0.6 * 12.0 / 15.0);
            let mut add = |what, bar, duet| {
                promises.push(Promise::duet("R10", what, bar, USUAL, duet));
            };
            add("unchanged, time", uses, duet);
            add("+10 %", Bar::AtLeast(0.0), duet.slower(1.1));
            add("+10 %, whole", Bar::AtLeast(0.0), whole(duet.slower(1.1)));
            // Long slices on a noisy machine differ by more than the requests in them do.
            let is_disturbed = is_noisy(regime) && interleaving == Interleaving::Turns(5.0);
            let twenty = Bar::AtLeast(if is_disturbed { 0.75 } else { 0.90 });
            add("+20 %", twenty, duet.slower(1.2));
            add("+20 %, whole", twenty, whole(duet.slower(1.2)));
            add("+50 %", Bar::AtLeast(0.99), duet.slower(1.5));
            add("slowest 2 % +30 %", Bar::AtLeast(0.0), slowest);
            add(
                "slowest 2 % +30 %, whole",
                Bar::AtLeast(0.0),
                whole(slowest),
            );
        }
    }
    promises
}

/// D5: several names, of which one is slower.
fn many_names(regime: Regime) -> Vec<Promise> {
    let (false_alarms, caught) = if is_noisy(regime) {
        (0.025, 0.75)
    } else {
        (0.01, 0.90)
    };
    let numbers = [5, 20].into_iter();
    let promises = numbers.flat_map(|names| {
        let duet = Duet {
            names,
            requests: 10_000,
            ..Duet::of(regime)
        };
        let slower = duet.slower(1.2);
        [
            Promise::duet("D5", "unchanged", Bar::AtMost(false_alarms), USUAL, duet),
            Promise::duet("D5", "one +20 %", Bar::AtLeast(caught), USUAL, slower),
        ]
    });
    promises.collect()
}

/// D7.
fn high_precision() -> Vec<Promise> {
    let mut promises = Vec::new();
    for regime in [QUIET, HOSTED] {
        let duet = Duet {
            seconds: 240.0,
            requests: 20_000,
            early: false,
            ..Duet::of(regime)
        };
        let slower = duet.slower(1.1);
        promises.extend([
            Promise::duet(
                "D7",
                "unchanged, high precision",
                Bar::AtMost(0.01),
                HIGH,
                duet,
            ),
            Promise::duet(
                "D7",
                "+10 %, high precision",
                Bar::AtLeast(0.65),
                HIGH,
                slower,
            ),
        ]);
    }
    promises
}

/// H1 to H3.
fn histories(regime: Regime) -> Vec<Promise> {
    let noisy = is_noisy(regime);
    let ten = History {
        regime,
        names: 1,
        jobs: 10,
        candidates: 1,
        slower: 1.0,
        reference: None,
    };
    let slower = |history: History, slower| History { slower, ..history };
    let three = History {
        candidates: 3,
        ..ten
    };
    let alone = History { jobs: 1, ..ten };
    let mut promises = vec![
        Promise::history(
            "H1",
            "unchanged",
            Bar::AtMost(if noisy { 0.03 } else { 0.015 }),
            ten,
        ),
        Promise::history("H1", "+50 %", Bar::AtLeast(0.96), slower(ten, 1.5)),
        Promise::history("H2", "unchanged", Bar::AtMost(0.01), three),
        Promise::history(
            "H3",
            "unchanged",
            Bar::AtMost(if noisy { 0.035 } else { 0.005 }),
            alone,
        ),
    ];
    if !noisy {
        let quiet = regime.name == QUIET.name;
        let caught = if quiet { 0.95 } else { 0.60 };
        promises.push(Promise::history(
            "H1",
            "+20 %",
            Bar::AtLeast(caught),
            slower(ten, 1.2),
        ));
        promises.push(Promise::history(
            "H2",
            "+20 %",
            Bar::AtLeast(0.87),
            slower(three, 1.2),
        ));
    }
    promises
}

/// R9: one quantile against jobs that measured a reference too.
fn references() -> Vec<Promise> {
    let history = |regime, jobs, correlation| History {
        regime,
        names: 1,
        jobs,
        candidates: 1,
        slower: 1.0,
        reference: Some(correlation),
    };
    let slower = |history: History| History {
        slower: 1.2,
        ..history
    };
    let (ten, five) = (history(HOSTED, 10, 0.9), history(HOSTED, 5, 0.9));
    let promises = [
        ("reference .9, unchanged", Bar::AtMost(0.005), ten),
        ("reference .9, +20 %", Bar::AtLeast(0.94), slower(ten)),
        ("reference .9, +20 %", Bar::AtLeast(0.90), slower(five)),
        (
            "reference .6, unchanged",
            Bar::AtMost(0.015),
            history(NOISY, 10, 0.6),
        ),
    ];
    let promises = promises.map(|(what, bar, history)| Promise {
        thresholds: P95_ALONE,
        ..Promise::history("R9", what, bar, history)
    });
    promises.into()
}

/// E1 and the errors of R7: as many slices as a verdict of errors needs to see bursts, and as many as a mixed duet has.
fn errors() -> Vec<Promise> {
    let mut promises = Vec::new();
    let alike = |errors| (errors, errors);
    let rare = Bar::AtMost(0.012);
    let caught = Bar::AtLeast(0.99);
    for (interleaving, seconds, requests) in [
        (Interleaving::Turns(5.0), 80.0, 32_000),
        (Interleaving::Turns(1.0), 120.0, 3_000),
        (Interleaving::Mixed, 120.0, 3_000),
    ] {
        let is_large = requests > 10_000;
        let mut add = |what: &str, bar, errors| {
            let duet = Duet {
                interleaving,
                seconds,
                requests,
                early: false,
                errors,
                ..Duet::of(QUIET)
            };
            promises.push(Promise::duet("E1", what, bar, USUAL, duet));
        };
        for share in [0.001, 0.01] {
            let percent = 100.0 * share;
            for (errors, what) in [
                (Errors::Independent(share), "errors"),
                (Errors::Clustered(share), "clustered errors"),
                (Errors::Bursts(share), "bursts of errors on"),
            ] {
                add(
                    &format!("unchanged, {percent} % {what}"),
                    rare,
                    alike(errors),
                );
            }
        }
        add(
            "unchanged, bursts on none",
            rare,
            alike(Errors::Bursts(0.0)),
        );
        let grown = |before, now| (Errors::Independent(before), Errors::Independent(now));
        if is_large {
            add("errors 0.1 % to 0.6 %", caught, grown(0.001, 0.006));
            add("errors none to 0.5 %", caught, grown(0.0, 0.005));
        } else {
            add("errors none to 1 %", Bar::AtLeast(0.83), grown(0.0, 0.01));
            add("errors 1 % to 3 %", Bar::AtLeast(0.80), grown(0.01, 0.03));
            add("errors 1 % to 5 %", caught, grown(0.01, 0.05));
        }
    }
    promises
}

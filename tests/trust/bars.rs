//! What the verdict promises, world by world, and whether trials bear it out.

use super::noise::{HOSTED, Memory, NOISY, Pool, QUIET, Regime, Shape};
use super::trials::{Counts, lower, trials, upper};
use super::world::{Course, Duet, Errors, History, promises};

/// A bar is broken where the true rate is surely (99.9 %) on the wrong side of it: a red test means a broken rule and
/// not bad luck.
const SURE: f64 = 0.001;

/// A share of failing trials that must not be exceeded, or must be reached.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bar {
    AtMost(f64),
    AtLeast(f64),
}

/// One world with its bar.
pub(crate) struct Promise {
    pub(crate) bar_id: &'static str,
    pub(crate) world: String,
    pub(crate) bar: Bar,
    thresholds: &'static str,
    memory: Memory,
    shape: Shape,
    trial: Trial,
}

enum Trial {
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
        };
        format!(
            "| {bar_id} | {world} | {of} | {} [{}, {}] | {} | {bar} | {} |",
            percent(self.counts.share_failed()),
            percent(lower(failed, of, 0.025)),
            percent(upper(failed, of, 0.025)),
            percent(self.counts.inconclusive as f64 / of as f64),
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
const HIGH: &str = "limits: { overall: { error_rate: off } }\nregression: { precision: high }";

impl Promise {
    /// Judges so many trials, a tenth of them in a world of many names, each of which takes ten times as long and more.
    pub(crate) fn measure(self, count: u64) -> Measured {
        let is_many = matches!(&self.trial, Trial::Duet(duet) if duet.names > 1);
        let count = if is_many { count.div_ceil(10) } else { count };
        let pool = Pool::new(self.memory, self.shape);
        let counts = match &self.trial {
            Trial::Duet(duet) => {
                let thresholds = promises(self.thresholds, duet.names);
                trials(count, |seed| duet.outcome(&thresholds, &pool, seed))
            }
            Trial::History(history) => {
                let thresholds = promises(self.thresholds, 1);
                trials(count, |seed| history.outcome(&thresholds, &pool, seed))
            }
        };
        Measured {
            promise: self,
            counts,
        }
    }

    fn duet(bar_id: &'static str, what: &str, bar: Bar, memory: Memory, duet: Duet) -> Self {
        let names = match duet.names {
            1 => "1 name".to_owned(),
            names => format!("{names} names"),
        };
        let memory_word = match memory {
            Memory::Weak => "weak",
            Memory::Strong => "strong",
        };
        Self {
            bar_id,
            world: format!("duet, {}, {memory_word}, {names}: {what}", duet.regime.name),
            bar,
            thresholds: USUAL,
            memory,
            shape: Shape::Usual,
            trial: Trial::Duet(duet),
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
            memory: Memory::Weak,
            shape: Shape::Usual,
            trial: Trial::History(history),
        }
    }
}

const REGIMES: [Regime; 3] = [QUIET, HOSTED, NOISY];
const MEMORIES: [Memory; 2] = [Memory::Weak, Memory::Strong];

fn is_noisy(regime: Regime) -> bool {
    regime.name == NOISY.name
}

/// Every promise of `statistics.md` 5.1.
pub(crate) fn all() -> Vec<Promise> {
    let mut all = Vec::new();
    for regime in REGIMES {
        for memory in MEMORIES {
            all.extend(one_name(regime, memory));
        }
        all.extend(five_pairs(regime));
        all.extend(many_names(regime));
        all.extend(courses_and_shapes(regime));
        all.extend(histories(regime));
    }
    all.extend(high_precision());
    all.extend(errors());
    all
}

/// D1 to D3.
fn one_name(regime: Regime, memory: Memory) -> Vec<Promise> {
    let unchanged = Duet::of(regime);
    let slower = |slower| Duet {
        slower,
        ..unchanged
    };
    let twenty = if is_noisy(regime) { 0.88 } else { 0.95 };
    vec![
        Promise::duet("D1", "unchanged", Bar::AtMost(0.01), memory, unchanged),
        Promise::duet("D2", "+20 %", Bar::AtLeast(twenty), memory, slower(1.2)),
        Promise::duet("D3", "+50 %", Bar::AtLeast(0.995), memory, slower(1.5)),
    ]
}

/// D4.
fn five_pairs(regime: Regime) -> Vec<Promise> {
    let unchanged = Duet {
        pairs: 5,
        looks: 1,
        ..Duet::of(regime)
    };
    let mut promises = vec![Promise::duet(
        "D4",
        "unchanged, 5 pairs",
        Bar::AtMost(0.01),
        Memory::Weak,
        unchanged,
    )];
    if !is_noisy(regime) {
        let slower = Duet {
            slower: 1.2,
            ..unchanged
        };
        promises.push(Promise::duet(
            "D4",
            "+20 %, 5 pairs",
            Bar::AtLeast(0.85),
            Memory::Weak,
            slower,
        ));
    }
    promises
}

/// D5, and the same bars for fewer names.
fn many_names(regime: Regime) -> Vec<Promise> {
    let numbers = [5, 20].into_iter();
    numbers.flat_map(|names| names_of(regime, names)).collect()
}

fn names_of(regime: Regime, names: usize) -> Vec<Promise> {
    let unchanged = Duet {
        names,
        ..Duet::of(regime)
    };
    let slower = Duet {
        slower: 1.2,
        ..unchanged
    };
    let (false_alarms, caught) = if is_noisy(regime) {
        (0.025, 0.75)
    } else {
        (0.01, 0.90)
    };
    vec![
        Promise::duet(
            "D5",
            "unchanged",
            Bar::AtMost(false_alarms),
            Memory::Weak,
            unchanged,
        ),
        Promise::duet(
            "D5",
            "one +20 %",
            Bar::AtLeast(caught),
            Memory::Weak,
            slower,
        ),
    ]
}

/// D6, and worlds of another shape.
fn courses_and_shapes(regime: Regime) -> Vec<Promise> {
    let mut promises = Vec::new();
    for (course, what) in [
        (Course::Ramp, "unchanged, ramp of 40 %"),
        (Course::Step, "unchanged, step of 40 %"),
        (Course::Drift, "unchanged, drift of 40 %"),
    ] {
        let duet = Duet {
            course,
            ..Duet::of(regime)
        };
        promises.push(Promise::duet(
            "D6",
            what,
            Bar::AtMost(0.01),
            Memory::Weak,
            duet,
        ));
    }
    for (shape, what) in [
        (Shape::Bimodal, "unchanged, bimodal"),
        (Shape::Heavy, "unchanged, heavy-tailed"),
        (Shape::Constant, "unchanged, all latencies alike"),
    ] {
        let duet = Promise::duet(
            "D1",
            what,
            Bar::AtMost(0.01),
            Memory::Weak,
            Duet::of(regime),
        );
        promises.push(Promise { shape, ..duet });
    }
    promises
}

/// D7.
fn high_precision() -> Vec<Promise> {
    let mut promises = Vec::new();
    for regime in [QUIET, HOSTED] {
        let unchanged = Duet {
            pairs: 24,
            looks: 1,
            ..Duet::of(regime)
        };
        let slower = Duet {
            slower: 1.1,
            ..unchanged
        };
        for (what, bar, duet) in [
            ("unchanged, high precision", Bar::AtMost(0.01), unchanged),
            ("+10 %, high precision", Bar::AtLeast(0.65), slower),
        ] {
            let promise = Promise::duet("D7", what, bar, Memory::Weak, duet);
            promises.push(Promise {
                thresholds: HIGH,
                ..promise
            });
        }
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

/// E1.
fn errors() -> Vec<Promise> {
    let alike = |errors| (errors, errors);
    let mut promises = Vec::new();
    let mut add = |what: &str, bar, errors| {
        let duet = Duet {
            pairs: 8,
            looks: 1,
            errors,
            ..Duet::of(QUIET)
        };
        promises.push(Promise::duet("E1", what, bar, Memory::Weak, duet));
    };
    let rare = Bar::AtMost(0.012);
    add(
        "unchanged, 0.1 % errors",
        rare,
        alike(Errors::Independent(0.001)),
    );
    add(
        "unchanged, 1 % errors",
        rare,
        alike(Errors::Independent(0.01)),
    );
    add(
        "unchanged, 0.1 % clustered",
        rare,
        alike(Errors::Clustered(0.001)),
    );
    add(
        "unchanged, 1 % clustered",
        rare,
        alike(Errors::Clustered(0.01)),
    );
    add(
        "unchanged, bursts on none",
        rare,
        alike(Errors::Bursts(0.0)),
    );
    add(
        "unchanged, bursts on 0.1 %",
        rare,
        alike(Errors::Bursts(0.001)),
    );
    add(
        "unchanged, bursts on 1 %",
        rare,
        alike(Errors::Bursts(0.01)),
    );
    let caught = Bar::AtLeast(0.99);
    add(
        "errors 0.1 % to 0.6 %",
        caught,
        (Errors::Independent(0.001), Errors::Independent(0.006)),
    );
    add(
        "errors none to 0.5 %",
        caught,
        (Errors::None, Errors::Independent(0.005)),
    );
    promises
}

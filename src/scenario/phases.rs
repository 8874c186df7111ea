//! Compiles the load: phases in order, some of them repeated as a block.

use std::collections::BTreeSet;
use std::time::Duration;

use super::collections::{Block as BlockSource, Items};
use super::source;
use super::variables::Variables;
use super::{Phase, Shape};
use crate::units::{parse_duration, parse_rate};
use crate::yaml::{Cursor, Error, Located};

/// The most concurrent users: with more, one machine runs out of ports and files.
const MOST_USERS: u32 = 100_000;

/// The default of `max_users`: the default concurrency of a Lambda account. More users would only wait there, and the
/// queue is counted in both cases.
const DEFAULT_MAX_USERS: u32 = 1_000;

/// The most arrivals per second: ten times what one machine can send.
const MOST_ARRIVALS: f64 = 1e6;

/// The most passes of a repeat.
const MOST_PASSES: u32 = 1_000;

/// The most phases with repeats unrolled: each keeps its own slices.
const MOST_PHASES: usize = 10_000;

/// The longest load with repeats: no CI runs longer jobs.
const LONGEST: Duration = Duration::from_hours(24 * 7);

/// The most statistics that a run keeps, one for each name in each slice: about 400 MB on each core.
const MOST_CELLS: usize = 4_000_000;

/// The most rows that a run keeps, one for each name in each phase.
const MOST_ROWS: usize = 200_000;

/// Phases that run in sequence, once or several times.
pub(super) struct Block {
    pub(super) passes: u32,
    /// The phases of the first pass.
    pub(super) phases: Vec<Phase>,
}

/// Compiles `load`.
pub(super) fn blocks(
    source: &Items<'_, BlockSource<'_>>,
    names: usize,
    variables: &Variables<'_>,
) -> Result<Vec<Block>, Error> {
    let mut compiler = Compiler {
        variables,
        names: BTreeSet::new(),
    };
    let blocks = source.items.iter().map(|item| compiler.block(item));
    let blocks: Vec<Block> = blocks.collect::<Result<_, _>>()?;
    let length = |block: &Block| block.phases.len().saturating_mul(block.passes as usize);
    let unrolled: usize = blocks.iter().map(length).sum();
    if unrolled > MOST_PHASES {
        return Err(source.at.error(format_args!(
            "{unrolled} phases with repeats unrolled are too many, at most {MOST_PHASES} are run"
        )));
    }
    refuse_huge(&source.at, &blocks, names)?;
    let is_judged = |phase: &Phase| phase.measure && !phase.shape.is_idle();
    if !blocks.iter().flat_map(|block| &block.phases).any(is_judged) {
        return Err(source.at.error("no phase is both measured and sends something, so there is nothing to judge; add one without 'measure: false'"));
    }
    Ok(blocks)
}

/// Refuses a load that is too long or needs too much memory.
fn refuse_huge(section: &Cursor<'_>, blocks: &[Block], names: usize) -> Result<(), Error> {
    let mut length = Duration::ZERO;
    let (mut slices, mut phases) = (0_usize, 0_usize);
    for block in blocks {
        phases += block.phases.len();
        for phase in &block.phases {
            length += phase.duration * block.passes;
            let one = phase.duration.as_nanos() / phase.slice().as_nanos().max(1);
            let one = usize::try_from(one.max(1)).unwrap_or(usize::MAX);
            slices = slices.saturating_add(one.saturating_mul(block.passes as usize));
        }
    }
    if length > LONGEST {
        return Err(section.error(format_args!(
            "the load lasts {} hours with repeats unrolled, and at most {} are possible; shorten its phases or repeat them less often",
            length.as_secs() / 3600,
            LONGEST.as_secs() / 3600
        )));
    }
    if slices.saturating_mul(names) > MOST_CELLS || phases.saturating_mul(names) > MOST_ROWS {
        return Err(section.error(format_args!(
            "{names} names of requests in {phases} phases of {slices} slices are too many to keep; shorten the load, or give steps that do the same one 'name'"
        )));
    }
    Ok(())
}

/// Unrolls the repeats.
pub(super) fn unroll(blocks: &[Block]) -> Vec<Phase> {
    let mut load = Vec::new();
    for block in blocks {
        for pass in 0..block.passes {
            let phases = block.phases.iter().cloned();
            load.extend(phases.map(|phase| Phase { pass, ..phase }));
        }
    }
    load
}

struct Compiler<'a> {
    variables: &'a Variables<'a>,
    names: BTreeSet<String>,
}

impl Compiler<'_> {
    fn block(&mut self, item: &Located<'_, BlockSource<'_>>) -> Result<Block, Error> {
        match &item.value {
            BlockSource::Phase(phase) => Ok(Block {
                passes: 1,
                phases: vec![self.phase(&item.at, phase, 1)?],
            }),
            BlockSource::Repeat(source) => {
                let passes = self.whole(&source.repeat, "passes", 1..=MOST_PASSES)?;
                let phases = source.phases.items.iter();
                let phases = phases.map(|phase| self.phase(&phase.at, &phase.value.0, passes));
                Ok(Block {
                    passes,
                    phases: phases.collect::<Result<_, _>>()?,
                })
            }
        }
    }

    fn phase(
        &mut self,
        at: &Cursor<'_>,
        source: &source::LoadPhase<'_>,
        passes: u32,
    ) -> Result<Phase, Error> {
        let name = &source.phase.value.0;
        let index = self.names.len();
        if !self.names.insert(name.clone()) {
            return Err(source.phase.at.error(format_args!(
                "another phase is named '{name}' as well; give each its own name; for several passes of the same phases use repeat"
            )));
        }
        let duration = self.variables.known(&source.r#for, parse_duration)?;
        if duration.is_zero() {
            return Err(source.r#for.error("must be longer than 0s"));
        }
        Ok(Phase {
            name: name.clone(),
            index,
            pass: 0,
            passes,
            duration,
            shape: self.shape(at, source)?,
            measure: source.measure.unwrap_or(true),
        })
    }

    fn shape(&self, at: &Cursor<'_>, source: &source::LoadPhase<'_>) -> Result<Shape, Error> {
        match (&source.users, &source.arrivals) {
            (Some(users), None) => {
                let spacing = source.spacing.as_ref().map(|spacing| &spacing.at);
                if let Some(at) = spacing.or(source.max_users.as_deref()) {
                    return Err(at.error("belongs to arrivals, but this phase has users"));
                }
                let what = "a number of users, write one such as 20, or a range such as 0..100";
                let (from, to) = self.range(users, |text| count(text, 0..=MOST_USERS, what))?;
                Ok(Shape::Users { from, to })
            }
            (None, Some(arrivals)) => {
                let (from, to) = self.range(arrivals, rate)?;
                let max_users = match &source.max_users {
                    Some(number) => self.whole(number, "users", 1..=MOST_USERS)?,
                    None => DEFAULT_MAX_USERS,
                };
                let spacing = source.spacing.as_ref();
                Ok(Shape::Arrivals {
                    from,
                    to,
                    spacing: spacing.map(|spacing| spacing.value).unwrap_or_default(),
                    max_users,
                })
            }
            (Some(_), Some(_)) => Err(at.error("has both users and arrivals; remove one of them")),
            (None, None) => {
                Err(at.error("needs users (a number of them) or arrivals (a rate such as 200/s)"))
            }
        }
    }

    /// Parses `A`, `A..B` or an expression that yields either.
    fn range<T: Copy>(
        &self,
        value: &Cursor<'_>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<(T, T), Error> {
        self.variables.known(value, |text| {
            // Half a range is refused as a whole.
            let ends = text
                .split_once("..")
                .filter(|(from, to)| !from.is_empty() && !to.is_empty());
            let (from, to) = ends.unwrap_or((text, text));
            Ok::<_, String>((parse(from.trim())?, parse(to.trim())?))
        })
    }

    fn whole(
        &self,
        value: &Cursor<'_>,
        what: &str,
        bounds: std::ops::RangeInclusive<u32>,
    ) -> Result<u32, Error> {
        let what = format!("a number of {what}");
        self.variables
            .known(value, |text| count(text, bounds.clone(), &what))
    }
}

fn count(text: &str, bounds: std::ops::RangeInclusive<u32>, what: &str) -> Result<u32, String> {
    let number: Option<u64> = text.parse().ok();
    let number = number.ok_or_else(|| format!("'{text}' is not {what}"))?;
    let within = u32::try_from(number).ok().filter(|it| bounds.contains(it));
    let (start, end) = (bounds.start(), bounds.end());
    within.ok_or_else(|| format!("{number} is out of bounds; use {start} to {end}"))
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = parse_rate(text).map_err(|error| error.to_string())?;
    if rate > MOST_ARRIVALS {
        return Err(format!(
            "'{text}' is more than one machine can send; use at most {MOST_ARRIVALS}/s"
        ));
    }
    Ok(rate)
}

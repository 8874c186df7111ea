//! The load: phases in their order, some of them repeated as a block.

use std::collections::BTreeSet;
use std::time::Duration;

use super::misplaced;
use super::variables::Variables;
use super::{Phase, Shape, Spacing};
use crate::units::{parse_duration, parse_rate};
use crate::yaml::{Cursor, Error, Fields, Keys};

/// The most users at once: beyond it one machine runs out of ports and files first.
const MOST_USERS: u32 = 100_000;

/// The users that arrivals may occupy where `max_users` is silent. More than a Lambda account's default concurrency of
/// 1,000 would only wait there; the queue is counted either way.
const DEFAULT_MAX_USERS: u32 = 1_000;

/// The most arrivals per second: ten times what one machine can send.
const MOST_ARRIVALS: f64 = 1e6;

/// The most passes of a repeat.
const MOST_PASSES: u32 = 1_000;

/// The most phases with repeats unrolled: each keeps its own slices.
const MOST_PHASES: usize = 10_000;

/// The longest load, repeats counted: a phase can be as long, and a job that takes longer does not end in any CI.
const LONGEST: Duration = Duration::from_hours(24 * 7);

/// The most cells that a run keeps, one for each name in each slice: some 400 MB on each core.
const MOST_CELLS: usize = 4_000_000;

/// The most rows that a run keeps, one for each name in each phase.
const MOST_ROWS: usize = 200_000;

/// Phases that are run through together, once or several times.
pub(super) struct Block {
    pub(super) passes: u32,
    /// As they are in the first pass.
    pub(super) phases: Vec<Phase>,
}

/// Reads `load`.
pub(super) fn read(
    section: &Cursor<'_>,
    names: usize,
    variables: &Variables<'_>,
) -> Result<Vec<Block>, Error> {
    let mut reader = Reader {
        variables,
        names: BTreeSet::new(),
    };
    let items = section.filled_list()?;
    let blocks: Vec<_> = items
        .iter()
        .map(|item| reader.block(item))
        .collect::<Result<_, _>>()?;
    let unrolled: usize = blocks
        .iter()
        .map(|block| block.passes as usize * block.phases.len())
        .sum();
    if unrolled > MOST_PHASES {
        return Err(section.error(format_args!(
            "{unrolled} phases with repeats unrolled are too many, at most {MOST_PHASES} are run"
        )));
    }
    bounded(section, &blocks, names)?;
    let judged = |phase: &Phase| phase.measure && !phase.shape.is_idle();
    if !blocks.iter().flat_map(|block| &block.phases).any(judged) {
        return Err(section.error("no phase is both measured and sends something, so there is nothing to judge: add one without 'measure: false'"));
    }
    Ok(blocks)
}

/// Refuses a load that is too long or keeps too much. Every slice keeps a cell for each of the names.
fn bounded(section: &Cursor<'_>, blocks: &[Block], names: usize) -> Result<(), Error> {
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
    let passes = |block: &Block| (0..block.passes).collect::<Vec<_>>();
    blocks
        .iter()
        .flat_map(|block| passes(block).into_iter().map(move |pass| (block, pass)))
        .flat_map(|(block, pass)| {
            let nth = move |phase: &Phase| Phase {
                pass,
                ..phase.clone()
            };
            block.phases.iter().map(nth)
        })
        .collect()
}

struct Reader<'a> {
    variables: &'a Variables<'a>,
    names: BTreeSet<String>,
}

impl Reader<'_> {
    fn block(&mut self, cursor: &Cursor<'_>) -> Result<Block, Error> {
        if cursor.node().get("repeat").is_none() {
            return Ok(Block {
                passes: 1,
                phases: vec![self.phase(cursor, 1)?],
            });
        }
        let fields = cursor.fields(Keys::known(&["repeat", "phases"]))?;
        let passes = self.whole(fields.require("repeat")?, "passes", 1..=MOST_PASSES)?;
        let mut phases = Vec::new();
        for cursor in fields.require("phases")?.filled_list()? {
            if cursor.node().get("repeat").is_some() {
                return Err(
                    cursor.error("a repeat cannot stand inside of another, write its phases out")
                );
            }
            phases.push(self.phase(&cursor, passes)?);
        }
        Ok(Block { passes, phases })
    }

    fn phase(&mut self, cursor: &Cursor<'_>, passes: u32) -> Result<Phase, Error> {
        let keys = [
            "phase",
            "users",
            "arrivals",
            "spacing",
            "max_users",
            "for",
            "measure",
        ];
        let fields = cursor.fields(Keys {
            known: &keys,
            misplaced: misplaced::IN_PHASE,
        })?;
        let name = fields.require("phase")?;
        let text = name.name()?;
        if text == "all" {
            return Err(name.error("'all' means all phases together, choose another name"));
        }
        let index = self.names.len();
        if !self.names.insert(text.to_owned()) {
            return Err(name.error(format_args!(
                "another phase is named '{text}' as well, give each its own name; for several passes of the same phases use repeat"
            )));
        }
        let length = fields.require("for")?;
        let duration = self.variables.known(length, parse_duration)?;
        if duration.is_zero() {
            return Err(length.error("must be longer than 0s"));
        }
        Ok(Phase {
            name: text.to_owned(),
            index,
            pass: 0,
            passes,
            duration,
            shape: self.shape(&fields)?,
            measure: fields.read_or("measure", true, Cursor::boolean)?,
        })
    }

    fn shape(&self, fields: &Fields<'_>) -> Result<Shape, Error> {
        match (fields.get("users"), fields.get("arrivals")) {
            (Some(users), None) => {
                for key in ["spacing", "max_users"] {
                    if let Some(cursor) = fields.get(key) {
                        return Err(cursor.error("belongs to arrivals, and this phase has users"));
                    }
                }
                let (from, to) = self.range(users, |text| {
                    count(
                        text,
                        0..=MOST_USERS,
                        "a number of users, write one such as 20, or a range such as 0..100",
                    )
                })?;
                Ok(Shape::Users { from, to })
            }
            (None, Some(arrivals)) => {
                let (from, to) = self.range(arrivals, rate)?;
                let max_users = fields.read_or("max_users", DEFAULT_MAX_USERS, |cursor| {
                    self.whole(cursor, "users", 1..=MOST_USERS)
                })?;
                let spacing = fields.read_or("spacing", Spacing::default(), |cursor| {
                    cursor.one_of(&[("even", Spacing::Even), ("poisson", Spacing::Poisson)])
                })?;
                Ok(Shape::Arrivals {
                    from,
                    to,
                    spacing,
                    max_users,
                })
            }
            (Some(_), Some(_)) => Err(fields
                .map()
                .error("has both users and arrivals, remove one of them")),
            (None, None) => Err(fields
                .map()
                .error("needs users (a number of them) or arrivals (a rate such as 200/s)")),
        }
    }

    /// Reads `A`, `A..B` or an expression that yields either.
    fn range<T: Copy>(
        &self,
        cursor: &Cursor<'_>,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<(T, T), Error> {
        self.variables.known(cursor, |text| {
            // Half a range is told whole.
            let ends = text
                .split_once("..")
                .filter(|(from, to)| !from.is_empty() && !to.is_empty());
            let (from, to) = ends.unwrap_or((text, text));
            Ok::<_, String>((read(from.trim())?, read(to.trim())?))
        })
    }

    fn whole(
        &self,
        cursor: &Cursor<'_>,
        what: &str,
        bounds: std::ops::RangeInclusive<u32>,
    ) -> Result<u32, Error> {
        let what = format!("a number of {what}");
        self.variables
            .known(cursor, |text| count(text, bounds.clone(), &what))
    }
}

fn count(text: &str, bounds: std::ops::RangeInclusive<u32>, what: &str) -> Result<u32, String> {
    let number: Option<u64> = text.parse().ok();
    let number = number.ok_or_else(|| format!("'{text}' is not {what}"))?;
    let within = u32::try_from(number)
        .ok()
        .filter(|number| bounds.contains(number));
    within.ok_or_else(|| {
        format!(
            "{number} is out of bounds, which are {} to {}",
            bounds.start(),
            bounds.end()
        )
    })
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = parse_rate(text).map_err(|error| error.to_string())?;
    if rate > MOST_ARRIVALS {
        return Err(format!(
            "'{text}' is more than one machine can send, at most {MOST_ARRIVALS}/s"
        ));
    }
    Ok(rate)
}

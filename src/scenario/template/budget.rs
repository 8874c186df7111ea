//! Limits of expressions: work and memory of one evaluation, and memory of all values that are known before the run.
//!
//! A pull request may bring any expression, and `validate` evaluates it. Without bounds, one line fills the memory or never
//! ends.

use std::cell::Cell;
use std::io;

use serde_json::Value;

/// Work of one evaluation, in minijinja's unit: one instruction, or 64 bytes of data. That is two texts of the longest
/// kind, and some hundredths of a second.
pub(super) const FUEL: u64 = 200_000;

/// The longest result, in bytes: what Lambda takes in one request. Longer bodies are read from files.
pub(super) const LONGEST: usize = 6 << 20;

/// The deepest nesting of a result. JSON is read to a depth of 128. What users set can wrap a value once more each time.
const DEEPEST: usize = 256;

/// Memory of everything that the expressions of one scenario fold, in bytes. A file has 1 MB, its bodies stand elsewhere.
const ALL: usize = 64 << 20;

/// Memory that an expression or a value takes by itself, in bytes.
const EACH: usize = 512;
const EACH_VALUE: usize = 32;

/// The memory that the expressions of a scenario may still take.
#[derive(Debug)]
pub(crate) struct Budget(Cell<usize>);

impl Default for Budget {
    fn default() -> Self {
        Self(Cell::new(ALL))
    }
}

impl Budget {
    /// Takes the memory of one more expression, and of its value if that is known before the run.
    pub(super) fn take(&self, value: Option<&Value>) -> Result<(), String> {
        let needed = EACH + value.map_or(0, weight);
        let left = self.0.get().checked_sub(needed).ok_or_else(|| {
            format!(
                "the expressions of the scenario yield more than {} MB together; use fewer or shorter ones",
                ALL >> 20
            )
        })?;
        self.0.set(left);
        Ok(())
    }
}

/// Memory of a value, in bytes.
fn weight(value: &Value) -> usize {
    let held = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| EACH_VALUE + key.len() + weight(value))
            .sum(),
    };
    EACH_VALUE + held
}

/// Refuses text that is too long.
pub(super) fn refuse_long(length: usize) -> Result<(), String> {
    if length <= LONGEST {
        return Ok(());
    }
    Err(format!(
        "it yields more than {} MB; make it shorter",
        LONGEST >> 20
    ))
}

/// Refuses a result that is too long as JSON. Lists may hold one value many times, so a small one can be long.
pub(super) fn refuse_long_json(value: &minijinja::Value) -> Result<(), String> {
    let mut room = Room(LONGEST);
    match serde_json::to_writer(&mut room, value) {
        Err(error) if error.is_io() => refuse_long(usize::MAX),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Refuses a result that is nested too deeply: it is read and dropped by recursion.
pub(super) fn refuse_deep(value: &Value) -> Result<(), String> {
    if is_within(value, DEEPEST) {
        return Ok(());
    }
    Err(format!(
        "it yields a value that is nested deeper than {DEEPEST}; do not wrap a value in itself"
    ))
}

fn is_within(value: &Value, levels: usize) -> bool {
    let Some(levels) = levels.checked_sub(1) else {
        return false;
    };
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
        Value::Array(items) => items.iter().all(|item| is_within(item, levels)),
        Value::Object(fields) => fields.values().all(|field| is_within(field, levels)),
    }
}

/// Counts the bytes that are written, and drops them.
struct Room(usize);

impl io::Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self
            .0
            .checked_sub(bytes.len())
            .ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_expressions_share_one_budget() {
        let budget = Budget::default();
        let long = Value::from("a".repeat(1 << 20));
        let list = Value::from(vec![long; 8]);
        let taken = (0..100).take_while(|_| budget.take(Some(&list)).is_ok());
        assert_eq!(taken.count(), 7);
        assert!(budget.take(None).is_ok());
        let many = (0..200_000).take_while(|_| budget.take(None).is_ok());
        assert!(many.count() < 20_000);
    }
}

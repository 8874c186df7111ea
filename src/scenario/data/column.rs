//! The cells of a column, stored in as little memory as they need.

use serde_json::Value;

/// The cells of a column.
pub(super) enum Column {
    /// Text only: all cells in one string, with the offset of the end of each.
    Text { text: String, ends: Vec<u32> },
    /// Of any kind.
    Cells(Vec<Cell>),
}

/// A cell, smaller than a [`Value`].
pub(super) enum Cell {
    Null,
    Bool(bool),
    Whole(i64),
    /// Any other number, as written.
    Number(Box<str>),
    Text(Box<str>),
    Other(Box<Value>),
}

impl Column {
    pub(super) fn push_text(&mut self, more: &str) -> Result<(), String> {
        match self {
            Self::Text { text, ends } => {
                text.push_str(more);
                let end = u32::try_from(text.len());
                ends.push(end.map_err(|_| "holds more than 4 GB in one column".to_owned())?);
            }
            Self::Cells(cells) => cells.push(Cell::Text(more.into())),
        }
        Ok(())
    }

    pub(super) fn push(&mut self, cell: Value) -> Result<(), String> {
        let cell = match cell {
            Value::String(text) => return self.push_text(&text),
            Value::Null => Cell::Null,
            Value::Bool(value) => Cell::Bool(value),
            Value::Number(number) => match number.as_i64() {
                Some(whole) if number.as_str() != "-0" => Cell::Whole(whole),
                Some(_) | None => Cell::Number(number.as_str().into()),
            },
            Value::Array(_) | Value::Object(_) => Cell::Other(Box::new(cell)),
        };
        match self {
            Self::Cells(cells) => cells.push(cell),
            Self::Text { ends, .. } => {
                let mut cells = Vec::with_capacity(ends.len() + 1);
                cells.extend((0..ends.len()).map(|row| Cell::Text(self.text(row).into())));
                cells.push(cell);
                *self = Self::Cells(cells);
            }
        }
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Text { ends, .. } => ends.len(),
            Self::Cells(cells) => cells.len(),
        }
    }

    fn text(&self, row: usize) -> &str {
        match self {
            Self::Text { text, ends } => {
                let start = row.checked_sub(1).map_or(0, |before| ends[before]);
                &text[start as usize..ends[row] as usize]
            }
            Self::Cells(_) => "",
        }
    }

    pub(super) fn value(&self, row: usize) -> Value {
        match self {
            Self::Text { .. } => self.text(row).into(),
            Self::Cells(cells) => cells[row].value(),
        }
    }

    pub(super) fn shrink(&mut self) {
        match self {
            Self::Text { text, ends } => {
                text.shrink_to_fit();
                ends.shrink_to_fit();
            }
            Self::Cells(cells) => cells.shrink_to_fit(),
        }
    }
}

impl Cell {
    pub(super) fn value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => (*value).into(),
            Self::Whole(number) => (*number).into(),
            Self::Number(text) => serde_json::from_str(text).unwrap_or_default(),
            Self::Text(text) => text.as_ref().into(),
            Self::Other(value) => value.as_ref().clone(),
        }
    }
}

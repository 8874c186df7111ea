//! Rows of JSON files, stored one by one while the file is parsed.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::Table;

/// The rows of a JSON file; each is stored before the next is read.
pub(super) struct Rows<'t>(pub(super) &'t mut Table);

impl<'de> DeserializeSeed<'de> for Rows<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        while rows.next_element_seed(Row(self.0))?.is_some() {}
        Ok(())
    }
}

/// One row of a JSON file.
struct Row<'t>(&'t mut Table);

impl<'de> DeserializeSeed<'de> for Row<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Row<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let table = self.0;
        table.count().map_err(de::Error::custom)?;
        let mut found = 0;
        while let Some((name, value)) = fields.next_entry::<String, Value>()? {
            if table.rows == 1 {
                table.add_column(&name).map_err(de::Error::custom)?;
            }
            // Keys mostly come in the order of the first row.
            let place = match table.names.get(found) {
                Some(column) if *column == name => Some(found),
                Some(_) | None => table.names.iter().position(|column| *column == name),
            };
            let column = place.and_then(|place| table.columns.get_mut(place));
            let column = column.ok_or_else(|| {
                de::Error::custom(format!(
                    "'{name}' is a key that the first row does not have"
                ))
            })?;
            column.push(value).map_err(de::Error::custom)?;
            found += 1;
        }
        // A key that stands twice leaves another column short.
        let is_ragged = table
            .columns
            .iter()
            .any(|column| column.len() != table.rows);
        if found != table.names.len() || is_ragged {
            return Err(de::Error::custom(
                "the row does not have the keys of the first one",
            ));
        }
        Ok(())
    }
}

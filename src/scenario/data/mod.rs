//! Rows of CSV and JSON files. They are read once, and stored by column to save memory.

mod column;
mod json;

use std::fmt;
use std::io::{self, BufRead as _, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use csv::StringRecord;
use serde::de::DeserializeSeed as _;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use self::column::Column;
use self::json::Rows;
use super::hex::hex;
use super::number::plain;

/// The most rows. More belong into a database, and row numbers have 32 bits.
const MOST_ROWS: usize = 10_000_000;

/// The bytes that some editors write before JSON.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The most columns of a row.
const MOST_COLUMNS: usize = 1_000;

/// The longest row, in bytes: a thousand times what a row of test data takes.
const LONGEST_ROW: usize = 1 << 20;

/// The rows of a file.
pub struct Table {
    names: Vec<String>,
    columns: Vec<Column>,
    rows: usize,
    /// Bytes read since the start of the present row.
    since: Arc<AtomicUsize>,
    sha256: String,
}

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values under a line of column names.
    Csv,
    /// A list of objects that all have the same keys.
    Json,
}

impl Format {
    /// The format by the extension of a file name.
    pub fn from_path(file: &str) -> Option<Self> {
        let (_, extension) = file.rsplit_once('.')?;
        match extension.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

impl Table {
    /// Reads a file to its end. The error says what is wrong, and where.
    pub fn read(format: Format, content: impl Read) -> Result<Self, String> {
        let mut table = Self {
            names: Vec::new(),
            columns: Vec::new(),
            rows: 0,
            since: Arc::default(),
            sha256: String::new(),
        };
        let content = Bounded {
            content,
            since: Arc::clone(&table.since),
            is_blank: false,
        };
        match format {
            Format::Csv => table.read_csv(content)?,
            Format::Json => table.read_json(content)?,
        }
        if table.rows == 0 {
            return Err("has no rows".to_owned());
        }
        for column in &mut table.columns {
            column.shrink();
        }
        table.sha256 = table.hash();
        Ok(table)
    }

    /// The names of the columns.
    pub fn columns(&self) -> impl Iterator<Item = &str> + Clone {
        self.names.iter().map(String::as_str)
    }

    /// How many rows there are, one at least.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// SHA-256 of names and cells, in hex. Files with the same content have the same hash, whatever their format.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// A row as an object; after the last comes the first again.
    pub fn row(&self, index: usize) -> Value {
        let index = index % self.rows;
        let cells = self.columns.iter().map(|column| column.value(index));
        let fields = self.names.iter().cloned().zip(cells);
        Value::Object(fields.collect::<Map<_, _>>())
    }

    fn read_csv(&mut self, content: impl Read) -> Result<(), String> {
        let mut reader = csv::ReaderBuilder::new().from_reader(content);
        let header = reader.headers().map_err(|error| message(&error))?.clone();
        for name in &header {
            self.add_column(name.trim_start_matches('\u{feff}'))?;
        }
        let mut record = StringRecord::new();
        while reader
            .read_record(&mut record)
            .map_err(|error| message(&error))?
        {
            self.count()?;
            for (column, text) in self.columns.iter_mut().zip(&record) {
                column.push_text(text)?;
            }
        }
        Ok(())
    }

    fn read_json(&mut self, content: impl Read) -> Result<(), String> {
        let mut content = io::BufReader::new(content);
        let start = content.fill_buf().map_err(|error| error.to_string())?;
        if start.starts_with(BYTE_ORDER_MARK) {
            content.consume(BYTE_ORDER_MARK.len());
        }
        let mut reader = serde_json::Deserializer::from_reader(content);
        Rows(self)
            .deserialize(&mut reader)
            .and_then(|()| reader.end())
            .map_err(|error| error.to_string())
    }

    fn add_column(&mut self, name: &str) -> Result<(), String> {
        if name.trim().is_empty() {
            return Err("has a column without a name in its first line".to_owned());
        }
        if self.names.len() == MOST_COLUMNS {
            return Err(format!(
                "has more than {MOST_COLUMNS} columns; remove those that no step needs"
            ));
        }
        if self.names.iter().any(|other| other == name) {
            return Err(format!("has two columns named '{name}'"));
        }
        self.names.push(name.to_owned());
        self.columns.push(Column::Text {
            text: String::new(),
            ends: Vec::new(),
        });
        Ok(())
    }

    /// Counts a row that begins.
    fn count(&mut self) -> Result<(), String> {
        if self.rows == MOST_ROWS {
            return Err(format!("has more than {MOST_ROWS} rows"));
        }
        self.rows += 1;
        self.since.store(0, Ordering::Relaxed);
        Ok(())
    }

    fn hash(&self) -> String {
        let mut hash = Sha256::new();
        let mut add = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        for (name, column) in self.names.iter().zip(&self.columns) {
            add(name.as_bytes());
            match column {
                Column::Text { text, ends } => {
                    let ends: Vec<u8> = ends.iter().flat_map(|end| end.to_le_bytes()).collect();
                    add(&ends);
                    add(text.as_bytes());
                }
                Column::Cells(cells) => {
                    let texts = cells.iter().map(|cell| plain(&cell.value()).to_string());
                    texts.for_each(|text| add(text.as_bytes()));
                }
            }
        }
        hex(&hash.finalize())
    }
}

/// A file that is not read on when a row is too long.
struct Bounded<R> {
    content: R,
    since: Arc<AtomicUsize>,
    /// Whether all that was read since the last row is blank.
    is_blank: bool,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.since.load(Ordering::Relaxed) > LONGEST_ROW {
            let (what, fix) = if self.is_blank {
                let what = "more blank lines stand together than fit into";
                (what, "remove them")
            } else {
                ("a row is longer than", "is a quote never closed?")
            };
            let message = format!("{what} {} MB; {fix}", LONGEST_ROW >> 20);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        let is_first = self.since.load(Ordering::Relaxed) == 0;
        let read = self.content.read(buffer)?;
        let is_blank = buffer[..read].iter().all(u8::is_ascii_whitespace);
        self.is_blank = is_blank && (is_first || self.is_blank);
        self.since.fetch_add(read, Ordering::Relaxed);
        Ok(read)
    }
}

/// Shows the names of the columns and no rows, which may hold passwords.
impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("names", &self.names)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

/// The message of a CSV error, with its line.
fn message(error: &csv::Error) -> String {
    let line = error.position().map_or(0, csv::Position::line);
    if let csv::ErrorKind::UnequalLengths {
        expected_len, len, ..
    } = error.kind()
    {
        return format!(
            "line {line} has {len} fields, and the first line names {expected_len} columns"
        );
    }
    if matches!(error.kind(), csv::ErrorKind::Utf8 { .. }) {
        return format!("line {line} is not UTF-8");
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(format: Format, text: &str) -> Result<Table, String> {
        Table::read(format, text.as_bytes())
    }

    #[test]
    fn rows_are_read_from_csv_as_text() {
        let table = read(
            Format::Csv,
            "\u{feff}email,pass word\r\na@b.c,\"x,\"\"y\"\"\nz\"\r\nd@e.f,\r\n",
        )
        .unwrap();
        assert_eq!(table.rows(), 2);
        let first = json!({"email": "a@b.c", "pass word": "x,\"y\"\nz"});
        assert_eq!(table.row(0), first);
        assert_eq!(table.row(1), json!({"email": "d@e.f", "pass word": ""}));
        assert_eq!(table.row(2), first, "after the last comes the first");
    }

    #[test]
    fn rows_are_read_from_json_with_their_types() {
        let text = r#"[{"id": 1, "tags": ["a"], "ok": true, "n": "x"}, {"n": null, "id": "two", "tags": {}, "ok": 1.5}]"#;
        let table = read(Format::Json, text).unwrap();
        let rows: Vec<Value> = serde_json::from_str(text).unwrap();
        assert_eq!(
            table.columns().collect::<Vec<_>>(),
            ["id", "tags", "ok", "n"]
        );
        for (index, row) in rows.iter().enumerate() {
            assert_eq!(&table.row(index), row);
        }
    }

    #[test]
    fn a_byte_order_mark_is_not_part_of_a_file() {
        for (format, text) in [
            (Format::Json, "[{\"a\": \"\u{feff}\"}]"),
            (Format::Csv, "a\n\u{feff}\n"),
            (Format::Csv, "\"a\"\n\u{feff}\n"),
        ] {
            let plain = read(format, text).unwrap();
            let marked = read(format, &format!("\u{feff}{text}")).unwrap();
            assert_eq!(marked.row(0), json!({"a": "\u{feff}"}), "{text}");
            assert_eq!(marked.sha256(), plain.sha256());
        }
    }

    #[test]
    fn what_is_no_table_says_where() {
        for (format, text, part) in [
            (Format::Csv, "", "has no rows"),
            (Format::Csv, "a,b\n", "has no rows"),
            (Format::Csv, "a,a\n1,2\n", "two columns named 'a'"),
            (Format::Csv, "a,\n1,2\n", "without a name"),
            (Format::Csv, "a,b\n1,2\n3\n", "line 3 has 1 fields"),
            (Format::Json, "[]", "has no rows"),
            (Format::Json, "{}", "a list of objects at line 1 column 1"),
            (Format::Json, "[1]", "an object at line 1 column"),
            (Format::Json, "[{\"a\": 1}, {\"b\": 1}]", "'b' is a key"),
            (
                Format::Json,
                "[{\"a\": 1, \"b\": 2}, {\"a\": 1}]",
                "does not have the keys",
            ),
            (
                Format::Json,
                "[{\"a\": 1, \"b\": 2}, {\"a\": 1, \"a\": 2}]",
                "does not have the keys",
            ),
            (Format::Json, "[{\"a\": 1}] x", "trailing"),
        ] {
            let error = read(format, text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
        let latin = Table::read(Format::Csv, &b"a\n\xff\n"[..]).unwrap_err();
        assert!(latin.contains("line 2 is not UTF-8"), "{latin}");
    }

    #[test]
    fn the_hash_tells_what_is_said_and_not_how_it_is_written() {
        let hash = |text: &str| read(Format::Csv, text).unwrap().sha256().to_owned();
        let first = hash("a,b\n1,2\n");
        assert_eq!(hash("a,b\r\n\"1\",2"), first);
        for other in ["a,c\n1,2\n", "a,b\n12,\n", "a,b\n1,2\n1,2\n", "b,a\n1,2\n"] {
            assert_ne!(hash(other), first, "{other}");
        }
    }

    #[test]
    fn the_debug_form_shows_no_cell() {
        let table = read(Format::Csv, "password\nhunter2\n").unwrap();
        assert!(!format!("{table:?}").contains("hunter2"));
    }

    #[test]
    fn rows_and_columns_without_end_are_refused() {
        let names = |count: usize| {
            let names: Vec<String> = (0..count).map(|k| format!("c{k}")).collect();
            names.join(",") + "\n" + &"1,".repeat(count - 1) + "1\n"
        };
        assert!(read(Format::Csv, &names(1_000)).is_ok());
        for text in [names(1_001), names(100_000)] {
            let error = read(Format::Csv, &text).unwrap_err();
            assert!(error.contains("1000 columns"), "{error}");
        }
        let fields: Vec<String> = (0..100_000).map(|k| format!("\"c{k}\":1")).collect();
        let error = read(Format::Json, &format!("[{{{}}}]", fields.join(","))).unwrap_err();
        assert!(error.contains("1000 columns"), "{error}");

        // Never to be held whole: the file has no end.
        for (format, start, more) in [
            (Format::Csv, "a\n", b'x'),
            (Format::Csv, "a\n\"", b'\n'),
            (Format::Csv, "", b'x'),
            (Format::Json, "[{\"a\": \"", b'x'),
            (Format::Json, "[", b' '),
        ] {
            let endless = start.as_bytes().chain(io::repeat(more));
            let error = Table::read(format, endless).unwrap_err();
            assert!(error.contains("longer than 1 MB"), "{error}");
        }
        let blank = b"a\n1\n".chain(io::repeat(b'\n'));
        let error = Table::read(Format::Csv, blank).unwrap_err();
        assert!(error.contains("blank lines"), "{error}");
        let long = format!("a,b\n{}", format!("{},2\n", "x".repeat(900_000)).repeat(3));
        assert_eq!(read(Format::Csv, &long).unwrap().rows(), 3);
    }
}

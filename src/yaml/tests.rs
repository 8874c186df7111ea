//! Tests of the reader as a whole: places, types, and each message once.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn read<T>(text: &str, read: impl FnOnce(Cursor<'_>) -> Result<T, Error>) -> Result<T, String> {
    Node::parse("f.yml", text)
        .and_then(|document| read(Cursor::root(&document)))
        .map_err(|error| error.to_string())
}

/// Reads the field `a` of a file.
fn field<T>(text: &str, get: impl FnOnce(&Cursor<'_>) -> Result<T, Error>) -> Result<T, String> {
    read(text, |root| {
        root.check_keys("a map", &["a"], &[])?;
        get(&root.field("a")?)
    })
}

#[test]
fn what_is_no_yaml_is_told_with_its_place() {
    let bomb = (0..9).fold("a0: &a0 [x]\n".to_owned(), |text, level| {
        let aliases = vec![format!("*a{level}"); 10].join(",");
        let next = level + 1;
        format!("{text}a{next}: &a{next} [{aliases}]\n")
    });
    let limits = "the file is too large or nested too deeply: at most 50000 values, 48 deep, with repeated aliases";
    for (text, message) in [
        (
            "a: 1\na: 2\n",
            "f.yml:2:1: the key 'a' appears twice in one map; remove one of them".to_owned(),
        ),
        (
            "a: [1, 2\nb: c\n",
            "f.yml:1:4: the '[' that begins here is never closed; close it with ']'".to_owned(),
        ),
        (
            "a: [\n  1,\n  2 ]\nb: { c: 1\nd: 2\n",
            "f.yml:4:4: the '{' that begins here is never closed; close it with '}'".to_owned(),
        ),
        (
            "a: [\n  { b: 1 },\n  { c: 2 }\n]\nb: c: d\n",
            "f.yml:5:5: a key is not allowed here; quote the value if it contains ': ', or indent the line like its neighbours"
                .to_owned(),
        ),
        (
            "a:\n  - [\n    { b: 1,\n    { c: 2 }\n  ]\nd: e\n",
            "f.yml:3:5: the '{' that begins here is never closed; close it with '}'".to_owned(),
        ),
        (
            "a: 'x\n",
            "f.yml:1:4: the quote that begins here is never closed; close it on its line"
                .to_owned(),
        ),
        (
            "a: 1\n---\nb: 2\n",
            "f.yml:3:1: the file has several YAML documents; remove '---' and what follows"
                .to_owned(),
        ),
        (
            "a: *b\n",
            "f.yml:1:4: no anchor has the name after '*'; quote the text if it is not an alias"
                .to_owned(),
        ),
        (
            "? [a]\n: b\n",
            "f.yml:1:3: expected a key that is text".to_owned(),
        ),
        (
            "~: b\n",
            "f.yml:1:1: expected a key that is text".to_owned(),
        ),
        (
            "a: .nan\n",
            "f.yml:1:4: not a finite number; quote it if it is text".to_owned(),
        ),
        (
            "a: !secret b\n",
            "f.yml:1:12: unsupported tag `!secret`".to_owned(),
        ),
        (
            &("[".repeat(60) + &"]".repeat(60)),
            format!("f.yml:1:49: {limits}"),
        ),
        (&bomb, format!("f.yml:6:14: {limits}")),
        (
            &" ".repeat(1 << 21),
            "f.yml:1:1: the file is longer than 1 MB".to_owned(),
        ),
    ] {
        assert_eq!(read(text, |_| Ok(())).unwrap_err(), message, "{text:.40}");
    }
}

#[test]
fn unknown_misplaced_and_missing_keys_are_found_first() {
    let misplaced = [Misplaced {
        keys: &["data"],
        instead: "put it into 'weight': 'weight: { KEY: VALUE }'",
    }];
    let check = |map: &Cursor<'_>| map.check_keys("a map", &["weight", "wait"], &misplaced);
    for (text, message) in [
        (
            "wieght: 1\n",
            "f.yml:1:1: unknown key 'wieght': did you mean 'weight'?",
        ),
        (
            "wait: 1\nzebra: 1\n",
            "f.yml:2:1: unknown key 'zebra': use one of wait, weight",
        ),
        (
            "data: 1\n",
            "f.yml:1:1: 'data' does not belong at the top of the file; put it into 'weight': 'weight: { data: 1 }'",
        ),
        (
            "data: [1]\n",
            "f.yml:1:1: 'data' does not belong at the top of the file; put it into 'weight': 'weight: { data: … }'",
        ),
        ("wait: 1\n", "f.yml:1:1: the key 'weight' is missing"),
        (
            "[1]\n",
            "f.yml:1:1: expected a map, found a list; write `weight: …` or `wait: …`",
        ),
        ("", "f.yml:1:1: the key 'weight' is missing"),
    ] {
        let error = read(text, |root| {
            check(&root)?;
            root.field::<Cursor<'_>>("weight").map(|_| ())
        });
        assert_eq!(error.unwrap_err(), message);
    }
    let nested = read("a:\n  - { wieght: 1 }\n", |root| {
        let items = root.field::<Cursor<'_>>("a")?.list()?;
        check(&items[0])
    });
    assert_eq!(
        nested.unwrap_err(),
        "f.yml:2:7: unknown key 'wieght' in a[0]: did you mean 'weight'?"
    );
}

#[test]
fn text_that_yaml_may_read_as_something_else_must_be_quoted() {
    for (text, message) in [
        (
            "a: 1.1",
            "f.yml:1:4: a: expected text, found 1.1, which YAML may read as a number: quote it, \"1.1\"",
        ),
        (
            "a: on",
            "f.yml:1:4: a: expected text, found on, which YAML may read as a boolean: quote it, \"on\"",
        ),
        (
            "a: true",
            "f.yml:1:4: a: expected text, found true, which YAML may read as a boolean: quote it, \"true\"",
        ),
        (
            "a: 0123",
            "f.yml:1:4: a: expected text, found 0123, which YAML may read as a number: quote it, \"0123\"",
        ),
        (
            "a: 0x1F",
            "f.yml:1:4: a: expected text, found 0x1F, which YAML may read as a number: quote it, \"0x1F\"",
        ),
        (
            "a: 2026-01-01",
            "f.yml:1:4: a: expected text, found 2026-01-01, which YAML may read as a date: quote it, \"2026-01-01\"",
        ),
        (
            "a: null",
            "f.yml:1:4: a: expected text, found nothing: write it, or quote \"null\" or \"~\" if that is meant",
        ),
        ("a: [b]", "f.yml:1:4: a: expected text, found a list"),
    ] {
        assert_eq!(
            field(text, |a| a.text().map(str::to_owned)).unwrap_err(),
            message
        );
    }
    for text in ["a: 'on'", "a: \"on\"", "a: |-\n  on\n"] {
        assert_eq!(field(text, |a| a.text().map(str::to_owned)).unwrap(), "on");
    }
    let error = read("[{ b: on }]", |root| root.json()).unwrap_err();
    assert!(
        error.starts_with("f.yml:1:7: [0].b: expected text, found on"),
        "{error}"
    );
}

#[test]
fn a_value_of_another_type_says_what_was_expected_and_found() {
    let whole = |a: &Cursor<'_>| Whole::<1, 9>::from_yaml(a).map(|whole| whole.0);
    for (text, message) in [
        (
            "a: 0",
            "f.yml:1:4: a: expected a whole number from 1 to 9, found 0",
        ),
        (
            "a: 1.5",
            "f.yml:1:4: a: expected a whole number from 1 to 9, found 1.5",
        ),
        (
            "a: -1",
            "f.yml:1:4: a: expected a whole number from 1 to 9, found -1",
        ),
        (
            "a: '2'",
            "f.yml:1:4: a: expected a whole number from 1 to 9, found '2'",
        ),
        (
            "a: {}",
            "f.yml:1:4: a: expected a whole number from 1 to 9, found a map",
        ),
        (
            "a:",
            "f.yml:1:2: a: expected a whole number from 1 to 9, found nothing",
        ),
    ] {
        assert_eq!(field(text, whole).unwrap_err(), message);
    }
    assert_eq!(field("a: 9", whole), Ok(9));
    let error_of = |text, get: fn(&Cursor<'_>) -> Result<(), Error>| field(text, get).unwrap_err();
    assert_eq!(
        error_of("a: yes", |a| bool::from_yaml(a).map(|_| ())),
        "f.yml:1:4: a: expected true or false, found 'yes'"
    );
    assert_eq!(
        error_of("a: b", |a| a.list().map(|_| ())),
        "f.yml:1:4: a: expected a list, found 'b'"
    );
    assert_eq!(
        error_of("a: []", |a| a.filled_list::<Cursor<'_>>().map(|_| ())),
        "f.yml:1:4: a: must not be empty"
    );
    assert_eq!(
        error_of("a: ''", |a| a.line_of_text().map(|_| ())),
        "f.yml:1:4: a: must not be empty"
    );
    assert_eq!(
        error_of("a: \"b\\nc\"", |a| a.line_of_text().map(|_| ())),
        "f.yml:1:4: a: must be one line without control characters"
    );
    assert_eq!(
        error_of("a: 5", |a| Duration::from_yaml(a).map(|_| ())),
        "f.yml:1:4: a: '5' is not a duration; write a number with its unit, such as 800ms, 2s or 5m"
    );
    assert_eq!(
        error_of("a: wran", |a| a.one_of(&[("warn", ()), ("fail", ())])),
        "f.yml:1:4: a: 'wran' is not one of its values: did you mean 'warn'?"
    );
    assert_eq!(
        error_of("a: 12345678901234567890123", |a| a.json().map(|_| ())),
        "f.yml:1:4: a: 12345678901234567890123 is too large to be kept exactly: quote it, \"12345678901234567890123\""
    );
}

#[test]
fn numbers_and_keys_keep_the_text_they_were_written_with() {
    for (text, written) in [
        ("a: 1.10", "1.10"),
        ("a: 007", "007"),
        ("a: off", "off"),
        ("a: true", "true"),
        ("a: ' x'", " x"),
    ] {
        assert_eq!(
            field(text, |a| a.scalar().map(str::to_owned)).unwrap(),
            written
        );
    }
    let keys = read("429: x\ntrue: y\n", |root| {
        Ok(root
            .entries()?
            .iter()
            .map(|entry| entry.key.text.clone())
            .collect::<Vec<_>>())
    });
    assert_eq!(keys.unwrap(), ["429", "true"]);
}

#[test]
fn an_alias_stands_where_it_is_used_and_a_merge_is_laid_under() {
    let text = "x: &x { b: 1.10, c: on }\na:\n  <<: *x\n  b: 2\n";
    let document = Node::parse("f.yml", text).unwrap();
    let a = Cursor::root(&document).entry("a").unwrap().value;
    let entries = a.entries().unwrap();
    let lines: Vec<_> = entries
        .iter()
        .map(|entry| (entry.name(), entry.value.line()))
        .collect();
    assert_eq!(lines, [("b", 4), ("c", 3)]);
    let error = entries[1].value.text().unwrap_err().to_string();
    assert!(error.contains("quote it"), "{error}");
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "[-a-c:\\[\\]{}&*!|>'\"#%@`,? \n\t~0-9.<é]{0,200}") {
        if let Ok(document) = Node::parse("f.yml", &text) {
            let root = Cursor::root(&document);
            let _ = (root.json(), root.text(), root.scalar(), root.list());
            let _ = root.check_keys("a map", &["a"], &[]);
        }
    }

    #[test]
    fn json_is_yaml_that_reads_as_itself(value in "[a-z]{1,8}", number in any::<i64>()) {
        let json = serde_json::json!({"k": ["a", {"b": number}, true, null], "q": format!("q{value} #")});
        let read = read(&json.to_string(), |root| root.json());
        prop_assert_eq!(read.unwrap(), json);
    }
}

//! Tests of expressions that a stranger writes: none may panic, abort, fill the memory or take for ever.

use super::*;

/// Expressions, and whether one is refused. `token` is text, `cursor` a list; both are set by users.
const EXPRESSIONS: [(&str, bool); 76] = [
    (r#""a"|indent(18446744073709551615)"#, true),
    (r#""a"|indent(9223372036854775807)"#, true),
    (r#""a\nb\nc"|indent(4611686018427387904)"#, true),
    (r#""a\nb"|indent(-1)"#, true),
    (r#""a"|indent(1000000000, true)"#, true),
    (r#""a" * 1000000000000"#, true),
    (r#""a" * 9223372036854775807"#, true),
    (r#""abcdefgh" * 2305843009213693953"#, true),
    (r#"1000000000000 * "a""#, true),
    (r#""a" * -1"#, false),
    (r#""a" * 11000000"#, true),
    (r#"("a" * 60000) * 60000"#, true),
    ("[1] * 100000000000", true),
    ("[[1] * 10000] * 10000", true),
    ("[[[[1] * 1000] * 1000] * 1000] * 1000", true),
    (r#"[["a" * 60000] * 1000]"#, true),
    (r#"{"a": ["a" * 60000] * 1000}"#, true),
    (r#"([1] * 1000000)|map("string")|join(",")"#, true),
    (r#"(["a" * 1000] * 1000000)|join"#, true),
    (r#"["a", "b"]|join("x" * 20000000)"#, true),
    (r#"(["a"] * 30000)|join("x" * 3000)"#, true),
    (r#"("a" * 100000)|replace("a", "b" * 100000)"#, true),
    (r#"("a" * 100000)|replace("", "b" * 100000)"#, true),
    (r#""%999999999999999999999d"|format(1)"#, true),
    (r#""%2147483647d"|format(1)"#, true),
    (r#""%.2147483647f"|format(1.5)"#, true),
    (r#""%*d"|format(2147483647, 1)"#, true),
    (r#"("%1000s" * 20000)|format(1)"#, true),
    // minijinja panics for these.
    ("'%(é'|format(a=1)", true),
    ("'%(aé)d'|format(a=1)", true),
    ("['%(é']|map('format', a=1)|list", true),
    ("9223372036854775807 + 1", false),
    ("-9223372036854775807 - 2", false),
    (
        "9223372036854775807 * 9223372036854775807 * 9223372036854775807",
        true,
    ),
    ("10 ** 100000", true),
    ("2 ** 2 ** 2 ** 2 ** 2 ** 2", false),
    ("1 // 0", true),
    ("1 % 0", true),
    ("(-170141183460469231731687303715884105728) // -1", false),
    ("1 / 0", true),
    ("1.5|round(2147483647)", false),
    ("1.5|round(-2147483648)", false),
    ("1e308|round(400)", false),
    (r#""abc"[::0]"#, true),
    (
        r#""abc"[9223372036854775807:-9223372036854775807:-9223372036854775807]"#,
        false,
    ),
    (r#""abc"[::-9223372036854775807]"#, false),
    (
        "[1,2,3][-9223372036854775808:9223372036854775807:9223372036854775807]",
        false,
    ),
    ("[1]|batch(18446744073709551615)", false),
    (r#"[1]|batch(1000000000, "x")"#, true),
    ("[1]|slice(18446744073709551615)", true),
    ("[1]|slice(0)", true),
    (r#"("a," * 50000)|split(",")|length"#, false),
    (r#"("a\n" * 50000)|lines|length"#, false),
    (r#"("a" * 8000000)|list"#, true),
    (r#"(("a" * 3000000)|list)|sort|unique|length"#, true),
    (
        r#"([3,1,2] * 200000)|sort|reverse|map("string")|join|length"#,
        true,
    ),
    ("([[1,2]] * 100000)|sum(start=[])|length", true),
    (r#"(["a"] * 100000)|sum(start="")|length"#, true),
    (r#"(["a"] * 100000)|sum(none, "")|length"#, true),
    ("[1, 2, 3]|sum(start=4)", false),
    (r#"("a" * 9000000)|tojson(indent=1000000)"#, true),
    ("[[[1]]]|tojson(indent=1000000000)", true),
    ("token * 100000000000", true),
    ("cursor * 100000000", true),
    ("[cursor * 2]", true),
    ("3 * cursor", true),
    ("([1] * 1000000000000)|join", true),
    ("([1] * 1000000000000)|length", true),
    ("token * 3", false),
    (
        r#"("a" * 10000)|upper|lower|title|trim|replace("a", "b")|urlencode"#,
        true,
    ),
    (r#"("a" * 1000)|center(1000000000)"#, true),
    ("range(1000000000000)|join", true),
    (r#"[1]|map("indent", 1000000000000, true)|list"#, true),
    (r#"["a"]|map("map", "upper")|list"#, false),
    (r#"[[1]]|map("tojson", 1000000000)|join"#, true),
    ("2 * 3 + 4", false),
];

/// How much work an expression may take. Work on texts of so many letters ends in a second, whatever its bound is.
#[test]
fn an_expression_may_work_on_two_long_texts_and_on_no_more() {
    let worked = |letters: usize| {
        let text = format!("{{{{ (\"a\" * {letters})|upper|length }}}}");
        let template = File::new().text(&text, EscapeContext::Plain)?;
        Ok::<_, String>(template.constant().map(str::to_owned))
    };
    let few = budget::LONGEST / 3;
    assert_eq!(worked(few), Ok(Some(few.to_string())));
    let error = worked(budget::LONGEST).expect_err("the bound on work does not hold");
    assert!(error.contains("too much work"), "{error}");
}

#[test]
fn hostile_expressions_end_within_their_bounds() {
    // Without the bound some of them take hours, or all of the memory.
    an_expression_may_work_on_two_long_texts_and_on_no_more();
    let file = File::new();
    let values = json!({"token": "a".repeat(100), "cursor": ["a", "b"]});
    let mut wrong = Vec::new();
    for (expression, is_refused) in EXPRESSIONS {
        let text = format!("{{{{ {expression} }}}}");
        let rendered = file.text(&text, EscapeContext::Path).and_then(|template| {
            let text = scoped(&values, 1, |scope| {
                template.render(scope).map(|text| text.len())
            });
            text.map_err(|error| error.to_string())
        });
        let typed = file.value(&json!([text])).and_then(|template| {
            let value = scoped(&values, 1, |scope| template.render(scope));
            value.map_err(|error| error.to_string())
        });
        if rendered.is_err() != is_refused || typed.is_err() != is_refused {
            wrong.push(format!("{expression}: {rendered:?} {typed:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Renders one expression into the value that it names, again and again, until it is refused.
fn repeated(expression: &str, first: Value) -> (usize, RenderError) {
    let template = File::new().value(&expression.into()).unwrap();
    let mut values = BTreeMap::from([("token".to_owned(), first)]);
    for round in 0..100_000 {
        let mut scope = Scope {
            values: &values,
            rng: &mut rand::SeedableRng::seed_from_u64(1),
            now: || jiff::Timestamp::UNIX_EPOCH,
            log: None,
        };
        match template.render(&mut scope) {
            Ok(value) => values.insert("token".to_owned(), value),
            Err(error) => return (round, error),
        };
    }
    panic!("{expression} is never refused");
}

#[test]
fn a_value_that_grows_each_time_it_is_set_is_refused_in_the_end() {
    for (expression, first, most) in [
        ("{{ [token] }}", json!("a"), 256),
        ("{{ token ~ token }}", json!("a"), 24),
    ] {
        let (rounds, error) = repeated(expression, first);
        assert!(rounds <= most, "{expression}: {rounds}");
        assert!(matches!(error, RenderError::Failed(..)), "{error}");
    }
}

#[test]
fn text_of_many_values_is_refused_when_it_is_too_long() {
    let template = File::new()
        .text(&"{{ token }}".repeat(200), EscapeContext::Plain)
        .unwrap();
    let render = |length: usize| {
        let values = json!({"token": "a".repeat(length)});
        scoped(&values, 1, |scope| {
            template.render(scope).map(|text| text.len())
        })
    };
    assert_eq!(render(1_000), Ok(200_000));
    assert!(matches!(render(100_000), Err(RenderError::Failed(..))));
}

//! Tests of templates as a whole: what folds, what is typed, what is drawn, what is refused.

mod hostile;

use std::collections::BTreeSet;

use rand::SeedableRng as _;
use serde_json::json;

use super::*;
use crate::scenario::data::{Format, Table};

/// A small file's worth of names: variables, and `item_id`, `token` and `count` as what users set.
struct File {
    variables: BTreeMap<String, Variable>,
    runtime: BTreeSet<String>,
    rows: Rows,
}

impl File {
    fn new() -> Self {
        let users = "email,pin\na@b.c,0123\n".as_bytes();
        let users = Table::read(Format::Csv, users).unwrap();
        let variables = json!({
            "base": "/prod", "limit": 20, "skus": ["A", "B", "C"], "empty": [], "nothing": null,
            "card": {"type": "visa", "last": 4242}, "cursor": "first", "odd": "a b?c#d%e/ü",
        });
        let variables = variables.as_object().unwrap().iter();
        let variables =
            variables.map(|(name, value)| (name.clone(), Variable::new(value.clone(), false)));
        Self {
            variables: variables.collect(),
            runtime: ["item_id", "token", "cursor", "users"]
                .map(str::to_owned)
                .into(),
            rows: Rows::new([("users".to_owned(), users.into())].into()),
        }
    }

    fn with<T>(&self, parse: impl FnOnce(Bindings<'_>) -> T) -> T {
        let env = |name: &str| match name {
            "PASSWORD" => Some("hunter2".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        parse(Bindings {
            variables: &self.variables,
            runtime: &self.runtime,
            rows: &self.rows,
            secrets: &EnvironmentSecrets::new(&env),
            budget: &Budget::default(),
        })
    }

    fn text(&self, source: &str, place: EscapeContext) -> Result<Template, String> {
        self.with(|names| Template::parse(source, place, names))
            .map_err(|error| error.to_string())
    }

    fn value(&self, source: &Value) -> Result<ValueTemplate, String> {
        self.with(|names| ValueTemplate::parse(source, names))
            .map_err(|error| error.to_string())
    }
}

/// Hands a scope with the values and a generator of the seed to `render`.
fn scoped<T>(values: &Value, seed: u64, render: impl FnOnce(&mut Scope<'_>) -> T) -> T {
    let values = values.as_object().unwrap().clone().into_iter().collect();
    render(&mut Scope {
        values: &values,
        rng: &mut ChaCha8Rng::seed_from_u64(seed),
        now: || "2026-03-01T12:00:00.5Z".parse().unwrap(),
        log: None,
    })
}

fn render(template: &Template, values: &Value, seed: u64) -> Result<String, RenderError> {
    scoped(values, seed, |scope| {
        let mut text = String::new();
        template.render_into(scope, &mut text).map(|()| text)
    })
}

#[test]
fn what_is_known_before_the_run_is_folded() {
    for (source, text) in [
        ("", ""),
        ("/items", "/items"),
        ("{{ base }}/items?limit={{ limit }}", "/prod/items?limit=20"),
        ("{{ card.last + 1 }}", "4243"),
        ("{{ skus | length }}", "3"),
        ("{{ card }}", r#"{"type":"visa","last":4242}"#),
        ("{{ env.PASSWORD | upper }}", "HUNTER2"),
        ("{{ limit > 3 }}", "true"),
        ("{{ '{{' }}", "{{"),
    ] {
        let template = File::new().text(source, EscapeContext::Plain).unwrap();
        assert_eq!(template.constant(), Some(text), "{source}");
        assert_eq!(template.source(), source);
    }
}

#[test]
fn what_users_set_is_rendered_and_lies_over_variables() {
    for (source, values, text) in [
        (
            "/items/{{ item_id }}/x",
            json!({"item_id": "SKU-1"}),
            "/items/SKU-1/x",
        ),
        ("{{ item_id }}", json!({"item_id": 7}), "7"),
        ("{{ item_id }}", json!({"item_id": [1, "a"]}), r#"[1,"a"]"#),
        ("{{ cursor }}", json!({}), "first"),
        ("{{ cursor }}", json!({"cursor": "next"}), "next"),
        ("{{ token | default('none') }}", json!({}), "none"),
        ("{{ base ~ item_id }}", json!({"item_id": "x"}), "/prodx"),
        ("{{ now() }}", json!({}), "2026-03-01T12:00:00.500Z"),
    ] {
        let template = File::new().text(source, EscapeContext::Plain).unwrap();
        assert!(!template.is_constant(), "{source}");
        assert_eq!(render(&template, &values, 1).unwrap(), text, "{source}");
    }
}

#[test]
fn an_unset_value_is_told_apart_from_any_other_error() {
    let unset = |name: &str| RenderError::Unset(name.to_owned());
    for (source, values, error) in [
        ("{{ token }}", json!({}), unset("token")),
        ("Bearer {{ token }}", json!({"token": null}), unset("token")),
        ("{{ token ~ 'x' }}", json!({}), unset("token")),
        ("{{ token.id }}", json!({"token": {}}), unset("token.id")),
        (
            "{{ token + 1 }}",
            json!({"token": []}),
            RenderError::Failed(
                "token + 1".into(),
                "tried to use + operator on unsupported types sequence and number".into(),
            ),
        ),
    ] {
        let template = File::new().text(source, EscapeContext::Plain).unwrap();
        assert_eq!(
            render(&template, &values, 1).unwrap_err(),
            error,
            "{source}"
        );
    }
    assert_eq!(unset("token").to_string(), "needs 'token', which is unset");
}

#[test]
fn an_expression_that_can_never_work_is_refused_at_once() {
    for (source, message) in [
        (
            "{{ itme_id }}",
            "unknown name 'itme_id': did you mean 'item_id'? (in '{{ itme_id }}')",
        ),
        (
            "{{ uid() }}",
            "unknown name 'uid': did you mean 'uuid'? (in '{{ uid() }}')",
        ),
        (
            "{{ zebra }}",
            "unknown name 'zebra': declare it under variables above its use, or set or capture it first (in '{{ zebra }}')",
        ),
        (
            "{{ item_id | uper }}",
            "filter uper is unknown (in '{{ item_id | uper }}')",
        ),
        (
            "{{ env.MISSING }}",
            "the environment variable MISSING is unset or empty; set it before the run (in '{{ env.MISSING }}')",
        ),
        (
            "{{ env.EMPTY }}",
            "the environment variable EMPTY is unset or empty; set it before the run (in '{{ env.EMPTY }}')",
        ),
        (
            "{{ env[base] }}",
            "env must be followed by the name of a variable, such as env.LOADTEST_PASSWORD (in '{{ env[base] }}')",
        ),
        (
            "{{ pick(empty) }}",
            "pick() needs a list with at least one value (in '{{ pick(empty) }}')",
        ),
        (
            "{{ pick(base) }}",
            "pick() needs a list, and this is a string (in '{{ pick(base) }}')",
        ),
        (
            "{{ random_int(9, 1) }}",
            "random_int(9, 1) is empty; write the smaller number first (in '{{ random_int(9, 1) }}')",
        ),
        (
            "{{ uuid }}",
            "it yields no text, number, list or object; a function needs its (), such as uuid() (in '{{ uuid }}')",
        ),
        ("{{ card.nope }}", "it has no value (in '{{ card.nope }}')"),
        (
            "{{ nothing }}",
            "null cannot be written as text (in '{{ nothing }}')",
        ),
        (
            "{{ 1 + }}",
            "unexpected end of input, expected expression (in '{{ 1 + }}')",
        ),
    ] {
        let error = File::new().text(source, EscapeContext::Plain).unwrap_err();
        assert_eq!(error, message, "{source}");
    }
}

#[test]
fn one_whole_expression_keeps_its_type() {
    for (source, expected) in [
        (json!("{{ limit }}"), json!(20)),
        (json!("{{ nothing }}"), json!(null)),
        (json!(" {{ card }} "), json!({"type": "visa", "last": 4242})),
        (json!("n={{ limit }}"), json!("n=20")),
        (
            json!({"item": "{{ token }}", "n": [1, "{{ limit }}"]}),
            json!({"item": {"a": 1}, "n": [1, 20]}),
        ),
        (json!(["{{ token.a }}", "x{{ token.a }}"]), json!([1, "x1"])),
        (json!(12_345_678_901_u64), json!(12_345_678_901_u64)),
    ] {
        let template = File::new().value(&source).unwrap();
        let rendered = scoped(&json!({"token": {"a": 1}}), 1, |scope| {
            let mut text = String::new();
            template.render_json(scope, &mut text).unwrap();
            let rendered = template.render(scope).unwrap();
            assert_eq!(text, rendered.to_string(), "both renderings agree");
            rendered
        });
        assert_eq!(rendered, expected, "{source}");
        assert_eq!(template.source(), &source);
    }
}

#[test]
fn json_keeps_the_order_of_keys_and_is_ready_where_constant() {
    let source = json!({"z": 1, "a": {"y": "{{ limit }}", "b": "\"quoted\""}});
    let template = File::new().value(&source).unwrap();
    assert_eq!(
        template.constant_json(),
        Some(r#"{"z":1,"a":{"y":20,"b":"\"quoted\""}}"#)
    );
    let error = File::new().value(&json!({"{{ base }}": 1})).unwrap_err();
    assert_eq!(
        error,
        "the key '{{ base }}' contains an expression; only values may"
    );
}

#[test]
fn draws_depend_on_the_seed_and_continue_between_renders() {
    let template = File::new()
        .text(
            "{{ uuid() }} {{ random_int(1, 6) }} {{ pick(skus) }}",
            EscapeContext::Plain,
        )
        .unwrap();
    let twice = |seed| {
        let values = BTreeMap::new();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        [(); 2].map(|()| {
            let mut scope = Scope {
                values: &values,
                rng: &mut rng,
                now: || jiff::Timestamp::UNIX_EPOCH,
                log: None,
            };
            template.render(&mut scope).unwrap().into_owned()
        })
    };
    let [first, second] = twice(7);
    assert_ne!(first, second);
    assert_eq!(twice(7), [first.clone(), second]);
    assert_ne!(twice(8)[0], first);
    insta::assert_snapshot!(first, @"28655334-23d7-43bb-ab01-59d32e9b293a 5 A");
}

#[test]
fn draws_stay_within_their_bounds_and_reach_them() {
    let (file, mut seen) = (File::new(), BTreeSet::new());
    let template = file
        .text(
            "{{ random_int(1, 3) }}{{ pick(skus) }}",
            EscapeContext::Plain,
        )
        .unwrap();
    for seed in 0..200 {
        seen.insert(render(&template, &json!({}), seed).unwrap());
    }
    let all = ["1A", "1B", "1C", "2A", "2B", "2C", "3A", "3B", "3C"];
    assert_eq!(seen, all.map(str::to_owned).into());
}

#[test]
fn paths_stay_one_line_and_values_stay_in_their_segment() {
    for (source, values, path) in [
        ("/a b?x=ü%20", json!({}), "/a%20b?x=%C3%BC%20"),
        ("/{{ odd }}?q=1", json!({}), "/a%20b%3Fc%23d%25e/%C3%BC?q=1"),
        (
            "/{{ item_id }}",
            json!({"item_id": "1 HTTP/1.1\r\nX: y?#"}),
            "/1%20HTTP/1.1%0D%0AX:%20y%3F%23",
        ),
    ] {
        let template = File::new().text(source, EscapeContext::Path).unwrap();
        assert_eq!(render(&template, &values, 1).unwrap(), path, "{source}");
    }
}

#[test]
fn a_header_cannot_smuggle_in_another() {
    let message = "a header cannot hold a line break or another control character";
    let file = File::new();
    assert_eq!(
        file.text("a\r\nb: c", EscapeContext::Header).unwrap_err(),
        message
    );
    let template = file.text("{{ token }}", EscapeContext::Header).unwrap();
    assert_eq!(
        render(&template, &json!({"token": "a\nb: c"}), 1),
        Err(RenderError::Failed("token".into(), message.into()))
    );
    assert_eq!(
        render(&template, &json!({"token": "a b"}), 1).unwrap(),
        "a b"
    );
}

#[test]
fn secrets_are_known_and_never_shown() {
    let template = File::new()
        .text("{{ env.PASSWORD }}", EscapeContext::Plain)
        .unwrap();
    assert_eq!(template.constant(), Some("hunter2"));
    assert!(template.is_secret());
    let value = File::new()
        .value(&json!({"p": "{{ env.PASSWORD }}"}))
        .unwrap();
    assert!(value.is_secret());
    let shown = format!("{template:?} {value:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn names_that_expressions_cannot_spell_are_refused() {
    assert_eq!(refuse_name("item_2"), Ok(()));
    for name in ["user-name", "2nd", "", "a.b", "ü"] {
        assert!(
            refuse_name(name).unwrap_err().contains("cannot be used"),
            "{name}"
        );
    }
    for name in ["env", "pick", "true"] {
        assert!(
            refuse_name(name)
                .unwrap_err()
                .contains("already has a meaning"),
            "{name}"
        );
    }
}

/// Numbers that 64 bits do not hold as they are written, and one that they do.
const NUMBERS: [&str; 11] = [
    "7",
    "1.0",
    "1.10",
    "-0",
    "-0.0",
    "9007199254740993",
    "18446744073709551616",
    "-170141183460469231731687303715884105729",
    "0.1234567890123456789",
    "123456789012345678901234567890.5",
    "1e+400",
];

#[test]
fn a_number_goes_out_digit_by_digit_as_it_came_in() {
    let file = File::new();
    for number in NUMBERS {
        let captured = format!("{{\"token\": {number}, \"item_id\": {{\"a\": [{number}]}}}}");
        let captured: Value = serde_json::from_str(&captured).unwrap();
        for source in ["{{ token }}", "{{ item_id.a[0] }}", "{{ item_id['a'][0] }}"] {
            for place in [EscapeContext::Plain, EscapeContext::Header] {
                let text = file.text(source, place).unwrap();
                assert_eq!(
                    scoped(&captured, 1, |scope| text
                        .render(scope)
                        .map(Cow::into_owned)),
                    Ok(number.to_owned()),
                    "{source}"
                );
            }
            let body = file
                .value(&json!({"n": source, "t": format!("{source};")}))
                .unwrap();
            let mut sent = String::new();
            scoped(&captured, 1, |scope| body.render_json(scope, &mut sent)).unwrap();
            assert_eq!(sent, format!("{{\"n\":{number},\"t\":\"{number};\"}}"));
        }
        let whole = file.value(&json!("{{ item_id }}")).unwrap();
        let mut sent = String::new();
        scoped(&captured, 1, |scope| whole.render_json(scope, &mut sent)).unwrap();
        assert_eq!(sent, format!("{{\"a\":[{number}]}}"));
    }
}

#[test]
fn a_variable_is_sent_as_it_is_written() {
    let mut file = File::new();
    for number in NUMBERS {
        let value: Value = serde_json::from_str(&format!("{{\"n\": [{number}]}}")).unwrap();
        for (source, value) in [
            ("{{ v }}", value["n"][0].clone()),
            ("{{ v.n[0] }}", value.clone()),
        ] {
            file.variables
                .insert("v".to_owned(), Variable::new(value, false));
            let text = file.text(source, EscapeContext::Plain).unwrap();
            assert_eq!(text.constant(), Some(number), "{source}");
            assert!(file.variables["v"].used.get());
        }
    }
}

#[test]
fn one_calculates_with_whole_numbers_of_any_usual_length() {
    let file = File::new();
    for (token, source, result) in [
        ("9007199254740993", "{{ token + 1 }}", "9007199254740994"),
        (
            "18446744073709551615",
            "{{ token + 1 }}",
            "18446744073709551616",
        ),
        (
            "-9223372036854775809",
            "{{ token }}",
            "-9223372036854775809",
        ),
        ("1.5", "{{ token * 2 }}", "3.0"),
    ] {
        let captured: Value = serde_json::from_str(&format!("{{\"token\": {token}}}")).unwrap();
        let text = file.text(source, EscapeContext::Plain).unwrap();
        let rendered = scoped(&captured, 1, |scope| {
            text.render(scope).map(Cow::into_owned)
        });
        assert_eq!(rendered.as_deref(), Ok(result));
    }
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    /// Any JSON, with strings and keys of any letters.
    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((any::<String>(), inner), 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_value_goes_out_as_it_came_in(value in json_value()) {
            let file = File::new();
            let body = file.value(&json!({"v": "{{ token }}", "part": "{{ item_id.x }}"})).unwrap();
            let values = json!({"token": value, "item_id": {"x": value}});
            let mut sent = String::new();
            scoped(&values, 1, |scope| body.render_json(scope, &mut sent)).unwrap();
            prop_assert_eq!(sent, json!({"v": value, "part": value}).to_string());
        }

        #[test]
        fn any_text_in_a_path_is_read_back(text in any::<String>()) {
            let file = File::new();
            let path = file.text("/{{ token }}", EscapeContext::Path).unwrap();
            let values = json!({"token": text});
            let sent = scoped(&values, 1, |scope| path.render(scope).map(Cow::into_owned)).unwrap();
            prop_assert!(sent.bytes().all(|byte| byte.is_ascii_graphic()));
            // A `+` in a path is not a blank.
            let form = sent[1..].replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
            let read = url::form_urlencoded::parse(form.as_bytes()).next();
            prop_assert_eq!(read.map_or(String::new(), |(name, _)| name.into_owned()), text);
        }
    }
}

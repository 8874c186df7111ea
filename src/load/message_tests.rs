//! Tests of requests as bytes: what is known ahead, bodies, authentication, signatures.

use std::collections::BTreeMap;
use std::path::Path;

use super::super::prepared::CompiledScenario;
use super::*;
use crate::processes::DeniedVariables;
use crate::scenario::Inputs;

/// The class around a step, both in one line.
fn scenario(class: &str, step: &str) -> String {
    format!(
        "name: x\nvariables: {{way: a/b, ways: [a/b]}}\nuser_classes:\n- name: a\n  {class}\n  tasks:\n  - set: {{ late: \"{{{{ uuid() }}}}\" }}\n    steps: [{step}]\nload: [{{phase: p, users: 1, for: 1s}}]\n"
    )
}

/// The bytes of the only request, at the time of AWS's test suite.
fn rendered(target: &str, text: &str) -> String {
    let env = |name: &str| match name {
        "AWS_ACCESS_KEY_ID" => Some("AKIDEXAMPLE".to_owned()),
        "AWS_SECRET_ACCESS_KEY" => Some("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned()),
        "TOKEN_OF_SESSION" => Some(SESSION.to_owned()),
        _ => None,
    };
    let inputs = Inputs {
        env: &env,
        ..Inputs::default()
    };
    let scenario = scenario::parse("scenario.yml", text, &inputs).unwrap();
    let origin = target.parse().unwrap();
    let script = CompiledScenario::new(
        &scenario,
        &origin,
        Path::new("."),
        &DeniedVariables::default(),
    )
    .unwrap();
    let request = script.classes[0].tasks[0].steps[0].request().unwrap();
    let (values, mut rng) = (BTreeMap::new(), draws::unused());
    let mut scope = Scope {
        values: &values,
        rng: &mut rng,
        now: || "2015-08-30T12:36:00Z".parse().unwrap(),
        log: None,
    };
    let mut bytes = request.fixed.clone().unwrap_or_default();
    if bytes.is_empty() {
        request
            .render(&origin, &mut scope, None, &mut bytes)
            .unwrap();
    }
    String::from_utf8(bytes).unwrap()
}

const SESSION: &str = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

#[test]
fn a_request_is_the_same_bytes_if_compiled_ahead() {
    let whole = "GET /prod/a/b?q=a%20b HTTP/1.1\r\nHost: h:1\r\nuser-agent: a/b\r\n\r\n";
    for path in ["/{{ way }}", "/{{ pick(ways) }}", "/{{ pick( ways ) }}"] {
        for agent in ["{{ way }}", "{{ pick(ways) }}"] {
            let step =
                format!("{{get: '{path}', headers: {{user-agent: '{agent}'}}, query: {{q: a b}}}}");
            let text = scenario("weight: 1", &step);
            assert_eq!(rendered("http://h:1/prod", &text), whole, "{path} {agent}");
        }
    }
}

#[test]
fn a_body_is_sent_with_its_media_type_or_that_of_a_header() {
    for (body, media, bytes) in [
        ("json: { a: 1 }", "application/json", "{\"a\":1}"),
        (
            "form: { 'a b': 'c&d', e: ['ü', '{{ way }}'] }",
            "application/x-www-form-urlencoded",
            "a+b=c%26d&e=%C3%BC&e=a%2Fb",
        ),
        ("raw: 'x {{ way }}'", "text/plain; charset=utf-8", "x a/b"),
        (
            "raw: '{{ pick(ways) }}'",
            "text/plain; charset=utf-8",
            "a/b",
        ),
    ] {
        let text = scenario("weight: 1", &format!("{{ post: /, {body} }}"));
        let sent = rendered("http://h", &text);
        assert!(
            sent.contains(&format!("\r\nContent-Type: {media}\r\n")),
            "{sent}"
        );
        assert!(
            sent.ends_with(&format!("Content-Length: {}\r\n\r\n{bytes}", bytes.len())),
            "{sent}"
        );
        let own = format!("{{ post: /, headers: {{ content-type: own }}, {body} }}");
        let sent = rendered("http://h", &scenario("weight: 1", &own));
        assert_eq!(
            sent.to_lowercase().matches("content-type").count(),
            1,
            "{sent}"
        );
    }
}

#[test]
fn a_request_authenticates_as_its_class_says_once_that_is_set() {
    let login = "on_start: [{ post: /login, capture: { token: $.t } }]\n  auth:";
    for (auth, step, part) in [
        (
            "auth: { bearer: a }",
            "{ get: / }",
            "\r\nAuthorization: Bearer a\r\n",
        ),
        (
            "auth: { basic: { username: Aladdin, password: open sesame } }",
            "{ get: / }",
            "\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n",
        ),
        (
            "auth: { api_key: { header: X-Api-Key, value: '{{ way }}' } }",
            "{ get: / }",
            "\r\nX-Api-Key: a/b\r\n",
        ),
        (
            "auth: { api_key: { query: key, value: a b } }",
            "{ get: '/x', query: { q: 1 } }",
            "GET /x?q=1&key=a%20b HTTP",
        ),
        (
            "auth: { api_key: { query: key, value: a } }",
            "{ get: '/{{ late or way }}' }",
            "?key=a HTTP",
        ),
        (
            &format!("{login} {{ bearer: '{{{{ token }}}}' }}"),
            "{ get: / }",
            "!uthorization",
        ),
        (
            &format!("{login} {{ basic: {{ username: a, password: '{{{{ token }}}}' }} }}"),
            "{ get: / }",
            "!uthorization",
        ),
        (
            &format!("{login} {{ api_key: {{ query: key, value: '{{{{ token }}}}' }} }}"),
            "{ get: / }",
            "!key",
        ),
        (
            "auth: { bearer: a }",
            "{ get: /, headers: { authorization: own } }",
            "!Bearer",
        ),
        (
            "auth: { api_key: { header: x-key, value: a } }",
            "{ get: /, headers: { X-Key: own } }",
            "!x-key: a",
        ),
        (
            "auth: { bearer: a, api_key: { header: k, value: b } }",
            "{ get: / }",
            "Bearer a\r\nk: b\r\n",
        ),
    ] {
        let step = step.replace("{{ late or way }}", "{{ pick(ways) }}");
        let sent = rendered("http://h", &scenario(auth, &step));
        match part.strip_prefix('!') {
            Some(absent) => assert!(!sent.contains(absent), "{absent} in {sent}"),
            None => assert!(sent.contains(part), "no {part} in {sent}"),
        }
    }
}

/// AWS's published test suite for Signature Version 4: its credentials, time, host and results.
#[test]
fn signatures_are_those_of_the_test_suite_of_aws() {
    let plain = "aws_sigv4: { region: us-east-1, service: service }";
    let session = "aws_sigv4: { region: us-east-1, service: service, session_token: '{{ env.TOKEN_OF_SESSION }}' }";
    for (name, auth, step, signed, signature) in [
        (
            "get-vanilla",
            plain,
            "{ get: / }",
            "host;x-amz-date",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        (
            "get-vanilla-query-order-key",
            plain,
            "{ get: '/?Param1=value2&Param1=Value1' }",
            "host;x-amz-date",
            "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1",
        ),
        (
            "get-vanilla-query-order-key-case",
            plain,
            "{ get: /, query: { Param2: value2, Param1: value1 } }",
            "host;x-amz-date",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            "get-vanilla-query-unreserved",
            plain,
            "{ get: '/?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz' }",
            "host;x-amz-date",
            "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
        ),
        (
            "post-vanilla",
            plain,
            "{ post: / }",
            "host;x-amz-date",
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        ),
        (
            "post-x-www-form-urlencoded",
            plain,
            "{ post: /, form: { Param1: value1 } }",
            "content-type;host;x-amz-date",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
        (
            "post-sts-header-before",
            session,
            "{ post: / }",
            "host;x-amz-date;x-amz-security-token",
            "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
        ),
    ] {
        let text = scenario(&format!("auth: {{ {auth} }}"), step);
        let sent = rendered("http://example.amazonaws.com", &text);
        let header = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders={signed}, Signature={signature}\r\n"
        );
        assert!(sent.contains(&header), "{name}: {sent}");
        assert!(
            sent.contains("x-amz-date: 20150830T123600Z\r\n"),
            "{name}: {sent}"
        );
    }
}

#[test]
fn a_signature_covers_what_is_drawn_for_the_request() {
    let auth = "auth: { aws_sigv4: { region: eu-west-1, service: lambda } }";
    let sent = rendered(
        "https://x.lambda-url.eu-west-1.on.aws/prod",
        &scenario(
            auth,
            "{ post: '/{{ pick(ways) }}', json: { a: '{{ way }}' } }",
        ),
    );
    assert!(sent.starts_with("POST /prod/a/b HTTP/1.1\r\nHost: x.lambda-url.eu-west-1.on.aws\r\n"));
    assert!(
        sent.contains(
            "/eu-west-1/lambda/aws4_request, SignedHeaders=content-type;host;x-amz-date,"
        )
    );
    let own = scenario(auth, "{ get: /, headers: { Authorization: own } }");
    assert!(!rendered("http://h", &own).contains("AWS4"));
}

//! What a socket reads of bodies and credentials that a scenario writes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use sha2::{Digest, Sha256};

use crate::support::{Gate, Received, Server, gate};

/// No limit, since few requests are enough here.
const LENIENT: &str = "limits: { overall: { error_rate: off, unavailable: off } }";

/// A gate of one class, which is written below `user_classes`.
fn with(class: &str) -> Gate {
    gate(LENIENT).with_scenario(&format!(
        "name: wire\nuser_classes:\n  - name: user\n    wait: 20ms\n{class}\nload:\n  - {{ phase: warm, users: 2, for: 1s }}\n"
    ))
}

/// What arrived of a run by name, each name at least once and everything answered with 200.
fn arrived(gate: &Gate, env: &[(&str, &str)]) -> BTreeMap<String, Vec<Received>> {
    let (ran, server) = gate.run_on(Server::fast, env);
    ran.exits(0);
    let mut by_line: BTreeMap<String, Vec<Received>> = BTreeMap::new();
    for request in server.received() {
        by_line.entry(request.line()).or_default().push(request);
    }
    assert!(!by_line.is_empty());
    by_line
}

/// Checks that all requests have this body, its length and this type.
#[track_caller]
fn have_body(requests: &[Received], body: &str, length: usize, kind: Option<&str>) {
    for request in requests {
        assert_eq!(request.body, body);
        let told = request.header("content-length");
        assert_eq!(told, Some(length.to_string().as_str()));
        assert_eq!(request.header("content-type"), kind);
    }
}

#[test]
fn bodies_arrive_as_forms_as_they_are_and_byte_by_byte() {
    let gate = with(
        "    tasks:
      - set: { who: 'Zoë & Ann' }
        steps:
          - { post: /form, form: { user: '{{ who }}', n: '{{ 1 }}', empty: '' } }
          - { post: /raw, raw: \"line one\\n<{{ who }}>\", headers: { content-type: text/plain } }
          - { put: /file, file: body.bin }
          - { patch: /json, json: { user: '{{ who }}', list: [1, 2.5, null, true] } }",
    );
    std::fs::write(gate.folder().join("body.bin"), [0, 1, 255, b'\n', b'"']).unwrap();
    let by_line = arrived(&gate, &[]);
    let form = "user=Zo%C3%AB+%26+Ann&n=1&empty=";
    let kind = Some("application/x-www-form-urlencoded");
    have_body(&by_line["POST /form"], form, form.len(), kind);
    let raw = "line one\n<Zoë & Ann>";
    have_body(&by_line["POST /raw"], raw, raw.len(), Some("text/plain"));
    // The test's server reads bytes that are no text as one sign.
    let file = "\u{0}\u{1}\u{fffd}\n\"";
    for request in &by_line["PUT /file"] {
        assert_eq!(request.body, file);
        assert_eq!(request.header("content-length"), Some("5"));
    }
    let json = r#"{"user":"Zoë & Ann","list":[1,2.5,null,true]}"#;
    let kind = Some("application/json");
    have_body(&by_line["PATCH /json"], json, json.len(), kind);
}

/// A class that asks with these credentials.
fn asking(auth: &str) -> Gate {
    with(&format!(
        "    {auth}\n    tasks: [{{ steps: [{{ get: /me?own=1 }}] }}]"
    ))
}

#[test]
fn credentials_arrive_in_their_header_or_query() {
    let env = [("LOADTEST_SECRET", "open sésame")];
    let basic =
        asking("auth: { basic: { username: Aladdin, password: '{{ env.LOADTEST_SECRET }}' } }");
    let by_line = arrived(&basic, &env);
    let pair = base64::prelude::BASE64_STANDARD.encode("Aladdin:open sésame");
    for request in &by_line["GET /me?own=1"] {
        let expected = format!("Basic {pair}");
        assert_eq!(request.header("authorization"), Some(expected.as_str()));
    }

    let env = [("LOADTEST_SECRET", "k=/&1")];
    let key = "auth: { api_key: { header: X-Api-Key, value: '{{ env.LOADTEST_SECRET }}' } }";
    for request in &arrived(&asking(key), &env)["GET /me?own=1"] {
        assert_eq!(request.header("x-api-key"), Some("k=/&1"));
        assert_eq!(request.header("authorization"), None);
    }

    let key = "auth: { bearer: t, api_key: { query: key, value: '{{ env.LOADTEST_SECRET }}' } }";
    let by_line = arrived(&asking(key), &env);
    let lines: Vec<&String> = by_line.keys().collect();
    assert_eq!(lines, ["GET /me?own=1&key=k%3D%2F%261"]);
    for request in by_line.values().flatten() {
        assert_eq!(request.header("authorization"), Some("Bearer t"));
        assert_eq!(request.header("x-api-key"), None);
    }

    let custom = asking("headers: { X-Authorizer-Token: 'custom {{ env.LOADTEST_SECRET }}' }");
    for request in &arrived(&custom, &env)["GET /me?own=1"] {
        assert_eq!(request.header("x-authorizer-token"), Some("custom k=/&1"));
    }
}

#[test]
fn a_signature_is_that_of_the_request_that_arrives() {
    let gate = with(
        "    auth: { aws_sigv4: { region: eu-west-1, service: execute-api } }
    tasks:
      - steps:
          - { post: '/prod/orders/a b', query: { z: 1, 'a': 'x y' }, json: { id: '{{ uuid() }}' } }
          - { get: /prod/orders }",
    );
    let env = [
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_SESSION_TOKEN", "session-1"),
    ];
    let by_line = arrived(&gate, &env);
    let (posted, read) = (
        &by_line["POST /prod/orders/a%20b?z=1&a=x%20y"],
        &by_line["GET /prod/orders"],
    );
    for request in posted {
        is_signed(request, "/prod/orders/a%2520b", "a=x%20y&z=1");
    }
    for request in read {
        is_signed(request, "/prod/orders", "");
    }
    for file in ["result.json", "summary.md", "junit.xml", "report.html"] {
        let told = gate.written(file);
        assert!(
            !told.contains(SECRET) && !told.contains("session-1"),
            "{file}"
        );
    }
}

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// Signs what arrived once more, as the documentation of Signature Version 4 says, and holds the two against each other.
#[track_caller]
fn is_signed(request: &Received, path: &str, query: &str) {
    let header = |name: &str| request.header(name).unwrap_or_else(|| panic!("no {name}"));
    let (time, token) = (header("x-amz-date"), header("x-amz-security-token"));
    assert_eq!(token, "session-1");
    let day = time.split('T').next().unwrap();
    let scope = format!("{day}/eu-west-1/execute-api/aws4_request");
    let authorization = header("authorization");
    let (given, signature) = authorization.split_once(", Signature=").unwrap();
    let credential = format!("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{scope}, SignedHeaders=");
    let signed = given.strip_prefix(&credential).unwrap();
    for name in ["host", "x-amz-date", "x-amz-security-token"] {
        assert!(signed.split(';').any(|own| own == name), "{signed}");
    }
    let mut canonical = format!("{}\n{path}\n{query}\n", request.method);
    for name in signed.split(';') {
        writeln!(canonical, "{name}:{}", header(name)).unwrap();
    }
    let body = hex(&Sha256::digest(request.body.as_bytes()));
    write!(canonical, "\n{signed}\n{body}").unwrap();
    let hash = hex(&Sha256::digest(canonical.as_bytes()));
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{hash}");
    let key = [day, "eu-west-1", "execute-api", "aws4_request"]
        .iter()
        .fold(format!("AWS4{SECRET}").into_bytes(), |key, part| {
            hmac(&key, part.as_bytes())
        });
    assert_eq!(signature, hex(&hmac(&key, text.as_bytes())), "{canonical}");
}

/// HMAC with SHA-256 (RFC 2104), of keys of up to a block.
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let padded = |pad: u8| {
        let mut block = [pad; 64];
        block
            .iter_mut()
            .zip(key)
            .for_each(|(own, byte)| *own ^= byte);
        block
    };
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(text);
    let outer = Sha256::new().chain_update(padded(0x5c));
    outer.chain_update(inner.finalize()).finalize().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

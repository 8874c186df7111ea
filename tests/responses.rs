//! Responses as servers in the wild send them, and values on their way through a user: read as browsers and curl read
//! them, and sent on unchanged.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};

use crate::support::{Gate, Ran, gate, loadgate};

/// The bytes of a request's line and header fields, the names in lower case, and of its body.
#[derive(Clone, Debug, Default)]
struct Asked {
    line: String,
    fields: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Asked {
    fn all(&self, name: &str) -> Vec<&[u8]> {
        let own = self.fields.iter().filter(|(own, _)| own == name);
        own.map(|(_, value)| value.as_slice()).collect()
    }
}

/// A server on loopback that sends bytes by path, each on any connection, and keeps what it was asked.
struct Raw {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Raw {
    fn start(responses: impl IntoIterator<Item = (&'static str, Vec<u8>)>) -> Self {
        let responses: Arc<BTreeMap<_, _>> = Arc::new(responses.into_iter().collect());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (responses, log) = (Arc::clone(&responses), Arc::clone(&log));
                std::thread::spawn(move || serve(&stream, &responses, &log));
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// What was asked of a path.
    fn of(&self, path: &str) -> Vec<Asked> {
        let is_of = |asked: &Asked| asked.line.split(' ').nth(1) == Some(path);
        self.asked().into_iter().filter(is_of).collect()
    }
}

fn serve(stream: &TcpStream, responses: &BTreeMap<&str, Vec<u8>>, log: &Mutex<Vec<Asked>>) {
    let mut reader = BufReader::new(stream);
    while let Some(asked) = read(&mut reader) {
        let path = asked.line.split(' ').nth(1).unwrap_or_default();
        let path = path.split('?').next().unwrap_or_default();
        let response = responses.get(path).cloned();
        log.lock().unwrap().push(asked);
        let response = response.unwrap_or_else(|| plain("", b"{}"));
        if (&*stream).write_all(&response).is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<&TcpStream>) -> Option<Asked> {
    let mut asked = Asked::default();
    reader.read_line(&mut asked.line).ok()?;
    loop {
        let mut line = Vec::new();
        reader.read_until(b'\n', &mut line).ok()?;
        let line = line.trim_ascii();
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            break;
        };
        let name = String::from_utf8_lossy(&line[..colon]).to_ascii_lowercase();
        asked
            .fields
            .push((name, line[colon + 1..].trim_ascii().to_vec()));
    }
    if asked.line.is_empty() {
        return None;
    }
    let length = asked.all("content-length").first().map_or(0, |value| {
        String::from_utf8_lossy(value).parse().unwrap_or(0)
    });
    asked.body = vec![0; length];
    reader.read_exact(&mut asked.body).ok()?;
    Some(asked)
}

/// A response with further header lines.
fn plain(lines: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\n{lines}Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// A gate of one user with these steps, below `defaults` and whatever else the head holds.
fn steps(head: &str, steps: &[&str]) -> Gate {
    let steps: Vec<String> = steps
        .iter()
        .map(|step| format!("          - {step}\n"))
        .collect();
    let steps = steps.concat();
    gate("").with_scenario(&format!(
        "name: sample\n{head}\nuser_classes:\n  - name: user\n    tasks:\n      - steps:\n{steps}load: [{{ phase: warm, users: 1, for: 1s }}]\n"
    ))
}

/// `loadgate try` against a server.
fn tried(gate: &Gate, server: &Raw) -> Ran {
    let target = format!("http://{}", server.address);
    let mut command = loadgate(gate.home());
    command.arg("try").arg(gate.folder());
    Ran::new(&command.args(["--target", &target]).output().unwrap())
}

/// Checks that each step goes as expected against its response, and fails against another step's.
#[track_caller]
fn are_read(steps_and_responses: Vec<(&'static str, Vec<u8>)>, expect: &str) {
    let lines: Vec<String> = steps_and_responses
        .iter()
        .map(|(path, _)| format!("{{ get: {path}, {expect} }}"))
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let server = Raw::start(steps_and_responses);
    tried(&steps("", &lines), &server).exits(0);
}

#[test]
fn own_cookies_go_in_one_field_with_those_of_the_jar() {
    let server = Raw::start([
        (
            "/login",
            plain(
                "Set-Cookie: sid=abc; Path=/\r\nSet-Cookie: lang=en\r\n",
                b"{}",
            ),
        ),
        ("/set", plain("Set-Cookie: seen=1; Path=/\r\n", b"{}")),
    ]);
    let gate = steps(
        "defaults: { cookies: true }",
        &[
            "{ post: /login, headers: { cookie: a=1 } }",
            "{ post: /set, headers: { Cookie: 'state=online; lang=de' } }",
            "{ get: /state }",
            "{ put: '/drawn/{{ random_int(1, 1) }}', name: drawn, headers: { COOKIE: 'n={{ random_int(7, 7) }}' } }",
        ],
    );
    tried(&gate, &server).exits(0);
    let cookies = |path: &str| -> Vec<String> {
        let asked = server.of(path);
        let fields = asked[0].all("cookie").into_iter();
        fields
            .map(|field| String::from_utf8(field.to_vec()).unwrap())
            .collect()
    };
    assert_eq!(cookies("/login"), ["a=1"]);
    assert_eq!(cookies("/set"), ["state=online; lang=de; sid=abc"]);
    assert_eq!(cookies("/state"), ["sid=abc; lang=en; seen=1"]);
    assert_eq!(cookies("/drawn/1"), ["n=7; sid=abc; lang=en; seen=1"]);
}

#[test]
fn cookies_of_a_class_and_of_an_api_key_go_with_the_jar_too() {
    for class in [
        "headers: { Cookie: own=1 }",
        "auth: { api_key: { header: Cookie, value: own=1 } }",
    ] {
        let server = Raw::start([("/login", plain("Set-Cookie: sid=abc\r\n", b"{}"))]);
        let gate = gate("").with_scenario(&format!(
            "name: sample\nuser_classes: [{{ name: a, cookies: true, {class}, tasks: [{{ steps: [{{ get: /login }}, {{ get: /then }}] }}] }}]\nload: [{{ phase: warm, users: 1, for: 1s }}]\n"
        ));
        tried(&gate, &server).exits(0);
        assert_eq!(
            server.of("/then")[0].all("cookie"),
            [b"own=1; sid=abc"],
            "{class}"
        );
    }
}

#[test]
fn a_cookie_is_deleted_by_a_date_however_it_is_written() {
    const DATES: [&str; 8] = [
        "Thu, 01 Jan 1970 00:00:01 GMT",
        "Thu, 01-Jan-1970 00:00:01 GMT",
        "Thursday, 01-Jan-70 00:00:01 GMT",
        "Thursday, 01-Jan-1970 00:00:01 GMT",
        "Thu Jan  1 00:00:01 1970",
        "Thu 01 Jan 1970 00:00:01 GMT",
        "01 Jan 1970 00:00:01 GMT",
        "Mon, 01 Jan 1970 00:00:01 GMT",
    ];
    let lines = |value: &dyn Fn(usize) -> String| -> String {
        let all =
            (0..DATES.len()).map(|place| format!("Set-Cookie: c{place}={}\r\n", value(place)));
        all.collect()
    };
    let set = lines(&|_| "1".to_owned());
    let delete = lines(&|place| format!("; Path=/; Expires={}", DATES[place]));
    let server = Raw::start([
        ("/set", plain(&set, b"{}")),
        ("/delete", plain(&delete, b"{}")),
    ]);
    let gate = steps(
        "defaults: { cookies: true }",
        &["{ get: /set }", "{ get: /delete }", "{ get: /after }"],
    );
    tried(&gate, &server).exits(0);
    assert_eq!(server.of("/delete")[0].all("cookie").len(), 1);
    assert_eq!(server.of("/after")[0].all("cookie").len(), 0);
}

#[test]
fn bodies_are_unpacked_as_browsers_and_curl_unpack_them() {
    let body = b"{\"a\": 1}";
    let (mut raw, mut gzip) = (
        DeflateEncoder::new(Vec::new(), Compression::best()),
        GzEncoder::new(Vec::new(), Compression::best()),
    );
    raw.write_all(body).unwrap();
    gzip.write_all(body).unwrap();
    let (raw, gzip) = (raw.finish().unwrap(), gzip.finish().unwrap());
    let packed =
        |coding: &str, body: &[u8]| plain(&format!("Content-Encoding: {coding}\r\n"), body);
    are_read(
        vec![
            ("/utf8", packed("UTF-8", body)),
            ("/none", packed("none", body)),
            ("/identity", packed("identity", body)),
            ("/raw-deflate", packed("deflate", &raw)),
            ("/gzip", packed("x-gzip", &gzip)),
            ("/padded", packed("gzip", &[&gzip[..], &[0; 8]].concat())),
        ],
        "expect: { json: { $.a: 1 } }",
    );
    // Whoever does not read the body does not care.
    are_read(
        vec![
            ("/zstd", packed("zstd", b"x")),
            ("/broken", packed("gzip", b"x")),
        ],
        "expect: { header: { content-encoding: { exists: true } } }",
    );
    let server = Raw::start([("/zstd", packed("zstd", b"x"))]);
    let gate = steps("", &["{ get: /zstd, expect: { body: x } }"]);
    tried(&gate, &server).exits(1);
}

#[test]
fn heads_are_read_as_the_standards_and_browsers_read_them() {
    let response = |head: &str| format!("HTTP/1.1 {head}\r\n\r\n{{\"a\": 1}}").into_bytes();
    are_read(
        vec![
            ("/no-reason", response("200\r\nContent-Length: 8")),
            ("/blanks", response("200  OK\r\nContent-Length:\t8 ")),
            ("/lengths", response("200 OK\r\nContent-Length: 8, 8\r\nContent-Length: 8")),
            ("/folded", response("200 OK\r\nX: a\r\n b\r\nContent-Length: 8")),
            ("/identity", response("200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 8")),
            ("/line-feeds", b"HTTP/1.1 200 OK\nContent-Length: 8\n\n{\"a\": 1}".to_vec()),
            ("/empty-lines", [b"\r\n".to_vec(), response("200 OK\r\nContent-Length: 8")].concat()),
            (
                "/chunked-twice",
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n8;x=\"y\"\r\n{\"a\": 1}\r\n0\r\nT: x\r\n\r\n".to_vec(),
            ),
            (
                "/interim",
                [b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".to_vec(), response("200 OK\r\nContent-Length: 8")].concat(),
            ),
        ],
        "expect: { json: { $.a: 1 } }",
    );
}

#[test]
fn json_is_read_behind_a_byte_order_mark_and_a_nan_is_named() {
    let server = Raw::start([
        ("/bom", plain("", b"\xef\xbb\xbf{\"token\": \"abcd\"}")),
        ("/nan", plain("", b"{\"token\": \"abcd\", \"score\": NaN}")),
    ]);
    let gate = steps(
        "",
        &[
            "{ get: /bom, capture: { t: $.token } }",
            "{ get: '/x/{{ t }}', name: x }",
        ],
    );
    tried(&gate, &server).exits(0);
    assert_eq!(server.of("/x/abcd").len(), 1);
    let gate = steps("", &["{ get: /nan, capture: { t: $.token } }"]);
    tried(&gate, &server)
        .exits(1)
        .tells(&["the body is not JSON", "line 1 column 2", "NaN"]);
}

#[test]
fn files_are_read_behind_a_byte_order_mark() {
    let server = Raw::start([]);
    let gate = steps(
        "data: { terms: terms.json, rows: rows.csv }",
        &["{ get: '/{{ terms.q }}/{{ rows.q }}', name: x }"],
    );
    gate.write("terms.json", "\u{feff}[ { \"q\": \"a\" } ]");
    gate.write("rows.csv", "\u{feff}\"q\",r\nb,c\n");
    tried(&gate, &server).exits(0);
    assert_eq!(server.of("/a/b").len(), 1);
    let scenario = gate.read("scenario.yml");
    gate.write("scenario.yml", &format!("\u{feff}{scenario}"));
    tried(&gate, &server).exits(0);
}

#[test]
fn a_long_body_passes_unless_a_step_reads_it() {
    let long = plain("", &vec![b' '; 3 << 20]);
    let server = Raw::start([("/file", long)]);
    tried(&steps("", &["{ get: /file }"]), &server).exits(0);
    tried(
        &steps("", &["{ get: /file, expect: { body: x } }"]),
        &server,
    );
    assert_eq!(server.of("/file").len(), 2);
}

#[test]
fn json_is_held_against_operators_and_literal_values() {
    let body = b"{\"name\": \"desk lamp\", \"tags\": [\"new\", 2], \"owner\": {\"contains\": 1, \"id\": 2}}";
    let server = Raw::start([("/a", plain("", body))]);
    for (expect, exit) in [
        ("$.name: { contains: lamp }", 0),
        ("$.name: { contains: '{{ word }}' }", 0),
        ("$.name: { contains: chair }", 1),
        ("$.tags: { contains: new }", 0),
        ("$.tags: { contains: 2.0 }", 0),
        ("$.tags: { contains: 3 }", 1),
        ("$.owner: { contains: id }", 1),
        ("$.none: { contains: x }", 1),
        ("$.name: { equals: desk lamp }", 0),
        ("$.name: { equals: lamp }", 1),
        ("$.owner: { equals: { id: 2, contains: 1 } }", 0),
        ("$.owner: { equals: { contains: 1 } }", 1),
        ("$.owner.id: { exists: true }", 0),
        ("$.owner.id: { exists: false }", 1),
        ("$.owner: { id: 2, more: 1 }", 1),
    ] {
        let step = format!("{{ get: /a, expect: {{ json: {{ {expect} }} }} }}");
        let gate = steps("variables: { word: desk }", &[&step]);
        assert_eq!(tried(&gate, &server).code, Some(exit), "{expect}");
    }
    for expect in [
        "$.price: { gt: 10 }",
        "$.price: { $gte: 10, $lt: 20 }",
        "$.name: { startsWith: desk }",
        "$.name: { matches: lamp }",
        "$.name: { contain: lamp }",
        "$.name: { contains: lamp, exists: true }",
        "$.name: { exists: true, id: 1 }",
    ] {
        let step = format!("{{ get: /a, expect: {{ json: {{ {expect} }} }} }}");
        let ran = steps("", &[&step]).command("validate", &["--target", "http://127.0.0.1:9"]);
        ran.exits(2).says(&["scenario.yml:7:"]);
    }
}

#[test]
fn what_is_captured_is_sent_on_unchanged() {
    let values = [
        "18446744073709551616",
        "9007199254740993",
        "1.10",
        "1.0",
        "1e+400",
        "0.1234567890123456789",
        "true",
        "null",
        "\"00501\"",
        "\" a\\u0001\\\"\\\\/\u{e9}e\u{301}\u{1f600}\\n\"",
        "[1.10,{\"b\":2.50,\"a\":[]}]",
    ];
    let fields: Vec<String> = values
        .iter()
        .enumerate()
        .map(|(place, value)| format!("\"v{place}\":{value}"))
        .collect();
    let body = format!("{{{}}}", fields.join(","));
    let captures: Vec<String> = (0..values.len())
        .map(|place| format!("v{place}: $.v{place}"))
        .collect();
    let echoed: Vec<String> = (0..values.len())
        .map(|place| format!("v{place}: '{{{{ v{place} }}}}'"))
        .collect();
    let server = Raw::start([(
        "/values",
        plain("X-Id: 007 \r\nX-Name: caf\u{e9}\r\n", body.as_bytes()),
    )]);
    let gate = steps(
        "variables: { version: 1.10, code: '0777', list: [1.0, 2.50] }",
        &[
            &format!(
                "{{ get: /values, capture: {{ {}, all: $, id: header:x-id, name: header:x-name }} }}",
                captures.join(", ")
            ),
            &format!("{{ post: /echo, json: {{ {} }} }}", echoed.join(", ")),
            "{ post: /all, json: '{{ all }}' }",
            "{ post: /part, json: { p: '{{ all.v10[1].b }}' } }",
            "{ put: '/path/{{ v0 }}/{{ v2 }}/{{ id }}/{{ v9 }}', name: path, query: { v: '{{ version }}', w: '{{ v2 }}', t: '{{ v9 }}', plain: 1.10 } }",
            "{ put: /header, headers: { X-Id: '{{ id }}', X-V: '{{ v4 }}', X-Name: '{{ name }}' } }",
            "{ post: /form, form: { v: '{{ version }}', c: '{{ code }}', zip: '{{ v8 }}', n: 0777 } }",
            "{ post: /written, json: { version: 1.10, big: '{{ list }}', e: 1E5, s: '1.10' } }",
        ],
    );
    tried(&gate, &server).exits(0);
    let sent = |path: &str| String::from_utf8(server.of(path)[0].body.clone()).unwrap();
    assert_eq!(sent("/echo"), body);
    assert_eq!(sent("/all"), body);
    assert_eq!(sent("/part"), "{\"p\":2.50}");
    assert_eq!(sent("/form"), "v=1.10&c=0777&zip=00501&n=0777");
    assert_eq!(
        sent("/written"),
        "{\"version\":1.10,\"big\":[1.0,2.50],\"e\":1e+5,\"s\":\"1.10\"}"
    );
    let asked = server.asked();
    let lines: Vec<&str> = asked.iter().map(|asked| asked.line.trim_end()).collect();
    let text = "%20a%01%22%5C%2F%C3%A9e%CC%81%F0%9F%98%80%0A";
    let in_path = text.replace("%2F", "/");
    let line = format!(
        "PUT /path/18446744073709551616/1.10/007/{in_path}?v=1.10&w=1.10&t={text}&plain=1.10 HTTP/1.1"
    );
    assert_eq!(lines[4], line);
    let headers = &server.of("/header")[0];
    assert_eq!(headers.all("x-id"), [b"007"]);
    assert_eq!(headers.all("x-v"), [b"1e+400"]);
    assert_eq!(headers.all("x-name"), ["caf\u{e9}".as_bytes()]);
}

#[test]
fn rows_are_sent_as_they_stand_in_their_file() {
    let server = Raw::start([]);
    let gate = steps(
        "data: { people: people.csv, prices: prices.json }",
        &[
            "{ post: /csv, json: { zip: '{{ people.zip }}', name: '{{ people.name }}', n: '{{ people.n }}' } }",
            "{ post: /json, json: { p: '{{ prices.p }}', all: '{{ prices }}' } }",
        ],
    );
    gate.write("people.csv", "zip,name,n\n00501,\"  \u{17d}ofie \",1.10\n");
    gate.write(
        "prices.json",
        "[{\"p\": 1.10, \"id\": 18446744073709551616, \"q\": -0, \"w\": 12}]",
    );
    tried(&gate, &server).exits(0);
    let sent = |path: &str| String::from_utf8(server.of(path)[0].body.clone()).unwrap();
    assert_eq!(
        sent("/csv"),
        "{\"zip\":\"00501\",\"name\":\"  \u{17d}ofie \",\"n\":\"1.10\"}"
    );
    assert_eq!(
        sent("/json"),
        "{\"p\":1.10,\"all\":{\"p\":1.10,\"id\":18446744073709551616,\"q\":-0,\"w\":12}}"
    );
}

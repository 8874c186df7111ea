//! Claims about a stand-in that serves, made over real connections.

mod client;
mod fronts;

use super::{Config, Error, FakeGateway, Received, Stall};
use client::Client;
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Fast, so that tests do not wait for what they do not look at.
fn fast() -> Config {
    Config {
        base_latency: Duration::from_millis(1),
        spread: 0.0,
        cold_start: Duration::from_millis(30),
        ..Config::default()
    }
}

fn intended_ms(received: &Received) -> u64 {
    (received.due_us - received.t_us) / 1000
}

#[test]
fn a_cold_start_is_marked_and_slower() {
    let stand_in = FakeGateway::start(&fast()).unwrap();
    let mut client = Client::of(&stand_in);
    let start = Instant::now();
    let cold = client.get("/prod/catalog/items?limit=2", "");
    assert!(start.elapsed() >= Duration::from_millis(31));
    let warm = client.get("/prod/catalog/items?limit=2", "");
    assert_eq!((cold.status, warm.status), (200, 200));
    assert_eq!(cold.headers["x-cold-start"], "true");
    assert!(!warm.headers.contains_key("x-cold-start"));
    let received = stand_in.received();
    assert!((received[0].cold, received[1].cold) == (true, false));
    assert!(intended_ms(&received[0]) >= 31);
    assert!(
        received
            .iter()
            .all(|received| received.sent_us >= Some(received.due_us)),
        "nothing leaves early"
    );
}

#[test]
fn answers_look_like_the_gateway_s() {
    let stand_in = FakeGateway::start(&fast()).unwrap();
    let mut client = Client::of(&stand_in);
    let health = client.get("/health", "");
    assert_eq!(health.status, 200);
    let unknown = client.get("/prod/unknown", "");
    assert_eq!(
        (unknown.status, unknown.body.as_str()),
        (404, r#"{"message":"Not Found"}"#)
    );
    assert_eq!(unknown.headers["content-type"], "application/json");
    assert_eq!(unknown.headers["x-amzn-requestid"].len(), 36);
    assert_ne!(
        unknown.headers["x-amzn-requestid"],
        health.headers["x-amzn-requestid"]
    );
}

#[test]
fn a_login_opens_what_needs_a_token() {
    let stand_in = FakeGateway::start(&fast()).unwrap();
    let mut client = Client::of(&stand_in);
    assert_eq!(client.get("/prod/user/profile", "").status, 401);
    assert_eq!(
        client
            .get("/prod/user/profile", "Authorization: Bearer made.it.up\r\n")
            .status,
        401
    );
    let login = client.post(
        "/prod/auth/login",
        r#"{"username":"ann","password":"secret","deviceId":"browser"}"#,
    );
    let login: serde_json::Value = serde_json::from_str(&login.body).unwrap();
    let bearer = format!(
        "Authorization: Bearer {}\r\n",
        login["accessToken"].as_str().unwrap()
    );
    assert_eq!(client.get("/prod/user/profile", &bearer).status, 200);
    assert_eq!(
        client
            .get("/prod/orders?status=open&limit=10", &bearer)
            .status,
        200
    );

    let other = FakeGateway::start(&fast()).unwrap();
    assert_eq!(
        Client::of(&other).get("/prod/user/profile", &bearer).status,
        401,
        "a token of another server"
    );
}

#[test]
fn of_two_requests_at_once_only_one_fits_a_concurrency_of_one() {
    let stand_in = FakeGateway::start(&Config {
        concurrency: 1,
        cold_start: Duration::from_secs(1),
        ..fast()
    })
    .unwrap();
    let mut clients = [Client::of(&stand_in), Client::of(&stand_in)];
    for client in &mut clients {
        client.send(b"GET /prod/catalog/items HTTP/1.1\r\nHost: stand-in\r\n\r\n");
    }
    let mut statuses = clients.map(|mut client| client.receive().status);
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 429]);
}

#[test]
fn a_freeze_holds_answers_back_to_its_end() {
    let (every, length) = (Duration::from_millis(50), Duration::from_millis(40));
    let stand_in = FakeGateway::start(&Config {
        freeze: Some(Stall { every, length }),
        ..fast()
    })
    .unwrap();
    let mut client = Client::of(&stand_in);
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(300) {
        assert_eq!(client.get("/health", "").status, 200);
    }
    let received = stand_in.received();
    for Received {
        due_us, sent_us, ..
    } in &received
    {
        assert!(
            *due_us < 50_000 || due_us % 50_000 >= 40_000,
            "due in a freeze: {due_us}"
        );
        assert!(*sent_us >= Some(*due_us));
    }
    assert!(
        received.iter().any(|received| intended_ms(received) > 0),
        "some were held back"
    );
}

#[test]
fn two_servers_of_one_seed_intend_the_same_latencies() {
    let config = Config {
        spread: 0.5,
        error_share: 0.3,
        ..fast()
    };
    let run = |config: &Config| {
        let stand_in = FakeGateway::start(config).unwrap();
        let mut client = Client::of(&stand_in);
        (0..30)
            .map(|_| client.get("/prod/catalog/items?limit=1", "").status)
            .collect::<Vec<_>>()
    };
    assert_eq!(run(&config), run(&config));
    assert_ne!(
        run(&config),
        run(&Config {
            seed: 2,
            ..config.clone()
        })
    );
}

#[test]
fn broken_input_is_refused_and_does_no_harm() {
    let stand_in = FakeGateway::start(&fast()).unwrap();
    let mut client = Client::of(&stand_in);
    assert_eq!(client.post("/prod/auth/login", "{").status, 400);
    assert_eq!(client.post("/prod/auth/login", "").status, 400);

    let long = format!(
        "GET /health HTTP/1.1\r\nX-Long: {}\r\n\r\n",
        "x".repeat(20_000)
    );
    for (request, expected) in [
        (&b"no http at all\r\n\r\n"[..], 400),
        (long.as_bytes(), 431),
    ] {
        let mut client = Client::of(&stand_in);
        client.send(request);
        assert_eq!(client.receive().status, expected);
    }
    let mut client = Client::of(&stand_in);
    client.send(b"POST /prod/auth/login HTTP/1.1\r\nHost: stand-in\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
    assert_eq!(client.receive().status, 400);

    assert_eq!(Client::of(&stand_in).get("/health", "").status, 200);
}

#[test]
fn a_body_that_is_too_large_is_refused() {
    let stand_in = FakeGateway::start(&fast()).unwrap();
    let mut client = Client::of(&stand_in);
    client.send(
        b"POST /prod/auth/login HTTP/1.1\r\nHost: stand-in\r\nContent-Length: 1048577\r\n\r\n",
    );
    assert_eq!(client.receive().status, 413);
}

#[test]
fn a_client_that_leaves_is_recorded_as_unanswered() {
    let stand_in = FakeGateway::start(&Config {
        base_latency: Duration::from_mins(10),
        ..fast()
    })
    .unwrap();
    Client::of(&stand_in).get_and_leave(&stand_in, "/prod/catalog/items");
    assert_eq!(stand_in.received()[2].sent_us, None);
}

#[test]
fn stopping_closes_connections_and_frees_the_address() {
    let stand_in = FakeGateway::start(&Config {
        base_latency: Duration::from_mins(10),
        ..fast()
    })
    .unwrap();
    let address = stand_in.address();
    let mut resting = Client::of(&stand_in);
    assert_eq!(resting.get("/health", "").status, 200);
    let mut waiting = Client::of(&stand_in);
    waiting.send(b"GET /prod/catalog/items HTTP/1.1\r\nHost: stand-in\r\n\r\n");
    stand_in.stop().unwrap();
    assert!(resting.is_closed() && waiting.is_closed());
    let again = FakeGateway::start(&Config { address, ..fast() }).unwrap();
    drop(again);
    assert!(
        TcpStream::connect(address).is_err(),
        "dropping stops as well"
    );
}

#[test]
fn the_log_has_a_line_per_request_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("received.jsonl");
    let stand_in = FakeGateway::start(&Config {
        log: Some(path.clone()),
        ..fast()
    })
    .unwrap();
    let mut client = Client::of(&stand_in);
    client.post(
        "/prod/auth/login",
        r#"{"username":"ann","password":"secret","deviceId":"browser"}"#,
    );
    client.get(
        "/prod/orders?status=open",
        "Authorization: Bearer confidential\r\nX-Session-Id: s-1\r\n",
    );
    let received = stand_in.received();
    stand_in.stop().unwrap();
    let log = std::fs::read_to_string(path).unwrap();
    let lines: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        lines,
        received
            .iter()
            .map(|line| serde_json::to_value(line).unwrap())
            .collect::<Vec<_>>()
    );
    assert_eq!(
        (
            &lines[0]["cold"],
            &lines[0]["authorized"],
            &lines[0]["session"]
        ),
        (&true.into(), &false.into(), &().into())
    );
    assert_eq!(
        (
            &lines[1]["status"],
            &lines[1]["authorized"],
            &lines[1]["session"]
        ),
        (&401.into(), &true.into(), &"s-1".into())
    );
    assert_eq!(
        (&lines[1]["path"], &lines[1]["query"]),
        (&"/prod/orders".into(), &"status=open".into())
    );
    assert!(!log.contains("secret") && !log.contains("confidential"));
}

#[test]
fn what_cannot_start_says_why() {
    let first = FakeGateway::start(&fast()).unwrap();
    let taken = FakeGateway::start(&Config {
        address: first.address(),
        ..fast()
    });
    assert!(matches!(taken, Err(Error::Listen { .. })));
    let log = FakeGateway::start(&Config {
        log: Some("/no/such/folder/log".into()),
        ..fast()
    });
    assert!(matches!(log, Err(Error::Log { .. })));
    let nonsense = FakeGateway::start(&Config {
        error_share: 2.0,
        ..fast()
    });
    assert!(matches!(
        nonsense,
        Err(Error::Setting {
            setting: "error_share",
            ..
        })
    ));
}

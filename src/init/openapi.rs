//! Requests from an OpenAPI or Swagger file that need no further knowledge: its GETs without required values.

use std::path::Path;

use serde_json::Value;
use url::Url;

use super::document;
use crate::files::Repository;

/// Folders that hold such a file by convention.
const FOLDERS: [&str; 12] = [
    "",
    "api/",
    "docs/",
    "doc/",
    "spec/",
    "specs/",
    "openapi/",
    "swagger/",
    "docs/api/",
    "public/",
    "static/",
    "src/main/resources/",
];
const NAMES: [&str; 6] = [
    "openapi.yaml",
    "openapi.yml",
    "openapi.json",
    "swagger.yaml",
    "swagger.yml",
    "swagger.json",
];

/// Requests of a starter gate at most: more dilute each other's samples.
pub(super) const MOST: usize = 8;

/// What was found in a repository.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Found {
    /// The first file that can be used.
    pub(super) api: Option<Api>,
    /// Each file before it, and why it cannot be used.
    pub(super) unused: Vec<(String, String)>,
}

/// A file that can be used.
#[derive(Debug, PartialEq)]
pub(super) struct Api {
    pub(super) file: String,
    /// Paths from the root of the server, at most eight.
    pub(super) paths: Vec<String>,
    /// How many GETs of the file need no values.
    pub(super) of: usize,
}

/// Looks for a file in the usual places.
pub(super) fn find(root: &Path) -> Found {
    let mut found = Found::default();
    let Ok(repository) = Repository::of(root, root) else {
        return found;
    };
    let places = FOLDERS
        .iter()
        .flat_map(|folder| NAMES.map(|name| format!("{folder}{name}")));
    for place in places {
        let Some(api) = document::read(&repository, &root.join(&place)) else {
            continue;
        };
        let paths = api.and_then(|api| paths(&api));
        match paths {
            Ok(mut paths) => {
                let of = paths.len();
                paths.truncate(MOST);
                let file = place;
                found.api = Some(Api { file, paths, of });
                break;
            }
            Err(why) => found.unused.push((place, why)),
        }
    }
    found
}

/// The paths to load, with the path of their server; else why there are none.
fn paths(api: &Value) -> Result<Vec<String>, String> {
    let items = api.get("paths").and_then(Value::as_object);
    let items = items.ok_or("it has no 'paths'")?;
    let gets: Vec<(&String, &Value, &Value)> = items
        .iter()
        .filter_map(|(path, item)| Some((path, item, item.get("get")?)))
        .collect();
    let plain: Vec<String> = gets
        .iter()
        .filter(|(_, item, get)| !asks(get) && !asks(item))
        .filter_map(|(path, item, get)| {
            let path = path.starts_with('/').then_some(path)?;
            Some(base(api, item, get)? + path)
        })
        .filter(|path| path.chars().all(is_plain))
        .collect();
    match (plain.is_empty(), gets.len()) {
        (false, _) => Ok(plain),
        (true, 0) => Err("it has no GET".to_owned()),
        (true, 1) => Err("its only GET needs values that the file does not give".to_owned()),
        (true, count) => Err(format!(
            "all of its {count} GETs need values that the file does not give"
        )),
    }
}

/// What stands before a path on its server; none when that is not known.
fn base(api: &Value, item: &Value, get: &Value) -> Option<String> {
    if let Some(base) = api.get("basePath") {
        let base = base.as_str()?.trim_matches('/');
        return Some(if base.is_empty() {
            String::new()
        } else {
            format!("/{base}")
        });
    }
    // The nearest list holds, and its first server is the usual one.
    let servers = [get, item, api]
        .into_iter()
        .find_map(|place| place.get("servers")?.as_array()?.first());
    let Some(server) = servers else {
        return Some(String::new());
    };
    let address = filled(server.get("url")?.as_str()?, server.get("variables"))?;
    // A relative address counts from that of the file, which is taken for the root.
    let root = Url::parse("http://localhost/").ok()?;
    let address = root.join(&address).ok()?;
    Some(address.path().trim_end_matches('/').to_owned())
}

/// An address with the defaults of its variables; none when one has no default.
fn filled(address: &str, variables: Option<&Value>) -> Option<String> {
    let mut filled = String::new();
    let mut rest = address;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}')?;
        let default = variables?.get(name)?.get("default")?;
        filled += before;
        // YAML makes a number of a port or a version without quotes.
        match default.as_str() {
            Some(text) => filled += text,
            None => filled += &default.to_string(),
        }
        rest = after;
    }
    Some(filled + rest)
}

/// What needs no thought in a URL or in YAML; braces are values that a path needs.
pub(super) fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "/-_.~".contains(c)
}

/// Whether a value must be given.
fn asks(item: &Value) -> bool {
    let parameters = item.get("parameters").and_then(Value::as_array);
    parameters.into_iter().flatten().any(|parameter| {
        // What is written elsewhere may ask for anything.
        parameter.get("$ref").is_some()
            || parameter.get("required").and_then(Value::as_bool) == Some(true)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_gets_that_need_nothing_are_taken() {
        let api = json!({ "paths": {
            "/items": { "get": { "parameters": [{ "name": "limit", "required": false }] } },
            "/items/{id}": { "get": {} },
            "/orders": { "post": {} },
            "/search": { "get": { "parameters": [{ "name": "q", "required": true }] } },
            "/a: }\n- b": { "get": {} },
            "/health": { "get": {} },
        }});
        assert_eq!(paths(&api).unwrap(), ["/items", "/health"]);
    }

    #[test]
    fn paths_begin_with_the_path_of_their_server() {
        let of = |mut api: Value| {
            api["paths"] = json!({ "/items": { "get": {} } });
            paths(&api).map(|paths| paths.concat())
        };
        let of_url = |url: &str| of(json!({ "servers": [{ "url": url }, { "url": "/other" }] }));
        for (url, path) in [
            ("https://shop.example.test/api/v3", "/api/v3/items"),
            ("https://shop.example.test/api/v3/", "/api/v3/items"),
            ("https://shop.example.test", "/items"),
            ("//shop.example.test/v1", "/v1/items"),
            ("/v1", "/v1/items"),
            ("v1", "/v1/items"),
            ("./v1/", "/v1/items"),
            ("/", "/items"),
            ("", "/items"),
        ] {
            assert_eq!(of_url(url).unwrap(), path, "{url}");
        }
        assert_eq!(of(json!({ "servers": [] })).unwrap(), "/items");
        for (base, path) in [("/v2", "/v2/items"), ("v2/", "/v2/items"), ("/", "/items")] {
            assert_eq!(of(json!({ "basePath": base })).unwrap(), path, "{base}");
        }
    }

    #[test]
    fn variables_of_a_server_have_their_defaults() {
        let api = |variables: Value| {
            json!({
                "servers": [{ "url": "https://{host}:{port}/{base}/v{n}", "variables": variables }],
                "paths": { "/items": { "get": {} } },
            })
        };
        let named = |name: &str| json!({ "default": name });
        let whole = json!({
            "host": named("shop.example.test"), "port": named("8443"), "base": named("api"), "n": { "default": 2 }
        });
        assert_eq!(paths(&api(whole)).unwrap(), ["/api/v2/items"]);
        assert!(paths(&api(json!({ "host": named("h") }))).is_err());
    }

    #[test]
    fn the_nearest_servers_hold() {
        let api = json!({
            "servers": [{ "url": "/all" }],
            "paths": {
                "/a": { "get": {} },
                "/b": { "servers": [{ "url": "/item" }], "get": {} },
                "/c": { "servers": [{ "url": "/item" }], "get": { "servers": [{ "url": "/get" }] } },
            },
        });
        assert_eq!(paths(&api).unwrap(), ["/all/a", "/item/b", "/get/c"]);
    }

    #[test]
    fn every_file_before_the_one_that_is_used_has_its_reason() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        assert_eq!(find(folder.path()), Found::default());
        let twice = "paths:\n  /a: { get: {} }\n  /a: { get: {} }\n";
        write("openapi.yaml", twice);
        write("openapi.json", r#"{ "openapi": "3.1.0" }"#);
        write("swagger.json", r#"{ "paths": { "/a": { "post": {} } } }"#);
        std::fs::create_dir_all(folder.path().join("api/openapi.yml")).unwrap();
        write("docs/openapi.yaml", "paths: { '/a/{b}': { get: {} } }");
        write(
            "docs/swagger.json",
            "\u{feff}{ \"swagger\": \"2.0\", \"basePath\": \"/v2\",\n\t\"paths\": { \"/a\": { \"get\": {} } } }",
        );
        write("public/openapi.json", "{");
        let found = find(folder.path());
        assert_eq!(
            found.api,
            Some(Api {
                file: "docs/swagger.json".to_owned(),
                paths: vec!["/v2/a".to_owned()],
                of: 1,
            })
        );
        let unused: Vec<&str> = found.unused.iter().map(|(file, _)| file.as_str()).collect();
        assert_eq!(
            unused,
            [
                "openapi.yaml",
                "openapi.json",
                "swagger.json",
                "api/openapi.yml",
                "docs/openapi.yaml"
            ]
        );
        assert_eq!(
            found.unused[0].1,
            "it is not valid YAML (line 3: the key '/a' appears twice in one map; remove one of them)"
        );
        assert_eq!(found.unused[1].1, "it has no 'paths'");
        assert_eq!(found.unused[2].1, "it has no GET");
        assert!(found.unused[4].1.starts_with("its only GET"));
    }

    #[cfg(unix)]
    #[test]
    fn only_regular_files_of_the_repository_are_read() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("repository");
        std::fs::create_dir_all(root.join(".git")).unwrap();
        let usable = "paths: { /a: { get: {} } }";
        for file in ["outside", "repository/inside", "repository/.git/config"] {
            std::fs::write(home.path().join(file), usable).unwrap();
        }
        let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, root.join(name)).unwrap();
        link("../outside", "openapi.yaml");
        link("/dev/zero", "openapi.yml");
        link(".git/config", "openapi.json");
        let pipe = root.join("swagger.yaml");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let long = std::fs::File::create(root.join("swagger.yml")).unwrap();
        long.set_len(document::LONGEST + 1).unwrap();
        link("inside", "swagger.json");
        let found = find(&root);
        assert_eq!(found.api.unwrap().file, "swagger.json");
        let parts = [
            ("openapi.yaml", "leads out of the repository"),
            ("openapi.yml", "leads out of the repository"),
            ("openapi.json", "leads into .git"),
            ("swagger.yaml", "it is not a file"),
            ("swagger.yml", "it is larger than 16 MB"),
        ];
        assert_eq!(found.unused.len(), parts.len());
        for ((file, why), (expected, part)) in found.unused.iter().zip(parts) {
            assert!(file == expected && why.contains(part), "{file}: {why}");
        }
    }

    #[test]
    fn a_long_file_gives_its_first_eight_paths() {
        let folder = tempfile::tempdir().unwrap();
        let items = (0..20).map(|n| (format!("/{n}"), json!({ "get": {} })));
        let api = json!({ "paths": items.collect::<serde_json::Map<_, _>>() });
        std::fs::write(folder.path().join("openapi.json"), api.to_string()).unwrap();
        let api = find(folder.path()).api.unwrap();
        assert_eq!((api.paths.len(), api.of), (8, 20));
    }
}

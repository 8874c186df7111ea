//! The functions that the book shows, run as Lambda runs them: an execution environment imports the module once and calls it for
//! each request.

use std::path::Path;
use std::process::Command;

use crate::support::recipe;

/// What a program prints that imports the code with this first line and then calls its handler three times.
fn told(first: &str, file: &str, program: &str, driver: &str) -> String {
    let home = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| std::fs::write(home.path().join(file), text).unwrap();
    write(file, &recipe(first));
    let own = Path::new(file).extension().unwrap().to_str().unwrap();
    let driving = format!("drive.{own}");
    write(&driving, driver);
    let output = Command::new(program)
        .arg(&driving)
        .current_dir(home.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn functions_mark_only_the_first_response_of_an_environment() {
    let node = "import { handler } from './function.mjs';\n\
                for (let n = 0; n < 3; n += 1) console.log((await handler({})).headers['x-cold-start']);\n";
    let python = "from function import handler\nfor _ in range(3): print(handler({}, None)['headers']['x-cold-start'])\n";
    let expected = "true\nfalse\nfalse\n";
    assert_eq!(told("// Node:", "function.mjs", "node", node), expected);
    assert_eq!(
        told("# Python\n", "function.py", "python3", python),
        expected
    );
}

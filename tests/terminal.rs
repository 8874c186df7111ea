//! The terminal as a person has it: a pseudo-terminal of some width, with everything that was written to it.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::Stdio;
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use unicode_width::UnicodeWidthChar;

use crate::replay::Load;
use crate::support::{Gate, Server, gate, load_slot, loadgate};

/// Names in letters that take two columns, in marks that take none, and in pictures of several characters.
const WIDE: &str = "name: 负载\nuser_classes: [{ name: a, tasks: [{ steps: [{ get: /a, name: \"GET /目录/商品/电子产品/列表/很长的名字/还有更多\" }, \
                    { get: /b, name: \"GET /e\\u0301\\u0301\\u200b/👩‍👩‍👧‍👧/❤️/🏳️‍🌈\" }] }] }]\n\
                    load: [{ phase: \"预热阶段预热阶段预热阶段预热阶段\", users: 8, for: 2s }]\n";

/// All that `loadgate` with these arguments writes to a terminal of so many columns.
fn on_terminal(
    gate: &Gate,
    arguments: &[&str],
    columns: u16,
    variables: &[(&str, &str)],
) -> String {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let path = ptsname(&ours, Vec::new()).unwrap();
    let size = Winsize {
        ws_row: 24,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(ours.as_fd(), size).unwrap();
    let theirs = || -> OwnedFd {
        let mut options = File::options();
        let terminal = options.read(true).write(true);
        terminal.open(path.to_str().unwrap()).unwrap().into()
    };
    let mut run = loadgate(gate.home())
        .args(arguments)
        .env("LOADGATE_OUT", gate.out())
        .env("TERM", "xterm-256color")
        .envs(variables.iter().copied())
        .stdout(Stdio::from(theirs()))
        .stderr(Stdio::from(theirs()))
        .spawn()
        .unwrap();
    let mut terminal = File::from(ours);
    let reader = std::thread::spawn(move || {
        let mut all = Vec::new();
        let mut some = [0; 4096];
        // Once nobody has it open any more, reading fails.
        while let Ok(n @ 1..) = terminal.read(&mut some) {
            all.extend_from_slice(&some[..n]);
        }
        String::from_utf8(all).unwrap()
    });
    run.wait().unwrap();
    reader.join().unwrap()
}

/// A run on a terminal.
fn run(gate: &Gate, target: &str, columns: u16, variables: &[(&str, &str)]) -> String {
    let folder = gate.folder();
    let arguments = ["run", folder.to_str().unwrap(), "--target", target];
    let _slot = load_slot();
    on_terminal(gate, &arguments, columns, variables)
}

/// The screen line by line, and each state of the live line. Fails where a line breaks, or the live line is ever empty
/// before its end.
fn shown(said: &str, columns: usize) -> (Vec<String>, Vec<String>) {
    let (mut lines, mut states, mut line) = (Vec::new(), Vec::new(), String::new());
    let mut rest = said.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\r' if rest.peek() == Some(&'\n') => {}
            '\r' => line.clear(),
            '\n' => lines.push(std::mem::take(&mut line)),
            '\u{1b}' => {
                let sequence: String =
                    std::iter::from_fn(|| rest.next_if(|c| !c.is_ascii_alphabetic())).collect();
                match rest.next() {
                    Some('K') => states.push(line.clone()),
                    Some('m') => {}
                    other => panic!("the terminal is told {sequence:?} {other:?}: {said:?}"),
                }
            }
            c => {
                assert!(!c.is_control(), "{c:?} in {said:?}");
                line.push(c);
            }
        }
        let width: usize = line.chars().filter_map(UnicodeWidthChar::width).sum();
        assert!(width <= columns, "{width} columns: {line}");
    }
    let last = states.pop();
    assert!(
        last.is_none_or(|last| last.is_empty()),
        "the live line is not cleared"
    );
    assert!(
        states.iter().all(|state| !state.is_empty()),
        "it flickers: {states:?}"
    );
    (lines, states)
}

#[test]
fn no_line_breaks_on_a_terminal_of_any_width() {
    let gate = gate("").with_scenario(WIDE);
    let server = Server::taking(Duration::from_millis(5));
    for columns in [60, 80, 120] {
        let said = run(&gate, &server.url(), columns, &[]);
        let (lines, states) = shown(&said, columns.into());
        // Two seconds, at most five states in each, and some for what comes before and after.
        assert!((1..=16).contains(&states.len()), "{states:?}");
        assert!(
            states.iter().all(|state| state.contains(" requests · ")),
            "{states:?}"
        );
        let last = lines.last().unwrap();
        assert!(last.contains("(exit 0)"), "{lines:?}");
        assert!(said.contains("\u{1b}[32m"), "a terminal has colours");
        if columns >= 80 {
            let told = lines
                .iter()
                .skip_while(|line| !line.starts_with("负载 on "));
            assert!(told.count() <= 24, "{lines:?}");
        }
    }
}

#[test]
fn a_message_of_an_error_wraps_between_its_words() {
    let gate = gate("");
    let long = "users: 4, for: 1s, speed_of_the_users_that_come: 5, and_another_key_of_the_sort: 6";
    gate.write(
        "scenario.yml",
        &crate::support::SCENARIO.replace("users: 4, for: 1s", long),
    );
    let folder = gate.folder();
    let validate = ["validate", folder.to_str().unwrap()];
    let piped = gate.command("validate", &[]).exits(2).stderr;
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for columns in [60, 80] {
        let said = on_terminal(&gate, &validate, columns, &[]);
        let (lines, _) = shown(&said, columns.into());
        assert!(lines.len() > 1, "{lines:?}");
        // No word is cut, and nothing is lost.
        assert_eq!(words(&said), words(&piped));
    }
}

#[test]
fn colours_are_written_only_where_they_are_wanted() {
    let gate = gate("").with_scenario(
        "name: sample\nuser_classes: [{ name: a, tasks: [{ steps: [{ get: / }] }] }]\nload: [{ phase: warm, users: 4, for: 1s }]\n",
    );
    gate.replay(&Load::taking(5.0), &[]).exits(0);
    let result = gate.out().join("result.json");
    let folder = gate.folder();
    let judge = ["judge", folder.to_str().unwrap(), result.to_str().unwrap()];
    for (variables, coloured) in [
        (&[][..], true),
        (&[("NO_COLOR", "1")], false),
        (&[("NO_COLOR", "0")], false),
        (&[("NO_COLOR", "")], true),
        (&[("CLICOLOR", "0")], false),
        (&[("TERM", "dumb")], false),
        (&[("TERM", "dumb"), ("CLICOLOR_FORCE", "1")], true),
        (&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], false),
    ] {
        let said = on_terminal(&gate, &judge, 80, variables);
        assert_eq!(said.contains("\u{1b}["), coloured, "{variables:?}: {said}");
        assert!(said.contains("(exit 0)"), "{said}");
    }
    // A log has them only on demand.
    for (value, coloured) in [("0", false), ("1", true)] {
        let mut command = loadgate(gate.home());
        command.args(judge).env("LOADGATE_OUT", gate.out());
        let output = command.env("CLICOLOR_FORCE", value).output().unwrap();
        assert_eq!(output.stdout.contains(&0x1b), coloured, "{value}");
    }
}

#[test]
fn a_log_and_a_dumb_terminal_get_plain_lines() {
    let gate = gate("").with_scenario(
        "name: sample\nuser_classes: [{ name: a, tasks: [{ steps: [{ get: / }] }] }]\nload: [{ phase: warm, users: 4, for: 6s }]\n",
    );
    let server = Server::taking(Duration::from_millis(5));
    let dumb = run(&gate, &server.url(), 80, &[("TERM", "dumb")]);
    let (lines, states) = shown(&dumb, 80);
    assert!(states.is_empty() && !dumb.contains('\u{1b}'), "{dumb:?}");
    let told = lines.iter().filter(|line| line.starts_with("warm: "));
    assert_eq!(told.count(), 1, "{lines:?}");
}

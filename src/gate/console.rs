//! Where the gate speaks: standard output for what was asked, standard error for progress and errors.

use std::io::{self, IsTerminal as _, Write as _};
#[cfg(unix)]
use std::os::fd::AsFd as Stream;
#[cfg(windows)]
use std::os::windows::io::AsHandle as Stream;
use std::path::Path;

use crate::redact::without_user_info;
use crate::report::{self, Colour};

/// Columns where nothing says how wide the terminal is: that of a CI log.
pub(super) const DEFAULT_WIDTH: usize = 80;

/// How much is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verbosity {
    /// Progress, tables and the verdict.
    #[default]
    Full,
    /// The verdict alone.
    Quiet,
    /// Only progress; another command prints the reports.
    Silent,
}

/// The two streams of the process, and what the terminal behind them can do.
#[derive(Clone, Copy, Debug)]
pub struct Console {
    /// How much is printed.
    pub verbosity: Verbosity,
    /// Whether standard output is coloured.
    pub colour: Colour,
    /// Columns of standard output.
    pub width: usize,
    /// How progress is shown.
    pub progress: ProgressMode,
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgressMode {
    /// One line that is redrawn, on a terminal.
    Live,
    /// A line every few seconds, in a log.
    Plain,
    /// Not at all.
    Silent,
}

/// How this program is called again: by its name where that finds a program or a CI job's log is read elsewhere; else as it
/// was called.
pub fn program() -> String {
    let name = "loadgate";
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let called = std::env::args_os().next().unwrap_or_default();
    let is_path = Path::new(&called).components().count() > 1;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_found = std::env::split_paths(&path).any(|folder| folder.join(&file).is_file());
    let is_job = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    if !is_path || is_found || is_job {
        return name.to_owned();
    }
    report::quoted(&called.to_string_lossy())
}

impl Console {
    /// The console of this process, by the conventions of `NO_COLOR`, `CLICOLOR`, `CLICOLOR_FORCE` and
    /// `TERM=dumb`.
    pub fn of_process(verbosity: Verbosity) -> Self {
        let value = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb") || is_plain();
        let forced = value("CLICOLOR_FORCE").is_some_and(|value| value != "0");
        let wanted = value("CLICOLOR").is_none_or(|value| value != "0");
        // Whatever its value, NO_COLOR asks for none.
        let coloured = value("NO_COLOR").is_none()
            && (forced || (wanted && io::stdout().is_terminal() && !dumb));
        Self {
            verbosity,
            colour: if coloured {
                Colour::Always
            } else {
                Colour::Never
            },
            width: width(),
            progress: match verbosity {
                Verbosity::Quiet => ProgressMode::Silent,
                Verbosity::Full | Verbosity::Silent if io::stderr().is_terminal() && !dumb => {
                    ProgressMode::Live
                }
                Verbosity::Full | Verbosity::Silent => ProgressMode::Plain,
            },
        }
    }

    /// The same console at another loudness.
    #[must_use]
    pub fn with(self, loudness: Verbosity) -> Self {
        Self {
            verbosity: loudness,
            ..self
        }
    }

    /// Prints what was asked for. A reader that went away is nobody's error.
    pub fn print(&self, text: &str) {
        if self.verbosity == Verbosity::Silent {
            return;
        }
        let mut out = io::stdout().lock();
        let inert = match self.colour {
            Colour::Always => report::inert_coloured,
            Colour::Never => report::inert,
        };
        for line in text.split_inclusive('\n') {
            let _ = writeln!(out, "{}", inert(line.trim_end_matches('\n')));
        }
        if text.is_empty() {
            let _ = writeln!(out);
        }
        let _ = out.flush();
    }

    /// Prints commands to the CI platform: the one thing that it may take for such.
    pub(super) fn command(commands: &str) {
        let _ = io::stdout().lock().write_all(commands.as_bytes());
    }

    /// Tells on the side what is going on.
    pub fn note(&self, text: &str) {
        if self.verbosity == Verbosity::Full {
            self.warn(text);
        }
    }

    /// Tells on the side what must not be missed.
    pub fn warn(&self, text: &str) {
        print_error(text);
    }
}

/// Writes a message to standard error, no line of which a CI platform takes for a command. A reader that went away is
/// nobody's error.
pub fn print_error(text: &str) {
    let text = without_user_info(text);
    let mut out = io::stderr().lock();
    let columns = columns(&io::stderr());
    for line in text.lines() {
        // A line of a diff, or one that is set in, stays as it is.
        let is_sentence = line.starts_with(|c: char| c.is_alphanumeric());
        match columns.filter(|_| is_sentence) {
            Some(columns) => {
                for line in report::wrapped(line, columns) {
                    let _ = writeln!(out, "{}", report::inert(&line));
                }
            }
            None => {
                let _ = writeln!(out, "{}", report::inert(line));
            }
        }
    }
}

/// Whether escape codes may be shown as they are. On Windows a terminal has to be told to read them, and this is true too
/// where one of the two streams is none.
fn is_plain() -> bool {
    #[cfg(windows)]
    return anstyle_query::windows::enable_ansi_colors() == Some(false);
    #[cfg(not(windows))]
    false
}

fn width() -> usize {
    columns(&io::stdout()).unwrap_or(DEFAULT_WIDTH)
}

/// Columns that a line on standard error may have which is drawn over and over: in the last one, terminals differ in
/// whether they go on to the next line.
pub(super) fn live_width() -> usize {
    columns(&io::stderr()).unwrap_or(DEFAULT_WIDTH) - 1
}

fn columns(stream: &impl Stream) -> Option<usize> {
    let (width, _) = terminal_size::terminal_size_of(stream)?;
    Some(usize::from(width.0)).filter(|columns| *columns > 0)
}

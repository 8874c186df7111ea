//! Programs that a scenario runs: without a shell, in their own process group, within a bound of time and output.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::real_time;
use crate::processes::{DeniedVariables, ProcessGroup};
use crate::redact::{redact, without_credentials};

/// Programs that run at once on a core: more would take the processor from the load.
const AT_ONCE: usize = 8;
/// What is read of a program's output and of its complaints, in bytes.
const LONGEST_OUTPUT: u64 = 1 << 20;
const LONGEST_COMPLAINT: u64 = 4 << 10;
/// What a message repeats of the complaints, in characters.
const REPEATED: usize = 200;
/// How often it is looked whether a program has ended, once it has closed what it prints into: soon, then less often.
const TICKS: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(50)];

/// Where programs are run.
#[derive(Debug)]
pub(super) struct CommandRunner {
    folder: PathBuf,
    withheld: DeniedVariables,
    /// What no message may repeat.
    secrets: Vec<String>,
    places: Semaphore,
}

impl CommandRunner {
    /// Programs are run in a folder, and those that name their path are looked for from there.
    pub(super) fn new(folder: &Path, withheld: &DeniedVariables, secrets: &[String]) -> Self {
        Self {
            withheld: withheld.clone(),
            secrets: secrets.to_vec(),
            // A program is looked for after its folder was entered, where a relative path would lead on from there.
            folder: std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()),
            places: Semaphore::new(AT_ONCE),
        }
    }

    /// Runs a program and reads the JSON that it prints; waits for its turn first. The error says what went wrong, in
    /// words, and repeats nothing that is `secret`.
    pub(super) async fn run(
        &self,
        arguments: &[String],
        within: Duration,
        secret: &[String],
    ) -> Result<Value, String> {
        let [program, rest @ ..] = arguments else {
            return Err("there is no program".to_owned());
        };
        let _place = self
            .places
            .acquire()
            .await
            .map_err(|error| error.to_string())?;
        let path = if program.contains(std::path::is_separator) {
            self.folder.join(program)
        } else {
            PathBuf::from(program)
        };
        let mut command = Command::new(path);
        command
            .args(rest)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // A program inherits the scheduling of the thread that starts it.
        real_time::leave();
        let mut group = ProcessGroup::start(&mut command, &self.withheld)
            .map_err(|error| not_started(&error))?;
        let secrets = || self.secrets.iter().chain(secret);
        let clean = |text: &str| without_credentials(&redact(text, secrets()));
        let output = timeout(within, output(&mut group, clean)).await;
        output.unwrap_or_else(|_| {
            // It may take its time to end, which the other users of this core have not.
            // Where there is no thread to be had it is ended here and now.
            let _ = std::thread::Builder::new().spawn(move || {
                real_time::leave();
                drop(group);
            });
            Err(format!("did not end within {within:?}"))
        })
    }
}

/// What a program prints, once it has ended.
async fn output(group: &mut ProcessGroup, clean: impl Fn(&str) -> String) -> Result<Value, String> {
    let text = |error: io::Error| error.to_string();
    let (stdout, stderr) = group.outputs();
    let mut reads = pin!(async {
        tokio::join!(
            read(stdout, LONGEST_OUTPUT),
            read(stderr, LONGEST_COMPLAINT)
        )
    });
    let (output, complaint) = loop {
        tokio::select! {
            biased;
            read = &mut reads => break read,
            // Ended, it ends what it started, which may hold the streams open.
            () = sleep(TICKS[1]) => drop(group.try_wait().map_err(text)?),
        }
    };
    let status = ended(group).await.map_err(text)?;
    if !status.success() {
        let complaint = String::from_utf8_lossy(&complaint);
        // Cut only when clean, so that no part of a secret is left.
        let complaint: String = clean(complaint.trim()).chars().take(REPEATED).collect();
        let behind = if complaint.is_empty() { "" } else { ": " };
        return Err(format!("ended with {status}{behind}{complaint}"));
    }
    if output.len() as u64 > LONGEST_OUTPUT {
        return Err(format!("prints more than {LONGEST_OUTPUT} bytes"));
    }
    // PowerShell writes a byte order mark.
    let output = output.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&output);
    serde_json::from_slice(output).map_err(|error| format!("does not print JSON: {error}"))
}

/// Waits until a program has ended. tokio's own children would cost each wait for a request a look at them.
async fn ended(group: &mut ProcessGroup) -> io::Result<ExitStatus> {
    let [mut tick, longest] = TICKS;
    loop {
        if let Some(status) = group.try_wait()? {
            return Ok(status);
        }
        sleep(tick).await;
        tick = (tick * 2).min(longest);
    }
}

/// Reads a stream to its end, and keeps no more than so much of it and one byte that tells that there was more. What
/// cannot be read is as good as not printed.
#[cfg(unix)]
async fn read(stream: Option<impl Into<std::os::fd::OwnedFd>>, most: u64) -> Vec<u8> {
    use tokio::io::AsyncReadExt as _;
    use tokio::net::unix::pipe::Receiver;

    let mut kept = Vec::new();
    let Some(Ok(mut stream)) = stream.map(|stream| Receiver::from_owned_fd(stream.into())) else {
        return kept;
    };
    let _ = (&mut stream).take(most + 1).read_to_end(&mut kept).await;
    let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    kept
}

/// The same, by a thread: Windows has no other way. It ends with the program, since no program leaves its job.
#[cfg(windows)]
async fn read(stream: Option<impl io::Read + Send + 'static>, most: u64) -> Vec<u8> {
    use std::io::Read as _;

    let read = move || {
        let mut kept = Vec::new();
        if let Some(mut stream) = stream {
            let _ = (&mut stream).take(most + 1).read_to_end(&mut kept);
            let _ = io::copy(&mut stream, &mut io::sink());
        }
        kept
    };
    tokio::task::spawn_blocking(read).await.unwrap_or_default()
}

/// Why a program cannot be started.
fn not_started(error: &io::Error) -> String {
    /// `ERROR_BAD_EXE_FORMAT`.
    const NO_PROGRAM: i32 = 193;
    if cfg!(windows) && error.raw_os_error() == Some(NO_PROGRAM) {
        return "is not a Windows program; put its interpreter first, as in [python, sign.py]"
            .to_owned();
    }
    format!("cannot be started: {error}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::runtime::Builder;

    use super::*;

    fn run(arguments: &[&str], timeout: Duration) -> Result<Value, String> {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let arguments: Vec<String> = arguments.iter().map(|&own| own.to_owned()).collect();
        runtime.block_on(async {
            let secrets = ["hunter2 env".to_owned()];
            CommandRunner::new(folder.path(), &DeniedVariables::default(), &secrets)
                .run(&arguments, timeout, &["captured".to_owned()])
                .await
        })
    }

    const LONG: Duration = Duration::from_mins(1);

    #[test]
    fn a_program_gets_its_arguments_and_its_json_is_read() {
        let printed = run(&["printf", "{\"a\": \"%s\"}", "$HOME; `ls` *"], LONG);
        assert_eq!(printed, Ok(json!({"a": "$HOME; `ls` *"})));
    }

    #[test]
    fn a_program_that_fails_says_how() {
        for (arguments, part) in [
            (&["no-such-program-anywhere"][..], "cannot be started"),
            (&["./missing"], "cannot be started"),
            (
                &["sh", "-c", "echo out; echo why >&2; exit 3"],
                if cfg!(windows) {
                    "exit code: 3: why"
                } else {
                    "exit status: 3: why"
                },
            ),
            (&["echo", "hello"], "does not print JSON"),
            (
                &["sh", "-c", "head -c 2000000 /dev/zero"],
                "more than 1048576 bytes",
            ),
        ] {
            let error = run(arguments, LONG).unwrap_err();
            assert!(error.contains(part), "{arguments:?}: {error}");
        }
    }

    #[test]
    fn what_a_program_complains_of_holds_no_secret() {
        let script = "printf 'bad %s %s' \"$1\" \"$2\" >&2; exit 3";
        let long = "x".repeat(180) + "hunter2 env";
        for text in ["hunter2 env", "hunter2%20env", &long] {
            let error = run(&["sh", "-c", script, "sh", text, "captured"], LONG).unwrap_err();
            assert!(
                !error.contains("hunter") && !error.contains("captured"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_program_that_hangs_is_ended_with_all_that_it_started() {
        // The pipe stays open as long as anybody holds it, so that only the whole group's end lets this return.
        let began = std::time::Instant::now();
        let error = run(
            &["sh", "-c", "sleep 600 & sleep 600"],
            Duration::from_millis(50),
        );
        assert_eq!(error, Err("did not end within 50ms".to_owned()));
        assert!(began.elapsed() < LONG);
    }

    #[test]
    fn what_a_program_leaves_running_is_ended_and_not_waited_for() {
        let began = std::time::Instant::now();
        let printed = run(&["sh", "-c", "sleep 600 & echo '{}'"], LONG);
        assert_eq!(printed, Ok(json!({})));
        assert!(began.elapsed() < LONG);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn one_that_left_the_group_and_holds_the_pipe_is_not_waited_for() {
        let began = std::time::Instant::now();
        let error = run(
            &["sh", "-c", "setsid sleep 20 & echo {}"],
            Duration::from_millis(200),
        );
        assert_eq!(error, Err("did not end within 200ms".to_owned()));
        assert!(began.elapsed() < Duration::from_secs(20));
    }
}

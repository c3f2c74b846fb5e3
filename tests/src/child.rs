//! A process of a test: what it says, how it is ended.

use std::path::Path;
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child as Process, Command};
use tokio::sync::watch;

use crate::service::errors_in;
use crate::{read_text, within};

/// Lines that are shown of a process when its test fails.
const LINES_SHOWN: usize = 60;

/// A process that ends with its test at the latest.
#[derive(Debug)]
pub struct Child {
    name: String,
    process: Process,
    out: watch::Receiver<Heard>,
    err: watch::Receiver<Heard>,
}

/// How a process ended, and all that it said.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Lines of standard output.
    pub out: Vec<String>,
    /// Lines of standard error.
    pub err: Vec<String>,
}

#[derive(Debug, Default)]
struct Heard {
    lines: Vec<String>,
    over: bool,
}

impl Child {
    /// Starts a process; `name` is how failures call it.
    pub fn spawn(name: impl Into<String>, mut command: Command) -> Self {
        let name = name.into();
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        let out = listen(process.stdout.take().expect("stdout is piped"));
        let err = listen(process.stderr.take().expect("stderr is piped"));
        Self {
            name,
            process,
            out,
            err,
        }
    }

    /// Waits for a line on standard output.
    pub async fn says(&mut self, wanted: impl Fn(&str) -> bool) -> String {
        heard(&self.name, &mut self.out, wanted).await
    }

    /// Waits for a line on standard error.
    pub async fn notes(&mut self, wanted: impl Fn(&str) -> bool) -> String {
        heard(&self.name, &mut self.err, wanted).await
    }

    /// The lines on standard error so far.
    pub fn log(&self) -> Vec<String> {
        self.err.borrow().lines.clone()
    }

    /// Whether it has ended, by itself or not.
    pub fn has_ended(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(Some(_)))
    }

    /// SIGKILL, as a power cut for the process; returns when it is gone.
    pub async fn kill(mut self) -> Ended {
        self.process
            .start_kill()
            .expect("a process of our own can be killed");
        self.ended().await
    }

    /// SIGTERM, and waits until it has ended in order.
    pub async fn stop(self) -> Ended {
        self.terminate();
        self.ended().await
    }

    /// SIGTERM, without waiting for what comes of it.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// SIGHUP.
    pub fn hang_up(&self) {
        self.signal(Signal::HUP);
    }

    /// The most memory that it has had at one time, in bytes.
    pub fn memory_bytes_max(&self) -> u64 {
        let pid = self.pid().expect("it runs").as_raw_nonzero();
        let status = read_text(Path::new(&format!("/proc/{pid}/status")));
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        let kibibytes: u64 = kibibytes
            .and_then(|number| number.parse().ok())
            .expect("Linux tells it in kibibytes");
        kibibytes * 1024
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.pid() {
            kill_process(pid, signal).expect("a process of our own can be signalled");
        }
    }

    /// Waits until it has ended by itself.
    pub async fn ended(mut self) -> Ended {
        let what = format!("{} to end", self.name);
        let status = within(&what, self.process.wait()).await;
        let status: ExitStatus = status.expect("a process of our own can be waited for");
        Ended {
            code: status.code(),
            out: all(&mut self.out).await,
            err: all(&mut self.err).await,
        }
    }

    fn pid(&self) -> Option<Pid> {
        let id = i32::try_from(self.process.id()?).ok()?;
        Pid::from_raw(id)
    }
}

impl Drop for Child {
    #[expect(clippy::print_stderr, reason = "shown only when the test fails")]
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        for (stream, heard) in [("stdout", &self.out), ("stderr", &self.err)] {
            let heard = heard.borrow();
            let skipped = heard.lines.len().saturating_sub(LINES_SHOWN);
            eprintln!(
                "--- {} {stream}, {skipped} earlier lines left out",
                self.name
            );
            heard
                .lines
                .iter()
                .skip(skipped)
                .for_each(|line| eprintln!("{line}"));
        }
    }
}

impl Ended {
    /// Demands an exit code; fails with all that was said.
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "stdout {:#?}\nstderr {:#?}",
            self.out,
            self.err
        );
        self
    }

    /// Demands that a signal ended it, and that as a service it had logged no fault of its own before.
    pub fn expect_killed(self) -> Self {
        assert_eq!(self.code, None, "it ended by itself: {:#?}", self.err);
        let errors = errors_in(self.err.clone());
        assert!(
            errors.is_empty(),
            "logged as faults of the service: {errors:#?}"
        );
        self
    }

    /// The object on the last line of standard output, as every command with `--json` gives one.
    pub fn json(&self) -> Value {
        let last = self
            .out
            .last()
            .unwrap_or_else(|| panic!("nothing on stdout: {self:#?}"));
        serde_json::from_str(last).unwrap_or_else(|error| panic!("{error} in {last}"))
    }

    /// The only line on standard error that begins with `error: `.
    pub fn error(&self) -> &str {
        let mut errors = self
            .err
            .iter()
            .filter_map(|line| line.strip_prefix("error: "));
        let first = errors
            .next()
            .unwrap_or_else(|| panic!("no error line: {self:#?}"));
        assert_eq!(errors.next(), None, "one error is one line");
        first
    }
}

fn listen(stream: impl AsyncRead + Send + Unpin + 'static) -> watch::Receiver<Heard> {
    let (sender, receiver) = watch::channel(Heard::default());
    tokio::spawn(async move {
        let mut lines = BufReader::new(stream).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            sender.send_modify(|heard| heard.lines.push(line));
        }
        sender.send_modify(|heard| heard.over = true);
    });
    receiver
}

async fn heard(
    name: &str,
    stream: &mut watch::Receiver<Heard>,
    wanted: impl Fn(&str) -> bool,
) -> String {
    let find = |heard: &Heard| heard.lines.iter().find(|line| wanted(line)).cloned();
    let what = format!("a line of {name}");
    let heard = within(
        &what,
        stream.wait_for(|heard| heard.over || find(heard).is_some()),
    )
    .await;
    let heard = heard.expect("the listener sends its last word before it ends");
    find(&heard).unwrap_or_else(|| panic!("{name} ended without a word of it: {:#?}", heard.lines))
}

async fn all(stream: &mut watch::Receiver<Heard>) -> Vec<String> {
    let heard = within("the end of a stream", stream.wait_for(|heard| heard.over)).await;
    heard
        .expect("the listener sends its last word before it ends")
        .lines
        .clone()
}

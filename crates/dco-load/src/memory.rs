//! What a process takes: memory and processor time.

use std::io;
use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::figures::to_f64;

/// Between two looks at another process.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// What Linux counts processor time in, for programs.
const TICKS_PER_S: f64 = 100.0;

/// Octets of this process that are resident, as Linux tells.
pub(crate) fn resident_bytes() -> io::Result<u64> {
    read("self")
}

/// Octets of another process that are resident.
pub(crate) fn resident_bytes_of(process: u32) -> io::Result<u64> {
    read(&process.to_string())
}

fn read(process: &str) -> io::Result<u64> {
    let path = format!("/proc/{process}/status");
    parse(&account(&path)?).ok_or_else(|| io::Error::other(format!("{path} does not tell VmRSS")))
}

/// Processor time of a process and its threads so far, in seconds, theirs and the kernel's for them.
fn cpu_seconds_of(process: &str) -> io::Result<f64> {
    let path = format!("/proc/{process}/stat");
    let ticks = parse_ticks(&account(&path)?);
    let ticks = ticks.ok_or_else(|| io::Error::other(format!("{path} does not tell its times")))?;
    Ok(to_f64(ticks) / TICKS_PER_S)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the only files that are read here are the kernel's account of a process"
)]
fn account(path: &str) -> io::Result<String> {
    std::fs::read_to_string(path)
}

/// User and system time: the 14th and 15th field; the second is a name in parentheses and may hold anything.
fn parse_ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut times = after_name.split_whitespace().skip(11);
    let mut next = || times.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

fn parse(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1_024)
}

/// What the service took during a load: resident memory in octets, and processor time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct MemoryFigures {
    /// Before the load.
    pub begin_bytes: u64,
    /// The most that was seen, ten times a second.
    pub peak_bytes: u64,
    /// After the load.
    pub end_bytes: u64,
    /// Processor time of the service, in seconds.
    pub cpu_s: f64,
    /// Processor time of the program that loads it, in seconds.
    pub client_cpu_s: f64,
}

/// Looks at a process until it is asked what it saw.
#[derive(Debug)]
pub struct MemoryWatch {
    process: u32,
    begin_bytes: u64,
    begin_cpu_s: [f64; 2],
    stop: CancellationToken,
    peak: JoinHandle<u64>,
}

impl MemoryWatch {
    /// Begins to look; must be called within a tokio runtime.
    ///
    /// # Errors
    /// When the kernel tells nothing of such a process.
    pub fn begin(process: u32) -> io::Result<Self> {
        let begin_bytes = resident_bytes_of(process)?;
        let stop = CancellationToken::new();
        Ok(Self {
            process,
            begin_bytes,
            begin_cpu_s: cpu_seconds(process)?,
            stop: stop.clone(),
            peak: tokio::spawn(peak(process, begin_bytes, stop)),
        })
    }

    /// Ends looking.
    ///
    /// # Errors
    /// When the process has gone meanwhile.
    pub async fn end(self) -> io::Result<MemoryFigures> {
        self.stop.cancel();
        let end_bytes = resident_bytes_of(self.process)?;
        let [cpu_s, client_cpu_s] = cpu_seconds(self.process)?;
        let peak = self.peak.await.map_err(io::Error::other)?;
        Ok(MemoryFigures {
            begin_bytes: self.begin_bytes,
            peak_bytes: peak.max(end_bytes),
            end_bytes,
            cpu_s: cpu_s - self.begin_cpu_s[0],
            client_cpu_s: client_cpu_s - self.begin_cpu_s[1],
        })
    }
}

/// Of the service and of this program.
fn cpu_seconds(process: u32) -> io::Result<[f64; 2]> {
    Ok([
        cpu_seconds_of(&process.to_string())?,
        cpu_seconds_of("self")?,
    ])
}

async fn peak(process: u32, begin_bytes: u64, stop: CancellationToken) -> u64 {
    let mut most = begin_bytes;
    let mut looks = tokio::time::interval(LOOK_EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return most,
            _now = looks.tick() => {
                // A process that has gone has none.
                most = most.max(resident_bytes_of(process).unwrap_or(0));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_some() {
        assert!(resident_bytes().unwrap() > 100_000);
    }

    #[test]
    fn what_the_kernel_tells_is_read() {
        assert_eq!(parse("VmHWM:\t  9 kB\nVmRSS:\t  12 kB\n"), Some(12_288));
        assert_eq!(parse("VmHWM:\t  9 kB\n"), None);
    }

    #[test]
    fn processor_time_is_read_whatever_the_name_of_the_process() {
        let stat = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 30 12 0 0 20";
        assert_eq!(parse_ticks(stat), Some(42));
        assert_eq!(parse_ticks("7 (a"), None);
        assert!(cpu_seconds_of("self").unwrap() >= 0.0);
    }

    #[tokio::test]
    async fn the_peak_is_no_less_than_begin_and_end() {
        let watch = MemoryWatch::begin(std::process::id()).unwrap();
        let figures = watch.end().await.unwrap();
        assert!(figures.begin_bytes > 100_000);
        assert!(figures.peak_bytes >= figures.begin_bytes.max(figures.end_bytes));
        assert!(figures.cpu_s >= 0.0 && figures.client_cpu_s >= 0.0);
    }

    #[tokio::test]
    async fn a_process_that_is_not_there_is_refused() {
        assert!(MemoryWatch::begin(u32::MAX).is_err());
    }
}

//! What callers were refused, for the decision log: counted by caller and minute, so that nobody fills the disk by asking.
//!
//! The first refusal of a caller in a minute is put on record at once, the others of that minute together when it is over, or when
//! somebody reads the log. So there are two records for a caller and minute, however much is refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use dco_block::Eui64;
use dco_engine::{RefusedCall, RefusedCalls, Reply, Request};
use dco_schedule::Micros;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::clock::Clock;
use crate::driver::EngineHandle;
use crate::status::Fault;

const MINUTE_US: Micros = 60 * 1_000_000;
/// Callers of a minute that are told apart; further ones are counted together, as nobody's.
const CALLERS_MAX: usize = 1_000;
/// Calls and reasons of a caller and minute that are told apart.
const CALLS_MAX: usize = 16;
const MESSAGE_CHARS_MAX: usize = 300;
/// Who is counted when there are too many.
const OTHERS: Eui64 = Eui64::from_bits(0);

/// Counts. Clones count together.
#[derive(Debug, Clone)]
pub(crate) struct Refusals {
    counts: Arc<watch::Sender<Counts>>,
    clock: Clock,
}

/// Counts that are not on record, by minute and caller.
#[derive(Debug, Default)]
struct Counts(BTreeMap<(Micros, Eui64), Minute>);

#[derive(Debug, Default)]
struct Minute {
    calls: BTreeMap<(String, String), Tally>,
    /// Whether the first refusal of it is on record.
    is_begun: bool,
}

#[derive(Debug, Default)]
struct Tally {
    count: u32,
    message: String,
}

impl Refusals {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            counts: Arc::new(watch::Sender::new(Counts::default())),
            clock,
        }
    }

    /// A call ended with this status. What is no refusal is not counted.
    pub(crate) fn add(&self, by: Option<Eui64>, call: &str, status: &Status) {
        let Some(by) = by.filter(|_| is_refusal(status.code())) else {
            return;
        };
        let info = status.get_details_error_info();
        let reason = info.map_or_else(
            || crate::status::code_name(status.code()).to_owned(),
            |info| info.reason,
        );
        let now_us = self.clock.now_us();
        self.counts
            .send_modify(|counts| counts.add(now_us, by, (call, &reason, status.message())));
    }

    /// Puts on record what is due, until `stop`.
    pub(crate) async fn run(self, engine: EngineHandle, stop: CancellationToken) {
        let mut news = self.counts.subscribe();
        loop {
            let now_us = self.clock.now_us();
            let due = self.take(|counts| counts.take_due(now_us));
            if note(&engine, due).await.is_err() {
                return;
            }
            let next_us = self.counts.borrow().next_us();
            let later = async {
                match next_us {
                    Some(at_us) => self.clock.sleep_until(at_us).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = news.changed() => if changed.is_err() { return },
                () = later => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Puts all on record; returns when it is durable.
    pub(crate) async fn flush(&self, engine: &EngineHandle) -> Result<(), Fault> {
        note(engine, self.take(Counts::take_all)).await
    }

    fn take(&self, take: impl FnOnce(&mut Counts) -> Vec<RefusedCalls>) -> Vec<RefusedCalls> {
        let mut taken = Vec::new();
        self.counts.send_if_modified(|counts| {
            taken = take(counts);
            false
        });
        taken
    }
}

async fn note(engine: &EngineHandle, refused: Vec<RefusedCalls>) -> Result<(), Fault> {
    if refused.is_empty() {
        return Ok(());
    }
    match engine.ask(OTHERS, Request::NoteRefusals(refused)).await? {
        Reply::Noted => Ok(()),
        _ => Err(Fault::wrong_answer("refusals")),
    }
}

/// Whether a caller was told no: neither that it went, nor that the service could not.
fn is_refusal(code: Code) -> bool {
    !matches!(
        code,
        Code::Ok
            | Code::Cancelled
            | Code::Unknown
            | Code::DeadlineExceeded
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    )
}

impl Counts {
    fn add(&mut self, now_us: Micros, by: Eui64, (call, reason, message): (&str, &str, &str)) {
        let minute_us = now_us - now_us.rem_euclid(MINUTE_US);
        let is_known = self.0.contains_key(&(minute_us, by));
        let by = if is_known || self.0.len() < CALLERS_MAX {
            by
        } else {
            OTHERS
        };
        let minute = self.0.entry((minute_us, by)).or_default();
        let key = (call.to_owned(), reason.to_owned());
        let key = if minute.calls.contains_key(&key) || minute.calls.len() < CALLS_MAX {
            key
        } else {
            ("other".to_owned(), "OTHER".to_owned())
        };
        let tally = minute.calls.entry(key).or_default();
        tally.count = tally.count.saturating_add(1);
        if tally.message.is_empty() {
            tally.message = message.chars().take(MESSAGE_CHARS_MAX).collect();
        }
    }

    /// The first of each minute, and what was counted of minutes that are over.
    fn take_due(&mut self, now_us: Micros) -> Vec<RefusedCalls> {
        let due = |at_us: Micros, minute: &Minute| !minute.is_begun || at_us + MINUTE_US <= now_us;
        let taken = self.take(due);
        self.0
            .retain(|(at_us, _), minute| !minute.calls.is_empty() || at_us + MINUTE_US > now_us);
        taken
    }

    fn take_all(&mut self) -> Vec<RefusedCalls> {
        self.take(|_, _| true)
    }

    fn take(&mut self, is_due: impl Fn(Micros, &Minute) -> bool) -> Vec<RefusedCalls> {
        let mut taken = Vec::new();
        for ((minute_us, by), minute) in &mut self.0 {
            if minute.calls.is_empty() || !is_due(*minute_us, minute) {
                continue;
            }
            minute.is_begun = true;
            let calls = std::mem::take(&mut minute.calls).into_iter();
            let calls = calls.map(|((call, reason), tally)| RefusedCall {
                call,
                reason,
                count: tally.count,
                message: tally.message,
            });
            taken.push(RefusedCalls {
                by: *by,
                minute_us: *minute_us,
                calls: calls.collect(),
            });
        }
        taken
    }

    /// When something is due that is not now.
    fn next_us(&self) -> Option<Micros> {
        let (minute_us, _) = self.0.keys().next()?;
        Some(minute_us + MINUTE_US)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: Eui64 = Eui64::from_bits(1);
    const BOB: Eui64 = Eui64::from_bits(2);

    fn told(taken: &[RefusedCalls]) -> Vec<(u64, Vec<u32>)> {
        let counts = |it: &RefusedCalls| it.calls.iter().map(|call| call.count).collect();
        let each = taken.iter().map(|it| (it.by.bits(), counts(it)));
        each.collect()
    }

    fn add(counts: &mut Counts, now_us: Micros, by: Eui64, reason: &str) {
        counts.add(now_us, by, ("/dco.v1.X/Y", reason, "no"));
    }

    #[test]
    fn the_first_of_a_minute_is_due_at_once_and_the_others_when_it_is_over() {
        let mut counts = Counts::default();
        add(&mut counts, 5, ANN, "A");
        assert_eq!(told(&counts.take_due(5)), [(1, vec![1])]);
        for now_us in 6..1_000 {
            add(&mut counts, now_us, ANN, "A");
            assert_eq!(told(&counts.take_due(now_us)), []);
        }
        add(&mut counts, 1_000, ANN, "B");
        add(&mut counts, 1_000, BOB, "A");
        assert_eq!(told(&counts.take_due(1_001)), [(2, vec![1])]);
        assert_eq!(counts.next_us(), Some(MINUTE_US));
        assert_eq!(told(&counts.take_due(MINUTE_US)), [(1, vec![994, 1])]);
        assert_eq!(counts.next_us(), None, "nothing is kept of it");
    }

    #[test]
    fn all_is_taken_once_when_the_log_is_read() {
        let mut counts = Counts::default();
        for _ in 0..3 {
            add(&mut counts, 5, ANN, "A");
        }
        assert_eq!(told(&counts.take_all()), [(1, vec![3])]);
        assert_eq!(told(&counts.take_all()), []);
        add(&mut counts, 6, ANN, "A");
        assert_eq!(told(&counts.take_due(6)), [], "its first is on record");
        assert_eq!(told(&counts.take_all()), [(1, vec![1])]);
    }

    #[test]
    fn what_strangers_can_make_up_takes_no_more_room_than_there_is() {
        let mut counts = Counts::default();
        for number in 0..3 * CALLERS_MAX as u64 {
            add(&mut counts, 5, Eui64::from_bits(number + 1), "A");
        }
        for number in 0..3 * CALLS_MAX {
            add(&mut counts, 5, ANN, &number.to_string());
        }
        let taken = counts.take_all();
        assert_eq!(taken.len(), CALLERS_MAX + 1);
        assert!(taken.iter().all(|it| it.calls.len() <= CALLS_MAX + 1));
        let all: u32 = taken
            .iter()
            .flat_map(|it| &it.calls)
            .map(|it| it.count)
            .sum();
        assert_eq!(
            all as usize,
            3 * CALLERS_MAX + 3 * CALLS_MAX,
            "none is lost"
        );
    }

    #[test]
    fn only_what_was_refused_counts() {
        assert!(is_refusal(Code::PermissionDenied));
        assert!(is_refusal(Code::InvalidArgument));
        assert!(!is_refusal(Code::Ok));
        assert!(!is_refusal(Code::Unavailable));
        assert!(!is_refusal(Code::Cancelled));
    }
}

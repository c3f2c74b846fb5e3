//! With which memory each gateway came last. One that comes with another each time would fill the journal: each is a record, and is kept.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dco_block::Eui64;
use tokio::time::Instant;

use crate::status::Fault;

const MINUTE: Duration = Duration::from_secs(60);
/// New memories of a gateway in a minute. One that restarts again and again without keeping anything needs no more.
const EACH_MINUTE_MAX: u32 = 30;

/// Of gateways that are registered, so their number is bounded. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memories(Arc<Mutex<BTreeMap<Eui64, Memory>>>);

#[derive(Debug)]
struct Memory {
    id: String,
    /// A minute, and how many new memories there were in it.
    since: Instant,
    count: u32,
}

impl Memories {
    /// A gateway says hello.
    ///
    /// # Errors
    /// When it has come with too many others in the last minute.
    pub(crate) fn comes_with(&self, gateway: Eui64, id: &str) -> Result<(), Fault> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let memory = all.entry(gateway).or_insert_with(|| Memory {
            id: String::new(),
            since: now,
            count: 0,
        });
        if memory.id == id {
            return Ok(());
        }
        let over = memory.since + MINUTE;
        if now >= over {
            (memory.since, memory.count) = (now, 0);
        }
        if memory.count >= EACH_MINUTE_MAX {
            return Err(Fault::too_many_memories(EACH_MINUTE_MAX, over - now));
        }
        memory.count += 1;
        id.clone_into(&mut memory.id);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_gateway_comes_with_so_many_memories_a_minute_and_with_the_same_as_often_as_it_likes()
    {
        let memories = Memories::default();
        let gateway = |number: u64| Eui64::from_bits(0x90B3_D51F_3002_0000 + number);
        let comes = |number: u64, id: u32| {
            memories
                .clone()
                .comes_with(gateway(number), &id.to_string())
        };
        for id in 0..EACH_MINUTE_MAX {
            comes(1, id).unwrap();
        }
        for _ in 0..100 {
            comes(1, EACH_MINUTE_MAX - 1).unwrap();
        }
        let refused = comes(1, EACH_MINUTE_MAX).unwrap_err();
        assert_eq!(refused.reason(), "MEMORIES_LIMIT_REACHED");
        comes(2, EACH_MINUTE_MAX).unwrap();
        tokio::time::advance(MINUTE).await;
        comes(1, EACH_MINUTE_MAX).unwrap();
    }
}

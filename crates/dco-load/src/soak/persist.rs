//! Asking a service that is away now and then.

use std::time::Duration;

use dco_client::ClientError;

/// Between two tries to reach it.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(50);
/// A service that is away for so long does not come back.
const TRIES_MAX: u32 = 2_400;

/// Asks the same again, with the same request id, until the service answers.
pub(crate) async fn persist<T, F>(ask: impl Fn() -> F) -> Result<T, ClientError>
where
    F: Future<Output = Result<T, ClientError>>,
{
    for _ in 0..TRIES_MAX {
        match ask().await {
            Err(fault) if is_away(&fault) => tokio::time::sleep(TRY_AGAIN_AFTER).await,
            answered => return answered,
        }
    }
    ask().await
}

/// Whether nobody was there, or the link broke; nothing was refused.
fn is_away(fault: &ClientError) -> bool {
    fault.is_temporary() || matches!(fault, ClientError::Unreachable { .. })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn broken() -> ClientError {
        ClientError::Broken {
            reason: "cut".to_owned(),
        }
    }

    #[tokio::test]
    async fn a_broken_link_is_tried_again_and_a_refusal_is_an_answer() {
        let asked = AtomicU32::new(0);
        let answer = persist(|| async {
            match asked.fetch_add(1, Ordering::Relaxed) {
                0 => Err(broken()),
                _ => Ok(7),
            }
        });
        assert_eq!(answer.await.unwrap(), 7);
        let given_up = || ClientError::GaveUp {
            tries: 1,
            last: Box::new(broken()),
        };
        assert!(
            persist(|| async { Err::<(), _>(given_up()) })
                .await
                .is_err()
        );
        assert_eq!(asked.into_inner(), 2);
    }
}

//! Handshakes under way. Who shows no certificate can hold as many as it likes for as long as it likes, so a place is not kept for
//! whom it was given to first: when all are taken, the oldest of the address that holds most goes to the newcomer.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

/// What an honest handshake takes at most. Among addresses that hold equally many, none is displaced before: were it, many that
/// come at one moment would displace each other, and none would finish.
const FINISHES_WITHIN: Duration = Duration::from_millis(100);

/// All that are under way, and the bounds. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Handshakes {
    max: usize,
    per_address_max: u32,
    under_way: Arc<Mutex<UnderWay>>,
    given_back: Arc<Notify>,
}

/// By when they came.
#[derive(Debug, Default)]
struct UnderWay {
    came: u64,
    handshakes: BTreeMap<u64, UnderWayOne>,
}

#[derive(Debug)]
struct UnderWayOne {
    address: IpAddr,
    since: Instant,
    /// Dropped to take its place.
    _displace: oneshot::Sender<()>,
}

/// A place, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    came: u64,
    all: Handshakes,
    displaced: oneshot::Receiver<()>,
}

/// An address has all that it may have under way, or, while there are no places left, as many as any other or one fewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ShareTaken;

/// Why there is no place at once.
enum NoPlace {
    ShareTaken,
    /// The oldest of those that hold most may be about to finish.
    Until(Instant),
}

impl Handshakes {
    pub(crate) fn new(max: usize, per_address_max: u32) -> Self {
        Self {
            max,
            per_address_max,
            under_way: Arc::default(),
            given_back: Arc::default(),
        }
    }

    /// A place for one more; waits no longer than an honest handshake takes. One waits at a time, and only for the first of its
    /// address: whose has one under way and is refused another comes again, and meanwhile nobody stands behind it.
    pub(crate) async fn enter(&self, address: IpAddr) -> Result<Place, ShareTaken> {
        loop {
            match self.try_enter(address) {
                Ok(place) => return Ok(place),
                Err(NoPlace::ShareTaken) => return Err(ShareTaken),
                Err(NoPlace::Until(finished)) => tokio::select! {
                    () = tokio::time::sleep_until(finished) => {}
                    () = self.given_back.notified() => {}
                },
            }
        }
    }

    fn try_enter(&self, address: IpAddr) -> Result<Place, NoPlace> {
        let mut under_way = self.lock();
        let held = under_way.of(address);
        if held >= self.per_address_max {
            return Err(NoPlace::ShareTaken);
        }
        if under_way.handshakes.len() >= self.max {
            under_way.make_room_for(held)?;
        }
        let (displace, displaced) = oneshot::channel();
        let came = under_way.came;
        under_way.came += 1;
        let one = UnderWayOne {
            address,
            since: Instant::now(),
            _displace: displace,
        };
        under_way.handshakes.insert(came, one);
        let all = self.clone();
        Ok(Place {
            came,
            all,
            displaced,
        })
    }

    fn lock(&self) -> MutexGuard<'_, UnderWay> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl UnderWay {
    fn of(&self, address: IpAddr) -> u32 {
        let own = self.handshakes.values().filter(|it| it.address == address);
        u32::try_from(own.count()).unwrap_or(u32::MAX)
    }

    /// For one of an address that has `held` under way.
    fn make_room_for(&mut self, held: u32) -> Result<(), NoPlace> {
        let mut most = BTreeMap::<IpAddr, (u32, u64)>::new();
        for (came, one) in &self.handshakes {
            most.entry(one.address).or_insert((0, *came)).0 += 1;
        }
        let heaviest = most
            .into_values()
            .max_by_key(|(count, oldest)| (*count, std::cmp::Reverse(*oldest)));
        let Some((count, oldest)) = heaviest else {
            return Ok(());
        };
        let finished = self.handshakes[&oldest].since + FINISHES_WITHIN;
        let may_finish = count <= held.saturating_add(1) && Instant::now() < finished;
        match (may_finish, held) {
            (true, 0) => Err(NoPlace::Until(finished)),
            (true, _) => Err(NoPlace::ShareTaken),
            (false, _) => {
                self.handshakes.remove(&oldest);
                Ok(())
            }
        }
    }
}

impl Place {
    /// Resolves when the place has gone to another.
    pub(crate) async fn displaced(&mut self) {
        // Nothing is ever sent: it ends with the sender.
        let _ended = (&mut self.displaced).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.all.lock().handshakes.remove(&self.came);
        self.all.given_back.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use futures::FutureExt;

    use super::*;

    fn address(last: u8) -> IpAddr {
        Ipv4Addr::new(127, 0, 0, last).into()
    }

    async fn enter(all: &Handshakes, last: u8) -> Place {
        all.enter(address(last)).await.unwrap()
    }

    fn is_displaced(place: &mut Place) -> bool {
        place.displaced().now_or_never().is_some()
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_of_whom_holds_most_gives_its_place_to_another() {
        let all = Handshakes::new(5, 3);
        let mut lighter = [enter(&all, 2).await, enter(&all, 2).await];
        let mut heavier = Vec::new();
        for _ in 0..3 {
            heavier.push(enter(&all, 3).await);
        }
        let mut honest = all
            .enter(address(1))
            .now_or_never()
            .expect("at once")
            .unwrap();
        let gone: Vec<_> = heavier.iter_mut().map(is_displaced).collect();
        assert_eq!(gone, [true, false, false]);
        assert!(!lighter.iter_mut().any(is_displaced) && !is_displaced(&mut honest));
        assert_eq!(all.lock().handshakes.len(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn half_open_ones_of_any_number_of_addresses_keep_nobody_out() {
        let all = Handshakes::new(64, 32);
        let mut open = Vec::new();
        for at in 0..200 {
            if let Ok(place) = all.enter(address(2 + at % 5)).await {
                open.push(place);
            }
            let before = Instant::now();
            let mut honest = enter(&all, 1).await;
            assert!(before.elapsed() <= FINISHES_WITHIN);
            assert!(!is_displaced(&mut honest));
        }
        assert!(all.lock().handshakes.len() <= 64);
    }

    #[tokio::test(start_paused = true)]
    async fn many_that_come_at_one_moment_do_not_displace_each_other() {
        let all = Handshakes::new(2, 1);
        let mut first = enter(&all, 2).await;
        let mut second = enter(&all, 3).await;
        let waiting = all.clone();
        let third = tokio::spawn(async move { enter(&waiting, 4).await });
        tokio::task::yield_now().await;
        assert!(!is_displaced(&mut first) && !is_displaced(&mut second));
        drop(second);
        let mut third = third.await.unwrap();
        assert!(!is_displaced(&mut first) && !is_displaced(&mut third));
        // None finishes: then the oldest goes.
        let mut fourth = enter(&all, 5).await;
        assert!(is_displaced(&mut first));
        assert!(!is_displaced(&mut third) && !is_displaced(&mut fourth));
    }

    #[tokio::test(start_paused = true)]
    async fn whose_address_has_as_many_as_any_other_keeps_nobody_waiting() {
        let all = Handshakes::new(4, 4);
        let mut open = Vec::new();
        for last in [2, 3, 2, 3] {
            open.push(enter(&all, last).await);
        }
        // All have just come, so each may be about to finish.
        for last in [2, 3] {
            let refused = all.enter(address(last)).now_or_never().expect("at once");
            assert_eq!(refused.unwrap_err(), ShareTaken);
        }
        let honest = all.enter(address(1)).now_or_never().expect("at once");
        assert!(!is_displaced(&mut honest.unwrap()));
        assert!(is_displaced(&mut open[0]));
    }

    #[tokio::test]
    async fn an_address_has_its_share_and_what_is_given_back_can_be_taken_again() {
        let all = Handshakes::new(8, 2);
        let first = enter(&all, 2).await;
        let second = enter(&all, 2).await;
        assert_eq!(all.enter(address(2)).await.unwrap_err(), ShareTaken);
        drop(first);
        let third = enter(&all, 2).await;
        drop((second, third));
        assert!(all.lock().handshakes.is_empty());
    }
}

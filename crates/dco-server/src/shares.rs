//! How much of something each may hold at one time, and what counts as one address.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts by key. Keys that hold nothing are forgotten, so that nobody fills it.
#[derive(Debug)]
pub(crate) struct Shares<K: Ord> {
    held: Arc<Mutex<BTreeMap<K, u32>>>,
    each_max: u32,
}

/// One of a key's share; given back when dropped.
#[derive(Debug)]
pub(crate) struct Held<K: Ord + Copy> {
    key: K,
    shares: Shares<K>,
}

impl<K: Ord> Clone for Shares<K> {
    fn clone(&self) -> Self {
        Self {
            held: Arc::clone(&self.held),
            each_max: self.each_max,
        }
    }
}

impl<K: Ord + Copy> Shares<K> {
    pub(crate) fn new(each_max: u32) -> Self {
        Self {
            held: Arc::default(),
            each_max,
        }
    }

    /// One more for this key; nothing when it has all that it may.
    pub(crate) fn take(&self, key: K) -> Option<Held<K>> {
        let mut held = self.lock();
        let count = held.entry(key).or_default();
        if *count >= self.each_max {
            return None;
        }
        *count += 1;
        Some(Held {
            key,
            shares: self.clone(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<K, u32>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Ord + Copy> Drop for Held<K> {
    fn drop(&mut self) {
        let mut held = self.shares.lock();
        if let Some(count) = held.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.key);
            }
        }
    }
}

/// What counts as one address: of IPv6 the network that one line is given, because all addresses in it are the same hands.
pub(crate) fn address(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_share_and_what_is_given_back_can_be_taken_again() {
        let shares = Shares::new(2);
        let first = shares.take(1).unwrap();
        let second = shares.take(1).unwrap();
        assert!(shares.take(1).is_none());
        let other = shares.take(2).unwrap();
        drop(first);
        let third = shares.take(1).unwrap();
        assert!(shares.take(1).is_none());
        drop((second, third, other));
        assert!(
            shares.lock().is_empty(),
            "nothing is kept of who holds nothing"
        );
    }

    #[test]
    fn a_network_of_64_bits_is_one_address() {
        let same = |a: &str, b: &str| address(a.parse().unwrap()) == address(b.parse().unwrap());
        assert!(same("2001:db8::1", "2001:db8::ffff:1"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(same("::ffff:10.0.0.1", "10.0.0.1"));
        assert!(!same("10.0.0.1", "10.0.0.2"));
    }
}

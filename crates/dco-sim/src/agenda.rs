//! What will happen, in the order of time.

use std::collections::BTreeMap;

use dco_schedule::Micros;

/// Things to come. What is due at the same instant comes in the order in which it was put here.
#[derive(Debug)]
pub(crate) struct Agenda<T> {
    items: BTreeMap<(Micros, u64), T>,
    count: u64,
}

impl<T> Agenda<T> {
    /// Nothing will happen.
    pub(crate) fn new() -> Self {
        Self {
            items: BTreeMap::new(),
            count: 0,
        }
    }

    /// Something will happen at `at_us`.
    pub(crate) fn put(&mut self, at_us: Micros, item: T) {
        self.items.insert((at_us, self.count), item);
        self.count += 1;
    }

    /// What happens next, and when.
    pub(crate) fn next(&mut self) -> Option<(Micros, T)> {
        let ((at_us, _), item) = self.items.pop_first()?;
        Some((at_us, item))
    }
}

#[cfg(test)]
mod tests {
    use super::Agenda;

    #[test]
    fn time_first_then_the_order_of_putting() {
        let mut agenda = Agenda::new();
        for (at_us, item) in [(5, 'c'), (1, 'a'), (5, 'd'), (1, 'b')] {
            agenda.put(at_us, item);
        }
        let row: String = std::iter::from_fn(|| agenda.next())
            .map(|(_, item)| item)
            .collect();
        assert_eq!(row, "abcd");
    }
}

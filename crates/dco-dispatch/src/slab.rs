//! A store of values addressed by small numbers that are used again.

/// Takes the place of "no index": values stay four bytes smaller than with an `Option`.
pub(crate) const NONE: u32 = u32::MAX;

#[derive(Clone, Debug)]
pub(crate) struct Slab<T> {
    items: Vec<T>,
    free: Vec<u32>,
}

impl<T> Slab<T> {
    pub(crate) const fn new() -> Self {
        Self {
            items: Vec::new(),
            free: Vec::new(),
        }
    }

    /// Puts `item` into a free place. What a freed place holds stays until then.
    pub(crate) fn insert(&mut self, item: T) -> u32 {
        if let Some(index) = self.free.pop() {
            self[index] = item;
            return index;
        }
        let index = u32::try_from(self.items.len())
            .ok()
            .filter(|&index| index != NONE);
        make_room(&mut self.items);
        self.items.push(item);
        index.expect("a machine's memory ends long before 2^32 - 1 entries")
    }

    /// Frees a place; its owner must have forgotten the number.
    pub(crate) fn free(&mut self, index: u32) {
        self.free.push(index);
    }

    pub(crate) fn get(&self, index: u32) -> Option<&T> {
        self.items.get(index as usize)
    }
}

/// Grows by little instead of to the double: there are millions of them, and what a queue takes of the memory is stated.
fn make_room<T>(items: &mut Vec<T>) {
    if items.len() == items.capacity() {
        items.reserve_exact((items.len() / 32).max(64));
    }
}

impl<T> std::ops::Index<u32> for Slab<T> {
    type Output = T;

    fn index(&self, index: u32) -> &T {
        &self.items[index as usize]
    }
}

impl<T> std::ops::IndexMut<u32> for Slab<T> {
    fn index_mut(&mut self, index: u32) -> &mut T {
        &mut self.items[index as usize]
    }
}

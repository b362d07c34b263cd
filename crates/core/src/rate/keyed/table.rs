use std::{mem, num::NonZeroU64};

/// A hash table from keys to words, with open addressing and linear probing.
///
/// Made for buckets: a slot is a key and eight bytes, a hit at a million keys is one cache miss, and slots can be walked from
/// any point, so that idle ones are found a few at a time. At most three quarters of the slots are taken; it grows by a
/// half of itself, so that at least half of them are, as far as it has not been emptied since.
#[derive(Debug)]
pub(super) struct Table<K> {
    slots: Vec<Option<KeyedWord<K>>>,
    len: usize,
}

/// A key and its word. That is never zero, so that a slot is no larger than an entry.
#[derive(Debug)]
pub(super) struct KeyedWord<K> {
    pub(super) key: K,
    pub(super) word: NonZeroU64,
}

impl<K> Table<K> {
    pub(super) const fn new() -> Self {
        Self { slots: Vec::new(), len: 0 }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// How many slots there are, taken or not.
    pub(super) fn slots(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Option<KeyedWord<K>>>()
    }

    /// Where the key with that hash is.
    #[inline]
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(&K) -> bool) -> Option<usize> {
        if self.len == 0 {
            return None;
        }
        let mut index = self.home(hash);
        while let Some(entry) = &self.slots[index] {
            if is_it(&entry.key) {
                return Some(index);
            }
            index = self.next(index);
        }
        None
    }

    #[inline]
    pub(super) fn at(&self, index: usize) -> Option<&KeyedWord<K>> {
        self.slots[index].as_ref()
    }

    #[inline]
    pub(super) fn at_mut(&mut self, index: usize) -> Option<&mut KeyedWord<K>> {
        self.slots[index].as_mut()
    }

    /// Adds a key that is not there. Takes constant time, but when the table grows.
    pub(super) fn insert(&mut self, hash: u64, entry: KeyedWord<K>, hash_of: impl Fn(&K) -> u64) {
        if (self.len + 1) * 4 > self.slots.len() * 3 {
            self.resize(self.slots.len() + (self.slots.len() / 2).max(LEAST), hash_of);
        }
        self.place(hash, entry);
    }

    /// Takes out the entry of a slot. Those that had to give way to it move up, so that no gap is left.
    pub(super) fn remove(&mut self, index: usize, hash_of: impl Fn(&K) -> u64) -> Option<KeyedWord<K>> {
        let removed = self.slots[index].take()?;
        self.len -= 1;
        let (mut gap, mut index) = (index, self.next(index));
        while let Some(entry) = &self.slots[index] {
            let home = self.home(hash_of(&entry.key));
            // It may fill the gap, unless its home lies behind that.
            if self.distance(home, index) >= self.distance(gap, index) {
                self.slots.swap(gap, index);
                gap = index;
            }
            index = self.next(index);
        }
        Some(removed)
    }

    /// Gives memory back, where three quarters of the slots or more are free.
    pub(super) fn shrink(&mut self, hash_of: impl Fn(&K) -> u64) {
        if self.slots.len() > LEAST && self.len * 4 < self.slots.len() {
            self.resize(self.slots.len() / 2, hash_of);
        }
    }

    pub(super) fn entries_mut(&mut self) -> impl Iterator<Item = &mut KeyedWord<K>> {
        self.slots.iter_mut().flatten()
    }

    /// The slot after that one.
    #[inline]
    pub(super) fn next(&self, index: usize) -> usize {
        if index + 1 < self.slots.len() { index + 1 } else { 0 }
    }

    // ----- helpers -----

    fn place(&mut self, hash: u64, entry: KeyedWord<K>) {
        let mut index = self.home(hash);
        while self.slots[index].is_some() {
            index = self.next(index);
        }
        self.slots[index] = Some(entry);
        self.len += 1;
    }

    fn resize(&mut self, slots: usize, hash_of: impl Fn(&K) -> u64) {
        let mut larger = Vec::new();
        larger.reserve_exact(slots);
        larger.resize_with(slots, || None);
        self.len = 0;
        for entry in mem::replace(&mut self.slots, larger).into_iter().flatten() {
            self.place(hash_of(&entry.key), entry);
        }
    }

    /// By the upper bits, so any number of slots will do; the lower ones have chosen the shard.
    #[inline]
    fn home(&self, hash: u64) -> usize {
        ((u128::from(hash) * self.slots.len() as u128) >> 64) as usize
    }

    /// How many steps it is from one slot to another.
    fn distance(&self, from: usize, to: usize) -> usize {
        if to >= from { to - from } else { to + self.slots.len() - from }
    }
}

const LEAST: usize = 8;

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    /// Bad on purpose: many keys have one home.
    fn hash(key: &u16) -> u64 {
        u64::from(*key % 13).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    proptest! {
        #[test]
        fn it_holds_what_a_map_holds(steps in prop::collection::vec((any::<bool>(), 0..60_u16, 1..u64::MAX), 0..200)) {
            let (mut table, mut map) = (Table::new(), HashMap::new());
            for (adds, key, word) in steps {
                let found = table.find(hash(&key), |other| *other == key);
                prop_assert_eq!(found.is_some(), map.contains_key(&key));
                let word = NonZeroU64::new(word).unwrap();
                match found {
                    None if adds => table.insert(hash(&key), KeyedWord { key, word }, hash),
                    Some(index) if adds => table.at_mut(index).unwrap().word = word,
                    Some(index) => {
                        prop_assert_eq!(table.remove(index, hash).unwrap().key, key);
                        table.shrink(hash);
                    }
                    None => {}
                }
                if adds { map.insert(key, word); } else { map.remove(&key); }
                prop_assert_eq!(table.len(), map.len());
                prop_assert!(table.len() * 4 <= table.slots() * 3);
                for (key, word) in &map {
                    let index = table.find(hash(key), |other| other == key).expect("it is there");
                    prop_assert_eq!(table.at(index).unwrap().word, *word);
                }
            }
        }
    }

    #[test]
    fn a_slot_is_a_key_and_a_word() {
        assert_eq!(size_of::<Option<KeyedWord<u64>>>(), 16);
        assert_eq!(size_of::<Option<KeyedWord<String>>>(), 32);
    }
}

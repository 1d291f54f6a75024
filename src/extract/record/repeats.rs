//! Names that an object has more than once: the last of them counts.

use super::{AGAIN, Failed, Key, Memory, ONCE, Pass};
use crate::json::{Quoted, Reader};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use std::hash::BuildHasher;

/// Keys of an object after which a hash map finds repetitions instead of comparing with each.
const MANY_KEYS: usize = 48;

/// A key seen in an open object: its hash, and where it is. In two words; texts are far below 2 GB.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    hash: u64,
    start: u32,
    /// Its end, and in the highest bit whether it has escapes.
    end: u32,
}

impl Seen {
    const ESCAPED: u32 = 1 << 31;

    fn new(hash: u64, name: Quoted) -> Seen {
        let end = name.end as u32 | if name.escaped { Self::ESCAPED } else { 0 };
        Seen { hash, start: name.start as u32, end }
    }

    fn name(self) -> Quoted {
        let end = (self.end & !Self::ESCAPED) as usize;
        Quoted { start: self.start as usize, end, escaped: self.end & Self::ESCAPED != 0 }
    }
}

/// The keys of an open object.
pub(super) struct Keys {
    /// The first of them among those seen.
    pub(super) begin: usize,
    /// Of each hash that was seen one of 64 bits: where that is not set, the key is new.
    bits: u64,
    /// All of them, once they are many, by hashes that whoever writes the events cannot foresee.
    many: Option<HashTable<Seen>>,
}

impl<'a, const READING: u8> Pass<'a, '_, READING> {
    pub(super) fn no_keys(&self) -> Keys {
        Keys { begin: self.memory.seen.len(), bits: 0, many: None }
    }

    /// The name that has been read before, at its quote.
    #[cold]
    pub(super) fn key_at(&self, at: usize) -> Quoted {
        let name = Reader::new(self.text, at).string();
        name.unwrap_or(Quoted { start: at, end: at, escaped: false })
    }

    /// Whether a key is to be passed over. Keys are met in the order of the text.
    pub(super) fn is_shadowed(&mut self, key_at: usize) -> bool {
        let Memory { shadowed, passed, .. } = &mut *self.memory;
        while shadowed.get(*passed).is_some_and(|shadowed| *shadowed < key_at) {
            *passed += 1;
        }
        shadowed.get(*passed) == Some(&key_at)
    }

    /// Remembers a key of an open object, and the earlier one's place if it is repeated.
    #[inline(always)]
    pub(super) fn note_key(&mut self, key: &Key, keys: &mut Keys) -> std::result::Result<(), Failed> {
        if READING == AGAIN {
            return Ok(());
        }
        let bit = 1 << (key.hash >> 58);
        if keys.bits & bit != 0 && self.is_noted_again(*key, keys)? {
            return Ok(());
        }
        keys.bits |= bit;
        self.memory.seen.push(Seen::new(key.hash, key.name));
        if self.memory.seen.len() - keys.begin > MANY_KEYS {
            self.find_by_map(keys);
        }
        Ok(())
    }

    /// From now on every key is looked up.
    #[cold]
    pub(super) fn find_by_map(&mut self, keys: &mut Keys) {
        let mut many = HashTable::with_capacity(4 * MANY_KEYS);
        for seen in self.memory.seen.split_off(keys.begin) {
            let hash = self.memory.hasher.hash_one(&*self.decoded(seen.name()));
            many.insert_unique(hash, Seen { hash, ..seen }, |seen| seen.hash);
        }
        keys.many = Some(many);
        keys.bits = u64::MAX;
    }

    /// Looks for a key among those seen; where there are many, adds it.
    #[inline(never)]
    pub(super) fn is_noted_again(&mut self, key: Key, keys: &mut Keys) -> std::result::Result<bool, Failed> {
        let name = self.decoded(key.name);
        let earlier = if let Some(many) = &mut keys.many {
            let hash = self.memory.hasher.hash_one(&*name);
            let is = |seen: &Seen| seen.hash == hash && self.decoded(seen.name()) == name;
            let new = Seen::new(hash, key.name);
            match many.entry(hash, is, |seen| seen.hash) {
                Entry::Occupied(mut seen) => Some(std::mem::replace(seen.get_mut(), new)),
                Entry::Vacant(place) => {
                    place.insert(new);
                    None
                }
            }
        } else {
            let seen = &self.memory.seen[keys.begin..];
            let is = |seen: &Seen| seen.hash == key.hash && self.decoded(seen.name()) == name;
            let Some(i) = seen.iter().position(is) else { return Ok(false) };
            let place = &mut self.memory.seen[keys.begin + i];
            Some(std::mem::replace(place, Seen::new(key.hash, key.name)))
        };
        if let Some(earlier) = earlier {
            if READING == ONCE {
                return Err(Failed);
            }
            self.memory.shadowed.push(earlier.name().start - 1);
        }
        Ok(true)
    }
}

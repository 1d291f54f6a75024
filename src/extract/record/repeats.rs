//! Names that an object has more than once: the last of them counts.

use super::{AGAIN, Failed, Memory, Name, ONCE, Pass};
use crate::json::{Quoted, Reader};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use std::hash::BuildHasher;

/// Keys of an object after which a hash map finds repetitions instead of comparing with each.
const MANY_KEYS: usize = 48;

/// The keys of an open object.
pub(super) struct Keys {
    /// The first of them among those seen.
    pub(super) begin: usize,
    /// Of each hash that was seen one of 64 bits: where that is not set, the key is new.
    bits: u64,
    /// All of them, once they are many, by hashes that whoever writes the events cannot foresee.
    many: Option<HashTable<Name>>,
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

    /// Remembers the name of a member of an open object, and the earlier one's place if it is repeated.
    #[inline(always)]
    pub(super) fn note_name(&mut self, name: Name, keys: &mut Keys) -> std::result::Result<(), Failed> {
        if READING == AGAIN {
            return Ok(());
        }
        let bit = 1 << (name.hash >> 58);
        if keys.bits & bit != 0 && self.is_noted_again(name, keys)? {
            return Ok(());
        }
        keys.bits |= bit;
        self.memory.seen.push(name);
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
            let hash = self.memory.hasher.hash_one(&*self.decoded(seen.quoted()));
            many.insert_unique(hash, Name { hash, ..seen }, |seen| seen.hash);
        }
        keys.many = Some(many);
        keys.bits = u64::MAX;
    }

    /// Looks for a name among those seen; where there are many, adds it.
    #[inline(never)]
    pub(super) fn is_noted_again(&mut self, new: Name, keys: &mut Keys) -> std::result::Result<bool, Failed> {
        let name = self.decoded(new.quoted());
        let earlier = if let Some(many) = &mut keys.many {
            let hash = self.memory.hasher.hash_one(&*name);
            // Four times the room at once: each time all of them move, to places far from each other.
            if many.len() == many.capacity() {
                many.reserve(3 * many.len(), |seen| seen.hash);
            }
            let is = |seen: &Name| seen.hash == hash && self.decoded(seen.quoted()) == name;
            let new = Name { hash, ..new };
            match many.entry(hash, is, |seen| seen.hash) {
                Entry::Occupied(mut seen) => Some(std::mem::replace(seen.get_mut(), new)),
                Entry::Vacant(place) => {
                    place.insert(new);
                    None
                }
            }
        } else {
            let seen = &self.memory.seen[keys.begin..];
            let is = |seen: &Name| seen.hash == new.hash && self.decoded(seen.quoted()) == name;
            let Some(i) = seen.iter().position(is) else { return Ok(false) };
            Some(std::mem::replace(&mut self.memory.seen[keys.begin + i], new))
        };
        if let Some(earlier) = earlier {
            if READING == ONCE {
                return Err(Failed);
            }
            self.memory.shadowed.push(earlier.at());
        }
        Ok(true)
    }
}

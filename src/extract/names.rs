//! Names of members: as text to compare with at once, as hashes, and tables of those.

use wide::u8x16;

/// `"name":` in 32 bytes, to be compared with text at once, without a call.
#[derive(Debug, Clone, Copy)]
pub struct Token {
    bytes: [u8; 32],
    /// A bit for each of its bytes.
    mask: u32,
    /// Bytes of it.
    length: u8,
}

impl Token {
    /// That of a name.
    pub fn new(name: &str) -> Token {
        let text = format!("\"{name}\":");
        let mut bytes = [0; 32];
        let length = text.len().min(32);
        bytes[..length].copy_from_slice(&text.as_bytes()[..length]);
        // What is longer than 32 bytes is compared with nothing that any text has: a byte of no UTF-8.
        if text.len() > 32 {
            bytes = [0xff; 32];
        }
        Token { bytes, mask: u32::MAX >> (32 - length), length: length as u8 }
    }

    /// Bytes of it.
    #[inline(always)]
    pub fn length(&self) -> usize {
        usize::from(self.length)
    }

    /// Whether a text begins with it; never where it is longer than 32 bytes: then the name is read as any other.
    #[inline(always)]
    pub fn begins(&self, window: &[u8; 32]) -> bool {
        let ((text, _), (token, _)) = (window.as_chunks::<16>(), self.bytes.as_chunks::<16>());
        let equal = |half: usize| u8x16::new(text[half]).simd_eq(u8x16::new(token[half])).to_bitmask();
        !(equal(0) | equal(1) << 16) & self.mask == 0
    }
}

/// Numbers of things by the hash of their names. Three quarters of it are free, so that a name that is not in it is mostly told
/// by one look.
#[derive(Debug)]
pub struct Names {
    /// Number of a thing and 1 more; 0 is free.
    places: Vec<u8>,
    hashes: Vec<u64>,
    shift: u32,
}

impl Default for Names {
    fn default() -> Self {
        Names::new(Vec::new())
    }
}

impl Names {
    /// Numbers in the order of the hashes, from 0.
    pub fn new(hashes: Vec<u64>) -> Self {
        let bits = (4 * hashes.len()).next_power_of_two().trailing_zeros().max(1);
        let mut names = Names { places: vec![0; 1 << bits], hashes: Vec::new(), shift: 64 - bits };
        for (number, hash) in (1..).zip(&hashes) {
            let mut place = names.place(*hash);
            while names.places[place] != 0 {
                place = (place + 1) % names.places.len();
            }
            names.places[place] = number;
        }
        names.hashes = hashes;
        names
    }

    #[inline]
    fn place(&self, hash: u64) -> usize {
        (hash >> self.shift) as usize
    }

    /// The number of the first thing of this hash that is the one meant.
    #[inline(always)]
    pub fn find(&self, hash: u64, is: impl FnMut(usize) -> bool) -> Option<usize> {
        let place = self.place(hash);
        if self.places.get(place).is_none_or(|number| *number == 0) { None } else { self.find_from(place, hash, is) }
    }

    fn find_from(&self, mut place: usize, hash: u64, mut is: impl FnMut(usize) -> bool) -> Option<usize> {
        while let Some(number @ 1..) = self.places.get(place).copied() {
            let number = usize::from(number) - 1;
            if self.hashes.get(number) == Some(&hash) && is(number) {
                return Some(number);
            }
            place = (place + 1) & (self.places.len() - 1);
        }
        None
    }
}

/// Equal for names that are equal but for ASCII letter case; made of length and ends of a name, so that it costs a few instructions.
#[inline]
pub fn name_hash(name: &[u8]) -> u64 {
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes) | LOWER_CASE;
    match (name.first_chunk::<8>(), name.last_chunk::<8>()) {
        (Some(first), Some(last)) => long_hash(word(first), word(last), name.len()),
        _ => {
            let mut padded = [0; 8];
            padded[..name.len()].copy_from_slice(name);
            short_hash(u64::from_le_bytes(padded), name.len())
        }
    }
}

/// The hash of a name that begins at the second byte of a window and is so long.
#[inline]
pub fn name_hash_in(window: &[u8; 32], length: usize) -> u64 {
    let word =
        |at: usize| window.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |word| u64::from_le_bytes(*word));
    let first = word(1);
    if length < 8 {
        return short_hash(first & ((1 << (8 * length)) - 1), length);
    }
    long_hash(first | LOWER_CASE, word(length - 7) | LOWER_CASE, length)
}

/// The bit that tells the letters of one case from those of the other.
const LOWER_CASE: u64 = 0x2020_2020_2020_2020;

#[inline]
fn long_hash(first: u64, last: u64, length: usize) -> u64 {
    mixed(first ^ last.rotate_left(23) ^ (length as u64) << 56)
}

#[inline]
fn short_hash(padded: u64, length: usize) -> u64 {
    mixed((padded | LOWER_CASE) ^ (length as u64) << 56)
}

/// Every bit has a say in the highest ones, which tables are looked up by.
#[inline]
fn mixed(hash: u64) -> u64 {
    hash.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// A name with its first letter as a capital.
pub fn capital(name: &[u8]) -> Vec<u8> {
    let mut name = name.to_vec();
    if let Some(first) = name.first_mut() {
        first.make_ascii_uppercase();
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_the_same_hash_wherever_they_stand() {
        let text = "abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz";
        for start in 0..26 {
            let window = text.as_bytes()[start..].first_chunk().unwrap();
            for length in 0..=30 {
                let name = &window[1..=length];
                assert_eq!(name_hash_in(window, length), name_hash(name));
                assert_eq!(name_hash(&capital(name)), name_hash(name));
            }
        }
    }
}

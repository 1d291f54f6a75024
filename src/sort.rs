//! Packed rows -> their order.

use crate::packed::{Call, PackedRow, rows};
use std::cmp::Ordering;
use std::collections::HashMap;

/// The calls that occur, numbered.
#[derive(Default)]
struct Calls<'a> {
    calls: Vec<Call<'a>>,
    numbers: HashMap<Call<'a>, u32>,
    /// Where calls of these few bytes of their names were found last: most are the same again, and hashing them took a twentieth
    /// of the time of `convert`.
    latest: Vec<u32>,
}

impl<'a> Calls<'a> {
    const LATEST: usize = 256;

    fn number(&mut self, call: Call<'a>) -> u32 {
        self.latest.resize(Self::LATEST, 0);
        let name = call.1.unwrap_or_default();
        let end = name.last_chunk().map_or(0, |end| u32::from_le_bytes(*end));
        let place = (end.wrapping_add(name.len() as u32).wrapping_mul(0x9e37_79b9) >> 24) as usize % Self::LATEST;
        let latest = self.latest[place];
        if self.calls.get(latest as usize) == Some(&call) {
            return latest;
        }
        let next = self.calls.len() as u32;
        let number = *self.numbers.entry(call).or_insert(next);
        if number == next {
            self.calls.push(call);
        }
        self.latest[place] = number;
        number
    }

    /// Of each number the place of its call among all in order.
    fn ranks(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.calls.len() as u32).collect();
        order.sort_unstable_by_key(|number| self.calls[*number as usize]);
        let mut ranks = vec![0; order.len()];
        for (rank, number) in (0..).zip(order) {
            ranks[number as usize] = rank;
        }
        ranks
    }
}

/// A row: the index of the bytes it lies in, and its place there.
pub type RowAt = (u32, u32);

/// The rows of some chunks in order.
///
/// Sorting compares one number for nearly every pair of rows: partition, rank of the call (source, name) among those that occur,
/// time. Comparing the rows themselves is left for ties.
pub fn sorted(chunks: &[Vec<u8>]) -> Vec<RowAt> {
    let mut calls = Calls::default();
    let mut keyed: Vec<(u128, RowAt)> = Vec::new();
    for (index, chunk) in (0..).zip(chunks) {
        for (place, row) in rows(chunk) {
            let number = calls.number(row.call());
            // Times of rows are after 1970: as unsigned numbers they keep their order.
            let key = u128::from(row.partition()) << 96 | u128::from(number) << 64 | u128::from(row.time() as u64);
            keyed.push((key, (index, place as u32)));
        }
    }
    let rank = calls.ranks();
    for (key, _) in &mut keyed {
        let number = (*key >> 64) as u32;
        *key = *key & !(u128::from(u32::MAX) << 64) | u128::from(rank[number as usize]) << 64;
    }
    let row = |at: RowAt| PackedRow::at(&chunks[at.0 as usize], at.1 as usize);
    keyed.sort_unstable_by(|(a_key, a), (b_key, b)| {
        a_key.cmp(b_key).then_with(|| match (row(*a), row(*b)) {
            (Some(a), Some(b)) => a.compare(b),
            _ => Ordering::Equal,
        })
    });
    keyed.into_iter().map(|(_, row)| row).collect()
}

//! Which of the sorted rows of a file are records that are there already.

use crate::error::Error;
use crate::filling::Filling;
use crate::json::{Tree, canonical};
use crate::packed::PackedRow;
use crate::restore;
use std::collections::HashSet;

/// Compares each row with those of the same event_id before it.
///
/// Sorting has brought those together: records of the same content have the same values in the four sort columns, but for those
/// without a time of their own.
#[derive(Default)]
pub struct Duplicates {
    /// The last row that was kept.
    latest: Vec<u8>,
    /// Digests of the contents of all kept rows of this event_id, once there are two.
    contents: HashSet<[u8; 32]>,
    /// The same of all rows of a partition that have the time of their envelope: the same record may have another time in each.
    timeless: HashSet<[u8; 32]>,
    /// That partition.
    partition: u32,
}

impl Duplicates {
    /// Whether the next row is the record of a row before it.
    ///
    /// # Errors
    /// If a row cannot be restored to its record.
    pub fn is_duplicate(&mut self, row: PackedRow<'_>) -> Result<bool, Error> {
        if row.event_id().is_some() && row.has_time_of_envelope() {
            if self.partition != row.partition() {
                self.partition = row.partition();
                self.timeless.clear();
            }
            return Ok(!self.timeless.insert(digest(row)?));
        }
        let latest = PackedRow::at(&self.latest, 0);
        let Some(latest) = latest.filter(|latest| row.event_id().is_some() && row.has_keys_of(*latest)) else {
            self.contents.clear();
            self.keep(row);
            return Ok(false);
        };
        if row.is_record_of(latest) {
            return Ok(true);
        }
        // The same id and other columns: it may still be the same JSON, written differently.
        if self.contents.is_empty() {
            self.contents.insert(digest(latest)?);
        }
        if !self.contents.insert(digest(row)?) {
            return Ok(true);
        }
        self.keep(row);
        Ok(false)
    }

    fn keep(&mut self, row: PackedRow<'_>) {
        self.latest.clear();
        self.latest.extend_from_slice(row.bytes());
    }
}

fn digest(row: PackedRow<'_>) -> Result<[u8; 32], Error> {
    let mut filling = Filling::new();
    filling.add(row);
    let mut record = Vec::new();
    restore::record(&filling.take(), 0, &mut record)?;
    let text = String::from_utf8_lossy(&record);
    let mut content = Vec::new();
    match Tree::parse(&text) {
        Ok(tree) => canonical(&tree, &mut content),
        // A restored record is JSON; were it not, its bytes would still tell it from others.
        Err(_) => content = record.clone(),
    }
    Ok(*blake3::hash(&content).as_bytes())
}

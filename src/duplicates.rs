//! Which of the sorted rows of a file are records that are there already.

use crate::batch::Batch;
use crate::columns::{COLUMNS, Source};
use crate::error::Error;
use crate::json::{Tree, canonical};
use crate::restore;
use std::collections::HashSet;
use std::sync::Arc;

/// Compares each row with those of the same event_id before it.
///
/// Sorting has brought those together: records of the same content have the same values in the four sort columns.
#[derive(Default)]
pub struct Duplicates {
    /// The last row that was kept.
    latest: Option<(Arc<Batch>, usize)>,
    /// Digests of the contents of all kept rows of this event_id, once there are two.
    contents: HashSet<[u8; 32]>,
}

impl Duplicates {
    /// Whether the next row is the record of a row before it.
    ///
    /// # Errors
    /// If a row cannot be restored to its record.
    pub fn is_duplicate(&mut self, batch: &Arc<Batch>, row: usize) -> Result<bool, Error> {
        let known = self
            .latest
            .as_ref()
            .filter(|(latest, at)| batch.has_event_id(row) && batch.compare_keys(row, latest, *at).is_eq());
        let Some((latest, at)) = known else {
            self.contents.clear();
            self.latest = Some((batch.clone(), row));
            return Ok(false);
        };
        if same_record(latest, *at, batch, row) {
            return Ok(true);
        }
        // The same id and other columns: it may still be the same JSON, written differently.
        if self.contents.is_empty() {
            self.contents.insert(digest(latest, *at)?);
        }
        if !self.contents.insert(digest(batch, row)?) {
            return Ok(true);
        }
        self.latest = Some((batch.clone(), row));
        Ok(false)
    }
}

/// Whether two rows are alike in all that comes from the record itself.
fn same_record(a: &Batch, i: usize, b: &Batch, j: usize) -> bool {
    let columns = COLUMNS.iter().zip(a.columns().columns().iter().zip(b.columns().columns()));
    columns
        .filter(|(column, _)| !matches!(column.source, Source::Bridge(_) | Source::LogFile))
        .all(|(_, (x, y))| x.slice(i, 1) == y.slice(j, 1))
}

fn digest(batch: &Batch, row: usize) -> Result<[u8; 32], Error> {
    let mut record = Vec::new();
    restore::record(batch.columns().columns(), row, &mut record)?;
    let text = String::from_utf8_lossy(&record);
    let mut content = Vec::new();
    match Tree::parse(&text) {
        Ok(tree) => canonical(&tree, &mut content),
        // A restored record is JSON; were it not, its bytes would still tell it from others.
        Err(_) => content = record.clone(),
    }
    Ok(*blake3::hash(&content).as_bytes())
}

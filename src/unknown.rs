//! What the table does not know: members of records that no column stands for, and versions of records newer than those
//! that are documented. Nothing of it is lost (it lies in `unmapped`); but someone should hear of it.

use crate::columns::index_of;
use crate::json::Tree;
use crate::restore;
use arrow::array::{Array, ArrayRef, AsArray};
use std::collections::BTreeSet;

/// The newest minor version of records that was documented when the table was made: 1.11.
const NEWEST_MINOR: u32 = 11;

/// Different names that are kept; whoever writes events can make up as many as they like.
pub const MAX_NAMES: usize = 100;
/// Bytes of a name that are kept.
const MAX_NAME: usize = 200;

/// What was met.
#[derive(Debug, Default)]
pub struct Unknown {
    /// Paths of members.
    pub fields: BTreeSet<String>,
    /// Versions.
    pub versions: BTreeSet<String>,
    /// Rows that have members no column stands for.
    pub rows: u64,
}

impl Unknown {
    /// Looks at a row of columns in table order.
    pub fn look(&mut self, columns: &[ArrayRef], row: usize) {
        const VERSION: usize = index_of("event_version");
        const UNMAPPED: usize = index_of("unmapped");
        let text = |column: usize| {
            let values = columns[column].as_string::<i32>();
            values.is_valid(row).then(|| values.value(row))
        };
        if let Some(version) = text(VERSION).filter(|version| !is_known(version)) {
            keep(&mut self.versions, version.to_owned());
        }
        let Some(overlay) = text(UNMAPPED).and_then(|text| Tree::parse(text).ok()) else { return };
        let mut any = false;
        restore::unknown_members(&overlay, &mut |path| {
            any = true;
            keep(&mut self.fields, path);
        });
        self.rows += u64::from(any);
    }

    /// Adds what another has met.
    pub fn merge(&mut self, other: Unknown) {
        other.fields.into_iter().for_each(|name| keep(&mut self.fields, name));
        other.versions.into_iter().for_each(|name| keep(&mut self.versions, name));
        self.rows += other.rows;
    }
}

fn is_known(version: &str) -> bool {
    let minor = version.strip_prefix("1.").filter(|minor| minor.bytes().all(|byte| byte.is_ascii_digit()));
    minor.and_then(|minor| minor.parse::<u32>().ok()).is_some_and(|minor| minor <= NEWEST_MINOR)
}

fn keep(names: &mut BTreeSet<String>, mut name: String) {
    if names.len() < MAX_NAMES {
        name.truncate(name.floor_char_boundary(MAX_NAME));
        names.insert(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for known in ["1.0", "1.02", "1.08", "1.09", "1.10", "1.11"] {
            assert!(is_known(known), "{known}");
        }
        for unknown in ["1.12", "2.0", "", "1.", "1.x", "01.1"] {
            assert!(!is_known(unknown), "{unknown}");
        }
    }
}

//! The partition of a row, and its folder.
//!
//! Values are made of the record's own time and fields, in a form that needs no escaping: no other text of an event can get
//! into a key.

use crate::time::{DAY, date};
use std::fmt::{self, Display, Write};
use std::str::FromStr;

/// A partition column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// management, data, insight, network or other.
    Category,
    /// UTC day of event_time, `YYYY-MM-DD`.
    EventDate,
    /// Twelve digits or `unknown`.
    AccountId,
    /// AWS region or `unknown`.
    Region,
}

impl Field {
    /// All of them, in the order of the documentation.
    pub const ALL: [Field; 4] = [Field::Category, Field::EventDate, Field::AccountId, Field::Region];

    /// Name of the column.
    pub const fn name(self) -> &'static str {
        match self {
            Field::Category => "category",
            Field::EventDate => "event_date",
            Field::AccountId => "account_id",
            Field::Region => "region",
        }
    }
}

/// Values of the category column.
pub const CATEGORIES: [&str; 5] = ["management", "data", "insight", "network", "other"];

/// Partition columns in the order of the folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout(Vec<Field>);

impl Layout {
    /// The columns.
    pub fn fields(&self) -> &[Field] {
        &self.0
    }
}

impl Default for Layout {
    fn default() -> Self {
        Layout(vec![Field::Category, Field::EventDate])
    }
}

impl Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|field| field.name()).collect();
        f.write_str(&names.join(","))
    }
}

impl FromStr for Layout {
    type Err = String;

    fn from_str(list: &str) -> Result<Self, String> {
        let mut fields = Vec::new();
        for name in list.split(',').map(str::trim) {
            let known = Field::ALL.into_iter().find(|field| field.name() == name);
            let field = known.ok_or(format!("'{name}' is none of category, event_date, account_id, region"))?;
            if fields.contains(&field) {
                return Err(format!("'{name}' stands there twice"));
            }
            fields.push(field);
        }
        if !fields.contains(&Field::EventDate) {
            return Err("event_date must be in the list".to_owned());
        }
        Ok(Layout(fields))
    }
}

/// All that can decide a row's partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PartitionKey {
    category: u8,
    /// Days since 1970.
    day: i32,
    /// Twelve digits; None is `unknown`.
    account: Option<[u8; 12]>,
    /// Padded with zeros; empty is `unknown`.
    region: [u8; 32],
}

impl PartitionKey {
    /// The key of a record: its category (`data_event` where managementEvent is false), time, account and region.
    pub fn new(
        category: Option<&[u8]>,
        data_event: bool,
        time_ms: i64,
        account: Option<&[u8]>,
        region: Option<&[u8]>,
    ) -> Self {
        let category = match category {
            Some(b"Management") => 0,
            Some(b"Data") => 1,
            Some(b"Insight") => 2,
            Some(b"NetworkActivity") => 3,
            Some(_) => 4,
            None => u8::from(data_event),
        };
        // All bytes are looked at, whatever the first is: so they are looked at together.
        let digits = |account: &[u8; 12]| account.iter().fold(true, |all, byte| all & byte.is_ascii_digit());
        let mut padded = [0; 32];
        if let Some(region) = region
            && region.len() <= 32
            && region.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
        {
            padded[..region.len()].copy_from_slice(region);
        }
        PartitionKey {
            category,
            day: i32::try_from(time_ms.div_euclid(DAY)).unwrap_or_default(),
            account: account.and_then(|account| account.try_into().ok()).filter(digits),
            region: padded,
        }
    }

    /// The key with all that the layout does not ask for made equal.
    pub fn within(mut self, layout: &Layout) -> Self {
        if !layout.0.contains(&Field::Category) {
            self.category = 0;
        }
        if !layout.0.contains(&Field::AccountId) {
            self.account = None;
        }
        if !layout.0.contains(&Field::Region) {
            self.region = [0; 32];
        }
        self
    }

    /// The Hive path of the partition, `category=data/event_date=2026-10-04`.
    pub fn path(&self, layout: &Layout) -> String {
        let mut path = String::new();
        for field in &layout.0 {
            if !path.is_empty() {
                path.push('/');
            }
            // Writing to a String cannot fail.
            let _ = write!(path, "{}=", field.name());
            match field {
                Field::Category => path.push_str(CATEGORIES[usize::from(self.category)]),
                Field::EventDate => path.push_str(&date(self.day)),
                Field::AccountId => match self.account {
                    Some(account) => path.extend(account.map(char::from)),
                    None => path.push_str("unknown"),
                },
                Field::Region => {
                    let length = self.region.iter().position(|byte| *byte == 0).unwrap_or(32);
                    match std::str::from_utf8(&self.region[..length]) {
                        Ok(region) if !region.is_empty() => path.push_str(region),
                        _ => path.push_str("unknown"),
                    }
                }
            }
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_hold_nothing_but_what_they_may() {
        let layout: Layout = "region,event_date,account_id,category".parse().unwrap();
        let path = |account: Option<&str>, region: Option<&str>| {
            let [account, region] = [account, region].map(|text| text.map(str::as_bytes));
            PartitionKey::new(Some(b"Data"), false, 1_791_104_465_000, account, region).path(&layout)
        };
        assert_eq!(
            path(Some("001122223333"), Some("eu-west-1")),
            "region=eu-west-1/event_date=2026-10-04/account_id=001122223333/category=data"
        );
        let unknown = "region=unknown/event_date=2026-10-04/account_id=unknown/category=data";
        for (account, region) in [
            (None, None),
            (Some("../../etc"), Some("../../etc")),
            (Some(""), Some("")),
            (Some("11112222333é"), Some("EU-WEST-1")),
            (Some("1111222233334"), Some("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")),
            (Some("anonymous"), Some("eu\0west")),
        ] {
            assert_eq!(path(account, region), unknown);
        }
    }

    #[test]
    fn categories() {
        let of = |category: Option<&str>, data| {
            PartitionKey::new(category.map(str::as_bytes), data, 0, None, None)
                .path(&"category,event_date".parse().unwrap())
        };
        for (category, data, name) in [
            (Some("Management"), true, "management"),
            (Some("Data"), false, "data"),
            (Some("Insight"), false, "insight"),
            (Some("NetworkActivity"), false, "network"),
            (Some("x=../y"), false, "other"),
            (Some(""), true, "other"),
            (None, true, "data"),
            (None, false, "management"),
        ] {
            assert_eq!(of(category, data), format!("category={name}/event_date=1970-01-01"));
        }
    }

    #[test]
    fn layouts() {
        assert_eq!("category,event_date".parse::<Layout>().unwrap(), Layout::default());
        assert_eq!(Layout::default().to_string(), "category,event_date");
        for bad in ["", "category", "event_date,event_date", "event_date,bucket", "event_date,"] {
            assert!(bad.parse::<Layout>().is_err(), "{bad}");
        }
    }
}

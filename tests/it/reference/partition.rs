//! The partition of a row.

use super::json::is_all;
use super::time::wire_time;
use super::{Cell, Envelope, Row, text_of};

/// The partition of a row; which of the four a key uses is `--partition-by`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    pub category: &'static str,
    pub event_date: String,
    pub account_id: String,
    pub region: String,
}

/// "`category` is eventCategory (Management, Data, Insight, NetworkActivity); where that is
/// missing: managementEvent false -> data, else management; any other value -> other."
/// "`account_id` is recipientAccountId, else the envelope's account, else userIdentity.accountId,
/// if that is 12 digits; `region` is awsRegion if it matches `[a-z0-9-]{1,32}`; otherwise
/// `unknown`."
pub fn partition(row: &Row, envelope: Option<&Envelope>) -> Partition {
    let category = match (row.get("event_category"), text_of(row, "event_category")) {
        (None, _) if row.get("management_event") == Some(&Cell::Bool(false)) => "data",
        (None, _) | (_, "Management") => "management",
        (_, "Data") => "data",
        (_, "Insight") => "insight",
        (_, "NetworkActivity") => "network",
        _ => "other",
    };
    let Some(Cell::Time(ms)) = row.get("event_time") else {
        panic!("every row has a time");
    };
    let recipient = text_of(row, "recipient_account_id");
    let around = envelope.and_then(|e| e.account.as_deref()).unwrap_or("");
    let accounts = [recipient, around, text_of(row, "user_account_id")];
    let account = accounts.into_iter().find(|a| !a.is_empty()).unwrap_or("");
    let is_account = account.len() == 12 && is_all(account, |b| b.is_ascii_digit());
    let region = text_of(row, "aws_region");
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let is_region = region.len() <= 32 && is_all(region, is_plain);
    Partition {
        category,
        event_date: wire_time(*ms)[..10].to_string(),
        account_id: if is_account { account } else { "unknown" }.to_string(),
        region: if is_region { region } else { "unknown" }.to_string(),
    }
}

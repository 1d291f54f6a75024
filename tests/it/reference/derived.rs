//! Columns derived from the record, whoever sent it.

use super::json::{Kind, Value, either, is_all};
use super::{Cell, Row, put_list, put_text, text_of};

/// "`dry_run` if errorCode is Client.DryRunOperation; `denied` if errorCode contains AccessDenied,
/// Unauthorized, Forbidden, NotAuthorized or AuthFailure; `failure` if there is any other errorCode
/// or errorMessage, or responseElements.ConsoleLogin is "Failure"; else `success`"
pub(super) fn outcome(record: &Value, row: &mut Row) {
    #[rustfmt::skip]
    let denials = ["AccessDenied", "Unauthorized", "Forbidden", "NotAuthorized", "AuthFailure"];
    let (code, message) = (text_of(row, "error_code"), text_of(row, "error_message"));
    let login = record.text_at(&["responseElements", "ConsoleLogin"]);
    let outcome = if code == "Client.DryRunOperation" {
        "dry_run"
    } else if denials.iter().any(|d| code.contains(d)) {
        "denied"
    } else if !code.is_empty() || !message.is_empty() || login.as_deref() == Some("Failure") {
        "failure"
    } else {
        "success"
    };
    row.insert("outcome", Cell::Text(outcome.to_string()));
}

pub(super) fn resources<'v, 'a>(record: &'v Value<'a>) -> Option<&'v [Value<'a>]> {
    match &record.at(&["resources"])?.kind {
        Kind::Array(entries) => Some(entries),
        _ => None,
    }
}

/// "resources[].ARN (else .arn, else .ARNPrefix), .type, .accountId: one element per entry, NULL
/// where absent, so that the three line up"
pub(super) fn resource_lists(record: &Value, row: &mut Row) {
    let mut put = |column: &'static str, names: &[&str]| {
        let one = |entry: &Value| {
            let alternatives: Vec<_> = names.iter().map(|n| entry.at(&[n])).collect();
            either(&alternatives)?.text()
        };
        let list = resources(record).map(|entries| entries.iter().map(one).collect());
        row.extend(list.map(|list| (column, Cell::List(list))));
    };
    put("resource_arns", &["ARN", "arn", "ARNPrefix"]);
    put("resource_types", &["type"]);
    put("resource_account_ids", &["accountId"]);
}

/// any_arns, any_access_key_ids: "every string value anywhere in the record"; any_resource_ids:
/// "every string value in requestParameters, responseElements or serviceEventDetails".
pub(super) fn needles(record: &Value, row: &mut Row) {
    let parts = ["requestParameters", "responseElements", "serviceEventDetails"];
    let (mut anywhere, mut within) = (Vec::new(), Vec::new());
    strings(record, &mut anywhere);
    for m in record.members().iter().filter(|m| parts.iter().any(|n| m.is(n))) {
        strings(&m.value, &mut within);
    }
    within.retain(|s| is_resource_id(s));
    put_list(row, "any_resource_ids", within);
    let (arns, others): (Vec<_>, Vec<_>) = anywhere.into_iter().partition(|s| s.starts_with("arn:"));
    put_list(row, "any_arns", arns);
    let keys = others.into_iter().filter(|s| is_access_key_id(s)).collect();
    put_list(row, "any_access_key_ids", keys);
}

fn strings(value: &Value, out: &mut Vec<String>) {
    match &value.kind {
        Kind::Array(items) => items.iter().for_each(|item| strings(item, out)),
        Kind::Object(members) => members.iter().for_each(|m| strings(&m.value, out)),
        _ => out.extend(value.string()),
    }
}

/// `^[a-z]{1,20}(-[a-z]{1,20}){0,3}-[0-9a-f]{8}([0-9a-f]{9})?$`
fn is_resource_id(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let (hex, words) = parts.split_last().unwrap();
    let is_word = |w: &&str| w.len() <= 20 && is_all(w, |b| b.is_ascii_lowercase());
    (1..=4).contains(&words.len())
        && words.iter().all(is_word)
        && [8, 17].contains(&hex.len())
        && is_all(hex, |b| b"0123456789abcdef".contains(&b))
}

/// `^A[KS]IA[A-Z0-9]{16}$`
fn is_access_key_id(text: &str) -> bool {
    text.len() == 20
        && (text.starts_with("AKIA") || text.starts_with("ASIA"))
        && is_all(text, |b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// "requestParameters.roleArn, .roleSessionName"; "responseElements.credentials.accessKeyId, else
/// responseElements.accessKey.accessKeyId"
pub(super) fn roles_and_keys(record: &Value, row: &mut Row) {
    let role = record.text_at(&["requestParameters", "roleArn"]);
    let session = record.text_at(&["requestParameters", "roleSessionName"]);
    let temporary = record.at(&["responseElements", "credentials", "accessKeyId"]);
    let lasting = record.at(&["responseElements", "accessKey", "accessKeyId"]);
    put_text(row, "assumed_role_arn", role);
    put_text(row, "role_session_name", session);
    put_text(row, "issued_access_key_id", either(&[temporary, lasting]).and_then(Value::text));
}

//! Restoring a record from its row, and whether two records are the same.

use super::json::{Kind, Value, compact, literal, parse};
use super::members::{Form, WIRE};
use super::time::wire_time;
use super::{Cell, Row};
use std::collections::BTreeMap;

/// A value without whitespace, spelling and the order of members.
#[derive(Clone, Debug, PartialEq)]
enum Plain {
    /// "numbers compare by their text"
    Scalar(String),
    String(Vec<u16>),
    Array(Vec<Plain>),
    Object(BTreeMap<Vec<u16>, Plain>),
}

fn plain(value: &Value) -> Plain {
    match &value.kind {
        Kind::Null | Kind::Bool(_) | Kind::Number => Plain::Scalar(value.raw.to_string()),
        Kind::String(units) => Plain::String(units.clone()),
        Kind::Array(items) => Plain::Array(items.iter().map(plain).collect()),
        Kind::Object(members) => Plain::Object(members.iter().map(|m| (m.key.clone(), plain(&m.value))).collect()),
    }
}

/// The record of a row: the wire forms of the columns, with `unmapped` "laid over what the columns
/// give (a null in it takes a member away)".
pub fn restore(row: &Row) -> String {
    let mut record = Plain::Object(BTreeMap::new());
    for (column, path, form) in WIRE {
        let mut text = match (row.get(column), form) {
            (Some(Cell::Text(text)), _) => serde_json::to_string(text).unwrap(),
            (Some(Cell::Bool(b)), Form::QuotedBool) => format!("\"{b}\""),
            (Some(Cell::Bool(b)), _) => b.to_string(),
            (Some(Cell::Time(ms)), _) => format!("\"{}\"", wire_time(*ms)),
            (Some(Cell::Json(json)), _) => json.clone(),
            _ => continue,
        };
        for name in path.rsplit('.') {
            text = format!("{{\"{name}\":{text}}}");
        }
        overlay(&mut record, plain(&parse(&text)));
    }
    if let Some(Cell::Json(unmapped)) = row.get("unmapped") {
        overlay(&mut record, plain(&parse(unmapped)));
    }
    print(&record)
}

/// Objects are laid over each other member by member, anything else takes the place of what was
/// there.
fn overlay(base: &mut Plain, patch: Plain) {
    let Plain::Object(members) = patch else {
        *base = patch;
        return;
    };
    if !matches!(base, Plain::Object(_)) {
        *base = Plain::Object(BTreeMap::new());
    }
    let Plain::Object(under) = base else { return };
    for (key, value) in members {
        if value == Plain::Scalar("null".to_string()) {
            under.remove(&key);
        } else {
            overlay(under.entry(key).or_insert(Plain::Array(Vec::new())), value);
        }
    }
}

fn print(value: &Plain) -> String {
    match value {
        Plain::Scalar(text) => text.clone(),
        Plain::String(units) => literal(units),
        Plain::Array(items) => {
            let items: Vec<_> = items.iter().map(print).collect();
            format!("[{}]", items.join(","))
        }
        Plain::Object(members) => {
            let member = |(k, v): (&Vec<u16>, _)| format!("{}:{}", literal(k), print(v));
            let members: Vec<_> = members.iter().map(member).collect();
            format!("{{{}}}", members.join(","))
        }
    }
}

/// "Two records count as the same when they are the same JSON after leaving out members that are
/// null and, inside userIdentity and tlsDetails, members that are `{}`; numbers compare by their
/// text; of a repeated key the last wins." Both texts must be JSON.
pub fn same(a: &str, b: &str) -> bool {
    let lean = |text: &str| {
        let mut record = plain(&parse(&compact(text).unwrap()));
        leave_out(&mut record, &|value| *value == Plain::Scalar("null".to_string()));
        if let Plain::Object(members) = &mut record {
            for name in ["userIdentity", "tlsDetails"] {
                let key: Vec<u16> = name.encode_utf16().collect();
                if let Some(inner) = members.get_mut(&key) {
                    leave_out(inner, &|value| *value == Plain::Object(BTreeMap::new()));
                }
            }
        }
        record
    };
    lean(a) == lean(b)
}

/// Takes members away at every depth; outer before inner, so an object that only becomes `{}`
/// stays.
fn leave_out(value: &mut Plain, unwanted: &dyn Fn(&Plain) -> bool) {
    match value {
        Plain::Array(items) => items.iter_mut().for_each(|item| leave_out(item, unwanted)),
        Plain::Object(members) => {
            members.retain(|_, v| !unwanted(v));
            members.values_mut().for_each(|v| leave_out(v, unwanted));
        }
        _ => {}
    }
}

/// The same JSON with nothing left out: for `unmapped`, in which a null says something.
pub fn equal(a: &str, b: &str) -> bool {
    match (compact(a), compact(b)) {
        (Ok(a), Ok(b)) => plain(&parse(&a)) == plain(&parse(&b)),
        _ => false,
    }
}

//! JSON with the members of its objects in another order.

use super::mix;

/// Copies JSON as it is written here (no whitespace), with the members of every object in a random order.
pub(super) fn shuffle(json: &str, out: &mut String, state: &mut u64) {
    let (open, close) = match json.as_bytes().first() {
        Some(b'{') => ('{', '}'),
        Some(b'[') => ('[', ']'),
        _ => return out.push_str(json),
    };
    let mut members = split(&json[1..json.len() - 1]);
    if open == '{' {
        for last in (1..members.len()).rev() {
            *state = mix(*state);
            members.swap(last, (*state % (last as u64 + 1)) as usize);
        }
    }
    out.push(open);
    for (index, member) in members.into_iter().enumerate() {
        out.push_str(if index > 0 { "," } else { "" });
        // No key here holds a quotation mark.
        let value = if open == '{' { member.find("\":").map_or(0, |at| at + 2) } else { 0 };
        out.push_str(&member[..value]);
        shuffle(&member[value..], out, state);
    }
    out.push(close);
}

/// Splits the inside of an object or array at its own commas.
fn split(inside: &str) -> Vec<&str> {
    let (mut members, mut start, mut depth, mut quoted, mut escaped) = (Vec::new(), 0, 0, false, false);
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            b',' if depth == 0 => {
                members.push(&inside[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !inside.is_empty() {
        members.push(&inside[start..]);
    }
    members
}

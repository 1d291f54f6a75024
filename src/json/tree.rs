//! A value as a tree of places in its text: for odd corners (a security group rule, one of two records with the
//! same id, the wrapping of a message), never for every record.

use super::reader::{Escape, read_escape};
use super::{Error, ErrorKind, MAX_DEPTH, Reader, Result, unescape};
use std::borrow::Cow;

/// A JSON value that borrows its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tree<'a> {
    /// null.
    Null,
    /// true, false or a number, as text.
    Bare(&'a str),
    /// The inside of a string, escapes as received.
    String(&'a str),
    /// An array.
    Array(Vec<Tree<'a>>),
    /// An object: names (insides, escapes as received) and values in order, repeated names included.
    Object(Vec<(&'a str, Tree<'a>)>),
}

impl<'a> Tree<'a> {
    /// Reads a text that is one value.
    ///
    /// # Errors
    /// Where the text is not JSON, or deeper than [`MAX_DEPTH`].
    pub fn parse(text: &'a str) -> Result<Tree<'a>> {
        let mut reader = Reader::new(text, 0);
        let tree = value(&mut reader, 0)?;
        if reader.peek() != 0 || reader.at < text.len() {
            return reader.unexpected();
        }
        Ok(tree)
    }

    /// The last member of this name, if this is an object that has one which is not null.
    pub fn get(&self, name: &str) -> Option<&Tree<'a>> {
        self.member(name).filter(|value| !matches!(value, Tree::Null))
    }

    /// The last member of this name, be it null, if this is an object that has one.
    pub fn member(&self, name: &str) -> Option<&Tree<'a>> {
        let Tree::Object(members) = self else { return None };
        members.iter().rev().find(|(key, _)| Tree::is_named(key, name)).map(|(_, value)| value)
    }

    /// Whether a name as received (the inside of a string) is this name.
    pub fn is_named(key: &str, name: &str) -> bool {
        key == name || (key.as_bytes().contains(&b'\\') && *decoded(key) == *name.as_bytes())
    }

    /// The text of a string; None for anything else or a lone surrogate.
    pub fn text(&self) -> Option<Cow<'a, str>> {
        let Tree::String(inside) = self else { return None };
        if !inside.as_bytes().contains(&b'\\') {
            return Some(Cow::Borrowed(inside));
        }
        let mut out = String::new();
        unescape(inside, &mut out).then_some(Cow::Owned(out))
    }

    /// The text of a string, else of a number, true or false.
    pub fn scalar(&self) -> Option<Cow<'a, str>> {
        match self {
            Tree::Bare(text) => Some(Cow::Borrowed(text)),
            other => other.text(),
        }
    }
}

fn value<'a>(reader: &mut Reader<'a>, depth: usize) -> Result<Tree<'a>> {
    let open = reader.peek();
    let start = reader.at;
    if matches!(open, b'{' | b'[') && depth >= MAX_DEPTH {
        return Err(Error { kind: ErrorKind::TooDeep, at: start });
    }
    match open {
        b'"' => {
            let quoted = reader.string()?;
            Ok(Tree::String(reader.slice(quoted.start, quoted.end)))
        }
        b'{' => {
            reader.at += 1;
            let mut members = Vec::new();
            let mut more = reader.first(b'}')?;
            while more {
                let key = reader.key()?;
                members.push((reader.slice(key.start, key.end), value(reader, depth + 1)?));
                more = reader.next(b'}')?;
            }
            Ok(Tree::Object(members))
        }
        b'[' => {
            reader.at += 1;
            let mut elements = Vec::new();
            let mut more = reader.first(b']')?;
            while more {
                elements.push(value(reader, depth + 1)?);
                more = reader.next(b']')?;
            }
            Ok(Tree::Array(elements))
        }
        _ => {
            reader.scalar()?;
            let text = reader.slice(start, reader.at);
            Ok(if text == "null" { Tree::Null } else { Tree::Bare(text) })
        }
    }
}

/// A string's inside with its escapes undone, as UTF-8 but for lone surrogates, which become the three bytes that
/// UTF-8 would give them (no text has those, so nothing else equals them).
pub fn decoded(inside: &str) -> Cow<'_, [u8]> {
    if !inside.as_bytes().contains(&b'\\') {
        return Cow::Borrowed(inside.as_bytes());
    }
    let mut out = Vec::with_capacity(inside.len());
    let mut rest = inside;
    while let Some(at) = rest.find('\\') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        let (escape, length) = read_escape(&rest[at..]);
        match escape {
            Escape::Character(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Escape::Lone(unit) => {
                let six = |shift: u16| 0x80 | (unit >> shift & 0x3f) as u8;
                out.extend_from_slice(&[0xe0 | (unit >> 12) as u8, six(6), six(0)]);
            }
        }
        rest = rest.get(at + length..).unwrap_or_default();
    }
    out.extend_from_slice(rest.as_bytes());
    Cow::Owned(out)
}

/// Appends the value as JSON without whitespace, strings and numbers as received.
pub fn write_tree(tree: &Tree<'_>, out: &mut Vec<u8>) {
    let quoted = |inside: &str, out: &mut Vec<u8>| {
        out.push(b'"');
        out.extend_from_slice(inside.as_bytes());
        out.push(b'"');
    };
    match tree {
        Tree::Null => out.extend_from_slice(b"null"),
        Tree::Bare(text) => out.extend_from_slice(text.as_bytes()),
        Tree::String(inside) => quoted(inside, out),
        Tree::Array(elements) => {
            out.push(b'[');
            for (i, element) in elements.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write_tree(element, out);
            }
            out.push(b']');
        }
        Tree::Object(members) => {
            out.push(b'{');
            for (i, (name, value)) in members.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                quoted(name, out);
                out.push(b':');
                write_tree(value, out);
            }
            out.push(b'}');
        }
    }
}

/// Appends bytes that are equal for two records if and only if they count as the same: members sorted by name, the
/// last of a repeated name, no null members, and inside userIdentity and tlsDetails no members that are `{}`.
pub fn canonical(tree: &Tree<'_>, out: &mut Vec<u8>) {
    write_canonical(tree, false, true, out);
}

fn write_canonical(tree: &Tree<'_>, drop_empty: bool, top: bool, out: &mut Vec<u8>) {
    match tree {
        Tree::Null => out.extend_from_slice(b"null"),
        Tree::Bare(text) => out.extend_from_slice(text.as_bytes()),
        Tree::String(inside) => write_counted(&decoded(inside), out),
        Tree::Array(elements) => {
            out.push(b'[');
            for element in elements {
                write_canonical(element, drop_empty, false, out);
                out.push(b',');
            }
            out.push(b']');
        }
        Tree::Object(members) => {
            let mut sorted: Vec<(Cow<'_, [u8]>, &Tree<'_>)> = members.iter().map(|(k, v)| (decoded(k), v)).collect();
            // Stable: of a repeated name the last stays last, and only the last counts.
            sorted.sort_by(|a, b| a.0.cmp(&b.0));
            out.push(b'{');
            for (i, (key, value)) in sorted.iter().enumerate() {
                if matches!(value, Tree::Null) || sorted.get(i + 1).is_some_and(|next| next.0 == *key) {
                    continue;
                }
                let inside = drop_empty || top && (&**key == b"userIdentity" || &**key == b"tlsDetails");
                let begin = out.len();
                write_counted(key, out);
                let written = out.len();
                write_canonical(value, inside, false, out);
                if drop_empty && &out[written..] == b"{}" {
                    out.truncate(begin);
                }
            }
            out.push(b'}');
        }
    }
}

/// A string as its length and its bytes: needs no escapes, and no two strings or sequences of strings are alike.
fn write_counted(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(bytes.len().to_string().as_bytes());
    out.push(b':');
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canon(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        canonical(&Tree::parse(text).unwrap(), &mut out);
        out
    }

    #[test]
    fn records_that_count_as_the_same() {
        for (a, b) in [
            (r#"{"a":1,"b":"x"}"#, r#"{ "b":"\u0078", "a":1 }"#),
            (r#"{"a":1,"a":2}"#, r#"{"a":2}"#),
            (r#"{"a":1,"\u0061":null}"#, r#"{}"#),
            (r#"{"a":{"b":null}}"#, r#"{"a":{}}"#),
            (r#"{"userIdentity":{"s":{"w":{}}}}"#, r#"{"userIdentity":{}}"#),
            (r#"{"a":"\uD800"}"#, r#"{"a":"\ud800"}"#),
        ] {
            assert_eq!(canon(a), canon(b), "{a} {b}");
        }
        for (a, b) in [
            (r#"{"a":1}"#, r#"{"a":1.0}"#),
            (r#"{"a":[null]}"#, r#"{"a":[]}"#),
            (r#"{"a":{"b":{}}}"#, r#"{"a":{}}"#),
            (r#"{"a":"\ud800"}"#, r#"{"a":"\\ud800"}"#),
            (r#"{"a":1}"#, r#"{"a":"1"}"#),
            (r#"{"tlsDetails":{}}"#, r#"{}"#),
        ] {
            assert_ne!(canon(a), canon(b), "{a} {b}");
        }
    }
}

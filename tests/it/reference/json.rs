//! JSON as a tree, and the readings of a value that the contract calls lenient.

use serde_json::value::RawValue;

/// "Limits, constants in one place: nesting 128". The record's own braces are the first level.
pub const MAX_DEPTH: usize = 128;

/// A JSON value: what it says, and its text without insignificant whitespace.
#[derive(Clone, Debug)]
pub struct Value<'a> {
    pub raw: &'a str,
    pub kind: Kind<'a>,
}

/// Strings are UTF-16 units, because only these can say a lone surrogate. The text of a number,
/// true, false and null is in `raw`.
#[derive(Clone, Debug)]
pub enum Kind<'a> {
    Null,
    Bool(bool),
    Number,
    String(Vec<u16>),
    Array(Vec<Value<'a>>),
    /// In the order of the text. "Of a repeated key the last wins", and stands where it stood.
    Object(Vec<Member<'a>>),
}

#[derive(Clone, Debug)]
pub struct Member<'a> {
    /// The key with its quotes and escapes, as received.
    pub spelled: &'a str,
    pub key: Vec<u16>,
    pub value: Value<'a>,
}

/// Checks one JSON text and takes its insignificant whitespace out.
pub fn compact(text: &str) -> Result<String, &'static str> {
    let (mut out, mut depth, mut in_string, mut escaped) = (String::new(), 0usize, false, false);
    for c in text.chars() {
        if in_string {
            in_string = escaped || c != '"';
            escaped = c == '\\' && !escaped;
        } else {
            match c {
                '"' => in_string = true,
                '{' | '[' if depth == MAX_DEPTH => return Err("too_deep"),
                '{' | '[' => depth += 1,
                '}' | ']' => depth = depth.saturating_sub(1),
                ' ' | '\t' | '\n' | '\r' => continue,
                _ => {}
            }
        }
        out.push(c);
    }
    match serde_json::from_str::<&RawValue>(text) {
        Ok(_) => Ok(out),
        Err(e) if e.is_eof() => Err("truncated"),
        Err(_) => Err("invalid_json"),
    }
}

/// Reads what `compact` gave.
pub fn parse(compacted: &str) -> Value<'_> {
    value_at(compacted, &mut 0)
}

fn value_at<'a>(text: &'a str, at: &mut usize) -> Value<'a> {
    let (start, bytes) = (*at, text.as_bytes());
    let kind = match bytes[start] {
        b'"' => Kind::String(units(literal_at(text, at))),
        open @ (b'[' | b'{') => {
            let (mut items, mut members) = (Vec::new(), Vec::<Member>::new());
            *at += 1;
            while !matches!(bytes[*at], b']' | b'}') {
                if open == b'[' {
                    items.push(value_at(text, at));
                } else {
                    let spelled = literal_at(text, at);
                    let key = units(spelled);
                    *at += 1; // the colon
                    let value = value_at(text, at);
                    members.retain(|m| m.key != key);
                    members.push(Member { spelled, key, value });
                }
                *at += usize::from(bytes[*at] == b',');
            }
            *at += 1;
            if open == b'[' { Kind::Array(items) } else { Kind::Object(members) }
        }
        _ => {
            let word = text[start..].split([',', ']', '}']).next().unwrap();
            *at += word.len();
            match word {
                "null" => Kind::Null,
                "true" | "false" => Kind::Bool(word == "true"),
                _ => Kind::Number,
            }
        }
    };
    let raw = &text[start..*at];
    Value { raw, kind }
}

/// The string literal that begins here, with its quotes.
fn literal_at<'a>(text: &'a str, at: &mut usize) -> &'a str {
    let (start, bytes) = (*at, text.as_bytes());
    *at += 1;
    while bytes[*at] != b'"' {
        *at += if bytes[*at] == b'\\' { 2 } else { 1 };
    }
    *at += 1;
    &text[start..*at]
}

/// A string literal, decoded.
fn units(literal: &str) -> Vec<u16> {
    let mut out = Vec::new();
    let mut chars = literal[1..literal.len() - 1].chars();
    while let Some(c) = chars.next() {
        let escaped = if c == '\\' { chars.next() } else { None };
        match escaped {
            None => out.extend_from_slice(c.encode_utf16(&mut [0; 2])),
            Some('b') => out.push(8),
            Some('t') => out.push(9),
            Some('n') => out.push(10),
            Some('f') => out.push(12),
            Some('r') => out.push(13),
            Some('u') => {
                let hex: String = chars.by_ref().take(4).collect();
                out.push(u16::from_str_radix(&hex, 16).unwrap());
            }
            Some(other) => out.push(other as u16),
        }
    }
    out
}

/// A string literal again.
pub(super) fn literal(units: &[u16]) -> String {
    let mut out = String::new();
    for c in char::decode_utf16(units.iter().copied()) {
        match c.map(|c| serde_json::to_string(&c).unwrap()) {
            Ok(quoted) => out += &quoted[1..quoted.len() - 1],
            Err(lone) => out += &format!("\\u{:04x}", lone.unpaired_surrogate()),
        }
    }
    format!("\"{out}\"")
}

impl<'a> Value<'a> {
    pub(super) fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null)
    }

    pub(super) fn members(&self) -> &[Member<'a>] {
        match &self.kind {
            Kind::Object(members) => members,
            _ => &[],
        }
    }

    /// The member behind a path of keys; a null is nothing.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Value<'a>> {
        let Some((first, rest)) = path.split_first() else {
            return (!self.is_null()).then_some(self);
        };
        self.members().iter().find(|m| m.is(first))?.value.at(rest)
    }

    pub(super) fn text_at(&self, path: &[&str]) -> Option<String> {
        self.at(path)?.text()
    }

    /// "a text takes a scalar and writes it as its JSON text (`true` -> `true`), and of an array
    /// with one scalar that scalar." What cannot be text (a lone surrogate) gives nothing.
    pub(super) fn text(&self) -> Option<String> {
        match &self.kind {
            Kind::String(units) => String::from_utf16(units).ok(),
            Kind::Bool(_) | Kind::Number => Some(self.raw.to_string()),
            Kind::Array(items) => match items.as_slice() {
                [one] if !matches!(one.kind, Kind::Array(_)) => one.text(),
                _ => None,
            },
            Kind::Null | Kind::Object(_) => None,
        }
    }

    pub(super) fn string(&self) -> Option<String> {
        if let Kind::String(_) = self.kind { self.text() } else { None }
    }

    /// "a bool takes true, "true", "True"", and the same of false.
    pub(super) fn truth(&self) -> Option<bool> {
        match (&self.kind, self.string().as_deref()) {
            (Kind::Bool(b), _) => Some(*b),
            (_, Some("true" | "True")) => Some(true),
            (_, Some("false" | "False")) => Some(false),
            _ => None,
        }
    }

    /// "a bigint takes 7, 7.0, "7", "7.0" if it fits": -?digits, an optional .0+, no exponent.
    pub(super) fn whole(&self) -> Option<i64> {
        let number = if let Kind::Number = self.kind { Some(self.raw.to_string()) } else { None };
        let text = number.or(self.string())?;
        let (whole, zeros) = text.split_once('.').unwrap_or((&text, "0"));
        let digits = whole.strip_prefix('-').unwrap_or(whole);
        let plain = is_all(digits, |b| b.is_ascii_digit()) && is_all(zeros, |b| b == b'0');
        if plain { whole.parse().ok() } else { None }
    }

    /// Neither null nor "": such an alternative is taken, and the "else" after it is not.
    fn is_filled(&self) -> bool {
        !self.is_null() && !matches!(&self.kind, Kind::String(units) if units.is_empty())
    }
}

impl Member<'_> {
    pub(super) fn is(&self, name: &str) -> bool {
        name.encode_utf16().eq(self.key.iter().copied())
    }

    /// "and the same name in PascalCase (`InstanceId`)"
    pub(super) fn is_either(&self, name: &str) -> bool {
        self.is(name) || self.is(&(name[..1].to_ascii_uppercase() + &name[1..]))
    }

    pub(super) fn is_one_of(&self, names: &[&str]) -> bool {
        names.iter().any(|n| self.is_either(n))
    }
}

/// ""else" means: absent, null or """. The last alternative is taken as it is.
pub(super) fn either<'v, 'a>(alternatives: &[Option<&'v Value<'a>>]) -> Option<&'v Value<'a>> {
    let filled = alternatives.iter().flatten().find(|v| v.is_filled());
    filled.copied().or(*alternatives.last()?)
}

pub(super) fn is_all(text: &str, test: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(test)
}

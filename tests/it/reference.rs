//! The slow, obviously right reading of one record: the oracle that the engine is compared with.
//!
//! Written from the words of the contract (quoted in the comments), without code of the engine. It
//! keeps a tree of the record, takes every column from it on its own, and may be wasteful. Size
//! limits, compression and the wrappings around records are not its subject.

#![allow(clippy::unwrap_used, reason = "a panic fails a test")]

use std::collections::BTreeMap;

use serde_json::value::RawValue;

// ---- JSON ---------------------------------------------------------------------------------------

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
fn literal(units: &[u16]) -> String {
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
    fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null)
    }

    fn members(&self) -> &[Member<'a>] {
        match &self.kind {
            Kind::Object(members) => members,
            _ => &[],
        }
    }

    /// The member behind a path of keys; a null is nothing.
    fn at(&self, path: &[&str]) -> Option<&Value<'a>> {
        let Some((first, rest)) = path.split_first() else {
            return (!self.is_null()).then_some(self);
        };
        self.members().iter().find(|m| m.is(first))?.value.at(rest)
    }

    fn text_at(&self, path: &[&str]) -> Option<String> {
        self.at(path)?.text()
    }

    /// "a text takes a scalar and writes it as its JSON text (`true` -> `true`), and of an array
    /// with one scalar that scalar." What cannot be text (a lone surrogate) gives nothing.
    fn text(&self) -> Option<String> {
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

    fn string(&self) -> Option<String> {
        if let Kind::String(_) = self.kind { self.text() } else { None }
    }

    /// "a bool takes true, "true", "True"", and the same of false.
    fn truth(&self) -> Option<bool> {
        match (&self.kind, self.string().as_deref()) {
            (Kind::Bool(b), _) => Some(*b),
            (_, Some("true" | "True")) => Some(true),
            (_, Some("false" | "False")) => Some(false),
            _ => None,
        }
    }

    /// "a bigint takes 7, 7.0, "7", "7.0" if it fits": -?digits, an optional .0+, no exponent.
    fn whole(&self) -> Option<i64> {
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
    fn is(&self, name: &str) -> bool {
        name.encode_utf16().eq(self.key.iter().copied())
    }

    /// "and the same name in PascalCase (`InstanceId`)"
    fn is_either(&self, name: &str) -> bool {
        self.is(name) || self.is(&(name[..1].to_ascii_uppercase() + &name[1..]))
    }

    fn is_one_of(&self, names: &[&str]) -> bool {
        names.iter().any(|n| self.is_either(n))
    }
}

/// ""else" means: absent, null or """. The last alternative is taken as it is.
fn either<'v, 'a>(alternatives: &[Option<&'v Value<'a>>]) -> Option<&'v Value<'a>> {
    let filled = alternatives.iter().flatten().find(|v| v.is_filled());
    filled.copied().or(*alternatives.last()?)
}

fn is_all(text: &str, test: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(test)
}

// ---- Time ---------------------------------------------------------------------------------------

fn days_in_year(year: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    365 + i64::from(leap)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 => days_in_year(year) - 337,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// "`YYYY-MM-DD`, `T`, `t` or a space, `hh:mm:ss[.fraction]`, then `Z`, `z`, an offset or nothing
/// (UTC); past milliseconds it is cut." As milliseconds since 1970.
pub fn millis(text: &str) -> Option<i64> {
    let number = |from: usize, to: usize, max: i64| -> Option<i64> {
        let digits = text.get(from..to).filter(|t| is_all(t, |b| b.is_ascii_digit()))?;
        digits.parse().ok().filter(|n| *n <= max)
    };
    let mark = |at: usize, allowed: &str| text.get(at..at + 1).filter(|c| allowed.contains(c));
    let (year, month, day) = (number(0, 4, 9999)?, number(5, 7, 12)?, number(8, 10, 31)?);
    let (hour, minute, second) = (number(11, 13, 23)?, number(14, 16, 59)?, number(17, 19, 59)?);
    for (at, allowed) in [(4, "-"), (7, "-"), (10, "Tt "), (13, ":"), (16, ":")] {
        mark(at, allowed)?;
    }
    if month < 1 || day < 1 || day > days_in_month(year, month) {
        return None;
    }
    let (mut ms, mut rest) = (0, &text[19..]);
    if let Some(fraction) = rest.strip_prefix('.') {
        rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = &fraction[..fraction.len() - rest.len()];
        if digits.is_empty() {
            return None;
        }
        ms = format!("{digits:0<3}")[..3].parse().unwrap();
    }
    let mut offset = 0;
    if !["", "Z", "z"].contains(&rest) {
        // ±hh:mm, ±hhmm or ±hh
        let at = text.len() - rest.len();
        let sign = mark(at, "+-")?;
        let minutes = match rest.len() {
            3 => 0,
            5 => number(at + 3, at + 5, 59)?,
            6 => mark(at + 3, ":").and(number(at + 4, at + 6, 59))?,
            _ => return None,
        };
        offset = number(at + 1, at + 3, 23)? * 60 + minutes;
        offset *= if sign == "-" { -1 } else { 1 };
    }
    let past: i64 = (1970..year).map(days_in_year).sum();
    let before: i64 = (year..1970).map(days_in_year).sum();
    let months: i64 = (1..month).map(|m| days_in_month(year, m)).sum();
    let days = past - before + months + day - 1;
    Some((((days * 24 + hour) * 60 + minute - offset) * 60 + second) * 1000 + ms)
}

/// The wire form of a time: `YYYY-MM-DDThh:mm:ssZ`.
fn wire_time(ms: i64) -> String {
    let seconds = ms.div_euclid(1000);
    let (mut days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (mut year, mut month) = (1970, 1);
    while days < 0 {
        year -= 1;
        days += days_in_year(year);
    }
    while days >= days_in_year(year) {
        days -= days_in_year(year);
        year += 1;
    }
    while days >= days_in_month(year, month) {
        days -= days_in_month(year, month);
        month += 1;
    }
    let (day, hour, minute, second) = (days + 1, second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

// ---- A row --------------------------------------------------------------------------------------

/// A value that is not NULL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    Text(String),
    Bool(bool),
    Int(i64),
    /// Milliseconds since 1970, UTC.
    Time(i64),
    List(Vec<Option<String>>),
    Json(String),
}

/// The columns that are not NULL, by name.
pub type Row = BTreeMap<&'static str, Cell>;

/// What a row or a partition takes from the EventBridge event around a record.
#[derive(Clone, Debug, Default)]
pub struct Envelope {
    pub id: Option<String>,
    pub detail_type: Option<String>,
    pub time: Option<String>,
    pub account: Option<String>,
}

/// The columns of one record, or the code under which it is rejected.
pub fn row(record_text: &str, envelope: Option<&Envelope>) -> Result<Row, &'static str> {
    let text = compact(record_text)?;
    let record = parse(&text);
    let Kind::Object(members) = &record.kind else {
        return Err("not_an_object");
    };
    let mut row = Row::new();
    let mut unmapped = wire_columns(members, &mut Vec::new(), &mut row);
    accept(&record, &row)?;
    event_time(&record, envelope, &mut row, &mut unmapped)?;
    if !unmapped.is_empty() {
        let object = format!("{{{}}}", unmapped.join(","));
        row.insert("unmapped", Cell::Json(object));
    }
    if let Some(envelope) = envelope {
        put_text(&mut row, "bridge_event_id", envelope.id.clone());
        put_text(&mut row, "bridge_detail_type", envelope.detail_type.clone());
    }
    outcome(&record, &mut row);
    resource_lists(&record, &mut row);
    needles(&record, &mut row);
    roles_and_keys(&record, &mut row);
    s3(&record, &mut row);
    ec2(&record, &mut row);
    Ok(row)
}

fn put_text(row: &mut Row, column: &'static str, text: Option<String>) {
    row.extend(text.map(|t| (column, Cell::Text(t))));
}

/// "List columns other than resource_*: the values in document order, each once, empty strings left
/// out; NULL if none."
fn put_list(row: &mut Row, column: &'static str, values: Vec<String>) {
    let mut once: Vec<Option<String>> = Vec::new();
    for value in values.into_iter().filter(|v| !v.is_empty()).map(Some) {
        if !once.contains(&value) {
            once.push(value);
        }
    }
    if !once.is_empty() {
        row.insert(column, Cell::List(once));
    }
}

/// A text column, "" for NULL.
fn text_of<'r>(row: &'r Row, column: &str) -> &'r str {
    match row.get(column) {
        Some(Cell::Text(text)) => text,
        _ => "",
    }
}

/// What is no CloudTrail record, whatever its time.
fn accept(record: &Value, row: &Row) -> Result<(), &'static str> {
    let is = |column: &str, text: &str| text_of(row, column) == text;
    if is("event_category", "Aggregated") || is("event_type", "AwsAggregatedEvent") {
        return Err("aggregated_event");
    }
    #[rustfmt::skip]
    let signs = [
        "eventVersion", "eventTime", "eventName", "eventSource", "eventID", "userIdentity",
        "eventType", "requestParameters",
    ];
    let unlike = signs.iter().all(|s| record.at(&[s]).is_none());
    // An S3 notification also has eventTime, eventName and eventSource.
    if is("event_source", "aws:s3") || unlike { Err("not_cloudtrail") } else { Ok(()) }
}

/// "a readable `eventTime` between 2006-01-01 and 2100-01-01"; "Only if eventTime is absent or null
/// the envelope's `time` counts."
fn event_time(
    record: &Value,
    envelope: Option<&Envelope>,
    row: &mut Row,
    unmapped: &mut Vec<String>,
) -> Result<(), &'static str> {
    if record.at(&["eventTime"]).is_none() {
        let time = envelope.and_then(|e| e.time.as_deref());
        let ms = millis(time.ok_or("missing_event_time")?);
        row.extend(ms.map(|ms| ("event_time", Cell::Time(ms))));
        // "a null in it takes a member away": the record had none.
        unmapped.push("\"eventTime\":null".to_string());
    }
    let range = millis("2006-01-01T00:00:00Z").unwrap()..millis("2100-01-01T00:00:00Z").unwrap();
    match row.get("event_time") {
        Some(Cell::Time(ms)) if range.contains(ms) => Ok(()),
        Some(_) => Err("time_out_of_range"),
        None => Err("invalid_event_time"),
    }
}

// ---- Columns that hold a member of the record, and what they cannot hold ------------------------

#[derive(Clone, Copy)]
enum Form {
    Text,
    Bool,
    /// A bool that CloudTrail sends as the string "true" or "false".
    QuotedBool,
    Time,
    Json,
}

use Form::{Bool, Json, QuotedBool, Text, Time};

#[rustfmt::skip]
const WIRE: &[(&str, &str, Form)] = &[
    ("event_time", "eventTime", Time),
    ("event_id", "eventID", Text),
    ("event_name", "eventName", Text),
    ("event_source", "eventSource", Text),
    ("event_type", "eventType", Text),
    ("event_category", "eventCategory", Text),
    ("event_version", "eventVersion", Text),
    ("aws_region", "awsRegion", Text),
    ("source_ip_address", "sourceIPAddress", Text),
    ("user_agent", "userAgent", Text),
    ("error_code", "errorCode", Text),
    ("error_message", "errorMessage", Text),
    ("read_only", "readOnly", Bool),
    ("management_event", "managementEvent", Bool),
    ("request_id", "requestID", Text),
    ("shared_event_id", "sharedEventID", Text),
    ("api_version", "apiVersion", Text),
    ("recipient_account_id", "recipientAccountId", Text),
    ("vpc_endpoint_id", "vpcEndpointId", Text),
    ("vpc_endpoint_account_id", "vpcEndpointAccountId", Text),
    ("session_credential_from_console", "sessionCredentialFromConsole", QuotedBool),
    ("user_type", "userIdentity.type", Text),
    ("user_principal_id", "userIdentity.principalId", Text),
    ("user_arn", "userIdentity.arn", Text),
    ("user_account_id", "userIdentity.accountId", Text),
    ("user_access_key_id", "userIdentity.accessKeyId", Text),
    ("user_name", "userIdentity.userName", Text),
    ("user_invoked_by", "userIdentity.invokedBy", Text),
    ("user_identity_provider", "userIdentity.identityProvider", Text),
    ("user_credential_id", "userIdentity.credentialId", Text),
    ("user_on_behalf_of_user_id", "userIdentity.onBehalfOf.userId", Text),
    ("user_on_behalf_of_identity_store_arn", "userIdentity.onBehalfOf.identityStoreArn", Text),
    ("user_invoked_by_delegate_account_id", "userIdentity.invokedByDelegate.accountId", Text),
    ("user_in_scope_of", "userIdentity.inScopeOf", Json),
    ("session_issuer_type", "userIdentity.sessionContext.sessionIssuer.type", Text),
    ("session_issuer_principal_id", "userIdentity.sessionContext.sessionIssuer.principalId", Text),
    ("session_issuer_arn", "userIdentity.sessionContext.sessionIssuer.arn", Text),
    ("session_issuer_account_id", "userIdentity.sessionContext.sessionIssuer.accountId", Text),
    ("session_issuer_user_name", "userIdentity.sessionContext.sessionIssuer.userName", Text),
    ("session_creation_date", "userIdentity.sessionContext.attributes.creationDate", Time),
    ("session_mfa_authenticated", "userIdentity.sessionContext.attributes.mfaAuthenticated", QuotedBool),
    ("session_source_identity", "userIdentity.sessionContext.sourceIdentity", Text),
    ("session_ec2_role_delivery", "userIdentity.sessionContext.ec2RoleDelivery", Text),
    ("session_assumed_root", "userIdentity.sessionContext.assumedRoot", Text),
    ("session_web_id_federated_provider", "userIdentity.sessionContext.webIdFederationData.federatedProvider", Text),
    ("tls_version", "tlsDetails.tlsVersion", Text),
    ("tls_cipher_suite", "tlsDetails.cipherSuite", Text),
    ("tls_client_provided_host_header", "tlsDetails.clientProvidedHostHeader", Text),
    ("request_parameters", "requestParameters", Json),
    ("response_elements", "responseElements", Json),
    ("additional_event_data", "additionalEventData", Json),
    ("service_event_details", "serviceEventDetails", Json),
    ("resources", "resources", Json),
    ("insight_details", "insightDetails", Json),
    ("addendum", "addendum", Json),
    ("event_context", "eventContext", Json),
    ("edge_device_details", "edgeDeviceDetails", Json),
];

/// The value as the column holds it, if it can, and whether that is exactly what was received.
fn read(form: Form, value: &Value) -> (Option<Cell>, bool) {
    let string = value.string();
    match form {
        Text => (value.text().map(Cell::Text), string.is_some()),
        Bool => (value.truth().map(Cell::Bool), matches!(value.kind, Kind::Bool(_))),
        QuotedBool => {
            let exact = matches!(string.as_deref(), Some("true" | "false"));
            (value.truth().map(Cell::Bool), exact)
        }
        Time => {
            let ms = string.as_deref().and_then(millis);
            let exact = ms.is_some() && ms.map(wire_time) == string;
            (ms.map(Cell::Time), exact)
        }
        Json => (Some(Cell::Json(value.raw.to_string())), true),
    }
}

/// Fills the columns of WIRE and returns the members of `unmapped`: "Whatever the columns do not
/// hold exactly (a field nobody knows, a member of an unexpected type or form) goes, under its own
/// path, into the json column `unmapped`".
fn wire_columns(members: &[Member], path: &mut Vec<String>, row: &mut Row) -> Vec<String> {
    let mut unmapped = Vec::new();
    for m in members.iter().filter(|m| !m.value.is_null()) {
        // A key with a lone surrogate is like no other.
        path.push(String::from_utf16(&m.key).unwrap_or("\0".to_string()));
        let here = |full: &str| full.split('.').eq(path.iter());
        let above = |full: &str| {
            let steps: Vec<&str> = full.split('.').collect();
            steps.len() > path.len() && steps.iter().zip(path.iter()).all(|(a, b)| a == b)
        };
        let column = WIRE.iter().find(|(_, full, _)| here(full));
        let known_object = WIRE.iter().any(|(_, full, _)| above(full));
        let verbatim = Some(m.value.raw.to_string());
        let rest = match (&m.value.kind, column) {
            (_, Some((column, _, form))) => {
                let (cell, exact) = read(*form, &m.value);
                row.extend(cell.map(|c| (*column, c)));
                if exact { None } else { verbatim }
            }
            // "and, inside userIdentity and tlsDetails, members that are `{}`" are left out.
            (Kind::Object(inner), _) if known_object && inner.is_empty() && path.len() > 1 => None,
            (Kind::Object(inner), _) if known_object => {
                let cells = row.len();
                let rest = wire_columns(inner, path, row);
                match (rest.is_empty(), row.len() == cells) {
                    (true, true) => verbatim, // nothing else would bring this object back
                    (true, false) => None,
                    (false, _) => Some(format!("{{{}}}", rest.join(","))),
                }
            }
            _ => verbatim,
        };
        unmapped.extend(rest.map(|rest| format!("{}:{rest}", m.spelled)));
        path.pop();
    }
    unmapped
}

// ---- Columns derived from the record, whoever sent it -------------------------------------------

/// "`dry_run` if errorCode is Client.DryRunOperation; `denied` if errorCode contains AccessDenied,
/// Unauthorized, Forbidden, NotAuthorized or AuthFailure; `failure` if there is any other errorCode
/// or errorMessage, or responseElements.ConsoleLogin is "Failure"; else `success`"
fn outcome(record: &Value, row: &mut Row) {
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

fn resources<'v, 'a>(record: &'v Value<'a>) -> Option<&'v [Value<'a>]> {
    match &record.at(&["resources"])?.kind {
        Kind::Array(entries) => Some(entries),
        _ => None,
    }
}

/// "resources[].ARN (else .arn, else .ARNPrefix), .type, .accountId: one element per entry, NULL
/// where absent, so that the three line up"
fn resource_lists(record: &Value, row: &mut Row) {
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
fn needles(record: &Value, row: &mut Row) {
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
fn roles_and_keys(record: &Value, row: &mut Row) {
    let role = record.text_at(&["requestParameters", "roleArn"]);
    let session = record.text_at(&["requestParameters", "roleSessionName"]);
    let temporary = record.at(&["responseElements", "credentials", "accessKeyId"]);
    let lasting = record.at(&["responseElements", "accessKey", "accessKeyId"]);
    put_text(row, "assumed_role_arn", role);
    put_text(row, "role_session_name", session);
    put_text(row, "issued_access_key_id", either(&[temporary, lasting]).and_then(Value::text));
}

// ---- S3 -----------------------------------------------------------------------------------------

/// "all s3_ columns only where eventSource is s3, s3express, s3-outposts or s3-object-lambda
/// `.amazonaws.com`"
fn s3(record: &Value, row: &mut Row) {
    let service = text_of(row, "event_source").strip_suffix(".amazonaws.com");
    let services = ["s3", "s3express", "s3-outposts", "s3-object-lambda"];
    if !service.is_some_and(|s| services.contains(&s)) {
        return;
    }
    let request = |name: &str| record.at(&["requestParameters", name]);
    let request_header = |name: &str| any_case(record.at(&["requestParameters"])?, name);
    let response_header = |name: &str| any_case(record.at(&["responseElements"])?, name);
    let header = |name: &str| either(&[response_header(name), request_header(name)]);
    let additional = |name: &str| record.at(&["additionalEventData", name]);
    let version = either(&[request("versionId"), response_header("x-amz-version-id")]);
    let is_bucket = |e: &&Value| e.text_at(&["type"]).as_deref() == Some("AWS::S3::Bucket");
    let bucket = resources(record).and_then(|entries| entries.iter().find(is_bucket));
    #[rustfmt::skip]
    let texts = [
        ("s3_bucket_name", request("bucketName")),
        ("s3_object_key", request("key")),
        ("s3_object_version_id", version),
        ("s3_prefix", request("prefix")),
        ("s3_upload_id", request("uploadId")),
        ("s3_copy_source", request_header("x-amz-copy-source")),
        ("s3_acl", request_header("x-amz-acl")),
        ("s3_sse", header("x-amz-server-side-encryption")),
        ("s3_sse_kms_key_id", header("x-amz-server-side-encryption-aws-kms-key-id")),
        ("s3_sse_applied", additional("SSEApplied")),
        ("s3_authentication_method", additional("AuthenticationMethod")),
        ("s3_signature_version", additional("SignatureVersion")),
        ("s3_bucket_owner_account_id", bucket.and_then(|e| e.at(&["accountId"]))),
    ];
    for (column, value) in texts {
        put_text(row, column, value.and_then(Value::text));
    }
    let numbers = [
        ("s3_bytes_in", additional("bytesTransferredIn")),
        ("s3_bytes_out", additional("bytesTransferredOut")),
        ("s3_object_size", additional("objectSize")),
        ("s3_http_status", additional("httpStatusCode")),
    ];
    for (column, value) in numbers {
        let number = value.and_then(Value::whole);
        row.extend(number.map(|n| (column, Cell::Int(n))));
    }
}

/// "(x-amz-* members here in any letter case)"; of several the first that is filled.
fn any_case<'v, 'a>(object: &'v Value<'a>, name: &str) -> Option<&'v Value<'a>> {
    let named = |key: &[u16]| String::from_utf16(key).is_ok_and(|k| k.eq_ignore_ascii_case(name));
    let found = object.members().iter().filter(|m| named(&m.key) && !m.value.is_null());
    either(&found.map(|m| Some(&m.value)).collect::<Vec<_>>())
}

// ---- EC2 ----------------------------------------------------------------------------------------

/// "every `instanceId`, `imageId` ..."
#[rustfmt::skip]
const EC2_LISTS: &[(&str, &[&str])] = &[
    ("ec2_instance_ids", &["instanceId"]),
    ("ec2_image_ids", &["imageId"]),
    ("ec2_volume_ids", &["volumeId"]),
    ("ec2_snapshot_ids", &["snapshotId"]),
    ("ec2_network_interface_ids", &["networkInterfaceId"]),
    ("ec2_subnet_ids", &["subnetId"]),
    ("ec2_vpc_ids", &["vpcId"]),
    ("ec2_security_group_ids", &["groupId"]),
    ("ec2_private_ip_addresses", &["privateIpAddress"]),
    ("ec2_public_ip_addresses", &["publicIp", "publicIpAddress"]),
];

/// "the first `instanceType` ...", the last three of them two names deep.
#[rustfmt::skip]
const EC2_FIRSTS: &[(&str, &[&[&str]])] = &[
    ("ec2_instance_type", &[&["instanceType"]]),
    ("ec2_key_name", &[&["keyName"]]),
    ("ec2_availability_zone", &[&["availabilityZone"]]),
    ("ec2_state", &[&["currentState", "instanceState"], &["name"]]),
    ("ec2_previous_state", &[&["previousState"], &["name"]]),
];

/// "all ec2_ columns only where eventSource is ec2 or ebs `.amazonaws.com`". ""Every `x`" and "the
/// first `x`" look in requestParameters and responseElements, at any depth".
fn ec2(record: &Value, row: &mut Row) {
    if !["ec2.amazonaws.com", "ebs.amazonaws.com"].contains(&text_of(row, "event_source")) {
        return;
    }
    let is_part = |m: &&Member| m.is("requestParameters") || m.is("responseElements");
    let parts: Vec<&Value> = record.members().iter().filter(is_part).map(|m| &m.value).collect();
    let every = |steps: &[&[&str]]| {
        let mut out = Vec::new();
        parts.iter().for_each(|part| search(part, 0, steps, &mut out));
        out.retain(|text| !text.is_empty());
        out
    };
    for (column, names) in EC2_LISTS {
        let mut list = every(&[names]);
        // "every `groupId` that begins with `sg-`"
        list.retain(|id| *column != "ec2_security_group_ids" || id.starts_with("sg-"));
        put_list(row, column, list);
    }
    for (column, steps) in EC2_FIRSTS {
        put_text(row, column, every(steps).into_iter().next());
    }
    if !row.contains_key("ec2_availability_zone") {
        put_text(row, "ec2_availability_zone", every(&[&["zone"]]).into_iter().next());
    }
    let profile = parts.iter().find_map(|part| first_profile(part, false));
    let named = |name: &str| first_scalar(profile?, name);
    put_text(row, "ec2_iam_instance_profile", named("name").or(named("arn")));

    let mut rules = Vec::new();
    if changes_rules(text_of(row, "event_name")) {
        let request = record.at(&["requestParameters"]);
        request.iter().for_each(|request| ip_rules(request, &mut rules));
    }
    put_list(row, "ec2_ip_rules", rules);

    let (mut added, mut shared) = (Vec::new(), Vec::new());
    parts.iter().for_each(|part| permissions_added(part, false, &mut added));
    let names: &[&str] = &["userId", "group", "organizationArn", "organizationalUnitArn"];
    added.iter().for_each(|part| search(part, 0, &[names], &mut shared));
    put_list(row, "ec2_shared_with", shared);
}

/// "whatever wraps it: `items`, `item`, an object where a list is expected, an array (walked
/// element by element), `{"content":..}` or `{"value":..}` around the scalar"
const WRAPPERS: &[&str] = &["items", "item", "content", "value"];

/// The scalars at the end of a chain of names (`currentState` then `name`). `done` is how many
/// names of the chain the value at hand stands under; arrays and wrappers keep that, any other
/// member is looked up by its own name.
fn search(value: &Value, done: usize, steps: &[&[&str]], out: &mut Vec<String>) {
    match &value.kind {
        Kind::Array(items) => items.iter().for_each(|item| search(item, done, steps, out)),
        Kind::Object(members) => {
            for m in members {
                let done = if done < steps.len() && m.is_one_of(steps[done]) {
                    done + 1
                } else if done > 0 && m.is_one_of(WRAPPERS) {
                    done
                } else {
                    usize::from(m.is_one_of(steps[0]))
                };
                search(&m.value, done, steps, out);
            }
        }
        _ if done == steps.len() => out.extend(value.text()),
        _ => {}
    }
}

/// The scalars and objects reached through arrays and wrappers alone.
fn reached<'v, 'a>(value: &'v Value<'a>, out: &mut Vec<&'v Value<'a>>) {
    if let Kind::Array(items) = &value.kind {
        return items.iter().for_each(|item| reached(item, out));
    }
    out.push(value);
    let wrappers = value.members().iter().filter(|m| m.is_one_of(WRAPPERS));
    wrappers.for_each(|m| reached(&m.value, out));
}

fn scalars(value: &Value) -> Vec<String> {
    let mut out = Vec::new();
    reached(value, &mut out);
    out.iter().filter_map(|v| v.text()).filter(|text| !text.is_empty()).collect()
}

/// The first scalar, not empty, in the member with this name.
fn first_scalar(object: &Value, name: &str) -> Option<String> {
    let members = object.members().iter().filter(|m| m.is_either(name));
    members.flat_map(|m| scalars(&m.value)).next()
}

/// "of the first `iamInstanceProfile` object"
fn first_profile<'v, 'a>(value: &'v Value<'a>, named: bool) -> Option<&'v Value<'a>> {
    match &value.kind {
        Kind::Array(items) => items.iter().find_map(|item| first_profile(item, named)),
        Kind::Object(_) if named => Some(value),
        _ => {
            let inner = |m: &'v Member<'a>| first_profile(&m.value, m.is_either("iamInstanceProfile"));
            value.members().iter().find_map(inner)
        }
    }
}

/// What stands under "createVolumePermission.add or launchPermission.add".
fn permissions_added<'v, 'a>(value: &'v Value<'a>, within: bool, out: &mut Vec<&'v Value<'a>>) {
    if let Kind::Array(items) = &value.kind {
        items.iter().for_each(|item| permissions_added(item, within, out));
    }
    for m in value.members() {
        let permission = m.is_one_of(&["createVolumePermission", "launchPermission"]);
        if within && m.is_either("add") {
            out.push(&m.value);
        } else {
            permissions_added(&m.value, permission || within && m.is_one_of(WRAPPERS), out);
        }
    }
}

/// "for Authorize/RevokeSecurityGroupIngress/Egress and ModifySecurityGroupRules"
fn changes_rules(event_name: &str) -> bool {
    let verb = event_name.strip_prefix("Authorize").or(event_name.strip_prefix("Revoke"));
    matches!(verb, Some("SecurityGroupIngress" | "SecurityGroupEgress")) || event_name == "ModifySecurityGroupRules"
}

/// "one entry per rule and target, `<protocol> <from>-<to> <target>`". A rule is an object,
/// anywhere in the request, in which a target stands: in itself (the flat form, security group
/// rules) or in a list of targets (ipPermissions).
fn ip_rules(value: &Value, out: &mut Vec<String>) {
    if let Kind::Array(items) = &value.kind {
        items.iter().for_each(|item| ip_rules(item, out));
    }
    for m in value.members() {
        match targets(m) {
            Some(targets) => {
                let rule = protocol_and_ports(value);
                out.extend(targets.iter().map(|target| format!("{rule} {target}")));
            }
            None => ip_rules(&m.value, out),
        }
    }
}

/// "a port that is absent or -1 is `*`, protocol `-1` or absent is `all`"
fn protocol_and_ports(rule: &Value) -> String {
    let or = |name: &str, default: &str| match first_scalar(rule, name) {
        Some(text) if text != "-1" => text,
        _ => default.to_string(),
    };
    format!("{} {}-{}", or("ipProtocol", "all"), or("fromPort", "*"), or("toPort", "*"))
}

/// "target is a CIDR (v4 or v6), a group id (else `group:<name>`) or a prefix list id"
fn targets(m: &Member) -> Option<Vec<String>> {
    let own = ["cidrIp", "cidrIpv4", "cidrIpv6", "prefixListId", "referencedGroupId"];
    if m.is_one_of(&own) {
        return Some(scalars(&m.value));
    }
    let mut entries = Vec::new();
    reached(&m.value, &mut entries);
    if m.is_one_of(&["groups", "userIdGroupPairs"]) {
        let name = |e: &Value| Some(format!("group:{}", first_scalar(e, "groupName")?));
        let group = |e: &&Value| first_scalar(e, "groupId").or(name(e));
        return Some(entries.iter().filter_map(group).collect());
    }
    let members = entries.iter().flat_map(|e| e.members());
    let listed = members.filter(|t| t.is_one_of(&["cidrIp", "cidrIpv6", "prefixListId"]));
    let is_list = m.is_one_of(&["ipRanges", "ipv6Ranges", "prefixListIds"]);
    is_list.then(|| listed.flat_map(|t| scalars(&t.value)).collect())
}

// ---- Partition ----------------------------------------------------------------------------------

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

// ---- Restoring and comparing --------------------------------------------------------------------

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
            (Some(Cell::Bool(b)), QuotedBool) => format!("\"{b}\""),
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

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    /// Members of a record that has an eventTime too, then the columns that are looked at, one a
    /// line; the next record after an empty line.
    const EXPECTED: &str = r#"
"eventName":"a\/b","eventID":null,"event\u0054ype":1.0,"userAgent":["x"],"errorCode":[null],"what":{"a":[1, 2]},"no":null
event_name=a/b
event_id=NULL
event_type=1.0
user_agent=x
error_code=NULL
unmapped={"event\u0054ype":1.0,"userAgent":["x"],"errorCode":[null],"what":{"a":[1,2]}}
outcome=success

"eventName":"\ud800","readOnly":"True","managementEvent":false,"sessionCredentialFromConsole":true,"userIdentity.type":"x"
event_name=NULL
read_only=true
management_event=false
session_credential_from_console=true
user_type=NULL
unmapped={"eventName":"\ud800","readOnly":"True","sessionCredentialFromConsole":true,"userIdentity.type":"x"}

"eventID":"a","event\u0049D":"b","userIdentity":{"arn":"x"},"userIdentity":{"type":"B"},"requestParameters": {"a":"arn:1","b":"arn:2", "a":"arn:3"}
event_id=b
user_type=B
user_arn=NULL
request_parameters={"a":"arn:1","b":"arn:2","a":"arn:3"}
any_arns=arn:2 | arn:3
unmapped=NULL

"userIdentity":{},"tlsDetails":"x"
unmapped={"userIdentity":{},"tlsDetails":"x"}

"userIdentity":{"type":"T","sessionContext":{},"onBehalfOf":{"q":null},"z":null},"tlsDetails":{}
user_type=T
unmapped={"userIdentity":{"onBehalfOf":{"q":null}},"tlsDetails":{}}

"userIdentity":{"sessionContext":{"attributes":{"mfaAuthenticated":"false","creationDate":"2024-01-01 01:00:00.5+01"},"sessionIssuer":{"x":{}}}}
session_creation_date=1704067200500
session_mfa_authenticated=false
unmapped={"userIdentity":{"sessionContext":{"attributes":{"creationDate":"2024-01-01 01:00:00.5+01"},"sessionIssuer":{"x":{}}}}}

"userIdentity":{"sessionContext":{"attributes":{}}},"errorCode":"Client.UnauthorizedOperation"
unmapped={"userIdentity":{"sessionContext":{"attributes":{}}}}
outcome=denied

"errorCode":"","errorMessage":"x"
outcome=failure

"errorCode":"Client.DryRunOperation"
outcome=dry_run

"responseElements":{"ConsoleLogin":"Failure","credentials":{"accessKeyId":""},"accessKey":{"accessKeyId":"ASIAEXAMPLEKEY000001"}}
outcome=failure
issued_access_key_id=ASIAEXAMPLEKEY000001
any_access_key_ids=ASIAEXAMPLEKEY000001

"resources":[{"ARN":"","arn":"arn:a","type":1},7,{"ARNPrefix":"p","accountId":"1"}],"serviceEventDetails":["i-01234567","-01234567","a-b-c-d-0123456789abcdef0","i-0123456A"]
resource_arns=arn:a | NULL | p
resource_types=1 | NULL | NULL
resource_account_ids=NULL | NULL | 1
any_resource_ids=i-01234567 | a-b-c-d-0123456789abcdef0

"resources":[]
resource_arns=
any_arns=NULL

"eventSource":"s3.amazonaws.com","requestParameters":{"bucketName":["b"],"X-Amz-Acl":"","x-amz-acl":"private","x-amz-server-side-encryption":"AES256"},"responseElements":{"X-AMZ-Version-Id":"v"},"additionalEventData":{"bytesTransferredIn":"7.00","bytesTransferredOut":1e3,"objectSize":-1},"resources":[{"type":"AWS::S3::Object"},{"type":"AWS::S3::Bucket","accountId":"1"}]
s3_acl=private
s3_bucket_name=b
s3_bucket_owner_account_id=1
s3_bytes_in=7
s3_bytes_out=NULL
s3_object_size=-1
s3_object_version_id=v
s3_sse=AES256

"eventSource":"sqs.amazonaws.com","requestParameters":{"key":"k","instanceId":"i"}
s3_object_key=NULL
ec2_instance_ids=NULL

"eventSource":"ec2.amazonaws.com","responseElements":{"groupId":"sg-1","availabilityZone":""},"requestParameters":{"instancesSet":{"items":[{"instanceId":"i-1"},{"instanceId":""}]},"InstanceId":{"content":"i-2","tag":1},"x":[{"instanceId":["i-1",{"value":3}]}],"groupId":{"item":{"groupId":"sg-2"},"other":"sg-3"},"zone":"z"}
ec2_instance_ids=i-1 | i-2 | 3
ec2_security_group_ids=sg-1 | sg-2
ec2_availability_zone=z

"eventSource":"ec2.amazonaws.com","responseElements":{"items":[{"currentState":{"code":64,"name":"stopping"},"previousState":{"name":"on"}}]},"requestParameters":{"iamInstanceProfile":"","b":{"iamInstanceProfile":[{"name":"","arn":"a"},{"name":"n"}]},"createVolumePermission":{"remove":{"items":[{"userId":"9"}]},"add":{"items":[{"userId":"1"},{"group":"all"}]}}}
ec2_state=stopping
ec2_previous_state=on
ec2_iam_instance_profile=a
ec2_shared_with=1 | all

"eventSource":"ec2.amazonaws.com","eventName":"AuthorizeSecurityGroupIngress","requestParameters":{"groupId":"sg-0","ipPermissions":{"items":[{"ipProtocol":"tcp","fromPort":22,"toPort":22,"groups":{},"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0","description":"x"}]},"ipv6Ranges":{"items":{"cidrIpv6":"::/0"}}},{"ipProtocol":"-1","groups":{"items":[{"groupId":"sg-0a1b2c3d","userId":"1"},{"groupName":"web"}]},"prefixListIds":{"items":[{"prefixListId":"pl-1"}]}}]}}
ec2_ip_rules=tcp 22-22 0.0.0.0/0 | tcp 22-22 ::/0 | all *-* sg-0a1b2c3d | all *-* group:web | all *-* pl-1

"eventSource":"ec2.amazonaws.com","eventName":"RevokeSecurityGroupEgress","requestParameters":{"groupId":"sg-0","cidrIp":"10.0.0.0/8","ipProtocol":"icmp","fromPort":8,"toPort":-1,"ipPermissions":{}}
ec2_ip_rules=icmp 8-* 10.0.0.0/8

"eventSource":"ec2.amazonaws.com","eventName":"ModifySecurityGroupRules","requestParameters":{"ModifySecurityGroupRulesRequest":{"GroupId":"sg-0","SecurityGroupRule":{"SecurityGroupRuleId":"sgr-1","SecurityGroupRule":{"IpProtocol":"tcp","FromPort":80,"ToPort":81,"CidrIpv4":"1.2.3.4/32","ReferencedGroupId":"sg-9"}}}}
ec2_ip_rules=tcp 80-81 1.2.3.4/32 | tcp 80-81 sg-9

"eventSource":"ec2.amazonaws.com","eventName":"CreateSecurityGroup","requestParameters":{"cidrIp":"10.0.0.0/8"}
ec2_ip_rules=NULL
"#;

    fn record(members: &str) -> String {
        let comma = if members.is_empty() { "" } else { "," };
        format!(r#"{{"eventTime":"2024-02-29T00:00:00Z"{comma}{members}}}"#)
    }

    fn shown(cell: Option<&Cell>) -> String {
        match cell {
            None => "NULL".to_string(),
            Some(Cell::Text(text) | Cell::Json(text)) => text.clone(),
            Some(Cell::Bool(b)) => b.to_string(),
            Some(Cell::Int(n) | Cell::Time(n)) => n.to_string(),
            Some(Cell::List(list)) => {
                let texts: Vec<_> = list.iter().map(|t| t.as_deref().unwrap_or("NULL")).collect();
                texts.join(" | ")
            }
        }
    }

    #[test]
    fn rows() {
        for case in EXPECTED.trim().split("\n\n") {
            let (members, columns) = case.split_once('\n').unwrap();
            let row = row(&record(members), None).unwrap();
            assert!(same(&restore(&row), &record(members)), "{members}");
            for line in columns.lines() {
                let (column, expected) = line.split_once('=').unwrap();
                assert_eq!(shown(row.get(column)), expected, "{column} of {members}");
            }
        }
    }

    #[test]
    fn times() {
        let pairs = [
            ("1970-01-01T00:00:00Z", 0),
            ("2024-02-29 12:30:15.123999+0530", 1_709_190_015_123),
            ("0000-01-01T00:00:00z", -62_167_219_200_000),
            ("9999-12-31t23:59:59.9-01", 253_402_304_399_900),
        ];
        for (text, ms) in pairs {
            assert_eq!(millis(text), Some(ms));
        }
        #[rustfmt::skip]
        let bad = [
            "", "2024-01-01", "2023-02-29T00:00:00Z", "2024-00-01T00:00:00", "2024-01-01T24:00:00Z",
            "2024-01-01T00:00:60Z", "2024-01-01T00:00:00.Z", "2024-01-01T00:00:00Zx",
            "2024-01-01T00:00:00+1", "2024-01-01T00:00:00+01:0", "2024-01-01T00:00:0é",
        ];
        for text in bad {
            assert_eq!(millis(text), None, "{text}");
        }
        for seconds in [0, -1, 951_782_400, -62_167_219_200, 253_402_300_799, 1_709_210_415] {
            assert_eq!(millis(&wire_time(seconds * 1000)), Some(seconds * 1000));
        }
    }

    #[test]
    fn rejections() {
        let deep = "[".repeat(129);
        let cases = [
            ("[]", "not_an_object"),
            ("{} x", "invalid_json"),
            ("{\"a\":", "truncated"),
            (&deep, "too_deep"),
            (r#"{"eventCategory":"Aggregated","eventId":"1"}"#, "aggregated_event"),
            (&record(r#""eventSource":"aws:s3""#), "not_cloudtrail"),
            (r#"{"eventTime":null,"x":1}"#, "not_cloudtrail"),
            (r#"{"eventName":"x"}"#, "missing_event_time"),
            (r#"{"eventTime":1704067200}"#, "invalid_event_time"),
            (r#"{"eventTime":"2100-01-01T00:00:00Z"}"#, "time_out_of_range"),
        ];
        for (text, code) in cases {
            assert_eq!(row(text, None), Err(code), "{text}");
        }
    }

    #[test]
    fn envelopes() {
        let time = Some("2024-01-01T00:00:00Z".to_string());
        let account = Some("111122223333".to_string());
        let envelope = Envelope { time, account, ..Envelope::default() };
        let row = |text: &str| row(text, Some(&envelope));
        assert_eq!(row(r#"{"eventTime":"","eventID":"x"}"#), Err("invalid_event_time"));
        let row = row(r#"{"eventID":"x"}"#).unwrap();
        assert_eq!(row["event_time"], Cell::Time(1_704_067_200_000));
        assert_eq!(restore(&row), r#"{"eventID":"x"}"#);
        assert_eq!(partition(&row, Some(&envelope)).account_id, "111122223333");
    }

    #[test]
    fn partitions() {
        let cases = [
            ("", "management 2024-02-29 unknown unknown"),
            (r#""managementEvent":"false""#, "data 2024-02-29 unknown unknown"),
            (r#""eventCategory":"NetworkActivity","awsRegion":"eu-1""#, "network 2024-02-29 unknown eu-1"),
            (r#""eventCategory":"x","awsRegion":"../..""#, "other 2024-02-29 unknown unknown"),
            (r#""userIdentity":{"accountId":"111122223333"}"#, "management 2024-02-29 111122223333 unknown"),
        ];
        for (members, expected) in cases {
            let p = partition(&row(&record(members), None).unwrap(), None);
            let found = format!("{} {} {} {}", p.category, p.event_date, p.account_id, p.region);
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn sameness() {
        let cases = [
            (r#"{"a":1,"b":null,"c":{"d":null}}"#, r#"{ "c":{},"\u0061":1}"#, true),
            (r#"{"userIdentity":{"x":{},"y":{"z":null}}}"#, r#"{"userIdentity":{}}"#, true),
            (r#"{"a":1,"a":2}"#, r#"{"a":2}"#, true),
            (r#"{"a":"\ud83d\ude00\/"}"#, r#"{"a":"😀/"}"#, true),
            (r#"{"a":1.0}"#, r#"{"a":1}"#, false),
            (r#"{"x":{}}"#, "{}", false),
            (r#"{"a":[null]}"#, r#"{"a":[]}"#, false),
            (r#"{"userIdentity":{}}"#, "{}", false),
            (r#"{"userIdentity":{"x":{"y":{}}}}"#, r#"{"userIdentity":{}}"#, false),
            (r#"{"a":"\ud800"}"#, r#"{"a":"\ud801"}"#, false),
        ];
        for (a, b, expected) in cases {
            assert_eq!(same(a, b), expected, "{a} {b}");
        }
        assert!(!equal(r#"{"a":null}"#, "{}") && equal(r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#));
    }

    /// The real records belong to others and are not in this repository.
    #[test]
    fn real_records_come_back() {
        let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
        let named = std::env::var_os("TRAILSINK_SHARED_DATA").map(PathBuf::from);
        let folder = named.unwrap_or(beside).join("cloudtrail");
        let Ok(files) = std::fs::read_dir(&folder) else {
            println!("skipped: there is no {}; TRAILSINK_SHARED_DATA can name another", folder.display());
            return;
        };
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        let paths = files.map(|file| file.unwrap().path());
        for path in paths.filter(|p| p.extension().is_some_and(|e| e == "ndjson")) {
            for (i, line) in std::fs::read_to_string(&path).unwrap().lines().enumerate() {
                match row(line, None) {
                    Ok(row) => {
                        assert!(same(&restore(&row), line), "{}:{}", path.display(), i + 1);
                        row.keys().for_each(|column| *counts.entry(column).or_default() += 1);
                    }
                    Err(code) => *counts.entry(code).or_default() += 1,
                }
            }
        }
        println!("{counts:#?}");
        assert!(counts["event_time"] > 2100 && counts["missing_event_time"] == 103);
    }
}

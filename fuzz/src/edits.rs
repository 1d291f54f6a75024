//! Changes of texts that keep most of them JSON: values are replaced, copied, wrapped, taken away and spelled in other ways, so that
//! records with known members in strange places are reached, which changes of single bytes seldom make.

use crate::json::{Boundary, Found};

/// Values that a reader of records may trip over, and names of members.
#[rustfmt::skip]
const VALUES: &[&str] = &[
    "null", "true", "false", "0", "-0", "7.0", "1e400", "-1.50", "9223372036854775808", "{}", "[]", "[{}]", "[null]", "\"\"",
    "\"\\ud800\"", "\"\\u0000\"", "\"True\"", "\"7\"", "\"-1\"", "\"arn:aws:s3:::x\"", "\"i-0123456789abcdef0\"", "\"sg-01234567\"",
    "\"AKIAEXAMPLEKEY000009\"", "\"2026-10-04T09:01:05Z\"", "\"2026-10-04 09:01:05.5+01\"", "\"2100-01-01T00:00:00Z\"",
    "\"s3.amazonaws.com\"", "\"ec2.amazonaws.com\"", "\"aws:s3\"", "\"AuthorizeSecurityGroupIngress\"", "\"Failure\"",
    "\"Client.DryRunOperation\"", "\"AccessDenied\"", "\"Aggregated\"", "\"NetworkActivity\"", "\"AWS API Call via CloudTrail\"",
    "\"eventTime\"", "\"eventName\"", "\"eventSource\"", "\"userIdentity\"", "\"sessionContext\"", "\"attributes\"", "\"tlsDetails\"",
    "\"requestParameters\"", "\"responseElements\"", "\"additionalEventData\"", "\"resources\"", "\"ARN\"", "\"arn\"", "\"type\"",
    "\"items\"", "\"item\"", "\"content\"", "\"value\"", "\"name\"", "\"instanceId\"", "\"InstanceId\"", "\"groupId\"", "\"cidrIp\"",
    "\"ipPermissions\"", "\"currentState\"", "\"iamInstanceProfile\"", "\"launchPermission\"", "\"add\"", "\"userId\"", "\"zone\"",
    "\"X-AMZ-ACL\"", "\"versionId\"", "\"detail\"", "\"detail-type\"", "\"Records\"", "\"body\"", "\"CloudTrailEvent\"",
];

const WRAPPINGS: &[(&str, &str)] =
    &[("[", "]"), ("[null,", "]"), ("{\"items\":", "}"), ("{\"content\":", ",\"tag\":1}"), ("{\"a\":", "}"), ("[[[[[[[[", "]]]]]]]]")];

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end as u64) as usize
    }

    fn of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

/// Changes a text in one to four places.
pub fn edit(text: &[u8], seed: u32) -> Vec<u8> {
    let mut random = Random(u64::from(seed));
    let mut text = text.to_vec();
    for _ in 0..=random.below(4) {
        text = edit_once(&text, &mut random);
    }
    text
}

fn edit_once(text: &[u8], random: &mut Random) -> Vec<u8> {
    let starts = starts(text);
    if starts.is_empty() {
        return random.of(VALUES).as_bytes().to_vec();
    }
    let piece = |start: usize| &text[start..start + end(&text[start..])];
    let start = *random.of(&starts);
    let (before, here) = (&text[..start], piece(start));
    let after = &text[start + here.len()..];
    let other = piece(*random.of(&starts));
    let value = random.of(VALUES).as_bytes();
    match random.below(9) {
        0 | 1 => [before, value, after].concat(),
        2 => [before, other, after].concat(),
        // A name may come again, or a value without a name.
        3 => [before, here, b",", other, after].concat(),
        4 => [before, value, b":", other, b",", here, after].concat(),
        5 => {
            let (open, close) = random.of(WRAPPINGS);
            [before, open.as_bytes(), here, close.as_bytes(), after].concat()
        }
        6 => [before, after].concat(),
        7 => {
            let blank: &&[u8] = random.of(&[b" ", b"\n", b"\t\r "]);
            [before, blank, here, blank, after].concat()
        }
        _ => match here.iter().position(u8::is_ascii_alphanumeric) {
            Some(at) if here[0] == b'"' => {
                let spelled = format!("\\u{:04x}", here[at]);
                [before, &here[..at], spelled.as_bytes(), &here[at + 1..], after].concat()
            }
            _ => [before, here, here, after].concat(),
        },
    }
}

/// Where names and values begin, as far as that can be told.
fn starts(text: &[u8]) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += match byte {
            b'{' | b'[' => {
                starts.push(at);
                1
            }
            b'"' | b'-' | b'0'..=b'9' | b'a'..=b'z' => {
                starts.push(at);
                end(&text[at..]).max(1)
            }
            _ => 1,
        };
    }
    starts
}

/// Where what begins here ends: a string, a nested value by its brackets, a word by what cannot be in one.
fn end(text: &[u8]) -> usize {
    if matches!(text[0], b'{' | b'[' | b'"') {
        return match Boundary::default().feed(text) {
            Found::End(end) | Found::BrokenOff(end) => end.max(1),
            Found::More => text.len(),
        };
    }
    text.iter().position(|byte| b"{}[]\",: \t\r\n".contains(byte)).unwrap_or(text.len()).max(1)
}

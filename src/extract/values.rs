//! What a text may be: a time, a whole number, a shape that is collected.

use crate::columns::Pattern;

/// Earliest time of a record: 2006-01-01T00:00:00Z in milliseconds. AWS began in that year.
pub const MIN_TIME: i64 = 1_136_073_600_000;
/// First time that is too late: 2100-01-01T00:00:00Z in milliseconds.
pub const MAX_TIME: i64 = 4_102_444_800_000;
/// Milliseconds of a day.
pub const DAY: i64 = 86_400_000;

/// Reads `YYYY-MM-DD`, `T`, `t` or a space, `hh:mm:ss[.fraction]`, then `Z`, `z`, an offset or nothing (UTC): the
/// milliseconds since 1970 (what is past milliseconds is cut), and whether it is spelled `YYYY-MM-DDThh:mm:ssZ`.
pub fn parse_time(text: &str) -> Option<(i64, bool)> {
    let bytes = text.as_bytes();
    let (head, mut rest) = bytes.split_first_chunk::<19>()?;
    let [y0, y1, y2, y3, b'-', mo0, mo1, b'-', d0, d1, between, h0, h1, b':', mi0, mi1, b':', s0, s1] = *head else {
        return None;
    };
    if !matches!(between, b'T' | b't' | b' ') {
        return None;
    }
    let year = two(y0, y1)? * 100 + two(y2, y3)?;
    let (month, day) = (two(mo0, mo1)?, two(d0, d1)?);
    let (hour, minute, second) = (two(h0, h1)?, two(mi0, mi1)?, two(s0, s1)?);
    let at = jiff::civil::DateTime::new(
        i16::try_from(year).ok()?,
        month as i8,
        day as i8,
        hour as i8,
        minute as i8,
        second as i8,
        0,
    );
    let epoch = jiff::civil::DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
    let mut ms = at.ok()?.duration_since(epoch).as_secs() * 1000;
    if rest == b"Z" {
        return Some((ms, between == b'T'));
    }
    if let [b'.', fraction @ ..] = rest {
        let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return None;
        }
        let mut scale = 100;
        for digit in &fraction[..digits.min(3)] {
            ms += i64::from(digit - b'0') * scale;
            scale /= 10;
        }
        rest = &fraction[digits..];
    }
    let offset = match *rest {
        [] | [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), h0, h1, ref minutes @ ..] => {
            let minutes = match *minutes {
                [] => 0,
                [m0, m1] | [b':', m0, m1] => two(m0, m1)?,
                _ => return None,
            };
            let hours = two(h0, h1)?;
            if hours > 23 || minutes > 59 {
                return None;
            }
            (hours * 60 + minutes) * if sign == b'-' { -60_000 } else { 60_000 }
        }
        _ => return None,
    };
    Some((ms - offset, false))
}

#[inline]
fn two(tens: u8, ones: u8) -> Option<i64> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i64::from(tens) * 10 + i64::from(ones))
}

/// Reads `7`, `-7`, `7.0` if it fits.
pub fn parse_int(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if fraction.is_empty() || fraction.bytes().any(|byte| byte != b'0') || whole.starts_with('+') {
        return None;
    }
    whole.parse().ok()
}

/// Whether a text has the shape.
pub fn matches(pattern: Pattern, text: &str) -> bool {
    match pattern {
        Pattern::Arn => text.starts_with("arn:"),
        Pattern::AccessKeyId => is_access_key_id(text.as_bytes()),
        Pattern::ResourceId => is_resource_id(text.as_bytes()),
    }
}

fn is_access_key_id(text: &[u8]) -> bool {
    text.len() == 20
        && matches!(text, [b'A', b'K' | b'S', b'I', b'A', rest @ ..]
            if rest.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()))
}

fn is_resource_id(text: &[u8]) -> bool {
    let hex = |part: &[u8]| part.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    // The dash that counts is the last one, 8 or 17 bytes before the end: a cheap no for nearly every text.
    let Some(dash) = [9, 18].into_iter().filter_map(|n| text.len().checked_sub(n)).find(|&at| text[at] == b'-') else {
        return false;
    };
    dash <= 83
        && hex(&text[dash + 1..])
        && text[..dash].split(|byte| *byte == b'-').count() <= 4
        && text[..dash]
            .split(|byte| *byte == b'-')
            .all(|word| (1..=20).contains(&word.len()) && word.iter().all(u8::is_ascii_lowercase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_the_contract_says() {
        let t = 1_791_104_465_000;
        for (text, ms, wire) in [
            ("2026-10-04T09:01:05Z", t, true),
            ("2026-10-04t09:01:05z", t, false),
            ("2026-10-04 09:01:05", t, false),
            ("2026-10-04T09:01:05.123999999Z", t + 123, false),
            ("2026-10-04 09:01:05.5", t + 500, false),
            ("2026-10-04T11:01:05+02:00", t, false),
            ("2026-10-04T03:31:05-0530", t, false),
            ("2026-10-04T10:01:05+01", t, false),
            ("2024-02-29T00:00:00Z", 1_709_164_800_000, true),
            ("0000-01-01T00:00:00Z", -62_167_219_200_000, true),
            ("9999-12-31T23:59:59-23:59", 253_402_300_799_000 + 86_340_000, false),
        ] {
            assert_eq!(parse_time(text), Some((ms, wire)), "{text}");
        }
        for text in [
            "",
            "string",
            "2026-02-31T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-10-04",
            "2026-10-04T24:00:00Z",
            "2026-10-04T09:60:05Z",
            "2026-10-04T09:01:60Z",
            "2026-10-04T09:01:05.Z",
            "2026-10-04T09:01:05+24:00",
            "2026-10-04T09:01:05 Z",
            "20261004T090105Z",
            "2026-10-04T09:01:05ZZ",
            "2026-1-04T09:01:05Z",
            "+026-10-04T09:01:05Z",
            "2026-10-04T09:01:05+1",
            "2026-10-04T09:01:05é",
        ] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }

    #[test]
    fn range_is_that_of_the_contract() {
        assert_eq!(parse_time("2006-01-01T00:00:00Z"), Some((MIN_TIME, true)));
        assert_eq!(parse_time("2100-01-01T00:00:00Z"), Some((MAX_TIME, true)));
    }

    #[test]
    fn whole_numbers() {
        for (text, n) in [
            ("7", Some(7)),
            ("-1", Some(-1)),
            ("7.0", Some(7)),
            ("7.000", Some(7)),
            ("7.5", None),
            ("7.", None),
            ("1e3", None),
            ("", None),
            ("+7", None),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
        ] {
            assert_eq!(parse_int(text), n, "{text}");
        }
    }

    #[test]
    fn shapes() {
        for text in [
            "i-0123abcd",
            "i-0123456789abcdef0",
            "snap-0a0a0a0a",
            "eipalloc-0123abcd",
            "tgw-attach-0123456789abcdef0",
            "a-b-c-d-01234567",
        ] {
            assert!(matches(Pattern::ResourceId, text), "{text}");
        }
        for text in [
            "i-0123abc",
            "i-0123ABCD",
            "I-0123abcd",
            "a-b-c-d-e-01234567",
            "-01234567",
            "i--01234567",
            "abcdefghijklmnopqrstu-01234567",
            "01234567",
            "i-0123456789abcdef",
            "i-01234567\n",
        ] {
            assert!(!matches(Pattern::ResourceId, text), "{text}");
        }
        assert!(matches(Pattern::AccessKeyId, "AKIAEXAMPLEKEY000001"));
        assert!(matches(Pattern::AccessKeyId, "ASIAEXAMPLEKEY000001"));
        for text in ["AKIAEXAMPLEKEY00001", "AXIAEXAMPLEKEY000001", "AKIAexampleKEY000001", "AROAEXAMPLEKEY000001"] {
            assert!(!matches(Pattern::AccessKeyId, text), "{text}");
        }
    }
}

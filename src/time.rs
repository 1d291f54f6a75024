//! Times as text, both ways: the forms that records have, and the one that they are printed in.

use jiff::SignedDuration;
use jiff::civil::DateTime;

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

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
    let at =
        DateTime::new(i16::try_from(year).ok()?, month as i8, day as i8, hour as i8, minute as i8, second as i8, 0);
    let mut ms = at.ok()?.duration_since(EPOCH).as_secs() * 1000;
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

/// `YYYY-MM-DDThh:mm:ssZ`, CloudTrail's form; milliseconds are cut. None for times that no such text stands for.
pub fn wire(ms: i64) -> Option<String> {
    Some(format!("{}Z", at(ms.div_euclid(1000) * 1000)?))
}

/// `YYYY-MM-DDThh:mm:ss.mmmZ`.
pub fn with_millis(ms: i64) -> String {
    at(ms).map(|at| format!("{at:.3}Z")).unwrap_or_default()
}

/// `YYYY-MM-DD` of a number of days since 1970.
pub fn date(days: i32) -> String {
    at(i64::from(days) * DAY).map(|at| at.date().to_string()).unwrap_or_default()
}

/// None for times that no text of a record stands for: years past 9999.
fn at(ms: i64) -> Option<DateTime> {
    EPOCH.checked_add(SignedDuration::from_millis(ms)).ok()
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
    fn what_is_in_the_wire_form_is_printed_as_it_was() {
        for text in ["2026-10-04T09:01:05Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2024-02-29T00:00:00Z"] {
            let (ms, exact) = parse_time(text).unwrap();
            assert!(exact);
            assert_eq!(wire(ms).as_deref(), Some(text));
        }
        assert_eq!(with_millis(1_791_104_465_007), "2026-10-04T09:01:05.007Z");
        assert_eq!(date(20730), "2026-10-04");
    }
}

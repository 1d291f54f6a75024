//! Times: the forms that are read, and the one that is written.

use super::json::is_all;

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
pub(super) fn wire_time(ms: i64) -> String {
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

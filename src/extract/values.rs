//! What a text may be: a whole number, a shape that is collected.

use crate::columns::Pattern;

/// Reads `7`, `-7`, `7.0` if it fits.
pub fn parse_int(text: &str) -> Option<i64> {
    if text.starts_with('+') {
        return None;
    }
    text.parse().ok().or_else(|| {
        let (whole, fraction) = text.split_once('.')?;
        (!fraction.is_empty() && fraction.bytes().all(|byte| byte == b'0')).then(|| whole.parse().ok())?
    })
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
    let Some((b"AKIA" | b"ASIA", rest)) = text.split_first_chunk() else { return false };
    // All of them, whatever the first is: so they are looked at together.
    let is_of_key = |byte: &u8| byte.is_ascii_uppercase() | byte.is_ascii_digit();
    <&[u8; 16]>::try_from(rest).is_ok_and(|rest| rest.iter().fold(true, |all, byte| all & is_of_key(byte)))
}

/// One to four words of one to twenty letters with dashes between them, a dash, 8 or 17 hexadecimal digits.
fn is_resource_id(text: &[u8]) -> bool {
    // The dash that counts is the last one, 8 or 17 bytes before the end: a cheap no for nearly every text.
    let Some(dash) = [9, 18].into_iter().filter_map(|n| text.len().checked_sub(n)).find(|&at| text[at] == b'-') else {
        return false;
    };
    // All of them, whatever the first is, as above: eight, and of seventeen the last sixteen and the first.
    let digits = &text[dash + 1..];
    let is_digit = |byte: u8| byte.is_ascii_digit() | (byte.wrapping_sub(b'a') < 6);
    let are_digits = match (digits.last_chunk::<16>(), digits.first_chunk::<8>()) {
        (Some(last), _) => last.iter().fold(is_digit(digits[0]), |all, byte| all & is_digit(*byte)),
        (None, Some(first)) => first.iter().fold(true, |all, byte| all & is_digit(*byte)),
        (None, None) => false,
    };
    if dash > 83 || !are_digits {
        return false;
    }
    let (mut words, mut length) = (1, 0);
    for byte in &text[..dash] {
        match byte {
            b'a'..=b'z' if length < 20 => length += 1,
            b'-' if length > 0 => (words, length) = (words + 1, 0),
            _ => return false,
        }
    }
    words <= 4 && length > 0
}

#[cfg(test)]
mod tests {
    use super::*;

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

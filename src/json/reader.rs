//! A forward reader over UTF-8 text that checks every byte it passes and allocates nothing.
//!
//! Strings are searched 32 bytes at a time for what can end or spoil them (quote, backslash, control character);
//! CloudTrail records are strings for more than nine tenths of their bytes.

use super::{Error, ErrorKind, MAX_DEPTH, Result};
use wide::u8x16;

/// A string in the text: the bytes between its quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quoted {
    /// First byte after the opening quote.
    pub start: usize,
    /// The closing quote.
    pub end: usize,
    /// Whether there is a backslash in it.
    pub escaped: bool,
}

/// Reads one text from front to back.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    /// Where the next token is looked for.
    pub at: usize,
    /// Set when insignificant whitespace was passed; whoever wants to know resets it before.
    pub passed_whitespace: bool,
}

impl<'a> Reader<'a> {
    /// A reader that begins at byte `at`.
    pub fn new(text: &'a str, at: usize) -> Self {
        Reader { text, bytes: text.as_bytes(), at, passed_whitespace: false }
    }

    /// The text between two places that this reader has seen.
    #[inline]
    pub fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// The whole text.
    pub fn text(&self) -> &'a str {
        self.text
    }

    fn error<T>(&self, kind: ErrorKind, at: usize) -> Result<T> {
        Err(Error { kind, at })
    }

    /// The error for an unexpected byte here, or for the end of the text.
    #[cold]
    pub fn unexpected<T>(&self) -> Result<T> {
        let kind = if self.at >= self.bytes.len() { ErrorKind::Truncated } else { ErrorKind::Invalid };
        self.error(kind, self.at)
    }

    /// Passes whitespace and gives the next byte without passing it; 0 at the end of the text.
    #[inline]
    pub fn peek(&mut self) -> u8 {
        match self.bytes.get(self.at) {
            Some(&byte) if byte > b' ' => byte,
            Some(_) => self.peek_after_whitespace(),
            None => 0,
        }
    }

    fn peek_after_whitespace(&mut self) -> u8 {
        while let Some(&byte) = self.bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return byte;
            }
            self.passed_whitespace = true;
            self.at += 1;
        }
        0
    }

    /// Passes `byte`, which must come next.
    #[inline]
    pub fn expect(&mut self, byte: u8) -> Result<()> {
        if self.peek() != byte {
            return self.unexpected();
        }
        self.at += 1;
        Ok(())
    }

    /// The bytes that come next.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// After an opening bracket: whether there is a first element, else passes the closing bracket.
    #[inline]
    pub fn first(&mut self, close: u8) -> Result<bool> {
        if self.peek() == close {
            self.at += 1;
            return Ok(false);
        }
        Ok(true)
    }

    /// After an element: passes a comma (true) or the closing bracket (false).
    #[inline]
    pub fn next(&mut self, close: u8) -> Result<bool> {
        let byte = self.peek();
        if byte == b',' || byte == close {
            self.at += 1;
            return Ok(byte == b',');
        }
        self.unexpected()
    }

    /// Reads a member's name and its colon.
    #[inline]
    pub fn key(&mut self) -> Result<Quoted> {
        if self.peek() != b'"' {
            return self.unexpected();
        }
        let key = self.string()?;
        self.expect(b':')?;
        Ok(key)
    }

    /// Reads the string whose opening quote is next.
    #[inline]
    pub fn string(&mut self) -> Result<Quoted> {
        let start = self.at + 1;
        let mut at = start;
        let mut escaped = false;
        loop {
            at = plain_until(self.bytes, at);
            match self.bytes.get(at) {
                Some(b'"') => {
                    self.at = at + 1;
                    return Ok(Quoted { start, end: at, escaped });
                }
                Some(b'\\') => {
                    escaped = true;
                    // Where one is, more often follow: looking at 32 bytes for each would take five times as long.
                    while self.bytes.get(at) == Some(&b'\\') {
                        at = self.escape(at)?;
                    }
                }
                Some(_) => return self.error(ErrorKind::Invalid, at),
                None => return self.error(ErrorKind::Truncated, at),
            }
        }
    }

    /// Checks the escape whose backslash is at `at`; gives the byte after it.
    fn escape(&self, at: usize) -> Result<usize> {
        match self.bytes.get(at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
            Some(b'u') => {
                for i in at + 2..at + 6 {
                    match self.bytes.get(i) {
                        Some(byte) if byte.is_ascii_hexdigit() => {}
                        Some(_) => return self.error(ErrorKind::Invalid, i),
                        None => return self.error(ErrorKind::Truncated, i),
                    }
                }
                Ok(at + 6)
            }
            Some(_) => self.error(ErrorKind::Invalid, at),
            None => self.error(ErrorKind::Truncated, at + 1),
        }
    }

    /// Passes a number, `true`, `false` or `null`.
    #[inline]
    pub fn scalar(&mut self) -> Result<()> {
        match self.peek() {
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.literal(b"true"),
            b'f' => self.literal(b"false"),
            b'n' => self.literal(b"null"),
            _ => self.unexpected(),
        }
    }

    #[inline]
    fn literal(&mut self, word: &[u8]) -> Result<()> {
        if self.rest().starts_with(word) {
            self.at += word.len();
            return Ok(());
        }
        for &byte in word {
            if self.bytes.get(self.at) != Some(&byte) {
                break;
            }
            self.at += 1;
        }
        self.unexpected()
    }

    fn number(&mut self) -> Result<()> {
        if self.bytes.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        match self.bytes.get(self.at) {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.bytes.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.bytes.get(self.at) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    /// At least one digit.
    fn digits(&mut self) -> Result<()> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.bytes.get(self.at) {
            self.at += 1;
        }
        if self.at == start { self.unexpected() } else { Ok(()) }
    }

    /// Passes the next value whole, whatever it is, checking it; `depth` is how many brackets are open around it.
    pub fn skip(&mut self, depth: usize) -> Result<()> {
        match self.peek() {
            b'"' => self.string().map(|_| ()),
            open @ (b'{' | b'[') => self.skip_nested(open, depth),
            _ => self.scalar(),
        }
    }

    /// Without recursion: one bit a level says whether it is an object.
    fn skip_nested(&mut self, open: u8, outer: usize) -> Result<()> {
        let mut objects: u128 = 0;
        let mut depth = 0;
        let mut open = Some(open);
        loop {
            if let Some(bracket) = open.take() {
                if outer + depth >= MAX_DEPTH {
                    return self.error(ErrorKind::TooDeep, self.at);
                }
                depth += 1;
                objects = objects << 1 | u128::from(bracket == b'{');
                self.at += 1;
                if !self.first(if bracket == b'{' { b'}' } else { b']' })? {
                    depth -= 1;
                    objects >>= 1;
                    if !self.close_levels(&mut depth, &mut objects)? {
                        return Ok(());
                    }
                }
            }
            if objects & 1 == 1 {
                self.key()?;
            }
            match self.peek() {
                b'"' => {
                    self.string()?;
                }
                bracket @ (b'{' | b'[') => {
                    open = Some(bracket);
                    continue;
                }
                _ => self.scalar()?,
            }
            if !self.close_levels(&mut depth, &mut objects)? {
                return Ok(());
            }
        }
    }

    /// After a value: passes closing brackets up to a comma (true) or to the end of the outermost level (false).
    fn close_levels(&mut self, depth: &mut usize, objects: &mut u128) -> Result<bool> {
        while *depth > 0 {
            if self.next(if *objects & 1 == 1 { b'}' } else { b']' })? {
                return Ok(true);
            }
            *depth -= 1;
            *objects >>= 1;
        }
        Ok(false)
    }
}

/// The first byte from `at` on that is a quote, a backslash or a control character, or the end of the text.
///
/// 32 bytes at first, which is as far as most strings go, so that there is no branch on how long one is.
#[inline]
pub fn plain_until(bytes: &[u8], at: usize) -> usize {
    let Some(chunk) = window(bytes, at) else { return plain_to_end(bytes, at) };
    let stops = Marks::of(chunk).stops;
    if stops != 0 { at + stops.trailing_zeros() as usize } else { plain_further(bytes, at + 32) }
}

#[inline(never)]
fn plain_further(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = window(bytes, at) {
        let stops = Marks::of(chunk).stops;
        if stops != 0 {
            return at + stops.trailing_zeros() as usize;
        }
        at += 32;
    }
    plain_to_end(bytes, at)
}

#[cold]
fn plain_to_end(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(|byte| !matches!(byte, 0..0x20 | b'"' | b'\\')) {
        at += 1;
    }
    at
}

/// The 32 bytes from `at` on; None where fewer are left.
#[inline]
pub fn window(bytes: &[u8], at: usize) -> Option<&[u8; 32]> {
    bytes.get(at..)?.first_chunk()
}

/// Of 32 bytes, as bits, the quotes, and all that can end or spoil a string: quotes, backslashes, control characters.
#[derive(Debug, Clone, Copy)]
pub struct Marks {
    /// Quotes.
    pub quotes: u32,
    /// Quotes, backslashes, control characters.
    pub stops: u32,
}

impl Marks {
    /// Looks at the bytes of a window.
    #[inline(always)]
    pub fn of(window: &[u8; 32]) -> Marks {
        let (quote, backslash, control) = (u8x16::splat(b'"'), u8x16::splat(b'\\'), u8x16::splat(0x1f));
        let (halves, _) = window.as_chunks::<16>();
        let of = |half: usize| {
            let v = u8x16::new(halves[half]);
            let quotes = v.simd_eq(quote);
            (quotes.to_bitmask(), (quotes | v.simd_eq(backslash) | v.min(control).simd_eq(v)).to_bitmask())
        };
        let (low, high) = (of(0), of(1));
        Marks { quotes: low.0 | high.0 << 16, stops: low.1 | high.1 << 16 }
    }
}

/// What an escape stands for.
pub(super) enum Escape {
    /// A character.
    Character(char),
    /// Half of a surrogate pair, without the other half: no text.
    Lone(u16),
}

/// The escape (already checked) at the start of `rest`, and how many bytes it takes.
pub(super) fn read_escape(rest: &str) -> (Escape, usize) {
    let unit = |from: usize| -> Option<u16> { u16::from_str_radix(rest.get(from..from + 4)?, 16).ok() };
    let character = match rest.as_bytes().get(1) {
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => {
            let high = unit(2).unwrap_or_default();
            let low = if rest.get(6..8) == Some("\\u") { unit(8) } else { None };
            return match char::decode_utf16([high].into_iter().chain(low)).next() {
                Some(Ok(character)) => (Escape::Character(character), 6 * character.len_utf16()),
                _ => (Escape::Lone(high), 6),
            };
        }
        Some(&other) => char::from(other),
        None => '\\',
    };
    (Escape::Character(character), 2)
}

/// Appends the text of a string's inside (already checked by a reader) with its escapes undone.
///
/// False, with nothing appended, where a lone surrogate makes it no text.
pub fn unescape(inside: &str, out: &mut String) -> bool {
    let begin = out.len();
    let mut rest = inside;
    while let Some(at) = if rest.starts_with('\\') { Some(0) } else { memchr::memchr(b'\\', rest.as_bytes()) } {
        out.push_str(&rest[..at]);
        let (escape, length) = read_escape(&rest[at..]);
        match escape {
            Escape::Character(character) => out.push(character),
            Escape::Lone(_) => {
                out.truncate(begin);
                return false;
            }
        }
        rest = rest.get(at + length..).unwrap_or_default();
    }
    out.push_str(rest);
    true
}

/// Whether a string's inside (already checked by a reader), with its escapes undone, begins with a text.
pub fn begins(inside: &str, text: &str) -> bool {
    let mut rest = inside;
    text.chars().all(|wanted| {
        let (found, length) = match rest.chars().next() {
            Some('\\') => match read_escape(rest) {
                (Escape::Character(character), length) => (Some(character), length),
                (Escape::Lone(_), length) => (None, length),
            },
            other => (other, other.map_or(0, char::len_utf8)),
        };
        rest = rest.get(length..).unwrap_or_default();
        found == Some(wanted)
    })
}

/// Appends a value (already checked) without its insignificant whitespace.
pub fn minify(value: &str, out: &mut String) {
    let bytes = value.as_bytes();
    let mut at = 0;
    let mut copied = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let mut reader = Reader::new(value, at);
                at = reader.string().map_or_else(|error| error.at.max(at + 1), |quoted| quoted.end + 1);
            }
            b' ' | b'\n' | b'\r' | b'\t' => {
                out.push_str(&value[copied..at]);
                at += 1;
                copied = at;
            }
            _ => at += 1,
        }
    }
    out.push_str(value.get(copied..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<()> {
        let mut reader = Reader::new(text, 0);
        reader.skip(0)?;
        if reader.peek() != 0 || reader.at != text.len() { reader.unexpected() } else { Ok(()) }
    }

    #[test]
    fn takes_what_rfc_8259_takes_and_nothing_else() {
        let good = [
            "0",
            "-0",
            "1.5e+10",
            "1E400",
            "-12.03",
            "true",
            "false",
            "null",
            "\"\"",
            "\"\\ud800\"",
            "\"é\u{7f}\"",
            "[]",
            "{}",
            " [ 1 , { \"a\" : [ ] } ] \n",
            "{\"\":{\"\":[[],{}]},\"b\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"}",
        ];
        for text in good {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        let bad = [
            "",
            " ",
            "01",
            "+1",
            "1.",
            ".5",
            "1e",
            "-",
            "tru",
            "nul",
            "NaN",
            "'a'",
            "\"a",
            "\"\t\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "[1,]",
            "[1 2]",
            "[,1]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "{\"a\":1 \"b\":2}",
            "[1}",
            "{\"a\":1]",
            "1 2",
            "[",
            "{",
            "]",
            "}",
            "[\"\\",
            "\u{feff}1",
            "[1]x",
        ];
        for text in bad {
            assert!(check(text).is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn says_where_and_whether_more_text_could_help() {
        assert_eq!(check("{\"a\":tru").unwrap_err(), Error { kind: ErrorKind::Truncated, at: 8 });
        assert_eq!(check("{\"a\":trx").unwrap_err(), Error { kind: ErrorKind::Invalid, at: 7 });
        // Wherever a text is cut, the error lies at its end: whoever has more of it knows to come again.
        let text = "{\"a\":[1.5e+7,true,null,\"b\\n\\u00e9\\\\\",{\"c\":\"é\"}]}";
        for cut in (1..text.len()).filter(|cut| text.is_char_boundary(*cut)) {
            assert_eq!(
                check(&text[..cut]).unwrap_err(),
                Error { kind: ErrorKind::Truncated, at: cut },
                "{}",
                &text[..cut]
            );
        }
    }

    #[test]
    fn depth_is_limited() {
        let nested = |n: usize| "[".repeat(n) + &"]".repeat(n);
        assert_eq!(check(&nested(MAX_DEPTH)), Ok(()));
        assert_eq!(check(&nested(MAX_DEPTH + 1)).unwrap_err().kind, ErrorKind::TooDeep);
        assert_eq!(check(&nested(1_000_000)).unwrap_err().kind, ErrorKind::TooDeep);
    }

    #[test]
    fn strings_end_where_they_end_at_every_length() {
        for n in 0..70 {
            for tail in ["", "\\n", "é", "\\\\"] {
                let text = format!("\"{}{tail}\" ", "x".repeat(n));
                let quoted = Reader::new(&text, 0).string().unwrap();
                assert_eq!((quoted.start, quoted.end), (1, text.len() - 2));
                assert_eq!(quoted.escaped, tail.starts_with('\\'));
            }
            let spoiled = format!("\"{}\u{1}aaaaaaaaaaaaaaaaaaaa\"", "x".repeat(n));
            assert_eq!(Reader::new(&spoiled, 0).string().unwrap_err().at, n + 1);
        }
    }

    #[test]
    fn escapes_are_undone_and_lone_surrogates_refused() {
        let undone = |text: &str| {
            let mut out = String::from("<");
            unescape(text, &mut out).then_some(out)
        };
        assert_eq!(undone(r#"a\"\\\/\b\f\n\r\té\u00e9\ud83d\ude00z"#).unwrap(), "<a\"\\/\u{8}\u{c}\n\r\téé😀z");
        for lone in [r"\ud800", r"\udc00", r"\ud800\u0041", r"\ud800x", r"\udc00\ud800"] {
            assert_eq!(undone(lone), None, "{lone}");
        }
    }

    #[test]
    fn beginnings() {
        for inside in ["arn:", "arn:aws", r"\u0061rn:x", r"a\u0072n\u003a\u00e9"] {
            assert!(begins(inside, "arn:"), "{inside}");
        }
        for inside in ["", "arn", "Arn:", r"\u0041rn:", r"\ud800arn:", r"ar\nn:", r"\\arn:", r"arn\"] {
            assert!(!begins(inside, "arn:"), "{inside}");
        }
    }

    #[test]
    fn minify_leaves_strings_alone() {
        let mut out = String::new();
        minify(" { \"a b\" : [ 1 ,\t\"c \\\" d\" ] ,\r\n \"e\":\" \" } ", &mut out);
        assert_eq!(out, "{\"a b\":[1,\"c \\\" d\"],\"e\":\" \"}");
    }
}

//! Finds where a value ends by its brackets and quotes alone, over any bytes, in pieces if need be.
//!
//! Tolerant on purpose: it isolates an element that breaks the grammar, is not UTF-8, is too deep or too large, so
//! that its neighbours are not lost with it.

/// State between two pieces of one value.
#[derive(Debug, Clone, Default)]
pub struct Boundary {
    depth: usize,
    /// Of each open bracket whether it is a brace, 64 to a word.
    braces: Vec<u64>,
    in_string: bool,
    after_backslash: bool,
    started: bool,
}

/// How a search in one piece ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// The value ends before this byte of the piece.
    End(usize),
    /// A raw line break inside a string, or a bracket that closes one of the other kind, at this byte: no JSON has that, so
    /// where the value ends cannot be told.
    BrokenOff(usize),
    /// The value goes on after this piece.
    More,
}

impl Boundary {
    /// Looks for the end of the value in the next piece of it.
    pub fn feed(&mut self, piece: &[u8]) -> Found {
        let mut at = 0;
        while let Some(&byte) = piece.get(at) {
            if self.in_string {
                if self.after_backslash {
                    self.after_backslash = false;
                    at += 1;
                    continue;
                }
                let Some(skip) = memchr::memchr3(b'"', b'\\', b'\n', &piece[at..]) else {
                    return Found::More;
                };
                at += skip;
                match piece[at] {
                    b'"' => {
                        self.in_string = false;
                        if self.depth == 0 {
                            return Found::End(at + 1);
                        }
                    }
                    b'\\' => self.after_backslash = true,
                    _ => return Found::BrokenOff(at),
                }
                at += 1;
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.open(byte == b'{'),
                b'}' | b']' if self.depth > 0 && self.is_brace() != (byte == b'}') => return Found::BrokenOff(at),
                b'}' | b']' => {
                    if self.depth <= 1 {
                        // Closing what was never opened ends the value before the bracket.
                        return Found::End(if self.depth == 1 { at + 1 } else { at.max(usize::from(!self.started)) });
                    }
                    self.depth -= 1;
                }
                b',' | b' ' | b'\t' | b'\r' | b'\n' if self.depth == 0 && self.started => return Found::End(at),
                _ => {}
            }
            self.started = true;
            at += 1;
        }
        Found::More
    }
}

impl Boundary {
    fn open(&mut self, brace: bool) {
        let (word, bit) = (self.depth / 64, self.depth % 64);
        if self.braces.len() == word {
            self.braces.push(0);
        }
        self.braces[word] = self.braces[word] & !(1 << bit) | u64::from(brace) << bit;
        self.depth += 1;
    }

    /// Whether the innermost open bracket is a brace.
    fn is_brace(&self) -> bool {
        let innermost = self.depth - 1;
        self.braces[innermost / 64] >> (innermost % 64) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_where_the_value_ends_in_one_piece_or_many() {
        let cases: &[(&str, usize)] = &[
            (r#"{"a":"}]\"","b":[{}]},x"#, 21),
            (r#"[1,[2],"]"] "#, 11),
            (r#""a,b",1"#, 5),
            ("123,4", 3),
            ("tru]", 3),
            ("{tru: [nope]}]}", 13),
            ("]", 1),
        ];
        for (text, end) in cases {
            assert_eq!(Boundary::default().feed(text.as_bytes()), Found::End(*end), "{text}");
            let mut boundary = Boundary::default();
            let found = text.bytes().enumerate().find_map(|(i, byte)| match boundary.feed(&[byte]) {
                Found::End(n) => Some(i + n),
                Found::More => None,
                Found::BrokenOff(_) => panic!(),
            });
            assert_eq!(found, Some(*end), "{text} byte by byte");
        }
        assert_eq!(Boundary::default().feed(b"{\"a\":\"b\n{}"), Found::BrokenOff(7));
        assert_eq!(Boundary::default().feed(b"{\"a\":{}"), Found::More);
        assert_eq!(Boundary::default().feed(b"{\"a\":[}"), Found::BrokenOff(6));
        let deep = "[{\"a\":".repeat(100) + &"}]".repeat(100);
        assert_eq!(Boundary::default().feed(deep.as_bytes()), Found::End(deep.len()));
    }
}

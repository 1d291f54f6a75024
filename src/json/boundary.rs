//! Finds where a value ends by its brackets and quotes alone, over any bytes, in pieces if need be.
//!
//! Tolerant on purpose: it isolates an element that breaks the grammar, is not UTF-8, is too deep or too large, so
//! that its neighbours are not lost with it.

/// State between two pieces of one value.
#[derive(Debug, Clone, Default)]
pub struct Boundary {
    depth: usize,
    in_string: bool,
    after_backslash: bool,
    started: bool,
}

/// How a search in one piece ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// The value ends before this byte of the piece.
    End(usize),
    /// A raw line break inside a string at this byte: no JSON string has one, so the value is broken off here.
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
                b'{' | b'[' => self.depth += 1,
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
            ("{tru: [nope}]}", 13),
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
    }
}

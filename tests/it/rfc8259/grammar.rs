//! RFC 8259 as it is printed: one function a production, byte by byte, over bytes that may be no UTF-8 (RFC 3629). The slow
//! reader that says of any text at all what the fast ones must say of it.

/// "An implementation may set limits on the maximum depth of nesting" (section 9): here arrays and objects within each other.
pub const MAX_DEPTH: usize = 128;

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// One JSON text.
    Taken,
    /// The beginning of one.
    BrokenOff,
    /// Neither: no text that begins so is JSON.
    Refused,
    /// As far as it is read, fine but for its depth.
    TooDeep,
}

use Verdict::{BrokenOff, Refused, Taken, TooDeep};

type Read = Result<(), Verdict>;

struct Grammar<'t> {
    text: &'t [u8],
    at: usize,
    depth: usize,
}

/// `JSON-text = ws value ws`
pub fn json_text(text: &[u8]) -> Verdict {
    match first_text(text) {
        Ok(end) if end == text.len() => Taken,
        Ok(_) => Refused,
        Err(verdict) => verdict,
    }
}

/// Where the JSON text that this text begins with ends; else what it is.
pub fn first_text(text: &[u8]) -> Result<usize, Verdict> {
    let mut grammar = Grammar { text, at: 0, depth: 0 };
    grammar.ws().and_then(|()| grammar.value()).and_then(|()| grammar.ws()).map(|()| grammar.at)
}

impl Grammar<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn fail(&self) -> Read {
        Err(if self.at == self.text.len() { BrokenOff } else { Refused })
    }

    /// One byte of those allowed.
    fn one(&mut self, allowed: impl Fn(u8) -> bool) -> Read {
        if !self.peek().is_some_and(allowed) {
            return self.fail();
        }
        self.at += 1;
        Ok(())
    }

    fn is(&mut self, byte: u8) -> bool {
        self.one(|b| b == byte).is_ok()
    }

    /// `ws = *( %x20 / %x09 / %x0A / %x0D )`
    fn ws(&mut self) -> Read {
        while self.one(|b| [0x20, 0x09, 0x0a, 0x0d].contains(&b)).is_ok() {}
        Ok(())
    }

    /// A structural character, with the whitespace around it.
    fn structural(&mut self, character: u8) -> Read {
        self.ws()?;
        self.one(|b| b == character)?;
        self.ws()
    }

    /// Whether a structural character comes next; if so, it is passed.
    fn comes(&mut self, character: u8) -> bool {
        let here = self.at;
        let comes = self.structural(character).is_ok();
        if !comes {
            self.at = here;
        }
        comes
    }

    /// `value = false / null / true / object / array / number / string`
    fn value(&mut self) -> Read {
        match self.peek() {
            Some(b'f') => self.word(b"false"),
            Some(b'n') => self.word(b"null"),
            Some(b't') => self.word(b"true"),
            Some(b'{') => self.nested(b'{', b'}', Grammar::member),
            Some(b'[') => self.nested(b'[', b']', Grammar::value),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'"') => self.string(),
            _ => self.fail(),
        }
    }

    fn word(&mut self, word: &[u8]) -> Read {
        word.iter().try_for_each(|letter| self.one(|b| b == *letter))
    }

    /// `object = begin-object [ member *( value-separator member ) ] end-object`, and `array` likewise of values.
    fn nested(&mut self, begin: u8, end: u8, element: fn(&mut Self) -> Read) -> Read {
        if self.depth == MAX_DEPTH {
            return Err(TooDeep);
        }
        self.depth += 1;
        self.structural(begin)?;
        if !self.is(end) {
            element(self)?;
            while self.comes(b',') {
                element(self)?;
            }
            self.ws()?;
            self.one(|b| b == end)?;
        }
        self.depth -= 1;
        Ok(())
    }

    /// `member = string name-separator value`
    fn member(&mut self) -> Read {
        self.string()?;
        self.structural(b':')?;
        self.value()
    }

    /// `number = [ minus ] int [ frac ] [ exp ]`
    fn number(&mut self) -> Read {
        self.is(b'-');
        // `int = zero / ( digit1-9 *DIGIT )`
        if !self.is(b'0') {
            self.digits()?;
        }
        // `frac = decimal-point 1*DIGIT`
        if self.is(b'.') {
            self.digits()?;
        }
        // `exp = e [ minus / plus ] 1*DIGIT`
        if self.is(b'e') || self.is(b'E') {
            _ = self.is(b'-') || self.is(b'+');
            self.digits()?;
        }
        Ok(())
    }

    /// `1*DIGIT`
    fn digits(&mut self) -> Read {
        self.one(|b| b.is_ascii_digit())?;
        while self.one(|b| b.is_ascii_digit()).is_ok() {}
        Ok(())
    }

    /// `string = quotation-mark *char quotation-mark`
    fn string(&mut self) -> Read {
        self.one(|b| b == 0x22)?;
        while !self.is(0x22) {
            self.char()?;
        }
        Ok(())
    }

    /// `char = unescaped / escape (...)`; `unescaped = %x20-21 / %x23-5B / %x5D-10FFFF`
    fn char(&mut self) -> Read {
        if !self.is(b'\\') {
            return match self.peek() {
                Some(0x20..=0x7f) => self.one(|_| true),
                Some(0x80..) => self.utf8(),
                _ => self.fail(),
            };
        }
        // `%x75 4HEXDIG`
        if self.is(b'u') {
            return (0..4).try_for_each(|_| self.one(|b| b.is_ascii_hexdigit()));
        }
        self.one(|b| [b'"', b'\\', b'/', b'b', b'f', b'n', b'r', b't'].contains(&b))
    }

    /// `UTF8-2 / UTF8-3 / UTF8-4` of RFC 3629, section 4.
    fn utf8(&mut self) -> Read {
        let lead = self.peek().unwrap_or_default();
        self.at += 1;
        let (second, tails) = match lead {
            0xc2..=0xdf => (0x80..=0xbf, 0),
            0xe0 => (0xa0..=0xbf, 1),
            0xe1..=0xec | 0xee..=0xef => (0x80..=0xbf, 1),
            0xed => (0x80..=0x9f, 1),
            0xf0 => (0x90..=0xbf, 2),
            0xf1..=0xf3 => (0x80..=0xbf, 2),
            0xf4 => (0x80..=0x8f, 2),
            _ => return Err(Refused),
        };
        self.one(|b| second.contains(&b))?;
        (0..tails).try_for_each(|_| self.one(|b| (0x80..=0xbf).contains(&b)))
    }
}

//! Writes the `unmapped` object while the record streams by: members under their own path, opened only when needed.

use crate::json::minify;

/// The object so far, without the braces still open.
#[derive(Debug, Default)]
pub struct UnmappedWriter {
    text: String,
    path: Vec<&'static str>,
    opened: usize,
}

impl UnmappedWriter {
    /// Forgets all.
    pub fn clear(&mut self) {
        self.text.clear();
        self.path.clear();
        self.opened = 0;
    }

    /// Goes into a known object.
    #[inline]
    pub fn enter(&mut self, name: &'static str) {
        self.path.push(name);
    }

    /// Comes out of it again.
    #[inline]
    pub fn leave(&mut self) {
        self.path.pop();
        if self.opened > self.path.len() {
            self.text.push('}');
            self.opened = self.path.len();
        }
    }

    /// Adds a member as it stands in the record (already checked), to be freed of insignificant whitespace if it has any.
    pub fn member(&mut self, member: &str, has_whitespace: bool) {
        if self.text.is_empty() {
            self.text.push('{');
        }
        while self.opened < self.path.len() {
            self.separate();
            self.text.push('"');
            self.text.push_str(self.path[self.opened]);
            self.text.push_str("\":{");
            self.opened += 1;
        }
        self.separate();
        if has_whitespace {
            minify(member, &mut self.text);
        } else {
            self.text.push_str(member);
        }
    }

    fn separate(&mut self) {
        if !self.text.ends_with('{') {
            self.text.push(',');
        }
    }

    /// The object, if there is anything in it.
    pub fn finish(&mut self) -> Option<&str> {
        if self.text.is_empty() {
            return None;
        }
        self.text.push('}');
        Some(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_opened_when_needed_and_closed() {
        let mut w = UnmappedWriter::default();
        assert_eq!(w.finish(), None);
        w.enter("a");
        w.enter("b");
        w.leave();
        w.enter("c");
        w.member(r#""x":1"#, false);
        w.member(r#""y" : [ 2 ]"#, true);
        w.leave();
        w.member(r#""z":{}"#, false);
        w.leave();
        w.enter("d");
        w.leave();
        w.member(r#""t":null"#, false);
        assert_eq!(w.finish(), Some(r#"{"a":{"c":{"x":1,"y":[2]},"z":{}},"t":null}"#));
    }
}

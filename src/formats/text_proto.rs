//! The text form of protocol buffers (`.pbtxt`): `name: value` and `name { .. }`, comments from `#` to the end of
//! the line. Names are checked by the reader of a message.
//!
//! Source: the "Text Format Language Specification" of protobuf.dev.

/// Messages within messages, at most.
const MAX_DEPTH: usize = 32;

/// One field of a message.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub(super) name: String,
    /// Counted from 1.
    pub(super) line: usize,
    pub(super) value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// A number or a word, as it is written.
    Word(String),
    /// A quoted text.
    Text(String),
    /// A message.
    Message(Vec<Field>),
}

/// Parses the fields of a message; `[a, b]` gives a field for each value.
pub(super) fn parse(text: &str) -> Result<Vec<Field>, String> {
    let mut parser = Parser {
        rest: text,
        line: 1,
    };
    let fields = parser.fields(None, 0)?;
    Ok(fields)
}

struct Parser<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Parser<'a> {
    fn fail<T>(&self, reason: impl std::fmt::Display) -> Result<T, String> {
        Err(format!("line {}: {reason}", self.line))
    }

    fn take(&mut self, count: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(count);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    fn skip_space(&mut self) {
        loop {
            let space = self.rest.len() - self.rest.trim_start().len();
            self.take(space);
            if !self.rest.starts_with('#') {
                return;
            }
            self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
        }
    }

    /// Takes `symbol` if it is next.
    fn accepts(&mut self, symbol: char) -> bool {
        self.skip_space();
        let found = self.rest.starts_with(symbol);
        if found {
            self.take(symbol.len_utf8());
        }
        found
    }

    fn next_word(&mut self) -> &'a str {
        self.skip_space();
        let is_word = |c: char| c.is_ascii_alphanumeric() || "_.+-".contains(c);
        let end = self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len());
        self.take(end)
    }

    fn found(&self) -> String {
        match self.rest.chars().next() {
            Some(c) => format!("found `{}`", c.escape_default()),
            None => "the text ends".into(),
        }
    }

    fn fields(&mut self, end: Option<char>, depth: usize) -> Result<Vec<Field>, String> {
        if depth > MAX_DEPTH {
            return self.fail("messages are nested too deeply");
        }
        let mut fields = Vec::new();
        loop {
            self.skip_space();
            match end {
                None if self.rest.is_empty() => return Ok(fields),
                Some(end) if self.accepts(end) => return Ok(fields),
                _ => {}
            }
            let line = self.line;
            let name = self.next_word().to_owned();
            if name.is_empty() {
                return self.fail(format_args!("expected a field's name, {}", self.found()));
            }
            let has_colon = self.accepts(':');
            if has_colon && self.accepts('[') {
                while !self.accepts(']') {
                    let value = self.value(&name, has_colon, depth)?;
                    fields.push(Field {
                        name: name.clone(),
                        line,
                        value,
                    });
                    if !self.accepts(',') && !self.rest.starts_with(']') {
                        return self.fail(format_args!(
                            "`{name}`: expected `,` or `]`, {}",
                            self.found()
                        ));
                    }
                }
            } else {
                let value = self.value(&name, has_colon, depth)?;
                fields.push(Field { name, line, value });
            }
            if !self.accepts(',') {
                self.accepts(';');
            }
        }
    }

    fn value(&mut self, name: &str, has_colon: bool, depth: usize) -> Result<Value, String> {
        for (start, end) in [('{', '}'), ('<', '>')] {
            if self.accepts(start) {
                return Ok(Value::Message(self.fields(Some(end), depth + 1)?));
            }
        }
        if !has_colon {
            return self.fail(format_args!(
                "`{name}`: expected `:` or `{{`, {}",
                self.found()
            ));
        }
        if self.rest.starts_with(['"', '\'']) {
            let mut text = String::new();
            // Strings that follow each other are one.
            while self.rest.starts_with(['"', '\'']) {
                text += &self.text(name)?;
                self.skip_space();
            }
            return Ok(Value::Text(text));
        }
        let word = self.next_word();
        if word.is_empty() {
            return self.fail(format_args!("`{name}`: expected a value, {}", self.found()));
        }
        Ok(Value::Word(word.to_owned()))
    }

    /// A quoted text, its escapes replaced.
    fn text(&mut self, name: &str) -> Result<String, String> {
        let quote = self.take(1);
        let mut bytes = Vec::new();
        loop {
            let next = match self.rest.chars().next() {
                None | Some('\n') => {
                    return self.fail(format_args!("`{name}`: a quote is not closed"));
                }
                Some(next) => self.take(next.len_utf8()),
            };
            if next == quote {
                break;
            }
            if next == "\\" {
                bytes.push(self.escape(name)?);
            } else {
                bytes.extend_from_slice(next.as_bytes());
            }
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(text),
            Err(_) => self.fail(format_args!("`{name}`: the text is not UTF-8")),
        }
    }

    /// The byte that the escape after a backslash stands for.
    fn escape(&mut self, name: &str) -> Result<u8, String> {
        let digits = |rest: &str, radix: u32, most: usize| {
            let is_digit = |c: char| !c.is_digit(radix);
            rest.find(is_digit).unwrap_or(rest.len()).min(most)
        };
        let (radix, length) = match self.rest.chars().next() {
            Some('0'..='7') => (8, digits(self.rest, 8, 3)),
            Some('x' | 'X') => {
                self.take(1);
                (16, digits(self.rest, 16, 2))
            }
            Some(c) if c.is_ascii() && c != '\n' => {
                self.take(1);
                return Ok(match c {
                    'n' => b'\n',
                    't' => b'\t',
                    'r' => b'\r',
                    'a' => 7,
                    'b' => 8,
                    'f' => 12,
                    'v' => 11,
                    other => other as u8,
                });
            }
            _ => return self.fail(format_args!("`{name}`: an escape ends early")),
        };
        let number = self.take(length);
        match u8::from_str_radix(number, radix) {
            Ok(byte) => Ok(byte),
            Err(_) => self.fail(format_args!("`{name}`: the escape `{number}` is no byte")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(name: &str, line: usize, value: &str) -> Field {
        Field {
            name: name.into(),
            line,
            value: Value::Word(value.into()),
        }
    }

    #[test]
    fn fields_of_every_form_are_read() {
        let text = "a: 1 # one\nb: .25, c { d: true; e < f: -2e3 > }\ng: [1, 2]\nh: 'x\\n\\'' \"\\x41\\102\"";
        let fields = parse(text).unwrap();
        let e = Value::Message(vec![word("f", 2, "-2e3")]);
        let e = Field {
            name: "e".into(),
            line: 2,
            value: e,
        };
        let c = Value::Message(vec![word("d", 2, "true"), e]);
        assert_eq!(fields[..2], [word("a", 1, "1"), word("b", 2, ".25")]);
        assert_eq!(fields[2].value, c);
        assert_eq!(fields[3..5], [word("g", 3, "1"), word("g", 3, "2")]);
        assert_eq!(fields[5].value, Value::Text("x\n'AB".into()));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, reason) in [
            ("a: 1\nb", "line 2: `b`: expected `:` or `{`, the text ends"),
            (
                "a {\n b: 1",
                "line 2: expected a field's name, the text ends",
            ),
            ("a: }", "line 1: `a`: expected a value, found `}`"),
            ("a: \"x", "line 1: `a`: a quote is not closed"),
            ("a: '\\777'", "line 1: `a`: the escape `777` is no byte"),
            ("a: [1 2]", "line 1: `a`: expected `,` or `]`, found `2`"),
            ("{", "line 1: expected a field's name, found `{`"),
            ("a: '\\xff'", "line 1: `a`: the text is not UTF-8"),
        ] {
            assert_eq!(parse(text).unwrap_err(), reason);
        }
        assert!(parse(&"a {".repeat(1000)).unwrap_err().contains("deep"));
    }
}

//! Texts that are derived from each production of RFC 8259, and texts that just miss it.

/// A production, or a class of them.
pub struct Production {
    pub name: &'static str,
    /// JSON texts.
    pub taken: Vec<Vec<u8>>,
    /// Beginnings of some.
    pub broken_off: Vec<Vec<u8>>,
    /// Neither.
    pub refused: Vec<Vec<u8>>,
}

fn texts<T: AsRef<[u8]>>(texts: impl IntoIterator<Item = T>) -> Vec<Vec<u8>> {
    texts.into_iter().map(|text| text.as_ref().to_vec()).collect()
}

pub fn all() -> Vec<Production> {
    let mut all = vec![whitespace(), literals(), objects(), arrays(), numbers()];
    all.extend([plain_characters(), control_characters(), short_escapes(), hex_escapes(), surrogates(), encoding()]);
    all
}

/// Tokens of a text in which every structural character stands beside several kinds of neighbours.
pub const TOKENS: [&str; 19] =
    ["[", "-1.5e3", ",", "{", "\"a\"", ":", "true", ",", "\"b\"", ":", "[", "]", "}", ",", "\"c\"", ",", "{", "}", "]"];

/// Section 2: `ws` may stand around every token, and nothing else may.
fn whitespace() -> Production {
    let blank = [" ", "\t", "\n", "\r", "\r\n \t\n\n"];
    #[rustfmt::skip]
    let others = [
        "\0", "\u{8}", "\u{b}", "\u{c}", "\u{1f}", "\u{7f}", "\u{85}", "\u{a0}", "\u{1680}", "\u{2003}", "\u{2028}",
        "\u{3000}", "\u{feff}", "//\n", "/**/", "#", "\\n", "\\u0020", "'", ";", "_",
    ];
    let gaps = || (0..=TOKENS.len()).map(|gap| (TOKENS[..gap].concat(), TOKENS[gap..].concat()));
    let filled = |fill: &[&str]| -> Vec<Vec<u8>> {
        texts(gaps().flat_map(|(before, after)| fill.iter().map(move |fill| format!("{before}{fill}{after}"))))
    };
    let everywhere = blank.map(|blank| format!("{blank}{}{blank}", TOKENS.join(blank)));
    Production {
        name: "2 ws and structural characters",
        taken: [filled(&blank), texts(everywhere)].concat(),
        broken_off: texts((0..TOKENS.len()).map(|end| TOKENS[..end].concat())),
        refused: filled(&others),
    }
}

/// Section 3: three names, in lowercase.
fn literals() -> Production {
    let words = ["true", "false", "null"];
    let mut refused = texts([
        "nil",
        "None",
        "undefined",
        "NaN",
        "nan",
        "Infinity",
        "-Infinity",
        "inf",
        "'a'",
        "a",
        "yes",
        "0x1f",
        "true false",
        "truetrue",
        "null,",
        "\u{ff54}rue",
        "(true)",
        "<a>",
        "/a/",
        "`a`",
        "=1",
        "@",
        "$",
        "~",
        "|",
        "&",
        "?",
        "!",
    ]);
    for word in words {
        for at in 0..word.len() {
            let other = |byte: u8| [&word.as_bytes()[..at], &[byte], &word.as_bytes()[at + 1..]].concat();
            refused.extend([other(word.as_bytes()[at] - 0x20), other(b'x'), other(b'"'), other(0), other(b'\\')]);
            refused.push([&word[..at], &word[at + 1..]].concat().into_bytes());
        }
        refused.extend(texts([word.to_uppercase(), format!("{word}e"), format!("{word}\""), format!("\"{word}")]));
    }
    // A string that is not closed is the beginning of a text, and so is a name without its end.
    let begins = |text: &Vec<u8>| text[0] == b'"' || words.iter().any(|word| word.as_bytes().starts_with(text));
    let (broken_off, refused): (Vec<_>, Vec<_>) = refused.into_iter().partition(begins);
    let prefixes = words.iter().flat_map(|word| (1..word.len()).map(|end| word[..end].to_owned()));
    Production {
        name: "3 literal names",
        taken: texts(words),
        broken_off: [broken_off, texts(prefixes)].concat(),
        refused,
    }
}

/// Section 4. Names need not be unique.
fn objects() -> Production {
    Production {
        name: "4 objects",
        taken: texts([
            "{}",
            "{ }",
            r#"{"":0}"#,
            r#"{"a":1}"#,
            r#"{"a":1,"b":2,"":3}"#,
            r#"{"a":1,"a":2,"a":3}"#,
            r#"{"a":null,"\u0061":{}}"#,
            r#"{"a":{"a":{"a":{}}},"b":[{"a":[]}]}"#,
            "{ \"a\"\n:\t1\r,\"b\" : 2 }",
        ]),
        broken_off: texts([
            "{",
            "{ ",
            "{\"",
            "{\"a",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1",
            "{\"a\":1 ",
            "{\"a\":1,",
            "{\"a\":1,\"b\"",
            "{\"a\":{}",
            "{\"a\":{\"b\":[{}]",
            "{\"a\":\"}",
        ]),
        refused: texts([
            "}",
            "{,}",
            "{:}",
            "{]",
            "{[}",
            "{{}}",
            "{[]}",
            "{1}",
            "{\"a\"}",
            "{\"a\",}",
            "{\"a\":}",
            "{:1}",
            "{\"a\":1,}",
            "{,\"a\":1}",
            "{\"a\":1,,\"b\":2}",
            "{\"a\":1 \"b\":2}",
            "{\"a\" 1}",
            "{\"a\"::1}",
            "{\"a\":1:2}",
            "{\"a\"=1}",
            "{\"a\";1}",
            "{\"a\":1;\"b\":2}",
            "{a:1}",
            "{'a':1}",
            "{1:1}",
            "{null:1}",
            "{true:1}",
            "{[]:1}",
            "{{}:1}",
            "{\"a\":1]",
            "{\"a\":[}]",
            "{\"a\":1}}",
            "{}{}",
            "{} {}",
            "{},",
            "{}]",
            "{\"a\" \"b\":1}",
            "{\"a\":1,\"b\"}",
            "{\"a\":1,2}",
            "{\"a\":1 2}",
            "{\"a\"}:1",
            "{\"a\":\"b\"\"c\":1}",
            "{\"a\":1{}",
            "{\"a\":1[",
            "{\"a\":tru}",
            "{\"a\":-}",
            "{\"a\":1.}",
            "{...}",
            "{\"a\":1,...}",
            "{\"a\":1 /**/}",
        ]),
    }
}

/// Section 5.
fn arrays() -> Production {
    Production {
        name: "5 arrays",
        taken: texts([
            "[]",
            "[ ]",
            "[0]",
            "[null]",
            "[[]]",
            "[[],[[]],{}]",
            r#"[1,"a",null,true,{"a":[1,[2]]},-0.5e+1]"#,
            "[\n1\t,\r2 ]",
            "[[1],[2],[3]]",
        ]),
        broken_off: texts([
            "[", "[ ", "[1", "[1 ", "[1,", "[1, ", "[[", "[[]", "[[],", "[{", "[{}", "[\"", "[\"]", "[\"]\"", "[-",
            "[1.", "[1e", "[1,2",
        ]),
        refused: texts([
            "]",
            "[,]",
            "[,1]",
            "[1,]",
            "[1,,2]",
            "[1 2]",
            "[1;2]",
            "[1:2]",
            "[:]",
            "[}",
            "[1}",
            "[{]",
            "[{]}",
            "[[}",
            "[]]",
            "[] []",
            "[][]",
            "[],",
            "[}]",
            "[1]2",
            "[\"a\"\"b\"]",
            "[\"a\":1]",
            "[tru]",
            "[nul,1]",
            "[01]",
            "[-]",
            "[1.]",
            "[1e]",
            "[.5]",
            "[+1]",
            "[...]",
            "[1..2]",
            "[a]",
            "['a']",
            "[(1)]",
            "[1[]]",
            "[1{}]",
            "[[]1]",
            "[{}1]",
            "[\"a\"1]",
            "[1\"a\"]",
        ]),
    }
}

/// Section 6: each of the four parts as it may be, and with one of them as it may not be (within an object, so that what breaks
/// off there can be no beginning).
fn numbers() -> Production {
    let nines = "9".repeat(400);
    let [minus, int, frac, exp]: [&[&str]; 4] = [
        &["", "-"],
        &["0", "1", "9", "10", "1234567890", "9223372036854775808", &nines],
        &["", ".0", ".5", ".10", ".000000000000000000000000000001"],
        &["", "e0", "E9", "e+0", "E-07", "e1234567890", "e+00000000000000000000000000000001"],
    ];
    let wrong: [&[&str]; 4] = [
        &["+", "--", "- ", "\u{2212}", "-+", "-\"\""],
        &["", "00", "01", "0x1", "1_0", "1 0", "\u{663}", "\u{ff11}", "1,0", "a", "$1", "1f", "0b1"],
        &[".", ".a", "..5", ".-1", ".5.5", ".5_0", ". 5", ",5", ".\u{661}", ".5f"],
        &["e", "E", "e+", "e-", "e+-1", "ee1", "e1e1", "e1.5", "e 1", "e\u{661}", "e1x", "x1", "^1", "p1", "E+-"],
    ];
    let products = minus.iter().flat_map(|minus| int.iter().map(move |int| format!("{minus}{int}")));
    let products = products.flat_map(|number| frac.iter().map(move |frac| format!("{number}{frac}")));
    let products = products.flat_map(|number| exp.iter().map(move |exp| format!("{number}{exp}")));
    let mut refused = Vec::new();
    for (place, wrong) in wrong.iter().enumerate() {
        for wrong in *wrong {
            for right in [["", "0", "", ""], ["-", "12", ".5", "e-1"], ["", "7", "", "E3"], ["-", "0", ".0", ""]] {
                let mut parts = right;
                parts[place] = wrong;
                refused.push(format!("{{\"a\":{}}}", parts.concat()));
            }
        }
    }
    Production {
        name: "6 numbers",
        taken: texts(products),
        broken_off: texts(["-", "0.", "-0.", "12.", "0e", "-1E", "1e+", "1e-", "1.5e", "-1.5E+", "[1.5E-", "{\"a\":-"]),
        refused: texts(refused),
    }
}

/// Section 7: `unescaped = %x20-21 / %x23-5B / %x5D-10FFFF`, at the ends of the ranges and of the lengths that characters
/// have in UTF-8.
fn plain_characters() -> Production {
    let ascii = (0x20..0x80u8).map(char::from).filter(|c| !matches!(c, '"' | '\\'));
    #[rustfmt::skip]
    let others = [
        '\u{80}', '\u{85}', '\u{a0}', '\u{7ff}', '\u{800}', '\u{fff}', '\u{1000}', '\u{2028}', '\u{2029}', '\u{cfff}',
        '\u{d000}', '\u{d7ff}', '\u{e000}', '\u{fdd0}', '\u{feff}', '\u{fffd}', '\u{fffe}', '\u{ffff}', '\u{10000}',
        '\u{3ffff}', '\u{40000}', '\u{fffff}', '\u{100000}', '\u{10ffff}', '\u{1f600}', '\u{301}',
    ];
    let characters: Vec<char> = ascii.chain(others).collect();
    let quoted = characters.iter().map(|c| format!("\"{c}\""));
    let between = characters.iter().map(|c| format!("\"a{c}b\""));
    let twice = ["\"\"".to_owned(), format!("\"{}\"", characters.iter().collect::<String>().repeat(2))];
    Production {
        name: "7 unescaped",
        taken: texts(quoted.chain(between).chain(twice)),
        broken_off: texts(characters.iter().map(|c| format!("\"{c}")))
            .into_iter()
            .chain(texts(["\"", "\"a"]))
            .collect(),
        refused: texts([
            "\"a\"\"",
            "\"a\"b\"",
            "\"\"\"",
            "\"a\"\"b\"",
            "'a'",
            "`a`",
            "\u{201c}a\u{201d}",
            "a\"",
            "\"a\" \"b\"",
        ]),
    }
}

/// Section 7: "the control characters (U+0000 through U+001F)" must be escaped.
fn control_characters() -> Production {
    let raw = (0..0x20u8).flat_map(|control| {
        let alone = vec![b'"', control, b'"'];
        let between = [b"\"abc", &[control][..], b"def\""].concat();
        let last = [&[b'"'; 1][..], &[b'x'; 15], &[control], b"\""].concat();
        let after_escape = [b"\"\\n", &[control][..], b"\""].concat();
        let after_backslash = vec![b'"', b'\\', control, b'"'];
        let not_closed = vec![b'"', control];
        [alone, between, last, after_escape, after_backslash, not_closed]
    });
    Production {
        name: "7 control characters",
        taken: texts((0..0x20u8).map(|control| format!("\"\\u{control:04x}\""))),
        broken_off: vec![],
        refused: raw.collect(),
    }
}

/// Section 7: a backslash and one of eight characters.
fn short_escapes() -> Production {
    let eight = r#""\/bfnrt"#;
    let escapes = eight.chars().map(|c| format!("\\{c}"));
    let all: String = escapes.clone().collect();
    let taken = escapes.clone().flat_map(|escape| {
        [
            format!("\"{escape}\""),
            format!("\"a{escape}b\""),
            format!("\"{escape}{escape}\""),
            format!("\"\\\\{escape}\""),
        ]
    });
    let refused = (0..0x80u8).map(char::from).filter(|c| !eight.contains(*c) && *c != 'u');
    let refused = refused.chain(['\u{e9}', '\u{2028}', '\u{1f600}']);
    Production {
        name: "7 escapes of one character",
        taken: texts(taken.chain([format!("\"{all}\""), format!("\"{}\"", all.repeat(20))])),
        broken_off: texts(
            escapes.map(|escape| format!("\"{escape}")).chain(["\"\\".to_owned(), "\"\\\\\\\"".to_owned()]),
        ),
        refused: texts(
            refused.flat_map(|c| [format!("\"\\{c}\""), format!("\"ab\\{c}cd\""), format!("\"\\\\\\{c}\"")]),
        ),
    }
}

/// Section 7: `%x75 4HEXDIG`, in either letter case. Every byte stands at every of the four places.
fn hex_escapes() -> Production {
    let (mut taken, mut refused) = (Vec::new(), Vec::new());
    for place in 0..4 {
        for byte in 0..0x80u8 {
            let mut hex = *b"00e9";
            hex[place] = byte;
            let text = [b"\"a\\u", &hex[..], b"z\""].concat();
            if byte.is_ascii_hexdigit() { taken.push(text) } else { refused.push(text) }
        }
    }
    taken.extend(texts([r#""\u0000""#, r#""\u001f\u007f\u0022\u005C""#, r#""\uFFFF""#, r#""\uffFE""#, r#""\u00e90""#]));
    refused.extend(texts([
        r#""\u""#,
        r#""\u0""#,
        r#""\u00""#,
        r#""\u000""#,
        r#""\U0041""#,
        r#""\u{41}""#,
        r#""\u+041""#,
        r#""\u-041""#,
        r#""\u 041""#,
        r#""\u0x41""#,
        r#""\x41""#,
        r#""\101""#,
        r#""\0""#,
        "\"\\u00\u{e9}9\"",
        "\"\\u\u{ff10}041\"",
        r#""\u00\u0041""#,
        r#""\u004\n""#,
        r#""\u\u0041""#,
    ]));
    let escape = r#""\u0041"#;
    Production {
        name: "7 escapes of four digits",
        taken,
        broken_off: texts((1..=escape.len()).map(|end| &escape[..end])),
        refused,
    }
}

/// Section 8.2: the grammar takes surrogates that make no pair.
fn surrogates() -> Production {
    let (high, low) = (["\\ud800", "\\uDBFF"], ["\\udc00", "\\uDFFF"]);
    let mut taken = Vec::new();
    for (high, low) in high.iter().zip(low) {
        for inside in [
            format!("{high}{low}"),
            high.to_string(),
            low.to_string(),
            format!("{low}{high}"),
            format!("{high}{high}"),
            format!("{high}{high}{low}"),
            format!("{high}{low}{low}"),
            format!("{high}a{low}"),
            format!("{high}\\n{low}"),
            format!("{high}\\\\{low}"),
            format!("{high}\\u0041"),
            format!("arn:{high}"),
            format!("{low}\u{1f600}"),
        ] {
            taken.push(format!("\"{inside}\""));
        }
    }
    Production {
        name: "8.2 surrogates",
        taken: texts(taken),
        broken_off: texts([
            r#""\ud83d"#,
            r#""\ud83d\"#,
            r#""\ud83d\u"#,
            r#""\ud83d\ude0"#,
            r#""\ud83d\ude00"#,
            r#""\ud83d\""#,
        ]),
        refused: texts([r#""\ud83d\u""#, r#""\ud83d\ude0""#, r#""\ud83d\ude0g""#, r#""\ud83d\x""#]),
    }
}

/// Bytes that are no UTF-8, of every class, each followed by `a`.
pub const NOT_UTF8: &[&[u8]] = &[
    // A byte that continues nothing.
    b"\x80",
    b"\xbf",
    b"\x80\xbf",
    b"\xc3\xa9\xa9",
    b"\xf0\x9f\x98\x80\x80",
    // Never in UTF-8.
    b"\xc0",
    b"\xc1",
    b"\xf5\x80\x80\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\xfc\x84\x80\x80\x80\x80",
    b"\xfe",
    b"\xff",
    b"\xfe\xff",
    b"\xff\xfe",
    // Overlong.
    b"\xc0\x80",
    b"\xc0\xaf",
    b"\xc1\xbf",
    b"\xc0\xa2",
    b"\xe0\x80\x80",
    b"\xe0\x9f\xbf",
    b"\xf0\x80\x80\x80",
    b"\xf0\x8f\xbf\xbf",
    b"\xe0\x80\xa2",
    // Surrogates, alone and in pairs (CESU-8).
    b"\xed\xa0\x80",
    b"\xed\xaf\xbf",
    b"\xed\xb0\x80",
    b"\xed\xbf\xbf",
    b"\xed\xa0\xbd\xed\xb8\x80",
    // Beyond U+10FFFF.
    b"\xf4\x90\x80\x80",
    b"\xf4\xbf\xbf\xbf",
    b"\xf7\xbf\xbf\xbf",
    // Broken off after each byte.
    b"\xc3",
    b"\xe2",
    b"\xe2\x82",
    b"\xf0",
    b"\xf0\x9f",
    b"\xf0\x9f\x98",
    b"\xef\xbb",
    // The second, third, fourth byte is another.
    b"\xc3\x28",
    b"\xc3\xc3\xa9",
    b"\xe2\x28\xa1",
    b"\xe2\x82\x28",
    b"\xf0\x28\x8c\xbc",
    b"\xf0\x90\x28\xbc",
    b"\xf0\x90\x8c\x28",
    b"\xe2\x82\xc3\xa9",
    // Latin-1 and Windows-1252.
    b"\xe9",
    b"caf\xe9",
    b"\x93a\x94",
];

/// Section 8.1: "MUST be encoded using UTF-8", without a byte-order mark.
fn encoding() -> Production {
    let mut refused = Vec::new();
    for bytes in NOT_UTF8 {
        let put = |before: &[u8], after: &[u8]| [before, bytes, after].concat();
        refused.extend([
            put(b"\"", b"a\""),
            put(b"\"0123456789abcd", b"a\""),
            put(b"\"\\n", b"a\\n\""),
            put(b"{\"", b"a\":1}"),
            put(b"{\"a\":{\"b\":[\"", b"a\"]}}"),
            put(b"", b"a1"),
            put(b"1", b"a"),
            put(b"[", b"a]"),
            put(b"tr", b"a"),
            put(b"\"\\", b"a\""),
            put(b"\"\\u00", b"a\""),
        ]);
    }
    refused.extend(texts(["\u{feff}1", "\u{feff}{}", " \u{feff}{}", "{}\u{feff}", "[\u{feff}]", "\u{fffe}{}"]));
    Production {
        name: "8.1 encoding",
        taken: texts(["\"\u{feff}\"", "\"\u{feff}a\u{fffd}\"", "\"\u{10ffff}\u{7ff}\u{ffff}\u{7f}\""]),
        broken_off: texts([
            &b"\"\xc3"[..],
            b"\"\xe2\x82",
            b"\"a\xf0\x9f\x98",
            b"\"\xed\x9f",
            b"\"\xf4\x8f\xbf",
            b"\"\xe0\xa0",
        ]),
        refused,
    }
}

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::super::{Found, Lines, Tail, plain, scan, settled};
use super::*;

const SECRET: &str = "s3cret/Wört 'x'\"+%41";

/// Everything that a person might see of a text after it went out.
fn seen(mask: &Mask, text: &[u8]) -> String {
    plain(&mask.hide_bytes(text)).into_owned()
}

/// The secret in the forms that programs give it, each with the number of its signs that say nothing of the secret.
fn written() -> Vec<(String, usize)> {
    let hex = |upper| {
        SECRET.bytes().fold(String::new(), |mut out, byte| {
            let _ = if upper {
                write!(out, "{byte:02X}")
            } else {
                write!(out, "{byte:02x}")
            };
            out
        })
    };
    let percent = |keep: &str, upper| {
        SECRET.bytes().fold(String::new(), |mut out, byte| {
            let _ = match keep.as_bytes().contains(&byte) || byte.is_ascii_alphanumeric() {
                true => write!(out, "{}", char::from(byte)),
                false if upper => write!(out, "%{byte:02X}"),
                false => write!(out, "%{byte:02x}"),
            };
            out
        })
    };
    let all = [
        SECRET.to_owned(),
        hex(false),
        hex(true),
        percent("", true),
        percent("/'", false),
        percent("", true).replace("%20", "+"),
        serde_json::json!({ "key": SECRET }).to_string(),
        serde_json::json!(serde_json::json!({ "key": SECRET }).to_string()).to_string(),
        format!("'{}'", SECRET.replace('\'', "'\\''")),
        SECRET
            .replace('\\', "\\\\")
            .replace(' ', "\\ ")
            .replace('\'', "\\'")
            .replace('"', "\\\""),
        shlex::try_quote(SECRET).expect("no NUL").into_owned(),
    ];
    let mut all: Vec<(String, usize)> = all.into_iter().map(|text| (text, 0)).collect();
    for before in ["", "u:", "usr:"] {
        for engine in [&STANDARD, &URL_SAFE_NO_PAD] {
            all.push((
                engine.encode(format!("{before}{SECRET}")),
                (before.len() * 8).div_ceil(6),
            ));
        }
    }
    all
}

/// Whether so much of a text stands in another that it would give the secret away.
fn gives_away(text: &str, written: &str, skip: usize) -> bool {
    let skip = if written.contains("key") { 4 } else { skip };
    let bare = |text: &str| text.replace(['\'', '"', '{', '}', ':', ' ', '\\', '\n'], "");
    let (text, signs) = (bare(text), bare(written).chars().skip(skip).collect::<Vec<_>>());
    let mut parts = signs.windows(6).map(|part| part.iter().collect::<String>());
    parts.any(|part| text.contains(&part))
}

#[test]
fn every_form_is_hidden_in_one_piece_and_in_many() {
    let mask = Mask::new([SECRET]);
    for (text, skip) in written() {
        let shown = seen(&mask, format!("before {text} after").as_bytes());
        assert!(shown.contains("***"), "{text} was shown as {shown}");
        assert!(shown.starts_with("before ") && shown.ends_with(" after"), "{shown}");
        assert!(!gives_away(&shown, &text, skip), "{text} was shown as {shown}");
        // Whatever stands within, and wherever a piece ends.
        for (within, apart) in [
            ("\n", 5),
            ("\r\n", 9),
            ("\u{1b}[0m", 1),
            ("\u{1b}]0;t\u{7}", 3),
            ("\u{200b}", 2),
            ("", 1),
        ] {
            let signs: Vec<char> = text.chars().collect();
            let parts: Vec<String> = signs.chunks(apart).map(|part| part.iter().collect()).collect();
            let whole = format!("before\n{}\nafter\n", parts.join(within));
            for size in [1, 7, 4096] {
                let mut lines = Lines::new(&mask);
                let (mut shown, mut raw) = (String::new(), Vec::new());
                let mut each = |line: super::super::PrintedLine<'_>| {
                    shown += line.text;
                    shown.push('\n');
                    raw.extend_from_slice(line.raw);
                };
                for piece in whole.as_bytes().chunks(size) {
                    lines.take(piece, &mut each);
                }
                lines.end(&mut each);
                let told =
                    format!("{text:?} with {within:?} every {apart}, {size} bytes at a time, was shown as {shown}");
                assert!(shown.contains("***"), "{told}");
                assert!(shown.starts_with("before\n") && shown.ends_with("\nafter\n"), "{told}");
                assert!(!gives_away(&shown, &text, skip), "{told}");
                assert!(!gives_away(&plain(&raw), &text, skip), "{told}, and kept as {raw:?}");
            }
        }
    }
}

#[test]
fn a_secret_is_hidden_whole_and_line_by_line() {
    let mask = Mask::new([
        "keykey",
        "longer keykey",
        "first line\nsecond line\n",
        "abcdefgh",
        "fghijkl",
    ]);
    assert_eq!(mask.hide("a longer keykey, a keykey"), "a ***, a ***");
    assert_eq!(mask.hide("only second line"), "only ***");
    assert_eq!(mask.hide("an abcdefghijkl"), "an ***", "one that begins within another");
    assert!(matches!(mask.hide("nothing"), Cow::Borrowed("nothing")));
    let mask = Mask::new(["aaaaaa"]);
    for rest in [0, 600] {
        let text = format!("{}{}", "aaaaaaaaaa", " ".repeat(rest));
        assert_eq!(mask.hide(&text).trim(), "***");
    }
}

#[test]
fn a_short_secret_is_hidden_as_a_whole_word_only() {
    let mask = Mask::new(["abc", "x y"]);
    assert_eq!(
        mask.hide("abc (abc) key=abc, abcd xabc ab\nc"),
        "*** (***) key=***, abcd xabc ab\nc"
    );
    assert_eq!(mask.hide("ax y, x y"), "ax y, ***");
}

#[test]
fn what_stands_in_a_sequence_or_comes_together_again_is_hidden() {
    let mask = Mask::new(["hunter2hunter2"]);
    for text in [
        "\u{1b}]0;hunter2hunter2\u{7}shown",
        "\u{1b}]8;;http://x/?key=hunter2hunter2\u{1b}\\link",
        "hunter2\u{1b}]0;between\u{7}hunter2",
        "hunter2\u{9b}1mhunter2",
        "\u{1b}Phunter2hunter2",
        "hun\u{8}\u{202e}ter2hun\rter2",
    ] {
        let raw = mask.hide(text);
        assert!(!raw.contains("hunter2hunter2"), "{raw:?}");
        assert!(!plain(raw.as_bytes()).contains("hunter2"), "{raw:?}");
    }
    let raw = mask.hide_bytes(b"hunter2\x9b1mhunter2 \xff");
    assert_eq!(raw.as_ref(), b"*** \xff");
}

#[test]
fn a_line_that_may_be_the_beginning_of_a_secret_waits() {
    let mask = Mask::new(["hunter2hunter2"]);
    let mut lines = Lines::new(&mask);
    let mut told = |piece: &str| {
        let mut told = Vec::new();
        lines.take(piece.as_bytes(), &mut |line| told.push(line.text.to_owned()));
        told
    };
    assert_eq!(told("one\nhunt\n"), ["one"]);
    assert_eq!(told("no\n"), ["hunt", "no"]);
    assert_eq!(told("hun\n"), ["hun"], "too little to wait for");
    assert_eq!(told("ter2hunter2 and\n"), ["*** and"], "but no more than that is seen");
    assert_eq!(told("hunter2hu\nnter2\nx\n"), ["***", "***", "x"]);
}

#[test]
fn a_carriage_return_ends_a_line_and_lets_no_secret_through() {
    let mask = Mask::new(["hunter2hunter2"]);
    let all = [
        "10 %\r20 %\r",
        "\n\rab\r\nhunter2hu\rnter2\r",
        "hun\rt",
        "er2hunter2 x\rend",
    ]
    .concat();
    let expected = [
        ("10 %", true),
        ("20 %", false),
        ("", true),
        ("ab", false),
        ("***", true),
        ("***", true),
        ("***", true),
        ("*** x", true),
        ("end", false),
    ];
    for size in 1..all.len() {
        let mut lines = Lines::new(&mask);
        let (mut told, mut raw) = (Vec::new(), Vec::new());
        let mut each = |line: super::super::PrintedLine<'_>| {
            told.push((line.text.to_owned(), line.is_overwritten));
            raw.extend_from_slice(line.raw);
        };
        for piece in all.as_bytes().chunks(size) {
            lines.take(piece, &mut each);
        }
        lines.end(&mut each);
        let told: Vec<(&str, bool)> = told.iter().map(|(text, over)| (text.as_str(), *over)).collect();
        // Of a secret that comes in many pieces, so few signs that they say nothing go out before.
        match size < 20 {
            false => assert_eq!(told, expected, "in pieces of {size}"),
            true => assert_eq!(told.len(), expected.len(), "in pieces of {size}: {told:?}"),
        }
        let text = settled(&raw);
        assert!(
            !text.contains("hunt") && !text.contains("nter2"),
            "in pieces of {size}: {text}"
        );
        assert!(text.starts_with("20 %\nab\n") && text.ends_with("end"), "{text}");
    }
}

#[test]
fn of_a_bar_the_last_state_is_left() {
    let mask = Mask::default();
    let (mut lines, mut tail) = (Lines::new(&mask), Tail::new(3));
    let printed = b"one\n 10 %\r 20 %\r100 %\r\ntwo\r\n\r 5 %\r 9 %\r     \rthree\n\nfour";
    lines.take(printed, &mut |line| tail.push(&line));
    lines.end(&mut |line| tail.push(&line));
    assert_eq!(tail.lines(), &["three", "", "four"]);
    assert_eq!(settled(printed), "one\n100 %\ntwo\nthree\n\nfour");
    assert_eq!(settled(b""), "");
    assert_eq!(settled(b"a\r"), "a");
}

#[test]
fn a_line_without_an_end_is_cut_and_its_secrets_are_hidden() {
    let mask = Mask::new(["hunter2hunter2"]);
    let mut lines = Lines::new(&mask);
    let (mut text, mut count) = (String::new(), 0);
    let mut each = |line: super::super::PrintedLine<'_>| {
        text += line.text;
        count += 1;
    };
    for _ in 0..600 {
        lines.take(&[&[b'.'; 8191][..], b"hunter2hunter2"].concat(), &mut each);
    }
    lines.end(&mut each);
    assert_eq!((text.matches("***").count(), text.matches("hunter").count()), (600, 0));
    assert!((4..10).contains(&count), "{count} lines");
}

#[test]
fn a_secret_is_found_in_a_file_of_any_size() {
    let mask = Mask::new([SECRET, "abc"]);
    let step = 1 << 20;
    for before in [0, 17, step - 3, step, 3 * step - 10] {
        for (text, _) in written() {
            let mut bytes = vec![b'.'; before];
            for at in (99..before).step_by(100) {
                bytes[at] = b'\n';
            }
            bytes.extend(b" abc ");
            let clean = scan(&mask, bytes.as_slice()).expect("read");
            assert_eq!(clean, None);
            bytes.extend(text.as_bytes());
            bytes.extend([b'.'; 100]);
            let found = scan(&mask, bytes.as_slice()).expect("read").expect("found");
            let at = found.byte - before as u64;
            assert!((5..20).contains(&at), "{text} at {at}");
            assert_eq!(found.line, Some((before as u64) / 100 + 1), "{text}");
        }
    }
    let binary = [b"\0\0\n", SECRET.as_bytes()].concat();
    let found = scan(&mask, binary.as_slice()).expect("read");
    assert_eq!(found, Some(Found { byte: 3, line: None }));
}

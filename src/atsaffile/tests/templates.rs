//! Texts with holes in which anything may stand.

use crate::atsaffile::mistakes::Mistakes;
use crate::atsaffile::syntax::Word;
use crate::atsaffile::template::{TemplatePart, split};
use crate::engine::spec::Span;
use crate::fuzz::Fuzz;

#[test]
fn fuzz_command_template() {
    let examples = [
        "python fit.py --h {{h}} {{inputs}} {{{{ \"ä\" > {{ output.plot }} # {{params_file}}",
        "{{input.a}}{{input.b}}\n}} { { {{}} {{{{{{h}}",
    ];
    let words = ["{{", "}}", "{{{{", " ", "{", "}", "ä", "\n", "h", "output."];
    let examples = examples.map(|text| text.as_bytes().to_vec());
    Fuzz::of("command template", examples).words(&words).run(|bytes| {
        let text = String::from_utf8_lossy(bytes);
        let end = u32::try_from(text.len()).expect("short");
        let word = Word {
            text: &text,
            span: Span { start: 0, end },
        };
        let mut mistakes = Mistakes::default();
        let (parts, is_whole) = split(&text, word, &mut mistakes);
        assert_eq!(is_whole, mistakes.len() == 0);
        let mut written = String::new();
        for part in parts {
            match part {
                TemplatePart::Literal("{{") => written.push_str("{{{{"),
                TemplatePart::Literal(literal) => written.push_str(literal),
                TemplatePart::Hole(hole) => {
                    assert_eq!(&text[hole.at], hole.name);
                    written.push_str("{{");
                    written.push_str(hole.name);
                    written.push_str("}}");
                }
            }
        }
        if is_whole {
            let plain = |text: &str| text.split_whitespace().collect::<String>();
            assert_eq!(plain(&written), plain(&text));
        }
    });
}

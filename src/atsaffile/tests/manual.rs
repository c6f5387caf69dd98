//! The reference page of the Atsaffile says what is so.

use super::{mistakes, spec};

const PAGE: &str = include_str!("../../../docs/atsaffile.md");
const TIME: &str = include_str!("../../../docs/time.md");

/// The blocks of the page that are marked with `mark`.
fn blocks(mark: &str) -> Vec<&'static str> {
    blocks_of(PAGE, mark)
}

fn blocks_of(page: &'static str, mark: &str) -> Vec<&'static str> {
    page.split("\n```")
        .skip(1)
        .step_by(2)
        .filter_map(|block| block.split_once('\n'))
        .filter(|(found, _)| *found == mark)
        .map(|(_, text)| text)
        .collect()
}

#[test]
fn every_example_of_the_page_is_a_whole_file_without_mistakes() {
    let examples = blocks("toml");
    assert!(examples.len() > 10);
    for example in examples.into_iter().chain(blocks_of(TIME, "toml")) {
        spec(example);
    }
}

#[test]
fn the_mistakes_on_the_page_are_told_as_it_says() {
    let [text] = blocks("toml mistakes")[..] else {
        panic!("one example of mistakes")
    };
    let [said] = blocks("text")[..] else {
        panic!("one text of messages")
    };
    assert_eq!(mistakes(text), format!("{said}\n"));
}

#[test]
fn every_key_of_a_target_has_its_row() {
    let unknown = mistakes("[target.a]\nrun = \"x {{output}}\"\noutput = \"a\"\nxxxxxxxx = 1\n");
    let keys = unknown.split("keys: ").nth(1).expect("a list of the keys").trim();
    for key in keys.split(", ") {
        assert!(PAGE.contains(&format!("\n| `{key}` |")), "`{key}` has no row");
    }
}

#[test]
fn every_key_of_airflow_has_its_row() {
    let unknown = mistakes("[airflow]\nxxxxxxxx = 1\n");
    let keys = unknown.split("keys: ").nth(1).expect("a list of the keys").trim();
    for key in keys.split(", ") {
        assert!(PAGE.contains(&format!("`{key}`")), "`{key}` has no row");
    }
}

//! What the page says of given data, and that nothing from a file is markup.

use super::*;

#[test]
fn an_empty_project_has_a_page_that_says_so() {
    let html = Page::default().html();
    assert!(html.contains("Nothing was built yet."), "{html}");
    assert!(html.contains("Not built yet"), "{html}");
    assert!(!html.contains("id=\"forecast\""), "{html}");
}

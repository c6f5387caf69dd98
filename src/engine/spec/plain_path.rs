//! The one form of a path: `/` between the parts, relative to the project or absolute.

/// Brings a path to its one form: no `.`, no empty part, no `/` at the end, and no `..` but at the beginning.
///
/// Only the text is looked at, so `a/../b` is `b` whatever `a` may be. The project itself is the empty path.
pub(crate) fn normalise(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    if path.starts_with('/') {
        out.push('/');
    }
    let root = out.len();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if out.len() > root && out != ".." && !out.ends_with("/..") => {
                let end = out.rfind('/').unwrap_or(0).max(root);
                out.truncate(end);
            }
            ".." if root == 1 => {}
            _ => {
                if out.len() > root {
                    out.push('/');
                }
                out.push_str(part);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form_a_path() {
        for (written, path) in [
            ("./a/b", "a/b"),
            ("a//b/", "a/b"),
            ("a/./b/../c", "a/c"),
            ("a/..", ""),
            ("../x", "../x"),
            ("a/../../x", "../x"),
            ("../../x", "../../x"),
            ("/a/../..//b", "/b"),
            ("/", "/"),
            (".", ""),
            ("..", ".."),
            ("a/..b", "a/..b"),
        ] {
            assert_eq!(normalise(written), path, "{written}");
        }
    }
}

//! Paths of the project as they are called from one of its directories, and back.

use std::borrow::Cow;

use super::{Command, normalise};

impl Command {
    /// A path of the project as it is called from where the command runs; an absolute one as it is.
    #[must_use]
    pub fn from_cwd<'p>(&self, path: &'p str) -> Cow<'p, str> {
        match &self.cwd {
            Some(cwd) if !path.starts_with('/') => Cow::Owned(relative(cwd, path)),
            _ => Cow::Borrowed(path),
        }
    }

    /// The path of the project that a word of the command means, without `./` before it.
    #[must_use]
    pub fn from_project<'w>(&self, word: &'w str) -> Cow<'w, str> {
        match &self.cwd {
            Some(cwd) if !word.starts_with('/') => Cow::Owned(normalise(&format!("{cwd}/{word}"))),
            _ => Cow::Borrowed(word.strip_prefix("./").unwrap_or(word)),
        }
    }
}

/// `path` from `cwd`; both count from the project and have no `.` in them.
fn relative(cwd: &str, path: &str) -> String {
    let (from, to): (Vec<&str>, Vec<&str>) = (cwd.split('/').collect(), path.split('/').collect());
    // What is out of the project is reached from there alone.
    let alike = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..", from.len() - alike);
    let parts: Vec<&str> = up.chain(to[alike..].iter().copied()).collect();
    match parts.is_empty() {
        true => ".".to_owned(),
        false => parts.join("/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_from_the_directory_and_back() {
        for (cwd, path, seen) in [
            ("src", "data/x.csv", "../data/x.csv"),
            ("src", "src/fit.py", "fit.py"),
            ("src/a", "src/b/c", "../b/c"),
            ("a/b", "a", ".."),
            ("a", "a", "."),
            ("src", "../shared/x", "../../shared/x"),
            ("srca", "src/x", "../src/x"),
        ] {
            assert_eq!(relative(cwd, path), seen, "{path} from {cwd}");
            assert_eq!(normalise(&format!("{cwd}/{seen}")), path, "{seen} in {cwd}");
        }
    }
}

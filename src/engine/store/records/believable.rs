//! What a journal or an index says is believed only as far as the Atsaffile could have said it: paths lie in the
//! project and where artifacts may lie, and a name is no path. Both may have come from elsewhere.

use super::entry::{Acceptance, Artifact, Entry, Failed, ResultEntry};
use super::ledger::{History, StoredResult};
use crate::engine::result_id::Discovered;
use crate::engine::spec::reserved::Reserved;

/// Whether an artifact may lie at a path: it is relative, in its one form, and leads nowhere that is not for artifacts.
pub(crate) fn is_artifact_path(path: &str) -> bool {
    let is_plain = |part: &str| !matches!(part, "" | "." | "..");
    path.split('/').all(is_plain) && !has_control(path) && Reserved::of(path).is_none()
}

/// Whether something that was set aside may lie at a path: `RUN/TARGET/NUMBER` in the store's directory for it, or
/// beside an artifact in one of that form.
pub(super) fn is_aside_path(path: &str) -> bool {
    let is_plain = |part: &str| !matches!(part, "" | "." | "..");
    let parts: Vec<&str> = path.split('/').collect();
    let is_own = || path.starts_with(".atsaf/v1/aside/") && parts.len() == 6;
    let run = parts.len().checked_sub(3).map(|at| parts[at]);
    let is_beside = || run.is_some_and(|run| run.starts_with(".atsaf-aside-")) && Reserved::of(path).is_none();
    parts.iter().all(|part| is_plain(part)) && !has_control(path) && (is_own() || is_beside())
}

/// Whether something that an attempt was seen to use may have a path: it lies in the project.
fn is_project_path(path: &str) -> bool {
    let is_plain = |part: &str| !matches!(part, "" | "." | "..");
    let path = path.strip_suffix('/').unwrap_or(path);
    path == "." || (path.split('/').all(is_plain) && !path.contains('\0'))
}

fn lie_in_project(discovered: &[Discovered]) -> bool {
    discovered.iter().all(|it| is_project_path(&it.path))
}

/// Whether a target may have a name: it is the name of one directory.
fn is_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains('/') && !has_control(name)
}

fn has_control(text: &str) -> bool {
    text.bytes().any(|byte| byte < b' ' || byte == 0x7f)
}

fn are_artifacts(artifacts: &[Artifact]) -> bool {
    artifacts.iter().all(|artifact| is_artifact_path(&artifact.path))
}

impl Entry {
    /// Whether it names only targets and places that the Atsaffile could name.
    pub(super) fn is_believable(&self) -> bool {
        match self {
            Self::Intent(result) | Self::Restore { result, .. } | Self::Past(result) => result.is_believable(),
            Self::Placement { files } => files.iter().all(|(path, _)| is_artifact_path(path)),
            Self::SetAside { target, files, .. } => {
                let mut files = files.iter();
                is_name(target) && files.all(|(path, away)| is_artifact_path(path) && is_aside_path(away))
            }
            Self::Result { target, .. }
            | Self::AsideEnded { target }
            | Self::Acting { target }
            | Self::Answered { target, .. }
            | Self::Failure(Failed { target, .. }) => is_name(target),
            Self::Accepted { target, acceptance } => is_name(target) && acceptance.is_believable(),
            Self::Run(_) | Self::Ended { .. } | Self::Synced { .. } | Self::Forgotten { .. } => true,
        }
    }
}

impl ResultEntry {
    fn is_believable(&self) -> bool {
        is_name(&self.target) && are_artifacts(&self.artifacts) && lie_in_project(&self.discovered)
    }
}

impl Acceptance {
    fn is_believable(&self) -> bool {
        are_artifacts(&self.artifacts) && lie_in_project(&self.discovered)
    }
}

impl History {
    /// As [`Entry::is_believable`], of what an index says of a target.
    pub(super) fn is_believable(&self, target: &str) -> bool {
        let results = self.record().into_iter().chain(self.open());
        let mut aside = self.aside().iter();
        let accepted = self.accepted();
        is_name(target)
            && accepted.is_none_or(Acceptance::is_believable)
            && results.into_iter().all(StoredResult::is_believable)
            && aside.all(|(path, away)| is_artifact_path(path) && is_aside_path(away))
    }
}

impl StoredResult {
    fn is_believable(&self) -> bool {
        are_artifacts(&self.artifacts) && lie_in_project(&self.discovered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::digest::Digest;
    use crate::engine::run_id::RunId;

    #[test]
    fn a_path_of_an_artifact_stays_in_the_project_and_out_of_what_is_not_for_artifacts() {
        for path in ["out", "a/b c", "a/.hidden", ".gitignore", "x/.atsaf-like", "a..b"] {
            assert!(is_artifact_path(path), "{path}");
        }
        for path in [
            "",
            "/etc/passwd",
            "..",
            "a/../../b",
            "./a",
            "a//b",
            "a/",
            ".atsaf/v1/index",
            ".git/hooks/pre-commit",
            "sub/.git/config",
            "sub/.Git/config",
            ".ATSAF/v1/index",
            ".github/workflows/x.yml",
            ".env",
            "a\nb",
        ] {
            assert!(!is_artifact_path(path), "{path}");
        }
    }

    #[test]
    fn what_is_set_aside_lies_where_atsaf_sets_aside() {
        for path in [".atsaf/v1/aside/run/t/0", "big/.atsaf-aside-run/t/0"] {
            assert!(is_aside_path(path), "{path}");
        }
        for path in [
            ".atsaf/v1/aside/../../../victim",
            "/tmp/.atsaf-aside-run/0",
            "src/main.rs",
            "src/main/rs",
            ".git/.atsaf-aside-run/0",
            ".git/.atsaf-aside-run/t/0",
            "src/.atsaf-aside-run/0",
            "src/.atsaf-aside-run/t/a/0",
            ".atsaf/v1/aside/0",
            ".atsaf/v1/aside/run/t/a/0",
        ] {
            assert!(!is_aside_path(path), "{path}");
        }
    }

    #[test]
    fn an_entry_that_leads_out_is_not_believed() {
        let run = RunId::new();
        let digest = Digest::of(b"text");
        let result = |target: &str, path: &str| Box::new(ResultEntry::of_file(target, "a", path, digest));
        assert!(Entry::Intent(result("t", "out/a")).is_believable());
        let seen = |path: &str| {
            let mut made = *result("t", "out/a");
            let (path, content) = (path.to_owned(), None);
            made.discovered = vec![Discovered { path, content }];
            Entry::Past(Box::new(made))
        };
        for path in ["lib/a.py", ".github/x.yml", "conf/", "./"] {
            assert!(seen(path).is_believable(), "{path}");
        }
        let aside = |path: &str, away: &str| Entry::SetAside {
            run,
            target: "t".to_owned(),
            files: vec![(path.to_owned(), away.to_owned())],
        };
        assert!(aside("out", ".atsaf/v1/aside/run/t/0").is_believable());
        let accepted = |path: &str| Entry::Accepted {
            target: "t".to_owned(),
            acceptance: Box::new(Acceptance {
                run,
                why: "so".to_owned(),
                id: digest,
                declared: digest,
                discovered: vec![Discovered {
                    path: path.to_owned(),
                    content: None,
                }],
                installed: Vec::new(),
                artifacts: result("t", "out").artifacts,
                at: 1,
            }),
        };
        assert!(accepted("lib/a.py").is_believable());
        for wrong in [
            accepted("/etc/passwd"),
            accepted("../x"),
            Entry::Intent(result("t", "../victim")),
            Entry::Past(result("../../victim", "out")),
            Entry::Placement {
                files: vec![("/victim".to_owned(), digest)],
            },
            aside("../victim", ".atsaf/v1/aside/run/t/0"),
            aside("out", "src"),
            Entry::Acting {
                target: "..".to_owned(),
            },
            seen("/etc/passwd"),
            seen("lib/../../x"),
            seen("/"),
        ] {
            assert!(!wrong.is_believable(), "{wrong:?}");
        }
    }
}

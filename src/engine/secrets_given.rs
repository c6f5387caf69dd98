//! The secrets that a target got, and whether what it wrote holds one.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use super::event::Failure;
use super::spec::{Output, Target};
use crate::outward::{self, Found, Mask};

/// The secrets that a target got; none if its artifacts may hold them.
pub(super) struct SecretsGiven<'a> {
    each: Vec<(&'a str, &'a str)>,
    /// Of all together.
    mask: Mask,
}

/// A secret in what a target wrote.
pub(super) struct SecretFound<'a> {
    secret: &'a str,
    /// The file of a directory; empty for a file that is an output itself.
    below: PathBuf,
    place: SecretPlace,
}

enum SecretPlace {
    Content(Found),
    Name,
    Link,
}

impl<'a> SecretsGiven<'a> {
    /// Those that a target got, of all that are set.
    pub(super) fn to(target: &'a Target, secrets: &'a BTreeMap<String, String>) -> Self {
        let names = target
            .settings
            .secrets
            .iter()
            .filter(|_| !target.settings.secrets_in_output);
        let set = |name: &'a String| Some((name.as_str(), secrets.get(name)?.as_str()));
        let each: Vec<_> = names.filter_map(set).collect();
        let mask = Mask::new(each.iter().map(|(_, value)| *value));
        Self { each, mask }
    }

    /// The first secret in a file, or in the files and names of a directory.
    pub(super) fn find_in(&self, path: &Path) -> io::Result<Option<SecretFound<'a>>> {
        if self.mask.is_empty() {
            return Ok(None);
        }
        for entry in walkdir::WalkDir::new(path).sort_by_file_name() {
            let entry = entry?;
            let below = entry.path().strip_prefix(path).unwrap_or(entry.path());
            if let Some((secret, place)) = self.find_at(&entry, below)? {
                let below = below.to_owned();
                return Ok(Some(SecretFound { secret, below, place }));
            }
        }
        Ok(None)
    }

    fn find_at(&self, entry: &walkdir::DirEntry, below: &Path) -> io::Result<Option<(&'a str, SecretPlace)>> {
        if let Some((secret, _)) = self.find(|| Ok(below.as_os_str().as_bytes()))? {
            return Ok(Some((secret, SecretPlace::Name)));
        }
        let kind = entry.file_type();
        if kind.is_symlink() {
            let link = || {
                Ok(io::Cursor::new(
                    fs::read_link(entry.path())?.into_os_string().into_vec(),
                ))
            };
            return Ok(self.find(link)?.map(|(secret, _)| (secret, SecretPlace::Link)));
        }
        if !kind.is_file() {
            return Ok(None);
        }
        let found = self.find(|| File::open(entry.path()))?;
        Ok(found.map(|(secret, place)| (secret, SecretPlace::Content(place))))
    }

    /// Which secret stands in something, and where; it is read once where none does.
    fn find<R: io::Read>(&self, open: impl Fn() -> io::Result<R>) -> io::Result<Option<(&'a str, Found)>> {
        if outward::scan(&self.mask, open()?)?.is_none() {
            return Ok(None);
        }
        for (name, value) in &self.each {
            if let Some(place) = outward::scan(&Mask::new([*value]), open()?)? {
                return Ok(Some((name, place)));
            }
        }
        Ok(None)
    }
}

impl SecretFound<'_> {
    /// The failure of an attempt that wrote it; what it wrote is left in its place to be looked at, or gone.
    pub(super) fn failure(&self, target: &Target, output: &Output, is_left: bool) -> Failure {
        let Self { secret, below, place } = self;
        let path = match below.as_os_str().is_empty() {
            true => output.path.to_string(),
            false => format!("{}/{}", output.path.trim_end_matches('/'), below.display()),
        };
        let what = match place {
            SecretPlace::Content(Found { byte, line: Some(line) }) => {
                format!("`{path}` holds the secret `{secret}` in line {line}, at byte {byte}")
            }
            SecretPlace::Content(Found { byte, line: None }) => {
                format!("`{path}` holds the secret `{secret}` at byte {byte}")
            }
            SecretPlace::Name => format!("the name of a file in `{}` holds the secret `{secret}`", output.path),
            SecretPlace::Link => format!("the link `{path}` holds the secret `{secret}`"),
        };
        Failure {
            what,
            notes: vec![match is_left {
                true => format!(
                    "`{}` was left there for you to look at: it counts as not built, and no copy of it was kept",
                    output.path
                ),
                false => "nothing was placed, and no copy was kept".to_owned(),
            }],
            help: vec![
                "leave it out of what the target writes: artifacts are copied, shared and kept".to_owned(),
                format!(
                    "if it is meant to be there, say `secrets_in_output = \"allow\"` in the target `{}`",
                    target.name
                ),
            ],
            ..Failure::default()
        }
    }
}

//! Reads files that a person writes, within a limit, and replaces files that this program wrote.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use crate::engine::regular_file::{self, LastLink};

/// Reads a regular file, or one that a link leads to, of no more than `limit` bytes.
///
/// # Errors
/// Whatever opening and reading meets; [`io::ErrorKind::InvalidData`] if it is no regular file or larger.
pub(super) fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let wrong = |what: String| Err(io::Error::new(io::ErrorKind::InvalidData, what));
    let Ok(file) = regular_file::open(path, OpenOptions::new().read(true), LastLink::Followed)? else {
        return wrong("it is no regular file".to_owned());
    };
    // What it has now, in one piece.
    let size = file.metadata()?.len().min(limit);
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    file.take(limit + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > limit {
        true => wrong(format!("it has more than {} MiB", limit >> 20)),
        false => Ok(bytes),
    }
}

/// Puts a file in the place of an earlier one at once: somebody may be reading it.
///
/// # Errors
/// Whatever writing meets; then the earlier one is as it was.
pub(super) fn replace(place: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    let new = place.with_file_name(format!(".{name}.{}.new", std::process::id()));
    let mut file = fs::File::create_new(&new)?;
    let written = file.write_all(bytes).and_then(|()| {
        if let Ok(before) = fs::symlink_metadata(place)
            && before.is_file()
        {
            file.set_permissions(before.permissions())?;
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "one of this program's own, which was looked at"
        )]
        fs::rename(&new, place)
    });
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use std::process::Command;

    use super::*;

    #[test]
    fn only_a_regular_file_within_the_limit_is_read() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let at = |name: &str| dir.path().join(name);
        std::fs::File::create(at("file"))
            .expect("made")
            .set_len(1 << 20)
            .expect("set");
        symlink("file", at("link")).expect("linked");
        assert_eq!(read(&at("link"), 1 << 20).expect("read").len(), 1 << 20);
        let larger = read(&at("file"), (1 << 20) - 1).expect_err("too large");
        assert_eq!(larger.kind(), io::ErrorKind::InvalidData);
        assert!(Command::new("mkfifo").arg(at("pipe")).status().expect("made").success());
        let _listener = UnixListener::bind(at("socket")).expect("bound");
        let wrong = [
            at("pipe"),
            at("socket"),
            dir.path().to_owned(),
            Path::new("/dev/zero").to_owned(),
        ];
        for path in wrong {
            let error = read(&path, 1 << 20).expect_err("refused");
            assert_eq!(error.to_string(), "it is no regular file", "{}", path.display());
        }
        let absent = read(&at("absent"), 1).expect_err("not there");
        assert_eq!(absent.kind(), io::ErrorKind::NotFound);
    }
}

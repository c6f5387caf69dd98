//! What tasks remember from one attempt to the next, each piece in a file of its own under its key.
//!
//! A file begins with the digest of what follows. One that is torn, damaged or gone is forgotten; that costs time only.

use std::io::Write as _;
use std::path::PathBuf;

use super::own_file;
use crate::engine::digest::Digest;
use crate::engine::task::Memo;

/// The directory of remembered pieces.
#[derive(Debug)]
pub(crate) struct Memos {
    dir: PathBuf,
}

impl Memos {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    fn path(&self, key: &Digest) -> PathBuf {
        let hex = key.hex();
        self.dir.join(&hex[..2]).join(&hex[2..])
    }
}

impl Memo for Memos {
    fn get(&self, key: &Digest) -> Option<Vec<u8>> {
        let bytes = own_file::read(&self.path(key)).ok()?;
        let (digest, body) = bytes.split_at_checked(64)?;
        (Digest::of(body).hex().as_bytes() == digest).then(|| body.to_vec())
    }

    fn put(&self, key: &Digest, bytes: &[u8]) {
        let path = self.path(key);
        let write = || -> std::io::Result<()> {
            if let Some(parent) = path.parent() {
                own_file::make_directory(parent)?;
            }
            let mut file = own_file::create(&path)?;
            file.write_all(Digest::of(bytes).hex().as_bytes())?;
            file.write_all(bytes)
        };
        // A disk that cannot take it costs the time that it would have saved.
        let _ = write();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::Fuzz;

    #[test]
    fn a_torn_piece_is_forgotten() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let memos = Memos::new(dir.path().join("memo"));
        let key = Digest::of(b"key");
        assert_eq!(memos.get(&key), None);
        memos.put(&key, b"value");
        assert_eq!(memos.get(&key).as_deref(), Some(&b"value"[..]));
        let file = std::fs::File::options()
            .write(true)
            .open(memos.path(&key))
            .expect("opened");
        file.set_len(66).expect("cut");
        assert_eq!(memos.get(&key), None);
    }

    #[test]
    fn fuzz_memo() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let memos = Memos::new(dir.path().join("memo"));
        let key = Digest::of(b"key");
        memos.put(&key, b"a piece of work");
        let path = memos.path(&key);
        let whole = own_file::read(&path).expect("read");
        Fuzz::of("memo", [whole]).run(|bytes| {
            own_file::create(&path)
                .expect("made")
                .write_all(bytes)
                .expect("written");
            if let Some(value) = memos.get(&key) {
                assert_eq!(value, b"a piece of work");
            }
        });
    }
}

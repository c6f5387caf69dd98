//! Records the pages of a query: as the API gave them, without the key, all or none.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use flate2::Compression;
use flate2::write::GzEncoder;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde_json::Value;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::Query;
use super::client::{Client, FetchedPage};
use super::fetch::{PageSink, fetch};
use crate::engine::task::{Context, TaskError};

/// Names under which an answer repeats the key.
const KEYS: [&str; 3] = ["api_key", "X-Api-Key", "x-api-key"];

/// What was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Files.
    pub pages: usize,
    /// Rows in them.
    pub rows: usize,
}

/// Records a query to `out`: an archive if its name ends in `.zip`, else a folder of `page-….json.gz`.
///
/// # Errors
/// [`TaskError`] if the API does not give all pages, or they cannot be written; `out` is not there then.
pub(crate) fn record(
    context: &Context<'_>,
    client: &Client<'_>,
    query: &Query,
    out: &Path,
) -> Result<Recorded, TaskError> {
    if out.symlink_metadata().is_ok() {
        return Err(TaskError::new(format!("`{}` is there already", out.display()))
            .help("name a place where nothing is, or remove it first"));
    }
    let unwritable = |error: io::Error| TaskError::new(format!("cannot write `{}`: {error}", out.display()));
    let parent = match out.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent).map_err(unwritable)?;
    let unfinished = Unfinished::beside(parent).map_err(unwritable)?;
    let folder = FolderSink {
        client,
        folder: unfinished.0.join("pages"),
        rows: AtomicUsize::new(0),
        names: Mutex::default(),
    };
    fetch(context, client, query, &folder)?;
    let names = folder.names();
    let made = match out.extension().is_some_and(|end| end.eq_ignore_ascii_case("zip")) {
        true => zipped(&folder.folder, &names, &unfinished.0.join("pages.zip")).map_err(unwritable)?,
        false => folder.folder.clone(),
    };
    // What came there meanwhile is not overwritten.
    let placed = renameat_with(CWD, &made, CWD, out, RenameFlags::NOREPLACE);
    placed.map_err(|error| unwritable(error.into()))?;
    Ok(Recorded {
        pages: names.len(),
        rows: folder.rows.load(Ordering::Relaxed),
    })
}

/// A directory for what is not finished, which goes with it.
struct Unfinished(PathBuf);

impl Unfinished {
    fn beside(parent: &Path) -> io::Result<Self> {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        let path = parent.join(format!(".atsaf-recording-{:016x}", u64::from_le_bytes(bytes)));
        fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // What stays is in nobody's way.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Writes each page to a file of its own.
struct FolderSink<'a> {
    client: &'a Client<'a>,
    folder: PathBuf,
    rows: AtomicUsize,
    names: Mutex<Vec<String>>,
}

impl FolderSink<'_> {
    fn names(&self) -> Vec<String> {
        let mut names = self.names.lock().map(|names| names.clone()).unwrap_or_default();
        names.sort_unstable();
        names
    }

    /// The page without the key, wherever the API repeats it.
    fn without_key(&self, body: &[u8]) -> Result<String, TaskError> {
        let broken = || TaskError::new("the answer of the EIA API cannot be written without the key in it");
        let mut page: Value = serde_json::from_slice(body).map_err(|_| broken())?;
        if let Some(params) = page.pointer_mut("/request/params").and_then(Value::as_object_mut) {
            for key in KEYS {
                params.remove(key);
            }
        }
        let text = self.client.hide(&page.to_string());
        // A key that is a part of the data's own words would leave no page.
        serde_json::from_str::<serde::de::IgnoredAny>(&text).map_err(|_| broken())?;
        Ok(text)
    }
}

impl PageSink for FolderSink<'_> {
    fn begin(&self) -> Result<(), TaskError> {
        let begin = || -> io::Result<()> {
            if self.folder.exists() {
                fs::remove_dir_all(&self.folder)?;
            }
            fs::create_dir(&self.folder)
        };
        if let Ok(mut names) = self.names.lock() {
            names.clear();
        }
        self.rows.store(0, Ordering::Relaxed);
        begin().map_err(|error| TaskError::new(format!("cannot begin a recording: {error}")))
    }

    fn take(&self, at: usize, fetched: FetchedPage) -> Result<(), TaskError> {
        let name = format!("page-{at:05}.json.gz");
        let text = self.without_key(&fetched.body)?;
        let write = || -> io::Result<()> {
            let mut packed = GzEncoder::new(File::create_new(self.folder.join(&name))?, Compression::default());
            packed.write_all(text.as_bytes())?;
            packed.finish()?.flush()
        };
        write().map_err(|error| TaskError::new(format!("cannot write `{name}`: {error}")))?;
        self.rows.fetch_add(fetched.page.rows.len(), Ordering::Relaxed);
        if let Ok(mut names) = self.names.lock() {
            names.push(name);
        }
        Ok(())
    }
}

/// Puts pages into an archive; they are compressed there.
fn zipped(folder: &Path, names: &[String], to: &Path) -> io::Result<PathBuf> {
    let mut zip = ZipWriter::new(File::create_new(to)?);
    for name in names {
        let plain = name.strip_suffix(".gz").unwrap_or(name);
        zip.start_file(plain, SimpleFileOptions::default())?;
        let mut page = flate2::read::GzDecoder::new(File::open(folder.join(name))?);
        io::copy(&mut page, &mut zip)?;
    }
    zip.finish()?.flush()?;
    Ok(to.to_owned())
}

//! What lies in a data file: its bytes, unpacked, and what kind of table they are.

use std::io::{self, Cursor, Read};
use std::path::Path;

use super::super::data_file;
use super::super::limits::SizeLimit;
use super::super::table::file_name;
use crate::engine::task::{Context, TaskError};

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    /// Rows of fields with a separator between them.
    Delimited,
    /// Parquet.
    Parquet,
    /// An object a line, or one array of them.
    Json,
}

impl FileKind {
    /// As messages call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Delimited => "CSV",
            Self::Parquet => "Parquet",
            Self::Json => "JSON lines",
        }
    }

    /// By the ending of a name, else by how the bytes begin.
    fn of(name: &str, bytes: &[u8]) -> Self {
        let end = Path::new(name)
            .extension()
            .and_then(|end| end.to_str())
            .unwrap_or_default();
        match end.to_ascii_lowercase().as_str() {
            "csv" | "tsv" | "tab" | "txt" | "psv" => Self::Delimited,
            "parquet" | "pq" | "parq" => Self::Parquet,
            "json" | "jsonl" | "ndjson" => Self::Json,
            _ if bytes.starts_with(b"PAR1") => Self::Parquet,
            _ if bytes.trim_ascii_start().starts_with(b"{") || bytes.trim_ascii_start().starts_with(b"[") => Self::Json,
            _ => Self::Delimited,
        }
    }
}

/// Reads a file, unpacked if its name ends in `.gz`, `.zst` or `.zip`.
pub(super) fn read(
    context: &Context<'_>,
    path: &Path,
    holder: &str,
    limit: SizeLimit,
) -> Result<(FileKind, Vec<u8>), TaskError> {
    let name = file_name(path);
    let cannot = |error: io::Error| TaskError::new(format!("cannot read {holder}: {error}"));
    let (inner, packing) = name.rsplit_once('.').unwrap_or((&name, ""));
    let (inner, bytes) = match packing.to_ascii_lowercase().as_str() {
        "zst" => {
            let file = data_file::open(path).map_err(cannot)?;
            let mut source = zstd::stream::read::Decoder::new(file).map_err(cannot)?;
            (inner.to_owned(), data_file::whole(context, &mut source, holder, limit)?)
        }
        "zip" => {
            let mut file = data_file::open(path).map_err(cannot)?;
            let packed = data_file::whole(context, &mut file, holder, limit)?;
            of_archive(context, packed, holder, limit)?
        }
        "gz" => (inner.to_owned(), data_file::read(context, path, holder, limit)?),
        _ => (name.clone(), data_file::read(context, path, holder, limit)?),
    };
    Ok((FileKind::of(&inner, &bytes), bytes))
}

/// The one file in an archive, and its name.
fn of_archive(
    context: &Context<'_>,
    packed: Vec<u8>,
    holder: &str,
    limit: SizeLimit,
) -> Result<(String, Vec<u8>), TaskError> {
    let broken = |why: &dyn std::fmt::Display| TaskError::new(format!("cannot read {holder}: {why}"));
    let mut archive = zip::ZipArchive::new(Cursor::new(packed)).map_err(|error| broken(&error))?;
    // What macOS and shells add beside the data.
    let is_data = |name: &&str| !name.ends_with('/') && !name.starts_with("__MACOSX/") && !name.ends_with(".DS_Store");
    let names: Vec<String> = archive.file_names().filter(is_data).map(str::to_owned).collect();
    let [name] = &*names else {
        let shown: Vec<&str> = names.iter().take(5).map(String::as_str).collect();
        let what = format!("{holder} holds {} files, and must hold one", names.len());
        return Err(TaskError::new(what)
            .note(format!("its files: {}", shown.join(", ")))
            .help("unpack it, and name its files by a pattern such as \"data/*.csv\""));
    };
    let mut file = archive.by_name(name).map_err(|error| broken(&error))?;
    let bytes = data_file::whole(context, &mut file as &mut dyn Read, holder, limit)?;
    Ok((name.clone(), bytes))
}

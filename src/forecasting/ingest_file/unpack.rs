//! What lies in a data file: its bytes, unpacked, and what kind of table they are.

use std::io::{self, BufRead as _, BufReader, Cursor, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

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

    /// By the ending of a name, else by how the bytes begin; what begins and ends as Parquet is that, however it is called.
    fn of(name: &str, bytes: &[u8]) -> Self {
        const MARK: &[u8] = b"PAR1";
        if bytes.starts_with(MARK) && bytes.ends_with(MARK) {
            return Self::Parquet;
        }
        let end = Path::new(name)
            .extension()
            .and_then(|end| end.to_str())
            .unwrap_or_default();
        match end.to_ascii_lowercase().as_str() {
            "csv" | "tsv" | "tab" | "txt" | "psv" => match bytes.trim_ascii_start() {
                // No name of a column begins so.
                [b'{', b'"', ..] | [b'[', b'{', ..] => Self::Json,
                _ => Self::Delimited,
            },
            "parquet" | "pq" | "parq" => Self::Parquet,
            "json" | "jsonl" | "ndjson" => Self::Json,
            _ if bytes.starts_with(MARK) => Self::Parquet,
            _ if bytes.trim_ascii_start().starts_with(b"{") || bytes.trim_ascii_start().starts_with(b"[") => Self::Json,
            _ => Self::Delimited,
        }
    }
}

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    Gzip,
    Zstandard,
    Zip,
    /// A workbook of Excel's older form.
    Workbook,
}

impl Packing {
    /// By how the bytes begin: names may say otherwise.
    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstandard),
            [b'P', b'K', 3, 4, ..] => Some(Self::Zip),
            [0xd0, 0xcf, 0x11, 0xe0, ..] => Some(Self::Workbook),
            _ => None,
        }
    }
}

/// Reads a file, unpacked if it is packed by gzip, zstd or zip.
pub(super) fn read(
    context: &Context<'_>,
    path: &Path,
    holder: &str,
    limit: SizeLimit,
) -> Result<(FileKind, Vec<u8>), TaskError> {
    let name = file_name(path);
    let cannot = |error: io::Error| TaskError::new(format!("cannot read {holder}: {error}"));
    let mut file = BufReader::new(data_file::open(path).map_err(cannot)?);
    let packing = Packing::of(file.fill_buf().map_err(cannot)?);
    let whole = |source: &mut dyn Read| data_file::whole(context, source, holder, limit);
    let (inner, bytes) = match packing {
        None => (name, whole(&mut file)?),
        Some(Packing::Gzip) => (unpacked(&name), whole(&mut MultiGzDecoder::new(file))?),
        Some(Packing::Zstandard) => {
            let mut source = zstd::stream::read::Decoder::with_buffer(file).map_err(cannot)?;
            (unpacked(&name), whole(&mut source)?)
        }
        Some(Packing::Zip) => {
            let packed = whole(&mut file)?;
            of_archive(context, packed, holder, limit)?
        }
        Some(Packing::Workbook) => return Err(workbook(holder)),
    };
    Ok((FileKind::of(&inner, &bytes), bytes))
}

/// The name of a packed file without the ending that says so.
fn unpacked(name: &str) -> String {
    let inner = name.rsplit_once('.');
    let inner = inner.filter(|(_, end)| ["gz", "zst", "zstd"].contains(&&*end.to_ascii_lowercase()));
    inner.map_or(name, |(inner, _)| inner).to_owned()
}

fn workbook(holder: &str) -> TaskError {
    TaskError::new(format!("{holder} is an Excel workbook, which is not read")).help("save its sheet as CSV")
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
    if names.iter().any(|name| name == "xl/workbook.xml") {
        return Err(workbook(holder));
    }
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

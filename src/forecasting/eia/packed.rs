//! Recorded pages in their files: plain, compressed (`.gz`, `.zst`), or many in one archive (`.zip`).

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use zip::ZipArchive;

use crate::engine::task::{Context, TaskError};
use crate::forecasting::data_file;
use crate::forecasting::limits::SizeLimit;
use crate::forecasting::table;

/// As much is read between two looks at whether the attempt goes on.
const PIECE: usize = 1 << 18;
/// Pages of an archive that are read by one who has opened it.
const TOGETHER: usize = 16;
/// The most files of an archive: a directory of more is none of pages.
const MOST_FILES: usize = 100_000;

/// Some pages that lie in one file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PageFile {
    /// One.
    Alone(PathBuf),
    /// Those with these numbers in an archive.
    Zipped(PathBuf, Vec<usize>),
}

/// The files of pages in a folder by their names, or the one that `source` is.
///
/// # Errors
/// Whatever looking meets; an archive that cannot be read is one.
pub(super) fn page_files(source: &Path) -> io::Result<Vec<PageFile>> {
    let mut paths = Vec::new();
    if source.is_dir() {
        for entry in std::fs::read_dir(source)? {
            let path = entry?.path();
            if is_archive(&path) || is_page(&path) {
                paths.push(path);
            }
        }
        paths.sort();
    } else {
        paths.push(source.to_owned());
    }
    let mut files = Vec::new();
    for path in paths {
        match is_archive(&path) {
            true => files.extend(pages_of(&path)?),
            false => files.push(PageFile::Alone(path)),
        }
    }
    Ok(files)
}

/// Reads the pages of a file in order; `take` gets the name of each and its bytes.
///
/// # Errors
/// [`TaskError`] if one cannot be read or is larger than `limit`, what `take` says, or if the attempt ends meanwhile.
pub(super) fn read(
    context: &Context<'_>,
    file: &PageFile,
    source: &str,
    limit: SizeLimit,
    mut take: impl FnMut(String, &[u8]) -> Result<(), TaskError>,
) -> Result<(), TaskError> {
    let reader = PageReader { context, source, limit };
    match file {
        PageFile::Alone(path) => {
            let name = table::file_name(path);
            let bytes = reader.whole(&name, path, || data_file::open(path))?;
            take(name, &bytes)
        }
        PageFile::Zipped(path, numbers) => {
            let archive = table::file_name(path);
            let unreadable =
                |error: io::Error| TaskError::new(format!("cannot read `{archive}` of `{source}`: {error}"));
            let mut zip = open_archive(path).map_err(unreadable)?;
            for number in numbers {
                let entry = zip.by_index(*number).map_err(|error| unreadable(error.into()))?;
                let name = entry.name().to_owned();
                let bytes = reader.whole(&name, Path::new(&name), || Ok(entry))?;
                take(format!("{name}` in `{archive}"), &bytes)?;
            }
            Ok(())
        }
    }
}

/// Reads pages of one source.
struct PageReader<'a> {
    context: &'a Context<'a>,
    source: &'a str,
    limit: SizeLimit,
}

impl PageReader<'_> {
    /// All of a page, unpacked as the end of its name says.
    fn whole<R: Read>(
        &self,
        name: &str,
        path: &Path,
        open: impl FnOnce() -> io::Result<R>,
    ) -> Result<Vec<u8>, TaskError> {
        let holder = format!("the page `{name}` of `{}`", self.source);
        let cannot = |error: io::Error| TaskError::new(format!("cannot read {holder}: {error}"));
        let packed = open().map_err(cannot)?;
        let mut source: Box<dyn Read + '_> = match extension(path).as_str() {
            "gz" => Box::new(flate2::read::MultiGzDecoder::new(BufReader::new(packed))),
            "zst" => Box::new(zstd::stream::read::Decoder::new(packed).map_err(cannot)?),
            _ => Box::new(packed),
        };
        let mut bytes = Vec::new();
        let mut piece = vec![0; PIECE];
        loop {
            self.context.check_cancelled()?;
            let read = match source.read(&mut piece) {
                Ok(0) => return Ok(bytes),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(cannot(error)),
            };
            if (bytes.len() + read) as u64 > self.limit.bytes() {
                return Err(self.limit.excess().in_input(&holder));
            }
            // Memory that cannot be had is an error here, and the end of the program elsewhere.
            bytes
                .try_reserve(read)
                .map_err(|error| cannot(io::Error::other(error)))?;
            bytes.extend_from_slice(&piece[..read]);
        }
    }
}

fn open_archive(path: &Path) -> io::Result<ZipArchive<BufReader<File>>> {
    Ok(ZipArchive::new(BufReader::new(data_file::open(path)?))?)
}

/// The pages of an archive, some of them together, in the order of their names.
fn pages_of(path: &Path) -> io::Result<Vec<PageFile>> {
    let of_archive = |error: io::Error| io::Error::new(error.kind(), format!("`{}`: {error}", table::file_name(path)));
    let zip = open_archive(path).map_err(of_archive)?;
    if zip.len() > MOST_FILES {
        return Err(of_archive(io::Error::other(format!(
            "it holds more than {MOST_FILES} files"
        ))));
    }
    let names = (0..zip.len()).filter_map(|number| Some((zip.name_for_index(number)?, number)));
    let mut pages: Vec<(&str, usize)> = names.filter(|(name, _)| is_page(Path::new(name))).collect();
    pages.sort_unstable();
    let together = pages.chunks(TOGETHER);
    Ok(together
        .map(|pages| PageFile::Zipped(path.to_owned(), pages.iter().map(|(_, number)| *number).collect()))
        .collect())
}

/// The end of a file's name, in lower case.
fn extension(path: &Path) -> String {
    let end = path.extension().unwrap_or_default();
    end.to_string_lossy().to_ascii_lowercase()
}

fn is_archive(path: &Path) -> bool {
    extension(path) == "zip"
}

/// Whether a file is a page by its name: `.json`, compressed or not. What macOS puts beside each file of an archive is none.
fn is_page(path: &Path) -> bool {
    let unpacked = match extension(path).as_str() {
        "gz" | "zst" => path.with_extension(""),
        _ => path.to_owned(),
    };
    let is_beside = path
        .file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with("._"));
    extension(&unpacked) == "json" && !is_beside
}

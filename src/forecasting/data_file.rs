//! Files that tasks read: regular ones only, no more of them than a limit, and no longer than the attempt lasts.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use super::limits::SizeLimit;
use crate::engine::regular_file::{self, LastLink};
use crate::engine::task::{Context, TaskError};

/// As much is read between two looks at whether the attempt goes on.
const PIECE: usize = 1 << 18;

/// Opens a file to be read, if it is a regular one; a pipe without a writer is not waited for.
///
/// # Errors
/// If it cannot be opened or is something else.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let opened = regular_file::open(path, OpenOptions::new().read(true), LastLink::Followed)?;
    opened.map_err(|what| io::Error::other(format!("it is {what}, not a file")))
}

/// Reads a whole file, and unpacks it if its name ends in `.gz`; `holder` is what errors call it.
///
/// # Errors
/// [`TaskError`] if it cannot be read, holds more than `limit`, or the attempt ends meanwhile.
pub(super) fn read(context: &Context<'_>, path: &Path, holder: &str, limit: SizeLimit) -> Result<Vec<u8>, TaskError> {
    let file = open(path).map_err(|error| TaskError::new(format!("cannot read {holder}: {error}")))?;
    let mut source: Box<dyn Read> = match path.extension().is_some_and(|end| end == "gz") {
        true => Box::new(flate2::read::MultiGzDecoder::new(io::BufReader::new(file))),
        false => Box::new(file),
    };
    whole(context, &mut source, holder, limit)
}

/// Reads all that a source has.
///
/// # Errors
/// As those of [`read`].
pub(super) fn whole(
    context: &Context<'_>,
    source: &mut dyn Read,
    holder: &str,
    limit: SizeLimit,
) -> Result<Vec<u8>, TaskError> {
    let cannot = |error: io::Error| TaskError::new(format!("cannot read {holder}: {error}"));
    let mut bytes = Vec::new();
    let mut piece = vec![0; PIECE];
    loop {
        context.check_cancelled()?;
        let read = match source.read(&mut piece) {
            Ok(0) => return Ok(bytes),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(cannot(error)),
        };
        if (bytes.len() + read) as u64 > limit.bytes() {
            return Err(limit.excess().in_input(holder));
        }
        // Memory that cannot be had is an error here, and the end of the program elsewhere.
        bytes
            .try_reserve(read)
            .map_err(|error| cannot(io::Error::other(error)))?;
        bytes.extend_from_slice(&piece[..read]);
    }
}

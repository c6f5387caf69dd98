//! Writes files for other programs: whole, in the place of an earlier one at once.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

/// Puts a text in the place of an earlier file that was looked at, or where nothing is: whoever reads it meanwhile sees
/// the one or the other.
///
/// # Errors
/// Whatever making, writing and renaming meets; then the earlier file is as it was.
pub(super) fn replace(place: &Path, text: &str) -> io::Result<()> {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    let new = place.with_file_name(format!(".{name}.{}.new", std::process::id()));
    let mut file = fs::File::create_new(&new)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| {
        #[expect(clippy::disallowed_methods, reason = "the file in its place was looked at")]
        fs::rename(&new, place)
    });
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written
}

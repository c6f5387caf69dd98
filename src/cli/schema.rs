//! `atsaf schema`: what an Atsaffile may hold, as a JSON schema for editors.

use super::{Exit, Session};
use crate::atsaffile;

/// Print the JSON schema of the Atsaffile, by which editors check and complete it
///
/// Write it to a file, and begin the Atsaffile with `#:schema FILE`; `atsaf help editors` tells it for each editor.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// Prints it.
pub(super) fn run(session: &Session) -> Exit {
    let catalog = (session.tasks)().catalog();
    session.screen.print_json_laid_out(&atsaffile::json_schema(&catalog));
    Exit::Done
}

//! Paths as the Atsaffile writes them: `/` between the parts, relative to the project or absolute.

pub(crate) use crate::engine::spec::normalise;

/// Whether a normalised path lies outside the project.
pub(super) fn is_outside(path: &str) -> bool {
    path.starts_with('/') || path == ".." || path.starts_with("../")
}

/// Whether a normalised path lies in atsaf's own directory.
pub(super) fn is_store(path: &str) -> bool {
    path == ".atsaf" || path.starts_with(".atsaf/")
}

/// Whether a text can only be a path, and not a name.
pub(super) fn looks_like_path(text: &str) -> bool {
    text.contains(['/', '.'])
}

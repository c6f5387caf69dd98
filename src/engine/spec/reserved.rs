//! Places in a project that are not for artifacts, whoever asks for it: the Atsaffile or what a store says.

/// Whose a place is that is not for artifacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reserved {
    /// atsaf's own directory.
    Store,
    /// A repository's own directory, whose hooks git runs.
    Git,
    /// What says what runs on another machine.
    Workflows,
    /// Where secrets stand.
    Secrets,
}

impl Reserved {
    /// Whose a path is, relative to the project and in its one form.
    pub(crate) fn of(path: &str) -> Option<Self> {
        // In letters of either size, for a file system may take them as the same.
        let is = |part: &str, name: &str| part.eq_ignore_ascii_case(name);
        let first = path.split_once('/').map_or(path, |(first, _)| first);
        match () {
            () if is(first, ".atsaf") => Some(Self::Store),
            () if is(first, ".github") => Some(Self::Workflows),
            () if is(first, ".env") => Some(Self::Secrets),
            () if path.split('/').any(|part| is(part, ".git")) => Some(Self::Git),
            () => None,
        }
    }
}

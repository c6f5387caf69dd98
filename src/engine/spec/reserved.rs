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
        let mut parts = path.split('/');
        match parts.next() {
            Some(".atsaf") => Some(Self::Store),
            Some(".github") => Some(Self::Workflows),
            Some(".env") => Some(Self::Secrets),
            _ if path.split('/').any(|part| part == ".git") => Some(Self::Git),
            _ => None,
        }
    }
}

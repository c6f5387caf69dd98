//! The sources of a random project: files, links to files, and a directory with a link in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use proptest::prelude::*;

use crate::project::write;

/// So many sources are files, or links to files.
pub(super) const FILES: usize = 3;
/// So many files a link can lead to.
pub(super) const AIMS: usize = 3;
/// The directory.
pub(super) const FOLDER: &str = "folder";

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A file of this version.
    Plain(u8),
    /// A link to this aim.
    Link(usize),
}

/// Something that a user does to the sources.
#[derive(Clone, Debug)]
pub(super) enum SourceEdit {
    File(usize, Form),
    Aim(usize, u8),
    FolderFile(u8),
    FolderLink(Form),
    /// A file that joins the directory or leaves it.
    FolderExtra(Option<u8>),
    /// Two files get each other's names, and keep their times.
    Swap(usize, usize),
    /// A file gets another name, by which the Atsaffile calls it from then on.
    Rename(usize),
}

/// All sources.
#[derive(Clone, Debug)]
pub(super) struct Sources {
    files: [Form; FILES],
    renamed: [bool; FILES],
    aims: [u8; AIMS],
    folder_file: u8,
    folder_link: Form,
    folder_extra: Option<u8>,
}

impl Default for Sources {
    fn default() -> Self {
        Self {
            // The first is the one that most targets read.
            files: [Form::Link(0), Form::Plain(0), Form::Plain(1)],
            renamed: [false; FILES],
            aims: [0; AIMS],
            folder_file: 0,
            folder_link: Form::Link(0),
            folder_extra: None,
        }
    }
}

/// Texts of one length, so that an edit changes no size.
fn version(number: u8) -> String {
    format!("version {number}")
}

impl Sources {
    pub(super) fn path(&self, at: usize) -> String {
        format!("{}{at}.txt", if self.renamed[at] { "renamed" } else { "source" })
    }

    /// What one reads from a source.
    pub(super) fn text(&self, at: usize) -> String {
        self.form_text(self.files[at])
    }

    /// What one reads from the directory, as the tasks do.
    pub(super) fn folder_text(&self) -> String {
        let extra = self.folder_extra.map(|it| format!("extra={};", version(it)));
        let aim = match self.folder_link {
            Form::Plain(_) => String::new(),
            Form::Link(aim) => format!("-> ../aim/{aim}.txt "),
        };
        let (file, link) = (version(self.folder_file), self.form_text(self.folder_link));
        format!("{}file={file};link={aim}{link};", extra.unwrap_or_default())
    }

    pub(super) fn folder_file_text(&self) -> String {
        version(self.folder_file)
    }

    pub(super) fn aim_text(&self, aim: usize) -> String {
        version(self.aims[aim])
    }

    fn form_text(&self, form: Form) -> String {
        match form {
            Form::Plain(number) => version(number),
            Form::Link(aim) => self.aim_text(aim),
        }
    }

    /// What stands at each path.
    fn forms(&self) -> BTreeMap<String, Form> {
        let files = (0..FILES).map(|at| (self.path(at), self.files[at]));
        let aims = (0..AIMS).map(|at| (format!("aim/{at}.txt"), Form::Plain(self.aims[at])));
        let extra = self.folder_extra.map(|it| ("folder/extra".to_owned(), Form::Plain(it)));
        let folder = [
            ("folder/file".to_owned(), Form::Plain(self.folder_file)),
            ("folder/link".to_owned(), self.folder_link),
        ];
        files.chain(aims).chain(extra).chain(folder).collect()
    }

    /// Writes all of them.
    pub(super) fn write(&self, root: &Path) {
        for name in ["aim", FOLDER] {
            fs::create_dir_all(root.join(name)).expect("made");
        }
        for (path, form) in self.forms() {
            lay(root, &path, form);
        }
    }

    /// Edits them, in this process and on the disk.
    pub(super) fn edit(&mut self, edit: &SourceEdit, root: &Path) {
        let before = self.clone();
        match *edit {
            SourceEdit::File(at, form) => self.files[at] = form,
            SourceEdit::Aim(at, number) => self.aims[at] = number,
            SourceEdit::FolderFile(number) => self.folder_file = number,
            SourceEdit::FolderLink(form) => self.folder_link = form,
            SourceEdit::FolderExtra(number) => self.folder_extra = number,
            SourceEdit::Swap(one, other) => {
                self.files.swap(one, other);
                let (one, other) = (self.path(one), self.path(other));
                if one != other {
                    rename(root, &one, "kept");
                    rename(root, &other, &one);
                    rename(root, "kept", &other);
                }
                return;
            }
            SourceEdit::Rename(at) => {
                self.renamed[at] = !self.renamed[at];
                rename(root, &before.path(at), &self.path(at));
                return;
            }
        }
        self.replace(&before, root);
    }

    /// Takes an edit back, as its user would.
    pub(super) fn edit_back(&self, after: &Self, edit: &SourceEdit, root: &Path) {
        match edit {
            SourceEdit::Swap(..) | SourceEdit::Rename(_) => after.clone().edit(edit, root),
            _ => self.replace(after, root),
        }
    }

    /// Changes on the disk what differs from before.
    fn replace(&self, before: &Self, root: &Path) {
        let (before, after) = (before.forms(), self.forms());
        for path in before.keys().filter(|path| !after.contains_key(*path)) {
            fs::remove_file(root.join(path)).expect("removed");
        }
        for (path, form) in after {
            if before.get(&path) != Some(&form) {
                lay(root, &path, form);
            }
        }
    }
}

/// Lets something stand at a path; a file is written in place.
fn lay(root: &Path, path: &str, form: Form) {
    let at = root.join(path);
    match form {
        Form::Plain(number) => {
            if at.is_symlink() {
                fs::remove_file(&at).expect("removed");
            }
            write(&at, version(number).as_bytes());
        }
        Form::Link(aim) => {
            let _ = fs::remove_file(&at);
            let up = "../".repeat(path.matches('/').count());
            std::os::unix::fs::symlink(format!("{up}aim/{aim}.txt"), at).expect("linked");
        }
    }
}

fn rename(root: &Path, from: &str, to: &str) {
    #[expect(clippy::disallowed_methods, reason = "a user of the project")]
    fs::rename(root.join(from), root.join(to)).expect("renamed");
}

fn form() -> impl Strategy<Value = Form> {
    prop_oneof![
        2 => (0..3_u8).prop_map(Form::Plain),
        1 => (0..AIMS).prop_map(Form::Link),
    ]
}

/// An edit under which the Atsaffile stays as it is.
pub(super) fn source_edit() -> impl Strategy<Value = SourceEdit> {
    prop_oneof![
        4 => (0..FILES, form()).prop_map(|(at, form)| SourceEdit::File(at, form)),
        3 => (0..AIMS, 0..3_u8).prop_map(|(at, number)| SourceEdit::Aim(at, number)),
        1 => (0..3_u8).prop_map(SourceEdit::FolderFile),
        1 => form().prop_map(SourceEdit::FolderLink),
        3 => prop::option::of(0..3_u8).prop_map(SourceEdit::FolderExtra),
        2 => (0..FILES, 0..FILES).prop_map(|(one, other)| SourceEdit::Swap(one, other)),
    ]
}

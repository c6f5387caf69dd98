//! What a pipeline of another program becomes, and how its parts are written in TOML.

use super::sections::is_name;

/// A translated file.
#[derive(Debug, Default)]
pub struct Translation {
    /// The Atsaffile.
    pub atsaffile: String,
    /// How many targets are in it.
    pub targets: usize,
    /// What is not in it, or is otherwise than before: a sentence each.
    pub left: Vec<String>,
}

/// A text as TOML writes it.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}

/// A text of several lines as it is, where TOML can.
pub(super) fn block(text: &str) -> String {
    let is_plain = |c: char| c == '\n' || c == '\t' || !c.is_control();
    match text.contains('\n') && !text.contains("'''") && text.chars().all(is_plain) {
        true => format!("'''\n{text}\n'''"),
        false => quoted(text),
    }
}

/// Texts as a list.
pub(super) fn list(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|item| quoted(item)).collect();
    format!("[{}]", items.join(", "))
}

/// A name for an output, made of its path, that is none of those that are taken.
pub(super) fn port(path: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let stem = last
        .split(['.', '$', '{'])
        .find(|part| !part.is_empty())
        .unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' };
    let mut port: String = stem.trim_matches(['-', '_']).chars().map(plain).collect();
    if !is_name(&port) {
        port = format!("output_{port}");
    }
    while is_taken(&port) {
        port.push('_');
    }
    port
}

//! What a shell's script asks: the words that are typed, and which of them is to be completed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use clap::CommandFactory as _;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, complete};
use clap_complete::env::Shells;

use super::candidates::{Asked, Kind};
use crate::cli::{Cli, Common, setup};
use crate::engine::store::UserKey;
use crate::engine::task::Tasks;

/// The variable that names the shell which asks.
pub(crate) const VARIABLE: &str = "ATSAF_COMPLETE";

/// The variable with the number of the word that is to be completed.
const INDEX: &str = "_CLAP_COMPLETE_INDEX";

/// The script of bash. It cuts words at `=`, `@` and `:`, and wants what follows the last of them: so it says where the
/// word stands, and what of it bash itself takes for the word.
pub(super) const BASH: &str = r#"
_atsaf_complete() {
    mapfile -t COMPREPLY < <(
        VARIABLE=bash _CLAP_COMPLETE_INDEX="${COMP_CWORD}" _ATSAF_COMPLETE_WORD="$2" \
            atsaf -- "${COMP_WORDS[@]}" 2>/dev/null
    )
    if [[ ${#COMPREPLY[@]} == 1 && "${COMPREPLY[0]}" == *[=/@,] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o bashdefault -F _atsaf_complete atsaf
"#;

/// Answers a shell, if it is one that asks: the text for it.
pub(crate) fn answer(args: &[OsString], env: &BTreeMap<String, String>, tasks: fn() -> Tasks) -> Option<String> {
    let shell = env.get(VARIABLE).filter(|shell| !shell.is_empty())?;
    let words = match args.iter().position(|arg| arg == "--") {
        Some(at) => &args[at + 1..],
        None => return None,
    };
    let text =
        |words: &[OsString]| -> Vec<String> { words.iter().map(|word| word.to_string_lossy().into_owned()).collect() };
    let user = UserKey::in_directory(setup::state_directory(env));
    let here = std::env::current_dir().ok();
    let index = env.get(INDEX).and_then(|index| index.parse().ok());
    if shell == "bash" {
        let typed = env.get("_ATSAF_COMPLETE_WORD").map_or("", String::as_str);
        let words: Vec<String> = text(words);
        let quote = index.and_then(|at: usize| words.get(at)).and_then(|it| unquoted(it).1);
        let words: Vec<String> = words.iter().map(|word| unquoted(word).0).collect();
        let typed = match quote {
            // In quotes bash gives the word without the one that is open, and a backslash as it means it.
            Some(quote) if !typed.starts_with(quote) => unquoted(&format!("{quote}{typed}")).0,
            _ => unquoted(typed).0,
        };
        let (words, index, before) = joined(&words, index.unwrap_or_default(), &typed);
        let found = for_bash(&words, index, &before, command(&words, tasks, user));
        let shown = |it: &String| escaped(it, quote);
        return Some(found.iter().map(shown).collect::<Vec<_>>().join("\n"));
    }
    // zsh gives words as they are typed; it quotes what it puts in.
    let words: Vec<OsString> = match shell.ends_with("zsh") {
        true => text(words).iter().map(|word| unquoted(word).0.into()).collect(),
        false => words.to_vec(),
    };
    let mut command = command(&text(&words), tasks, user);
    let mut out = Vec::new();
    let name = Path::new(shell)
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let completer = Shells::builtins();
    let completer = completer.completer(&name)?;
    completer
        .write_complete(&mut command, words, here.as_deref(), &mut out)
        .ok()?;
    Some(String::from_utf8_lossy(&out).into_owned())
}

/// The candidates for bash: without what stands before the part that it takes for the word.
fn for_bash(words: &[String], index: usize, before: &str, mut command: clap::Command) -> Vec<String> {
    let args: Vec<OsString> = words.iter().map(OsString::from).collect();
    let found = complete(&mut command, args, index, std::env::current_dir().ok().as_deref()).unwrap_or_default();
    let shown = |candidate: &CompletionCandidate| {
        let value = candidate.get_value().to_string_lossy().into_owned();
        value.strip_prefix(before).map_or_else(|| value.clone(), str::to_owned)
    };
    found.iter().map(shown).collect()
}

/// A word as bash reads it where it is typed, within quotes or not: what would end or change it has a backslash before it.
fn escaped(word: &str, quote: Option<char>) -> String {
    let is_special = |c: char| match quote {
        None => c.is_whitespace() || "\\'\"`$&|;<>()*?[]{}#~!".contains(c),
        Some('"') => "\\\"`$".contains(c),
        Some(_) => false,
    };
    let escape = |c: char| is_special(c).then_some('\\').into_iter().chain([c]);
    let text: String = word.chars().flat_map(escape).collect();
    match quote {
        Some('\'') => text.replace('\'', "'\\''"),
        _ => text,
    }
}

/// What a typed word stands for, and the quote that is open at its end.
fn unquoted(word: &str) -> (String, Option<char>) {
    let mut out = String::new();
    let mut quote = None;
    let mut chars = word.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None, '\\') => out.extend(chars.next()),
            (Some('"'), '\\') if chars.peek().is_some_and(|next| "\\\"`$".contains(*next)) => out.extend(chars.next()),
            _ => out.push(c),
        }
    }
    (out, quote)
}

/// The words as they were typed, which of them is meant, and what of it stands before the part that bash completes.
fn joined(words: &[String], index: usize, typed: &str) -> (Vec<String>, usize, String) {
    let is_break = |word: &str| !word.is_empty() && word.chars().all(|c| "=@:".contains(c));
    let mut out: Vec<String> = Vec::new();
    let (mut meant, mut before) = (0, String::new());
    let mut glue = false;
    for (at, word) in words.iter().enumerate().take(index + 1) {
        let joins = glue || (is_break(word) && at > 1);
        if !joins || out.is_empty() {
            out.push(String::new());
        }
        let last = out.len() - 1;
        if at == index {
            // Behind a `=` there is no word yet, and bash gives that.
            if is_break(word) && typed.is_empty() {
                out[last] += word;
            }
            // Of an `@`, which begins the name of a host, bash lets the word begin with it.
            if typed.starts_with('@') && out[last].ends_with('@') {
                out[last].pop();
            }
            before.clone_from(&out[last]);
            out[last] += typed;
            meant = last;
        } else {
            out[last] += word;
        }
        glue = is_break(word);
    }
    if out.is_empty() {
        out.push(String::new());
    }
    (out, meant, before)
}

/// The command line, whose words may be what is in the project.
fn command(words: &[String], tasks: fn() -> Tasks, user: UserKey) -> clap::Command {
    let asked = Arc::new(Asked::new(place(words), tasks, user));
    let completer = |kind: Kind| {
        let asked = Arc::clone(&asked);
        ArgValueCompleter::new(move |current: &std::ffi::OsStr| asked.candidates(kind, &current.to_string_lossy()))
    };
    let mut root = Cli::command().mut_arg("set", |arg| arg.add(completer(Kind::Setting)));
    let names: Vec<String> = root.get_subcommands().map(|it| it.get_name().to_owned()).collect();
    for name in names {
        root = root.mut_subcommand(name, |command| {
            let ids: Vec<String> = command.get_arguments().map(|arg| arg.get_id().to_string()).collect();
            let is_run = command.get_name() == "run";
            ids.iter().fold(command, |command, id| {
                let kind = match id.as_str() {
                    "goals" | "goal" => Kind::Goal,
                    "target" => Kind::Target,
                    "run" | "before" | "after" => Kind::Run,
                    "rest" if is_run => Kind::Flag,
                    "words" => Kind::Word,
                    // What is changed moves behind the others: so every argument is, or their order would be another.
                    _ => return command.mut_arg(id, |arg| arg),
                };
                let completer = completer(kind);
                command.mut_arg(id, |arg| arg.add(completer))
            })
        });
    }
    root
}

/// Where the project is, by what is typed already.
fn place(words: &[String]) -> Common {
    let value = |short: &str, long: &str| {
        let at = words.iter().position(|word| word == short || word == long);
        let joined = words
            .iter()
            .find_map(|word| word.strip_prefix(long)?.strip_prefix('=').map(str::to_owned));
        at.and_then(|at| words.get(at + 1).cloned()).or(joined).map(Into::into)
    };
    Common {
        directory: value("-C", "--directory"),
        file: value("-f", "--file"),
        ..Common::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &[&str]) -> Vec<String> {
        line.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_bash_would_cut_or_change_is_escaped_and_read_back() {
        for word in ["fit@New York", "a'b", "$x", "plain@TEX,models=A", "ü (1)"] {
            assert_eq!(unquoted(&escaped(word, None)), (word.to_owned(), None));
            for quote in ['"', '\''] {
                let typed = format!("{quote}{}", escaped(word, Some(quote)));
                assert_eq!(unquoted(&typed), (word.to_owned(), Some(quote)));
                assert_eq!(unquoted(&format!("{typed}{quote}")), (word.to_owned(), None));
            }
        }
        assert_eq!(escaped("fit@New York", None), "fit@New\\ York");
        assert_eq!(escaped("fit@New York", Some('"')), "fit@New York");
        assert_eq!(escaped("models=Naive,", None), "models=Naive,");
        assert_eq!(unquoted("\"New Y"), ("New Y".to_owned(), Some('"')));
        assert_eq!(unquoted("a\"b c\"'d'"), ("ab cd".to_owned(), None));
    }

    #[test]
    fn what_bash_cuts_is_put_together() {
        // atsaf build -s models=Sea|
        let line = words(&["atsaf", "build", "-s", "models", "=", "Sea"]);
        let expected = (words(&["atsaf", "build", "-s", "models=Sea"]), 3, "models=".to_owned());
        assert_eq!(joined(&line, 5, "Sea"), expected);
        // atsaf build -s models=|
        let line = words(&["atsaf", "build", "-s", "models", "="]);
        let expected = (words(&["atsaf", "build", "-s", "models="]), 3, "models=".to_owned());
        assert_eq!(joined(&line, 4, ""), expected);
        // atsaf why fit@T|
        let line = words(&["atsaf", "why", "fit", "@", "T"]);
        let expected = (words(&["atsaf", "why", "fit@T"]), 2, "fit".to_owned());
        assert_eq!(joined(&line, 4, "@T"), expected);
        // atsaf why fit@|
        let line = words(&["atsaf", "why", "fit", "@"]);
        let expected = (words(&["atsaf", "why", "fit@"]), 2, "fit".to_owned());
        assert_eq!(joined(&line, 3, "@"), expected);
        // atsaf |build
        let line = words(&["atsaf", "build"]);
        assert_eq!(joined(&line, 1, ""), (words(&["atsaf", ""]), 1, String::new()));
    }
}

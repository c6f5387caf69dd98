//! Whether a command writes a file that it names, as far as its text says so.
//!
//! A file that changes while a command runs was changed by the command or by somebody else. Who did it decides whether
//! the file is an input; the text alone often tells, and where it does not the caller asks what earlier runs did.

use super::spec::Command;
use super::spec::shell_text::{self, Token};

/// What a command does with a file that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writes {
    /// It does not write it.
    No,
    /// Its text does not tell.
    Unknown,
    /// It does.
    Yes,
}

/// Programs and words of the shell that write nothing but what they are redirected to.
const READERS: &str = ": [ basename case cat cd cmp comm cut date diff dirname done du echo esac exit expr export false fi for \
                       grep head in join jq ls md5sum nl od paste printf pwd seq set sha256sum sleep stat tac tail test tr \
                       true uniq wc { }";

/// Programs that write the files that they name, and no others.
const WRITERS: &str = "chmod mkdir rm rmdir tee touch truncate";

/// Programs that run the file that is their first argument.
const INTERPRETERS: [&str; 12] = [
    ".", "Rscript", "bash", "dash", "julia", "node", "perl", "python", "python3", "ruby", "sh", "source",
];

/// What a command does with the file of a path that is one of its words.
pub(crate) fn writes(command: &Command, path: &str) -> Writes {
    let text = command.text();
    // As the command calls it.
    let path = &command.from_cwd(path);
    let steps = match command.shell.is_some() {
        true => steps(&text),
        false => Some(vec![Step {
            words: text.lines().map(str::to_owned).collect(),
            written: Vec::new(),
        }]),
    };
    let Some(steps) = steps else {
        return Writes::Unknown;
    };
    let mut others = false;
    for Step { words, written } in &steps {
        if written.iter().any(|word| is(word, path)) {
            return Writes::Yes;
        }
        let Some((program, arguments)) = program(words) else {
            continue;
        };
        let name = program.rsplit('/').next().unwrap_or(program);
        let runs = INTERPRETERS
            .contains(&name)
            .then(|| arguments.iter().find(|it| !it.starts_with('-')));
        if is(program, path) || runs.flatten().is_some_and(|script| is(script, path)) {
            // A program is not what it works on.
            return Writes::No;
        }
        let names_it = arguments.iter().any(|word| is(word, path));
        match name {
            "chmod" => {}
            name if has(WRITERS, name) && names_it => return Writes::Yes,
            // Names that the shell makes may be any.
            name if has(WRITERS, name) => {
                others |= arguments.iter().any(|word| word.contains(['$', '`', '*', '?', '[']));
            }
            "cp" | "mv" | "ln" | "install" if arguments.last().is_some_and(|word| is(word, path)) => {
                return Writes::Yes;
            }
            "sort" if names_it && is_option_value(arguments, "-o", path) => return Writes::Yes,
            "sed" if names_it && arguments.iter().any(|word| word.starts_with("-i")) => return Writes::Yes,
            "cp" | "sort" | "sed" => {}
            _ => others |= !has(READERS, name),
        }
    }
    if others { Writes::Unknown } else { Writes::No }
}

/// The words of a command that it may write, as paths.
pub(crate) fn words(command: &Command) -> Vec<String> {
    let text = command.text();
    let plain = |word: &str| command.from_project(word).into_owned();
    match command.shell.is_some() {
        true => {
            let steps = steps(&text).into_iter().flatten();
            let words = steps.flat_map(|Step { words, written }| words.into_iter().chain(written));
            words.map(|word| plain(&word)).collect()
        }
        false => text.lines().map(plain).collect(),
    }
}

fn has(list: &str, name: &str) -> bool {
    list.split_whitespace().any(|word| word == name)
}

fn is(word: &str, path: &str) -> bool {
    word.strip_prefix("./").unwrap_or(word) == path
}

fn is_option_value(arguments: &[String], option: &str, path: &str) -> bool {
    arguments.windows(2).any(|pair| pair[0] == option && is(&pair[1], path))
}

/// The program of a step, after assignments and the words that only lead to one, and its arguments.
fn program(words: &[String]) -> Option<(&str, &[String])> {
    const LEADING: [&str; 11] = [
        "!", "do", "elif", "else", "env", "exec", "if", "then", "time", "until", "while",
    ];
    let is_assignment = |word: &str| word.split_once('=').is_some_and(|(name, _)| !name.contains('/'));
    let at = words
        .iter()
        .position(|word| !LEADING.contains(&word.as_str()) && !is_assignment(word))?;
    Some((&words[at], &words[at + 1..]))
}

/// One simple command.
#[derive(Default)]
struct Step {
    words: Vec<String>,
    /// The words that a redirection writes to.
    written: Vec<String>,
}

/// The simple commands of a text for the shell, those whose output stands in a word included; `None` if a quote does not
/// close.
fn steps(text: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    add_steps(shell_text::tokens(text)?, &mut steps);
    Some(steps)
}

fn add_steps(tokens: Vec<Token>, steps: &mut Vec<Step>) {
    let (mut step, mut redirection) = (Step::default(), None);
    for token in tokens {
        match token {
            Token::End => {
                redirection = None;
                steps.push(std::mem::take(&mut step));
            }
            Token::Redirection(signs) => redirection = Some(signs),
            Token::Word { text, commands, .. } => {
                add_steps(commands, steps);
                match redirection.take() {
                    Some(signs) if signs.contains('>') => step.written.push(text),
                    Some(_) => {}
                    None => step.words.push(text),
                }
            }
        }
    }
    steps.push(step);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::spec::Template;

    fn of(text: &str, shell: bool) -> Writes {
        let words = match shell {
            true => vec![text],
            false => text.split(' ').collect(),
        };
        let template = |word: &str| Template {
            text: word.into(),
            pieces: [].into(),
        };
        let command = Command {
            words: words.into_iter().map(template).collect(),
            shell: shell.then(|| ["sh", "-c"].map(str::to_owned).into()),
            cwd: None,
            file_words: [].into(),
        };
        writes(&command, "x.db")
    }

    #[test]
    fn what_a_command_redirects_to_it_writes() {
        for text in [
            "echo row >> x.db; wc -l < x.db > {{output}}",
            "echo row > ./x.db && cat x.db",
            "echo row >| 'x.db'",
            "cat a | tee x.db",
            "cp a x.db; cat x.db > {{output}}",
            "sort -o x.db x.db",
            "sed -i s/a/b/ x.db",
            "if true; then echo 1 >x.db; fi",
            "tee `cat list` x.db",
            "echo \"$(echo 1 > x.db)\"; cat x.db",
            "echo `echo 1 > x.db`; cat x.db",
        ] {
            assert_eq!(of(text, true), Writes::Yes, "{text}");
        }
    }

    #[test]
    fn a_word_counts_from_where_the_command_runs() {
        let command = Command {
            words: [Template {
                text: "echo 1 >> ../x.db; echo 2 > y".into(),
                pieces: [].into(),
            }]
            .into(),
            shell: Some(["sh", "-c"].map(str::to_owned).into()),
            cwd: Some("src".into()),
            file_words: [].into(),
        };
        assert_eq!(writes(&command, "x.db"), Writes::Yes);
        assert_eq!(writes(&command, "src/y"), Writes::Yes);
        assert_eq!(writes(&command, "y"), Writes::No);
        assert!(words(&command).contains(&"x.db".to_owned()));
    }

    #[test]
    fn programs_that_only_read_write_nothing() {
        for text in [
            "cat x.db > {{output}}",
            "sleep 1; cat x.db | sort | head -n 1 > {{output}}; sleep 1",
            "X=1 wc -l < x.db > {{output}}",
            "cp x.db {{output}}",
            "touch ../a; until [ -e ../b ]; do sleep 0.01; done; cat x.db > {{output}}; mkdir -p c",
            "echo 'a > x.db' > {{output}}; cat x.db",
        ] {
            assert_eq!(of(text, true), Writes::No, "{text}");
        }
        assert_eq!(of("cat x.db", false), Writes::No);
    }

    #[test]
    fn a_program_or_script_is_read() {
        for text in [
            "sh x.db {{output}}",
            "./x.db > {{output}}",
            "chmod +x x.db; ./x.db",
            "python3 -u x.db a",
        ] {
            assert_eq!(of(text, true), Writes::No, "{text}");
        }
        assert_eq!(of("python3 x.db", false), Writes::No);
    }

    #[test]
    fn what_another_program_does_with_it_is_not_known() {
        for text in [
            "sh tex.sh && cp x.db {{output}}",
            "rm -f $old; cat x.db",
            "python3 add.py x.db",
            "sqlite3 x.db 'insert into t values (1)'",
            "echo `add x.db`",
            "echo \"$(add x.db)\"",
        ] {
            assert_eq!(of(text, true), Writes::Unknown, "{text}");
        }
        assert_eq!(of("sqlite3 x.db", false), Writes::Unknown);
    }
}

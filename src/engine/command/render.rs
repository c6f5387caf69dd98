//! A command as it runs: its holes filled, quoted for the shell, and what is given beside its text.

use std::borrow::Cow;
use std::io;

use crate::engine::spec::{Command, Param, Piece, Template, Value};
use crate::engine::task::TaskError;

/// What the holes of a command are filled with; paths are as they are called from where it runs.
pub(crate) struct Fill<'a> {
    /// The parameters that the target uses.
    pub(crate) params: &'a [Param],
    /// Role and path of each declared input, in order.
    pub(crate) inputs: &'a [(&'a str, Cow<'a, str>)],
    /// Port and path to write of each output, in order.
    pub(crate) outputs: &'a [(&'a str, String)],
    /// The path of [`Fill::inputs_file`], where the command asks for it.
    pub(crate) inputs_file: &'a str,
    /// The path of [`params_file`], where the command asks for it.
    pub(crate) params_file: &'a str,
    /// How many threads it may keep busy.
    pub(crate) threads: usize,
    /// Where the command lists what it has read, if it is to.
    pub(crate) depfile: &'a str,
}

/// The words to execute.
pub(crate) fn words(command: &Command, fill: &Fill<'_>) -> Vec<String> {
    if let Some(shell) = &command.shell {
        let text: String = command.words.iter().map(|text| fill.text(text, true)).collect();
        return shell.iter().cloned().chain([text]).collect();
    }
    let words = command.words.iter();
    words
        .flat_map(|word| match word.pieces.as_ref() {
            // A word that is nothing but several paths becomes as many words.
            [piece @ (Piece::Inputs | Piece::Outputs | Piece::Input(_))] => fill.values(piece),
            _ => vec![fill.text(word, false)],
        })
        .collect()
}

/// Where a hole stands in a text for the shell, as far as that is plain: in quotes a value needs no others, and they would
/// not keep `$(…)` in it from being run.
#[derive(Default)]
struct Place {
    quote: Option<char>,
    /// Whether something came that has rules of its own: from there on, a hole counts as outside quotes.
    is_lost: bool,
    last: Option<char>,
}

impl Place {
    fn read(&mut self, literal: &str) {
        let mut chars = literal.chars().peekable();
        while let Some(c) = chars.next() {
            let before = self.last.replace(c);
            let next = chars.peek().copied();
            let begins_word = before.is_none_or(|before| before.is_whitespace() || before == ';');
            match (self.quote, c, next) {
                (Some('\''), '\'', _) | (Some('"'), '"', _) => self.quote = None,
                (Some('\''), ..) => {}
                (_, '\\', _) => self.last = chars.next(),
                (_, '`', _) | (_, '$', Some('(')) | (None, '$', Some('\'')) | (None, '<', Some('<')) => {
                    self.is_lost = true;
                }
                (None, '#', _) if begins_word => self.is_lost = true,
                (None, '\'' | '"', _) => self.quote = Some(c),
                _ => {}
            }
        }
    }

    /// A value as it is written there.
    fn quoted<'v>(&self, value: &'v str) -> Cow<'v, str> {
        match self.quote.filter(|_| !self.is_lost) {
            Some('"') => {
                let escaped = value.chars().flat_map(|c| {
                    let escape = matches!(c, '\\' | '"' | '$' | '`').then_some('\\');
                    escape.into_iter().chain([c])
                });
                escaped.collect()
            }
            Some(_) => value.replace('\'', r"'\''").into(),
            // Only a NUL byte cannot be quoted, and no text of an Atsaffile has one.
            None => shlex::try_quote(value).unwrap_or_default(),
        }
    }
}

/// Whether a command has a hole of a kind.
pub(crate) fn has(command: &Command, wanted: impl Fn(&Piece) -> bool) -> bool {
    command.words.iter().flat_map(|word| &word.pieces).any(wanted)
}

/// What `{{params_file}}` leads to: a JSON object with the parameters that a target uses.
pub(crate) fn params_file(params: &[Param]) -> String {
    let mut text = format!("{:#}", params_json(params));
    text.push('\n');
    text
}

impl Fill<'_> {
    /// For a command without holes.
    pub(crate) fn nothing() -> Self {
        Self {
            params: &[],
            inputs: &[],
            outputs: &[],
            inputs_file: "",
            params_file: "",
            threads: 1,
            depfile: "",
        }
    }

    /// What `{{inputs_file}}` leads to: the paths of all declared inputs, one a line.
    pub(crate) fn inputs_file(inputs: &[(&str, Cow<'_, str>)]) -> String {
        let lines = inputs.iter().map(|(_, path)| path_word(path) + "\n");
        lines.collect()
    }

    fn text(&self, template: &Template, quote: bool) -> String {
        let mut text = String::new();
        let mut place = Place::default();
        for piece in &template.pieces {
            if let Piece::Literal(literal) = piece {
                place.read(literal);
                text.push_str(literal);
                continue;
            }
            let values = self.values(piece);
            let values: Vec<Cow<'_, str>> = values
                .iter()
                .map(|value| if quote { place.quoted(value) } else { value.into() })
                .collect();
            text.push_str(&values.join(" "));
        }
        text
    }

    fn values(&self, piece: &Piece) -> Vec<String> {
        let param = |name: &str| self.params.iter().find(|param| param.name == *name);
        match piece {
            Piece::Literal(text) => vec![text.to_string()],
            Piece::Param(name) => param(name).map(|param| param.value.plain()).into_iter().collect(),
            Piece::Input(wanted) => {
                let inputs = self.inputs.iter().filter(|(role, _)| role == wanted);
                inputs.map(|(_, path)| path_word(path)).collect()
            }
            Piece::Inputs => self.inputs.iter().map(|(_, path)| path_word(path)).collect(),
            Piece::Output(wanted) => {
                let outputs = self.outputs.iter().filter(|(port, _)| port == wanted);
                outputs.map(|(_, path)| path_word(path)).collect()
            }
            Piece::Outputs => self.outputs.iter().map(|(_, path)| path_word(path)).collect(),
            Piece::InputsFile => vec![self.inputs_file.to_owned()],
            Piece::ParamsFile => vec![self.params_file.to_owned()],
            Piece::Threads => vec![self.threads.to_string()],
            Piece::Depfile => vec![self.depfile.to_owned()],
        }
    }
}

/// A path as a word that no program takes for an option.
fn path_word(path: &str) -> String {
    match path.starts_with('-') {
        true => format!("./{path}"),
        false => path.to_owned(),
    }
}

/// Most bytes of a variable that a command is given: the system starts nothing with one of 128 KiB.
const LONGEST_VARIABLE: usize = 100 * 1024;

/// The variables that tell a command its parameters: `ATSAF_PARAM_HORIZON=24`, and all as JSON in `ATSAF_PARAMS`. One
/// that is too long for a variable is left out.
pub(crate) fn param_variables(params: &[Param]) -> Vec<(String, String)> {
    let name = |param: &Param| format!("ATSAF_PARAM_{}", Param::variable_of(&param.name));
    let text = |value: &Value| match value.unfit_for_text() {
        Some(_) => value.to_json().to_string(),
        None => value.plain(),
    };
    let mut variables: Vec<_> = params.iter().map(|param| (name(param), text(&param.value))).collect();
    variables.push(("ATSAF_PARAMS".to_owned(), params_json(params).to_string()));
    variables.retain(|(_, value)| value.len() <= LONGEST_VARIABLE);
    variables
}

/// All parameters by name; one with dots in its name stands in objects of objects, as in the file that it may come from.
fn params_json(params: &[Param]) -> serde_json::Value {
    let mut json = serde_json::Map::new();
    for param in params {
        // A part of the name may be a parameter itself, and no object: then the dots are a part of the name.
        let is_nested = nest(&mut json, &param.name, &param.value);
        if !is_nested {
            json.insert(param.name.clone(), param.value.to_json());
        }
    }
    json.into()
}

fn nest(json: &mut serde_json::Map<String, serde_json::Value>, name: &str, value: &Value) -> bool {
    let Some((first, rest)) = name.split_once('.') else {
        json.insert(name.to_owned(), value.to_json());
        return true;
    };
    let below = json.entry(first).or_insert_with(|| serde_json::Map::new().into());
    below.as_object_mut().is_some_and(|below| nest(below, rest, value))
}

/// Why a command cannot be started, and what to do.
pub(crate) fn start_error(command: &Command, words: &[String], error: &io::Error) -> TaskError {
    let program = &words[0];
    match error.kind() {
        io::ErrorKind::ArgumentListTooLong => too_long(command),
        io::ErrorKind::NotFound if command.shell.is_some() => TaskError::new(format!(
            "the shell `{program}` was not found"
        ))
        .help("install it, or name another, in `[project]` or in the target: `shell = [\"sh\", \"-eu\", \"-c\"]`"),
        _ => TaskError::new(format!("`{program}` cannot be started: {error}")),
    }
}

fn too_long(command: &Command) -> TaskError {
    let mut error = TaskError::new("the command is longer than the system allows");
    if has(command, |piece| matches!(piece, Piece::Inputs | Piece::Input(_))) {
        error = error.help("`{{inputs_file}}` in the command is the path of a file that lists all inputs, one a line");
    }
    if has(command, |piece| matches!(piece, Piece::Param(_))) {
        error = error.help(
            "`{{params_file}}` in the command is the path of a JSON file with the target's parameters: name them in `params`",
        );
    }
    if error.help.is_empty() {
        error = error.help(
            "variables count too, those of this shell and of the target's `env` and `params`: put what is long into a file \
             that the command reads",
        );
    }
    error
}

#[cfg(test)]
mod tests {
    use ecow::EcoString;

    use super::*;
    use crate::engine::spec::Origin;

    fn command(shell: Option<&[&str]>, words: Vec<Vec<Piece>>) -> Command {
        let words = words.into_iter().map(|pieces| Template {
            text: EcoString::new(),
            pieces: pieces.into(),
        });
        Command {
            words: words.collect(),
            shell: shell.map(|words| words.iter().map(|word| (*word).to_owned()).collect()),
            cwd: None,
            file_words: [].into(),
        }
    }

    fn param(name: &str, value: Value) -> Param {
        Param {
            name: name.to_owned(),
            value,
            origin: Origin::Default,
        }
    }

    fn fill<'a>(params: &'a [Param], outputs: &'a [(&'a str, String)]) -> Fill<'a> {
        Fill {
            params,
            inputs: &[
                ("*.csv", Cow::Borrowed("-n.csv")),
                ("*.csv", Cow::Borrowed("d/-m n.csv")),
            ],
            outputs,
            inputs_file: "in",
            params_file: "params",
            threads: 2,
            depfile: "deps",
        }
    }

    #[test]
    fn a_path_is_never_taken_for_an_option() {
        let outputs = [("t", "-o".to_owned())];
        let pieces = vec![
            Piece::Literal("cat ".into()),
            Piece::Inputs,
            Piece::Literal(" > ".into()),
            Piece::Output("t".into()),
        ];
        assert_eq!(
            words(&command(Some(&["bash", "-c"]), vec![pieces]), &fill(&[], &outputs)),
            ["bash", "-c", "cat ./-n.csv 'd/-m n.csv' > ./-o"]
        );
        assert_eq!(
            words(
                &command(None, vec![vec![Piece::Inputs], vec![Piece::Outputs]]),
                &fill(&[], &outputs)
            ),
            ["./-n.csv", "d/-m n.csv", "./-o"]
        );
        assert_eq!(
            Fill::inputs_file(&[("a", "-n.csv".into()), ("b", "d/-m n.csv".into())]),
            "./-n.csv\nd/-m n.csv\n"
        );
    }

    #[test]
    fn a_value_that_is_no_path_is_put_in_as_it_is() {
        let params = [param("n", Value::Int(-1))];
        let pieces = vec![
            vec![Piece::Param("n".into())],
            vec![Piece::InputsFile],
            vec![Piece::ParamsFile],
        ];
        assert_eq!(
            words(&command(None, pieces), &fill(&params, &[])),
            ["-1", "in", "params"]
        );
        assert_eq!(params_file(&params), "{\n  \"n\": -1\n}\n");
    }

    #[test]
    fn a_name_with_dots_stands_in_objects_of_objects() {
        let table = Value::Table([("seed".to_owned(), Value::Int(1)), ("none".to_owned(), Value::Null)].into());
        let params = [
            param("fit", table),
            param("fit.seed", Value::Int(1)),
            param("plant", Value::Text("P".to_owned())),
            param("plant.code", Value::Int(2)),
            param("a.b.c", Value::Bool(true)),
            param("n-n", Value::List(vec![Value::Int(1)])),
        ];
        let expected = r#"{"fit":{"none":null,"seed":1},"plant":"P","plant.code":2,"a":{"b":{"c":true}},"n-n":[1]}"#;
        assert_eq!(params_json(&params).to_string(), expected);
        let variables = param_variables(&params);
        assert_eq!(
            variables[0],
            ("ATSAF_PARAM_FIT".to_owned(), r#"{"none":null,"seed":1}"#.to_owned())
        );
        assert_eq!(variables[4], ("ATSAF_PARAM_A_B_C".to_owned(), "true".to_owned()));
    }

    #[test]
    fn a_variable_that_is_too_long_is_left_out() {
        let params = [
            param("long", Value::Text("x".repeat(200_000))),
            param("n", Value::Int(1)),
        ];
        let names: Vec<String> = param_variables(&params).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["ATSAF_PARAM_N"]);
    }

    #[test]
    fn a_command_that_is_too_long_says_how_to_pass_what_is_long() {
        let error = io::Error::from(io::ErrorKind::ArgumentListTooLong);
        let long = command(None, vec![vec![Piece::Inputs, Piece::Param("p".into())]]);
        let said = start_error(&long, &["cat".to_owned()], &error);
        assert!(
            said.help.iter().any(|help| help.contains("{{inputs_file}}")),
            "{said:?}"
        );
        assert!(
            said.help.iter().any(|help| help.contains("{{params_file}}")),
            "{said:?}"
        );
    }

    #[test]
    fn a_shell_that_is_not_there_is_named_with_another() {
        let error = io::Error::from(io::ErrorKind::NotFound);
        let said = start_error(&command(Some(&["bash"]), Vec::new()), &["bash".to_owned()], &error);
        assert_eq!(said.what, "the shell `bash` was not found");
        assert!(said.help[0].contains(r#"shell = ["sh", "-eu", "-c"]"#), "{said:?}");
    }
}

#[cfg(test)]
mod places {
    use super::*;

    /// What bash makes of words with a value in the place of `@`, a line for each.
    fn seen(words: &str, value: &str) -> String {
        let (before, after) = words.split_once('@').expect("a hole");
        let mut place = Place::default();
        place.read(before);
        let text = format!("printf '%s\\n' {before}{}{after}", place.quoted(value));
        let told = std::process::Command::new("bash").args(["-c", &text]).output();
        String::from_utf8(told.expect("bash").stdout).expect("UTF-8")
    }

    #[test]
    fn a_value_reaches_a_program_as_it_is_within_quotes_and_without() {
        let values = [
            "plain",
            "two words",
            "it's",
            r#"say "so""#,
            "$(echo run)",
            "`echo run`",
            "$HOME",
            r"a\b",
            "a\nb",
            "*",
            "!x",
        ];
        let words = [
            ("@", "@"),
            (r#""@""#, "@"),
            ("'@'", "@"),
            (r#""a b"@"#, "a b@"),
            (r#"x\'"@""#, "x'@"),
            (r"'it'\''s @'", "it's @"),
            (r#""\"@""#, "\"@"),
        ];
        for (words, told) in words {
            for value in values {
                assert_eq!(seen(words, value), told.replace('@', value) + "\n", "{words} {value}");
            }
        }
    }

    #[test]
    fn where_a_text_has_rules_of_its_own_a_value_is_quoted_as_outside_quotes() {
        assert_eq!(seen(r#""$(printf %s @)""#, "$(echo run)"), "$(echo run)\n");
        assert_eq!(seen("x # don't\nprintf '%s\\n' @", "$(echo run)"), "x\n$(echo run)\n");
    }
}

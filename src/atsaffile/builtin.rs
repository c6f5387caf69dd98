//! Targets with `uses`: what is declared against what the task says of itself.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::mistakes::Mistakes;
use super::params::Declared;
use super::resolve::{Ports, Resolver, nothing};
use super::scope::Scope;
use super::sections::is_name;
use super::syntax::{Word, key_of, span_of};
use super::targets::{Draft, DraftOutput};
use super::typed::ValueType;
use crate::diagnostic::nearest;
use crate::engine::spec::schema::{self, Misfit, Port, Schema};
use crate::engine::spec::{Action, ArtifactKind, From, Origin, Param, Span, Value};

impl Resolver<'_, '_> {
    /// Checks a target that uses a built-in task; gives the values of all the task's parameters.
    pub(super) fn builtin(
        &self,
        draft: &Draft<'_>,
        uses: Word<'_>,
        ports: &Ports<'_>,
        mistakes: &mut Mistakes,
    ) -> (Action, Vec<Param>) {
        let Some(schema) = self.catalog.get(uses.text) else {
            let what = format!("unknown task `{}`", uses.text);
            let tasks = self.catalog.keys().copied();
            let mistake = mistakes.unknown(Some(uses.span), what, uses.text, "tasks", tasks);
            if self.catalog.is_empty() {
                mistake
                    .help("this atsaf was built without its built-in tasks: build it with the feature `forecasting`");
            }
            return (nothing(), Vec::new());
        };
        only_for_commands(draft, mistakes);
        inputs(draft, schema, ports, mistakes);
        outputs(draft, schema, ports, mistakes);
        for own in draft.with.iter().filter(|own| schema.param(own.name.text).is_none()) {
            let name = own.name;
            let what = format!("the task `{}` has no parameter `{}`", schema.name, name.text);
            let known = schema.params.iter().map(|param| param.name);
            mistakes.unknown(Some(name.span), what, name.text, "its parameters", known);
        }
        let params: Vec<Param> = schema
            .params
            .iter()
            .filter_map(|param| self.value((draft, schema), ports, param, mistakes))
            // A table without entries says nothing.
            .filter(|param| !matches!(&param.value, Value::Table(entries) if entries.is_empty()))
            .collect();
        in_order(draft, schema, &params, mistakes);
        let programs = self.programs(draft, &params, mistakes);
        if programs.is_empty() {
            secrets(draft, schema, self, mistakes);
            no_discovery(draft, mistakes);
        }
        let action = Action::Builtin {
            task: schema.name.into(),
            version: schema.version,
            programs: programs.into(),
        };
        (action, params)
    }

    /// The value of a parameter: from `with`, else `[params]` or `-s`, else the task's default.
    fn value(
        &self,
        (draft, schema): (&Draft<'_>, &Schema),
        ports: &Ports<'_>,
        param: &schema::ParamSchema,
        mistakes: &mut Mistakes,
    ) -> Option<Param> {
        let scope = Scope::of(self.params, draft);
        let declared = match param.name {
            schema::READING => scope.written(param.name),
            _ => scope.declared(param.name),
        };
        let (value, origin) = if let Some(declared) = declared {
            (declared.value.clone()?, declared.origin)
        } else if let Some(value) = self.params.undeclared.get(param.name) {
            (value.clone()?, Origin::CommandLine(None))
        } else if let Some(text) = self.environment_value(schema, param) {
            let read = ValueType::of_kind(param.kind).read(text);
            (read.unwrap_or_else(|_| Value::Text(text.clone())), Origin::Environment)
        } else if let Some(default) = param.default {
            (default.value(), Origin::Default)
        } else {
            mistakes
                .error(
                    draft.name.span,
                    format!("the target `{}` needs the parameter `{}`", draft.name.text, param.name),
                )
                .note(format!(
                    "`{}` of the task `{}`: {}; {}",
                    param.name,
                    schema.name,
                    param.doc,
                    param.kind.describe()
                ))
                .help("declare it in `[params]`, or for this target alone in `with`");
            return None;
        };
        let value = match value {
            Value::Table(entries) if param.name == schema::READING => {
                let own = self.reading((draft, schema), ports, declared, &entries, mistakes);
                // What says nothing to this target may say nothing to any.
                if let Some(declared) = declared.filter(|_| !own.is_empty() || entries.is_empty()) {
                    declared.is_read.set();
                }
                Value::Table(own)
            }
            value => value,
        };
        match param.kind.check(&value) {
            Ok(value) => Some(Param {
                name: param.name.to_owned(),
                value,
                origin,
            }),
            Err(misfit) => {
                let reader = format!(
                    "the task `{}` of the target `{}` reads it",
                    schema.name, draft.name.text
                );
                for (span, what, nearest) in misfits(param, &value, declared, &misfit) {
                    let mistake = match span.filter(|_| origin != Origin::Default) {
                        Some(span) => mistakes.error(span, what),
                        None => mistakes.error_outside(what),
                    };
                    if matches!(origin, Origin::CommandLine(_)) {
                        mistake
                            .label("declared here")
                            .note("the value is set on the command line with `-s`");
                    }
                    if let (Origin::Environment, Some(variable)) = (origin, schema.variable_of(param.name)) {
                        mistake
                            .note(format!("the value is that of the environment variable `{variable}`"))
                            .help(format!(
                                "correct it, or set `{}` in the Atsaffile, which counts before it",
                                param.name
                            ));
                    }
                    mistake.note(reader.as_str()).meant(nearest);
                }
                None
            }
        }
    }
}

impl Resolver<'_, '_> {
    /// The value of the variable that a task takes for a parameter, if it is set.
    fn environment_value(&self, schema: &Schema, param: &schema::ParamSchema) -> Option<&String> {
        let value = self.environment.get(schema.variable_of(param.name)?);
        value.filter(|text| !text.is_empty())
    }
}

/// Checks that no date is before one that it must not be before.
fn in_order(draft: &Draft<'_>, schema: &Schema, params: &[Param], mistakes: &mut Mistakes) {
    let find = |name: &str| params.iter().find(|param| param.name == name);
    for (earlier, later) in schema.reversed(|name| find(name).map(|param| &param.value)) {
        let (Some(first), Some(last)) = (find(earlier), find(later)) else {
            continue;
        };
        let what = format!(
            "`{earlier}` is {}, and `{later}`, {}, is before it",
            first.value, last.value
        );
        let mistake = match (last.origin.span(), first.origin.span()) {
            (Some(span), Some(other)) => mistakes.error(span, what).also(other, format!("`{earlier}`")),
            (Some(span), None) | (None, Some(span)) => mistakes.error(span, what),
            (None, None) => mistakes.error(draft.name.span, what),
        };
        for param in [first, last] {
            if matches!(param.origin, Origin::CommandLine(_)) {
                mistake.note(format!("`{}` is set on the command line with `-s`", param.name));
            }
        }
        mistake
            .note(format!(
                "the task `{}` of the target `{}` reads both",
                schema.name, draft.name.text
            ))
            .help("exchange the two, or correct one of them");
    }
}

/// What is wrong with a value, item by item if it is a list or a table: place, sentence, and a name that may be meant.
fn misfits(
    param: &schema::ParamSchema,
    value: &Value,
    declared: Option<&Declared<'_>>,
    misfit: &Misfit,
) -> Vec<(Option<Span>, String, Option<&'static str>)> {
    let name = param.name;
    let span = declared.map(|declared| declared.span);
    if let (schema::Kind::List(kind), Value::List(items)) = (param.kind, value)
        && !items.is_empty()
    {
        let nodes = declared
            .filter(|declared| matches!(declared.origin, Origin::Atsaffile(_)))
            .and_then(|declared| match declared.node?.get_ref() {
                DeValue::Array(nodes) => Some(nodes),
                _ => None,
            });
        let place = |at| nodes.and_then(|nodes| nodes.get(at)).map(span_of).or(span);
        let wrong = items
            .iter()
            .enumerate()
            .filter_map(|(at, item)| kind.check(item).err().map(|misfit| (at, item, misfit)));
        return wrong
            .flat_map(|(at, item, misfit)| {
                if let (schema::Kind::Either(_, schema::Kind::Record(entries)), Value::Table(given)) = (kind, item) {
                    let node = nodes.and_then(|nodes| nodes.get(at)?.get_ref().as_table());
                    let inside = in_table(&format!("{name}[{at}]"), entries, given, node, place(at));
                    if !inside.is_empty() {
                        return inside;
                    }
                }
                let Misfit {
                    expected,
                    found,
                    nearest,
                } = misfit;
                let what = format!("each item of `{name}` must be {expected}; found {found}");
                vec![(place(at), what, nearest)]
            })
            .collect();
    }
    if let (schema::Kind::Table(entries), Value::Table(given)) = (param.kind, value) {
        let table = declared
            .filter(|declared| matches!(declared.origin, Origin::Atsaffile(_)))
            .and_then(|declared| declared.node?.get_ref().as_table());
        return in_table(name, entries, given, table, span);
    }
    let what = format!("`{name}` must be {}; found {}", misfit.expected, misfit.found);
    vec![(span, what, misfit.nearest)]
}

/// What is wrong with the entries of a table; `node` is the table as written, `span` its place or that of what is set.
fn in_table(
    name: &str,
    entries: &'static [schema::ParamSchema],
    given: &BTreeMap<String, Value>,
    node: Option<&DeTable<'_>>,
    span: Option<Span>,
) -> Vec<(Option<Span>, String, Option<&'static str>)> {
    let written = |entry: &str| node.into_iter().flatten().find(|(key, _)| key_of(key).text == entry);
    let known = || entries.iter().map(|entry| entry.name);
    let mut wrong = Vec::new();
    for (entry, value) in given {
        let Some(param) = entries.iter().find(|param| param.name == entry) else {
            let place = written(entry).map(|(key, _)| key_of(key).span).or(span);
            let what = match entries {
                [] => format!("`{name}` has no entry `{entry}`, nor any other"),
                _ => format!(
                    "`{name}` has no entry `{entry}`; its entries: {}",
                    known().collect::<Vec<_>>().join(", ")
                ),
            };
            wrong.push((place, what, nearest(entry, known())));
            continue;
        };
        if let Err(misfit) = param.kind.check(value) {
            let place = written(entry).map(|(_, node)| span_of(node)).or(span);
            if let (schema::Kind::Table(inner), Value::Table(given)) = (param.kind, value) {
                let node = written(entry).and_then(|(_, node)| node.get_ref().as_table());
                wrong.extend(in_table(&format!("{name}.{entry}"), inner, given, node, place));
                continue;
            }
            let what = format!(
                "`{entry}` of `{name}` must be {}; found {}",
                misfit.expected, misfit.found
            );
            wrong.push((place, what, misfit.nearest));
        }
    }
    wrong
}

fn only_for_commands(draft: &Draft<'_>, mistakes: &mut Mistakes) {
    if let Some(span) = draft.params_key {
        mistakes
            .error(span, "`params` is for commands")
            .note("a built-in task takes its parameters from `[params]` by itself")
            .help("to set a value for this target alone, write `with = { name = value }`");
    }
    if let Some((span, _)) = draft.settings().shell {
        mistakes
            .error(span, "`shell` is for commands")
            .help("remove it: a built-in task runs without a shell");
    }
    if let Some(cwd) = draft.settings().cwd {
        mistakes
            .error(cwd.span, "`cwd` is for commands")
            .help("remove it: a built-in task is told all paths");
    }
    if let Some(span) = draft.settings().resume {
        mistakes
            .error(span, "`resume` is for commands")
            .help("remove it: what a built-in task has done in vain, it remembers by itself");
    }
    if let Some(span) = draft.settings().direct {
        mistakes
            .error(span, "`direct` is for commands")
            .help("remove it: a built-in task writes where it is told");
    }
}

/// Refuses `discover` at a task that runs no program of the user's.
fn no_discovery(draft: &Draft<'_>, mistakes: &mut Mistakes) {
    if let Some(written) = draft.settings().discover {
        mistakes
            .error(written.key, "`discover` is for commands")
            .help("remove it: a built-in task reads what it declares");
    }
}

fn secrets(draft: &Draft<'_>, schema: &Schema, project: &Resolver<'_, '_>, mistakes: &mut Mistakes) {
    for name in &draft.settings().secrets {
        let is_known = || schema.known_secrets().any(|known| known == name.text);
        if !schema.secrets.contains(&name.text) && !is_known() && project.secrets.contains_key(name.text) {
            let what = format!("the task `{}` uses no secret `{}`", schema.name, name.text);
            let known = schema.secrets.iter().copied();
            mistakes.unknown(Some(name.span), what, name.text, "secrets that it can use", known);
        }
    }
}

fn names(ports: &[Port]) -> impl Iterator<Item = &'static str> + Clone + use<'_> {
    ports.iter().map(|port| port.name)
}

fn has(ports: &[Port], name: &str) -> bool {
    ports.iter().any(|port| port.name == name)
}

/// What a task reads, and what it also can.
fn reads_of(schema: &Schema) -> String {
    let reads = format!("the task reads: {}", list(schema.inputs));
    match schema.optional {
        [] => reads,
        optional => format!("{reads}; and, where it is given: {}", list(optional)),
    }
}

fn list(ports: &[Port]) -> String {
    let name = |port: &Port| match port.name {
        schema::ANY => port.doc,
        name => name,
    };
    match ports.is_empty() {
        true => "nothing".to_owned(),
        false => ports.iter().map(name).collect::<Vec<_>>().join(", "),
    }
}

fn inputs(draft: &Draft<'_>, schema: &Schema, ports: &Ports<'_>, mistakes: &mut Mistakes) {
    let task = schema.name;
    let mut given: Vec<&str> = Vec::new();
    // Inputs of the task that an unknown one may be meant as.
    let mut meant: Vec<&str> = Vec::new();
    for input in ports.inputs {
        let role = input.role.as_str();
        if !schema.reads(role) {
            let what = format!("the task `{task}` has no input `{role}`");
            let reads = reads_of(schema);
            let near = mistakes.nearest(role, names(schema.inputs).chain(names(schema.optional)));
            let mistake = mistakes.error(input.span, what).note(reads).meant(near);
            let mut unbound = names(schema.inputs).filter(|port| !ports.inputs.iter().any(|input| input.role == *port));
            let free = unbound.clone().next();
            meant.extend(near.or_else(|| unbound.find(|port| !meant.contains(port))));
            if let From::Glob(_) = input.from {
                mistake.help("name one file: a built-in task takes no patterns");
            } else if let (false, Some(port)) = (is_name(role), free) {
                mistake.help(format!("bind the path to a role: `inputs = {{ {port} = \"{role}\" }}`"));
            } else if let (None, Some(port)) = (near, free) {
                mistake.help(format!(
                    "if it is meant as `{port}`, write `inputs = {{ {port} = \"{role}\" }}`"
                ));
            }
        } else if given.contains(&role) {
            mistakes.error(
                input.span,
                format!("the input `{role}` of the task `{task}` is one file, not several"),
            );
        } else if let (From::Glob(glob), false) = (&input.from, has(schema.inputs, schema::ANY)) {
            mistakes
                .error(
                    input.span,
                    format!("the input `{role}` of the task `{task}` is one file, not a pattern"),
                )
                .help(format!("name the file itself instead of `{glob}`"));
        }
        given.push(role);
    }
    if !ports.inputs_whole {
        return;
    }
    let is_given = |port: &&Port| match port.name {
        schema::ANY => !given.is_empty(),
        name => given.contains(&name),
    };
    let is_missing = |port: &&Port| !is_given(port) && !meant.contains(&port.name);
    for port in schema.inputs.iter().filter(is_missing) {
        let place = draft.inputs_key.unwrap_or(draft.name.span);
        if port.name == schema::ANY {
            mistakes
                .error(place, format!("the task `{task}` needs an input"))
                .note(format!("it reads {}", port.doc))
                .help("name artifacts in `inputs`; `@*` stands for all instances");
            continue;
        }
        mistakes
            .error(place, format!("the task `{task}` needs the input `{}`", port.name))
            .note(format!("`{}`: {}", port.name, port.doc))
            .note(reads_of(schema))
            .help(format!(
                "name an artifact `{0}` in `inputs`, or bind another to the role: `inputs = {{ {0} = \"a path\" }}`",
                port.name
            ));
    }
}

fn outputs(draft: &Draft<'_>, schema: &Schema, ports: &Ports<'_>, mistakes: &mut Mistakes) {
    let task = schema.name;
    let mut whole = !draft.broken.outputs;
    for (DraftOutput { port: name, .. }, output) in draft.outputs.iter().zip(ports.outputs) {
        if !has(schema.outputs, name.text) {
            whole = false;
            let what = format!("the task `{task}` makes no artifact `{}`", name.text);
            let near = mistakes.nearest(name.text, names(schema.outputs));
            let mistake = mistakes
                .error(name.span, what)
                .note(format!("the task makes: {}", list(schema.outputs)));
            mistake.meant(near);
            if let (Some(port), true) = (schema.outputs.first(), name.text == draft.name.text) {
                mistake.help(format!(
                    "name the artifact: `outputs = {{ {} = \"{}\" }}`",
                    port.name, output.path
                ));
            }
        } else if let Some((is, not, help)) = misfit(schema.directories.contains(&name.text), output.kind) {
            mistakes
                .error(
                    output.span,
                    format!("the artifact `{}` of the task `{task}` is {is}, not {not}", name.text),
                )
                .help(help);
        }
    }
    if !whole {
        return;
    }
    for port in schema
        .outputs
        .iter()
        .filter(|port| !draft.outputs.iter().any(|output| output.port.text == port.name))
    {
        mistakes
            .error(
                draft.outputs_key.unwrap_or(draft.name.span),
                format!("the task `{task}` needs a path for its artifact `{}`", port.name),
            )
            .note(format!("`{}`: {}", port.name, port.doc))
            .note(format!("the task makes: {}", list(schema.outputs)))
            .help(format!("add it: `outputs = {{ {} = \"a path\" }}`", port.name));
    }
}

/// What an output is, what its path says, and how to mend that; `None` where they agree.
fn misfit(is_directory: bool, written: ArtifactKind) -> Option<(&'static str, &'static str, &'static str)> {
    match (is_directory, written) {
        (true, ArtifactKind::Directory) | (false, ArtifactKind::File) => None,
        (true, ArtifactKind::File) => Some(("a directory", "a file", "end the path with a `/`")),
        (false, ArtifactKind::Directory) => Some((
            "a file",
            "a directory",
            "remove the `/` at the end of the path, or add a file's name",
        )),
    }
}

//! Next steps for typical causes of a failure, and warnings about what an attempt did, in words.

use std::fmt::Write as _;

use crate::diagnostic::{Diagnostic, Place};
use crate::engine::event::{Advice, Notice};
use crate::engine::graph::{Graph, TargetId};

/// Characters of a command that are shown with a failure.
const SHOWN: usize = 1000;
/// Lines of a command that are shown with a failure.
const LINES: usize = 12;
/// Files that one warning names.
const NAMES: usize = 8;

/// The next step for a cause.
#[must_use]
pub fn next_step(advice: &Advice) -> String {
    match advice {
        Advice::NotWritten {
            path, direct: true, ..
        } => format!("with `direct = true` the command has to write `{path}` itself"),
        Advice::NotWritten {
            hole,
            instead: Some(instead),
            ..
        } => format!("it wrote `{instead}` itself? use `{hole}` in the command, or `direct = true`"),
        Advice::NotWritten { hole, .. } => {
            format!("the command has to write to `{hole}`, or with `direct = true` to the path itself")
        }
        Advice::ClosedPipe => "a program of a pipe was ended when the next one, such as `head`, had read enough: append \
                               `|| true` to it, `{ PROGRAM || true; } | head`, or let the next one read all"
            .to_owned(),
        Advice::NoMatch => "`grep` ends with 1 where no line matches: if that is no failure, append `|| true`".to_owned(),
        Advice::Unbound(name) => format!(
            "a command sees only what its target declares: add `env = [\"{name}\"]`, or write `${{{name}:-}}` where it \
             may be empty"
        ),
        Advice::NotExecutable => {
            "make the file executable with `chmod +x`, or name its interpreter: `python FILE`".to_owned()
        }
        Advice::NotFound => {
            "see whether the program is installed and in `PATH`; a script of the project is run as `./FILE` or `sh FILE`"
                .to_owned()
        }
        Advice::TimedOut => "give it a longer `timeout`".to_owned(),
    }
}

/// A warning about what an attempt did, if it is worth one.
#[must_use]
pub fn warning(notice: &Notice, graph: &Graph, target: TargetId) -> Option<Diagnostic> {
    let name = graph.name(target);
    Some(match notice {
        // It is an event like any other.
        Notice::Answered { .. } => return None,
        Notice::WrittenBeside { paths, output } => {
            let diagnostic = match paths.as_slice() {
                [one] => Diagnostic::warning(format!("`{one}` was written beside `{output}`, and is lost")),
                several => {
                    let what = format!("{} files were written beside `{output}`, and are lost", several.len());
                    Diagnostic::warning(what).note(some_of(several))
                }
            };
            let help = "declare what is needed among the `outputs`, or a directory as the output";
            diagnostic.at(place(graph, target)).help(help)
        }
        Notice::StagingPathInside { artifact, staging } => Diagnostic::warning(format!(
            "`{artifact}` has the path in it to which it was written, `{staging}`"
        ))
        .at(place(graph, target))
        .note("nothing is there after the build")
        .help("with `direct = true` the command writes the declared path itself"),
        Notice::LinkLost { link, leads } => Diagnostic::warning(format!("`{link}` is a link that leads nowhere"))
            .at(place(graph, target))
            .note(format!(
                "`{leads}` leads there only from the directory to which the command writes"
            ))
            .help("make the link as it has to be in its place, or say `direct = true`"),
        Notice::SourceMoved {
            path,
            writers,
            is_certain,
        } => source_moved(path, writers, *is_certain, graph, target),
        Notice::SurvivorsEnded { processes } => {
            let what = format!("an earlier attempt of `{name}` was still running, and was ended");
            Diagnostic::warning(what).note(some_of(processes))
        }
        Notice::SurvivorsRunning { processes } => {
            let what = format!("an earlier attempt of `{name}` is still running, and cannot be ended");
            Diagnostic::warning(what)
                .note(some_of(processes))
                .help("end it by hand")
        }
    })
}

fn source_moved(path: &str, writers: &[TargetId], is_certain: bool, graph: &Graph, reader: TargetId) -> Diagnostic {
    let names: Vec<String> = writers.iter().map(|id| format!("`{}`", graph.name(*id))).collect();
    let reader = graph.name(reader);
    let Some(first) = names.first() else {
        let what = format!("`{path}`, a source of `{reader}`, was changed while the build ran");
        return Diagnostic::warning(what);
    };
    let note = match is_certain {
        true => "a restore would not bring it back, so what writes it is run and never restored".to_owned(),
        false => "what a target writes beside its outputs does not come back when the target is restored".to_owned(),
    };
    let (what, help) = match (is_certain, writers) {
        (true, _) => (
            match names.as_slice() {
                [one] => format!("{one} writes `{path}`, which is a source of `{reader}`"),
                all => format!("{} write `{path}`, which is a source of `{reader}`", all.join(" and ")),
            },
            format!("declare it as an output of the one that makes it, and name that among the inputs of `{reader}`"),
        ),
        (false, [_]) => (
            format!("`{path}`, a source of `{reader}`, was changed while {first} ran"),
            format!("if {first} writes it, declare it as its output, and name that among the inputs of `{reader}`"),
        ),
        (false, _) => (
            format!(
                "`{path}`, a source of `{reader}`, was changed while {} ran",
                names.join(", ")
            ),
            format!("if one of them writes it, declare it as its output, and name that among the inputs of `{reader}`"),
        ),
    };
    Diagnostic::warning(what)
        .at(place(graph, writers[0]))
        .note(note)
        .help(help)
}

/// Where a target stands in the Atsaffile.
#[must_use]
pub fn place(graph: &Graph, target: TargetId) -> Place {
    graph.spec.text.place(graph.target(target).span)
}

/// A command, cut where it is long; `target` is the name to ask `logs` for.
#[must_use]
pub fn command(command: &str, target: &str) -> String {
    let lines: Vec<&str> = command.trim_end().lines().take(LINES).collect();
    let mut shown: String = lines.join("\n").chars().take(SHOWN).collect();
    if shown.len() < command.trim_end().len() {
        let _ = write!(
            shown,
            " …\n(`atsaf logs {}` shows the whole)",
            super::human::word(target)
        );
    }
    shown
}

fn some_of(names: &[String]) -> String {
    let mut text = names.iter().take(NAMES).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > NAMES {
        let _ = write!(text, " and {} more", names.len() - NAMES);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_command_is_cut_and_a_short_one_is_not() {
        assert_eq!(command("cat x\n", "a"), "cat x");
        let long = command(&"x".repeat(5000), "a");
        assert!(
            long.len() < 1100 && long.ends_with("(`atsaf logs a` shows the whole)"),
            "{long}"
        );
        assert_eq!(command(&"x\n".repeat(50), "a").lines().count(), LINES + 1);
    }

    #[test]
    fn every_cause_has_a_next_step() {
        let not_written = |instead: Option<&str>, direct| Advice::NotWritten {
            path: "out/x".to_owned(),
            hole: "{{output}}".to_owned(),
            instead: instead.map(str::to_owned),
            direct,
        };
        for (advice, part) in [
            (not_written(Some("x"), false), "it wrote `x` itself? use `{{output}}`"),
            (not_written(None, false), "has to write to `{{output}}`"),
            (not_written(Some("x"), true), "has to write `out/x` itself"),
            (Advice::ClosedPipe, "|| true"),
            (Advice::NoMatch, "|| true"),
            (
                Advice::Unbound("KEY".to_owned()),
                "`env = [\"KEY\"]`, or write `${KEY:-}`",
            ),
            (Advice::NotExecutable, "chmod +x"),
            (Advice::NotFound, "PATH"),
            (Advice::TimedOut, "timeout"),
        ] {
            let text = next_step(&advice);
            assert!(text.contains(part), "{text}");
        }
    }
}

//! `atsaf help`: the commands as clap tells them, and the pages of the manual, which are a part of the program.

use clap::CommandFactory as _;
use serde_json::json;

use super::run::{self, Refused};
use super::{Cli, CommandError, Exit, Session};
use crate::diagnostic::Diagnostic;
use crate::report::ink::{self, Ink, Tone};
use crate::report::markdown;
use crate::report::table::TextTable;

/// No line of a page is longer: more is hard to read.
const WIDEST: usize = 100;

/// Show help on a command, or a page of the manual, such as `atsaf help atsaffile`
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A command, as in `build` or `mlflow push`; or a topic, and after it words of the part that is wanted
    #[arg(value_name = "COMMAND|TOPIC")]
    words: Vec<String>,
}

/// A page of the manual.
pub(super) struct Topic {
    pub(super) name: &'static str,
    /// The file that is the page.
    file: &'static str,
    what: &'static str,
    pub(super) page: &'static str,
}

macro_rules! topic {
    ($name:literal, $file:literal, $what:literal) => {
        Topic {
            name: $name,
            file: $file,
            what: $what,
            page: include_str!(concat!("../../docs/", $file)),
        }
    };
}

/// All pages, in the order in which they are listed.
pub(super) const TOPICS: &[Topic] = &[
    topic!("introduction", "introduction.md", "what it is, and where to read on"),
    topic!("tutorial", "tutorial.md", "ten minutes, from nothing to a forecast"),
    topic!("atsaffile", "atsaffile.md", "every key of an Atsaffile"),
    topic!("commands", "commands.md", "all commands with their options"),
    #[cfg(feature = "forecasting")]
    topic!("data", "data.md", "your own CSV, Parquet and JSON files"),
    #[cfg(feature = "forecasting")]
    topic!(
        "forecasting",
        "forecasting.md",
        "the built-in tasks, models and the back-test"
    ),
    topic!("watch", "watch.md", "builds while you work: the screen and its keys"),
    topic!("report", "report.md", "a page in HTML about what was built"),
    topic!("time", "time.md", "results that age, probes, `every` and `accept`"),
    topic!("discovery", "discovery.md", "what commands use without declaring it"),
    #[cfg(feature = "forecasting")]
    topic!("mlflow", "mlflow.md", "registering champions"),
    #[cfg(feature = "forecasting")]
    topic!(
        "mlflow-model",
        "mlflow-model.md",
        "the packaged champion, in Python and served"
    ),
    topic!("airflow", "airflow.md", "the pipeline as a DAG"),
    topic!("openlineage", "openlineage.md", "events for lineage"),
    topic!("export", "export.md", "the graph for other programs"),
    topic!(
        "editors",
        "editors.md",
        "completions in the shell, and the Atsaffile in an editor"
    ),
    topic!("ci", "ci.md", "builds in a CI: summary, JSON, exit codes"),
    topic!(
        "python-scripts",
        "recipes/python-scripts.md",
        "scripts and their modules as targets"
    ),
    #[cfg(feature = "forecasting")]
    topic!(
        "many-series",
        "recipes/many-series.md",
        "the same steps for many series"
    ),
    topic!(
        "scheduled",
        "recipes/scheduled-forecasts.md",
        "builds by the clock, and what they publish"
    ),
    topic!("notebook", "recipes/notebook.md", "notebooks as targets"),
    topic!(
        "five-minutes",
        "first-five-minutes.md",
        "the same project with DVC and Snakemake, by the clock"
    ),
    topic!(
        "side-by-side",
        "coming-from/side-by-side.md",
        "the same project in five tools"
    ),
    topic!("from-airflow", "coming-from/airflow.md", "coming from Airflow"),
    topic!("from-dvc", "coming-from/dvc.md", "coming from DVC"),
    topic!("from-make", "coming-from/make.md", "coming from make"),
    topic!("from-snakemake", "coming-from/snakemake.md", "coming from Snakemake"),
    topic!("design", "design.md", "how it works, and what it promises"),
    topic!("performance", "performance.md", "what a build with nothing to do costs"),
    topic!("limits", "limits.md", "what it does not do"),
];

/// Shows help.
pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, CommandError> {
    let words: Vec<&str> = args.words.iter().map(String::as_str).collect();
    let mut text = String::new();
    let command = command(&words, session)?;
    text += command.as_deref().unwrap_or_default();
    let topic = words
        .first()
        .and_then(|name| TOPICS.iter().find(|topic| topic.name == *name));
    if let Some(topic) = topic.filter(|_| command.is_none() || words.len() == 1) {
        let part = words[1..].join(" ");
        let page = section(topic, &part)?;
        if session.screen.json() {
            session
                .screen
                .print_json(&json!({ "topic": topic.name, "command": command, "page": page }));
            return Ok(Exit::Done);
        }
        if command.is_some() {
            text += "\n";
        }
        text += &drawn(topic, &page, session);
    } else if session.screen.json() && command.is_some() {
        let topics: Vec<_> = TOPICS
            .iter()
            .map(|it| json!({ "topic": it.name, "what": it.what }))
            .collect();
        session
            .screen
            .print_json(&json!({ "command": command, "topics": if words.is_empty() { topics } else { Vec::new() } }));
        return Ok(Exit::Done);
    }
    if text.is_empty() {
        return Err(unknown(&words.join(" ")));
    }
    if words.is_empty() {
        text += &session.folded(&topics(session.screen.out_ink()));
    }
    session.screen.print(&text);
    Ok(Exit::Done)
}

/// What clap says of a command; of none it is what it says of all.
fn command(words: &[&str], session: &Session) -> Result<Option<String>, CommandError> {
    if words == ["run"] {
        // Its flags are those of the Atsaffile.
        let args = run::Args::asking_for_help();
        let catalog = (session.tasks)().catalog();
        return match run::resolve(&args, session.common.clone(), &catalog) {
            Err(Refused::Clap(error)) => Ok(Some(drawn_by_clap(&error.render(), session))),
            Err(Refused::Failed(failure)) => Err(failure),
            Ok(_) => Ok(None),
        };
    }
    let mut root = Cli::command();
    root.build();
    let mut command = &mut root;
    for word in words {
        match command.find_subcommand_mut(word) {
            Some(found) => command = found,
            None => return Ok(None),
        }
    }
    let text = match words {
        // The topics follow: all of it is to be seen at once.
        [] => command.render_help(),
        _ => command.render_long_help(),
    };
    Ok(Some(drawn_by_clap(&text, session)))
}

fn drawn_by_clap(text: &clap::builder::StyledStr, session: &Session) -> String {
    match session.screen.out_ink().colours() {
        true => ink::sealed(&text.ansi().to_string()),
        false => text.to_string(),
    }
}

/// A page, or the part of it whose heading has some words in it.
fn section(topic: &Topic, part: &str) -> Result<String, CommandError> {
    if part.is_empty() {
        return Ok(topic.page.to_owned());
    }
    let plain = |text: &str| text.to_lowercase().replace(['`', '[', ']', '-', '_'], "");
    let mut found = String::new();
    let mut open = None;
    let mut headings = Vec::new();
    for (heading, line) in lines(topic.page) {
        if let Some((level, title)) = heading {
            headings.push(title.replace('`', ""));
            if open.is_some_and(|open| level <= open) {
                open = None;
            }
            if open.is_none() && level > 1 && plain(title).contains(&plain(part)) {
                open = Some(level);
            }
        }
        if open.is_some() {
            found += line;
            found.push('\n');
        }
    }
    match found.is_empty() {
        false => Ok(found),
        true => Err(CommandError::usage(
            Diagnostic::error(format!("the page `{}` has no part `{part}`", topic.name))
                .note(format!("its parts: {}", headings[1.min(headings.len())..].join(", ")))
                .help(format!("`atsaf help {}` shows the whole page", topic.name)),
        )),
    }
}

/// The lines of a page, each with its level and title if it is a heading.
fn lines(page: &str) -> impl Iterator<Item = (Option<(usize, &str)>, &str)> {
    let mut in_code = false;
    page.lines().map(move |line| {
        if line.starts_with("```") {
            in_code = !in_code;
        }
        let level = line.bytes().take_while(|byte| *byte == b'#').count();
        let is_heading = !in_code && level > 0 && line[level..].starts_with(' ');
        (is_heading.then(|| (level, line[level..].trim())), line)
    })
}

/// A page for a terminal; its links lead to other pages of the program.
fn drawn(topic: &Topic, page: &str, session: &Session) -> String {
    let width = session.width().clamp(40, WIDEST);
    let folder = topic.file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let page = page.to_owned() + &of_the_source(page);
    markdown::render(&page, session.screen.out_ink(), width, &|address, shown| {
        refer(folder, address, shown)
    })
}

/// Says of files that a page names and that only the source of atsaf has where they are.
fn of_the_source(page: &str) -> String {
    const FOLDERS: [&str; 5] = [".ci", "benches", "examples", "fixtures", "tests/real"];
    let is_named = |folder: &&&str| {
        ["`", " ", "\n", "["]
            .iter()
            .any(|before| page.contains(&format!("{before}{folder}/")))
    };
    let named: Vec<String> = FOLDERS.iter().filter(is_named).map(|it| format!("`{it}/`")).collect();
    match named.as_slice() {
        [] => String::new(),
        named => format!(
            "\n\nWhat lies in {} is a part of atsaf's source, not of an installed program.\n",
            named.join(", ")
        ),
    }
}

/// A link in words: of a page its command, of an address the address; `None` of what only the repository has.
fn refer(folder: &str, address: &str, shown: &str) -> Option<String> {
    let (file, anchor) = address.split_once('#').unwrap_or((address, ""));
    if file.starts_with("http://") || file.starts_with("https://") {
        return (file != shown).then(|| format!("{shown} <{address}>"));
    }
    let file = match file.strip_prefix("../") {
        Some(above) => above.to_owned(),
        None if folder.is_empty() || file.is_empty() => file.to_owned(),
        None => format!("{folder}/{file}"),
    };
    let topic = TOPICS.iter().find(|topic| topic.file == file)?;
    let part = match anchor {
        "" => String::new(),
        anchor => format!(" {}", anchor.replace('-', " ")),
    };
    let command = format!("atsaf help {}{part}", topic.name);
    Some(match shown.contains(".md") {
        true => format!("`{command}`"),
        false => format!("{shown} (`{command}`)"),
    })
}

/// The topics, a line each.
fn topics(ink: Ink) -> String {
    let mut table = TextTable::new();
    for topic in TOPICS {
        table.row([
            (Tone::Strong, format!("  {}", topic.name)),
            (Tone::Plain, topic.what.to_owned()),
        ]);
    }
    format!(
        "\n{}\n{}\n`atsaf help TOPIC PART` shows one part, as in `atsaf help atsaffile params`.\n",
        ink.paint(Tone::Strong, "Topics of `atsaf help`:"),
        table.draw(ink)
    )
}

fn unknown(what: &str) -> CommandError {
    let names = words();
    CommandError::usage(
        Diagnostic::error(format!("neither a command nor a topic is called `{what}`"))
            .suggest(what, names.iter().map(|(name, _)| name.as_str()))
            .help("`atsaf help` lists both"),
    )
}

/// The names of all commands and topics, each with a word about it.
pub(super) fn words() -> Vec<(String, String)> {
    let root = Cli::command();
    let about = |command: &clap::Command| command.get_about().map(ToString::to_string).unwrap_or_default();
    let commands = root
        .get_subcommands()
        .map(|command| (command.get_name().to_owned(), about(command)));
    let topics = TOPICS
        .iter()
        .map(|topic| (topic.name.to_owned(), topic.what.to_owned()));
    let mut all: Vec<(String, String)> = commands.chain(topics).collect();
    all.sort_unstable();
    all.dedup_by(|a, b| a.0 == b.0);
    all
}

#[cfg(test)]
mod tests;

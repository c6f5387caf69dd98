//! The README and the book of `docs/`: a console block does and says what it shows, a link leads somewhere, and a page is in
//! the table of contents.
//!
//! A page is one session in one directory. Its console blocks run in their order: what stands behind a `$` and the `>` below
//! it is a command, the rest what it prints, save for times, runs and the like; `...` is any number of lines. Where nothing
//! is shown, it has to end well. A block of a language whose first line is `# FILE` is written to that file first.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use crate::project::{PATH, Project, Told, copy_tree, even, has_python};

/// Blocks for a shell that are not run here: of which page, how the first line begins, and what runs it instead.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    ("README.md", "cargo run --release -- build predictions", ".ci/run"),
    (
        "README.md",
        "atsaf -C fixtures/respondents build",
        "tests/respondents.rs",
    ),
    ("README.md", "atsaf build champion", "tests/real/mlflow.sh"),
    ("README.md", "export EIA_API_KEY=...", "tests/eia_api.rs"),
    ("README.md", "mkdir -p ~/airflow/dags", "tests/real/airflow.sh"),
    // They compile the whole program.
    ("docs/introduction.md", "cargo install --path .", ".ci/run"),
    ("docs/introduction.md", ".ci/wheel dist", "tests/real/wheel.sh"),
    ("docs/airflow.md", "python3 -m venv ~/venv", "tests/real/airflow.sh"),
    ("docs/airflow.md", "airflow dags unpause", "tests/real/airflow.sh"),
    (
        "docs/editors.md",
        "source <(atsaf completions bash)",
        "src/cli/tests/complete.rs",
    ),
    ("docs/forecasting.md", "atsaf eia record pages", "tests/eia_record.rs"),
    ("docs/time.md", "atsaf accept fit", "tests/accept.rs"),
    ("docs/mlflow.md", "atsaf build champion", "tests/real/mlflow.sh"),
    ("docs/mlflow.md", "atsaf mlflow push", "tests/real/mlflow.sh"),
    ("docs/mlflow-model.md", "mlflow models serve", "tests/real/model.sh"),
    ("docs/mlflow-model.md", "atsaf predict", "tests/predict.rs"),
    ("docs/openlineage.md", "OPENLINEAGE_URL=", "tests/real/openlineage.sh"),
    (
        "docs/recipes/notebook.md",
        "pip install papermill",
        "tests/real/notebook.sh",
    ),
    // They need DVC and Snakemake from PyPI.
    (
        "docs/first-five-minutes.md",
        "pip install dvc",
        "tests/real/five_minutes.sh",
    ),
    (
        "docs/first-five-minutes.md",
        "pip install snakemake",
        "tests/real/five_minutes.sh",
    ),
    // They go on for minutes, and print figures of the machine.
    (
        "docs/performance.md",
        "python3 benches/build_tools.py",
        "benches/build_tools.py",
    ),
    ("docs/testing.md", "ATSAF_FUZZ_SECONDS=1200", "src/fuzz.rs"),
];

/// Where a page begins.
enum Begin {
    /// In an empty directory.
    Empty,
    /// In a directory of the repository, copied.
    Directory(&'static str),
    /// In the project of a template of `atsaf init`, built.
    Built(&'static str),
    /// In the repository's own pipeline, built or not.
    Pipeline { is_built: bool },
}

fn begin(page: &str) -> Begin {
    match page {
        "README.md" => Begin::Pipeline { is_built: true },
        "docs/airflow.md" => Begin::Pipeline { is_built: false },
        "docs/report.md" => Begin::Built("shell"),
        "docs/coming-from/dvc.md" => Begin::Directory("examples/coming-from/dvc"),
        "docs/first-five-minutes.md" => Begin::Directory("examples/five-minutes"),
        "docs/coming-from/make.md" => Begin::Directory("examples/coming-from/make"),
        "docs/coming-from/snakemake.md" => Begin::Directory("examples/coming-from/snakemake"),
        _ => Begin::Empty,
    }
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The README and all pages, by their paths from the repository's top.
fn pages() -> Vec<String> {
    let docs = walkdir::WalkDir::new(repository().join("docs")).sort_by_file_name();
    let files = docs.into_iter().map(|entry| entry.expect("read").into_path());
    let pages = files.filter(|path| path.extension().is_some_and(|it| it == "md"));
    let own = |path: PathBuf| path.strip_prefix(repository()).expect("below").display().to_string();
    ["README.md".to_owned()].into_iter().chain(pages.map(own)).collect()
}

fn text_of(page: &str) -> String {
    fs::read_to_string(repository().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"))
}

/// A fenced block: its language and its text.
struct Block {
    language: String,
    text: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let (text, mut blocks, mut open) = (text_of(page), Vec::new(), None);
    for event in Parser::new_ext(&text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                let language = info.split_whitespace().next().unwrap_or_default().to_owned();
                open = Some(Block {
                    language,
                    text: String::new(),
                });
            }
            Event::Text(text) => open.iter_mut().for_each(|block: &mut Block| block.text += &text),
            Event::End(TagEnd::CodeBlock) => blocks.extend(open.take()),
            _ => {}
        }
    }
    blocks
}

impl Block {
    /// The file that it is, by its first line.
    fn file(&self) -> Option<&str> {
        let name = self.text.lines().next()?.strip_prefix("# ")?;
        let is_name = name == "Atsaffile" || (!name.contains(' ') && name.contains('.'));
        (matches!(self.language.as_str(), "toml" | "python") && is_name).then_some(name)
    }

    /// Its commands, each with what is shown of it.
    fn commands(&self) -> Vec<(String, String)> {
        let mut commands: Vec<(String, String)> = Vec::new();
        for line in self.text.lines() {
            let last = commands.last_mut();
            match (line.strip_prefix("$ "), last) {
                (Some(command), _) => commands.push((command.to_owned(), String::new())),
                (None, None) => panic!("no command before `{line}`"),
                (None, Some((command, shown))) => {
                    if let Some(more) = line.strip_prefix('>').filter(|_| shown.is_empty()) {
                        command.push('\n');
                        command.push_str(more.strip_prefix(' ').unwrap_or(more));
                    } else {
                        shown.push_str(line);
                        shown.push('\n');
                    }
                }
            }
        }
        commands
    }

    fn is_elsewhere(&self, page: &str) -> bool {
        let first = self.text.lines().next().unwrap_or_default();
        let first = first.strip_prefix("$ ").unwrap_or(first);
        ELSEWHERE
            .iter()
            .any(|(of, begins, _)| *of == page && first.starts_with(begins))
    }
}

fn project(begin: &Begin) -> Project {
    let project = Project::new("");
    match begin {
        Begin::Empty => project.remove("Atsaffile"),
        Begin::Directory(from) => {
            copy_tree(&repository().join(from), &project.at("")).expect("copied");
            // Whoever has followed the page has a store there.
            let _ = fs::remove_dir_all(project.at(".atsaf"));
        }
        Begin::Built(template) => {
            project.remove("Atsaffile");
            project.atsaf(&format!("init {template}")).ok();
            project.build("").ok();
        }
        Begin::Pipeline { is_built } => {
            project.write("Atsaffile", text_of("Atsaffile"));
            copy_tree(&repository().join("fixtures"), &project.at("fixtures")).expect("copied");
            if *is_built {
                project.build("predictions").ok();
            }
        }
    }
    fs::create_dir(project.at("../home")).expect("made");
    project
}

/// Runs a line as whoever reads the page would, with the program on `PATH`.
fn run(project: &Project, line: &str) -> Told {
    let program = Path::new(env!("CARGO_BIN_EXE_atsaf")).parent().expect("a directory");
    let home = project.at("../home").canonicalize().expect("there");
    let mut command = Command::new("bash");
    command
        .args(["-c", line])
        .current_dir(project.at("."))
        .env_clear()
        .env("PATH", format!("{}:{PATH}", program.display()))
        .env("XDG_STATE_HOME", project.at("../state"))
        .env("HOME", &home)
        .stdin(Stdio::null());
    let mut told = Told::of(&mut command);
    told.text = told.text.replace(&*home.to_string_lossy(), "/home/me");
    told
}

/// Follows a page; gives the number of its commands.
fn follow(page: &str) -> usize {
    let blocks = blocks(page);
    let is_run = |block: &&Block| block.language == "console" && !block.is_elsewhere(page);
    if !blocks.iter().any(|block| is_run(&block)) {
        return 0;
    }
    let project = project(&begin(page));
    let mut count = 0;
    for block in &blocks {
        if let Some(file) = block.file() {
            project.write(file, &block.text);
        }
        if !is_run(&block) {
            continue;
        }
        for (command, shown) in block.commands() {
            count += 1;
            let told = run(&project, &command);
            let fails = shown.lines().any(|line| line.starts_with("error"));
            assert_eq!(told.code == Some(0), !fails, "{page}: {command}\n{}", told.text);
            if !shown.trim().is_empty() {
                snapbox::assert_data_eq!(even(&told.text), snapbox::Data::text(even(&shown)));
            }
        }
    }
    count
}

#[test]
fn the_readme_shows_what_is_told() {
    assert!(follow("README.md") >= 3, "it has examples");
}

#[test]
fn pages_show_what_is_told() {
    if !has_python() {
        return;
    }
    let all: Vec<String> = pages().into_iter().filter(|page| page != "README.md").collect();
    let commands: usize = all.iter().map(|page| follow(page)).sum();
    assert!(commands > 40, "{commands} commands of {} pages", all.len());
}

#[test]
fn what_a_shell_is_given_is_run_here_or_there() {
    let pages = pages();
    for page in &pages {
        for block in blocks(page).iter().filter(|block| block.language == "sh") {
            assert!(block.is_elsewhere(page), "in {page} nothing runs:\n{}", block.text);
        }
    }
    for (page, begins, by) in ELSEWHERE {
        let blocks = blocks(page);
        let is_it = |block: &&Block| block.is_elsewhere(page) && block.text.contains(begins);
        assert_eq!(blocks.iter().filter(is_it).count(), 1, "{page}: {begins}");
        assert!(repository().join(by).exists(), "{by}");
    }
}

/// What a page leads to, and the parts that it has.
fn links_and_parts(page: &str) -> (Vec<String>, BTreeSet<String>) {
    let (text, mut links, mut parts, mut heading) = (text_of(page), Vec::new(), BTreeSet::new(), None);
    for event in Parser::new_ext(&text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                links.push(dest_url.into_string());
            }
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::Text(text) | Event::Code(text) => heading.iter_mut().for_each(|it: &mut String| it.push_str(&text)),
            Event::End(TagEnd::Heading(_)) => parts.extend(heading.take().map(|it| part(&it))),
            _ => {}
        }
    }
    (links, parts)
}

/// The name under which a heading is linked to.
fn part(heading: &str) -> String {
    let is_kept = |c: &char| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ');
    let kept: String = heading.to_lowercase().chars().filter(is_kept).collect();
    kept.replace(' ', "-")
}

#[test]
fn every_link_leads_somewhere() {
    let mut wrong = Vec::new();
    for page in pages() {
        for link in links_and_parts(&page).0 {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let from = Path::new(&page).parent().expect("a directory");
            let to = match path {
                "" => PathBuf::from(&page),
                path => from.join(path),
            };
            let at = repository().join(&to);
            let has_part = || {
                let own = at.canonicalize().expect("there");
                let own = own.strip_prefix(repository().canonicalize().expect("there"));
                let own = own.expect("in the repository").display().to_string();
                links_and_parts(&own).1.contains(anchor)
            };
            if !at.exists() || (!anchor.is_empty() && !has_part()) {
                wrong.push(format!("{page}: {link}"));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn every_page_is_in_the_table_of_contents_once() {
    let (links, _) = links_and_parts("docs/SUMMARY.md");
    let mut listed: Vec<String> = links.iter().map(|link| format!("docs/{link}")).collect();
    listed.sort();
    let pages = pages();
    let of_docs = |page: &&String| page.starts_with("docs/") && *page != "docs/SUMMARY.md";
    let mut there: Vec<&String> = pages.iter().filter(of_docs).collect();
    there.sort();
    assert_eq!(listed.iter().collect::<Vec<_>>(), there);
}

#[test]
fn every_picture_is_small_and_shown() {
    let shown: BTreeSet<String> = pages().iter().flat_map(|page| links_and_parts(page).0).collect();
    for entry in fs::read_dir(repository().join("docs/pictures")).expect("read") {
        let entry = entry.expect("read");
        let name = entry.file_name().into_string().expect("text");
        assert!(entry.metadata().expect("read").len() < 100_000, "{name}");
        assert!(
            shown.iter().any(|link| link.ends_with(&format!("pictures/{name}"))),
            "{name}"
        );
    }
}

//! `atsaf gc`: gives up earlier results, copies and logs that nobody needs any more.

use std::time::Duration;

use bytesize::ByteSize;
use serde_json::json;

use super::{CommandError, Exit, Session};
use crate::atsaffile;
use crate::engine::clock;
use crate::engine::store::gc::{Amount, Collected, Limits};
use crate::report::human;
use crate::report::ink::Tone;
use crate::report::table::TextTable;

/// Give up earlier results, copies, remembered work and logs; what is in place stays, and all that it needs
#[derive(Debug, clap::Args)]
#[command(after_help = "Each limit gives up by itself. Without one, only copies that no result refers to go.")]
pub(super) struct Args {
    /// Keep what the last N runs made
    #[arg(long, value_name = "N")]
    keep_runs: Option<usize>,
    /// Give up what is older, such as `30d` or `12h`
    #[arg(long, value_name = "AGE", value_parser = age)]
    older_than: Option<Duration>,
    /// Give up the oldest until the store has at most this size, such as `5GB` or `500MiB`
    #[arg(long, value_name = "SIZE")]
    max_size: Option<ByteSize>,
    /// Say what would go and how much it frees, and change nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

fn age(text: &str) -> Result<Duration, String> {
    atsaffile::duration(text).ok_or_else(|| format!("expected {}", atsaffile::DURATION))
}

/// Gives up, or says what would be given up.
pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, CommandError> {
    let project = session.load()?;
    let limits = Limits {
        keep_runs: args.keep_runs,
        older_than: args.older_than,
        max_size: args.max_size.map(|size| size.as_u64()),
    };
    let collected = project
        .store
        .gc(&limits, clock::now(), args.dry_run)
        .map_err(CommandError::store)?;
    let screen = &session.screen;
    if screen.json() {
        screen.print_json(&to_json(&collected, args.dry_run));
    } else {
        session.print_folded(&table(&collected, session));
        screen.say(&summary(&collected, args.dry_run));
    }
    Ok(Exit::Done)
}

/// What goes, a line a kind.
fn table(collected: &Collected, session: &Session) -> String {
    let Collected {
        results,
        objects,
        memo,
        outputs,
        kept: _,
    } = collected;
    let mut table = TextTable::new().right(1).right(2);
    let count: usize = results.values().sum();
    let of: Vec<String> = results
        .iter()
        .map(|(target, count)| format!("{target} {count}"))
        .collect();
    let rows = [
        ("earlier results", count, None, of.join(", ")),
        ("copies of artifacts", objects.count, Some(objects.size), String::new()),
        ("remembered pieces", memo.count, Some(memo.size), String::new()),
        ("outputs of runs", outputs.count, Some(outputs.size), String::new()),
    ];
    for (what, count, size, more) in rows.into_iter().filter(|(_, count, ..)| *count > 0) {
        table.row([
            (Tone::Plain, what.to_owned()),
            (Tone::Strong, count.to_string()),
            (Tone::Plain, size.map(human::size).unwrap_or_default()),
            (Tone::Faint, more),
        ]);
    }
    table.draw(session.screen.out_ink())
}

fn summary(collected: &Collected, dry_run: bool) -> String {
    let (freed, kept) = (human::size(collected.freed()), human::size(collected.kept));
    let nothing = collected.freed() == 0 && collected.results.is_empty();
    match (nothing, dry_run) {
        (true, _) => format!("nothing to give up; {kept} stay\n"),
        (false, true) => format!("would free {freed}; {kept} would stay; nothing was changed\n"),
        (false, false) => format!("freed {freed}; {kept} stay\n"),
    }
}

/// `dry_run`; `results`, the number of earlier results by target; `objects`, `memo` and `outputs` with `count` and
/// `size`; `freed` and `kept` in bytes.
fn to_json(collected: &Collected, dry_run: bool) -> serde_json::Value {
    let amount = |Amount { count, size }: Amount| json!({ "count": count, "size": size });
    json!({
        "dry_run": dry_run,
        "results": collected.results,
        "objects": amount(collected.objects),
        "memo": amount(collected.memo),
        "outputs": amount(collected.outputs),
        "freed": collected.freed(),
        "kept": collected.kept,
    })
}

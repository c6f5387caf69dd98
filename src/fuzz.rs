//! Bytes that nobody meant, for whatever reads bytes: whole files mutated at random, the same on every machine.
//!
//! A test names a format, whole examples of it and words that occur in it, and what reads it:
//!
//! ```ignore
//! #[test]
//! fn fuzz_journal() {
//!     Fuzz::of("journal", [golden()]).run(|bytes| drop(Journal::read(bytes)));
//! }
//! ```
//!
//! The cases run in a process of their own, so that an abort, a hang and memory without end are failures like a panic.
//! By default there are a few hundred; `ATSAF_FUZZ_SECONDS=1200` goes on for so long, `ATSAF_FUZZ_SEED=7` takes others.
//! A case that fails is kept; what it found goes to `fixtures/fuzz/FORMAT/`, whose files run first from then on.

mod mutate;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use self::mutate::Mutator;

/// Cases without `ATSAF_FUZZ_SECONDS`.
const CASES: u64 = 400;
/// A case that takes longer hangs.
const LONGEST: Duration = Duration::from_secs(20);
/// The address space of the process, in KiB: its threads, libraries and stacks need a good part of it.
const ADDRESSES: u64 = 4_000_000;
/// Set in the process of the cases: the directory for the current one.
const CHILD: &str = "ATSAF_FUZZ_CHILD";

/// A format to be read.
pub(crate) struct Fuzz {
    format: &'static str,
    examples: Vec<Vec<u8>>,
    words: Vec<Vec<u8>>,
    most_mb: u64,
}

impl Fuzz {
    /// The format `format`, and whole examples of it, small ones.
    pub(crate) fn of(format: &'static str, examples: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self {
            format,
            examples: examples.into_iter().collect(),
            words: Vec::new(),
            most_mb: 300,
        }
    }

    /// Words that occur in the format, to be put where they do not belong.
    pub(crate) fn words(mut self, words: &[&str]) -> Self {
        self.words.extend(words.iter().map(|word| word.as_bytes().to_vec()));
        self
    }

    /// Reads one mutated example after the other; `read` panics if it finds something wrong.
    pub(crate) fn run(self, read: impl Fn(&[u8])) {
        match (variable(CHILD), std::thread::current().name()) {
            (Some(dir), _) => self.cases(Path::new(&dir), read),
            // libtest names the thread after the test, unless there is one thread for all.
            (None, Some(test)) if test != "main" => self.apart(test),
            (None, _) => self.cases(tempfile::tempdir().expect("a directory").path(), read),
        }
    }

    /// Runs the test again, alone in a process of its own.
    fn apart(&self, test: &str) {
        let dir = tempfile::tempdir().expect("a directory");
        let this = std::env::current_exe().expect("this program");
        let output = Command::new("sh")
            .args(["-c", &format!("ulimit -c 0; ulimit -v {ADDRESSES}; exec \"$0\" \"$@\"")])
            .arg(this)
            .args([test, "--exact", "--nocapture", "--include-ignored"])
            .env(CHILD, dir.path())
            .stdin(Stdio::null())
            .output()
            .expect("started");
        let told = String::from_utf8_lossy(&output.stdout);
        if output.status.success() {
            let line = told.lines().find(|line| line.starts_with("fuzz "));
            println!("{}", line.expect("the cases were run"));
            return;
        }
        let kept = dir.keep();
        panic!(
            "{}: the case in {} failed, {}\n{told}\n{}",
            self.format,
            kept.display(),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn cases(&self, dir: &Path, read: impl Fn(&[u8])) {
        let found = found(self.format);
        let case = dir.join("case");
        let seed = number("ATSAF_FUZZ_SEED").unwrap_or(1);
        let limit = number("ATSAF_FUZZ_SECONDS").map(Duration::from_secs);
        let begun = Instant::now();
        let watch = Watch::start();
        let before = peak_mb();
        let run = |bytes: &[u8], count: u64| {
            #[expect(clippy::disallowed_methods, reason = "a test's own file")]
            fs::write(&case, bytes).expect("written");
            watch.begin();
            read(bytes);
            watch.end();
            if count.is_multiple_of(64) {
                self.check_memory(before);
            }
        };
        for bytes in &found {
            run(bytes, 0);
        }
        let mutator = Mutator::new([&*self.examples, &*found].concat(), self.words.clone());
        let mut count = 0;
        while limit.map_or(count < CASES, |limit| begun.elapsed() < limit) {
            run(&mutator.case(seed, count), count);
            count += 1;
        }
        self.check_memory(before);
        println!(
            "fuzz {}: {count} cases in {:.1} s, {} MB at most",
            self.format,
            begun.elapsed().as_secs_f64(),
            peak_mb()
        );
    }

    fn check_memory(&self, before: u64) {
        let filled = peak_mb() - before;
        assert!(
            filled <= self.most_mb,
            "{filled} MB were filled; {} may be",
            self.most_mb
        );
    }
}

/// What earlier runs found.
fn found(format: &str) -> Vec<Vec<u8>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/fuzz")
        .join(format.replace(' ', "-"));
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("read")).collect()
}

/// The most memory that this process has filled so far.
fn peak_mb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("there");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kib.expect("a number") / 1000
}

fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "says how long a test goes on")]
    std::env::var(name).ok()
}

fn number(name: &str) -> Option<u64> {
    variable(name).map(|text| text.parse().unwrap_or_else(|_| panic!("`{name}` is no number: {text}")))
}

/// Ends the process if a case hangs.
struct Watch {
    begun: Instant,
    /// Milliseconds after `begun` at which the case began; 0 between cases.
    case: Arc<AtomicU64>,
}

impl Watch {
    fn start() -> Self {
        let (begun, case) = (Instant::now(), Arc::new(AtomicU64::new(0)));
        let seen = case.clone();
        std::thread::spawn(move || {
            // It ends with the last case.
            while Arc::strong_count(&seen) > 1 {
                std::thread::sleep(Duration::from_millis(100));
                let at = Duration::from_millis(seen.load(Ordering::Relaxed));
                if !at.is_zero() && begun.elapsed().saturating_sub(at) > LONGEST {
                    eprintln!("the case hangs");
                    std::process::abort();
                }
            }
        });
        Self { begun, case }
    }

    fn begin(&self) {
        let at = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.case.store(at.max(1), Ordering::Relaxed);
    }

    fn end(&self) {
        self.case.store(0, Ordering::Relaxed);
    }
}

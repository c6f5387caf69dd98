//! All pages of a query: planned from the first one's `total`, fetched side by side, and begun again if the data changes
//! meanwhile.
//!
//! ```text
//! page 0 ─▶ total, rows of a page ─▶ offsets ─▶ workers ─▶ sink, each page as it comes
//! ```

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::Query;
use super::client::{Client, Expected, FetchedPage};
use super::error::EiaError;
use super::rows::Rows;
use crate::engine::task::{Context, TaskError};

/// How many requests are under way at once: more than the rate lets through as long as an answer takes a second.
const WORKERS: usize = 5;
/// How often a query is begun whose data changes between its pages.
const BEGINNINGS: u32 = 4;
/// Different warnings that are told.
const WARNINGS: usize = 20;

/// Takes pages, in any order.
pub(super) trait PageSink: Sync {
    /// Forgets what it took: the query begins again.
    ///
    /// # Errors
    /// [`TaskError`] if it cannot.
    fn begin(&self) -> Result<(), TaskError>;

    /// Takes the page at a position.
    ///
    /// # Errors
    /// [`TaskError`] if it cannot.
    fn take(&self, at: usize, page: FetchedPage) -> Result<(), TaskError>;
}

/// The rows of all pages.
#[derive(Debug, Default)]
pub(super) struct RowSink(Mutex<Rows>);

impl RowSink {
    pub(super) fn rows(self) -> Rows {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PageSink for RowSink {
    fn begin(&self) -> Result<(), TaskError> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Rows::default();
        Ok(())
    }

    fn take(&self, _: usize, fetched: FetchedPage) -> Result<(), TaskError> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.append(fetched.page.rows);
        Ok(())
    }
}

/// Why a fetch gave nothing.
enum Fault {
    /// The data changed: so many rows, then so many.
    Changed(u64, u64),
    /// It is in vain.
    Failed(TaskError),
}

impl From<TaskError> for Fault {
    fn from(error: TaskError) -> Self {
        Self::Failed(error)
    }
}

/// Fetches all pages of a query into a sink.
///
/// # Errors
/// [`TaskError`]; the sink then holds a part of the pages, which is not to be used.
pub(super) fn fetch(
    context: &Context<'_>,
    client: &Client<'_>,
    query: &Query,
    sink: &dyn PageSink,
) -> Result<(), TaskError> {
    for beginning in 1.. {
        sink.begin()?;
        let fetching = Fetching {
            context,
            client,
            query,
            sink,
            next: AtomicUsize::new(0),
            found: AtomicUsize::new(0),
            warnings: Mutex::default(),
        };
        match fetching.watched() {
            Ok(()) => {
                fetching.tell_warnings();
                return Ok(());
            }
            Err(Fault::Changed(before, after)) if beginning < BEGINNINGS => context.log(&format!(
                "the data changed while it was read, {before} rows and then {after}: it is read from the beginning"
            )),
            Err(Fault::Changed(before, after)) => return Err(EiaError::Changed { before, after }.into()),
            Err(Fault::Failed(error)) => return Err(error),
        }
    }
    unreachable!("internal error: the last beginning returns")
}

/// One go at all pages.
struct Fetching<'a> {
    context: &'a Context<'a>,
    client: &'a Client<'a>,
    query: &'a Query,
    sink: &'a dyn PageSink,
    /// The next page that nobody has begun, after the first.
    next: AtomicUsize,
    /// Rows so far.
    found: AtomicUsize,
    warnings: Mutex<BTreeSet<String>>,
}

/// What the first page says of the others.
#[derive(Clone, Copy)]
struct Plan {
    total: usize,
    /// Rows of each page but the last.
    rows: usize,
}

impl Plan {
    /// The offset of a page after the first, and its rows; `None` beyond the last.
    fn page(self, at: usize) -> Option<(usize, usize)> {
        let offset = at.checked_mul(self.rows)?;
        (offset < self.total).then(|| (offset, self.rows.min(self.total - offset)))
    }
}

impl Fetching<'_> {
    /// Works on threads beside this one, which ends them all when the attempt ends or one of them fails.
    fn watched(&self) -> Result<(), Fault> {
        const LOOK: Duration = Duration::from_millis(20);
        let (done, result) = channel();
        thread::scope(|scope| {
            let work = thread::Builder::new().spawn_scoped(scope, move || {
                let _ = done.send(self.all());
            });
            work.map_err(|error| no_thread(&error))?;
            loop {
                match result.recv_timeout(LOOK) {
                    Ok(result) => return result,
                    Err(RecvTimeoutError::Timeout) => {
                        if self.context.cancelled.load(Ordering::Relaxed) {
                            self.stop();
                        }
                    }
                    Err(RecvTimeoutError::Disconnected) => {
                        return Err(TaskError::new("internal error: a thread that fetches pages panicked").into());
                    }
                }
            }
        })
    }

    fn stop(&self) {
        self.client.stop().store(true, Ordering::Relaxed);
    }

    fn all(&self) -> Result<(), Fault> {
        self.context.progress("asking the EIA API");
        let first = self.client.page(self.context, self.query, 0, Expected::Some)?;
        let (total, rows) = (first.page.total, first.page.rows.len());
        let over = |excess| TaskError::from(EiaError::TooMuch(excess));
        self.client.limits().rows.rows(total.max(rows as u64)).map_err(over)?;
        let Some(total) = usize::try_from(total).ok().filter(|total| *total >= rows) else {
            let what = format!("the EIA API gave {rows} rows and says that there are {total}");
            return Err(TaskError::from(EiaError::shape(what)).into());
        };
        self.took(0, first, total)?;
        self.others(Plan { total, rows })
    }

    /// The pages after the first.
    fn others(&self, plan: Plan) -> Result<(), Fault> {
        let pages = plan.total.div_ceil(plan.rows.max(1)).saturating_sub(1);
        if pages == 0 {
            return Ok(());
        }
        let (done, results) = channel();
        thread::scope(|scope| {
            for _ in 0..pages.min(WORKERS) {
                let done = done.clone();
                let work = thread::Builder::new().spawn_scoped(scope, move || {
                    let _ = done.send(self.some(plan));
                });
                if let Err(error) = work {
                    self.stop();
                    return Err(no_thread(&error));
                }
            }
            drop(done);
            // The first fault is the reason; those of the others may be that they were told to stop.
            let mut outcome = Ok(());
            for result in results {
                if let (Err(fault), Ok(())) = (result, &outcome) {
                    outcome = Err(fault);
                }
            }
            outcome
        })
    }

    /// One page after the other, as long as there are any that nobody has begun.
    fn some(&self, plan: Plan) -> Result<(), Fault> {
        loop {
            let at = self.next.fetch_add(1, Ordering::Relaxed) + 1;
            let Some((offset, rows)) = plan.page(at) else {
                return Ok(());
            };
            let expected = Expected::Rows {
                total: plan.total,
                rows,
            };
            let fetched = self.client.page(self.context, self.query, offset, expected);
            let taken = fetched
                .map_err(Fault::from)
                .and_then(|page| self.took(at, page, plan.total));
            if let Err(fault) = taken {
                // The others need not go on; the client of the next beginning is told anew.
                self.next.store(usize::MAX / 2, Ordering::Relaxed);
                if matches!(fault, Fault::Failed(_)) {
                    self.stop();
                }
                return Err(fault);
            }
        }
    }

    /// Hands a page to the sink, if it is of the same data as the first.
    fn took(&self, at: usize, fetched: FetchedPage, total: usize) -> Result<(), Fault> {
        if fetched.page.total != total as u64 {
            return Err(Fault::Changed(total as u64, fetched.page.total));
        }
        let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        warnings.extend(fetched.page.warnings.iter().map(|warning| self.client.hide(warning)));
        drop(warnings);
        let found = self.found.fetch_add(fetched.page.rows.len(), Ordering::Relaxed) + fetched.page.rows.len();
        self.context.progress(&format!("{found} of {total} rows"));
        Ok(self.sink.take(at, fetched)?)
    }

    fn tell_warnings(&self) {
        let warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        for warning in warnings.iter().take(WARNINGS) {
            self.context.log(&format!("the EIA API warns: {warning}"));
        }
    }
}

fn no_thread(error: &std::io::Error) -> Fault {
    TaskError::new(format!("the system gives no thread: {error}")).into()
}

//! Several turns on one thread: while the command of one runs, the others go on.
//!
//! A turn is a future that waits only through its [`Pace`], and each wait is short: so it is enough to go round.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::graph::TargetId;

/// How long the turns of a thread wait, all together, before each of them is looked at again.
pub(crate) const LOOK: Duration = Duration::from_millis(20);

/// How the turns of a thread wait.
#[derive(Default)]
pub(crate) struct Pace {
    share: Cell<Duration>,
}

impl Pace {
    /// How long a turn may wait before it gives way; a turn that has only begun does not wait.
    pub(crate) fn share(&self) -> Duration {
        self.share.get()
    }

    /// Divides the moment of a thread among so many turns.
    fn divide(&self, turns: usize) {
        self.share.set(LOOK / u32::try_from(turns.max(1)).unwrap_or(u32::MAX));
    }

    /// Lets the other turns of the thread go on.
    pub(crate) async fn give_way(&self) {
        let mut gave_way = false;
        poll_fn(|_| match std::mem::replace(&mut gave_way, true) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
    }

    /// Waits a moment, of this length at most.
    pub(crate) async fn pause(&self, most: Duration) {
        std::thread::sleep(self.share().min(most));
        self.give_way().await;
    }
}

type Turn<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// The turns of a thread, each with its target.
pub(crate) struct Turns<'a, T> {
    pace: &'a Pace,
    open: Vec<(TargetId, Turn<'a, T>)>,
}

impl<'a, T> Turns<'a, T> {
    /// None yet.
    pub(crate) fn new(pace: &'a Pace) -> Self {
        Self { pace, open: Vec::new() }
    }

    /// How many have not ended.
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// Begins one, up to its first wait; gives its end if it comes before.
    pub(crate) fn begin(&mut self, id: TargetId, turn: impl Future<Output = T> + 'a) -> Option<T> {
        let mut turn: Turn<'a, T> = Box::pin(turn);
        self.pace.share.set(Duration::ZERO);
        let ended = step(turn.as_mut());
        if ended.is_none() {
            self.open.push((id, turn));
        }
        ended
    }

    /// Lets each go on to its next wait and gives those that end.
    pub(crate) fn go_on(&mut self) -> Vec<(TargetId, T)> {
        self.pace.divide(self.len());
        let mut ended = Vec::new();
        self.open.retain_mut(|(id, turn)| match step(turn.as_mut()) {
            Some(end) => {
                ended.push((*id, end));
                false
            }
            None => true,
        });
        ended
    }
}

/// Sees the only turn of a thread to its end.
pub(crate) fn alone<T>(pace: &Pace, turn: impl Future<Output = T>) -> T {
    let mut turn = pin!(turn);
    pace.divide(1);
    loop {
        if let Some(end) = step(turn.as_mut()) {
            return end;
        }
    }
}

fn step<T>(turn: Pin<&mut (impl Future<Output = T> + ?Sized)>) -> Option<T> {
    match turn.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(end) => Some(end),
        Poll::Pending => None,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn turns_go_on_side_by_side_and_end_each_in_its_time() {
        let pace = Pace::default();
        let seen = RefCell::new(Vec::new());
        let turn = |name: u32, waits: u32| {
            let (pace, seen) = (&pace, &seen);
            async move {
                for wait in 0..waits {
                    seen.borrow_mut().push((name, wait));
                    pace.give_way().await;
                }
                name
            }
        };
        let mut turns = Turns::new(&pace);
        assert_eq!(turns.begin(TargetId(0), turn(0, 0)), Some(0));
        assert_eq!(turns.begin(TargetId(1), turn(1, 3)), None);
        assert_eq!(turns.begin(TargetId(2), turn(2, 1)), None);
        assert_eq!(turns.go_on(), [(TargetId(2), 2)]);
        assert_eq!(turns.len(), 1);
        assert_eq!(turns.go_on(), []);
        assert_eq!(turns.go_on(), [(TargetId(1), 1)]);
        assert_eq!(*seen.borrow(), [(1, 0), (2, 0), (1, 1), (1, 2)]);
    }

    #[test]
    fn a_moment_is_divided_and_a_turn_that_begins_waits_for_none_of_it() {
        let pace = Pace::default();
        let turn = || async {
            let at_first = pace.share();
            pace.give_way().await;
            (at_first, pace.share())
        };
        let mut turns = Turns::new(&pace);
        for number in 0..4 {
            assert!(turns.begin(TargetId(number), turn()).is_none());
        }
        for (_, shares) in turns.go_on() {
            assert_eq!(shares, (Duration::ZERO, LOOK / 4));
        }
        assert_eq!(alone(&pace, turn()), (LOOK, LOOK));
    }
}

//! How long a fetch waits for a server that fails or asks to slow down: often enough for what passes, and bounded in
//! number and in time.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::error::EiaError;
use crate::http::jittered;

/// The most often that one request is sent.
const TIMES: u32 = 6;
/// The pause after a first failure; it doubles each time.
const PAUSE: Duration = Duration::from_millis(500);
/// The pause after a first request to slow down: a key rests for seconds to minutes.
const REST: Duration = Duration::from_secs(5);

/// What all requests of one fetch have in common while they wait.
#[derive(Debug)]
pub(super) struct Patience {
    /// The longest time of waiting without a page in between.
    limit: Duration,
    state: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    spent: Duration,
    /// Before it nobody asks: the server said so to one, and meant all.
    resume: Option<Instant>,
}

impl Patience {
    pub(super) fn new(limit: Duration) -> Self {
        let state = Mutex::default();
        Self { limit, state }
    }

    /// How long nobody may ask.
    pub(super) fn rest(&self) -> Duration {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let resume = state.resume.unwrap_or_else(Instant::now);
        resume.saturating_duration_since(Instant::now())
    }

    /// The pause before a request that failed for the `times`th time and `took` so long is sent again; `None` if it is not.
    pub(super) fn pause(
        &self,
        error: &EiaError,
        asked_for: Option<Duration>,
        times: u32,
        took: Duration,
    ) -> Option<Duration> {
        if !error.may_pass() || times >= TIMES {
            return None;
        }
        let is_rest = matches!(error, EiaError::Throttled { .. });
        let first = if is_rest && asked_for.is_none() { REST } else { PAUSE };
        let pause = jittered(first * 2_u32.pow(times - 1)).max(asked_for.unwrap_or_default());
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Time that went by in silence was waited for as well.
        let lost = if matches!(error, EiaError::Timeout { .. }) {
            took
        } else {
            Duration::ZERO
        };
        let now = Instant::now();
        let is_resting = is_rest && state.resume.is_some_and(|resume| resume > now);
        let spent = match is_resting {
            // The others were told to slow down at the same time: they wait together.
            true => state.spent,
            false => state.spent + lost + pause,
        };
        if spent > self.limit {
            return None;
        }
        state.spent = spent;
        if is_rest {
            state.resume = state.resume.max(Some(now + pause));
        }
        Some(pause)
    }

    /// A page came: what was waited is forgotten.
    pub(super) fn renew(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.spent = Duration::ZERO;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILED: EiaError = EiaError::Server { status: 502 };

    fn slow_down() -> EiaError {
        let code = "OVER_RATE_LIMIT".to_owned();
        EiaError::Throttled { code }
    }

    fn seconds(pause: Option<Duration>) -> Option<f64> {
        pause.map(|pause| pause.as_secs_f64())
    }

    #[test]
    fn pauses_grow_and_end() {
        let patience = Patience::new(Duration::from_mins(1));
        let pauses: Vec<f64> = (1..10)
            .map_while(|times| seconds(patience.pause(&FAILED, None, times, Duration::ZERO)))
            .collect();
        assert_eq!(pauses.len(), 5);
        for (pause, whole) in pauses.iter().zip([0.5, 1.0, 2.0, 4.0, 8.0]) {
            assert!((whole / 2.0..=whole).contains(pause), "{pauses:?}");
        }
        let wrong = EiaError::WrongKey;
        assert_eq!(patience.pause(&wrong, None, 1, Duration::ZERO), None);
    }

    #[test]
    fn a_server_that_asks_to_slow_down_holds_all_and_is_waited_for_once() {
        let patience = Patience::new(Duration::from_secs(6));
        assert_eq!(patience.rest(), Duration::ZERO);
        for _ in 0..3 {
            let pause = seconds(patience.pause(&slow_down(), None, 1, Duration::ZERO)).expect("a pause");
            assert!((2.5..=5.0).contains(&pause), "{pause}");
        }
        assert!(patience.rest() > Duration::from_secs(1));
        let minute = Some(Duration::from_mins(1));
        let fresh = Patience::new(Duration::from_secs(6));
        assert_eq!(
            fresh.pause(&slow_down(), minute, 1, Duration::ZERO),
            None,
            "more than it may wait"
        );
        let two = Some(Duration::from_secs(2));
        assert_eq!(seconds(fresh.pause(&slow_down(), two, 1, Duration::ZERO)), Some(2.0));
    }

    #[test]
    fn silence_is_waiting_too_and_a_page_renews_it() {
        let patience = Patience::new(Duration::from_secs(5));
        let silence = EiaError::Timeout {
            limit: Duration::from_secs(4),
        };
        let ask = || patience.pause(&silence, None, 1, Duration::from_secs(4));
        assert!(ask().is_some());
        assert_eq!(ask(), None);
        patience.renew();
        assert!(ask().is_some());
    }
}

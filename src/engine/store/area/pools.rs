//! Places in pools, and how often one may be used: over all builds of a project.
//!
//! A slot is a lock file, so it is free again when its holder and the command that it started have ended, however they
//! end. A rate is a file with the moments of
//! the last starts: there are never more than so many in any stretch of its time.

use std::fs::TryLockError;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::time::{Duration, SystemTime};

use super::locks::{Held, Holder, Locks};
use crate::engine::clock::milliseconds_of;
use crate::engine::run_id::RunId;
use crate::engine::spec::Rate;

impl Locks {
    /// Takes a slot in each of some pools, given with how many there are; all or none.
    ///
    /// # Errors
    /// `Ok(Err(..))` names the pool in which none is free, and who has one.
    pub(crate) fn take_slots(
        &self,
        pools: &[(&str, u32)],
        target: &str,
        run: RunId,
    ) -> io::Result<Result<Held, (String, Holder)>> {
        let mut held = Held::none();
        for (pool, slots) in pools {
            let mut holder = Holder::default();
            let mut is_taken = false;
            for slot in 0..*slots {
                let mut file = self.open(&format!("pool-{pool}-{slot}"))?;
                match file.try_lock() {
                    Ok(()) => {
                        held.add_own(file, run, target);
                        is_taken = true;
                        break;
                    }
                    Err(TryLockError::WouldBlock) => holder = Holder::read(&mut file),
                    Err(TryLockError::Error(error)) => return Err(error),
                }
            }
            if !is_taken {
                return Ok(Err(((*pool).to_owned(), holder)));
            }
        }
        Ok(Ok(held))
    }

    /// Counts one start in a pool with a rate, if it may be now; else tells how long to wait before it is asked again.
    pub(crate) fn start_in(&self, pool: &str, rate: Rate, now: SystemTime) -> io::Result<Option<Duration>> {
        let mut file = self.open(&format!("rate-{pool}"))?;
        file.lock()?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let now = milliseconds_of(now);
        let per = u64::try_from(rate.per.as_millis()).unwrap_or(u64::MAX);
        let moments = bytes.chunks_exact(8).map(|chunk| {
            let mut moment = [0; 8];
            moment.copy_from_slice(chunk);
            u64::from_le_bytes(moment)
        });
        // What is still to come was written before the clock went back, and says nothing.
        let mut recent: Vec<u64> = moments.filter(|then| *then <= now && now - *then < per).collect();
        recent.sort_unstable();
        let count = usize::try_from(rate.count).unwrap_or(usize::MAX);
        let over = recent.len().checked_sub(count).and_then(|first| recent.get(first));
        if let Some(oldest) = over {
            return Ok(Some(Duration::from_millis(oldest + per - now)));
        }
        recent.push(now);
        let bytes: Vec<u8> = recent.iter().flat_map(|moment| moment.to_le_bytes()).collect();
        file.seek(SeekFrom::Start(0))?;
        file.set_len(0)?;
        file.write_all(&bytes)?;
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn so_many_have_a_slot_and_the_next_is_told_who() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let locks = Locks::new(dir.path().to_owned());
        let run = RunId::new();
        let take = |target: &str| {
            locks
                .take_slots(&[("disk", 1), ("eia", 2)], target, run)
                .expect("asked")
        };
        let first = take("TEX").expect("free");
        let (pool, holder) = take("CAL").expect_err("the disk is taken");
        assert_eq!((pool.as_str(), holder.target.as_deref()), ("disk", Some("TEX")));
        let one = locks.take_slots(&[("eia", 2)], "NY", run).expect("asked");
        let (pool, _) = locks
            .take_slots(&[("eia", 2)], "FLA", run)
            .expect("asked")
            .expect_err("both are taken");
        assert_eq!(pool, "eia");
        drop(first);
        assert!(
            take("CAL").is_ok(),
            "a slot that was not to be had with the others is not kept"
        );
        drop(one);
    }

    #[test]
    fn a_rate_lets_so_many_start_in_any_stretch_of_its_time() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let locks = Locks::new(dir.path().to_owned());
        let rate = Rate {
            count: 2,
            per: Duration::from_secs(1),
        };
        let ask = |at: u64| {
            let now = UNIX_EPOCH + Duration::from_millis(at);
            locks
                .start_in("eia", rate, now)
                .expect("asked")
                .map(|wait| wait.as_millis())
        };
        assert_eq!([ask(10_000), ask(10_400)], [None, None]);
        assert_eq!(ask(10_500), Some(500));
        assert_eq!(ask(11_000), None, "the first is a second ago");
        assert_eq!(ask(11_000), Some(400));
        assert_eq!(ask(9000), None, "a clock that went back waits for nothing");
    }
}

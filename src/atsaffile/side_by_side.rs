//! Many parts of an Atsaffile that do not depend on each other, read side by side.

use rayon::prelude::*;

use super::mistakes::Mistakes;

/// Fewer are read one after the other.
const MANY: usize = 1000;

/// Reads all of many parts; `None` where they are few, or anything is wrong with one, in whose place is then perhaps
/// nothing: they are to be read in their order, in which that is told.
pub(super) fn side_by_side<P: IndexedParallelIterator, R: Send>(
    parts: P,
    read: impl Fn(P::Item, &mut Mistakes) -> Option<R> + Sync + Send,
) -> Option<Vec<R>> {
    if parts.len() < MANY {
        return None;
    }
    let sound = |none: &mut Mistakes, part: P::Item| read(part, none).filter(|_| none.len() == 0);
    // In their places at once, and moved to no others.
    let all = parts.with_min_len(MANY / 8).map_init(Mistakes::default, sound);
    all.collect::<Vec<Option<R>>>().into_iter().collect()
}

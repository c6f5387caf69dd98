//! Decodes what a file of the store says, in memory that follows the file's length: whoever wrote the file may have put
//! any number in the place of a length.

use serde::de::DeserializeOwned;

/// Decodes the value at the beginning of some bytes; also gives how many it takes.
pub(in crate::engine) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<(T, usize)> {
    // To bincode a limit is a constant, and a number of one byte counts as wide as its type: sixteen bytes at the most.
    match bytes.len() {
        ..0x1000 => within::<T, 0x1_0000>(bytes),
        0x1000..0x1_0000 => within::<T, 0x10_0000>(bytes),
        0x1_0000..0x10_0000 => within::<T, 0x100_0000>(bytes),
        0x10_0000..0x100_0000 => within::<T, 0x1000_0000>(bytes),
        0x100_0000.. => within::<T, 0x1_0000_0000>(bytes),
    }
}

/// For how many values to make room before they are decoded from some bytes, if there are said to be `count`.
pub(super) fn room<T>(count: usize, bytes: &[u8]) -> usize {
    count.min(bytes.len().saturating_mul(16) / size_of::<T>().max(1))
}

fn within<T: DeserializeOwned, const LIMIT: usize>(bytes: &[u8]) -> Option<(T, usize)> {
    let config = bincode::config::standard().with_limit::<LIMIT>();
    // Borrowed as far as that goes: a digest is read without a copy of its own.
    bincode::serde::borrow_decode_from_slice(bytes, config).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_stops_nothing_that_is_there() {
        for length in [0xfff, 0x1000, 0xffff, 0x1_0000, 0xf_ffff, 0x10_0000] {
            // What counts most for its length: numbers of sixteen bytes in one byte each, after the length in five.
            let bytes = [
                &[0xfc_u8][..],
                &u32::to_le_bytes(length - 5),
                &vec![1; length as usize - 5],
            ]
            .concat();
            let (numbers, read): (Vec<u128>, usize) = decode(&bytes).expect("decoded");
            assert_eq!((numbers.len(), read), (length as usize - 5, bytes.len()));
        }
    }

    #[test]
    fn a_text_that_is_longer_than_what_is_there_is_none() {
        let bytes = [&[0xfc_u8][..], &u32::MAX.to_le_bytes(), b"text"].concat();
        assert_eq!(decode::<String>(&bytes), None);
    }
}

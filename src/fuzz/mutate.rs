//! One example after the other, each with a few mutations; a case is a function of the seed and its number.

/// Numbers at which programs go wrong.
const NUMBERS: [u64; 16] = [
    0,
    1,
    2,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    i64::MAX as u64,
    1 << 63,
    u64::MAX,
];
/// A case is not longer than this.
const LONGEST: usize = 1 << 20;

/// Examples and words to mutate them with.
pub(super) struct Mutator {
    examples: Vec<Vec<u8>>,
    words: Vec<Vec<u8>>,
}

impl Mutator {
    pub(super) fn new(examples: Vec<Vec<u8>>, words: Vec<Vec<u8>>) -> Self {
        assert!(!examples.is_empty(), "there is nothing to mutate");
        Self { examples, words }
    }

    /// The case of this number.
    pub(super) fn case(&self, seed: u64, number: u64) -> Vec<u8> {
        let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9).wrapping_add(number << 20));
        let mut bytes = chance.one_of(&self.examples).clone();
        for _ in 0..=chance.below(4) {
            self.mutate(&mut bytes, &mut chance);
            bytes.truncate(LONGEST);
        }
        bytes
    }

    fn mutate(&self, bytes: &mut Vec<u8>, chance: &mut Chance) {
        let at = chance.place(bytes.len());
        let end = (at + 1 + chance.below(64)).min(bytes.len());
        match chance.below(12) {
            0 | 1 if at < bytes.len() => bytes[at] ^= 1 << chance.below(8),
            2 if at < bytes.len() => bytes[at] = chance.byte(),
            3 => bytes.truncate(at),
            4 => drop(bytes.drain(at.min(end)..end)),
            5 => {
                let copy = bytes[at.min(end)..end].to_vec();
                insert(bytes, chance.place(bytes.len()), &copy);
            }
            6 => {
                let other = chance.one_of(&self.examples);
                let from = chance.place(other.len());
                let piece = &other[from..(from + 1 + chance.below(256)).min(other.len())];
                insert(bytes, at, piece);
            }
            7 if !self.words.is_empty() => insert(bytes, at, chance.one_of(&self.words).as_slice()),
            8 if !self.words.is_empty() => overwrite(bytes, at, chance.one_of(&self.words).as_slice()),
            9 => overwrite(bytes, at, &number(chance)),
            10 => replace_digits(bytes, at, chance),
            _ => insert(bytes, at, &number(chance)),
        }
    }
}

/// A number as a file may hold it: of a fixed length, of a variable one as in Thrift, or in digits.
fn number(chance: &mut Chance) -> Vec<u8> {
    let number = *chance.one_of(&NUMBERS);
    let width = 1 << chance.below(4);
    match chance.below(4) {
        0 => number.to_le_bytes()[..width].to_vec(),
        1 => number.to_be_bytes()[8 - width..].to_vec(),
        2 => varint(number),
        _ => number.to_string().into_bytes(),
    }
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
    bytes
}

/// Puts another number where the next digits stand.
fn replace_digits(bytes: &mut Vec<u8>, at: usize, chance: &mut Chance) {
    let Some(begin) = bytes[at..].iter().position(u8::is_ascii_digit).map(|skip| at + skip) else {
        return;
    };
    let count = bytes[begin..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = chance.one_of(&NUMBERS).to_string();
    bytes.splice(begin..begin + count, number.into_bytes());
}

fn insert(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    bytes.splice(at..at, piece.iter().copied());
}

fn overwrite(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    let end = (at + piece.len()).min(bytes.len());
    bytes.splice(at..end, piece.iter().copied());
}

/// Chance that is the same on every machine (`SplitMix64`: Steele and others 2014).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `limit`, which is not zero.
    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).expect("it was one")
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    /// A place in something of this length; half of them in its last quarter, where footers stand.
    fn place(&mut self, length: usize) -> usize {
        let from = if self.below(2) == 0 { 0 } else { length - length / 4 };
        from + self.below(length - from + 1)
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

#[test]
fn a_case_is_the_same_each_time_and_most_differ() {
    let words = vec![b"word".to_vec()];
    let mutator = Mutator::new(vec![b"one 1 example".to_vec(), b"another 22".to_vec()], words);
    let cases = |seed| (0..500).map(|at| mutator.case(seed, at)).collect::<Vec<_>>();
    assert_eq!(cases(1), cases(1));
    let different: std::collections::BTreeSet<_> = cases(1).into_iter().chain(cases(2)).collect();
    assert!(different.len() > 800, "{}", different.len());
}

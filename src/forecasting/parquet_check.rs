//! Looks through the metadata of a Parquet file before a reader believes it.
//!
//! The reader reserves by the numbers that stand in the footer and in the heads of the pages. So they are walked
//! through first: they must agree with each other and with the size of the file, and stay within limits.
//! Source: Apache Parquet, `parquet.thrift` 2.11.

mod format;

use std::io::{Read, Seek, SeekFrom};

use self::format::{FILE, PAGE};
use super::limits::{Excess, TableLimits};
use super::thrift::{Owner, ThriftFault, Walk, WalkEvent};

const MAGIC: &[u8; 4] = b"PAR1";
/// The footer's length and the magic bytes.
const TAIL: u64 = 8;
/// A footer that is longer describes no table that a task reads.
const LONGEST_FOOTER: u64 = 64_000_000;
/// Columns within columns.
const DEEPEST: usize = 32;
/// As many bytes hold the head of most pages.
const HEAD: u64 = 4096;
const UNCOMPRESSED: i64 = 0;
const REPEATED: i64 = 2;

/// Why a file is not to be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ParquetFault {
    /// It is not what it says.
    Broken(String),
    /// It is more than the limits allow.
    Over(Excess),
}

impl From<&str> for ParquetFault {
    fn from(why: &str) -> Self {
        Self::Broken(why.to_owned())
    }
}

impl From<std::io::Error> for ParquetFault {
    fn from(error: std::io::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

/// Checks a file from its footer to the heads of its pages.
///
/// # Errors
/// [`ParquetFault`] if a reader would do more than fail, or fill more memory than allowed.
pub(crate) fn check(file: &mut (impl Read + Seek), limits: TableLimits) -> Result<(), ParquetFault> {
    let size = file.seek(SeekFrom::End(0))?;
    let footer = footer(file, size)?;
    let mut metadata = Metadata::default();
    Walk::new(&footer)
        .structure(&FILE, &mut |owner, seen| metadata.see(owner, &seen))
        .map_err(|fault| in_metadata("footer", fault))?;
    let leaves = metadata.leaves()?;
    metadata.check(&leaves, limits)?;
    let body = size - TAIL - footer.len() as u64;
    let mut left = limits.bytes();
    for group in &metadata.groups {
        for (chunk, leaf) in group.chunks.iter().zip(&leaves) {
            pages(file, chunk, *leaf, body, &mut left)?
                .then_some(())
                .ok_or(ParquetFault::Over(limits.size()))?;
        }
    }
    file.seek(SeekFrom::Start(0))?;
    Ok(())
}

fn in_metadata(place: &str, fault: ThriftFault) -> ParquetFault {
    ParquetFault::Broken(match fault {
        ThriftFault::Ends => format!("its {place} is cut off"),
        ThriftFault::Wrong(why) => format!("its {place} is damaged: {why}"),
    })
}

fn footer(file: &mut (impl Read + Seek), size: u64) -> Result<Vec<u8>, ParquetFault> {
    if size < MAGIC.len() as u64 + TAIL {
        return Err("it is too short".into());
    }
    let mut magic = [0; 4];
    file.seek(SeekFrom::Start(0))?;
    file.read_exact(&mut magic)?;
    let mut tail = [0; 8];
    file.seek(SeekFrom::End(-8))?;
    file.read_exact(&mut tail)?;
    let [a, b, c, d, end @ ..] = tail;
    if &magic != MAGIC || &end != MAGIC {
        return Err("it does not begin and end with `PAR1`".into());
    }
    let length = u64::from(u32::from_le_bytes([a, b, c, d]));
    if length > size - TAIL - MAGIC.len() as u64 {
        return Err("its footer is longer than the file".into());
    }
    if length > LONGEST_FOOTER {
        return Err("its footer is longer than 64 MB".into());
    }
    file.seek(SeekFrom::Start(size - TAIL - length))?;
    let mut footer = Vec::new();
    file.take(length).read_to_end(&mut footer)?;
    Ok(footer)
}

/// What counts of a footer.
#[derive(Default)]
struct Metadata {
    rows: i64,
    elements: Vec<Element>,
    groups: Vec<Group>,
    element: Element,
    group: Group,
    chunk: Chunk,
}

#[derive(Clone, Copy, Default)]
struct Element {
    is_leaf: bool,
    repetition: i64,
    children: i64,
}

/// A column of values.
#[derive(Clone, Copy)]
struct Leaf {
    /// Whether a row may have several values of it, or none.
    is_repeated: bool,
}

#[derive(Default)]
struct Group {
    rows: i64,
    chunks: Vec<Chunk>,
}

#[derive(Clone, Copy, Default)]
struct Chunk {
    codec: i64,
    values: i64,
    unpacked: i64,
    packed: i64,
    data: i64,
    dictionary: Option<i64>,
}

impl Metadata {
    fn see(&mut self, owner: Owner, seen: &WalkEvent) {
        match (owner, seen) {
            (Owner::File, WalkEvent::Number(3, rows)) => self.rows = *rows,
            (Owner::Element, WalkEvent::Number(1, _)) => self.element.is_leaf = true,
            (Owner::Element, WalkEvent::Number(3, repetition)) => self.element.repetition = *repetition,
            (Owner::Element, WalkEvent::Number(5, children)) => self.element.children = *children,
            (Owner::Element, WalkEvent::End) => self.elements.push(std::mem::take(&mut self.element)),
            (Owner::Group, WalkEvent::Number(3, rows)) => self.group.rows = *rows,
            (Owner::Group, WalkEvent::End) => self.groups.push(std::mem::take(&mut self.group)),
            (Owner::Column, WalkEvent::Number(4, codec)) => self.chunk.codec = *codec,
            (Owner::Column, WalkEvent::Number(5, values)) => self.chunk.values = *values,
            (Owner::Column, WalkEvent::Number(6, unpacked)) => self.chunk.unpacked = *unpacked,
            (Owner::Column, WalkEvent::Number(7, packed)) => self.chunk.packed = *packed,
            (Owner::Column, WalkEvent::Number(9, data)) => self.chunk.data = *data,
            (Owner::Column, WalkEvent::Number(11, dictionary)) => self.chunk.dictionary = Some(*dictionary),
            (Owner::Chunk, WalkEvent::End) => self.group.chunks.push(std::mem::take(&mut self.chunk)),
            _ => {}
        }
    }

    /// The columns of values: the tree of the schema stands in its elements parent first.
    fn leaves(&self) -> Result<Vec<Leaf>, ParquetFault> {
        let (root, mut rest) = self.elements.split_first().ok_or("it has no schema")?;
        let mut leaves = Vec::new();
        // Children to come and whether something above repeats, of each element that is open.
        let mut open = vec![(root.children, false)];
        while let Some((children, repeats)) = open.last_mut() {
            if *children <= 0 {
                open.pop();
                continue;
            }
            *children -= 1;
            let (element, others) = rest.split_first().ok_or("its schema is cut off")?;
            rest = others;
            let is_repeated = *repeats || element.repetition == REPEATED;
            match element.is_leaf {
                true if element.children == 0 => leaves.push(Leaf { is_repeated }),
                false if open.len() < DEEPEST => open.push((element.children, is_repeated)),
                true => return Err("a column of its schema has columns and values".into()),
                false => return Err("its schema is nested too deeply".into()),
            }
        }
        match rest.is_empty() {
            true => Ok(leaves),
            false => Err("its schema has elements to spare".into()),
        }
    }

    /// Whether rows, columns and values agree, within limits.
    fn check(&self, leaves: &[Leaf], limits: TableLimits) -> Result<(), ParquetFault> {
        let rows = self.groups.iter().try_fold(0_i64, |rows, group| {
            let own = Some(group.rows).filter(|rows| *rows >= 0)?;
            rows.checked_add(own)
        });
        if rows != Some(self.rows) {
            return Err("its numbers of rows contradict each other".into());
        }
        TableLimits::columns(leaves.len() as u64).map_err(ParquetFault::Over)?;
        limits.rows(self.rows.cast_unsigned()).map_err(ParquetFault::Over)?;
        let mut values = 0_u64;
        for group in &self.groups {
            if group.chunks.len() != leaves.len() {
                return Err("its numbers of columns contradict each other".into());
            }
            for (chunk, leaf) in group.chunks.iter().zip(leaves) {
                let agrees = if leaf.is_repeated {
                    chunk.values >= 0
                } else {
                    chunk.values == group.rows
                };
                if !agrees {
                    return Err("its numbers of values contradict each other".into());
                }
                limits.rows(chunk.values.cast_unsigned()).map_err(ParquetFault::Over)?;
                values = values.saturating_add(chunk.values.cast_unsigned());
            }
        }
        limits.values(values).map_err(ParquetFault::Over)
    }
}

/// Walks from page to page of a column; `left` is what all pages to come may hold unpacked. Gives whether that is enough.
fn pages(
    file: &mut (impl Read + Seek),
    chunk: &Chunk,
    leaf: Leaf,
    body: u64,
    left: &mut u64,
) -> Result<bool, ParquetFault> {
    let outside = || ParquetFault::from("a column lies outside of the file");
    let number = |number: i64| u64::try_from(number).map_err(|_| outside());
    // A group without rows may have no page at all.
    if chunk.values == 0 && chunk.packed == 0 {
        return Ok(true);
    }
    // A dictionary comes first; what is said to be at 0 is none, as pages of values are in a group without rows.
    let begins = [chunk.dictionary.unwrap_or_default(), chunk.data];
    let is_there = |at: &i64| *at != 0;
    let begin = number(begins.into_iter().filter(is_there).min().unwrap_or_default())?;
    let end = begin.checked_add(number(chunk.packed)?).ok_or_else(outside)?;
    if begin < MAGIC.len() as u64 || end > body {
        return Err(outside());
    }
    let mut unpacked = number(chunk.unpacked)?;
    let (mut at, mut values) = (begin, 0);
    while at < end {
        let (page, length) = head(file, at, end)?;
        let room = end - at - length;
        let packed = number(page.packed)?;
        let whole = number(page.unpacked)?;
        let own = length + whole;
        if packed > room || own > unpacked {
            return Err("a page is larger than its column".into());
        }
        if whole > *left {
            return Ok(false);
        }
        if chunk.codec == UNCOMPRESSED && packed != whole {
            return Err("the sizes of a page contradict each other".into());
        }
        *left -= whole;
        unpacked -= own;
        values += page.data_values(whole, leaf)?;
        at += length + packed;
    }
    match values == chunk.values {
        true => Ok(true),
        false => Err("its numbers of values contradict each other".into()),
    }
}

/// What counts of a page's head.
#[derive(Default)]
struct Page {
    kind: i64,
    unpacked: i64,
    packed: i64,
    values: i64,
    nulls: i64,
    rows: Option<i64>,
    /// Bytes of the levels that stand before the values.
    levels: [i64; 2],
    /// The structure that was there.
    head: Option<Owner>,
}

impl Page {
    fn see(&mut self, owner: Owner, seen: &WalkEvent) {
        match (owner, seen) {
            (Owner::Page, WalkEvent::Number(1, kind)) => self.kind = *kind,
            (Owner::Page, WalkEvent::Number(2, unpacked)) => self.unpacked = *unpacked,
            (Owner::Page, WalkEvent::Number(3, packed)) => self.packed = *packed,
            (Owner::DataPage | Owner::DictionaryPage | Owner::DataPageV2, WalkEvent::Number(1, values)) => {
                self.values = *values;
            }
            (Owner::DataPageV2, WalkEvent::Number(2, nulls)) => self.nulls = *nulls,
            (Owner::DataPageV2, WalkEvent::Number(3, rows)) => self.rows = Some(*rows),
            (Owner::DataPageV2, WalkEvent::Number(5, length)) => self.levels[0] = *length,
            (Owner::DataPageV2, WalkEvent::Number(6, length)) => self.levels[1] = *length,
            (Owner::DataPage | Owner::DictionaryPage | Owner::DataPageV2, WalkEvent::End) => {
                self.head = Some(owner);
            }
            _ => {}
        }
    }

    /// How many values of the column it holds: none, if it is its dictionary.
    fn data_values(&self, unpacked: u64, leaf: Leaf) -> Result<i64, ParquetFault> {
        let wrong = || ParquetFault::from("the head of a page contradicts itself");
        let unpacked = i64::try_from(unpacked).map_err(|_| wrong())?;
        let levels = self.levels[0].checked_add(self.levels[1]).ok_or_else(wrong)?;
        let levels_fit = self.levels.iter().all(|length| *length >= 0) && levels <= unpacked;
        let rows_fit = leaf.is_repeated || self.rows.is_none_or(|rows| rows == self.values);
        let is_whole = self.values >= 0 && (0..=self.values).contains(&self.nulls) && levels_fit && rows_fit;
        match (self.kind, self.head) {
            _ if !is_whole => Err(wrong()),
            (0, Some(Owner::DataPage)) | (3, Some(Owner::DataPageV2)) => Ok(self.values),
            (2, Some(Owner::DictionaryPage)) if self.values <= unpacked => Ok(0),
            _ => Err(wrong()),
        }
    }
}

/// The head of the page at `at`, and its length.
fn head(file: &mut (impl Read + Seek), at: u64, end: u64) -> Result<(Page, u64), ParquetFault> {
    let mut window = HEAD;
    loop {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(at))?;
        file.take(window.min(end - at)).read_to_end(&mut bytes)?;
        let mut page = Page::default();
        let mut walk = Walk::new(&bytes);
        match walk.structure(&PAGE, &mut |owner, seen| page.see(owner, &seen)) {
            Ok(()) => return Ok((page, walk.walked() as u64)),
            Err(ThriftFault::Ends) if window < end - at => window *= 16,
            Err(fault) => return Err(in_metadata("page", fault)),
        }
    }
}

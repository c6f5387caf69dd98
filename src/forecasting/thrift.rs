//! The compact protocol of Thrift, as far as it takes to walk through the metadata of a Parquet file.
//!
//! Nothing is reserved by a number that stands in the bytes, and a field of another type than the format's is an
//! error: a reader that takes the type for granted would read something else there.
//! Source: Apache Thrift, `doc/specs/thrift-compact-protocol.md`.

/// Structures within structures; the deepest of the format are nine.
const DEPTH: usize = 32;

/// A type of the format.
#[derive(Clone, Copy)]
pub(super) enum FieldType {
    Bool,
    I8,
    I16,
    I32,
    I64,
    Binary,
    List(&'static FieldType),
    Struct(&'static StructType),
    /// A structure whose fields nobody reads.
    Opaque,
}

/// A structure: what it is, and the types of its fields by number. Fields that are not listed are passed over.
pub(super) struct StructType {
    pub(super) owner: Owner,
    pub(super) fields: &'static [(i16, FieldType)],
}

/// The structures whose numbers count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    File,
    Element,
    Group,
    Chunk,
    Column,
    Page,
    DataPage,
    DictionaryPage,
    DataPageV2,
    Other,
}

/// What a walk comes by.
pub(super) enum WalkEvent {
    /// A whole number, or the length of a binary field.
    Number(i16, i64),
    /// The end of the structure.
    End,
}

/// Why bytes are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ThriftFault {
    /// They end within a structure.
    Ends,
    /// They are something else.
    Wrong(&'static str),
}

/// A walk through bytes.
pub(super) struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const MAP: u8 = 11;
const STRUCT: u8 = 12;

impl FieldType {
    /// Whether a field or an element that says it has this type has it.
    fn is(self, code: u8) -> bool {
        match self {
            Self::Bool => matches!(code, TRUE | FALSE),
            Self::I8 => code == BYTE,
            Self::I16 => code == 4,
            Self::I32 => code == 5,
            Self::I64 => code == 6,
            Self::Binary => code == BINARY,
            Self::List(_) => code == LIST,
            Self::Struct(_) | Self::Opaque => code == STRUCT,
        }
    }
}

impl<'a> Walk<'a> {
    /// Begins at the first byte.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes were walked through.
    pub(super) fn walked(&self) -> usize {
        self.at
    }

    /// Walks through a structure and tells of its numbers, and of those of the structures in it.
    pub(super) fn structure(
        &mut self,
        of: &StructType,
        see: &mut dyn FnMut(Owner, WalkEvent),
    ) -> Result<(), ThriftFault> {
        self.structure_at(of, 0, see)
    }

    fn structure_at(
        &mut self,
        of: &StructType,
        depth: usize,
        see: &mut dyn FnMut(Owner, WalkEvent),
    ) -> Result<(), ThriftFault> {
        let mut last = 0;
        while let Some((id, code)) = self.field(last)? {
            last = id;
            match of.fields.iter().find(|(known, _)| *known == id) {
                Some((_, field)) if !field.is(code) => return Err(ThriftFault::Wrong("a field has another type")),
                Some((_, field)) => {
                    let number = self.value(*field, code, deeper(depth)?, see)?;
                    see(of.owner, WalkEvent::Number(id, number));
                }
                None => self.skip(code, deeper(depth)?)?,
            }
        }
        see(of.owner, WalkEvent::End);
        Ok(())
    }

    fn value(
        &mut self,
        of: FieldType,
        code: u8,
        depth: usize,
        see: &mut dyn FnMut(Owner, WalkEvent),
    ) -> Result<i64, ThriftFault> {
        match of {
            FieldType::Bool => Ok(i64::from(code == TRUE)),
            FieldType::I8 => Ok(self.byte()?.into()),
            FieldType::I16 | FieldType::I32 | FieldType::I64 => self.number(),
            FieldType::Binary => self.binary(),
            FieldType::Struct(of) => self.structure_at(of, depth, see).map(|()| 0),
            FieldType::Opaque => self.skip(code, depth).map(|()| 0),
            FieldType::List(of) => {
                let (code, count) = self.list()?;
                if count > 0 && !of.is(code) {
                    return Err(ThriftFault::Wrong("a list has another type"));
                }
                for _ in 0..count {
                    // A truth in a list is a byte.
                    let _ = match of {
                        FieldType::Bool => self.byte()?.into(),
                        other => self.value(*other, code, deeper(depth)?, see)?,
                    };
                }
                Ok(i64::try_from(count).unwrap_or(i64::MAX))
            }
        }
    }

    /// The number and the type of the next field; `None` at the end. Numbers rise, as every writer has them.
    fn field(&mut self, last: i16) -> Result<Option<(i16, u8)>, ThriftFault> {
        let head = self.byte()?;
        if head == 0 {
            return Ok(None);
        }
        let id = match head >> 4 {
            0 => i16::try_from(self.number()?).ok(),
            step => last.checked_add(step.into()),
        };
        match id.filter(|id| *id > last) {
            Some(id) => Ok(Some((id, head & 15))),
            None => Err(ThriftFault::Wrong("its fields are out of order")),
        }
    }

    /// The type and the number of elements, each of which has one byte at least.
    fn list(&mut self) -> Result<(u8, usize), ThriftFault> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => usize::try_from(self.varint()?).unwrap_or(usize::MAX),
            count => count.into(),
        };
        match count <= self.bytes.len() - self.at {
            true => Ok((head & 15, count)),
            false => Err(ThriftFault::Ends),
        }
    }

    fn skip(&mut self, code: u8, depth: usize) -> Result<(), ThriftFault> {
        match code {
            TRUE | FALSE => Ok(()),
            BYTE => self.byte().map(drop),
            4..=6 => self.varint().map(drop),
            DOUBLE => self.pass(8),
            BINARY => self.binary().map(drop),
            LIST | SET => {
                let (code, count) = self.list()?;
                (0..count).try_for_each(|_| self.skip_element(code, depth))
            }
            MAP => {
                let count = self.varint()?;
                let codes = if count == 0 { 0 } else { self.byte()? };
                (0..count).try_for_each(|_| {
                    self.skip_element(codes >> 4, depth)?;
                    self.skip_element(codes & 15, depth)
                })
            }
            STRUCT => {
                let mut last = 0;
                while let Some((id, code)) = self.field(last)? {
                    last = id;
                    self.skip(code, deeper(depth)?)?;
                }
                Ok(())
            }
            _ => Err(ThriftFault::Wrong("a field has no type")),
        }
    }

    fn skip_element(&mut self, code: u8, depth: usize) -> Result<(), ThriftFault> {
        match code {
            TRUE | FALSE => self.byte().map(drop),
            other => self.skip(other, deeper(depth)?),
        }
    }

    fn binary(&mut self) -> Result<i64, ThriftFault> {
        let length = self.varint()?;
        self.pass(length)?;
        Ok(i64::try_from(length).unwrap_or(i64::MAX))
    }

    fn pass(&mut self, length: u64) -> Result<(), ThriftFault> {
        let left = self.bytes.len() - self.at;
        let length = usize::try_from(length).ok().filter(|length| *length <= left);
        self.at += length.ok_or(ThriftFault::Ends)?;
        Ok(())
    }

    fn byte(&mut self) -> Result<u8, ThriftFault> {
        let byte = self.bytes.get(self.at).copied().ok_or(ThriftFault::Ends)?;
        self.at += 1;
        Ok(byte)
    }

    fn varint(&mut self) -> Result<u64, ThriftFault> {
        let mut number = 0;
        for place in 0..10 {
            let byte = self.byte()?;
            let bits = u64::from(byte & 127);
            if place == 9 && bits > 1 {
                break;
            }
            number |= bits << (7 * place);
            if byte < 128 {
                return Ok(number);
            }
        }
        Err(ThriftFault::Wrong("a number is too long"))
    }

    /// Zigzag: the lowest bit is the sign.
    fn number(&mut self) -> Result<i64, ThriftFault> {
        let number = self.varint()?;
        Ok((number >> 1).cast_signed() ^ -((number & 1).cast_signed()))
    }
}

fn deeper(depth: usize) -> Result<usize, ThriftFault> {
    match depth < DEPTH {
        true => Ok(depth + 1),
        false => Err(ThriftFault::Wrong("it is nested too deeply")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static PAIR: StructType = StructType {
        owner: Owner::File,
        fields: &[(1, FieldType::I32), (3, FieldType::List(&FieldType::Binary))],
    };

    fn walked(bytes: &[u8]) -> Result<Vec<(i16, i64)>, ThriftFault> {
        let mut seen = Vec::new();
        Walk::new(bytes).structure(&PAIR, &mut |_, what| {
            if let WalkEvent::Number(id, number) = what {
                seen.push((id, number));
            }
        })?;
        Ok(seen)
    }

    #[test]
    fn a_structure_is_walked_through_to_its_end() {
        // Field 1 is -3; field 2, unknown, a list of a truth; field 3 a list of `a`; the end.
        let bytes = [0x15, 5, 0x19, 0x11, 1, 0x19, 0x18, 1, b'a', 0];
        assert_eq!(walked(&bytes), Ok(vec![(1, -3), (3, 1)]));
        for end in 0..bytes.len() {
            assert_eq!(walked(&bytes[..end]), Err(ThriftFault::Ends), "{end}");
        }
    }

    #[test]
    fn lengths_that_lie_other_types_and_depth_are_faults() {
        let long = [0x39, 0xf8, 0xff, 0xff, 0xff, 0xff, 0x07, 0];
        assert_eq!(walked(&long), Err(ThriftFault::Ends));
        assert_eq!(
            walked(&[0x18, 1, b'a', 0]),
            Err(ThriftFault::Wrong("a field has another type"))
        );
        assert_eq!(
            walked(&[0x39, 0x15, 2, 0]),
            Err(ThriftFault::Wrong("a list has another type"))
        );
        assert_eq!(
            walked(&[0x15, 2, 0x05, 2, 2, 0]),
            Err(ThriftFault::Wrong("its fields are out of order"))
        );
        assert_eq!(
            walked(&[0x1c; 200]),
            Err(ThriftFault::Wrong("a field has another type"))
        );
        assert_eq!(walked(&[0x2c; 200]), Err(ThriftFault::Wrong("it is nested too deeply")));
    }
}

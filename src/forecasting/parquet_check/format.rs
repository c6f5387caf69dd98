//! The metadata of a Parquet file, structure by structure: the numbers and the types of the fields.
//!
//! Source: Apache Parquet, `parquet.thrift` 2.11.

use crate::forecasting::thrift::FieldType::{Binary, Bool, I8, I16, I32, I64, List, Opaque, Struct};
use crate::forecasting::thrift::{FieldType, Owner, StructType};

pub(super) static FILE: StructType = StructType {
    owner: Owner::File,
    fields: &[
        (1, I32),
        (2, List(&Struct(&ELEMENT))),
        (3, I64),
        (4, List(&Struct(&GROUP))),
        (5, List(&Struct(&KEY_VALUE))),
        (6, Binary),
        (7, List(&Opaque)),
        (8, Opaque),
        (9, Binary),
    ],
};

static ELEMENT: StructType = StructType {
    owner: Owner::Element,
    fields: &[
        (1, I32),
        (2, I32),
        (3, I32),
        (4, Binary),
        (5, I32),
        (6, I32),
        (7, I32),
        (8, I32),
        (9, I32),
        (10, Struct(&LOGICAL)),
    ],
};

static LOGICAL: StructType = StructType {
    owner: Owner::Other,
    fields: &[
        (1, Opaque),
        (2, Opaque),
        (3, Opaque),
        (4, Opaque),
        (5, Struct(&DECIMAL)),
        (6, Opaque),
        (7, Struct(&TIME)),
        (8, Struct(&TIME)),
        (10, Struct(&INTEGER)),
        (11, Opaque),
        (12, Opaque),
        (13, Opaque),
        (14, Opaque),
        (15, Opaque),
        (16, Opaque),
    ],
};

static DECIMAL: StructType = other(&[(1, I32), (2, I32)]);
static TIME: StructType = other(&[(1, Bool), (2, Struct(&UNIT))]);
static UNIT: StructType = other(&[(1, Opaque), (2, Opaque), (3, Opaque)]);
static INTEGER: StructType = other(&[(1, I8), (2, Bool)]);
static KEY_VALUE: StructType = other(&[(1, Binary), (2, Binary)]);
static SORTING: StructType = other(&[(1, I32), (2, Bool), (3, Bool)]);
static ENCODING: StructType = other(&[(1, I32), (2, I32), (3, I32)]);
static SIZES: StructType = other(&[(1, I64), (2, List(&I64)), (3, List(&I64))]);
static STATISTICS: StructType = other(&[
    (1, Binary),
    (2, Binary),
    (3, I64),
    (4, I64),
    (5, Binary),
    (6, Binary),
    (7, Bool),
    (8, Bool),
]);

const fn other(fields: &'static [(i16, FieldType)]) -> StructType {
    StructType {
        owner: Owner::Other,
        fields,
    }
}

static GROUP: StructType = StructType {
    owner: Owner::Group,
    fields: &[
        (1, List(&Struct(&CHUNK))),
        (2, I64),
        (3, I64),
        (4, List(&Struct(&SORTING))),
        (5, I64),
        (6, I64),
        (7, I16),
    ],
};

static CHUNK: StructType = StructType {
    owner: Owner::Chunk,
    fields: &[
        (1, Binary),
        (2, I64),
        (3, Struct(&COLUMN)),
        (4, I64),
        (5, I32),
        (6, I64),
        (7, I32),
        (8, Opaque),
        (9, Binary),
    ],
};

static COLUMN: StructType = StructType {
    owner: Owner::Column,
    fields: &[
        (1, I32),
        (2, List(&I32)),
        (3, List(&Binary)),
        (4, I32),
        (5, I64),
        (6, I64),
        (7, I64),
        (8, List(&Struct(&KEY_VALUE))),
        (9, I64),
        (10, I64),
        (11, I64),
        (12, Struct(&STATISTICS)),
        (13, List(&Struct(&ENCODING))),
        (14, I64),
        (15, I32),
        (16, Struct(&SIZES)),
        (17, Opaque),
    ],
};

pub(super) static PAGE: StructType = StructType {
    owner: Owner::Page,
    fields: &[
        (1, I32),
        (2, I32),
        (3, I32),
        (4, I32),
        (5, Struct(&DATA_PAGE)),
        (6, Opaque),
        (7, Struct(&DICTIONARY_PAGE)),
        (8, Struct(&DATA_PAGE_V2)),
    ],
};

static DATA_PAGE: StructType = StructType {
    owner: Owner::DataPage,
    fields: &[(1, I32), (2, I32), (3, I32), (4, I32), (5, Struct(&STATISTICS))],
};

static DICTIONARY_PAGE: StructType = StructType {
    owner: Owner::DictionaryPage,
    fields: &[(1, I32), (2, I32), (3, Bool)],
};

static DATA_PAGE_V2: StructType = StructType {
    owner: Owner::DataPageV2,
    fields: &[
        (1, I32),
        (2, I32),
        (3, I32),
        (4, I32),
        (5, I32),
        (6, I32),
        (7, Bool),
        (8, Struct(&STATISTICS)),
    ],
};

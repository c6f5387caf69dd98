//! How much a task reads before it calls an input too large, as parameters with defaults.

use crate::engine::spec::schema::{Kind, Literal, ParamSchema};
use crate::engine::task::{Context, TaskError};

/// Bytes of one value in memory, at least.
const VALUE: u64 = 8;
/// Bytes of a megabyte.
const MB: u64 = 1_000_000;
/// A table of more columns is no table of series; each column costs memory whatever its rows.
const COLUMNS: u64 = 10_000;
/// A longer line of a CSV file is no row of numbers.
const LINE: usize = 1_000_000;

/// The parameter that limits the size of an input.
pub(crate) const MAX_MB: ParamSchema = ParamSchema {
    name: "max_mb",
    kind: Kind::Int { min: 1, max: i64::MAX },
    default: Some(Literal::Int(1024)),
    doc: "largest table that is read, in MB as it is unpacked",
};

/// The parameter that limits the number of rows.
pub(crate) const MAX_ROWS: ParamSchema = ParamSchema {
    name: "max_rows",
    kind: Kind::Int { min: 1, max: i64::MAX },
    default: Some(Literal::Int(20_000_000)),
    doc: "most rows that are read or made",
};

/// A limit on bytes, and the parameter that it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SizeLimit {
    name: &'static str,
    mb: u64,
}

impl SizeLimit {
    /// What a report of a task may hold at most: it is taken apart in memory, where it is many times as large.
    pub(crate) const DOCUMENT: Self = Self { name: "", mb: 32 };

    /// That of the parameter `max_mb`.
    pub(crate) fn of(context: &Context<'_>) -> Self {
        Self {
            name: MAX_MB.name,
            mb: context.count(MAX_MB.name) as u64,
        }
    }

    /// No limit.
    pub(crate) const NONE: Self = Self { name: "", mb: u64::MAX };

    /// In bytes.
    pub(crate) fn bytes(self) -> u64 {
        self.mb.saturating_mul(MB)
    }

    /// What is over it.
    pub(crate) fn excess(self) -> Excess {
        Excess::Size {
            name: self.name,
            mb: self.mb,
        }
    }
}

/// The limits of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TableLimits {
    size: SizeLimit,
    rows: u64,
}

impl TableLimits {
    /// No limits beyond what a file can be at all: for one of which only the beginning is read.
    pub(crate) const NONE: Self = Self {
        size: SizeLimit::NONE,
        rows: u64::MAX,
    };

    /// Those of the task's parameters.
    pub(crate) fn of(context: &Context<'_>) -> Self {
        Self {
            size: SizeLimit::of(context),
            rows: context.count(MAX_ROWS.name) as u64,
        }
    }

    /// Most bytes.
    pub(crate) fn bytes(self) -> u64 {
        self.size.bytes()
    }

    /// What is over the most bytes.
    pub(crate) fn size(self) -> Excess {
        self.size.excess()
    }

    /// Passes a number of rows.
    ///
    /// # Errors
    /// [`Excess`] if that is too many.
    pub(crate) fn rows(self, found: u64) -> Result<(), Excess> {
        let limit = self.rows;
        match found <= limit {
            true => Ok(()),
            false => Err(Excess::Rows { found, limit }),
        }
    }

    /// Passes a number of values, rows and columns multiplied.
    ///
    /// # Errors
    /// [`Excess`] if they fill more memory than the limit on the size.
    pub(crate) fn values(self, found: u64) -> Result<(), Excess> {
        match found.saturating_mul(VALUE) <= self.bytes() {
            true => Ok(()),
            false => Err(self.size()),
        }
    }

    /// Passes the length of a line.
    ///
    /// # Errors
    /// [`Excess`] if that is too long.
    pub(crate) fn line(bytes: usize) -> Result<(), Excess> {
        match bytes <= LINE {
            true => Ok(()),
            false => Err(Excess::Line),
        }
    }

    /// Passes a number of columns.
    ///
    /// # Errors
    /// [`Excess`] if that is too many.
    pub(crate) fn columns(found: u64) -> Result<(), Excess> {
        match found <= COLUMNS {
            true => Ok(()),
            false => Err(Excess::Columns { found }),
        }
    }
}

/// What an input has too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Excess {
    /// Bytes.
    Size {
        /// The parameter that says how many there may be; empty where none does.
        name: &'static str,
        /// How many millions there may be.
        mb: u64,
    },
    /// Rows.
    Rows {
        /// How many there are.
        found: u64,
        /// How many there may be.
        limit: u64,
    },
    /// Bytes in one line.
    Line,
    /// Columns.
    Columns {
        /// How many there are.
        found: u64,
    },
}

impl std::fmt::Display for Excess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Size { name: "", mb } => write!(f, "more than {mb} MB"),
            Self::Size { name, mb } => write!(f, "more than {mb} MB, the limit `{name}`"),
            Self::Rows { found, limit } => write!(f, "{found} rows, more than {limit}, the limit `{}`", MAX_ROWS.name),
            Self::Line => write!(f, "a line of more than {LINE} bytes"),
            Self::Columns { found } => write!(f, "{found} columns, more than {COLUMNS}"),
        }
    }
}

impl Excess {
    /// The error of an input that `holder` names.
    pub(crate) fn in_input(self, holder: &str) -> TaskError {
        let error = TaskError::new(format!("{holder} holds {self}"));
        match self {
            Self::Size { name: "", .. } | Self::Line | Self::Columns { .. } => error,
            Self::Size { name, .. } => error.help(format!("if that is right, raise `{name}`")),
            Self::Rows { .. } => error.help(format!("if that is right, raise `{}`", MAX_ROWS.name)),
        }
    }
}

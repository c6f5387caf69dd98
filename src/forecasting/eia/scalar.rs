//! Values of an answer that are one thing, whatever the server sends in their place.

use std::fmt;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::forecasting::table::{LONGEST_NAME, short};

/// A value that is one thing; what a list or an object holds is passed over, for in memory it would be many times as
/// large as in the answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Scalar {
    #[default]
    Null,
    Bool(bool),
    Count(u64),
    Number(f64),
    Text(String),
    List,
    Object,
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Count(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::Text(text) => write!(f, "{:?}", short(text, LONGEST_NAME)),
            Self::List => f.write_str("a list"),
            Self::Object => f.write_str("an object"),
        }
    }
}

impl Scalar {
    /// What it is, if that is a text.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneThing).map(|error| error.whole)
    }
}

/// What stands under `error`: words, or an object with a code and words.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ApiError {
    pub(super) whole: Scalar,
    pub(super) code: Scalar,
    pub(super) message: Scalar,
}

impl ApiError {
    /// Whether anything stands there.
    pub(super) fn is_there(&self) -> bool {
        self.whole != Scalar::Null
    }
}

impl<'de> Deserialize<'de> for ApiError {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneThing)
    }
}

struct OneThing;

impl<'de> Visitor<'de> for OneThing {
    type Value = ApiError;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<ApiError, E> {
        Ok(ApiError::default())
    }

    fn visit_bool<E>(self, value: bool) -> Result<ApiError, E> {
        Ok(Scalar::Bool(value).into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<ApiError, E> {
        Ok(Scalar::Count(value).into())
    }

    #[expect(clippy::cast_precision_loss, reason = "a value is a number of 64 bits anyway")]
    fn visit_i64<E>(self, value: i64) -> Result<ApiError, E> {
        Ok(Scalar::Number(value as f64).into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<ApiError, E> {
        Ok(Scalar::Number(value).into())
    }

    fn visit_str<E>(self, value: &str) -> Result<ApiError, E> {
        Ok(Scalar::Text(value.to_owned()).into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<ApiError, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::List.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<ApiError, A::Error> {
        let mut error = ApiError::from(Scalar::Object);
        while let Some(name) = entries.next_key::<String>()? {
            match name.as_str() {
                "code" => error.code = entries.next_value()?,
                "message" => error.message = entries.next_value()?,
                _ => drop(entries.next_value::<IgnoredAny>()?),
            }
        }
        Ok(error)
    }
}

impl From<Scalar> for ApiError {
    fn from(whole: Scalar) -> Self {
        Self {
            whole,
            ..Self::default()
        }
    }
}

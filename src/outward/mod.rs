//! The way out for every text: decoded, made plain, masked, and only then printed, logged or kept.
//!
//! The order matters: a control character that is taken out after masking puts the parts of a secret together again.
//! So [`Mask`] looks for secrets in what would be left of a text once it is plain, and hides what stands there in the text
//! as it came. What a command prints is made [`plain`]; names and values keep what they hold, in a form that can be
//! [seen](visible).

mod control;
mod credentials;
mod encodings;
mod lines;
mod mask;
mod scan;
mod tail;
mod view;

pub use self::control::{escape_json, escape_xml, one_line, plain, visible, visible_line};
pub use self::credentials::{credentials, without_credentials};
pub use self::lines::{Lines, PrintedLine, settled};
pub use self::mask::{Mask, SHORTEST};
pub use self::scan::{Found, scan};
pub use self::tail::Tail;

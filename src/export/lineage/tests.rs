//! Events of a real run.

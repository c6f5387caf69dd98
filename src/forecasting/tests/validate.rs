//! The task's tests.

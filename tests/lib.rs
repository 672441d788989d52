//! Scenarios live in `scenarios/`; this crate has no code of its own.

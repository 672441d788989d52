// SPDX-License-Identifier: Apache-2.0
//! Scenarios live in `scenarios/`; this crate has no code of its own.

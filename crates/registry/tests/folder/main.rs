// SPDX-License-Identifier: Apache-2.0
//! A folder as a store: the whole protocol without a network.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test ends where something is wrong")]

mod keeping;
mod layout;
mod reading;
mod shelf;
mod signing;

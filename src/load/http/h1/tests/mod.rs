//! The reader with every kind of response and every split of its input.

mod reading;
mod splitting;

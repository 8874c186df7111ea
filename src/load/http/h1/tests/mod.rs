//! The reader with every kind of answer and every split of its input.

mod reading;
mod splitting;

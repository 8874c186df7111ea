//! The load room.

pub mod http1;

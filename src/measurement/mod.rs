//! The measurement room.

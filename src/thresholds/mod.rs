//! The thresholds room.

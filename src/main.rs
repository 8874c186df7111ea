//! The door: arguments in, an exit code out.

fn main() {}

//! The one test binary: what the whole of loadgate promises, each test named as a claim.

mod architecture;

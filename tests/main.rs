//! The one test binary: what the whole of loadgate promises, each test named as a claim.
#![expect(
    clippy::unwrap_used,
    reason = "in a test's helpers, too, a broken environment should fail loudly"
)]

mod architecture;

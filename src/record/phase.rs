//! What a record holds of each phase, its repeats pooled.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A phase, its repeats pooled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PhaseRecord {
    /// Name.
    pub name: String,
    /// The load in words of the scenario, such as `20 users` or `50/s..500/s`.
    pub load: String,
    /// Planned length of one pass, in seconds.
    pub duration_s: f64,
    /// Passes.
    pub passes: u32,
    /// Whether limits and regression checks use it.
    pub measured: bool,
    /// Whether it is constant, nonzero, measured and not repeated, so regression checks compare it.
    pub steady: bool,
    /// Whether it sends no requests.
    #[serde(default)]
    pub idle: bool,
    /// How its load is given.
    #[serde(default)]
    pub model: LoadModel,
    /// The most users, or arrivals per second.
    #[serde(default, rename = "most")]
    pub peak_load: f64,
}

/// How a load is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoadModel {
    /// By users, each of which waits for its response.
    #[default]
    Users,
    /// By arrivals, which no response delays.
    Arrivals,
}

impl PhaseRecord {
    /// Whether it is measured and not idle by its plan, so that there is something to tell of it.
    pub fn is_measured_load(&self) -> bool {
        self.measured && !self.idle
    }
}

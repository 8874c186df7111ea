//! How load was sent, as far as what came back depends on it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the two deployments of a duet shared the time of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Interleaving {
    /// They took turns, slice by slice.
    #[default]
    Turns,
    /// Both were loaded at once, each with half of the load: every task went to one of them.
    Mixed,
}

impl Interleaving {
    /// Whether they took turns.
    pub fn is_turns(&self) -> bool {
        *self == Self::Turns
    }
}

/// Which scheduling the threads that send load had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scheduling {
    /// That of any other program.
    #[default]
    Normal,
    /// Real-time: they ran before every ordinary program.
    RealTime,
    /// Real-time for a part of the run: they needed more CPU time than real-time scheduling may give them.
    PartlyRealTime,
}

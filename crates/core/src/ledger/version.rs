//! What `apply` does may change only from a logged entry on: every replay of a log, by whatever
//! build, leads to the same states.

use super::applied::{Applied, Refusal};
use super::apply::Ledger;

/// The newest version that this build knows. A claim raises the cluster to it; a build that is
/// older reads no further.
pub const CLUSTER_VERSION: u32 = AWAY_IS_NO_CRASH;

/// From this version on, jobs have a history.
pub(super) const HISTORY: u32 = 1;

/// From this version on, an attempt whose input was away does not count toward quarantine.
pub(super) const AWAY_IS_NO_CRASH: u32 = 2;

impl Ledger {
    pub(super) fn raise_version(
        &mut self,
        version: u32,
        out: &mut Vec<Applied>,
    ) -> Result<(), Refusal> {
        if version <= self.version {
            return Err(Refusal::VersionNotHigher);
        }
        self.version = version;
        out.push(Applied::VersionRaised(version));
        Ok(())
    }
}

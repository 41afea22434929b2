//! The cluster at a glance, out of all that the loop owns.

use crate::clock;
use crate::error::MasterError;
use crate::handle::Handle;
use crate::host::Loop;
use crate::inbox::Question;
use windlass_core::overview::Overview;

impl Handle {
    /// What there is at this moment; no task is looked at.
    ///
    /// # Errors
    /// The master has ended.
    pub fn overview(&self) -> Result<Overview, MasterError> {
        self.ask(Question::Overview)
    }
}

impl Loop {
    /// What there is between two turns.
    pub(crate) fn overview(&mut self) -> Overview {
        let cluster = self.cluster();
        // As the log would say now: never before what it says already.
        let wall = clock::wall().max(self.ledger.time);
        let times = (clock::tick(), wall);
        Overview::of(&self.ledger, &self.scheduler, &self.observer.meters, cluster, times)
    }
}

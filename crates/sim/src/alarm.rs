//! A process's next deadline: one is pending at a time, a later one never replaces an earlier one.

use windlass_core::Tick;

/// The deadline that a process waits for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Alarm {
    at: Option<Tick>,
    serial: u64,
}

impl Alarm {
    /// Asks to be woken; the number of the alarm to queue, unless an earlier one is pending.
    pub(crate) fn set(&mut self, at: Tick) -> Option<u64> {
        if self.at.is_some_and(|pending| pending <= at) {
            return None;
        }
        self.at = Some(at);
        self.serial += 1;
        Some(self.serial)
    }

    /// An alarm rings; `false` for one that was replaced.
    pub(crate) fn rings(&mut self, serial: u64) -> bool {
        let current = self.serial == serial && self.at.is_some();
        if current {
            self.at = None;
        }
        current
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_deadline_rings_once() {
        let mut alarm = Alarm::default();
        assert_eq!(alarm.set(Tick(9)), Some(1));
        assert_eq!(alarm.set(Tick(9)), None);
        assert_eq!(alarm.set(Tick(5)), Some(2));
        assert!(!alarm.rings(1));
        assert!(alarm.rings(2));
        assert!(!alarm.rings(2));
        assert_eq!(alarm.set(Tick(20)), Some(3));
    }
}

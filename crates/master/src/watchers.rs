//! Who hears what happens. Nobody has a thread for it, and whoever is gone does not stay.

use crate::inbox::Gone;
use windlass_core::view::Notice;

/// Hears what a record did; must not block. Nothing to hear: it is asked whether somebody listens.
pub(crate) type Tell = Box<dyn Fn(&[Notice]) -> Result<(), Gone> + Send>;

/// Those who hear it.
#[derive(Default)]
pub(crate) struct Watchers(Vec<Tell>);

impl Watchers {
    /// One more. Those that are gone go first: where nothing happens nobody else finds them.
    pub(crate) fn add(&mut self, tell: Tell) {
        self.tell(&[]);
        self.0.push(tell);
    }

    /// Tells all; who is gone or far behind is let go.
    pub(crate) fn tell(&mut self, notices: &[Notice]) {
        self.0.retain(|tell| tell(notices).is_ok());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::sync::Arc;

    #[test]
    fn who_listens_no_more_goes_with_the_next_who_comes() {
        let mut watchers = Watchers::default();
        let listens = Arc::new(());
        for _ in 0..100 {
            let listening = Arc::downgrade(&listens);
            watchers.add(Box::new(move |_| listening.upgrade().map(drop).ok_or(Gone)));
        }
        assert_eq!(watchers.0.len(), 100);
        drop(listens);
        let told_count = Cell::new(0);
        watchers.add(Box::new(move |_| {
            told_count.set(told_count.get() + 1);
            if told_count.get() > 1 { Err(Gone) } else { Ok(()) }
        }));
        assert_eq!(watchers.0.len(), 1, "nobody but the one who came");
        watchers.tell(&[]);
        assert_eq!(watchers.0.len(), 1);
        watchers.tell(&[]);
        assert_eq!(watchers.0.len(), 0, "it does not keep up");
    }
}

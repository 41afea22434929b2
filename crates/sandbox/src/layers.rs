//! The layers around a child process, and which of them hold on this machine.

/// What confines an executor, as it says itself once it is ready.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layers {
    /// Whose rights it has.
    pub user: User,
    /// Version of the kernel's Landlock interface that holds it; 0: none.
    pub landlock_abi: u32,
    /// Whether a filter of system calls is on it.
    pub has_filter: bool,
}

/// Whose rights an executor has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum User {
    /// The worker's, who is not root.
    Worker,
    /// A user id that nobody else has.
    Own,
    /// Root's: this machine gives root no other user id to take.
    Root,
}

/// Version of Landlock from which on all that is asked of it holds: files, truncation, devices,
/// TCP, abstract sockets and signals.
pub const LANDLOCK_ABI_WHOLE: u32 = 6;

impl Layers {
    /// Bytes of the frame in which they are told.
    pub(crate) const FRAME_BYTES: usize = 3;

    /// Whether nothing is missing.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.user != User::Root && self.landlock_abi >= LANDLOCK_ABI_WHOLE && self.has_filter
    }

    pub(crate) fn encode(self) -> [u8; Layers::FRAME_BYTES] {
        let user = match self.user {
            User::Worker => 0,
            User::Own => 1,
            User::Root => 2,
        };
        [user, u8::try_from(self.landlock_abi).unwrap_or(u8::MAX), u8::from(self.has_filter)]
    }

    pub(crate) fn decode(frame: &[u8]) -> Option<Layers> {
        let &[user, landlock_abi, has_filter] = frame else { return None };
        let user = match user {
            0 => User::Worker,
            1 => User::Own,
            2 => User::Root,
            _ => return None,
        };
        Some(Layers { user, landlock_abi: landlock_abi.into(), has_filter: has_filter != 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_told_in_a_frame() {
        for user in [User::Worker, User::Own, User::Root] {
            let layers = Layers { user, landlock_abi: 7, has_filter: true };
            assert_eq!(Layers::decode(&layers.encode()), Some(layers));
            assert_eq!(layers.is_whole(), user != User::Root);
        }
        assert_eq!(Layers::decode(&[9, 7, 1]), None);
        assert_eq!(Layers::decode(&[]), None);
    }
}

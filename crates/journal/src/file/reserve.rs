//! Room for what makes room: a segment in waiting for the full disk.

use super::segment::{self, CAPACITY_BYTES_MIN};
use crate::disk::Disk;
use std::io;
use std::path::Path;

/// A filled file that becomes a segment when the disk is full and a record would make room.
#[derive(Debug)]
pub(super) struct Reserve {
    pub(super) is_there: bool,
}

impl Reserve {
    /// It gets its name when it is whole, so the name says everything.
    pub(super) fn find(dir: &Path) -> Reserve {
        Reserve { is_there: dir.join(segment::RESERVE_NAME).is_file() }
    }

    /// Makes it if it is not there.
    pub(super) fn restore(&mut self, disk: &dyn Disk, dir: &Path) -> io::Result<()> {
        if self.is_there {
            return Ok(());
        }
        let making = dir.join(segment::NEW_RESERVE_NAME);
        segment::fill(disk, disk.create(&making)?, CAPACITY_BYTES_MIN)?;
        disk.rename(&making, &dir.join(segment::RESERVE_NAME))?;
        disk.sync_dir(dir)?;
        self.is_there = true;
        Ok(())
    }
}

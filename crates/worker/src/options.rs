//! What a worker is told at its start.

use crate::slot::Job;
use crate::store::Store;
use std::fs::File;
use std::path::PathBuf;
use windlass_core::records::Pin;
use windlass_core::{Failure, Incarnation, WorkerName};

/// What a worker needs to start.
#[derive(Clone, Debug)]
pub struct Options {
    /// Its name.
    pub name: WorkerName,
    /// Its start; higher than any earlier one of this name.
    pub incarnation: Incarnation,
    /// Whether it lives inside the master's process.
    pub in_process: bool,
    /// The groups of record sets that it serves; empty: whichever it is given.
    pub pins: Vec<Pin>,
    /// The operations that it offers; empty: all there are.
    pub operations: Vec<String>,
    /// How many attempts run at once.
    pub slots: u32,
    /// Where results are stored.
    pub store: Store,
    /// A folder for scratch files and outputs in the making, best on the store's file system.
    pub scratch: PathBuf,
    /// Folders of secrets, whose files the user's commands may not read though the worker may.
    pub secrets: Vec<PathBuf>,
    /// The program that becomes an executor when started with [`crate::EXECUTOR_ARGUMENT`].
    pub executor: PathBuf,
}

impl Options {
    /// The file of an attempt's input.
    pub(crate) fn open_input(&self, job: &Job) -> Result<Option<File>, Failure> {
        let input = job.order.input.as_ref();
        input.map(|input| self.store.open_input(job.task, input, &self.scratch)).transpose()
    }
}

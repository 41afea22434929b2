//! How the children of a worker fare, seen by all its slots: when one is started again, when an
//! operation is given up, and what does not confine them.

use crate::attempt::{Unfinished, cancelled, unstartable};
use crate::executor::EXECUTOR_ARGUMENT;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use windlass_core::catalogue::{Home, OperationSpec};
use windlass_core::session::{CrashWatch, Withdrawal};
use windlass_core::{BlobId, Failure, FailureKind};
use windlass_sandbox::{Bounds, Cancel, Executor, Layers, Spawn};

/// Shared by the slots of a worker.
#[derive(Debug, Default)]
pub(crate) struct Health {
    watch: Mutex<CrashWatch>,
    /// Of the first child from which something was missing.
    incomplete: OnceLock<Layers>,
}

impl Health {
    /// What confines this worker's children, where a layer is missing.
    pub(crate) fn incomplete_layers(&self) -> Option<Layers> {
        self.incomplete.get().copied()
    }

    pub(crate) fn on_layers(&self, layers: Layers) {
        if !layers.is_whole() {
            let _ = self.incomplete.set(layers);
        }
    }

    pub(crate) fn is_withdrawn(&self, operation: &str) -> bool {
        self.watch().is_withdrawn(operation)
    }

    /// An attempt in an executor has ended; answers what is withdrawn now.
    pub(crate) fn on_end<T>(
        &self,
        operation: &str,
        input: Option<BlobId>,
        ended: &Result<T, Failure>,
    ) -> Option<Withdrawal> {
        let mut watch = self.watch();
        match ended.as_ref().map_err(|failure| failure.kind) {
            Err(FailureKind::Crashed) => {
                let cause = ended.as_ref().err().map_or("", |failure| &failure.cause);
                return watch.on_crash(operation, input, cause);
            }
            // A file that needs too much says nothing of the others.
            Err(FailureKind::TimedOut | FailureKind::OutOfMemory | FailureKind::Unavailable) => {}
            Ok(_) | Err(FailureKind::Rejected) => watch.on_answer(operation),
        }
        None
    }

    /// Starts an executor for an operation, again after a pause where it does not come up, until
    /// the operation is withdrawn.
    pub(crate) fn start(
        &self,
        program: &Path,
        operation: &str,
        cancel: &Cancel,
        withdrawn: &dyn Fn(Withdrawal),
    ) -> Result<Executor, Unfinished> {
        let spawn = spawn(program);
        loop {
            let pause = Duration::from_millis(self.watch().pause_ms());
            if !pause.is_zero() && cancel.wait(pause).map_err(unstartable)? {
                return Err(cancelled().into());
            }
            if self.is_withdrawn(operation) {
                return Err(Unfinished::Unmade);
            }
            match Executor::spawn(&spawn) {
                Ok(executor) => {
                    self.watch().on_start();
                    self.on_layers(executor.layers());
                    return Ok(executor);
                }
                Err(error) if error.is_lasting() => {
                    let names: Vec<&str> = in_executors().map(|spec| spec.name).collect();
                    let gone = self.watch().on_start_failure(&names, &error.to_string());
                    gone.into_iter().for_each(withdrawn);
                }
                Err(error) => return Err(unstartable(error).into()),
            }
        }
    }

    fn watch(&self) -> MutexGuard<'_, CrashWatch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How executors are started. Libraries that count their threads when they are loaded must find the
/// limit in the environment: an executor has one slot's work to do, and with a thread for each
/// processor Tesseract is several times slower.
fn spawn(program: &Path) -> Spawn {
    let mut spawn = Spawn::new(program, [OsStr::new(EXECUTOR_ARGUMENT)], bounds_max());
    spawn.environment.push(("OMP_THREAD_LIMIT".into(), "1".into()));
    // Each thread of a decoder would reserve 64 MB of the address space that is the limit.
    spawn.environment.push(("MALLOC_ARENA_MAX".into(), "2".into()));
    // Its own environment has no home to look for it in.
    let folder = windlass_ops::library_folder().and_then(|it| std::path::absolute(it).ok());
    let folder = folder.map(|it| (OsString::from(windlass_ops::LIBRARY_VARIABLE), it.into()));
    spawn.environment.extend(folder);
    spawn
}

fn in_executors() -> impl Iterator<Item = &'static OperationSpec> {
    let specs = windlass_ops::OPERATIONS.iter().map(|operation| operation.spec);
    specs.filter(|spec| spec.home == Home::Executor)
}

/// What any operation may use.
fn bounds_max() -> Bounds {
    in_executors().fold(Bounds { memory_bytes: 0, output_bytes: 0 }, |most, spec| Bounds {
        memory_bytes: most.memory_bytes.max(spec.memory_bytes_max),
        output_bytes: most.output_bytes.max(spec.output_bytes_max),
    })
}

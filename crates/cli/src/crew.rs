//! The workers of this process, kept joined to its master.
//!
//! A master lets go whom it has not heard in time, as after the machine slept, and refuses whose
//! name another one has; they come back here by themselves.

use crate::CliError;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use windlass_master::Handle;
use windlass_worker::{Gone, Layers, Worker};

/// Pause before those that were let go come back, so that one that is refused does not hurry.
pub(crate) const PAUSE: Duration = Duration::from_secs(1);

/// The workers of this process; dropped, they end.
pub(crate) struct Crew {
    workers: Arc<Mutex<Vec<Worker>>>,
    count: usize,
    /// The position of one that was let go; `None`: the crew ends.
    news: SyncSender<Option<usize>>,
}

impl Crew {
    /// Joins them to the master.
    pub(crate) fn start(
        handle: &Handle,
        workers: Vec<Worker>,
        pause: Duration,
    ) -> Result<Crew, CliError> {
        let count = workers.len();
        // Each is let go once before it is joined again.
        let (news, heard) = sync_channel(count + 1);
        for (position, worker) in workers.iter().enumerate() {
            join(handle, worker, position, &news)?;
        }
        let workers = Arc::new(Mutex::new(workers));
        let keeping = Keeping {
            handle: handle.clone(),
            workers: Arc::clone(&workers),
            news: news.clone(),
            pause,
        };
        thread::spawn(move || keeping.run(&heard));
        Ok(Crew { workers, count, news })
    }

    /// How many they are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// What confines their children, where a layer is missing; known once one is ready.
    pub(crate) fn incomplete_layers(&self) -> Option<Layers> {
        lock(&self.workers).iter().find_map(Worker::incomplete_layers)
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        let _ = self.news.send(None);
        lock(&self.workers).clear();
    }
}

/// The thread that joins again whom the master let go.
struct Keeping {
    handle: Handle,
    workers: Arc<Mutex<Vec<Worker>>>,
    news: SyncSender<Option<usize>>,
    pause: Duration,
}

impl Keeping {
    fn run(self, heard: &Receiver<Option<usize>>) {
        while let Ok(Some(first)) = heard.recv() {
            let mut gone = vec![first];
            let until = Instant::now() + self.pause;
            loop {
                match heard.recv_timeout(until.saturating_duration_since(Instant::now())) {
                    Ok(Some(position)) => gone.push(position),
                    Err(RecvTimeoutError::Timeout) => break,
                    Ok(None) | Err(RecvTimeoutError::Disconnected) => return,
                }
            }
            let workers = lock(&self.workers);
            for position in gone {
                let Some(worker) = workers.get(position) else { return };
                if join(&self.handle, worker, position, &self.news).is_err() {
                    // The master has ended.
                    return;
                }
            }
        }
    }
}

/// Tells that a worker was let go when the master drops its end.
struct LetGo {
    position: usize,
    news: SyncSender<Option<usize>>,
}

impl Drop for LetGo {
    fn drop(&mut self) {
        // There is room unless nobody listens any more.
        let _ = self.news.try_send(Some(self.position));
    }
}

/// Joins a worker and a master by channels.
fn join(
    handle: &Handle,
    worker: &Worker,
    position: usize,
    news: &SyncSender<Option<usize>>,
) -> Result<(), CliError> {
    let deliver = worker.deliverer();
    let let_go = LetGo { position, news: news.clone() };
    let deliver = move |message| {
        // It goes where the closure goes.
        let LetGo { .. } = &let_go;
        deliver(message).map_err(|_| windlass_master::Gone)
    };
    let session = handle.connect(deliver).map_err(CliError::failed)?;
    worker.attach(Arc::new(move |message| session.send(message).map_err(|_| Gone)));
    Ok(())
}

fn lock(workers: &Mutex<Vec<Worker>>) -> MutexGuard<'_, Vec<Worker>> {
    workers.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use windlass_blobs::Blobs;
    use windlass_core::session::{Hello, ToMaster};
    use windlass_core::{Incarnation, WorkerName};
    use windlass_journal::{Engine, Memory, MemorySnapshots, Snapshots};
    use windlass_master::Master;
    use windlass_worker::Store;

    #[test]
    fn who_is_let_go_comes_back() {
        let dir = tempfile::tempdir().expect("a folder");
        let master = Master::start(windlass_master::Options {
            journal: Engine::Memory(Memory::new()),
            snapshots: Snapshots::Memory(MemorySnapshots::new()),
            holder: "test".to_owned(),
            seed: 1,
        });
        let master = master.expect("memory");
        let handle = master.handle();
        let (name, incarnation) = (WorkerName("w1".to_owned()), Incarnation(7));
        let worker = Worker::start(windlass_worker::Options {
            name: name.clone(),
            incarnation,
            in_process: true,
            slots: 1,
            store: Store::Shared(Blobs::open(dir.path().join("blobs")).expect("a folder")),
            scratch: dir.path().to_owned(),
            secrets: Vec::new(),
            executor: "/nothing".into(),
            pins: Vec::new(),
            operations: Vec::new(),
        });
        let crew = Crew::start(&handle, vec![worker], Duration::ZERO).expect("it joins");
        let joined = || handle.status().expect("it runs").workers.first().map(|it| it.slots);
        while joined() != Some(1) {
            thread::yield_now();
        }
        // The same start over another connection: the master lets go of the first one.
        let (tell, told) = channel();
        let deliver = move |message| tell.send(message).map_err(|_| windlass_master::Gone);
        let session = handle.connect(deliver).expect("it runs");
        let (offers, held) = (Vec::new(), Vec::new());
        let hello =
            Hello { name, incarnation, in_process: true, slots: 2, offers, held, serves: None };
        session.send(ToMaster::Hello(hello)).expect("it runs");
        // And of this one when the crew's worker is back.
        assert!(told.iter().count() > 0, "it was welcome first");
        while joined() != Some(1) {
            thread::yield_now();
        }
        drop(crew);
        master.stop();
    }
}

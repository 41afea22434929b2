//! Asks the master: what there is, every second, and what keys wish, one thing at a time.

use super::model::{Looked, News, Wish};
use crate::jobs::steer::who;
use crate::place::Place;
use crate::{CliError, workers};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use windlass_client::cluster::{Cluster, ClusterError};
use windlass_client::inputs::NamesAtWork;
use windlass_client::report::text::printable;
use windlass_core::TaskId;
use windlass_core::steering::Act;

/// How often it looks.
pub(super) const INTERVAL: Duration = Duration::from_secs(1);
/// How soon it notices that nobody listens any more.
const TURN: Duration = Duration::from_millis(100);
/// News that may wait to be drawn.
const NEWS_COUNT_MAX: usize = 16;

/// What tasks at work are called.
pub(super) type Names = NamesAtWork;

/// A thread that looks, until this is dropped.
pub(super) struct Looker {
    news: Receiver<News>,
    tell: SyncSender<News>,
    /// The connection; another one after a master has gone and come back.
    cluster: Arc<Mutex<Cluster>>,
    is_over: Arc<AtomicBool>,
    is_acting: Arc<AtomicBool>,
}

impl Looker {
    /// Begins to look at the cluster there; it is an error where none is.
    pub(super) fn start(place: Place) -> Result<Looker, CliError> {
        let cluster = Arc::new(Mutex::new(place.running()?));
        let (tell, news) = sync_channel(NEWS_COUNT_MAX);
        let is_over = Arc::new(AtomicBool::new(false));
        let looking =
            Looking { place, cluster: Arc::clone(&cluster), is_over: Arc::clone(&is_over) };
        let told = tell.clone();
        thread::spawn(move || looking.run(&told));
        Ok(Looker { news, tell, cluster, is_over, is_acting: Arc::default() })
    }

    /// What has come meanwhile.
    pub(super) fn news(&self) -> impl Iterator<Item = News> {
        self.news.try_iter()
    }

    /// Has it done; what comes of it is told.
    pub(super) fn act(&self, wish: Wish) {
        if self.is_acting.swap(true, Ordering::Relaxed) {
            let told = "The master has not answered yet what was wished for before.".to_owned();
            // What cannot be told now is not worth waiting for.
            let _ = self.tell.try_send(News::Acted(told));
            return;
        }
        let (tell, is_acting) = (self.tell.clone(), Arc::clone(&self.is_acting));
        let cluster = self.cluster.lock().unwrap_or_else(PoisonError::into_inner).clone();
        thread::spawn(move || {
            let told = act(&cluster, wish).unwrap_or_else(|error| error.to_string());
            is_acting.store(false, Ordering::Relaxed);
            let _ = tell.send(News::Acted(told));
        });
    }
}

impl Drop for Looker {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

struct Looking {
    place: Place,
    cluster: Arc<Mutex<Cluster>>,
    is_over: Arc<AtomicBool>,
}

impl Looking {
    fn run(self, tell: &SyncSender<News>) {
        let mut names = Names::default();
        while !self.is_over.load(Ordering::Relaxed) {
            let began = Instant::now();
            let cluster = self.cluster.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let news = match look_once(&cluster, &mut names) {
                Ok(looked) => News::Looked(Box::new(looked)),
                Err(error) => {
                    self.connect_again();
                    lost(&error)
                }
            };
            if tell.send(news).is_err() {
                return;
            }
            while began.elapsed() < INTERVAL && !self.is_over.load(Ordering::Relaxed) {
                thread::sleep(TURN);
            }
        }
    }

    /// A connection heals by itself where the same place answers again; another master of the state
    /// may want a new one.
    fn connect_again(&self) {
        if let Ok(cluster) = self.place.running() {
            *self.cluster.lock().unwrap_or_else(PoisonError::into_inner) = cluster;
        }
    }
}

/// What there is now, and what the tasks at work are called.
pub(super) fn look_once(cluster: &Cluster, names: &mut Names) -> Result<Looked, ClusterError> {
    let overview = cluster.overview()?;
    let running = overview.cluster.workers.iter().flat_map(|worker| &worker.running);
    let tasks: Vec<TaskId> = running.map(|work| work.running.task).collect();
    // A name that cannot be had is no reason to show nothing.
    let names = names.of(cluster, &tasks);
    let names = names.into_iter().map(|(task, name)| (task, printable(&name))).collect();
    Ok(Looked { overview, names })
}

/// What is drawn while nothing can be looked at.
fn lost(error: &ClusterError) -> News {
    News::Lost(format!("failed to {error}"))
}

fn act(cluster: &Cluster, wish: Wish) -> Result<String, CliError> {
    match wish {
        Wish::Drain(name) => {
            let told = format!("Worker {name} is drained: it finishes what it holds.");
            workers::steer(cluster, &Act::DrainWorker(name))?;
            Ok(told)
        }
        Wish::Resume(name) => {
            let told = format!("Worker {name} gets work again.");
            workers::steer(cluster, &Act::ResumeWorker(name))?;
            Ok(told)
        }
        Wish::Cancel(job) => {
            let why = format!("cancelled by {}", who());
            cluster.cancel(job, &why).map_err(CliError::of_cluster)?;
            Ok(format!("Job {job} is cancelled; the results that it has stay."))
        }
        Wish::Quit => Ok(String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_wire::WireError;

    #[test]
    fn a_master_that_is_away_is_told_as_a_failure() {
        let (address, cause) = ("here:5000".parse().expect("an address"), "it is gone".to_owned());
        let News::Lost(told) = lost(&WireError::Lost { address, cause }.into()) else {
            panic!("it is lost");
        };
        assert_eq!(told, "failed to hear from the master at here:5000: it is gone");
    }
}

//! What is known of the cluster, what is chosen, and what keys mean.

use super::rates::Rates;
use std::collections::BTreeMap;
use windlass_core::overview::Overview;
use windlass_core::view::WorkerView;
use windlass_core::{JobId, TaskId, WorkerName};

/// A look at the cluster.
#[derive(Clone, Debug)]
pub(super) struct Looked {
    pub(super) overview: Overview,
    /// What the tasks at work are called.
    pub(super) names: BTreeMap<TaskId, String>,
}

/// What has come meanwhile.
#[derive(Clone, Debug)]
pub(super) enum News {
    Looked(Box<Looked>),
    /// The master does not answer, and why.
    Lost(String),
    /// What came of a wish.
    Acted(String),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Key {
    Up,
    Down,
    Next,
    Back,
    Drain,
    Resume,
    Cancel,
    Yes,
    Quit,
    Other,
}

/// What is to be done beside drawing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Wish {
    Drain(WorkerName),
    Resume(WorkerName),
    Cancel(JobId),
    Quit,
}

/// The lists in which something can be chosen, in their order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum List {
    Workers,
    Work,
    Jobs,
}

const LISTS: [List; 3] = [List::Workers, List::Work, List::Jobs];

/// What names a row, so that it stays chosen while others come and go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Row {
    /// The second is whether it waits for its name.
    Worker(WorkerName, bool),
    Slot(WorkerName, u32),
    Job(JobId),
}

#[derive(Clone, Debug, Default)]
struct Choice {
    row: Option<Row>,
    /// Where it was last: another one there is chosen once it is gone.
    position: usize,
}

#[derive(Debug)]
pub(super) struct Model {
    pub(super) place: String,
    pub(super) overview: Option<Overview>,
    pub(super) names: BTreeMap<TaskId, String>,
    pub(super) rates: Rates,
    /// Why the newest look failed.
    pub(super) trouble: Option<String>,
    pub(super) focus: List,
    choices: BTreeMap<List, Choice>,
    /// What came of the last key.
    pub(super) note: Option<String>,
    /// The job that is cancelled if the next key says yes.
    pub(super) asked: Option<JobId>,
}

impl Model {
    /// Of a cluster that nobody has looked at; where it is, for people.
    pub(super) fn new(place: String) -> Model {
        Model {
            place,
            overview: None,
            names: BTreeMap::new(),
            rates: Rates::default(),
            trouble: None,
            focus: List::Workers,
            choices: BTreeMap::new(),
            note: None,
            asked: None,
        }
    }

    pub(super) fn on_news(&mut self, news: News) {
        match news {
            News::Looked(looked) => self.on_looked(*looked),
            News::Lost(why) => self.trouble = Some(why),
            News::Acted(told) => self.note = Some(told),
        }
    }

    pub(super) fn on_looked(&mut self, Looked { overview, names }: Looked) {
        self.rates.observe(&overview);
        self.trouble = None;
        self.overview = Some(overview);
        self.names = names;
        for list in LISTS {
            let rows = self.rows(list);
            let choice = self.choices.entry(list).or_default();
            let found = rows.iter().position(|row| Some(row) == choice.row.as_ref());
            choice.position = found.unwrap_or(choice.position).min(rows.len().saturating_sub(1));
            choice.row = rows.get(choice.position).cloned();
        }
    }

    /// The rows of a list, in the order in which they are shown.
    fn rows(&self, list: List) -> Vec<Row> {
        let Some(overview) = &self.overview else { return Vec::new() };
        let cluster = &overview.cluster;
        match list {
            List::Workers => {
                let here = cluster.workers.iter().map(|worker| (&worker.name, false));
                let waiting = cluster.waiting_workers.iter().map(|worker| (&worker.name, true));
                let gone = cluster.absent_workers.iter().map(|worker| (&worker.name, false));
                let all = here.chain(waiting).chain(gone);
                all.map(|(name, waits)| Row::Worker(name.clone(), waits)).collect()
            }
            List::Work => {
                let slots = |worker: &WorkerView| {
                    let name = worker.name.clone();
                    let slots: Vec<u32> = worker.running.iter().map(|it| it.running.slot).collect();
                    slots.into_iter().map(move |slot| Row::Slot(name.clone(), slot))
                };
                cluster.workers.iter().flat_map(slots).collect()
            }
            List::Jobs => overview.jobs.iter().map(|job| Row::Job(job.id)).collect(),
        }
    }

    /// Where the chosen row of a list is.
    pub(super) fn position(&self, list: List) -> usize {
        self.choices.get(&list).map_or(0, |choice| choice.position)
    }

    fn chosen(&self) -> Option<&Row> {
        self.choices.get(&self.focus)?.row.as_ref()
    }

    /// Takes a key; what is to be done beside drawing, if anything.
    pub(super) fn on_key(&mut self, key: Key) -> Option<Wish> {
        if key == Key::Quit {
            return Some(Wish::Quit);
        }
        if let Some(job) = self.asked.take() {
            self.note = (key != Key::Yes).then(|| format!("Job {job} goes on."));
            return (key == Key::Yes).then_some(Wish::Cancel(job));
        }
        self.note = None;
        match key {
            Key::Up => self.choose(|position| position.saturating_sub(1)),
            Key::Down => self.choose(|position| position + 1),
            Key::Next => self.turn(1),
            Key::Back => self.turn(LISTS.len() - 1),
            Key::Drain => return self.worker().map(Wish::Drain),
            Key::Resume => return self.worker().map(Wish::Resume),
            Key::Cancel => {
                self.asked = self.job();
                if self.asked.is_none() {
                    self.note = Some("Choose a job first, or work of one: tab.".to_owned());
                }
            }
            Key::Yes | Key::Other | Key::Quit => {}
        }
        None
    }

    fn choose(&mut self, next: impl Fn(usize) -> usize) {
        let rows = self.rows(self.focus);
        let choice = self.choices.entry(self.focus).or_default();
        choice.position = next(choice.position).min(rows.len().saturating_sub(1));
        choice.row = rows.get(choice.position).cloned();
    }

    fn turn(&mut self, by: usize) {
        let at = LISTS.iter().position(|list| *list == self.focus).unwrap_or(0);
        self.focus = LISTS[(at + by) % LISTS.len()];
    }

    /// The chosen worker, or the one whose work is chosen.
    fn worker(&mut self) -> Option<WorkerName> {
        let worker = match self.chosen() {
            Some(Row::Worker(name, _) | Row::Slot(name, _)) => Some(name.clone()),
            Some(Row::Job(_)) | None => None,
        };
        if worker.is_none() {
            self.note = Some("Choose a worker first, or work of one: tab.".to_owned());
        }
        worker
    }

    /// The chosen job, or the one whose work is chosen.
    fn job(&self) -> Option<JobId> {
        match self.chosen()? {
            Row::Job(job) => Some(*job),
            Row::Slot(name, slot) => {
                let workers = &self.overview.as_ref()?.cluster.workers;
                let worker = workers.iter().find(|worker| worker.name == *name)?;
                let work = worker.running.iter().find(|work| work.running.slot == *slot)?;
                Some(work.running.task.job)
            }
            Row::Worker(..) => None,
        }
    }
}

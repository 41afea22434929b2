//! What a worker uses of its machine: CPU time and memory of its threads and of all processes that
//! they started, as Linux tells it in `/proc` (proc_pid_stat(5), proc_pid_task(5)).

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{fs, io, thread};
use windlass_core::session::Usage;

/// Readings lie at least so far apart: CPU time is counted in hundredths of a second.
const INTERVAL_MIN: Duration = Duration::from_secs(1);
/// A reading may take this share of the time until the next one, and no more: half a percent.
const COST_SHARE: u32 = 200;
/// Processes that are looked at in a reading; more are not counted.
const PROCESS_COUNT_MAX: usize = 16_384;

/// The threads of a worker, by the kernel's ids. Whoever is in one of them enters by itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Threads(Arc<Mutex<Vec<i32>>>);

impl Threads {
    /// The calling thread is the worker's; it stays until the worker ends.
    pub(crate) fn enter(&self) {
        let id = rustix::thread::gettid().as_raw_nonzero().get();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(id);
    }

    fn ids(&self) -> Vec<i32> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Reads it now and then.
#[derive(Debug)]
pub(crate) struct UsageMeter {
    /// Of a worker that shares its process with others; `None`: all of this process is its own.
    threads: Option<Threads>,
    last: Option<(Instant, Sum)>,
    usage: Option<Usage>,
    due_at: Instant,
}

/// What threads and processes have used so far, and use now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Sum {
    cpu_ticks: u64,
    resident_pages: u64,
}

/// What is read of one process or thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Stat {
    own_ticks: u64,
    /// Of its children that have ended, with theirs.
    ended_ticks: u64,
    resident_pages: u64,
}

impl UsageMeter {
    /// Of the whole process, or of some of its threads and what they started.
    pub(crate) fn new(threads: Option<Threads>) -> UsageMeter {
        UsageMeter { threads, last: None, usage: None, due_at: Instant::now() }
    }

    /// The newest reading; `None`: there is none yet, or this kernel does not tell.
    pub(crate) fn read(&mut self) -> Option<Usage> {
        let began = Instant::now();
        if began < self.due_at {
            return self.usage;
        }
        let sum = match &self.threads {
            None => of_this_process(),
            Some(threads) => of_threads(&threads.ids()),
        };
        self.usage = sum.as_ref().ok().and_then(|sum| {
            let (before_at, before) = self.last.as_ref()?;
            Some(usage(*before, *sum, began.saturating_duration_since(*before_at)))
        });
        self.last = sum.ok().map(|sum| (began, sum));
        self.due_at = began + INTERVAL_MIN.max(began.elapsed() * COST_SHARE);
        self.usage
    }
}

/// The use between two readings.
fn usage(before: Sum, now: Sum, between: Duration) -> Usage {
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let ticks = now.cpu_ticks.saturating_sub(before.cpu_ticks) as f64;
    let seconds = ticks / rustix::param::clock_ticks_per_second() as f64;
    // A process that ends between the reading of its own time and that of its parent counts twice.
    let millicores = (seconds / between.as_secs_f64() * 1_000.0).min(cores as f64 * 1_000.0);
    Usage {
        cpu_millicores: millicores as u32,
        resident_bytes: now.resident_pages.saturating_mul(rustix::param::page_size() as u64),
    }
}

/// This process with all that it and its threads started.
fn of_this_process() -> io::Result<Sum> {
    let own = Path::new("/proc/self");
    let stat = stat(own)?;
    let mut sum = Sum::default();
    sum.add(stat, stat.ended_ticks);
    sum.add_all(children_of(own)?);
    Ok(sum)
}

/// Some threads of this process with all that they started; the memory of the process itself is not
/// theirs alone.
fn of_threads(ids: &[i32]) -> io::Result<Sum> {
    let mut sum = Sum::default();
    let mut started = Vec::new();
    for id in ids {
        let thread = Path::new("/proc/self/task").join(id.to_string());
        let stat = stat(&thread)?;
        // What has ended counts for the whole process.
        sum.add(Stat { resident_pages: 0, ..stat }, 0);
        started.extend(children_in(&thread)?);
    }
    sum.add_all(started);
    Ok(sum)
}

impl Sum {
    fn add(&mut self, stat: Stat, ended_ticks: u64) {
        self.cpu_ticks += stat.own_ticks + ended_ticks;
        self.resident_pages += stat.resident_pages;
    }

    /// Adds these processes and all below them; who has ended meanwhile is not there any more.
    fn add_all(&mut self, mut processes: Vec<u32>) {
        let mut count = 0;
        while let Some(id) = processes.pop().filter(|_| count < PROCESS_COUNT_MAX) {
            count += 1;
            let folder = Path::new("/proc").join(id.to_string());
            if let Ok(stat) = stat(&folder) {
                self.add(stat, stat.ended_ticks);
                processes.extend(children_of(&folder).unwrap_or_default());
            }
        }
    }
}

fn stat(folder: &Path) -> io::Result<Stat> {
    let text = fs::read(folder.join("stat"))?;
    parse(&String::from_utf8_lossy(&text)).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// CPU time that a thread of this process has used so far, in hundredths of a second.
pub(crate) fn thread_ticks(id: i32) -> Option<u64> {
    Some(stat(&Path::new("/proc/self/task").join(id.to_string())).ok()?.own_ticks)
}

/// proc_pid_stat(5): times are fields 14 to 17, resident pages field 24. The second one is the
/// program's name in parentheses, and may have anything in it.
fn parse(stat: &str) -> Option<Stat> {
    let (_, behind) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = behind.split_ascii_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    Some(Stat {
        own_ticks: field(14)? + field(15)?,
        ended_ticks: field(16)? + field(17)?,
        resident_pages: field(24)?,
    })
}

/// The processes that a process started.
fn children_of(process: &Path) -> io::Result<Vec<u32>> {
    let mut children = Vec::new();
    for thread in fs::read_dir(process.join("task"))? {
        // A thread may end meanwhile; where no thread's children are told, none are.
        match children_in(&thread?.path()) {
            Ok(started) => children.extend(started),
            Err(error) if error.kind() == io::ErrorKind::NotFound && is_told() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(children)
}

/// Whether this kernel tells who started whom (`CONFIG_PROC_CHILDREN`).
fn is_told() -> bool {
    Path::new("/proc/thread-self/children").exists()
}

/// The processes that a thread started.
fn children_in(thread: &Path) -> io::Result<Vec<u32>> {
    let text = fs::read_to_string(thread.join("children"))?;
    Ok(text.split_ascii_whitespace().filter_map(|id| id.parse().ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::process::{Child, Command, Stdio};

    /// A process that waits until its input ends.
    fn waiting() -> Child {
        Command::new("cat").stdin(Stdio::piped()).spawn().expect("cat starts")
    }

    fn end(mut child: Child) {
        drop(child.stdin.take());
        child.wait().expect("it ends");
    }

    /// Says that a test did not run; an error where the machine is said to have what it needs.
    fn tells_children() -> bool {
        if is_told() {
            return true;
        }
        let _ = writeln!(io::stderr(), "not run: proc-children");
        let required = std::env::var("WINDLASS_REQUIRE").unwrap_or_default();
        assert!(!required.split(',').any(|it| it == "proc-children"));
        false
    }

    #[test]
    fn a_name_may_have_anything_in_it() {
        let stat = "7 (a) R 1 (b) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 20 0 1 0 99 1000 55 18446744";
        let expected = Stat { own_ticks: 23, ended_ticks: 27, resident_pages: 55 };
        assert_eq!(parse(stat), Some(expected));
        assert_eq!(parse("7 (a) S 1 2"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn the_use_of_a_core_is_what_was_used_by_the_time_between() {
        let ticks = rustix::param::clock_ticks_per_second();
        let at = |cpu_ticks| Sum { cpu_ticks, resident_pages: 3 };
        let used = usage(at(50), at(50 + ticks), Duration::from_secs(4));
        assert_eq!(used.cpu_millicores, 250);
        assert_eq!(used.resident_bytes, 3 * rustix::param::page_size() as u64);
        // An executor that has ended takes its time with it.
        assert_eq!(usage(at(50), at(0), Duration::from_secs(1)).cpu_millicores, 0);
        let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let counted_twice = usage(at(0), at(1_000_000 * ticks), Duration::from_secs(1));
        assert_eq!(counted_twice.cpu_millicores as usize, cores * 1_000);
    }

    #[test]
    fn a_worker_among_others_counts_what_its_own_threads_do_and_start() {
        if !tells_children() {
            return;
        }
        let threads = Threads::default();
        let of_another = waiting();
        let own = {
            let threads = threads.clone();
            thread::spawn(move || {
                threads.enter();
                let nothing = of_threads(&threads.ids()).expect("is told");
                let child = waiting();
                // Until the child has its memory, and this thread's time is counted.
                let mut with_child = nothing;
                while with_child.resident_pages == 0 || with_child.cpu_ticks < nothing.cpu_ticks + 3
                {
                    with_child = of_threads(&threads.ids()).expect("is told");
                }
                end(child);
                (nothing, with_child, of_threads(&threads.ids()).expect("is told"))
            })
        };
        let (nothing, with_child, after) = own.join().expect("it ends");
        assert_eq!((nothing.resident_pages, after.resident_pages), (0, 0));
        assert!(with_child.resident_pages > 0);
        assert!(of_this_process().expect("is told").resident_pages > with_child.resident_pages);
        end(of_another);
    }

    #[test]
    fn a_first_reading_says_nothing_of_time() {
        if !tells_children() {
            return;
        }
        let mut meter = UsageMeter::new(None);
        assert_eq!(meter.read(), None);
        meter.due_at = Instant::now();
        assert!(meter.read().is_some_and(|usage| usage.resident_bytes > 0));
    }
}

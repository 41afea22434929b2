//! One decoder under fire: what it is called, what it does with bytes, what it may take.

use peak_alloc::PeakAlloc;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// The allocator counts for the whole process: one measurement at a time.
static MEASURING: Mutex<()> = Mutex::new(());

/// A decoder and its promises.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Also the folder of its corpus.
    pub name: &'static str,
    /// Decodes, and panics where a promise is broken. Returns in short what came of the bytes:
    /// bytes that lead to something new are worth damaging further.
    pub run: fn(&[u8]) -> String,
    /// Good bytes to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Memory that may be taken however few bytes come in: buffers of a fixed size, and what serde
    /// takes in advance for a sequence, 1 MiB at most whatever length it claims, once per level.
    pub fixed_bytes_max: usize,
    /// Memory that may be taken for each byte that comes in: structures are larger than their
    /// encoding, and vectors that grow lie twice in memory for a moment.
    pub factor_max: usize,
}

/// A broken promise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Whose.
    pub target: &'static str,
    /// Which.
    pub what: String,
    /// The bytes that showed it.
    pub bytes: Vec<u8>,
}

impl Target {
    /// Runs the decoder once under all that it promises.
    ///
    /// # Errors
    /// The promise that is broken, with the bytes.
    pub fn check(&self, bytes: &[u8]) -> Result<String, Fault> {
        let _alone = MEASURING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let fault = |what| Fault { target: self.name, what, bytes: bytes.to_vec() };
        let before = ALLOCATED.current_usage();
        ALLOCATED.reset_peak_usage();
        let ran = catch_unwind(AssertUnwindSafe(|| (self.run)(bytes)));
        let taken = ALLOCATED.peak_usage().saturating_sub(before);
        let outcome = ran.map_err(|panic| fault(text(&*panic)))?;
        let bound = self.fixed_bytes_max + self.factor_max * bytes.len();
        if taken > bound {
            return Err(fault(format!(
                "{taken} bytes of memory for {} bytes of input, more than {bound}",
                bytes.len()
            )));
        }
        Ok(outcome)
    }
}

fn text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without words").to_owned()
}

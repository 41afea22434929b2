//! A session: one network in memory, which is run over one input after another.

use super::OnnxError;
use super::api::{
    Api, DEVICE_ALLOCATOR, FLOAT, Handle, LOG_FATAL, MEMORY_DEFAULT, OPTIMISE_ALL, Status,
};
use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr::{NonNull, null_mut};

/// Dimensions of a tensor at most: more is no network of ours.
const DIMENSION_COUNT_MAX: usize = 8;

/// Numbers in rows, the last dimension running fastest.
#[derive(Clone, PartialEq, Debug)]
pub struct Tensor {
    /// Length of each dimension; their product is the count of `values`.
    pub shape: Vec<usize>,
    /// The numbers.
    pub values: Vec<f32>,
}

/// `OrtEnv`, of which a process has one; it stays until its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Environment(NonNull<c_void>);

#[expect(unsafe_code, reason = "what a handle of C may do")]
// SAFETY: the header: an environment may be used by several threads.
unsafe impl Send for Environment {}
#[expect(unsafe_code, reason = "what a handle of C may do")]
// SAFETY: as above.
unsafe impl Sync for Environment {}

impl Environment {
    #[expect(unsafe_code, reason = "a call into C")]
    pub(super) fn new(api: &'static Api) -> Result<Environment, OnnxError> {
        let handle = made(api, "start ONNX Runtime", |out| {
            // SAFETY: the name ends in zero and is only read during the call; `out` lives.
            unsafe { (api.create_environment)(LOG_FATAL, c"windlass".as_ptr(), out) }
        })?;
        Ok(Environment(handle))
    }
}

/// A handle with the function that releases it.
#[derive(Debug)]
struct Owned {
    handle: NonNull<c_void>,
    release: unsafe extern "C" fn(Handle),
}

impl Owned {
    fn raw(&self) -> Handle {
        self.handle.as_ptr()
    }
}

impl Drop for Owned {
    #[expect(unsafe_code, reason = "a call into C")]
    fn drop(&mut self) {
        // SAFETY: the handle lives until here, nothing else releases it, and `release` is its own.
        unsafe { (self.release)(self.handle.as_ptr()) };
    }
}

/// A network with one input and one output.
#[derive(Debug)]
pub struct Session {
    api: &'static Api,
    session: Owned,
    /// Where inputs lie: in our own memory.
    memory: Owned,
    input: CString,
    output: CString,
}

#[expect(unsafe_code, reason = "calls into C")]
impl Session {
    pub(super) fn new(
        api: &'static Api,
        environment: Environment,
        model: &[u8],
    ) -> Result<Session, OnnxError> {
        const ACT: &str = "load the network";
        // SAFETY: `out` lives.
        let options = made(api, ACT, |out| unsafe { (api.create_options)(out) })?;
        let options = Owned { handle: options, release: api.release_options };
        let raw = options.raw();
        // SAFETY: the options live. The thread that calls works alone; the plan of memory, which is
        // made for one size of input, is of no use where each has another.
        unsafe {
            check(api, ACT, (api.set_thread_count)(raw, 1))?;
            check(api, ACT, (api.set_optimisation)(raw, OPTIMISE_ALL))?;
            check(api, ACT, (api.disable_memory_pattern)(raw))?;
        }
        let session = made(api, ACT, |out| {
            // SAFETY: the environment and the options live, the bytes are only read during the
            // call, `out` lives.
            unsafe {
                let (bytes, length) = (model.as_ptr().cast(), model.len());
                (api.create_session)(environment.0.as_ptr(), bytes, length, raw, out)
            }
        })?;
        let session = Owned { handle: session, release: api.release_session };
        let memory = made(api, ACT, |out| {
            // SAFETY: `out` lives.
            unsafe { (api.create_memory_info)(DEVICE_ALLOCATOR, MEMORY_DEFAULT, out) }
        })?;
        let memory = Owned { handle: memory, release: api.release_memory_info };
        let raw = session.raw();
        // SAFETY: the session lives, and so does what the texts are written to.
        let input = text(api, ACT, |at, out| unsafe { (api.input_name)(raw, 0, at, out) })?;
        // SAFETY: as above.
        let output = text(api, ACT, |at, out| unsafe { (api.output_name)(raw, 0, at, out) })?;
        let missing = || failed(ACT, "it has no input or no output");
        Ok(Session {
            api,
            session,
            memory,
            input: input.ok_or_else(missing)?,
            output: output.ok_or_else(missing)?,
        })
    }

    /// What the file says of itself under a key; `None`: nothing.
    ///
    /// # Errors
    /// There is no memory.
    pub fn metadata(&self, key: &CStr) -> Result<Option<String>, OnnxError> {
        const ACT: &str = "read what the network says of itself";
        let api = self.api;
        // SAFETY: the session and `out` live.
        let metadata = made(api, ACT, |out| unsafe { (api.metadata)(self.session.raw(), out) })?;
        let metadata = Owned { handle: metadata, release: api.release_metadata };
        let value = text(api, ACT, |at, out| {
            // SAFETY: the metadata lives, the key ends in zero, and `out` lives.
            unsafe { (api.metadata_value)(metadata.raw(), at, key.as_ptr(), out) }
        })?;
        Ok(value.map(|value| value.to_string_lossy().into_owned()))
    }

    /// Runs the network over `values` of the given shape.
    ///
    /// # Errors
    /// The network takes no such input, or there is no memory.
    ///
    /// # Panics
    /// The values are not as many as the shape says.
    pub fn run(&mut self, values: &[f32], shape: &[usize]) -> Result<Tensor, OnnxError> {
        const ACT: &str = "run the network";
        assert_eq!(values.len(), shape.iter().product::<usize>(), "as many values as told");
        let api = self.api;
        let dimensions = shape.iter().map(|side| i64::try_from(*side).unwrap_or(i64::MAX));
        let dimensions: Vec<i64> = dimensions.collect();
        let input = made(api, ACT, |out| {
            // SAFETY: the tensor borrows `values`, which outlive it: it is released at the end of
            // this function. Inputs are only read. The rest is read during the call alone.
            unsafe {
                (api.create_tensor)(
                    self.memory.raw(),
                    values.as_ptr().cast_mut().cast(),
                    size_of_val(values),
                    dimensions.as_ptr(),
                    dimensions.len(),
                    FLOAT,
                    out,
                )
            }
        })?;
        let input = Owned { handle: input, release: api.release_value };
        let output = made(api, ACT, |out| {
            let (inputs, outputs) = ([self.input.as_ptr()], [self.output.as_ptr()]);
            let values = [input.raw()];
            // SAFETY: the session, the input and both names live; one of each is told and there.
            unsafe {
                (api.run)(
                    self.session.raw(),
                    null_mut(),
                    inputs.as_ptr(),
                    values.as_ptr(),
                    values.len(),
                    outputs.as_ptr(),
                    outputs.len(),
                    out,
                )
            }
        })?;
        let output = Owned { handle: output, release: api.release_value };
        self.copied(&output)
    }

    /// The numbers of an output.
    fn copied(&self, output: &Owned) -> Result<Tensor, OnnxError> {
        const ACT: &str = "read what the network gives";
        let api = self.api;
        // SAFETY: the output and `out` live; an output that is no tensor is refused.
        let info = made(api, ACT, |out| unsafe { (api.shape)(output.raw(), out) })?;
        let info = Owned { handle: info, release: api.release_shape };
        let (mut count, mut kind) = (0, 0);
        // SAFETY: the shape and both numbers live.
        unsafe {
            check(api, ACT, (api.element_type)(info.raw(), &raw mut kind))?;
            check(api, ACT, (api.dimension_count)(info.raw(), &raw mut count))?;
        }
        if kind != FLOAT || count > DIMENSION_COUNT_MAX {
            return Err(failed(ACT, "it is no table of numbers"));
        }
        let mut dimensions = vec![0_i64; count];
        // SAFETY: the shape lives, and there is room for as many numbers as are told.
        unsafe {
            check(api, ACT, (api.dimensions)(info.raw(), dimensions.as_mut_ptr(), count))?;
        }
        let sides = dimensions.iter().map(|side| usize::try_from(*side).ok());
        let shape: Vec<usize> =
            sides.collect::<Option<_>>().ok_or_else(|| failed(ACT, "its shape is unknown"))?;
        let length = shape.iter().product();
        // SAFETY: the output and `out` live.
        let data = made(api, ACT, |out| unsafe { (api.tensor_data)(output.raw(), out) })?;
        // SAFETY: a tensor of this kind and shape holds so many numbers in one piece, and lives
        // until the end of the caller.
        let values = unsafe { std::slice::from_raw_parts(data.as_ptr().cast(), length) }.to_vec();
        Ok(Tensor { shape, values })
    }
}

/// What a call writes to its last argument.
fn made(
    api: &'static Api,
    act: &'static str,
    call: impl FnOnce(*mut Handle) -> Status,
) -> Result<NonNull<c_void>, OnnxError> {
    let mut handle = null_mut();
    check(api, act, call(&raw mut handle))?;
    NonNull::new(handle).ok_or_else(|| failed(act, "nothing was made"))
}

/// A text that a call writes by the allocator that it is given; `None` where it writes none.
#[expect(unsafe_code, reason = "calls into C")]
fn text(
    api: &'static Api,
    act: &'static str,
    call: impl FnOnce(Handle, *mut *mut c_char) -> Status,
) -> Result<Option<CString>, OnnxError> {
    // SAFETY: `out` lives; this allocator is the library's own and never released.
    let allocator = made(api, act, |out| unsafe { (api.allocator)(out) })?;
    let mut text = null_mut::<c_char>();
    check(api, act, call(allocator.as_ptr(), &raw mut text))?;
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: not null, ends in zero, and is ours until it is freed, once.
    unsafe {
        let copied = CStr::from_ptr(text).to_owned();
        check(api, act, (api.free)(allocator.as_ptr(), text.cast()))?;
        Ok(Some(copied))
    }
}

#[expect(unsafe_code, reason = "calls into C")]
fn check(api: &Api, act: &'static str, status: Status) -> Result<(), OnnxError> {
    if status.is_null() {
        return Ok(());
    }
    // SAFETY: not null, so that it holds a text that ends in zero; it is released once.
    let why = unsafe {
        let why = CStr::from_ptr((api.error_message)(status)).to_string_lossy().into_owned();
        (api.release_status)(status);
        why
    };
    Err(failed(act, why))
}

fn failed(act: &'static str, why: impl Into<String>) -> OnnxError {
    OnnxError { act, why: why.into() }
}

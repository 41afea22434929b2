//! The functions of `onnxruntime_c_api.h` that are used. The library exports one, which gives a
//! table of pointers; the order of the table is fixed for ever, and newer versions add at its end.

use libloading::Library;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::Path;

/// `OrtEnv`, `OrtSession`, `OrtValue` and the like: never looked into.
pub(super) type Handle = *mut c_void;
/// `OrtStatus`: null where all went well.
pub(super) type Status = *mut c_void;

/// The version of the table whose functions are used; version 1.14 of the library was the first
/// to have it.
const API_VERSION: u32 = 14;
/// Pointers of that table that are looked at: up to the last one that is used.
const SLOT_COUNT: usize = 119;

/// `ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT`.
pub(super) const FLOAT: c_int = 1;
/// `ORT_LOGGING_LEVEL_FATAL`.
pub(super) const LOG_FATAL: c_int = 4;
/// `ORT_ENABLE_ALL`.
pub(super) const OPTIMISE_ALL: c_int = 99;
/// `OrtDeviceAllocator`.
pub(super) const DEVICE_ALLOCATOR: c_int = 0;
/// `OrtMemTypeDefault`.
pub(super) const MEMORY_DEFAULT: c_int = 0;

/// `OrtApiBase`.
#[repr(C)]
struct Base {
    get_api: unsafe extern "C" fn(u32) -> *const Table,
    get_version: unsafe extern "C" fn() -> *const c_char,
}

/// The beginning of `OrtApi`.
#[repr(C)]
struct Table {
    slots: [*const c_void; SLOT_COUNT],
}

macro_rules! functions {
    ($($field:ident = $slot:literal ($($argument:ty),*) $(-> $result:ty)?;)*) => {
        /// The library with its functions.
        #[derive(Debug)]
        pub(super) struct Api {
            $(pub(super) $field: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
            pub(super) version: String,
            /// What the functions lie in.
            _library: Library,
        }

        impl Api {
            #[expect(unsafe_code, reason = "pointers of a table in C")]
            fn of(library: Library, version: String, table: &Table) -> Api {
                // SAFETY: each number is the function's place in the header's table, and each type
                // the header's; they are used only while `_library` is open.
                unsafe {
                    $(let $field = std::mem::transmute::<
                        *const c_void,
                        unsafe extern "C" fn($($argument),*) $(-> $result)?,
                    >(table.slots[$slot]);)*
                    Api { $($field,)* version, _library: library }
                }
            }
        }
    };
}

functions! {
    error_message = 2(Status) -> *const c_char;
    create_environment = 3(c_int, *const c_char, *mut Handle) -> Status;
    create_session = 8(Handle, *const c_void, usize, Handle, *mut Handle) -> Status;
    run = 9(Handle, Handle, *const *const c_char, *const Handle, usize, *const *const c_char, usize,
        *mut Handle) -> Status;
    create_options = 10(*mut Handle) -> Status;
    disable_memory_pattern = 17(Handle) -> Status;
    set_optimisation = 23(Handle, c_int) -> Status;
    set_thread_count = 24(Handle, c_int) -> Status;
    input_name = 36(Handle, usize, Handle, *mut *mut c_char) -> Status;
    output_name = 37(Handle, usize, Handle, *mut *mut c_char) -> Status;
    create_tensor = 49(Handle, *mut c_void, usize, *const i64, usize, c_int, *mut Handle) -> Status;
    tensor_data = 51(Handle, *mut *mut c_void) -> Status;
    element_type = 60(Handle, *mut c_int) -> Status;
    dimension_count = 61(Handle, *mut usize) -> Status;
    dimensions = 62(Handle, *mut i64, usize) -> Status;
    shape = 65(Handle, *mut Handle) -> Status;
    create_memory_info = 69(c_int, c_int, *mut Handle) -> Status;
    free = 76(Handle, *mut c_void) -> Status;
    allocator = 78(*mut Handle) -> Status;
    release_status = 93(Status);
    release_memory_info = 94(Handle);
    release_session = 95(Handle);
    release_value = 96(Handle);
    release_shape = 99(Handle);
    release_options = 100(Handle);
    metadata = 111(Handle, *mut Handle) -> Status;
    metadata_value = 116(Handle, Handle, *const c_char, *mut *mut c_char) -> Status;
    release_metadata = 118(Handle);
}

impl Api {
    /// Opens the library; the cause in words where that fails.
    #[expect(unsafe_code, reason = "a library's constructors run when it is opened")]
    pub(super) fn open(path: &Path) -> Result<Api, String> {
        // SAFETY: ONNX Runtime's constructors register its operators; they expect nothing of their
        // process.
        let library = unsafe { Library::new(path) }.map_err(|error| error.to_string())?;
        // SAFETY: the type is the header's. The base and both tables live as long as the library,
        // and the version is a text that ends in zero.
        unsafe {
            let base = library
                .get::<unsafe extern "C" fn() -> *const Base>(b"OrtGetApiBase\0")
                .map_err(|error| error.to_string())?;
            let base = base().as_ref().ok_or("it gives no table of functions")?;
            let version = CStr::from_ptr((base.get_version)()).to_string_lossy().into_owned();
            let table = (base.get_api)(API_VERSION).as_ref();
            let table = table.ok_or_else(|| format!("its version {version} is too old"))?;
            if table.slots.iter().any(|slot| slot.is_null()) {
                return Err(format!("functions are missing in its version {version}"));
            }
            Ok(Api::of(library, version, table))
        }
    }
}

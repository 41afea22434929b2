//! How a library's functions are declared: a struct with a pointer for each, filled when the
//! library is opened.

/// Declares `Api`, a library with these functions, and how it is opened. The types are those of the
/// library's header; what they promise is the declaring module's business.
macro_rules! functions {
    ($($field:ident = $symbol:literal ($($argument:ty),* $(,)?) $(-> $result:ty)?;)*) => {
        /// The library with its functions.
        #[derive(Debug)]
        pub(super) struct Api {
            $(pub(super) $field: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
            /// What the functions lie in.
            _library: libloading::Library,
        }

        impl Api {
            /// Opens a library by its path.
            ///
            /// # Safety
            /// The library is the one that the functions are declared for, and its constructors
            /// expect nothing of their process.
            #[expect(unsafe_code, reason = "functions of a library in C")]
            pub(super) unsafe fn open(
                path: &std::path::Path,
            ) -> Result<Api, libloading::Error> {
                // SAFETY: the caller answers for the constructors and for the types; the functions
                // are used only while `_library` is open.
                unsafe {
                    let library = libloading::Library::new(path)?;
                    $(let $field = *library.get(concat!($symbol, "\0").as_bytes())?;)*
                    Ok(Api { $($field,)* _library: library })
                }
            }
        }
    };
}
pub(crate) use functions;

//! What that service did with files, and what does it here.

/// A kind of work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Kind {
    /// The value of `task_type`, and the folder of the results.
    pub(super) name: &'static str,
    /// The same as Python's `str.title` writes it.
    pub(super) title: &'static str,
    /// The form's field that holds the files.
    pub(super) field: &'static str,
    /// The operation.
    pub(super) operation: &'static str,
}

const KINDS: [Kind; 6] = [
    Kind { name: "image", title: "Image", field: "images", operation: "image" },
    Kind { name: "text", title: "Text", field: "texts", operation: "text" },
    Kind { name: "embedding", title: "Embedding", field: "texts", operation: "embedding" },
    Kind { name: "ocr", title: "Ocr", field: "images", operation: "ocr" },
    Kind { name: "audio", title: "Audio", field: "audio_files", operation: "audio" },
    Kind { name: "document", title: "Document", field: "documents", operation: "document" },
];

impl Kind {
    pub(super) fn of(name: &str) -> Option<&'static Kind> {
        KINDS.iter().find(|kind| kind.name == name)
    }

    /// Whether files come in a field of this name.
    pub(super) fn has_field(name: &str) -> bool {
        KINDS.iter().any(|kind| kind.field == name)
    }
}

/// Of a form that names none.
impl Default for Kind {
    fn default() -> Kind {
        KINDS[0]
    }
}

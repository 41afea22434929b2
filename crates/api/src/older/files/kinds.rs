//! What that service did with files, and what does it here.

use windlass_core::older;

/// A kind of work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Kind {
    /// The value of `task_type`, and the folder of the results.
    pub(crate) name: &'static str,
    /// The same as Python's `str.title` writes it.
    pub(super) title: &'static str,
    /// The form's field that holds the files.
    pub(crate) field: &'static str,
    /// The operation.
    pub(crate) operation: &'static str,
    /// Under which name a slave's answer has a file's result.
    pub(crate) result: &'static str,
    /// The name of a file's main result, without the suffix that follows its format.
    pub(super) artifact: &'static str,
    /// What a slave says where there are no files.
    pub(crate) missing: &'static str,
    /// Whether all files of a request are weighed against each other.
    pub(super) is_together: bool,
}

pub(super) const KINDS: [Kind; 6] = [
    Kind {
        name: "image",
        title: "Image",
        field: "images",
        operation: "image",
        result: "image_data",
        artifact: "processed_{base}",
        missing: "No images provided",
        is_together: false,
    },
    Kind {
        name: "text",
        title: "Text",
        field: "texts",
        operation: "text",
        result: "analysis_data",
        artifact: "{base}_analysis",
        missing: "No text files provided",
        is_together: false,
    },
    Kind {
        name: "embedding",
        title: "Embedding",
        field: "texts",
        operation: "embedding",
        result: "embedding_data",
        artifact: "{base}_embedding",
        missing: "No text files provided for embedding",
        is_together: true,
    },
    Kind {
        name: "ocr",
        title: "Ocr",
        field: "images",
        operation: "ocr",
        result: "ocr_data",
        artifact: "{base}_ocr",
        missing: "No images provided for OCR",
        is_together: false,
    },
    Kind {
        name: "audio",
        title: "Audio",
        field: "audio_files",
        operation: "audio",
        result: "audio_data",
        artifact: "{base}_audio_analysis",
        missing: "No audio files provided",
        is_together: false,
    },
    Kind {
        name: "document",
        title: "Document",
        field: "documents",
        operation: "document",
        result: "document_data",
        artifact: "{base}_document_analysis",
        missing: "No documents provided",
        is_together: false,
    },
];

impl Kind {
    pub(crate) fn of(name: &str) -> Option<&'static Kind> {
        KINDS.iter().find(|kind| kind.name == name)
    }

    /// The kind that an operation does.
    pub(super) fn of_operation(operation: &str) -> Option<&'static Kind> {
        KINDS.iter().find(|kind| kind.operation == operation)
    }

    /// What slaves of that service do.
    pub(super) fn operations() -> Vec<String> {
        KINDS.iter().map(|kind| kind.operation.to_owned()).collect()
    }

    /// The operation as slaves offer it.
    pub(super) fn of_slaves(&self) -> String {
        older::offered(self.operation)
    }

    /// Whether files come in a field of this name.
    pub(super) fn has_field(name: &str) -> bool {
        KINDS.iter().any(|kind| kind.field == name)
    }

    /// Whether the result is a picture; all others are JSON.
    pub(super) fn is_picture(&self) -> bool {
        self.operation == "image"
    }
}

/// Of a form that names none.
impl Default for Kind {
    fn default() -> Kind {
        KINDS[0]
    }
}

//! Which operation a file goes to: by its kind, its name's promise and the user's choice.

use super::{Choice, Request};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use windlass_core::catalogue::{Accepts, OperationSpec};
use windlass_core::media::{Family, Media, by_extension, contradicts};

/// What happens to a file of a kind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Decision {
    /// It goes to the operation of this name.
    Take(&'static str),
    /// Nothing to do.
    Skip { reason: String },
    /// A failed input.
    Refuse { code: &'static str, cause: String, next_step: String },
}

/// Decides on a file by its path (for the extension alone), its kind, and whether it is a picture
/// of printed paper.
pub(super) fn choose(request: &Request, path: &Path, media: Media, is_paper: bool) -> Decision {
    if media == Media::Empty {
        return Decision::Refuse {
            code: "empty_file",
            cause: "the file is empty".to_owned(),
            next_step: "Look where it came from: a copy or a download may have broken off."
                .to_owned(),
        };
    }
    match &request.choice {
        Choice::Auto { skip } => broken_promise(path, media)
            .unwrap_or_else(|| auto(&request.operations, skip, media, is_paper)),
        Choice::One(name) => {
            match request.operations.iter().find(|operation| operation.name == name) {
                Some(operation) => one(operation, path, media),
                None => Decision::Refuse {
                    code: "not_accepted",
                    cause: format!("there is no operation {name}"),
                    next_step: "List the operations with `windlass ops`.".to_owned(),
                },
            }
        }
    }
}

/// The operations that `auto` chooses from.
pub const AUTO_OPERATIONS: &[&str] = &["audio", "image", "ocr", "document", "text"];

/// The operation that a kind goes to by itself; each kind has one at most, and one that takes
/// everything (`command`) is never chosen. Pictures of printed paper are read, unless the user does
/// not want that or nobody here can: then they are pictures like all others.
fn auto(
    operations: &[&'static OperationSpec],
    skip: &[String],
    media: Media,
    is_paper: bool,
) -> Decision {
    let is_read = is_paper
        && !skip.iter().any(|skipped| skipped == "ocr")
        && operations.iter().any(|operation| operation.name == "ocr");
    let name = match (media, media.family()) {
        (_, Family::Audio) => "audio",
        (_, Family::Image) if is_read => "ocr",
        (_, Family::Image) => "image",
        (Media::Html | Media::Eml, _) | (_, Family::Document) => "document",
        (_, Family::Text) => "text",
        _ => return Decision::Skip { reason: no_operation(media) },
    };
    let takes_it =
        |operation: &&&OperationSpec| operation.name == name && operation.accepts_media(media);
    match operations.iter().find(takes_it) {
        None => Decision::Skip { reason: no_operation(media) },
        Some(_) if skip.iter().any(|skipped| skipped == name) => {
            Decision::Skip { reason: format!("left out by --skip {name}") }
        }
        Some(operation) => Decision::Take(operation.name),
    }
}

fn one(operation: &'static OperationSpec, path: &Path, media: Media) -> Decision {
    let is_choosy = matches!(operation.accepts, Accepts::Media(_));
    if is_choosy && let Some(refused) = broken_promise(path, media) {
        return refused;
    }
    if operation.accepts_media(media) {
        return Decision::Take(operation.name);
    }
    let name = operation.name;
    Decision::Refuse {
        code: "not_accepted",
        cause: format!("{name} does not take this kind of file ({})", media.label()),
        next_step: format!(
            "Leave --op away to go by content; `windlass ops show {name}` says what it takes."
        ),
    }
}

/// A file whose extension names a kind that its bytes do not show.
fn broken_promise(path: &Path, media: Media) -> Option<Decision> {
    let promised = by_extension(path.as_os_str().as_bytes())?;
    if !contradicts(promised, media) {
        return None;
    }
    let extension = path.extension().unwrap_or(OsStr::new("")).to_string_lossy();
    let content = match media {
        Media::Unknown => "of no known kind".to_owned(),
        known => format!("another kind ({})", known.label()),
    };
    Some(Decision::Refuse {
        code: "content_mismatch",
        cause: format!("named .{extension}, but its content is {content}"),
        next_step: "Give it the right extension, or fetch it again if it is damaged.".to_owned(),
    })
}

fn no_operation(media: Media) -> String {
    match media.family() {
        Family::Unknown => "not a kind of file that is known here".to_owned(),
        Family::Program => "programs are not processed".to_owned(),
        Family::Archive => format!("{}: unpack it to process what it holds", media.label()),
        _ => format!("{}: no operation for this kind yet", media.label()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_core::catalogue::Home;

    const fn spec(name: &'static str, accepts: Accepts) -> OperationSpec {
        OperationSpec {
            name,
            version: 1,
            summary: "",
            accepts,
            params: &[],
            home: Home::Executor,
            cacheable: windlass_core::catalogue::Cacheable::Always,
            attempt_ms_max: 1,
            progress_ms_max: None,
            memory_bytes_max: 1,
            output_bytes_max: 1,
            steps: &[],
        }
    }

    static AUDIO: OperationSpec = spec("audio", Accepts::Media(&[Media::Mp3, Media::Wma]));
    static IMAGE: OperationSpec = spec("image", Accepts::Media(&[Media::Png, Media::Jpeg]));
    static OCR: OperationSpec = spec("ocr", Accepts::Media(&[Media::Png, Media::Tiff]));
    static DOCUMENT: OperationSpec = spec(
        "document",
        Accepts::Media(&[Media::Pdf, Media::Docx, Media::Html, Media::Eml, Media::Text]),
    );
    static TEXT: OperationSpec = spec("text", Accepts::Media(&[Media::Text, Media::Html]));
    static COMMAND: OperationSpec = spec("command", Accepts::AnyFile);

    fn decide(choice: Choice, path: &str, media: Media) -> String {
        sort(choice, path, media, false, vec![&AUDIO, &COMMAND, &TEXT, &DOCUMENT, &IMAGE, &OCR])
    }

    fn sort(
        choice: Choice,
        path: &str,
        media: Media,
        is_paper: bool,
        operations: Vec<&'static OperationSpec>,
    ) -> String {
        let request = Request {
            paths: Vec::new(),
            choice,
            operations,
            excluded: Vec::new(),
            reader_count: 1,
        };
        match choose(&request, Path::new(path), media, is_paper) {
            Decision::Take(name) => name.to_owned(),
            Decision::Skip { reason } => format!("skip: {reason}"),
            Decision::Refuse { code, cause, .. } => format!("{code}: {cause}"),
        }
    }

    fn auto(path: &str, media: Media) -> String {
        decide(Choice::Auto { skip: vec![] }, path, media)
    }

    fn one(name: &str, path: &str, media: Media) -> String {
        decide(Choice::One(name.to_owned()), path, media)
    }

    #[test]
    fn auto_goes_by_content() {
        assert_eq!(auto("a.bin", Media::Png), "image");
        assert_eq!(auto("a.jpg", Media::Png), "image");
        assert_eq!(auto("a", Media::Pdf), "document");
        assert_eq!(auto("a.txt", Media::Text), "text");
        assert_eq!(auto("a.html", Media::Html), "document");
        assert_eq!(auto("a.txt", Media::Eml), "document");
        assert_eq!(auto("a.mp3", Media::Mp3), "audio");
        assert_eq!(auto("a", Media::Wma), "audio");
    }

    #[test]
    fn printed_paper_is_read_unless_that_is_not_wanted_or_not_there() {
        let auto = |skip: &[&str], media, operations: Vec<&'static OperationSpec>| {
            let skip = skip.iter().map(|name| (*name).to_owned()).collect();
            sort(Choice::Auto { skip }, "a", media, true, operations)
        };
        assert_eq!(auto(&[], Media::Png, vec![&IMAGE, &OCR]), "ocr");
        assert_eq!(auto(&["image"], Media::Png, vec![&IMAGE, &OCR]), "ocr");
        assert_eq!(auto(&["ocr"], Media::Png, vec![&IMAGE, &OCR]), "image");
        assert_eq!(auto(&[], Media::Png, vec![&IMAGE]), "image");
        assert_eq!(auto(&[], Media::Text, vec![&TEXT, &OCR]), "text");
        let one = Choice::One("image".to_owned());
        assert_eq!(sort(one, "a.png", Media::Png, true, vec![&IMAGE, &OCR]), "image");
    }

    #[test]
    fn auto_says_why_it_skips() {
        assert_eq!(
            auto("a.xlsx", Media::Xlsx),
            "skip: Excel (XLSX): no operation for this kind yet"
        );
        assert_eq!(auto("a.heic", Media::Heic), "skip: HEIC image: no operation for this kind yet");
        assert_eq!(
            auto("a.zip", Media::Zip),
            "skip: ZIP archive: unpack it to process what it holds"
        );
        assert_eq!(auto("a.dat", Media::Unknown), "skip: not a kind of file that is known here");
        let skip = Choice::Auto { skip: vec!["image".to_owned()] };
        assert_eq!(decide(skip, "a.png", Media::Png), "skip: left out by --skip image");
    }

    #[test]
    fn broken_promises_and_empty_files_are_failures() {
        assert_eq!(
            auto("a.pdf", Media::Html),
            "content_mismatch: named .pdf, but its content is another kind (HTML page)"
        );
        assert_eq!(
            one("image", "a.png", Media::Unknown),
            "content_mismatch: named .png, but its content is of no known kind"
        );
        assert_eq!(auto("a.pdf", Media::Empty), "empty_file: the file is empty");
        assert_eq!(one("command", "a.pdf", Media::Empty), "empty_file: the file is empty");
    }

    #[test]
    fn a_chosen_operation_takes_what_its_spec_says() {
        assert_eq!(one("document", "a.txt", Media::Text), "document");
        assert_eq!(one("command", "a.pdf", Media::Html), "command");
        assert_eq!(
            one("image", "a.pdf", Media::Pdf),
            "not_accepted: image does not take this kind of file (PDF)"
        );
        assert_eq!(one("nothing", "a", Media::Pdf), "not_accepted: there is no operation nothing");
    }
}

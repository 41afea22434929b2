//! What a file name promises, and whether the bytes keep it.

use super::{Family, Media};

/// Extensions, lowercase, that name one kind and nothing else in common use (`ts` is TypeScript as
/// often as a video, `key` and `dat` may be anything: they promise nothing).
pub(super) const EXTENSIONS: &[(Media, &[&str])] = &[
    (Media::Pdf, &["pdf"]),
    (Media::Docx, &["docx", "docm", "dotx", "dotm"]),
    (Media::Xlsx, &["xlsx", "xlsm", "xltx", "xlsb"]),
    (Media::Pptx, &["pptx", "pptm", "ppsx", "potx"]),
    (Media::Odt, &["odt", "ott"]),
    (Media::Ods, &["ods", "ots"]),
    (Media::Odp, &["odp", "otp"]),
    (Media::Epub, &["epub"]),
    (Media::Rtf, &["rtf"]),
    (Media::Doc, &["doc"]),
    (Media::Ole, &["xls", "ppt"]),
    (Media::Png, &["png", "apng"]),
    (Media::Jpeg, &["jpg", "jpeg", "jpe", "jfif"]),
    (Media::WebP, &["webp"]),
    (Media::Gif, &["gif"]),
    (Media::Tiff, &["tif", "tiff"]),
    (Media::Bmp, &["bmp", "dib"]),
    (Media::Heic, &["heic", "heif"]),
    (Media::Avif, &["avif"]),
    (Media::Wav, &["wav", "wave"]),
    (Media::Mp3, &["mp3"]),
    (Media::Flac, &["flac"]),
    (Media::Ogg, &["ogg", "oga", "opus"]),
    (Media::M4a, &["m4a", "m4b"]),
    (Media::Aac, &["aac"]),
    (Media::Aiff, &["aif", "aiff", "aifc"]),
    (Media::Caf, &["caf"]),
    (Media::Amr, &["amr", "awb"]),
    (Media::Wma, &["wma"]),
    (
        Media::Video,
        &["mp4", "m4v", "mov", "mkv", "webm", "avi", "mpg", "mpeg", "wmv", "flv", "3gp", "ogv"],
    ),
    (Media::Html, &["html", "htm", "xhtml"]),
    (Media::Eml, &["eml"]),
    (
        Media::Text,
        &[
            "txt",
            "text",
            "md",
            "markdown",
            "rst",
            "adoc",
            "org",
            "tex",
            "bib",
            "srt",
            "vtt",
            "csv",
            "tsv",
            "json",
            "jsonl",
            "ndjson",
            "geojson",
            "xml",
            "xsl",
            "xsd",
            "svg",
            "yaml",
            "yml",
            "toml",
            "ini",
            "cfg",
            "conf",
            "properties",
            "log",
            "diff",
            "patch",
            "sql",
            "py",
            "pyi",
            "ipynb",
            "rs",
            "c",
            "h",
            "cc",
            "cpp",
            "cxx",
            "hpp",
            "hxx",
            "cs",
            "java",
            "kt",
            "scala",
            "groovy",
            "gradle",
            "go",
            "swift",
            "js",
            "mjs",
            "cjs",
            "jsx",
            "tsx",
            "vue",
            "css",
            "scss",
            "less",
            "php",
            "rb",
            "pl",
            "pm",
            "lua",
            "r",
            "jl",
            "hs",
            "erl",
            "ex",
            "exs",
            "clj",
            "lisp",
            "el",
            "dart",
            "zig",
            "nim",
            "sh",
            "bash",
            "zsh",
            "fish",
            "ps1",
            "bat",
            "cmake",
            "proto",
            "ics",
            "vcf",
            "po",
            "gpx",
            "kml",
        ],
    ),
    (Media::Zip, &["zip", "jar", "apk"]),
    (Media::Archive, &["gz", "tgz", "xz", "txz", "bz2", "tbz2", "zst", "7z", "rar", "tar"]),
    (Media::Program, &["exe", "dll"]),
];

/// What the extension of a file name promises; `None` where it promises nothing. `name` may be a
/// path, in bytes as the file system has it.
#[must_use]
pub fn by_extension(name: &[u8]) -> Option<Media> {
    let name = name.rsplit(|byte| *byte == b'/').next()?;
    let dot = name.iter().rposition(|byte| *byte == b'.')?;
    // `.gitignore` is a name without extension.
    if dot == 0 {
        return None;
    }
    let extension = &name[dot + 1..];
    let names_it = |word: &&str| word.as_bytes().eq_ignore_ascii_case(extension);
    EXTENSIONS.iter().find(|(_, words)| words.iter().any(names_it)).map(|row| row.0)
}

/// Whether the bytes break what the extension promises: a `report.pdf` that holds a web page, a
/// `.txt` that holds a program. A neighbour of the same family (a PNG named `.jpg`) is no
/// contradiction: readers go by the bytes.
#[must_use]
pub fn contradicts(extension: Media, content: Media) -> bool {
    if extension == content || extension.family() == content.family() {
        return false;
    }
    match (extension, content) {
        // Office files and books are ZIP archives; the reverse does not hold.
        (Media::Zip | Media::Archive, inner) => !inner.is_zipped(),
        // RTF is written in plain characters.
        (Media::Text | Media::Html | Media::Eml, Media::Rtf) => false,
        // The same containers hold sound alone or sound with pictures.
        _ => !matches!(
            (extension.family(), content.family()),
            (Family::Audio, Family::Video) | (Family::Video, Family::Audio)
        ),
    }
}

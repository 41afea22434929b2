//! What HTML's elements are: those that begin a line, those that are not shown, those that are
//! empty.

use html5gum::StartTag;

/// Elements whose content is not shown.
pub(super) enum Skipped {
    /// With an end tag of its own, however deep.
    Element { name: String, depth: usize },
    /// That the next block ends as well.
    Loose { name: String },
}

/// Whether what this tag begins is not shown.
pub(super) fn skipped_by(tag: &StartTag<()>, name: &str) -> Option<Skipped> {
    const NEVER_SHOWN: [&str; 13] = [
        "script", "style", "template", "svg", "canvas", "iframe", "noscript", "object", "audio",
        "video", "math", "datalist", "noframes",
    ];
    let style = value(tag, "style").unwrap_or_default().replace([' ', '\t', '\n'], "");
    let style = style.to_ascii_lowercase();
    let is_hidden = NEVER_SHOWN.contains(&name)
        || value(tag, "hidden").is_some()
        || style.contains("display:none")
        || style.contains("visibility:hidden");
    if !is_hidden || tag.self_closing || is_void(name) || matches!(name, "html" | "body") {
        return None;
    }
    let name = name.to_owned();
    Some(match name.as_str() {
        "p" | "li" | "dt" | "dd" | "td" | "th" | "tr" | "option" => Skipped::Loose { name },
        _ => Skipped::Element { name, depth: 1 },
    })
}

/// Elements that have no content and no end tag.
fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "br"
            | "col"
            | "embed"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
    )
}

/// Elements that begin a line of their own.
pub(super) fn is_block(name: &str) -> bool {
    matches!(
        name,
        "p" | "div"
            | "section"
            | "article"
            | "aside"
            | "header"
            | "footer"
            | "main"
            | "nav"
            | "address"
            | "blockquote"
            | "body"
            | "html"
            | "head"
            | "center"
            | "dd"
            | "dl"
            | "dt"
            | "details"
            | "dialog"
            | "dir"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "form"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "hgroup"
            | "hr"
            | "legend"
            | "li"
            | "ol"
            | "ul"
            | "menu"
            | "option"
            | "optgroup"
            | "pre"
            | "search"
            | "select"
            | "summary"
            | "table"
            | "caption"
            | "tbody"
            | "thead"
            | "tfoot"
            | "tr"
            | "td"
            | "th"
    )
}

/// An attribute's text.
pub(super) fn value(tag: &StartTag<()>, name: &str) -> Option<String> {
    let found = tag.attributes.get(name.as_bytes())?;
    Some(String::from_utf8_lossy(&found.value).into_owned())
}

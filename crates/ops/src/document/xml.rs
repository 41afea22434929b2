//! XML read event by event: what every reader of XML parts shares. Never a tree.

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};
use windlass_core::Failure;

/// Elements within elements; office programs' own files stay under 100.
pub(super) const DEPTH_MAX: usize = 2_000;

/// What [`walk`] meets.
pub(super) enum Node<'a, 'b> {
    Start(&'a BytesStart<'b>),
    /// The innermost open element ends; there is one for each start.
    End,
    Text(&'a str),
}

/// Shows a part's elements and texts. Returns what is wrong with damaged XML, which ends where the
/// damage begins.
///
/// # Errors
/// Elements nested too deeply, and whatever `each` returns.
pub(super) fn walk(
    xml: &str,
    mut each: impl FnMut(Node<'_, '_>) -> Result<(), Failure>,
) -> Result<Option<String>, Failure> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = false;
    let mut depth = 0_usize;
    let damage = loop {
        match reader.read_event() {
            Ok(Event::Start(element)) => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return Err(too_deep(DEPTH_MAX));
                }
                each(Node::Start(&element))?;
            }
            Ok(Event::Empty(element)) => {
                each(Node::Start(&element))?;
                each(Node::End)?;
            }
            Ok(Event::End(_)) if depth > 0 => {
                depth -= 1;
                each(Node::End)?;
            }
            Ok(Event::Text(text)) => each(Node::Text(&text))?,
            Ok(Event::CData(text)) => each(Node::Text(&text))?,
            Ok(Event::GeneralRef(reference)) => {
                let mut text = String::new();
                push_reference(&reference, &mut text);
                each(Node::Text(&text))?;
            }
            Ok(Event::Eof) => break None,
            Ok(_) => {}
            Err(error) => break Some(error.to_string()),
        }
    };
    for _ in 0..depth {
        each(Node::End)?;
    }
    Ok(damage)
}

/// Shows every start tag of a small part; stops silently where the XML is damaged.
pub(super) fn each_element(xml: &str, mut each: impl FnMut(&BytesStart<'_>)) {
    let mut reader = Reader::from_str(xml);
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(element) | Event::Empty(element) => each(&element),
            Event::Eof => break,
            _ => {}
        }
    }
}

/// An attribute by its name without prefix.
pub(super) fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = element.attributes();
    let attributes = attributes.with_checks(false);
    let found = attributes.flatten().find(|found| found.key.local_name().as_ref() == name)?;
    Some(match quick_xml::escape::unescape(&found.value) {
        Ok(value) => value.into_owned(),
        Err(_) => found.value.to_string(),
    })
}

/// The text of the first element of this name.
pub(super) fn element_text(xml: &str, name: &str) -> String {
    let mut reader = Reader::from_str(xml);
    let mut text = String::new();
    let mut inside = false;
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(element) => inside |= element.local_name().as_ref() == name,
            Event::End(_) if inside => break,
            Event::Text(piece) if inside => text.push_str(&piece),
            Event::CData(piece) if inside => text.push_str(&piece),
            Event::GeneralRef(reference) if inside => push_reference(&reference, &mut text),
            Event::Eof => break,
            _ => {}
        }
    }
    text.trim().to_owned()
}

/// Adds the character that `&name;` or `&#number;` stands for; unknown ones add nothing.
pub(super) fn push_reference(reference: &BytesRef<'_>, text: &mut String) {
    match reference.resolve_char_ref() {
        Ok(Some(c)) => text.push(c),
        _ => text.push_str(quick_xml::escape::resolve_xml_entity(reference).unwrap_or_default()),
    }
}

/// Too deep a nesting of elements.
pub(super) fn too_deep(depth_max: usize) -> Failure {
    Failure::rejected(
        "nested_too_deep",
        format!("elements of the document are nested more than {depth_max} deep"),
        "Open it in a word processor, repair it and save it again.",
    )
}

//! A document as JSON: its blocks, page texts, outline, links and attachments.

use super::model::{Attachment, Block, Document, Entry, Line, Link, Metadata, Table};
use serde_json::{Map, Value, json};

/// What both the analysis and the whole structure say about a document beside its text.
pub(super) fn surroundings(fields: &mut Map<String, Value>, document: &Document) {
    fields.insert("metadata".to_owned(), metadata(&document.metadata));
    let list = |values: Vec<Value>| Value::Array(values);
    fields.insert("outline".to_owned(), list(document.outline.iter().map(entry).collect()));
    fields.insert("links".to_owned(), list(document.links.iter().map(link).collect()));
    let attachments = document.attachments.iter().map(attachment).collect();
    fields.insert("attachments".to_owned(), list(attachments));
}

/// The whole document: `fields` of the analysis, then `pages` and `blocks`.
pub(super) fn json(mut fields: Map<String, Value>, document: &Document, text: &str) -> Vec<u8> {
    fields.remove("text_content");
    if document.has_pages || document.blocks.iter().any(|it| matches!(it, Block::Break(_))) {
        let pages = text.split('\u{C}').enumerate();
        let pages = pages.map(|(index, text)| json!({"number": index + 1, "text": text}));
        fields.insert("pages".to_owned(), pages.collect());
    }
    let head = serde_json::to_string(&Value::Object(fields)).expect("strings and numbers");
    let mut out = head.into_bytes();
    // Blocks are written one by one: a tree of all of them would take several times their memory.
    out.pop();
    out.extend_from_slice(b",\"blocks\":[\n");
    for (index, one) in document.blocks.iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(b",\n");
        }
        match one {
            Block::Table(table) => push_table(&mut out, table),
            one => serde_json::to_writer(&mut out, &block(one)).expect("memory takes it"),
        }
    }
    out.extend_from_slice(b"\n]}\n");
    out
}

/// Row by row, for tables of millions of cells.
fn push_table(out: &mut Vec<u8>, table: &Table) {
    out.extend_from_slice(b"{\"kind\":\"table\",\"rows\":[");
    for (index, row) in table.rows().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let row: Vec<&str> = row.collect();
        serde_json::to_writer(&mut *out, &row).expect("memory takes it");
    }
    out.extend_from_slice(b"]}");
}

/// A block that is small; tables are not.
fn block(block: &Block) -> Value {
    match block {
        Block::Heading(level, line) => with_line(json!({"kind": "heading", "level": level}), line),
        Block::Paragraph(line) => with_line(json!({"kind": "paragraph"}), line),
        Block::Item { depth, marker, line } => {
            with_line(json!({"kind": "item", "depth": depth, "marker": marker}), line)
        }
        Block::Table(_) => Value::Null,
        Block::Break(found) => {
            let mut value = json!({"kind": found.kind.word(), "number": found.number});
            if let Some(name) = &found.name {
                value["name"] = json!(name);
            }
            value
        }
    }
}

fn with_line(mut value: Value, line: &Line) -> Value {
    value["text"] = json!(line.text);
    if !line.links.is_empty() {
        let links = line.links.iter();
        let links =
            links.map(|(range, to)| json!({"text": line.text[range.clone()], "target": to}));
        value["links"] = links.collect();
    }
    value
}

fn metadata(metadata: &Metadata) -> Value {
    json!({
        "title": metadata.title,
        "author": metadata.author,
        "subject": metadata.subject,
        "creator": metadata.creator,
    })
}

fn entry(entry: &Entry) -> Value {
    json!({"level": entry.level, "title": entry.title, "page": entry.page})
}

fn link(link: &Link) -> Value {
    json!({"text": link.text, "target": link.target, "page": link.page})
}

fn attachment(attachment: &Attachment) -> Value {
    json!({
        "name": attachment.name,
        "media_type": attachment.media_type,
        "size": attachment.size,
    })
}

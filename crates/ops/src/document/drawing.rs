//! DrawingML: the texts of shapes on slides and sheets, with their titles, lists, tables and links.

use super::builder::{Builder, Kind};
use super::package::Relations;
use super::xml::{Node, attribute, walk};
use quick_xml::events::BytesStart;
use windlass_core::Failure;

/// What the shapes of a part refer to, and which of them are wanted.
pub(super) struct Drawing<'a> {
    pub(super) relations: &'a Relations,
    /// Of a slide's notes only the body is one; the rest repeats the slide.
    pub(super) body_only: bool,
}

/// What an open element means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Shape,
    Paragraph,
    Run,
    Text,
    Table,
    Row,
    Cell,
    /// Content that is left out, and what is in it.
    Skipped,
    Other,
}

/// What a shape is for, as its placeholder says.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Role {
    #[default]
    Free,
    Title,
    Body,
    /// The slide's number.
    Left,
}

#[derive(Default)]
struct Reader {
    open: Vec<Open>,
    role: Role,
    depth: u8,
    has_bullet: bool,
    /// What a numbered list begins with, and how far each depth has counted.
    number: Option<u32>,
    counts: [u32; 9],
    link: Option<String>,
}

/// Adds the texts of a part.
///
/// # Errors
/// Elements nested too deeply.
pub(super) fn push_texts(
    xml: &str,
    drawing: &Drawing<'_>,
    builder: &mut Builder,
) -> Result<(), Failure> {
    let mut reader = Reader::default();
    let damage = walk(xml, |node| {
        match node {
            Node::Start(element) => reader.start(element, drawing, builder),
            Node::Text(text) if reader.open.last() == Some(&Open::Text) => {
                if reader.is_wanted(drawing) {
                    builder.push(text);
                }
            }
            Node::Text(_) => {}
            Node::End => reader.end(builder),
        }
        Ok(())
    })?;
    builder.flush();
    if damage.is_some() {
        let warning = "a part is damaged; its text may be incomplete".to_owned();
        builder.document.warnings.push(warning);
    }
    Ok(())
}

impl Reader {
    fn is_wanted(&self, drawing: &Drawing<'_>) -> bool {
        match self.role {
            Role::Left => false,
            Role::Body => true,
            Role::Free | Role::Title => !drawing.body_only,
        }
    }

    fn start(&mut self, element: &BytesStart<'_>, drawing: &Drawing<'_>, builder: &mut Builder) {
        let name = element.local_name();
        let is_skipped = matches!(self.open.last(), Some(Open::Skipped));
        let open = match name.as_ref() {
            _ if is_skipped => Open::Skipped,
            "Fallback" => Open::Skipped,
            "sp" | "graphicFrame" | "pic" | "cxnSp" => {
                builder.flush();
                (self.role, self.counts) = (Role::Free, [0; 9]);
                Open::Shape
            }
            "ph" => {
                self.role = role(attribute(element, "type").as_deref());
                Open::Other
            }
            "p" => {
                builder.flush();
                let has_bullet = self.role == Role::Body && !drawing.body_only;
                (self.depth, self.has_bullet) = (0, has_bullet);
                self.number = None;
                Open::Paragraph
            }
            "r" | "fld" => Open::Run,
            "t" => self.start_text(builder),
            "br" => {
                builder.push_break();
                Open::Other
            }
            "tbl" => {
                builder.start_table();
                Open::Table
            }
            "tr" => Open::Row,
            "tc" => {
                builder.start_cell();
                Open::Cell
            }
            name => {
                self.property(name, element, drawing);
                Open::Other
            }
        };
        self.open.push(open);
    }

    fn start_text(&mut self, builder: &mut Builder) -> Open {
        if let Some(target) = self.link.take() {
            builder.open_link(target);
        }
        Open::Text
    }

    fn property(&mut self, name: &str, element: &BytesStart<'_>, drawing: &Drawing<'_>) {
        match name {
            "pPr" if self.open.last() == Some(&Open::Paragraph) => {
                let level = attribute(element, "lvl").and_then(|level| level.parse::<u8>().ok());
                self.depth = level.unwrap_or(0).min(8);
            }
            "buNone" => self.has_bullet = false,
            "buChar" | "buBlip" if self.role != Role::Title => self.has_bullet = true,
            "buAutoNum" if self.role != Role::Title => {
                let start = attribute(element, "startAt").and_then(|start| start.parse().ok());
                (self.has_bullet, self.number) = (true, Some(start.unwrap_or(1)));
            }
            "hlinkClick" if self.open.contains(&Open::Run) => {
                let id = attribute(element, "id").unwrap_or_default();
                let relation = drawing.relations.get(&id);
                self.link = relation.filter(|it| it.is_external).map(|it| it.target.clone());
            }
            _ => {}
        }
    }

    /// The bullet or number of a list's next paragraph.
    fn marker(&mut self) -> String {
        let depth = usize::from(self.depth);
        self.counts[depth + 1..].fill(0);
        match self.number {
            Some(start) => {
                let count = self.counts[depth];
                self.counts[depth] = count.saturating_add(1);
                format!("{}.", start.saturating_add(count))
            }
            None => {
                self.counts[depth] = 0;
                "\u{2022}".to_owned()
            }
        }
    }

    fn end(&mut self, builder: &mut Builder) {
        match self.open.pop() {
            Some(Open::Paragraph) => {
                let is_title = self.role == Role::Title;
                if is_title && !builder.has_open_table() {
                    builder.set_kind(Kind::Heading(1));
                } else if self.has_bullet && !builder.has_open_table() {
                    let marker = self.marker();
                    builder.set_kind(Kind::Item { depth: self.depth, marker });
                }
                builder.flush();
            }
            Some(Open::Run) => {
                self.link = None;
                builder.close_link();
            }
            Some(Open::Cell) => builder.end_cell(1),
            Some(Open::Row) => builder.end_row(),
            Some(Open::Table) => builder.end_table(),
            Some(Open::Shape) => self.role = Role::Free,
            _ => {}
        }
    }
}

fn role(kind: Option<&str>) -> Role {
    match kind {
        Some("title" | "ctrTitle") => Role::Title,
        Some("sldNum" | "sldImg" | "hdr") => Role::Left,
        Some("subTitle" | "dt" | "ftr") => Role::Free,
        // Without a type it holds the slide's own points.
        _ => Role::Body,
    }
}

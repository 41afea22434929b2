//! Charts of Office Open XML: their titles, and a table of what they draw.

use super::builder::Builder;
use super::package::{Package, Relations, part_names};
use super::xml::{Node, attribute, walk};
use std::collections::{BTreeMap, BTreeSet};
use windlass_core::Failure;

/// Series and points of one chart; a chart of a year's minutes has half a million.
const SERIES_COUNT_MAX: usize = 1_000;
const POINT_COUNT_MAX: usize = 1_000_000;

/// What an open element means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    /// Of the chart or of an axis.
    Title,
    Series,
    /// Within a series: its name, what its points are called, what they are worth.
    Name,
    Labels,
    Values,
    /// A point, whose number is in `Chart::point`.
    Point,
    /// The words of a title, and those of a point.
    Text,
    Value,
    Other,
}

#[derive(Default)]
struct Series {
    name: String,
    values: BTreeMap<u32, String>,
}

/// What a chart draws.
#[derive(Default)]
struct Chart {
    open: Vec<Open>,
    titles: Vec<String>,
    series: Vec<Series>,
    /// Those of the first series that has some count for all.
    labels: BTreeMap<u32, String>,
    /// Whether this series is the one that they come from.
    is_labelling: bool,
    point: u32,
    point_count: usize,
}

/// Adds the charts that a part shows.
///
/// # Errors
/// A chart's part is too large, or nested too deeply.
pub(super) fn push_charts(
    package: &mut Package,
    relations: &Relations,
    folder: &str,
    builder: &mut Builder,
) -> Result<(), Failure> {
    for name in part_names(relations, folder, "chart") {
        let Some(xml) = package.part(&name)? else { continue };
        let mut chart = Chart::default();
        walk(&xml, |node| {
            match node {
                Node::Start(element) => {
                    let name = element.local_name();
                    let point = attribute(element, "idx").and_then(|it| it.parse().ok());
                    chart.start(name.as_ref(), point.unwrap_or(0));
                }
                Node::Text(text) => chart.text(text),
                Node::End => drop(chart.open.pop()),
            }
            Ok(())
        })?;
        chart.push(builder);
    }
    Ok(())
}

impl Chart {
    fn start(&mut self, name: &str, point: u32) {
        let is_in = |part: Open| self.open.contains(&part);
        let open = match name {
            "title" => {
                self.titles.push(String::new());
                Open::Title
            }
            "t" if is_in(Open::Title) => Open::Text,
            "ser" if self.series.len() < SERIES_COUNT_MAX => {
                self.series.push(Series::default());
                self.is_labelling = self.labels.is_empty();
                Open::Series
            }
            "tx" if is_in(Open::Series) => Open::Name,
            "cat" | "xVal" if is_in(Open::Series) => Open::Labels,
            "val" | "yVal" if is_in(Open::Series) => Open::Values,
            "pt" => {
                self.point = point;
                Open::Point
            }
            "v" if is_in(Open::Point) || is_in(Open::Name) => Open::Value,
            _ => Open::Other,
        };
        self.open.push(open);
    }

    fn text(&mut self, text: &str) {
        let is_in = |part: Open| self.open.contains(&part);
        match self.open.last() {
            Some(Open::Text) => self.titles.last_mut().into_iter().for_each(|it| it.push_str(text)),
            Some(Open::Value) => {
                let Some(series) = self.series.last_mut() else { return };
                self.point_count += 1;
                if self.point_count > POINT_COUNT_MAX {
                    return;
                }
                if is_in(Open::Name) {
                    series.name.push_str(text);
                } else if is_in(Open::Values) {
                    series.values.entry(self.point).or_default().push_str(text);
                } else if is_in(Open::Labels) && self.is_labelling {
                    self.labels.entry(self.point).or_default().push_str(text);
                }
            }
            _ => {}
        }
    }

    /// Titles as paragraphs; a row for each point, a column for each series.
    fn push(self, builder: &mut Builder) {
        for title in &self.titles {
            builder.paragraph(title);
        }
        let points = self.series.iter().flat_map(|series| series.values.keys());
        let points: BTreeSet<u32> = points.chain(self.labels.keys()).copied().collect();
        if points.is_empty() {
            return;
        }
        builder.start_table();
        let names = self.series.iter().map(|series| series.name.as_str());
        push_row(builder, std::iter::once("").chain(names));
        for point in points {
            let columns = self.series.iter().map(|series| &series.values);
            let columns = std::iter::once(&self.labels).chain(columns);
            push_row(builder, columns.map(|column| column.get(&point).map_or("", String::as_str)));
            if builder.document.is_full() {
                break;
            }
        }
        builder.end_table();
    }
}

fn push_row<'a>(builder: &mut Builder, cells: impl Iterator<Item = &'a str>) {
    for cell in cells {
        builder.start_cell();
        builder.push(cell);
        builder.end_cell(1);
    }
    builder.end_row();
}

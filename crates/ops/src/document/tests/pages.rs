//! Web pages: what is shown, what is not, tables that are none, encodings.

use super::*;

fn text(html: &str) -> String {
    read(Media::Html, html.as_bytes()).text().to_owned()
}

#[test]
fn what_a_page_shows_is_read() {
    let html = "<!DOCTYPE html><html><head><title> The \n Page </title><style>p{}</style>\
        <meta name=author content='Ada'></head><body><script>var a = '<p>x</p>';</script>\
        <h2>Head</h2><p>one&nbsp;&amp; <b>two</b><br>three<p>four<div hidden>no<div>no</div></div>\
        <p style='display: none'>no<p>five</p><a href='/x'>link</a>\
        <a href='javascript:y()'> run</a>\
        <pre>  a\n   b</pre></body></html>";
    let given = read(Media::Html, html.as_bytes());
    let wanted = "Head\n\none & two\nthree\n\nfour\n\nfive\n\nlink run\n\na\n   b\n";
    assert_eq!(given.text(), wanted);
    let json = given.json();
    assert_eq!(json["document_type"], "HTML");
    assert_eq!(json["metadata"]["title"], "The Page");
    assert_eq!(json["metadata"]["author"], "Ada");
    assert_eq!(json["links"], json!([{"text": "link", "target": "/x", "page": null}]));
}

#[test]
fn lists_are_numbered_and_nested_without_end_tags() {
    let html = "<ul><li>a<ol start=3><li>b<li value=7>c</ol><li><p>d</p></ul><p>e";
    let wanted = "\u{2022} a\n  3. b\n  7. c\n\u{2022} d\n\ne\n";
    assert_eq!(text(html), wanted);
}

#[test]
fn data_is_a_table_and_layout_is_not() {
    let data = "<table><caption>Crew</caption><tr><th>name<th>task<tr><td>Ada<td>hoist</table>";
    assert_eq!(text(data), "Crew\nname\ttask\nAda\thoist\n");
    let layout =
        format!("<table><tr><td><h1>Head</h1><p>text</p></td><td>{data}</td></tr></table>");
    assert_eq!(text(&layout), format!("Head\n\ntext\n\n{}", text(data)));
}

#[test]
fn encodings_are_declared_or_guessed() {
    let russian = encoding_rs::KOI8_R.encode("<meta charset=koi8-r><p>\u{43f}\u{440}\u{438}").0;
    let given = read(Media::Html, &russian);
    assert_eq!(given.text(), "\u{43f}\u{440}\u{438}\n");
    assert_eq!(given.json()["encoding"], "KOI8-R");
    let marked =
        [&b"\xff\xfe"[..], &"<p>x".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()]
            .concat();
    assert_eq!(read(Media::Html, &marked).text(), "x\n");
}

#[test]
fn deep_tags_cost_no_stack() {
    let deep = "<div><table><tr><td>".repeat(50_000) + "x";
    assert_eq!(text(&deep), "x\n");
}

//! Mails (EML) and mailboxes (mbox): what the head says, the body as text or as the page that it
//! is, attachments.

use super::builder::{Builder, Kind};
use super::html::push_html;
use super::mailbox::mails;
use super::model::{Attachment, Document, Metadata};
use mail_parser::{Address, Message, MessageParser, MessagePart, MimeHeaders, PartType};
use memchr::memchr_iter;
use serde_json::{Map, Value, json};
use windlass_core::Failure;

/// Lines with a colon, each of which may be taken for a field of some head and kept.
const FIELD_COUNT_MAX: usize = 1_000_000;
/// Lines that may begin a part.
const PART_COUNT_MAX: usize = 200_000;
/// Mails within mails.
const MESSAGE_DEPTH_MAX: usize = 4;
/// Addresses of one field that are shown.
const ADDRESS_COUNT_MAX: usize = 1_000;

/// Reads a whole file: a mail, or all mails of a mailbox; the facts are those of the first.
pub(super) fn read(bytes: &[u8], is_content_wanted: bool) -> Result<Document, Failure> {
    refuse_endless(bytes)?;
    let mut mails = mails(bytes).into_iter().filter_map(|it| MessageParser::default().parse(it));
    let first = mails.next().ok_or_else(|| {
        Failure::rejected(
            "damaged_mail",
            "the file is a damaged mail: it has no head",
            "Export it again from the mail program.",
        )
    })?;
    let (mut builder, mut mail_count) = (Builder::for_pages(), 1_usize);
    push_message(&first, 0, is_content_wanted, &mut builder);
    let mut is_unreadable = is_encrypted(&first);
    for mail in mails {
        if builder.document.is_full() {
            builder.document.cut();
            break;
        }
        push_message(&mail, 0, is_content_wanted, &mut builder);
        is_unreadable |= is_encrypted(&mail);
        mail_count += 1;
    }
    let mut document = builder.finish();
    document.metadata = Metadata {
        title: first.subject().unwrap_or_default().to_owned(),
        author: first.from().map(shown).unwrap_or_default(),
        subject: first.subject().unwrap_or_default().to_owned(),
        creator: program(&first),
    };
    document.figure("headers", headers(&first));
    document.figure("mail_count", mail_count);
    if is_unreadable {
        let warning = match mail_count {
            1 => "the body is encrypted; only the head of the mail could be read",
            _ => "some bodies are encrypted; only the heads of these mails could be read",
        };
        document.warnings.push(warning.to_owned());
    }
    Ok(document)
}

/// Every field and every part takes memory: what no mail has so many of is refused unread.
fn refuse_endless(bytes: &[u8]) -> Result<(), Failure> {
    let (mut fields, mut parts, mut start) = (0, 0, 0);
    for end in memchr_iter(b'\n', bytes).chain([bytes.len()]) {
        let line = &bytes[start..end.max(start)];
        fields += usize::from(memchr::memchr(b':', &line[..line.len().min(64)]).is_some());
        parts += usize::from(line.starts_with(b"--"));
        start = end + 1;
    }
    if fields > FIELD_COUNT_MAX || parts > PART_COUNT_MAX {
        return Err(Failure::rejected(
            "unpacked_too_large",
            format!("the mail has {fields} lines like fields and {parts} like ends of parts"),
            "If it is a mailbox, export its mails one by one.",
        ));
    }
    Ok(())
}

fn push_message(message: &Message<'_>, depth: usize, wants: bool, builder: &mut Builder) {
    let level = u8::try_from(depth + 1).unwrap_or(9);
    builder.push_collapsed(message.subject().unwrap_or_default());
    builder.set_kind(Kind::Heading(level));
    builder.flush();
    let people = [("From", message.from()), ("To", message.to()), ("Cc", message.cc())];
    for (name, address) in people {
        if let Some(address) = address {
            builder.paragraph(&format!("{name}: {}", shown(address)));
        }
    }
    if let Some(date) = message.date() {
        builder.paragraph(&format!("Date: {}", date.to_rfc3339()));
    }
    push_body(message, builder);
    for part in message.attachments() {
        push_attachment(part, depth, wants, builder);
    }
}

/// The body as plain text where there is one, else the page.
fn push_body(message: &Message<'_>, builder: &mut Builder) {
    let is_text = |part: &MessagePart<'_>| match &part.body {
        PartType::Text(text) => !text.trim().is_empty(),
        _ => false,
    };
    if message.text_bodies().any(is_text) {
        for part in message.text_bodies() {
            match &part.body {
                PartType::Text(text) => push_plain(text, builder),
                PartType::Html(html) => push_html(html, builder),
                _ => {}
            }
        }
        return;
    }
    for part in message.html_bodies() {
        if let PartType::Html(html) = &part.body {
            push_html(html, builder);
        }
    }
}

/// Plain text: an empty line ends a paragraph, other lines stay as they are.
fn push_plain(text: &str, builder: &mut Builder) {
    builder.flush();
    for line in text.lines() {
        if line.trim().is_empty() {
            builder.flush();
            continue;
        }
        if !builder.is_line_empty() {
            builder.push_break();
        }
        builder.push(line.trim_end());
    }
    builder.flush();
}

fn push_attachment(part: &MessagePart<'_>, depth: usize, wants: bool, builder: &mut Builder) {
    let content = match &part.body {
        PartType::Message(inner) => inner.raw_message(),
        _ => part.contents(),
    };
    let kind = part.content_type().map(|kind| match kind.subtype() {
        Some(subtype) => format!("{}/{subtype}", kind.ctype()),
        None => kind.ctype().to_owned(),
    });
    let name = part.attachment_name().map(str::to_owned).unwrap_or_else(|| match &part.body {
        PartType::Message(inner) => format!("{}.eml", inner.subject().unwrap_or("message")),
        _ => "attachment".to_owned(),
    });
    builder.document.push_attachment(Attachment {
        name,
        media_type: kind.unwrap_or_else(|| "application/octet-stream".to_owned()).to_lowercase(),
        size: content.len() as u64,
        content: wants.then(|| content.to_vec()),
    });
    if let PartType::Message(inner) = &part.body
        && depth < MESSAGE_DEPTH_MAX
    {
        push_message(inner, depth + 1, wants, builder);
    }
}

/// `Ada Lovelace <ada@example.org>, …`.
fn shown(address: &Address<'_>) -> String {
    let one = |address: &mail_parser::Addr<'_>| match (address.name(), address.address()) {
        (Some(name), Some(address)) => format!("{name} <{address}>"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => String::new(),
    };
    let all: Vec<String> = address.iter().take(ADDRESS_COUNT_MAX).map(one).collect();
    all.join(", ")
}

fn program(message: &Message<'_>) -> String {
    let field = |name: &'static str| message.header_raw(name).map(|it| it.trim().to_owned());
    field("X-Mailer").or_else(|| field("User-Agent")).unwrap_or_default()
}

fn headers(message: &Message<'_>) -> Value {
    let mut headers = Map::new();
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            headers.insert(name.to_owned(), json!(value));
        }
    };
    put("from", message.from().map(shown));
    put("to", message.to().map(shown));
    put("cc", message.cc().map(shown));
    put("reply_to", message.reply_to().map(shown));
    put("date", message.date().map(mail_parser::DateTime::to_rfc3339));
    put("subject", message.subject().map(str::to_owned));
    put("message_id", message.message_id().map(str::to_owned));
    put("in_reply_to", message.in_reply_to().as_text().map(str::to_owned));
    Value::Object(headers)
}

fn is_encrypted(message: &Message<'_>) -> bool {
    let Some(kind) = message.root_part().content_type() else { return false };
    let subtype = kind.subtype().unwrap_or_default().to_ascii_lowercase();
    match kind.ctype().to_ascii_lowercase().as_str() {
        "multipart" => subtype == "encrypted",
        "application" => {
            subtype.ends_with("pkcs7-mime")
                && kind.attribute("smime-type").is_none_or(|kind| kind.contains("enveloped"))
        }
        _ => false,
    }
}

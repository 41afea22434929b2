//! Mails: head, bodies, attachments, mails within mails.

use super::*;

const MAIL: &str = "From: =?utf-8?q?Ada_L=C3=B6?= <ada@example.org>\r\nTo: b@example.org\r\n\
Subject: The report\r\nDate: Tue, 01 Sep 2026 10:00:00 +0200\r\nMessage-ID: <1@x>\r\n\
MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n\
--B\r\nContent-Type: multipart/alternative; boundary=C\r\n\r\n\
--C\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\
Content-Transfer-Encoding: quoted-printable\r\n\r\n\
Gr=FC=DFe,\r\nAda\r\n\r\nbye\r\n--C\r\nContent-Type: text/html\r\n\r\n<p>page</p>\r\n--C--\r\n\
--B\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=\"../x y.pdf\"\r\n\
Content-Transfer-Encoding: base64\r\n\r\nJVBERi0=\r\n\
--B\r\nContent-Type: message/rfc822\r\n\r\n\
From: c@example.org\r\nSubject: Inner\r\n\r\ninner text\r\n\
--B--\r\n";

#[test]
fn head_body_and_attachments_are_read() {
    let given = process_as(Media::Eml, MAIL.as_bytes(), &[("attachments", "extract")]).unwrap();
    let wanted = "The report\n\nFrom: Ada L\u{f6} <ada@example.org>\n\nTo: b@example.org\n\n\
                  Date: 2026-09-01T10:00:00+02:00\n\nGr\u{fc}\u{df}e,\nAda\n\nbye\n\nInner\n\n\
                  From: c@example.org\n\ninner text\n";
    assert_eq!(given.text(), wanted);
    let json = given.json();
    assert_eq!(json["document_type"], "EML");
    assert_eq!(json["headers"]["from"], "Ada L\u{f6} <ada@example.org>");
    assert_eq!(json["headers"]["message_id"], "1@x");
    assert_eq!(json["metadata"]["subject"], "The report");
    let first = json!({"name": "../x y.pdf", "media_type": "application/pdf", "size": 5});
    assert_eq!(json["attachments"][0], first);
    assert_eq!(json["attachments"][1]["name"], "Inner.eml");
    let (name, content) = &given.artifacts[2];
    assert_eq!(name, "{base}_attachment_01_x_y.pdf");
    assert_eq!(content, b"%PDF-");
}

#[test]
fn all_mails_of_a_mailbox_are_read() {
    let mailbox = "From a@x Tue Sep  1 10:00:00 2026\nFrom: a@example.org\nSubject: One\n\nfirst\n\n\
                   From b@x Wed Sep  2 10:00:00 2026\nFrom: b@example.org\nSubject: Two\n\nsecond\n";
    let given = read(Media::Eml, mailbox.as_bytes());
    let wanted = "One\n\nFrom: a@example.org\n\nfirst\n\nTwo\n\nFrom: b@example.org\n\nsecond\n";
    assert_eq!(given.text(), wanted);
    assert_eq!(given.json()["mail_count"], 2);
    assert_eq!(given.json()["metadata"]["title"], "One");
}

#[test]
fn a_mail_that_is_only_a_page_is_read_as_one() {
    let mail =
        "From: a@example.org\nSubject: S\nContent-Type: text/html\n\n<h1>Hi</h1><p>there</p>";
    assert_eq!(
        read(Media::Eml, mail.as_bytes()).text(),
        "S\n\nFrom: a@example.org\n\nHi\n\nthere\n"
    );
}

#[test]
fn endless_heads_are_refused_unread() {
    let mail = "a:\n".repeat(1_100_000);
    assert_eq!(refused(Media::Eml, mail.as_bytes()).code, "unpacked_too_large");
}

#[test]
fn an_encrypted_mail_says_so() {
    let mail =
        "From: a@example.org\nSubject: S\nContent-Type: multipart/encrypted; boundary=B\n\n--B--\n";
    let given = read(Media::Eml, mail.as_bytes());
    assert_eq!(given.notes, ["the body is encrypted; only the head of the mail could be read"]);
}

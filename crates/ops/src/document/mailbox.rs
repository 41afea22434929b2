//! Mailboxes (mbox, RFC 4155): mails one behind the other, each behind a line that begins with
//! `From ` and names who sent it and when.

const MARK: &[u8] = b"From ";
/// Longest name of a field that is looked for.
const NAME_BYTES_MAX: usize = 76;

/// The mails of a file, without the lines between them; a mail that stands alone is one of them.
pub(super) fn mails(bytes: &[u8]) -> Vec<&[u8]> {
    let mut starts = Vec::new();
    let mut follows_empty = true;
    let mut at = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let behind = at + line.len();
        // A sentence may begin with these letters too: a head follows the line of a mailbox.
        if follows_empty && line.starts_with(MARK) && begins_with_field(&bytes[behind..]) {
            starts.push((at, behind));
        }
        follows_empty = line == b"\n" || line == b"\r\n";
        at = behind;
    }
    if starts.first().is_none_or(|(mark, _)| *mark > 0) {
        return vec![bytes];
    }
    let ends = starts.iter().skip(1).map(|(mark, _)| *mark).chain([bytes.len()]);
    starts.iter().zip(ends).map(|((_, start), end)| &bytes[*start..end]).collect()
}

fn begins_with_field(bytes: &[u8]) -> bool {
    let name = bytes.iter().take(NAME_BYTES_MAX).position(|byte| *byte == b':');
    name.is_some_and(|end| end > 0 && bytes[..end].iter().all(u8::is_ascii_graphic))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(mailbox: &str) -> Vec<&str> {
        let mails = mails(mailbox.as_bytes()).into_iter();
        mails.map(|mail| std::str::from_utf8(mail).expect("as it was given")).collect()
    }

    #[test]
    fn mails_stand_behind_their_marks() {
        let mailbox = "From a@b Tue\nSubject: 1\n\none\n\nFrom here on: no mail\n\n\
                       From c@d Wed\r\nSubject: 2\r\n\r\ntwo\r\n";
        let [first, second] = texts(mailbox)[..] else { panic!("{:?}", texts(mailbox)) };
        assert!(first.starts_with("Subject: 1\n") && first.contains("From here on"), "{first}");
        assert_eq!(second, "Subject: 2\r\n\r\ntwo\r\n");
    }

    #[test]
    fn a_mail_alone_is_one() {
        for mail in ["Subject: 1\n\nFrom a@b Tue\n\nFrom: c\n", "", "From \n"] {
            assert_eq!(texts(mail), [mail]);
        }
    }
}

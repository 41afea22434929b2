//! Every target of this build.

use super::{
    client, core, documents, journal, ops, records, sandbox, senses, session, wire, worker,
};
use crate::target::Target;

/// In the order in which they are run.
pub const TARGETS: &[Target] = &[
    core::BATCH,
    core::CHUNK,
    core::MANIFEST,
    core::PARAMS,
    core::MEDIA,
    core::SNAPSHOT,
    journal::JOURNAL,
    client::MEMORANDUM,
    client::PATTERN,
    worker::ANSWER,
    worker::REQUEST,
    sandbox::CHILD_FRAME,
    sandbox::PARENT_FRAME,
    wire::TO_MASTER,
    wire::TO_WORKER,
    session::SESSION,
    ops::TEXT,
    ops::WORD_COUNT,
    documents::DOCX,
    ops::PDF_STRING,
    documents::OFFICE,
    documents::RICH_TEXT,
    documents::WEB_PAGE,
    documents::MAIL,
    senses::PICTURE,
    senses::SOUND,
    records::SHARD,
    records::ROWS,
];

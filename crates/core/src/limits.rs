//! Every bound in one place; a queue, a retry or a read without a name here is a mistake.

/// Tasks of one chunk of inputs.
pub const CHUNK_TASK_COUNT_MAX: usize = 4_096;
/// A chunk of inputs up to this size lies in its entry, a larger one in a blob.
pub const CHUNK_INLINE_BYTES_MAX: usize = 16 * 1_024;
/// Body of a record.
pub const RECORD_BYTES_MAX: usize = 512 * 1_024;
/// An entry: a record holds one whole, behind its own head.
pub const ENTRY_BYTES_MAX: usize = RECORD_BYTES_MAX - 64;
/// KiB of record bodies between two snapshots of a small state, unless set otherwise; of a larger
/// one as many as it has itself, so that snapshots never cost more than the log.
pub const SNAPSHOT_KB_MIN: u64 = 4 << 10;
/// A failure's cause and next step together.
pub const CAUSE_BYTES_MAX: usize = 512;
/// Artifacts up to this size lie in the manifest itself: a small result costs one file and one
/// sync.
pub const ARTIFACT_INLINE_BYTES_MAX: usize = 16 * 1_024;
/// Bound on a stored manifest.
pub const MANIFEST_BYTES_MAX: u64 = 64 << 20;
/// Bound on a stored chunk: 4,096 inputs with the longest paths.
pub const CHUNK_BYTES_MAX: u64 = 64 << 20;
/// Failures of one task in a round before it is quarantined.
pub const TASK_FAILURE_COUNT_MAX: u8 = 3;
/// Workers that one task may lose in a round; a limit of its own, since the task need not be to
/// blame.
pub const TASK_WORKER_LOST_COUNT_MAX: u8 = 20;
/// How long a task goes on trying to reach what is unavailable.
pub const UNAVAILABLE_MS_MAX: u64 = 3_600_000;
/// First pause after something was unavailable; doubles with each failure.
pub const BACKOFF_MS_MIN: u64 = 500;
/// Longest pause after something was unavailable.
pub const BACKOFF_MS_MAX: u64 = 60_000;
/// Tokens that a cluster knows, revoked ones too until their room is needed.
pub const TOKEN_COUNT_MAX: usize = 1_000;
/// A token's name for people.
pub const TOKEN_NAME_BYTES_MAX: usize = 64;
/// A worker silent for so long is lost.
pub const LEASE_MS: u64 = 3_000;
/// A worker says that it lives this often.
pub const HEARTBEAT_MS: u64 = 500;
/// An attempt without progress for so long is cancelled, killed and retried.
pub const PROGRESS_TIMEOUT_MS: u64 = 10_000;
/// An attempt's total time, unless its operation says otherwise.
pub const ATTEMPT_MS_MAX: u64 = 600_000;
/// Credit of one slot: at least two, so that the next task waits at the slot.
pub const SLOT_CREDIT_MIN: u32 = 2;
/// Credit of one slot: no more than this, however short the tasks.
pub const SLOT_CREDIT_MAX: u32 = 1_024;
/// Work that a slot should hold ahead of itself.
pub const SLOT_AHEAD_MS: u64 = 20;
/// Work that is handed to a slot at once: handing over costs some microseconds, and what a slot has
/// cannot be given to another one.
pub const SLOT_BATCH_US: u64 = 500;
/// Attempts that are handed to a slot at once, however short they are.
pub const SLOT_BATCH_MAX: usize = 128;
/// Tasks with results that a worker answers as one run: 128 KiB of manifest ids, which leaves room
/// for others in a record.
pub const ENDED_RUN_TASK_COUNT_MAX: usize = 4_096;
/// Such runs in one message.
pub const ENDED_RUN_COUNT_MAX: usize = 4_096;
/// Crashes of an operation in a row, without one answer, after which a worker offers it no more.
pub const CRASH_LOOP_COUNT_MAX: u32 = 20;
/// Different inputs among them: fewer are poison files, and three tries each are theirs.
pub const CRASH_LOOP_INPUT_COUNT_MIN: usize = 8;
/// Executors in a row that do not start, after which a worker offers nothing that runs in them.
pub const START_FAILURE_COUNT_MAX: u32 = 10;
/// Crashes in a row after which the next executor starts at once.
pub const RESTART_FREE_COUNT: u32 = 3;
/// First pause before an executor is started again; doubles. All pauses of a crash loop together
/// last 8 s, those of executors that do not start 3 s.
pub const RESTART_PAUSE_MS_MIN: u64 = 20;
/// Longest such pause.
pub const RESTART_PAUSE_MS_MAX: u64 = 640;
/// Tasks that are ended at a time because nobody will ever make them.
pub const ABANDONED_COUNT_MAX: usize = 1_024;
/// Events kept of a job, the newest ones: with their texts some 30 KB.
pub const JOB_EVENT_COUNT_MAX: usize = 128;
/// Bytes of a cause, or of who or why, in such an event.
pub const JOB_EVENT_TEXT_BYTES_MAX: usize = 160;
/// Bytes of a job's name: an operation and the longest path, each byte of it shown by four.
pub const JOB_NAME_BYTES_MAX: usize = 20 * 1_024;
/// Tasks of a phase: 200 MB of a snapshot.
pub const PHASE_TASK_COUNT_MAX: u32 = 100_000_000;
/// Phases of a job.
pub const JOB_PHASE_COUNT_MAX: usize = 64;
/// Bytes of an operation's parameters, normalised.
pub const PARAMS_BYTES_MAX: usize = 64 * 1_024;
/// Artifacts of one task.
pub const ARTIFACT_COUNT_MAX: usize = 256;
/// Warnings kept of one task's result.
pub const NOTE_COUNT_MAX: usize = 20;
/// One of them.
pub const NOTE_BYTES_MAX: usize = 512;
/// A primary renews its tenure this often.
pub const TENURE_RENEW_MS: u64 = 250;
/// A primary hands out tasks so long after sending its last successful renewal. With clocks that
/// run 5 % wrong this is over after at most 790 ms, when no candidate's patience (950 ms at least)
/// is.
pub const TENURE_DISPATCH_MS: u64 = 750;
/// A candidate takes over once the tenure cell has stood still for so long.
pub const TENURE_PATIENCE_MS: u64 = 1_000;
/// A candidate reads the tenure cell this often.
pub const TENURE_READ_MS: u64 = 100;
/// An answer of the tenure cell that takes longer says nothing about now.
pub const TENURE_ANSWER_MS_MAX: u64 = 300;
/// Renewals without an answer that are remembered.
pub const TENURE_UNANSWERED_COUNT_MAX: usize = 8;
/// A master whose loop has not turned for so long renews nothing.
pub const LOOP_STILL_MS_MAX: u64 = 2_000;
/// A wall clock that runs ahead of the time that has passed by more than this is not believed.
pub const CLOCK_JUMP_MS_MAX: u64 = 3_600_000;
/// Clusters of which a worker remembers the highest epoch.
pub const SEAT_CLUSTER_COUNT_MAX: usize = 16;
/// Days for which an ended job is kept, unless set otherwise.
pub const JOB_KEPT_DAYS_MAX: u64 = 30;
/// Settled tasks of ended jobs that are kept, unless set otherwise: at 64 bytes each 320 MB of
/// memory.
pub const SETTLED_TASK_COUNT_MAX: u64 = 5_000_000;
/// Megabytes of results kept for the memo, unless set otherwise.
pub const MEMO_MB_MAX: u64 = 10_240;
/// Hours that lie at least between the last use of a blob and its move to the trash, and again
/// between that and its end, unless set otherwise. Whatever is stored is named by an entry within
/// this time, or it is lost: uploads take minutes, and an attempt stores its results at its end.
pub const BLOB_GRACE_HOURS: u64 = 24;
/// How long a process that has done its work stays for a collection that is due: what 10,000
/// results take, and not long enough to be waited for.
pub const COLLECTION_TURN_MS: u64 = 500;
/// The same where no collection has come to its end for [`COLLECTION_OVERDUE_GRACE_COUNT`] graces.
pub const COLLECTION_OVERDUE_TURN_MS: u64 = 30_000;
/// Graces without a whole collection after which one is given more time.
pub const COLLECTION_OVERDUE_GRACE_COUNT: u64 = 7;
/// How often a master looks whether jobs are to be forgotten or a collection is due.
pub const KEEPING_CHECK_MS: u64 = 3_600_000;
/// Tasks looked at in one turn of the loop when the roots of a collection are asked for.
pub const ROOT_PAGE_TASK_COUNT_MAX: u32 = 4_096;
/// Bytes of the name of a record set or a group.
pub const RECORD_NAME_BYTES_MAX: usize = 64;
/// Bytes of the name of a field.
pub const RECORD_FIELD_NAME_BYTES_MAX: usize = 256;
/// Shards of a record set: a group each.
pub const RECORD_SHARD_COUNT_MAX: usize = 256;
/// Instances of a group.
pub const RECORD_REPLICA_COUNT_MAX: u32 = 64;
/// Indexed fields beside the key: each costs eight bytes a row.
pub const RECORD_INDEXED_FIELD_COUNT_MAX: usize = 8;
/// Conditions of a query.
pub const RECORD_CONDITION_COUNT_MAX: usize = 16;
/// Bytes of a row in its file.
pub const RECORD_ROW_BYTES_MAX: usize = 1 << 20;
/// Objects and arrays inside each other in a row: readers of JSON follow 128, some fewer.
pub const RECORD_ROW_DEPTH_MAX: usize = 64;
/// Bytes of a shard: positions in it take 32 bits.
pub const RECORD_SHARD_BYTES_MAX: u64 = 4_000_000_000;
/// Bad rows that are listed one by one; all are counted.
pub const RECORD_BAD_ROW_COUNT_MAX: usize = 100;
/// Operations that a worker offers or withdraws.
pub const WORKER_OFFER_COUNT_MAX: usize = 1_024;
/// Bytes of an operation's name.
pub const OPERATION_NAME_BYTES_MAX: usize = 64;
/// Workers that are not connected and stay listed; beyond, the one gone longest is forgotten.
pub const ABSENT_WORKER_COUNT_MAX: usize = 1_024;
/// A worker that says nothing for so long is mentioned: two heartbeats have not come.
pub const WORKER_SILENT_MS: u64 = 2 * HEARTBEAT_MS;
/// Names that a reason why nothing moves lists.
pub const STALL_NAME_COUNT_MAX: usize = 8;
/// A reason why nothing moves is news once it has stood for so long; the log looks as often.
pub const STALL_NEWS_MS: u64 = 1_000;
/// Open jobs that are told at a glance.
pub const OVERVIEW_JOB_COUNT_MAX: usize = 64;
/// Reasons why nothing moves that are told at once.
pub const STALL_COUNT_MAX: usize = 64;
/// Record sets of a cluster, unless set otherwise.
pub const RECORD_SET_COUNT_MAX: u64 = 256;
/// Groups that one worker is pinned to.
pub const RECORD_PIN_COUNT_MAX: usize = 256;
/// Look-ups that are open at once; what comes above is refused.
pub const LOOKUP_OPEN_COUNT_MAX: usize = 10_000;
/// Questions in the hands of one worker; more wait at the master: what lies in a connection beyond
/// its bounds is taken for a worker that does not keep up.
pub const LOOKUP_TICKET_COUNT_MAX: usize = 2_048;
/// A worker that has had so many gets the next ones when it has this many left: few at a time would
/// cost everybody a waking each.
pub const LOOKUP_TICKET_COUNT_LOW: usize = 1_024;
/// How long a look-up may take, unless the asker says otherwise: a group that is still loading is
/// waited for.
pub const LOOKUP_MS_DEFAULT: u64 = 10_000;
/// How long it may take at most.
pub const LOOKUP_MS_MAX: u64 = 600_000;
/// How long an instance may take at least before a second one of its group is asked as well.
pub const LOOKUP_SECOND_MS_MIN: u64 = 50;
/// And at most, where answers usually take long: less than a lease, after which a hung worker is
/// lost.
pub const LOOKUP_SECOND_MS_MAX: u64 = 1_000;
/// Rows of one answer, of all groups together; more are asked for with another look-up.
pub const LOOKUP_ROW_COUNT_MAX: usize = 10_000;
/// Bytes of these rows, of all groups together; but a row of each group always fits.
pub const LOOKUP_BYTES_MAX: usize = 1 << 20;
/// Bytes of what a worker says of a group that it cannot serve.
pub const SHELF_CAUSE_BYTES_MAX: usize = 512;
/// Pause before a worker is asked again to serve what it could not.
pub const SHELF_RETRY_MS: u64 = 5_000;
/// Calls that are open at once, waiting or at work; what comes above is refused.
pub const CALL_OPEN_COUNT_MAX: usize = 10_000;
/// Calls in a worker's hands for each of its slots: enough that the next one is there when one is
/// answered, few enough that another worker gets what a busy one cannot do.
pub const CALL_SLOT_COUNT_MAX: u32 = 8;
/// Calls that a worker has at work at once: as many as it has slots, but this many at least, so
/// that a long one does not hold up all short ones. They take no slot from tasks.
pub const CALL_RUNNING_COUNT_MIN: u32 = 2;
/// Workers that one call is tried on.
pub const CALL_TRY_COUNT_MAX: usize = 3;
/// How long a call may take, waiting included, unless the caller says less.
pub const CALL_MS_MAX: u64 = 600_000;
/// An answer travels in pieces of at most this size.
pub const CALL_PIECE_BYTES_MAX: u64 = 128 * 1_024;
/// Bytes of one answer that are on their way: what a slow caller has not taken is not sent.
pub const CALL_WINDOW_BYTES: u64 = 1 << 20;
/// Workers or operations that an error about a call names.
pub const CALL_NAMED_COUNT_MAX: usize = 8;
/// Operations with a strategy of their own.
pub const CALL_STRATEGY_COUNT_MAX: usize = 1_024;

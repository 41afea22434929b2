//! Record sets, and look-ups over one stream.

use super::connection::{Client, Line, WireError};
use crate::convert::{look_up_of, part, record_set_of, records_view, stored_shard_of};
use crate::generated as pb;
use crate::host::Gone;
use crate::limits::MESSAGE_BYTES_MAX;
use std::collections::BTreeMap;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use windlass_core::LoadId;
use windlass_core::lookups::{LookupAnswer, LookupRequest, RecordsView};
use windlass_core::records::{Answer, RecordSet, SetName, StoredShard};

/// Look-ups that may wait for the connection.
const OUTGOING_COUNT_MAX: usize = 256;

/// A look-up's number, and its answer or why there is none.
type Looked = (u64, Result<LookupAnswer, String>);

/// Asks; once it is dropped the stream ends.
#[derive(Clone, Debug)]
pub struct LookupSender {
    outgoing: mpsc::Sender<pb::LookUpRequest>,
}

/// Hears the answers, in the order in which they are done.
#[derive(Debug)]
pub struct LookupReceiver {
    client: Client,
    incoming: Streaming<pb::LookUpAnswer>,
    /// Parts of answers that are not whole yet, by their numbers.
    open: BTreeMap<u64, Answer>,
}

impl Client {
    fn record_sets(&self) -> pb::records_client::RecordsClient<Line> {
        pb::records_client::RecordsClient::new(self.line.clone())
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// Makes a record set of shards that were put.
    ///
    /// # Errors
    /// See [`WireError`].
    pub fn load_records(
        &self,
        set: RecordSet,
        stored: Vec<StoredShard>,
        replaces: bool,
    ) -> Result<LoadId, WireError> {
        let asked = pb::LoadRecordsRequest {
            set: Some(record_set_of(set)),
            stored: stored.into_iter().map(stored_shard_of).collect(),
            replace: replaces,
        };
        let loaded = self.ask(self.record_sets().load(asked))?.into_inner();
        Ok(LoadId(loaded.load))
    }

    /// Forgets a record set.
    ///
    /// # Errors
    /// See [`WireError`].
    pub fn drop_records(&self, name: &SetName) -> Result<(), WireError> {
        let asked = pb::DropRecordsRequest { name: name.to_string() };
        self.ask(self.record_sets().drop(asked)).map(drop)
    }

    /// The record sets, by name, and who serves them.
    ///
    /// # Errors
    /// See [`WireError`].
    pub fn records(&self) -> Result<Vec<RecordsView>, WireError> {
        let listed = self.ask(self.record_sets().list(pb::ListRecordsRequest {}))?.into_inner();
        Ok(listed.sets.into_iter().map(records_view).collect::<Result<_, _>>()?)
    }

    /// Opens a stream of look-ups.
    ///
    /// # Errors
    /// See [`WireError`].
    pub fn open_lookups(&self) -> Result<(LookupSender, LookupReceiver), WireError> {
        let (outgoing, asked) = mpsc::channel(OUTGOING_COUNT_MAX);
        let mut service = self.record_sets();
        let incoming = self.ask(service.look_up(ReceiverStream::new(asked)))?.into_inner();
        let open = BTreeMap::new();
        Ok((LookupSender { outgoing }, LookupReceiver { client: self.clone(), incoming, open }))
    }
}

impl LookupSender {
    /// Asks; the number comes back with the answer. Waits where the master does not keep up.
    ///
    /// # Errors
    /// The connection is gone.
    pub fn ask(&self, id: u64, request: LookupRequest) -> Result<(), Gone> {
        self.outgoing.blocking_send(look_up_of(id, request)).map_err(|_| Gone)
    }
}

impl LookupReceiver {
    /// The next whole answer, or why there is none to a look-up.
    ///
    /// # Errors
    /// The stream is over, see [`WireError`].
    pub fn receive(&mut self) -> Result<Looked, WireError> {
        let LookupReceiver { client, incoming, open } = self;
        client.runtime.block_on(async {
            loop {
                let said = incoming.message().await.map_err(|status| client.error(&status))?;
                let Some(said) = said else {
                    let cause = "it ended the stream".to_owned();
                    let address = client.address.clone();
                    return Err(WireError::Lost { address, cause });
                };
                if let Some(done) = take(open, said)? {
                    return Ok(done);
                }
            }
        })
    }
}

/// Takes a part of an answer; answers it once it is whole.
fn take(
    open: &mut BTreeMap<u64, Answer>,
    said: pb::LookUpAnswer,
) -> Result<Option<Looked>, WireError> {
    let pb::LookUpAnswer { id, is_last, load, part: said_part, error } = said;
    if !error.is_empty() {
        open.remove(&id);
        return Ok(Some((id, Err(error))));
    }
    let mut answer = open.remove(&id).unwrap_or_default();
    answer.parts.extend(said_part.map(part).transpose()?);
    if !is_last {
        open.insert(id, answer);
        return Ok(None);
    }
    let load = LoadId(load);
    Ok(Some((id, Ok(LookupAnswer { load, answer, answered: Vec::new() }))))
}

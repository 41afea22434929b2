//! Record sets: loads, lists, and streams of look-ups.

use super::room::Room;
use super::service::Server;
use crate::convert::{Malformed, look_up, part_of, record_set, records_view_of, stored_shard};
use crate::generated as pb;
use crate::host::{Host, HostError};
use crate::records_host::{LookupDone, RecordsHost};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Request, Response, Status, Streaming};
use windlass_core::lookups::{LookupAnswer, LookupError};
use windlass_core::records::SetName;

/// Look-ups of one stream that are at work or whose answers wait for its connection: what comes
/// above is not read.
const OPEN_COUNT_MAX: usize = 256;

type Answers = mpsc::UnboundedSender<Result<pb::LookUpAnswer, Status>>;

#[tonic::async_trait]
impl<H: Host + RecordsHost> pb::records_server::Records for Server<H> {
    type LookUpStream = Counted;

    async fn load(
        &self,
        request: Request<pb::LoadRecordsRequest>,
    ) -> Result<Response<pb::RecordsLoaded>, Status> {
        let asked = request.into_inner();
        let set = record_set(asked.set)?;
        let stored = asked.stored.into_iter().map(stored_shard).collect::<Result<Vec<_>, _>>()?;
        let blobs = stored.iter().map(|stored| stored.blob).collect();
        let load = self.call(move |host| {
            if let Some(id) = host.missing(blobs)?.first() {
                let text = format!("a shard is blob {id}, which is not there; put it first");
                return Err(HostError::Refused(text));
            }
            host.load_records(set, stored, asked.replace)
        });
        Ok(Response::new(pb::RecordsLoaded { load: load.await?.0 }))
    }

    async fn drop(
        &self,
        request: Request<pb::DropRecordsRequest>,
    ) -> Result<Response<pb::RecordsDropped>, Status> {
        let name: SetName = request
            .into_inner()
            .name
            .try_into()
            .map_err(|_| Malformed("a name of a record set that is none"))?;
        self.call(move |host| host.drop_records(name)).await?;
        Ok(Response::new(pb::RecordsDropped {}))
    }

    async fn list(
        &self,
        _: Request<pb::ListRecordsRequest>,
    ) -> Result<Response<pb::RecordSets>, Status> {
        let sets = self.call(RecordsHost::records).await?;
        let sets = sets.into_iter().map(records_view_of).collect();
        Ok(Response::new(pb::RecordSets { sets }))
    }

    async fn look_up(
        &self,
        request: Request<Streaming<pb::LookUpRequest>>,
    ) -> Result<Response<Self::LookUpStream>, Status> {
        let (outgoing, answers) = mpsc::unbounded_channel();
        let room = Room::of(OPEN_COUNT_MAX);
        let host = Arc::clone(&self.host);
        tokio::spawn(ask_all(host, request.into_inner(), outgoing, room.clone()));
        let answers = UnboundedReceiverStream::new(answers);
        Ok(Response::new(Counted { answers, room }))
    }
}

/// Answers on their way: whenever the last part of one is taken, there is room for another
/// look-up, so that the channel, which has no bound of its own, holds no more than those.
pub(crate) struct Counted {
    answers: UnboundedReceiverStream<Result<pb::LookUpAnswer, Status>>,
    room: Room,
}

impl std::ops::Drop for Counted {
    fn drop(&mut self) {
        self.room.close();
    }
}

impl tokio_stream::Stream for Counted {
    type Item = Result<pb::LookUpAnswer, Status>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        let polled = std::pin::Pin::new(&mut self.answers).poll_next(context);
        if let std::task::Poll::Ready(Some(Ok(answer))) = &polled
            && answer.is_last
        {
            self.room.leave();
        }
        polled
    }
}

/// Hands over what is asked, until the asker is gone or says what makes no sense.
async fn ask_all<H: RecordsHost>(
    host: Arc<H>,
    mut asked: Streaming<pb::LookUpRequest>,
    outgoing: Answers,
    room: Room,
) {
    while let Ok(Some(request)) = asked.message().await {
        let Ok(()) = room.enter().await else { return };
        let id = request.id;
        let request = match look_up(request) {
            Ok(request) => request,
            Err(malformed) => {
                let _ = outgoing.send(Err(malformed.into()));
                return;
            }
        };
        let to_asker = outgoing.clone();
        let take = Box::new(move |done| answer(id, done, &to_asker));
        if let Err(error) = host.look_up(request, take) {
            let _ = outgoing.send(Err(error.into()));
            return;
        }
    }
}

/// Sends an answer part by part; who is gone does not miss it.
fn answer(id: u64, done: LookupDone, outgoing: &Answers) {
    let empty = pb::LookUpAnswer { id, is_last: true, ..pb::LookUpAnswer::default() };
    let LookupAnswer { load, answer, .. } = match done {
        Ok(answer) => answer,
        Err(error @ LookupError::Ended) => {
            let _ = outgoing.send(Err(Status::unavailable(error.to_string())));
            return;
        }
        Err(error) => {
            let error = error.to_string();
            let _ = outgoing.send(Ok(pb::LookUpAnswer { error, ..empty }));
            return;
        }
    };
    let load = load.0;
    let last = answer.parts.len().checked_sub(1);
    if last.is_none() {
        let _ = outgoing.send(Ok(pb::LookUpAnswer { load, ..empty }));
        return;
    }
    for (position, part) in answer.parts.into_iter().enumerate() {
        let (is_last, part) = (Some(position) == last, Some(part_of(part)));
        let said = pb::LookUpAnswer { id, is_last, load, part, error: String::new() };
        if outgoing.send(Ok(said)).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_ends_with_its_master() {
        let (outgoing, mut answers) = mpsc::unbounded_channel();
        answer(1, Err(LookupError::Busy), &outgoing);
        answer(2, Err(LookupError::Ended), &outgoing);
        let busy = answers.try_recv().expect("an answer").expect("of this look-up alone");
        assert!(busy.is_last && busy.error.contains("ask again"), "{busy:?}");
        let ended = answers.try_recv().expect("an answer").expect_err("the end of the stream");
        assert_eq!(ended.code(), tonic::Code::Unavailable);
    }
}

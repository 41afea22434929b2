//! What a worker says of itself at the beginning of a session.

use super::records;
use super::session::round;
use super::words::{Malformed, needed, worker_name};
use crate::generated as pb;
use crate::limits::{PROTOCOL, SLOT_COUNT_MAX};
use windlass_core::Incarnation;
use windlass_core::limits::{ATTEMPT_MS_MAX, OPERATION_NAME_BYTES_MAX, WORKER_OFFER_COUNT_MAX};
use windlass_core::session::{Held, Hello, Offer};

impl From<Hello> for pb::Hello {
    fn from(hello: Hello) -> pb::Hello {
        let offer = pb::Offer::from;
        pb::Hello {
            protocol: PROTOCOL,
            name: hello.name.0,
            incarnation: hello.incarnation.0,
            slots: hello.slots,
            offers: hello.offers.into_iter().map(offer).collect(),
            held: hello.held.into_iter().map(pb::Held::from).collect(),
            serves: hello.serves.map(records::serves_of),
        }
    }
}

impl TryFrom<pb::Hello> for Hello {
    type Error = Malformed;

    fn try_from(hello: pb::Hello) -> Result<Hello, Malformed> {
        if hello.protocol != PROTOCOL {
            return Err(Malformed("a version of the protocol that is not spoken here"));
        }
        if !(1..=SLOT_COUNT_MAX).contains(&hello.slots) {
            return Err(Malformed("a worker that has not 1 to 4096 slots"));
        }
        if hello.offers.len() > WORKER_OFFER_COUNT_MAX {
            return Err(Malformed("a worker that offers more than 1024 operations"));
        }
        if Incarnation(hello.incarnation) == Incarnation::NONE {
            return Err(Malformed("a worker of the incarnation that means none"));
        }
        Ok(Hello {
            name: worker_name(&hello.name)?,
            incarnation: Incarnation(hello.incarnation),
            // Who comes over a connection lives elsewhere.
            in_process: false,
            slots: hello.slots,
            offers: hello.offers.into_iter().map(Offer::try_from).collect::<Result<_, _>>()?,
            held: hello.held.into_iter().map(Held::try_from).collect::<Result<_, _>>()?,
            serves: hello.serves.map(records::serves).transpose()?,
        })
    }
}

impl From<Offer> for pb::Offer {
    fn from(offer: Offer) -> pb::Offer {
        pb::Offer {
            operation: offer.operation,
            version: offer.version,
            attempt_ms_max: offer.attempt_ms_max,
            quiet_ms_max: offer.quiet_ms_max.unwrap_or(0),
        }
    }
}

impl TryFrom<pb::Offer> for Offer {
    type Error = Malformed;

    fn try_from(offer: pb::Offer) -> Result<Offer, Malformed> {
        if offer.operation.is_empty() || offer.operation.len() > OPERATION_NAME_BYTES_MAX {
            return Err(Malformed("an operation's name that is not 1 to 64 bytes"));
        }
        // What is not said is as long as attempts may take.
        let said = |ms: u64| (ms > 0).then_some(ms);
        Ok(Offer {
            operation: offer.operation,
            version: offer.version,
            attempt_ms_max: said(offer.attempt_ms_max).unwrap_or(ATTEMPT_MS_MAX),
            quiet_ms_max: said(offer.quiet_ms_max),
        })
    }
}

impl From<Held> for pb::Held {
    fn from(held: Held) -> pb::Held {
        pb::Held {
            attempt: Some(held.attempt.into()),
            task: Some(held.task.into()),
            round: held.round.0.into(),
        }
    }
}

impl TryFrom<pb::Held> for Held {
    type Error = Malformed;

    fn try_from(held: pb::Held) -> Result<Held, Malformed> {
        Ok(Held {
            attempt: needed(held.attempt, "a held attempt without its id")?.into(),
            task: needed(held.task, "a held attempt without its task")?.try_into()?,
            round: round(held.round)?,
        })
    }
}

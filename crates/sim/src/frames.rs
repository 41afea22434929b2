//! Session messages as they go over a connection: through the real conversion and its bytes, which
//! may lose nothing; and bytes that nobody of ours says.

use windlass_core::random::SplitMix64;
use windlass_core::session::{Hello, ToMaster, ToWorker};
use windlass_wire::bytes;

/// What a master hears of what a worker says.
pub(crate) fn to_master(message: ToMaster) -> Result<ToMaster, String> {
    let heard = bytes::to_master(&bytes::of_to_master(message.clone()));
    match heard {
        // Who comes over a connection lives elsewhere, whatever it says.
        Some(ToMaster::Hello(heard))
            if matches!(&message, ToMaster::Hello(said)
                if *said == Hello { in_process: said.in_process, ..heard.clone() })
                && !heard.in_process =>
        {
            Ok(ToMaster::Hello(heard))
        }
        Some(heard) if heard == message => Ok(heard),
        heard => Err(format!("a worker says {message:?}, its master hears {heard:?}")),
    }
}

/// What a worker hears of what a master says.
pub(crate) fn to_worker(message: ToWorker) -> Result<ToWorker, String> {
    let heard = bytes::to_worker(&bytes::of_to_worker(message.clone()));
    match heard {
        Some(heard) if heard == message => Ok(heard),
        heard => Err(format!("a master says {message:?}, its worker hears {heard:?}")),
    }
}

/// Whether bytes that a broken program has damaged are known for what they are; the others are a
/// hostile program's business, which the fuzzer minds.
pub(crate) fn is_garbage(to_worker: bool, random: &mut SplitMix64) -> bool {
    let mut said = match to_worker {
        true => bytes::of_to_worker(ToWorker::Refused("no".to_owned())),
        false => bytes::of_to_master(ToMaster::Credit(7)),
    };
    for byte in &mut said {
        *byte ^= random.below(256) as u8;
    }
    match to_worker {
        true => bytes::to_worker(&said).is_none(),
        false => bytes::to_master(&said).is_none(),
    }
}

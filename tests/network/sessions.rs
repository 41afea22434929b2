//! Sessions over a network that splits, stands still, is slow, or loses one end.

use crate::cluster::{Cluster, MASTER, Tested, Worker, connected, held, network, submit, until};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::Instant;
use windlass_api::Node;
use windlass_core::BlobId;
use windlass_core::ledger::Results;
use windlass_core::session::ToMaster;
use windlass_wire::WireError;

const QUICK: Duration = Duration::from_millis(1);
/// A peer is asked for a sign of life every second and waited for two.
const NOTICED_WITHIN: Duration = Duration::from_millis(3_500);
const WORKER: &str = "worker";

/// A worker's part in a cluster over a network with this latency, to its end.
fn play<A>(latency: Duration, act: impl FnOnce(Node) -> A)
where
    A: Future<Output = Tested> + 'static,
{
    let cluster = Cluster::start();
    let mut network = network(latency);
    cluster.listen(&mut network);
    network.client(WORKER, act(cluster.node.clone()));
    let ended: Tested = network.run();
    ended.expect("the worker ends");
}

fn is_lost<T>(heard: &Result<T, WireError>) -> bool {
    heard.as_ref().is_err_and(WireError::is_lost)
}

/// Both ends let a silent connection go, the task goes to the next session, and what the worker
/// held of the one before counts for nothing.
#[test]
fn a_partition_is_noticed_at_both_ends_and_a_mended_one_forgotten() {
    play(QUICK, |node| async move {
        let mut worker = Worker::welcomed(&node, "w1", Vec::new()).await;
        submit(&node);
        let before = worker.assigned().await;
        turmoil::partition(WORKER, MASTER);
        let began = Instant::now();
        let heard = worker.hears().await;
        assert!(is_lost(&heard), "{heard:?}");
        until(&node, |view| view.workers.is_empty()).await;
        assert!(began.elapsed() < NOTICED_WITHIN, "{:?}", began.elapsed());
        let refused = Worker::join(&node, "w1", 1, Vec::new()).await;
        assert!(is_lost(&refused), "nobody can be reached");

        turmoil::repair(WORKER, MASTER);
        let mut worker = Worker::welcomed(&node, "w1", vec![held(before)]).await;
        let after = worker.assigned().await;
        assert_ne!(after.attempt, before.attempt);
        worker.makes(after).await;
        Ok(())
    });
}

/// Messages that are only late change nothing, and no end takes the other for gone.
#[test]
fn a_short_standstill_loses_nothing() {
    play(QUICK, |node| async move {
        let mut worker = Worker::welcomed(&node, "w1", Vec::new()).await;
        turmoil::hold(WORKER, MASTER);
        submit(&node);
        tokio::time::sleep(Duration::from_millis(800)).await;
        turmoil::release(WORKER, MASTER);
        let run = worker.assigned().await;
        worker.makes(run).await;
        Ok(())
    });
}

/// Nobody resets the connection: each end gives it up by itself, and what comes through later is
/// nobody's.
#[test]
fn a_long_standstill_ends_the_session_without_a_reset() {
    play(QUICK, |node| async move {
        let mut worker = Worker::welcomed(&node, "w1", Vec::new()).await;
        turmoil::hold(WORKER, MASTER);
        worker.say(ToMaster::Credit(5));
        let began = Instant::now();
        let heard = worker.hears().await;
        assert!(is_lost(&heard), "{heard:?}");
        until(&node, |view| view.workers.is_empty()).await;
        assert!(began.elapsed() < NOTICED_WITHIN, "{:?}", began.elapsed());
        turmoil::release(WORKER, MASTER);
        let mut worker = Worker::welcomed(&node, "w1", Vec::new()).await;
        submit(&node);
        let run = worker.assigned().await;
        worker.makes(run).await;
        until(&node, |view| connected(view) == ["w1"]).await;
        Ok(())
    });
}

/// 400 ms each way: slow is not gone.
#[test]
fn a_slow_connection_stays() {
    play(Duration::from_millis(400), |node| async move {
        let mut worker = Worker::welcomed(&node, "w1", Vec::new()).await;
        let began = Instant::now();
        let silent = tokio::time::timeout(Duration::from_secs(20), worker.hears()).await;
        assert!(silent.is_err(), "{silent:?}");
        submit(&node);
        let run = worker.assigned().await;
        worker.makes(run).await;
        assert!(began.elapsed() > Duration::from_millis(20_800), "two ways at least");
        Ok(())
    });
}

/// The peer is dropped and told why; the master and the other worker go on.
#[test]
fn a_message_that_is_none_drops_its_peer_alone() {
    play(QUICK, |node| async move {
        let mut sound = Worker::welcomed(&node, "w1", Vec::new()).await;
        let mut strange = Worker::join(&node, "w2", 0, Vec::new()).await?;
        match strange.hears().await {
            Err(WireError::Refused(why)) => assert!(why.contains("slots"), "{why}"),
            other => panic!("{other:?} instead of a refusal"),
        }
        // A second greeting in a session is nothing that a worker says.
        let mut again = Worker::welcomed(&node, "w3", Vec::new()).await;
        again.say(ToMaster::Hello(windlass_core::session::Hello {
            name: windlass_core::WorkerName("w3".to_owned()),
            incarnation: windlass_core::Incarnation(1),
            in_process: false,
            slots: 1,
            offers: Vec::new(),
            held: Vec::new(),
            serves: None,
        }));
        assert!(is_lost(&again.hears().await));
        until(&node, |view| connected(view) == ["w1"]).await;
        submit(&node);
        let run = sound.assigned().await;
        sound.makes(run).await;
        Ok(())
    });
}

/// The ledger names no blob that is not there.
#[test]
fn a_task_whose_result_was_never_stored_is_made_again() {
    play(QUICK, |node| async move {
        let mut worker = Worker::welcomed(&node, "w1", Vec::new()).await;
        let job = submit(&node);
        let run = worker.assigned().await;
        let manifests = |bytes| Results::Manifests(vec![BlobId::of(bytes)]);
        worker.ends(run, manifests(b"never stored")).await;
        let counts = || node.handle.job(job).expect("it runs").expect("a job").phases[0].counts;
        assert_eq!((counts().pending, counts().succeeded), (1, 0));
        node.blobs.put(b"stored")?;
        let again = worker.assigned().await;
        worker.ends(again, manifests(b"stored")).await;
        assert_eq!((counts().pending, counts().succeeded), (0, 1));
        Ok(())
    });
}

/// The machine of the services is gone at once and back later: the worker hears of it, and comes
/// back.
#[test]
fn a_worker_comes_back_to_services_that_were_gone() {
    let cluster = Cluster::start();
    let mut network = network(QUICK);
    cluster.listen(&mut network);
    let node = cluster.node.clone();
    let (joined, lost) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(false)));
    let (at_worker, heard_at_worker) = (Rc::clone(&joined), Rc::clone(&lost));
    network.client(WORKER, async move {
        let mut worker = Worker::welcomed(&node, "w1", Vec::new()).await;
        at_worker.set(true);
        assert!(is_lost(&worker.hears().await));
        heard_at_worker.set(true);
        // The services are back whenever the network lets them.
        let mut worker = loop {
            match Worker::join(&node, "w1", 1, Vec::new()).await {
                Ok(worker) => break worker,
                Err(error) => assert!(error.is_lost(), "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        submit(&node);
        let _welcome = worker.hears().await?;
        let run = worker.assigned().await;
        worker.makes(run).await;
        Ok(())
    });
    let until = |network: &mut turmoil::Sim<'_>, is_so: &Cell<bool>| {
        while !is_so.get() {
            network.step().expect("the worker lives");
        }
    };
    until(&mut network, &joined);
    network.crash(MASTER);
    until(&mut network, &lost);
    network.bounce(MASTER);
    let ended: Tested = network.run();
    ended.expect("the worker ends");
}

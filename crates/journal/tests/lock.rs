//! The lock and child processes. In a process of its own: between fork and exec a child holds every
//! descriptor, also those of other tests' locks.

use std::io::Read;
use std::process::{Command, Stdio};
use windlass_journal::StateLock;

/// A child that outlives the holder must not keep the state locked.
#[test]
fn children_do_not_inherit_the_lock() {
    let state = tempfile::tempdir().unwrap();
    let lock = StateLock::acquire(state.path()).unwrap();
    let mut child = Command::new("sh")
        .args(["-c", "echo started; exec sleep 60"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The descriptors are closed late in exec: only what the child says proves that it is over.
    let mut said = [0; 8];
    child.stdout.as_mut().unwrap().read_exact(&mut said).unwrap();
    drop(lock);
    let again = StateLock::acquire(state.path());
    child.kill().unwrap();
    child.wait().unwrap();
    again.unwrap();
}

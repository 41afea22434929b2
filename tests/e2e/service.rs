//! A process that serves, and what it says meanwhile.

use crate::lab::until;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

/// A process that serves, killed when the test is over.
pub(crate) struct Service {
    pub(crate) child: Child,
    said: Arc<Mutex<String>>,
}

impl Service {
    pub(crate) fn start(command: &mut Command) -> Service {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let said = Arc::new(Mutex::new(String::new()));
        listen(child.stderr.take().expect("is piped"), &said);
        listen(child.stdout.take().expect("is piped"), &said);
        Service { child, said }
    }

    /// All that it has said, on both its outputs.
    pub(crate) fn said(&self) -> String {
        self.said.lock().expect("nobody panics with it").clone()
    }

    #[track_caller]
    pub(crate) fn wait_for(&self, words: &str) {
        until(&format!("{words:?} is said, not only {:?}", self.said()), || {
            self.said().contains(words)
        });
    }

    /// The first line that begins so, once it is said. Other lines may have the same words, and
    /// what comes on one output may come later than what was said after it on the other.
    #[track_caller]
    pub(crate) fn line(&self, beginning: &str) -> String {
        let find = || {
            let said = self.said();
            said.lines().find(|line| line.starts_with(beginning)).map(str::to_owned)
        };
        until(&format!("a line begins with {beginning:?}"), || find().is_some());
        find().expect("what was said stays said")
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ended");
    }

    /// Waits until it has ended by itself.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        until("it ends by itself", || self.child.try_wait().expect("it is ours").is_some());
        self.child.wait().expect("it ended")
    }
}

fn listen(output: impl Read + Send + 'static, said: &Arc<Mutex<String>>) {
    let kept = Arc::clone(said);
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let mut kept = kept.lock().expect("nobody panics with it");
            kept.push_str(&line);
            kept.push('\n');
        }
    });
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

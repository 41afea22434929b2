//! Frames between a worker and its child processes.

use super::shape::magnitude;
use crate::target::Target;
use std::path::Path;
use windlass_sandbox::frame::{CommandRequest, FromChild};
use windlass_sandbox::{Bounds, Layers, Profile, User};

pub(super) const CHILD_FRAME: Target = Target {
    name: "child_frame",
    run: child_frame,
    seeds: child_frames,
    fixed_bytes_max: 1 << 10,
    factor_max: 4,
};

pub(super) const PARENT_FRAME: Target = Target {
    name: "parent_frame",
    run: parent_frame,
    seeds: parent_frames,
    fixed_bytes_max: 4 << 10,
    // An empty field of four bytes becomes a string of 24, in vectors that double.
    factor_max: 64,
};

fn child_frame(bytes: &[u8]) -> String {
    let Some(said) = FromChild::decode(bytes) else { return "refused".to_owned() };
    assert_eq!(FromChild::decode(&said.encode()), Some(said), "a frame does not come back");
    match said {
        FromChild::Done(answer) => format!("done {}", magnitude(answer.len())),
        FromChild::Ready(layers) => format!("ready {:?}", layers.user),
        FromChild::Progress { .. } => "progress".to_owned(),
        FromChild::Ended { is_bomb, .. } => format!("ended {is_bomb}"),
        FromChild::Unstarted { .. } => "unstarted".to_owned(),
    }
}

fn child_frames() -> Vec<Vec<u8>> {
    let layers = Layers { user: User::Own, landlock_abi: 6, has_filter: true };
    let said = [
        FromChild::Ready(layers),
        FromChild::Progress { done: 3, total: 12 },
        FromChild::Done(b"an answer"),
        FromChild::Ended { is_bomb: false, status: 256 },
        FromChild::Unstarted { errno: 2 },
    ];
    said.iter().map(FromChild::encode).collect()
}

/// The first byte chooses which child it is meant for.
fn parent_frame(bytes: &[u8]) -> String {
    let Some((which, frame)) = bytes.split_first() else { return "nothing".to_owned() };
    match which % 3 {
        0 => {
            let Some((_, rest)) = Bounds::decode(frame) else { return "no limits".to_owned() };
            format!("limits and {}", magnitude(rest.len()))
        }
        1 => {
            let Some((profile, scratch)) = Profile::decode(frame) else {
                return "no profile".to_owned();
            };
            let again = Profile::decode(&profile.encode(&scratch));
            assert_eq!(again.as_ref(), Some(&(profile.clone(), scratch)), "a profile");
            format!("profile {} {}", profile.network, magnitude(profile.writable.len()))
        }
        _ => {
            let Some(request) = CommandRequest::decode(frame) else {
                return "no command".to_owned();
            };
            assert_eq!(CommandRequest::decode(&request.encode()).as_ref(), Some(&request));
            format!("command {}", magnitude(request.variables.len()))
        }
    }
}

fn parent_frames() -> Vec<Vec<u8>> {
    let writable = vec!["/srv".into(), "/a b".into()];
    let profile = Profile { network: true, writable, hidden: vec!["/state/secrets".into()] };
    let variables = vec![("PWD".into(), "/scratch".into()), ("EMPTY".into(), "".into())];
    let request = CommandRequest { file_bytes_max: 1 << 30, line: "sort -u".into(), variables };
    vec![
        [&[0][..], &[7; 16], b"request"].concat(),
        [&[1][..], &profile.encode(Path::new("/scratch"))].concat(),
        [&[2][..], &request.encode()].concat(),
    ]
}

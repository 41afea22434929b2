//! A wall clock that jumps: a library between the master and the system shows it another time.

use crate::lab::{Lab, not_run, until};
use crate::service::Service;
use std::process::Command;

/// Adds the seconds in the file `CLOCK_AHEAD` to the wall clock, and to nothing else.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec *at) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int done = real(id, at);
    const char *path = getenv("CLOCK_AHEAD");
    if (id == CLOCK_REALTIME && path) {
        FILE *file = fopen(path, "r");
        long ahead = 0;
        if (file) {
            if (fscanf(file, "%ld", &ahead) != 1) ahead = 0;
            fclose(file);
        }
        at->tv_sec += ahead;
    }
    return done;
}
"#;

#[test]
fn a_clock_that_jumped_is_told_and_believed_once_somebody_confirms_it() {
    let lab = Lab::new();
    let (source, shim) = (lab.path("shim.c"), lab.path("shim.so"));
    std::fs::write(&source, SHIM).expect("is written");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).arg(&shim).arg(&source).arg("-ldl");
    if !compiler.status().is_ok_and(|status| status.success()) {
        return not_run("cc", "no C compiler makes a shared library here");
    }
    let mut command = lab.command(&["master", "--listen", "127.0.0.1:0"]);
    command.env("LD_PRELOAD", &shim).env("CLOCK_AHEAD", lab.path("ahead"));
    let master = Service::start(&mut command);
    master.wait_for("Listening on ");
    let status = || lab.run(&["cluster", "status"]).ended(0).stdout.clone();
    let is_told = || status().contains("has jumped 10 h 0 min ahead");
    assert!(!is_told());
    std::fs::write(lab.path("ahead"), "36010").expect("is written");
    until("the jump is told", is_told);
    assert!(status().contains("windlass cluster confirm-clock"));
    let doctor = lab.run(&["doctor"]).stdout;
    assert!(doctor.contains("has jumped"), "{doctor}");
    // By such a clock everything would be old.
    lab.run(&["state", "compact"]).ended(1).said("confirm-clock");
    lab.run(&["cluster", "confirm-clock"]).ended(0);
    assert!(!is_told());
    lab.run(&["state", "compact"]).ended(0);
    let doctor = lab.run(&["doctor"]).stdout;
    assert!(doctor.contains("believed"), "{doctor}");
    // Right again by itself, it is no jump.
    std::fs::write(lab.path("ahead"), "0").expect("is written");
    assert!(!is_told());
}

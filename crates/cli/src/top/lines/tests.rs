//! Frames of every size, and keys.

use super::*;
use crate::top::model::{Key, Looked, News, Wish};
use expect_test::{Expect, expect};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use windlass_core::ledger::Counts;
use windlass_core::overview::{Flow, OpenJob};
use windlass_core::session::{Running, Usage};
use windlass_core::view::{
    AbsentWorker, ClusterView, SlotWork, Stall, StallKind, WaitingWorker, WorkerView,
};
use windlass_core::{AttemptId, Epoch, JobId, PhaseIndex, TaskId, TaskIndex, WorkerName};

fn task(index: u32) -> TaskId {
    TaskId { job: JobId(7), phase: PhaseIndex(0), index: TaskIndex(index) }
}

fn worker(name: &str, slots: u32, running: &[(u32, u32, u64)]) -> WorkerView {
    let work = |&(slot, index, elapsed_ms): &(u32, u32, u64)| SlotWork {
        running: Running {
            slot,
            attempt: AttemptId { epoch: Epoch(3), counter: index.into() },
            task: task(index),
            elapsed_ms,
            quiet_ms: if elapsed_ms > 5_000 { 4_200 } else { 0 },
        },
        operation: Some("document".to_owned()),
    };
    WorkerView {
        name: WorkerName(name.to_owned()),
        place: "10.0.0.7:51432".to_owned(),
        slots,
        draining: false,
        heard_ms_ago: 340,
        held_count: u32::try_from(running.len()).expect("few"),
        held_call_count: 0,
        credit: slots * 2,
        running: running.iter().map(work).collect(),
        usage: Some(Usage { cpu_millicores: 1_970, resident_bytes: 123_456_789 }),
        offers: Vec::new(),
        withdrawn: Vec::new(),
        task_count: 1_234,
        call_count: 5,
    }
}

/// Two looks, a second apart, at a cluster with something of everything.
fn looks() -> [Looked; 2] {
    let name = |name: &str| WorkerName(name.to_owned());
    let mut draining = worker("a-worker-with-a-very-long-name-indeed", 1, &[(0, 9, 7_400)]);
    draining.draining = true;
    draining.usage = None;
    let cluster = ClusterView {
        epoch: Epoch(3),
        workers: vec![draining, worker("w1", 4, &[(0, 1, 250), (3, 2, 1_900)])],
        waiting_workers: vec![WaitingWorker {
            name: name("w1"),
            place: "10.0.0.8:40000".to_owned(),
            waits_ms: 900,
        }],
        absent_workers: vec![AbsentWorker {
            name: name("w9"),
            draining: true,
            seen_ms_ago: Some(600_000),
        }],
        stalls: vec![Stall {
            kind: StallKind::NotOffered,
            about: "ocr".to_owned(),
            task_count: 12,
            told: "12 tasks wait: no connected worker offers ocr".to_owned(),
            next_step: "start a worker that offers it".to_owned(),
        }],
        ..ClusterView::default()
    };
    let flow = |pending_count, waiting_count, succeeded_count| Flow {
        pending_count,
        waiting_count,
        succeeded_count,
        failed_count: 1,
        retried_count: 2,
    };
    let job = |id, label: &str, is_paused| OpenJob {
        id: JobId(id),
        name: label.to_owned(),
        age_ms: 62_000,
        is_paused,
        counts: Counts { pending: 188, succeeded: 310, failed: 2 },
    };
    let look = |at_ms, documents| Looked {
        overview: Overview {
            cluster: cluster.clone(),
            at_ms,
            operations: [
                ("document".to_owned(), flow(250, 100, documents)),
                ("noop".to_owned(), flow(0, 0, 1_000_000)),
                ("ocr".to_owned(), flow(12, 12, 0)),
            ]
            .into(),
            open_job_count: 2,
            jobs: vec![
                job(7, "run in ~/Documents/archive of the whole year 2026", false),
                job(8, "b", true),
            ],
        },
        names: [
            (
                task(1),
                "/home/me/Documents/reports/2026/quarterly-report-of-the-board.pdf".to_owned(),
            ),
            (task(2), "/home/me/短い.pdf".to_owned()),
        ]
        .into(),
    };
    [look(1_000, 100), look(2_000, 112)]
}

fn model() -> Model {
    let mut model = Model::new("127.0.0.1:5000".to_owned());
    looks().into_iter().for_each(|look| model.on_looked(look));
    model
}

/// What a terminal of this size shows.
fn drawn(model: &Model, columns: u16, rows: u16) -> String {
    let backend = TestBackend::new(columns, rows);
    let mut terminal = Terminal::new(backend).expect("memory");
    let draw = |frame: &mut ratatui::Frame<'_>| {
        let area = Area { columns: columns.into(), rows: rows.into() };
        let lines = super::frame(model, area, true);
        assert!(lines.len() <= area.rows && lines.iter().all(|line| line.width() <= area.columns));
        frame.render_widget(ratatui::text::Text::from(lines), frame.area());
    };
    terminal.draw(draw).expect("memory");
    let mut text = String::new();
    let buffer = terminal.backend().buffer();
    for row in 0..rows {
        let mut line = String::new();
        let mut at = 0;
        while at < columns {
            let symbol = buffer[(at, row)].symbol();
            line.push_str(symbol);
            // The second half of a wide character is a cell of its own.
            at += u16::try_from(width(symbol).max(1)).expect("few");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn check(model: &Model, (columns, rows): (u16, u16), expected: &Expect) {
    expected.assert_eq(&drawn(model, columns, rows));
}

#[test]
fn a_usual_terminal() {
    check(
        &model(),
        (80, 24),
        &expect![[r#"
            12.0 tasks/s  3 of 5 slots at work  2 workers  epoch 3  127.0.0.1:5000
            ! 12 tasks wait: no connected worker offers ocr → start a worker that offers it

              WORKER         STATE     SLOTS   CPU   MEM  HEARD  TASKS  CALLS  WHERE
            > a-work…indeed  draining    1/1     -     -   0.3s   1234      5  10.0.0.7:514…
              w1             joined      2/4  197%  118M   0.3s   1234      5  10.0.0.7:514…
              w1             waiting       -     -     -      -      -      -  10.0.0.8:400…
              w9             absent        -     -     -    10m      -      -  drained

              AT WORK                  SLOT  OPERATION   FOR  QUIET  INPUT
              a-worker-wi…name-indeed     0  document   7.4s   4.2s  task 7/0/9
              w1                          0  document   0.2s      -  /home/me/Do…e-board.pdf
              w1                          3  document   1.9s      -  /home/me/短い.pdf

              OPERATION  WAITING  RUNNING  TO DO   DONE  FAILED  RETRIED  TASKS/S
              document       100        3    250    112       1        2     12.0
              ocr             12        0     12      0       1        2      0.0
              noop             0        0      0  1000k       1        2      0.0

              JOB  STATE      DONE  FAILED  AGE  NAME
                7  open    312/500       2  62s  run in ~/Documents/archive of the whole ye…
                8  paused  312/500       2  62s  b

            q quit  tab list  ↑↓jk choose  d drain  r resume  c cancel
        "#]],
    );
}

#[test]
fn a_large_terminal() {
    check(
        &model(),
        (120, 40),
        &expect![[r#"
            12.0 tasks/s  3 of 5 slots at work  2 workers  epoch 3  127.0.0.1:5000
            ! 12 tasks wait: no connected worker offers ocr → start a worker that offers it

              WORKER                                 STATE     SLOTS   CPU   MEM  HEARD  TASKS  CALLS  WHERE
            > a-worker-with-a-very-long-name-indeed  draining    1/1     -     -   0.3s   1234      5  10.0.0.7:51432
              w1                                     joined      2/4  197%  118M   0.3s   1234      5  10.0.0.7:51432
              w1                                     waiting       -     -     -      -      -      -  10.0.0.8:40000
              w9                                     absent        -     -     -    10m      -      -  drained

              AT WORK                                SLOT  OPERATION   FOR  QUIET  INPUT
              a-worker-with-a-very-long-name-indeed     0  document   7.4s   4.2s  task 7/0/9
              w1                                        0  document   0.2s      -  /home/me/Documents/repor…-report-of-the-board.pdf
              w1                                        3  document   1.9s      -  /home/me/短い.pdf

              OPERATION  WAITING  RUNNING  TO DO   DONE  FAILED  RETRIED  TASKS/S
              document       100        3    250    112       1        2     12.0
              ocr             12        0     12      0       1        2      0.0
              noop             0        0      0  1000k       1        2      0.0

              JOB  STATE      DONE  FAILED  AGE  NAME
                7  open    312/500       2  62s  run in ~/Documents/archive of the whole year 2026
                8  paused  312/500       2  62s  b

















            q quit  tab list  ↑↓jk choose  d drain  r resume  c cancel
        "#]],
    );
}

#[test]
fn a_small_terminal() {
    check(
        &model(),
        (60, 20),
        &expect![[r#"
            12.0 tasks/s  3 of 5 slots at work  2 workers  epoch 3  127…
            ! 12 tasks wait: no connected worker offers ocr → start a
            worker that offers it
              WORKER    STATE     SLOTS   CPU   MEM  HEARD  TASKS  CALLS
            > a-wo…eed  draining    1/1     -     -   0.3s   1234      5
              w1        joined      2/4  197%  118M   0.3s   1234      5
              w1        waiting       -     -     -      -      -      -
              w9        absent        -     -     -    10m      -      -
              AT WORK   SLOT  OPERAT…   FOR  QUIET  INPUT
              a-wo…eed     0  docume…  7.4s   4.2s  task 7/0/9
              w1           0  docume…  0.2s      -  /home/me/D…board.pdf
              w1           3  docume…  1.9s      -  /home/me/短い.pdf
              OPERATION  WAITING  RUNNING  TO DO   DONE  FAILED  TASKS/S
              document       100        3    250    112       1     12.0
              ocr             12        0     12      0       1      0.0
              noop             0        0      0  1000k       1      0.0
              JOB  STATE      DONE  FAILED  AGE  NAME
                7  open    312/500       2  62s  run in ~/Documents/arc…
                8  paused  312/500       2  62s  b
            q quit  tab list  ↑↓jk choose  d drain  r resume  c cancel
        "#]],
    );
}

#[test]
fn no_size_is_too_small() {
    let mut asking = model();
    asking.on_key(Key::Next);
    asking.on_key(Key::Cancel);
    asking.on_news(News::Lost("failed to reach the master".to_owned()));
    for columns in 0..40 {
        for rows in 0..14 {
            drawn(&asking, columns.max(1), rows.max(1));
            super::frame(&asking, Area { columns: columns.into(), rows: rows.into() }, false);
        }
    }
    let unseen = Model::new(String::new());
    super::frame(&unseen, Area { columns: 0, rows: 0 }, false);
}

#[test]
fn a_master_that_is_gone_is_told_and_the_last_look_stays() {
    let mut model = model();
    model.on_news(News::Lost("failed to hear from the master at /s: it is gone".to_owned()));
    let text = drawn(&model, 120, 24);
    let line = "! Looking again; what follows is how it was: failed to hear from the master at /s: \
                it is gone";
    assert!(text.contains(line), "{text}");
    assert!(drawn(&model, 40, 24).contains("! Looking again; what follows"));
    assert!(text.contains("board.pdf"));
    model.on_looked(looks()[1].clone());
    assert!(!drawn(&model, 120, 24).contains("Looking again"));
    let mut unseen = Model::new(String::new());
    unseen.on_news(News::Lost("nobody listens there".to_owned()));
    assert!(drawn(&unseen, 40, 3).contains("nobody listens there"));
}

#[test]
fn the_chosen_row_stays_in_sight_and_the_same() {
    let mut model = model();
    let [look, mut later] = looks();
    let many = |looked: &Looked, first: u64| {
        let mut looked = looked.clone();
        let job = looked.overview.jobs[0].clone();
        looked.overview.jobs =
            (first..first + 30).map(|id| OpenJob { id: JobId(id), ..job.clone() }).collect();
        looked
    };
    model.on_looked(many(&look, 100));
    model.on_key(Key::Back);
    for _ in 0..20 {
        model.on_key(Key::Down);
    }
    let chosen = |model: &Model| {
        let text = drawn(model, 80, 24);
        let line = text.lines().find(|line| line.starts_with("> ")).map(str::to_owned);
        line.expect("is in sight")
    };
    assert!(chosen(&model).starts_with("> 120"), "{}", chosen(&model));
    // Older ones end, and it moves up; then it ends itself, and what follows it is chosen.
    later.overview.at_ms = 3_000;
    model.on_looked(many(&later, 110));
    assert!(chosen(&model).starts_with("> 120"), "{}", chosen(&model));
    later.overview.at_ms = 4_000;
    model.on_looked(many(&later, 121));
    assert!(chosen(&model).starts_with("> 131"), "{}", chosen(&model));
}

#[test]
fn keys_act_on_what_is_chosen() {
    let mut model = model();
    let long = WorkerName("a-worker-with-a-very-long-name-indeed".to_owned());
    assert_eq!(model.on_key(Key::Drain), Some(Wish::Drain(long.clone())));
    assert_eq!(model.on_key(Key::Cancel), None);
    assert!(drawn(&model, 80, 24).contains("Choose a job first"));
    model.on_key(Key::Down);
    assert_eq!(model.on_key(Key::Resume), Some(Wish::Resume(WorkerName("w1".to_owned()))));
    model.on_key(Key::Next);
    assert_eq!(model.on_key(Key::Drain), Some(Wish::Drain(long)));
    assert_eq!(model.on_key(Key::Cancel), None);
    assert!(drawn(&model, 80, 24).contains("Cancel job 7?  y: yes"));
    assert_eq!(model.on_key(Key::Other), None);
    assert!(drawn(&model, 80, 24).contains("Job 7 goes on."));
    model.on_key(Key::Next);
    model.on_key(Key::Down);
    model.on_key(Key::Cancel);
    assert_eq!(model.on_key(Key::Yes), Some(Wish::Cancel(JobId(8))));
    assert_eq!(model.on_key(Key::Drain), None);
    assert_eq!(model.on_key(Key::Quit), Some(Wish::Quit));
}

#[test]
fn a_report_has_all_of_it() {
    let lines: Vec<String> =
        report(&model(), 100).iter().map(|line| line.to_string().trim_end().to_owned()).collect();
    expect![[r#"
        12.0 tasks/s  3 of 5 slots at work  2 workers  epoch 3  127.0.0.1:5000
        ! 12 tasks wait: no connected worker offers ocr → start a worker that offers it

          WORKER                            STATE     SLOTS   CPU   MEM  HEARD  TASKS  CALLS  WHERE
          a-worker-with-a-…ong-name-indeed  draining    1/1     -     -   0.3s   1234      5  10.0.0.7:51432
          w1                                joined      2/4  197%  118M   0.3s   1234      5  10.0.0.7:51432
          w1                                waiting       -     -     -      -      -      -  10.0.0.8:40000
          w9                                absent        -     -     -    10m      -      -  drained

          AT WORK                            SLOT  OPERATION   FOR  QUIET  INPUT
          a-worker-with-a-…long-name-indeed     0  document   7.4s   4.2s  task 7/0/9
          w1                                    0  document   0.2s      -  /home/me/Documen…of-the-board.pdf
          w1                                    3  document   1.9s      -  /home/me/短い.pdf

          OPERATION  WAITING  RUNNING  TO DO   DONE  FAILED  RETRIED  TASKS/S
          document       100        3    250    112       1        2     12.0
          ocr             12        0     12      0       1        2      0.0
          noop             0        0      0  1000k       1        2      0.0

          JOB  STATE      DONE  FAILED  AGE  NAME
            7  open    312/500       2  62s  run in ~/Documents/archive of the whole year 2026
            8  paused  312/500       2  62s  b
    "#]].assert_eq(&(lines.join("\n") + "\n"));
}

#[test]
fn rows_are_shared_out() {
    assert_eq!(share(&[3, 3, 3], 9), [3, 3, 3]);
    assert_eq!(share(&[30, 3, 30], 20), [9, 3, 8]);
    assert_eq!(share(&[30, 3, 30], 5), [3, 2, 0]);
    assert_eq!(share(&[30, 3, 30], 1), [0, 0, 0]);
    assert_eq!(share(&[], 5), [0; 0]);
}

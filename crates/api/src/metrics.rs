//! `/metrics`: what the master counts, as OpenMetrics text for Prometheus and its like.

use crate::node::Node;
use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::timeout;
use windlass_core::LogTime;
use windlass_core::ledger::Outcome;
use windlass_core::meters::{BUCKETS_US, Gauges, Histogram, Meters};
use windlass_core::session::Usage;
use windlass_core::view::MetersView;

/// A scrape waits no longer for the master.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Bytes that went through the services of a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Traffic {
    received: u64,
    sent: u64,
}

#[derive(Debug)]
struct Scrape {
    view: MetersView,
    traffic: Traffic,
    now: LogTime,
}

/// The route.
pub(crate) fn router(node: Node) -> Router {
    Router::new().route("/metrics", get(move || scrape(node.clone())))
}

async fn scrape(node: Node) -> Response {
    let (received, sent) = node.traffic.read();
    let asked = tokio::task::spawn_blocking(move || node.handle.meters());
    let view = match timeout(ANSWER_TIMEOUT, asked).await {
        Ok(Ok(Ok(view))) => view,
        Ok(Ok(Err(error))) => {
            return (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response();
        }
        _ => {
            let text = "the master does not answer\n";
            return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
        }
    };
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = LogTime(u64::try_from(wall.as_millis()).unwrap_or(u64::MAX));
    match text(Scrape { view, traffic: Traffic { received, sent }, now }) {
        Ok(text) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

fn text(scrape: Scrape) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("windlass");
    registry.register_collector(Box::new(scrape));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

impl Collector for Scrape {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> fmt::Result {
        let Scrape { view: MetersView { meters, gauges }, traffic, now } = self;
        jobs(&mut to, meters, gauges)?;
        tasks(&mut to, meters)?;
        queue(&mut to, gauges, *now)?;
        workers(&mut to, gauges)?;
        let bytes = [("in", traffic.received), ("out", traffic.sent)];
        let bytes = bytes.map(|(direction, count)| ([("direction", direction)], count));
        counters(&mut to, "bytes", "Bytes of files and results that came and went", &bytes)?;
        gauge(&mut to, "primary", "Whether this master is the primary", 1.0)?;
        let takeovers = [(NO_LABELS, u64::from(gauges.epoch.0.saturating_sub(1)))];
        counters(&mut to, "takeovers", "Reigns after the cluster's first", &takeovers)?;
        let name = "journal_append_seconds";
        histograms(&mut to, name, "A record until it is durable", &[(NO_LABELS, &meters.appends)])?;
        let lag = gauges.undurable_count as f64;
        gauge(&mut to, "journal_lag_entries", "Decisions that are not durable yet", lag)?;
        let mut build = to.encode_descriptor("build", "What runs", None, MetricType::Info)?;
        build.encode_info(&[("version", env!("CARGO_PKG_VERSION"))])
    }
}

const NO_LABELS: [(&str, &str); 0] = [];

fn jobs(to: &mut DescriptorEncoder<'_>, meters: &Meters, gauges: &Gauges) -> fmt::Result {
    let of = |outcome| meters.ended.get(&outcome).copied().unwrap_or(0);
    let counts = [
        ("submitted", meters.submitted_count),
        ("succeeded", of(Outcome::Succeeded)),
        ("failed", of(Outcome::Failed)),
        ("cancelled", of(Outcome::Cancelled)),
    ];
    let counts = counts.map(|(state, count)| ([("state", state)], count));
    counters(to, "jobs", "Jobs that came into a state since this master began", &counts)?;
    gauge(to, "jobs_open", "Jobs that are not ended", gauges.open_job_count as f64)
}

fn tasks(to: &mut DescriptorEncoder<'_>, meters: &Meters) -> fmt::Result {
    let mut counts = Vec::new();
    let mut durations = Vec::new();
    for (operation, tasks) in &meters.tasks {
        let operation = operation.as_str();
        let outcomes = [
            ("succeeded", tasks.succeeded_count),
            ("failed", tasks.failed_count),
            ("retried", tasks.retried_count),
        ];
        let labelled = |(outcome, count)| ([("op", operation), ("outcome", outcome)], count);
        counts.extend(outcomes.map(labelled));
        durations.push(([("op", operation)], &tasks.durations));
    }
    counters(to, "tasks", "What tasks came to since this master began", &counts)?;
    histograms(to, "task_duration_seconds", "How long a slot was busy with an attempt", &durations)
}

fn queue(to: &mut DescriptorEncoder<'_>, gauges: &Gauges, now: LogTime) -> fmt::Result {
    let depths: Vec<_> = gauges
        .pending
        .iter()
        .map(|(operation, count)| ([("op", operation.as_str())], *count as f64))
        .collect();
    gauge_family(to, "queue_depth", "Tasks that are not settled", &depths)?;
    let age_ms = gauges.oldest_submitted_at.map_or(0, |at| now.0.saturating_sub(at.0));
    let help = "How long the oldest job with such tasks has been waiting";
    gauge(to, "queue_oldest_age_seconds", help, age_ms as f64 / 1e3)
}

fn workers(to: &mut DescriptorEncoder<'_>, gauges: &Gauges) -> fmt::Result {
    let busy: u32 = gauges.workers.iter().map(|worker| worker.busy_slots).sum();
    let all: u32 = gauges.workers.iter().map(|worker| worker.slots).sum();
    let slots = [("busy", busy), ("idle", all - busy)];
    let slots = slots.map(|(state, count)| ([("state", state)], f64::from(count)));
    gauge_family(to, "worker_slots", "Slots of the connected workers", &slots)?;
    let ages: Vec<_> = gauges
        .workers
        .iter()
        .map(|worker| ([("worker", worker.name.0.as_str())], worker.silent_ms as f64 / 1e3))
        .collect();
    let help = "How long ago a connected worker was last heard";
    gauge_family(to, "worker_heartbeat_age_seconds", help, &ages)?;
    let used = gauges.workers.iter().filter_map(|worker| {
        let Usage { cpu_millicores, resident_bytes } = worker.usage?;
        Some(([("worker", worker.name.0.as_str())], cpu_millicores, resident_bytes))
    });
    let (cores, memory): (Vec<_>, Vec<_>) = used
        .map(|(labels, cpu, bytes)| ((labels, f64::from(cpu) / 1e3), (labels, bytes as f64)))
        .unzip();
    let help = "Cores that a worker and its processes use";
    gauge_family(to, "worker_cpu_cores", help, &cores)?;
    let help = "Resident memory of a worker and its processes";
    gauge_family(to, "worker_resident_bytes", help, &memory)
}

fn counters<L: EncodeLabelSet>(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: &[(L, u64)],
) -> fmt::Result {
    let mut metric = to.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (labels, value) in values {
        metric.encode_family(labels)?.encode_counter::<NoLabelSet, _, f64>(value, None)?;
    }
    Ok(())
}

fn gauge(to: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: f64) -> fmt::Result {
    gauge_family(to, name, help, &[(NO_LABELS, value)])
}

fn gauge_family<L: EncodeLabelSet>(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: &[(L, f64)],
) -> fmt::Result {
    let mut metric = to.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (labels, value) in values {
        metric.encode_family(labels)?.encode_gauge(value)?;
    }
    Ok(())
}

fn histograms<L: EncodeLabelSet>(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: &[(L, &Histogram)],
) -> fmt::Result {
    let mut metric = to.encode_descriptor(name, help, None, MetricType::Histogram)?;
    for (labels, histogram) in values {
        let ends = BUCKETS_US.iter().map(|end| *end as f64 / 1e6).chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = ends.zip(histogram.counts).collect();
        let (sum, count) = (histogram.sum_us as f64 / 1e6, histogram.count());
        let mut one = metric.encode_family(labels)?;
        one.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_core::WorkerName;
    use windlass_core::meters::{TaskMeters, WorkerGauges};

    #[test]
    fn names_and_labels_are_those_that_dashboards_are_written_for() {
        let mut view = MetersView::default();
        let mut tasks = TaskMeters { succeeded_count: 3, ..TaskMeters::default() };
        tasks.durations.add(400, 3);
        view.meters.tasks.insert("a \"b\"\n".to_owned(), tasks);
        view.meters.ended.insert(Outcome::Failed, 2);
        view.gauges.pending.insert("ocr".to_owned(), 12);
        view.gauges.oldest_submitted_at = Some(LogTime(1_000));
        view.gauges.epoch = windlass_core::Epoch(4);
        view.gauges.workers = vec![WorkerGauges {
            name: WorkerName("w1".to_owned()),
            slots: 4,
            busy_slots: 1,
            silent_ms: 250,
            usage: Some(Usage { cpu_millicores: 1_250, resident_bytes: 4_096 }),
        }];
        let traffic = Traffic { received: 7, sent: 8 };
        let text = text(Scrape { view, traffic, now: LogTime(4_500) }).expect("it is written");
        for line in [
            "windlass_jobs_total{state=\"failed\"} 2",
            "windlass_tasks_total{op=\"a \\\"b\\\"\\n\",outcome=\"succeeded\"} 3",
            "windlass_task_duration_seconds_bucket{le=\"0.0005\",op=\"a \\\"b\\\"\\n\"} 3",
            "windlass_queue_depth{op=\"ocr\"} 12.0",
            "windlass_queue_oldest_age_seconds 3.5",
            "windlass_worker_slots{state=\"idle\"} 3.0",
            "windlass_worker_heartbeat_age_seconds{worker=\"w1\"} 0.25",
            "windlass_worker_cpu_cores{worker=\"w1\"} 1.25",
            "windlass_worker_resident_bytes{worker=\"w1\"} 4096.0",
            "windlass_bytes_total{direction=\"in\"} 7",
            "windlass_primary 1.0",
            "windlass_takeovers_total 3",
            "windlass_journal_append_seconds_count 0",
            "windlass_journal_lag_entries 0.0",
        ] {
            assert!(text.lines().any(|it| it == line), "{line} is missing in\n{text}");
        }
        assert!(text.contains("windlass_build_info{version=") && text.ends_with("# EOF\n"));
    }
}

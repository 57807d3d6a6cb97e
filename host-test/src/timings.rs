//! Where the time of a call goes, by phase, for the operator who asks with `--timings`.
//!
//! A [`Timeline`] goes with a call: those who have done their part of it say so. Nothing is measured without the flag.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

/// The parts of a call, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// From the line or the head of the request to a whole message that may pass.
    Accept,
    /// From there to the call: rmcp reads the message.
    Decode,
    /// A place, a store and an instance of the component, and clearing them away.
    Instantiate,
    /// The component, without what it waits for.
    Guest,
    /// Requests under way, from the component's sending to the last byte of the answer.
    Outbound,
    /// From the component's result to the answer: over stdio written, over HTTP ready to be written.
    Encode,
}

const PHASES: [(Phase, &str); 6] = [
    (Phase::Accept, "accept"),
    (Phase::Decode, "decode"),
    (Phase::Instantiate, "instantiate"),
    (Phase::Guest, "guest"),
    (Phase::Outbound, "outbound"),
    (Phase::Encode, "encode"),
];

/// So many calls are looked at, the latest ones: 1.5 MiB.
const KEPT: usize = 32_768;

/// Requests that are not answered on stdio are forgotten beyond so many.
const PENDING: usize = 1024;

tokio::task_local! {
    static CURRENT: Arc<Timeline>;
}

/// The timelines of one host.
#[derive(Default)]
pub struct Timings {
    done: Mutex<Done>,
    /// Over stdio, by the id of the request: between the lines and rmcp nothing else goes along.
    pending: Mutex<HashMap<String, Arc<Timeline>>>,
}

#[derive(Default)]
struct Done {
    calls: Vec<[Duration; PHASES.len()]>,
    count: usize,
}

/// One call.
pub(crate) struct Timeline(Mutex<Spent>);

struct Spent {
    last: Instant,
    phases: [Duration; PHASES.len()],
    /// Requests under way, and since when there is one.
    flying: usize,
    since: Instant,
    /// Of the outbound time, what lies behind `last`.
    behind: Duration,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Timeline {
    /// Of a call that arrives now.
    pub(crate) fn begin() -> Arc<Self> {
        Self::begin_at(Instant::now())
    }

    fn begin_at(now: Instant) -> Arc<Self> {
        let spent = Spent { last: now, phases: Default::default(), flying: 0, since: now, behind: Duration::ZERO };
        Arc::new(Self(Mutex::new(spent)))
    }

    /// The time since the last one was spent on this.
    pub(crate) fn lap(&self, phase: Phase) {
        self.lap_at(phase, Instant::now());
    }

    fn lap_at(&self, phase: Phase, now: Instant) {
        let mut spent = locked(&self.0);
        spent.land(now);
        // What went on while a request was under way is counted as outbound.
        let took = (now - spent.last).saturating_sub(spent.behind);
        spent.add(phase, took);
        (spent.last, spent.behind) = (now, Duration::ZERO);
    }

    /// A request goes out. It is under way until what this gives is dropped.
    pub(crate) fn fly(self: &Arc<Self>) -> Flight {
        locked(&self.0).start(Instant::now());
        Flight(self.clone())
    }
}

impl Spent {
    fn add(&mut self, phase: Phase, took: Duration) {
        if let Some(spent) = self.phases.get_mut(phase as usize) {
            *spent += took;
        }
    }

    /// One request more is under way.
    fn start(&mut self, now: Instant) {
        if self.flying == 0 {
            self.since = now;
        }
        self.flying += 1;
    }

    /// One fewer.
    fn end(&mut self, now: Instant) {
        self.land(now);
        self.flying -= 1;
    }

    /// Count what has been under way until now.
    fn land(&mut self, now: Instant) {
        if self.flying > 0 {
            let took = now - self.since.max(self.last);
            self.add(Phase::Outbound, took);
            self.behind += took;
            self.since = now;
        }
    }
}

/// A request under way.
pub(crate) struct Flight(Arc<Timeline>);

impl Drop for Flight {
    fn drop(&mut self) {
        locked(&self.0.0).end(Instant::now());
    }
}

/// Do something as a part of this call.
pub(crate) async fn along<T>(timeline: Option<Arc<Timeline>>, work: impl Future<Output = T>) -> T {
    match timeline {
        Some(timeline) => CURRENT.scope(timeline, work).await,
        None => work.await,
    }
}

/// The timeline of the call that this runs for.
pub(crate) fn current() -> Option<Arc<Timeline>> {
    CURRENT.try_with(Arc::clone).ok()
}

/// The time since the last lap of the call that this runs for was spent on this.
pub(crate) fn lap(phase: Phase) {
    let _ = CURRENT.try_with(|timeline| timeline.lap(phase));
}

impl Timings {
    /// A request came on stdio.
    pub(crate) fn arrived(&self, line: &[u8]) -> Option<Arc<Timeline>> {
        let id = id(line)?;
        let mut pending = locked(&self.pending);
        if pending.len() >= PENDING {
            pending.clear();
        }
        let timeline = Timeline::begin();
        pending.insert(id, timeline.clone());
        Some(timeline)
    }

    /// The timeline of a request on stdio.
    pub(crate) fn pending(&self, id: &impl serde::Serialize) -> Option<Arc<Timeline>> {
        locked(&self.pending).get(&serde_json::to_string(id).ok()?).cloned()
    }

    /// What is written on stdio is written. What it answers is looked for afterwards, so that it does not count.
    pub(crate) fn written(&self, at: Instant, line: &[u8]) {
        let found = id(line).and_then(|id| locked(&self.pending).remove(&id));
        if let Some(timeline) = found {
            self.finished(&timeline, at);
        }
    }

    /// A call is answered. What was no call, and so never had an instance, is left out.
    pub(crate) fn finished(&self, timeline: &Timeline, at: Instant) {
        let mut spent = locked(&timeline.0);
        if spent.phases.get(Phase::Instantiate as usize).is_none_or(Duration::is_zero) {
            return;
        }
        let took = at - spent.last;
        spent.add(Phase::Encode, took);
        let mut done = locked(&self.done);
        let at = done.count % KEPT;
        match done.calls.get_mut(at) {
            Some(old) => *old = spent.phases,
            None => done.calls.push(spent.phases),
        }
        done.count += 1;
    }

    /// Write the table: each phase of the calls so far.
    ///
    /// # Errors
    /// The writer's.
    pub fn tell(&self, out: &mut impl Write) -> std::io::Result<()> {
        let done = locked(&self.done);
        if done.count == 0 {
            return writeln!(out, "timings: no call was answered");
        }
        let calls = if done.count == 1 { "call" } else { "calls" };
        writeln!(out, "timings of {} {calls}, in microseconds:\n{:<12} {:>9} {:>9} {:>6}", done.count, "", "p50", "p99", "share")?;
        let all: Duration = done.calls.iter().flatten().sum();
        for (phase, name) in PHASES {
            let mut times: Vec<Duration> = done.calls.iter().filter_map(|call| call.get(phase as usize).copied()).collect();
            let sum: Duration = times.iter().sum();
            let share = if all.is_zero() { 0.0 } else { 100.0 * sum.as_secs_f64() / all.as_secs_f64() };
            row(out, name, &mut times, share)?;
        }
        row(out, "all", &mut done.calls.iter().map(|call| call.iter().sum()).collect::<Vec<Duration>>(), 100.0)
    }
}

fn row(out: &mut impl Write, name: &str, times: &mut [Duration], share: f64) -> std::io::Result<()> {
    times.sort();
    let at = |percent: usize| times.get(times.len() * percent / 100).map_or(0.0, |time| time.as_secs_f64() * 1e6);
    writeln!(out, "{name:<12} {:>9.1} {:>9.1} {share:>5.1}%", at(50), at(99))
}

/// The id of a JSON-RPC message, as it is written in JSON.
fn id(line: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Envelope {
        id: Option<Value>,
    }
    serde_json::from_slice::<Envelope>(line).ok()?.id.map(|id| id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spent(timeline: &Timeline) -> Vec<u128> {
        locked(&timeline.0).phases.iter().map(Duration::as_millis).collect()
    }

    #[test]
    fn what_is_under_way_is_not_the_guests_and_not_counted_twice() {
        let begun = Instant::now();
        let at = |ms| begun + Duration::from_millis(ms);
        let timeline = Timeline::begin_at(begun);
        timeline.lap_at(Phase::Accept, at(1));
        timeline.lap_at(Phase::Decode, at(3));
        timeline.lap_at(Phase::Instantiate, at(6));
        // Two requests, which overlap.
        locked(&timeline.0).start(at(10));
        locked(&timeline.0).start(at(20));
        locked(&timeline.0).end(at(30));
        locked(&timeline.0).end(at(40));
        timeline.lap_at(Phase::Guest, at(45));
        timeline.lap_at(Phase::Instantiate, at(51));
        assert_eq!(spent(&timeline), [1, 2, 9, 9, 30, 0]);
        let timings = Timings::default();
        timings.finished(&timeline, at(58));
        let mut told = Vec::new();
        timings.tell(&mut told).unwrap();
        let told = String::from_utf8(told).unwrap();
        assert!(told.starts_with("timings of 1 call,") && told.contains("encode          7000.0    7000.0  12.1%"), "{told}");
        assert!(told.contains("all            58000.0"), "{told}");
    }

    #[test]
    fn without_calls_there_is_no_table() {
        let mut told = Vec::new();
        Timings::default().tell(&mut told).unwrap();
        assert_eq!(told, b"timings: no call was answered\n");
    }

    #[test]
    fn a_request_that_outlives_its_call_is_counted_up_to_there() {
        let begun = Instant::now();
        let at = |ms| begun + Duration::from_millis(ms);
        let timeline = Timeline::begin_at(begun);
        locked(&timeline.0).start(begun);
        timeline.lap_at(Phase::Guest, at(10));
        timeline.lap_at(Phase::Encode, at(15));
        locked(&timeline.0).end(at(15));
        assert_eq!(spent(&timeline), [0, 0, 0, 0, 15, 0]);
        // One that is let go in the normal way.
        drop(timeline.fly());
        assert_eq!(locked(&timeline.0).flying, 0);
    }

    #[test]
    fn what_is_no_call_is_left_out_and_forgotten() {
        let timings = Timings::default();
        for id in 0..3000 {
            let line = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
            assert!(timings.arrived(line.as_bytes()).is_some());
        }
        assert!(locked(&timings.pending).len() <= PENDING);
        assert!(timings.pending(&2999).is_some(), "by its id");
        timings.written(Instant::now(), br#"{"jsonrpc":"2.0","id":2999,"result":{}}"#);
        assert!(timings.pending(&2999).is_none());
        assert!(timings.arrived(br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).is_none());
        assert_eq!(locked(&timings.done).count, 0);
    }

    #[test]
    fn the_latest_calls_are_kept() {
        let timings = Timings::default();
        for _ in 0..KEPT + 10 {
            let begun = Instant::now();
            let timeline = Timeline::begin_at(begun);
            timeline.lap_at(Phase::Instantiate, begun + Duration::from_millis(1));
            timings.finished(&timeline, begun + Duration::from_millis(2));
        }
        let done = locked(&timings.done);
        assert_eq!((done.calls.len(), done.count), (KEPT, KEPT + 10));
    }
}

//! One master's part in the question who reigns: waits, reaches for the tenure, holds it.
//!
//! It runs apart from the master's loop, so that a long turn costs no tenure, but it needs the loop
//! to turn: a master that does nothing any more must not keep others from reigning.

use super::patience::Patience;
use super::tenure::{CellAnswer, Hold, MasterId, RequestNumber, Revision, Tenure};
use crate::limits::{LOOP_STILL_MS_MAX, TENURE_ANSWER_MS_MAX, TENURE_RENEW_MS};
use crate::time::Tick;

/// What happens to a contender.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ContenderEvent {
    /// Time went on.
    Tick,
    /// The master's loop has turned.
    Turned,
    /// The tenure cell answered.
    Answered(RequestNumber, CellAnswer),
    /// The master has stepped down: another claim stood in its way.
    SteppedDown,
}

/// What a contender wants done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ContenderEffect {
    /// Read the cell, linearizably.
    Read(RequestNumber),
    /// Put this master into the cell, if it stands at that revision.
    Swap(RequestNumber, Revision),
    /// The tenure is this master's: it may claim the next epoch.
    Won,
    /// Another master holds the tenure: this one steps down.
    Lost,
}

/// One master's part in the question who reigns.
#[derive(Debug)]
pub struct Contender {
    me: MasterId,
    place: Place,
    request_count: u64,
    turned_at: Tick,
}

#[derive(Debug)]
enum Place {
    /// Waits until the cell has stood still for long enough.
    Waiting(Patience),
    /// Has asked for the cell.
    Reaching { request: RequestNumber, sent_at: Tick },
    /// Holds it.
    Holding(Tenure),
}

impl Contender {
    /// A master that has just started and waits.
    #[must_use]
    pub fn new(me: MasterId, now: Tick) -> Contender {
        let place = Place::Waiting(Patience::fresh(now));
        Contender { me, place, request_count: 0, turned_at: now }
    }

    /// Until when this master may hand out tasks; `None` while it does not hold the tenure.
    #[must_use]
    pub fn dispatch_until(&self) -> Option<Tick> {
        match &self.place {
            Place::Holding(tenure) => Some(tenure.dispatch_until()),
            Place::Waiting(_) | Place::Reaching { .. } => None,
        }
    }

    /// Whether this master may claim: it holds the tenure, and so freshly that nobody else can hold
    /// it by now. A loop that stood still hears of what it has won when that may be long ago; the
    /// claim would depose the holder, which notices only when it next writes.
    #[must_use]
    pub fn may_claim(&self, now: Tick) -> bool {
        self.dispatch_until().is_some_and(|until| now < until)
    }

    /// When the contender next wants a [`ContenderEvent::Tick`].
    #[must_use]
    pub fn next_deadline(&self) -> Tick {
        match &self.place {
            Place::Waiting(patience) => patience.deadline(),
            Place::Reaching { sent_at, .. } => sent_at.after_ms(TENURE_ANSWER_MS_MAX),
            Place::Holding(tenure) => tenure.renew_at,
        }
    }

    /// Takes an event; what is to be done is appended to `out`.
    pub fn on(&mut self, now: Tick, event: ContenderEvent, out: &mut Vec<ContenderEffect>) {
        match event {
            ContenderEvent::Tick => {}
            ContenderEvent::Turned => self.on_turned(now),
            ContenderEvent::Answered(request, answer) => self.on_answer(now, request, answer, out),
            ContenderEvent::SteppedDown => self.place = Place::Waiting(Patience::fresh(now)),
        }
        self.on_time(now, out);
    }

    fn loop_turns(&self, now: Tick) -> bool {
        now.ms_since(self.turned_at) < LOOP_STILL_MS_MAX
    }

    fn on_turned(&mut self, now: Tick) {
        if !self.loop_turns(now)
            && let Place::Holding(tenure) = &mut self.place
        {
            tenure.renew_at = now;
        }
        self.turned_at = now;
    }

    fn on_answer(
        &mut self,
        now: Tick,
        number: RequestNumber,
        answer: CellAnswer,
        out: &mut Vec<ContenderEffect>,
    ) {
        match &mut self.place {
            Place::Waiting(patience) => {
                let expected = patience.on_answer(now, number, answer);
                if let Some(expected) = expected.filter(|_| self.loop_turns(now)) {
                    let request = self.next_request();
                    self.place = Place::Reaching { request, sent_at: now };
                    out.push(ContenderEffect::Swap(request, expected));
                }
            }
            Place::Reaching { request, sent_at } if *request == number => {
                if let CellAnswer::Swapped(revision) = answer {
                    self.place = Place::Holding(Tenure::won(revision, *sent_at));
                    out.push(ContenderEffect::Won);
                } else {
                    self.place = Place::Waiting(Patience::fresh(now));
                }
            }
            Place::Reaching { .. } => {}
            Place::Holding(tenure) => {
                if tenure.on_answer(now, self.me, number, answer) == Hold::Lost {
                    self.place = Place::Waiting(Patience::fresh(now));
                    out.push(ContenderEffect::Lost);
                }
            }
        }
    }

    fn on_time(&mut self, now: Tick, out: &mut Vec<ContenderEffect>) {
        if self.next_deadline() > now {
            return;
        }
        let request = RequestNumber(self.request_count + 1);
        let loop_turns = self.loop_turns(now);
        match &mut self.place {
            Place::Waiting(patience) => {
                if patience.asks(now, request) {
                    self.request_count += 1;
                    out.push(ContenderEffect::Read(request));
                }
            }
            // Whether it was made will show in the next reads, to everybody alike.
            Place::Reaching { .. } => self.place = Place::Waiting(Patience::fresh(now)),
            Place::Holding(tenure) if loop_turns => {
                self.request_count += 1;
                out.push(ContenderEffect::Swap(request, tenure.renew(now, request)));
            }
            Place::Holding(tenure) => tenure.renew_at = now.after_ms(TENURE_RENEW_MS),
        }
    }

    fn next_request(&mut self) -> RequestNumber {
        self.request_count += 1;
        RequestNumber(self.request_count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reign::Standing;

    const ME: MasterId = MasterId(1);

    /// Contenders over one cell, whose answers take no time; the loops named in `still` do not
    /// turn.
    fn play(
        contenders: &mut [Contender],
        cell: &mut Standing,
        ms: std::ops::Range<u64>,
        still: &[usize],
    ) -> Vec<(u64, usize, ContenderEffect)> {
        let mut news = Vec::new();
        for at_ms in ms {
            let now = Tick(0).after_ms(at_ms);
            for (index, contender) in contenders.iter_mut().enumerate() {
                let mut out = Vec::new();
                if !still.contains(&index) {
                    contender.on(now, ContenderEvent::Turned, &mut out);
                }
                contender.on(now, ContenderEvent::Tick, &mut out);
                while let Some(effect) = out.pop() {
                    let (request, answer) = match effect {
                        ContenderEffect::Read(request) => (request, CellAnswer::Stands(*cell)),
                        ContenderEffect::Swap(request, expected) if expected == cell.revision => {
                            cell.revision.0 += 1;
                            cell.holder = Some(contender.me);
                            (request, CellAnswer::Swapped(cell.revision))
                        }
                        ContenderEffect::Swap(request, _) => (request, CellAnswer::Stands(*cell)),
                        ContenderEffect::Won | ContenderEffect::Lost => {
                            news.push((at_ms, index, effect));
                            continue;
                        }
                    };
                    contender.on(now, ContenderEvent::Answered(request, answer), &mut out);
                }
            }
        }
        news
    }

    fn two() -> [Contender; 2] {
        [Contender::new(ME, Tick(0)), Contender::new(MasterId(2), Tick(0))]
    }

    #[test]
    fn the_first_wins_and_holds() {
        let mut cell = Standing::default();
        let news = play(&mut two(), &mut cell, 0..10_000, &[]);
        assert_eq!(news, [(0, 0, ContenderEffect::Won)]);
        assert_eq!(cell.revision, Revision(1 + 9_999 / 250));
    }

    #[test]
    fn a_loop_that_stands_still_loses_the_tenure_and_reaches_for_none() {
        let mut cell = Standing::default();
        let mut contenders = two();
        play(&mut contenders, &mut cell, 0..1_000, &[]);
        let news = play(&mut contenders, &mut cell, 1_000..20_000, &[0]);
        // Renewed last at 2,750 ms; its loop turned last at 999 ms.
        assert_eq!(news.len(), 1);
        assert!(matches!(news[0], (3_750..=3_950, 1, ContenderEffect::Won)), "{news:?}");
        assert_eq!(contenders[0].dispatch_until(), Some(Tick(0).after_ms(2_750 + 750)));
        assert!(!contenders[0].may_claim(Tick(0).after_ms(20_000)), "another holds it");
        assert!(contenders[1].may_claim(Tick(0).after_ms(20_000)));
        let news = play(&mut contenders, &mut cell, 20_000..30_000, &[]);
        assert_eq!(news, [(20_000, 0, ContenderEffect::Lost)]);
        let news = play(&mut contenders, &mut cell, 30_000..50_000, &[0, 1]);
        assert_eq!(news, []);
    }

    #[test]
    fn whoever_steps_down_waits_like_everybody() {
        let mut cell = Standing::default();
        let mut alone = [Contender::new(ME, Tick(0))];
        play(&mut alone, &mut cell, 0..100, &[]);
        alone[0].on(Tick(0).after_ms(100), ContenderEvent::SteppedDown, &mut Vec::new());
        assert_eq!(alone[0].dispatch_until(), None);
        let news = play(&mut alone, &mut cell, 100..5_000, &[]);
        // The read that it asked for while it stepped down is not answered here.
        assert_eq!(news, [(1_400, 0, ContenderEffect::Won)]);
    }
}

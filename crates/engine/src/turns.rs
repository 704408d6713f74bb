//! Who may make a call next: so many at a time, the most urgent first.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// How many calls may be under way at a time.
#[derive(Clone, Debug)]
pub(crate) struct Turns(Arc<Mutex<Queue>>);

#[derive(Debug)]
struct Queue {
    free: usize,
    asked: u64,
    /// Those that wait, the most urgent first, and of equals the one that asked first.
    waiting: BTreeMap<(Reverse<u32>, u64), oneshot::Sender<Turn>>,
}

/// The right to make one call, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Turn(Option<Turns>);

impl Turns {
    /// So many turns.
    pub(crate) fn new(count: usize) -> Self {
        Self(Arc::new(Mutex::new(Queue { free: count, asked: 0, waiting: BTreeMap::new() })))
    }

    /// Waits for a turn.
    pub(crate) async fn take(&self, urgency: u32) -> Turn {
        let receiver = {
            let mut queue = self.lock();
            if queue.free > 0 {
                queue.free -= 1;
                return Turn(Some(self.clone()));
            }
            queue.asked += 1;
            let (sender, receiver) = oneshot::channel();
            let place = (Reverse(urgency), queue.asked);
            queue.waiting.insert(place, sender);
            receiver
        };
        receiver.await.expect("a turn goes to each that waits, and the queue outlives them")
    }

    /// Hands a turn on to the next one that still waits for it.
    fn hand_on(&self) {
        let mut queue = self.lock();
        while let Some((_, next)) = queue.waiting.pop_first() {
            let Err(mut turn) = next.send(Turn(Some(self.clone()))) else { return };
            // It waits no more. Dropped as it is, the turn would come back here.
            turn.0 = None;
        }
        queue.free += 1;
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(turns) = self.0.take() {
            turns.hand_on();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_most_urgent_goes_first_and_of_equals_the_first() {
        let turns = Turns::new(1);
        let held = turns.take(0).await;
        let (sender, mut receiver) = unbounded_channel();
        for (urgency, name) in [(1, "a"), (5, "b"), (1, "c"), (9, "d")] {
            let (turns, sender) = (turns.clone(), sender.clone());
            tokio::spawn(async move {
                let _turn = turns.take(urgency).await;
                sender.send(name).expect("somebody listens");
            });
            tokio::task::yield_now().await;
        }
        drop((held, sender));
        let mut order = Vec::new();
        while let Some(name) = receiver.recv().await {
            order.push(name);
        }
        assert_eq!(order, ["d", "b", "a", "c"]);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_stops_waiting_keeps_nobody_from_a_turn() {
        let turns = Turns::new(1);
        let held = turns.take(0).await;
        let mut given_up = Box::pin(turns.take(9));
        let mut patient = Box::pin(turns.take(1));
        for waiting in [&mut given_up, &mut patient] {
            assert!(waiting.now_or_never().is_none());
        }
        drop(given_up);
        drop(held);
        drop(patient.await);
        drop(turns.take(0).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_given_to_one_that_is_dropped_at_that_moment_goes_on() {
        let turns = Turns::new(1);
        let held = turns.take(0).await;
        let mut dropped = Box::pin(turns.take(9));
        assert!((&mut dropped).now_or_never().is_none());
        drop(held);
        drop(dropped);
        drop(turns.take(0).await);
    }
}

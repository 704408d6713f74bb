//! What waits for what: ordering, cycles, and the queue of what may run now.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

/// A directed graph in which each node waits for others. Its answers depend on nothing but the
/// nodes' own order.
#[derive(Clone, Debug)]
pub struct Graph<N> {
    waits_for: BTreeMap<N, BTreeSet<N>>,
}

/// Nodes that wait for each other in a ring; the first is repeated at the end by no one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle<N>(pub Vec<N>);

impl<N: Ord + Clone + Debug> Graph<N> {
    /// A graph of these nodes, each with what it waits for. What is waited for and is no node
    /// itself is taken as done.
    pub fn new(nodes: impl IntoIterator<Item = (N, BTreeSet<N>)>) -> Self {
        let mut waits_for: BTreeMap<N, BTreeSet<N>> = nodes.into_iter().collect();
        let known: BTreeSet<N> = waits_for.keys().cloned().collect();
        for targets in waits_for.values_mut() {
            targets.retain(|node| known.contains(node));
        }
        Self { waits_for }
    }

    /// The nodes in an order in which each comes after all it waits for, smallest first where
    /// there is a choice.
    ///
    /// # Errors
    /// One ring of nodes, when they wait for each other.
    pub fn order(&self) -> Result<Vec<N>, Cycle<N>> {
        let mut queue = ReadyQueue::new(self);
        let mut order = Vec::with_capacity(self.waits_for.len());
        loop {
            let ready = queue.take_ready();
            if ready.is_empty() {
                break;
            }
            for node in ready {
                queue.done(&node);
                order.push(node);
            }
        }
        if order.len() == self.waits_for.len() { Ok(order) } else { Err(self.ring(&order)) }
    }

    /// Walks from a node that never became ready until one comes up again.
    fn ring(&self, done: &[N]) -> Cycle<N> {
        let done: BTreeSet<&N> = done.iter().collect();
        let mut path: Vec<N> = Vec::new();
        let mut next = self.waits_for.keys().find(|node| !done.contains(node)).cloned();
        while let Some(node) = next {
            if let Some(start) = path.iter().position(|seen| *seen == node) {
                path.drain(..start);
                break;
            }
            next = self.waits_for[&node].iter().find(|node| !done.contains(node)).cloned();
            path.push(node);
        }
        Cycle(path)
    }
}

/// Hands out the nodes of a graph as what they wait for gets done.
#[derive(Clone, Debug)]
pub struct ReadyQueue<N> {
    waiting: BTreeMap<N, BTreeSet<N>>,
    waited_for_by: BTreeMap<N, BTreeSet<N>>,
    ready: BTreeSet<N>,
}

impl<N: Ord + Clone + Debug> ReadyQueue<N> {
    /// A queue over all nodes of a graph.
    pub fn new(graph: &Graph<N>) -> Self {
        let mut waited_for_by: BTreeMap<N, BTreeSet<N>> = BTreeMap::new();
        for (node, targets) in &graph.waits_for {
            for target in targets {
                waited_for_by.entry(target.clone()).or_default().insert(node.clone());
            }
        }
        let (ready, waiting): (BTreeMap<_, _>, BTreeMap<_, _>) = graph
            .waits_for
            .iter()
            .map(|(node, targets)| (node.clone(), targets.clone()))
            .partition(|(_, targets)| targets.is_empty());
        Self { waiting, waited_for_by, ready: ready.into_keys().collect() }
    }

    /// Takes every node that waits for nothing any more, smallest first.
    pub fn take_ready(&mut self) -> Vec<N> {
        std::mem::take(&mut self.ready).into_iter().collect()
    }

    /// Marks a node as done, so that what waited for it alone becomes ready.
    pub fn done(&mut self, node: &N) {
        for waiter in self.waited_for_by.remove(node).unwrap_or_default() {
            if let Some(targets) = self.waiting.get_mut(&waiter) {
                targets.remove(node);
                if targets.is_empty() {
                    self.waiting.remove(&waiter);
                    self.ready.insert(waiter);
                }
            }
        }
    }

    /// Marks a node as failed, and takes out everything that waits for it, directly or not.
    pub fn failed(&mut self, node: &N) -> BTreeSet<N> {
        let mut lost = BTreeSet::new();
        let mut next = vec![node.clone()];
        while let Some(node) = next.pop() {
            for waiter in self.waited_for_by.remove(&node).unwrap_or_default() {
                if self.waiting.remove(&waiter).is_some() {
                    lost.insert(waiter.clone());
                    next.push(waiter);
                }
            }
        }
        lost
    }

    /// Takes out everything that has not been handed out.
    pub fn drain(&mut self) -> BTreeSet<N> {
        let waiting = std::mem::take(&mut self.waiting).into_keys();
        waiting.chain(std::mem::take(&mut self.ready)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&'static str, &[&'static str])]) -> Graph<&'static str> {
        Graph::new(edges.iter().map(|(node, targets)| (*node, targets.iter().copied().collect())))
    }

    #[test]
    fn each_node_comes_after_what_it_waits_for() {
        let order = graph(&[("a", &["c"]), ("b", &[]), ("c", &["b"])]).order().unwrap();
        assert_eq!(order, ["b", "c", "a"]);
    }

    #[test]
    fn a_cycle_names_its_ring_and_not_what_leads_to_it() {
        let cycle = graph(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"])]).order().unwrap_err();
        assert_eq!(cycle, Cycle(vec!["b", "c"]));
    }

    #[test]
    fn a_failure_spares_all_that_did_not_wait_for_it() {
        let mut queue =
            ReadyQueue::new(&graph(&[("a", &[]), ("b", &["a"]), ("c", &["b"]), ("d", &[])]));
        assert_eq!(queue.take_ready(), ["a", "d"]);
        assert_eq!(queue.failed(&"a"), BTreeSet::from(["b", "c"]));
        queue.done(&"d");
        assert!(queue.drain().is_empty());
    }
}

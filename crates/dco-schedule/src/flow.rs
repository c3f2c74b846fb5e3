//! The most that flows through a network from one node to another (Dinic's algorithm).

use std::collections::VecDeque;

/// A network of nodes, named by their index, and edges with a capacity.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    /// Each edge is followed by its reverse.
    edges: Vec<Edge>,
    leaving: Vec<Vec<usize>>,
}

#[derive(Debug)]
struct Edge {
    to: usize,
    left: u64,
}

impl Flow {
    /// A network of so many nodes without edges.
    pub(crate) fn new(nodes: usize) -> Self {
        Self {
            edges: Vec::new(),
            leaving: vec![Vec::new(); nodes],
        }
    }

    /// Adds a node and answers its index.
    pub(crate) fn node(&mut self) -> usize {
        self.leaving.push(Vec::new());
        self.leaving.len() - 1
    }

    /// Adds an edge and answers its name. May be done between two runs.
    pub(crate) fn add(&mut self, from: usize, to: usize, capacity: u64) -> usize {
        let edge = self.edges.len();
        let forth = Edge { to, left: capacity };
        let back = Edge { to: from, left: 0 };
        self.edges.extend([forth, back]);
        self.leaving[from].push(edge);
        self.leaving[to].push(edge + 1);
        edge
    }

    /// What flows through an edge.
    pub(crate) fn through(&self, edge: usize) -> u64 {
        self.edges[edge + 1].left
    }

    /// Lets as much more flow as can, and answers how much.
    pub(crate) fn run(&mut self, source: usize, sink: usize) -> u64 {
        let mut flowed = 0;
        while let Some(levels) = self.levels(source, sink) {
            let mut next = vec![0; self.leaving.len()];
            loop {
                let more = self.push((source, sink), u64::MAX, &levels, &mut next);
                if more == 0 {
                    break;
                }
                flowed += more;
            }
        }
        flowed
    }

    /// How many edges each node is from the source; `None` when the sink is out of reach.
    fn levels(&self, source: usize, sink: usize) -> Option<Vec<Option<u32>>> {
        let mut levels = vec![None; self.leaving.len()];
        levels[source] = Some(0);
        let mut queue = VecDeque::from([source]);
        while let Some(node) = queue.pop_front() {
            for edge in &self.leaving[node] {
                let Edge { to, left } = self.edges[*edge];
                if left > 0 && levels[to].is_none() {
                    levels[to] = levels[node].map(|level: u32| level + 1);
                    queue.push_back(to);
                }
            }
        }
        levels[sink].is_some().then_some(levels)
    }

    /// Sends up to `limit` along one path of rising levels. `next` skips edges that have led nowhere.
    fn push(
        &mut self,
        (node, sink): (usize, usize),
        limit: u64,
        levels: &[Option<u32>],
        next: &mut [usize],
    ) -> u64 {
        if node == sink {
            return limit;
        }
        while let Some(edge) = self.leaving[node].get(next[node]).copied() {
            let Edge { to, left } = self.edges[edge];
            if left > 0 && levels[to] == levels[node].map(|level| level + 1) {
                let pushed = self.push((to, sink), limit.min(left), levels, next);
                if pushed > 0 {
                    self.edges[edge].left -= pushed;
                    self.edges[edge ^ 1].left += pushed;
                    return pushed;
                }
            }
            next[node] += 1;
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_path_taken_first_is_given_back_for_a_better_one() {
        // The shortest way leads over 1 and 2. The longer ones both need one end of it, so its middle is given back.
        let mut flow = Flow::new(8);
        let longer = [(0, 3), (3, 4), (4, 2), (1, 5), (5, 6), (6, 7)];
        let shortest = [(0, 1), (1, 2), (2, 7)].map(|(from, to)| flow.add(from, to, 1));
        let longer = longer.map(|(from, to)| flow.add(from, to, 1));
        assert_eq!(flow.run(0, 7), 2);
        assert_eq!(shortest.map(|edge| flow.through(edge)), [1, 0, 1]);
        assert_eq!(longer.map(|edge| flow.through(edge)), [1; 6]);
        assert_eq!(flow.run(0, 7), 0, "no more");
        flow.add(0, 7, 7);
        assert_eq!(flow.run(0, 7), 7, "an edge added later");
    }

    /// The least that any cut between source and sink lets through.
    fn least_cut(nodes: usize, edges: &[(usize, usize, u64)]) -> u64 {
        let cuts =
            (0..1_usize << nodes).filter(|side| side & 1 == 1 && side >> (nodes - 1) & 1 == 0);
        let across = |side: usize| {
            let out = edges
                .iter()
                .filter(|(from, to, _)| side >> from & 1 == 1 && side >> to & 1 == 0);
            out.map(|(_, _, capacity)| *capacity).sum()
        };
        cuts.map(across).min().unwrap()
    }

    proptest! {
        #[test]
        fn the_most_that_flows_is_the_least_cut(
            edges in proptest::collection::vec((0..6_usize, 0..6_usize, 0..20_u64), 0..25),
        ) {
            let mut flow = Flow::new(6);
            let names: Vec<_> = edges.iter().map(|(from, to, capacity)| flow.add(*from, *to, *capacity)).collect();
            prop_assert_eq!(flow.run(0, 5), least_cut(6, &edges));
            for node in 1..5 {
                let sum = |is: &dyn Fn(&(usize, usize, u64)) -> bool| -> u64 {
                    let chosen = edges.iter().zip(&names).filter(|(edge, _)| is(edge));
                    chosen.map(|(_, name)| flow.through(*name)).sum()
                };
                prop_assert_eq!(sum(&|edge| edge.0 == node), sum(&|edge| edge.1 == node), "what comes in goes out");
            }
            for (edge, name) in edges.iter().zip(&names) {
                prop_assert!(flow.through(*name) <= edge.2);
            }
        }
    }
}

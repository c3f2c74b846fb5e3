//! The lines of waiting entries: one for each User and lane, each a sorted set of runs.
//!
//! A run holds the entries of one line with the same due time and order (in practice what one batch
//! has for one gateway) as a doubly linked list, so that entering at the back, taking the front
//! and removing from the middle cost the same small amount however many wait.

use std::collections::BTreeMap;

use crate::Micros;
use crate::slab::{NONE, Slab};

/// Due time, then order: where a run stands in its line.
pub(crate) type RunKey = (Micros, u64);

/// The first entry of a line. Heads of one User's lines compare as their entries go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Head {
    key: RunKey,
    seq: u64,
    pub(crate) line: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) user: u32,
    pub(crate) lane: u32,
    /// The first entry as last told to the User's ready lines.
    pub(crate) head: Option<Head>,
    /// Set aside, because its lane is held back.
    pub(crate) is_aside: bool,
    runs: BTreeMap<RunKey, u32>,
}

#[derive(Clone, Debug)]
struct Run {
    line: u32,
    key: RunKey,
    first: u32,
    last: u32,
    len: u32,
}

/// Field order and `u32` links keep it at 32 bytes with an eight-byte key.
#[derive(Clone, Debug)]
struct Node<K> {
    /// Counts pushes: breaks ties first in, first out, and tells an old slot from a new one.
    seq: u64,
    /// `NONE` while the place is free.
    run: u32,
    previous: u32,
    next: u32,
    key: K,
}

#[derive(Clone, Debug)]
pub(crate) struct Lines<K> {
    lines: Vec<Line>,
    runs: Slab<Run>,
    nodes: Slab<Node<K>>,
}

impl<K: Copy> Lines<K> {
    pub(crate) const fn new() -> Self {
        Self {
            lines: Vec::new(),
            runs: Slab::new(),
            nodes: Slab::new(),
        }
    }

    pub(crate) fn add_line(&mut self, user: u32, lane: u32) -> u32 {
        let line =
            u32::try_from(self.lines.len()).expect("a line for each User and lane: far below 2^32");
        let runs = BTreeMap::new();
        self.lines.push(Line {
            user,
            lane,
            head: None,
            is_aside: false,
            runs,
        });
        line
    }

    pub(crate) fn line(&self, line: u32) -> &Line {
        &self.lines[line as usize]
    }

    pub(crate) fn line_mut(&mut self, line: u32) -> &mut Line {
        &mut self.lines[line as usize]
    }

    /// Which entry of the line goes first.
    pub(crate) fn head_of(&self, line: u32) -> Option<Head> {
        let (&key, &run) = self.line(line).runs.first_key_value()?;
        Some(Head {
            key,
            seq: self.nodes[self.runs[run].first].seq,
            line,
        })
    }

    /// The place of the line's first entry.
    pub(crate) fn first_of(&self, line: u32) -> Option<u32> {
        self.line(line)
            .runs
            .first_key_value()
            .map(|(_, &run)| self.runs[run].first)
    }

    pub(crate) fn push(&mut self, line: u32, run_key: RunKey, seq: u64, key: K) -> u32 {
        let run = match self.line(line).runs.get(&run_key) {
            Some(&run) => run,
            None => self.add_run(line, run_key),
        };
        let previous = self.runs[run].last;
        let node = self.nodes.insert(Node {
            seq,
            run,
            previous,
            next: NONE,
            key,
        });
        self.link(run, previous, node);
        let run = &mut self.runs[run];
        run.last = node;
        run.len += 1;
        node
    }

    pub(crate) fn remove(&mut self, node: u32) -> K {
        let Node {
            run,
            previous,
            next,
            key,
            ..
        } = self.nodes[node];
        self.link(run, previous, next);
        if next == NONE {
            self.runs[run].last = previous;
        } else {
            self.nodes[next].previous = previous;
        }
        self.nodes[node].run = NONE;
        self.nodes.free(node);
        self.runs[run].len -= 1;
        if self.runs[run].len == 0 {
            self.remove_run(run);
        }
        key
    }

    /// The line of the entry in this place, if there is one and `is_it` knows its number.
    pub(crate) fn line_of(&self, node: u32, is_it: impl Fn(u64) -> bool) -> Option<u32> {
        let node = self
            .nodes
            .get(node)
            .filter(|node| node.run != NONE && is_it(node.seq))?;
        Some(self.runs[node.run].line)
    }

    /// How many entries of `line` go before the entry in place `node`, which may be in another line.
    pub(crate) fn count_before(&self, line: u32, node: u32) -> u64 {
        let node = &self.nodes[node];
        let key = self.runs[node.run].key;
        let runs = &self.line(line).runs;
        let earlier: u64 = runs
            .range(..key)
            .map(|(_, &run)| u64::from(self.runs[run].len))
            .sum();
        earlier
            + runs
                .get(&key)
                .map_or(0, |&run| self.count_older(run, node.seq))
    }

    fn count_older(&self, run: u32, seq: u64) -> u64 {
        let mut count = 0;
        let mut at = self.runs[run].first;
        while at != NONE && self.nodes[at].seq < seq {
            count += 1;
            at = self.nodes[at].next;
        }
        count
    }

    fn add_run(&mut self, line: u32, key: RunKey) -> u32 {
        let run = self.runs.insert(Run {
            line,
            key,
            first: NONE,
            last: NONE,
            len: 0,
        });
        self.line_mut(line).runs.insert(key, run);
        run
    }

    fn remove_run(&mut self, run: u32) {
        let Run { line, key, .. } = self.runs[run];
        self.line_mut(line).runs.remove(&key);
        self.runs.free(run);
    }

    /// Makes `next` follow `previous`, or stand first if there is none.
    fn link(&mut self, run: u32, previous: u32, next: u32) {
        if previous == NONE {
            self.runs[run].first = next;
        } else {
            self.nodes[previous].next = next;
        }
    }
}

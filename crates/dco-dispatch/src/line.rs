//! The lines of waiting entries: one for each User and lane, each a few sorted runs.
//!
//! A run is a doubly linked list of entries with the same due time, in order. What comes in goes to
//! the back of a run where it still is in order, else it starts another: batches and Devices come in
//! order, so a line has about as many runs as due times, and entering, taking the first and removing
//! from the middle cost the same small amount however many wait.

use std::collections::BTreeSet;

use crate::Micros;
use crate::slab::{NONE, Slab};

/// Due time, order, push number: where an entry goes inside its User. No two are alike.
pub(crate) type Place = (Micros, u32, u32);

/// The first entry of a line. Heads of one User's lines compare as their entries go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Head {
    place: Place,
    pub(crate) line: u32,
    pub(crate) lane: u32,
    /// Where the entry is kept.
    pub(crate) node: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) user: u32,
    pub(crate) lane: u32,
    /// Set aside, because its lane is held back.
    pub(crate) is_aside: bool,
    /// The first entry of the run that goes first.
    first: Option<First>,
    /// Those of the other runs.
    later: BTreeSet<First>,
    /// All runs by due time and the order of their last entries.
    tails: BTreeSet<(Micros, u32, u32)>,
}

/// The first entry of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct First {
    place: Place,
    node: u32,
}

#[derive(Clone, Debug)]
struct Run {
    due_us: Micros,
    line: u32,
    first: u32,
    last: u32,
    len: u32,
}

/// 24 octets with a key of four, because there are millions.
#[derive(Clone, Debug)]
struct Node<K> {
    order: u32,
    /// Counts pushes: breaks ties first in, first out, and tells an old slot from a new one.
    seq: u32,
    /// `NONE` while the place is free.
    run: u32,
    previous: u32,
    next: u32,
    key: K,
}

impl Run {
    const fn new(due_us: Micros, line: u32) -> Self {
        Self {
            due_us,
            line,
            first: NONE,
            last: NONE,
            len: 0,
        }
    }
}

impl<K> Node<K> {
    const fn new(order: u32, seq: u32, run: u32, key: K) -> Self {
        Self {
            order,
            seq,
            run,
            previous: NONE,
            next: NONE,
            key,
        }
    }
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
        let line = u32::try_from(self.lines.len());
        let line = line.expect("a line for each User and lane: far below 2^32");
        let (later, tails) = (BTreeSet::new(), BTreeSet::new());
        self.lines.push(Line {
            user,
            lane,
            is_aside: false,
            first: None,
            later,
            tails,
        });
        line
    }

    /// User and lane of each line.
    pub(crate) fn owners(&self) -> impl Iterator<Item = (u32, u32)> {
        self.lines.iter().map(|line| (line.user, line.lane))
    }

    pub(crate) fn line(&self, line: u32) -> &Line {
        &self.lines[line as usize]
    }

    pub(crate) fn line_mut(&mut self, line: u32) -> &mut Line {
        &mut self.lines[line as usize]
    }

    /// Which entry of the line goes first.
    pub(crate) fn head_of(&self, line: u32) -> Option<Head> {
        let state = self.line(line);
        state.first.map(|First { place, node }| Head {
            place,
            line,
            lane: state.lane,
            node,
        })
    }

    /// Puts an entry with the highest `seq` so far into the line, and says where it is kept.
    pub(crate) fn push(&mut self, line: u32, (due_us, order, seq): Place, key: K) -> u32 {
        let tails = &self.line(line).tails;
        let before = tails.range(..=(due_us, order, u32::MAX)).next_back();
        match before.filter(|tail| tail.0 == due_us) {
            Some(&(.., run)) => {
                self.forget_tail(run);
                let node = self.append(run, Node::new(order, seq, run, key));
                self.note_tail(run);
                node
            }
            None => {
                let run = self.runs.insert(Run::new(due_us, line));
                let node = self.append(run, Node::new(order, seq, run, key));
                self.note_tail(run);
                self.note_head(run);
                node
            }
        }
    }

    /// Puts all these entries, in their order, into an empty line, and says number, key and where each is kept.
    pub(crate) fn fill(
        &mut self,
        line: u32,
        entries: Vec<(Place, K)>,
        mut kept: impl FnMut(u32, K, u32),
    ) {
        let mut runs: Vec<u32> = Vec::new();
        for ((due_us, order, seq), key) in entries {
            let run = match runs.last().filter(|run| self.runs[**run].due_us == due_us) {
                Some(run) => *run,
                None => {
                    runs.push(self.runs.insert(Run::new(due_us, line)));
                    runs[runs.len() - 1]
                }
            };
            kept(seq, key, self.append(run, Node::new(order, seq, run, key)));
        }
        let tails = runs.iter().map(|run| self.tail(*run)).collect();
        let mut heads = runs.iter().map(|run| self.first_of(*run));
        let (first, later) = (heads.next(), heads.collect());
        let state = self.line_mut(line);
        (state.first, state.later, state.tails) = (first, later, tails);
    }

    /// Takes an entry out.
    pub(crate) fn remove(&mut self, node: u32) -> K {
        let Node {
            run,
            previous,
            next,
            key,
            ..
        } = self.nodes[node];
        if next == NONE {
            self.forget_tail(run);
        }
        if previous == NONE {
            self.forget_head(run);
        }
        self.unlink(run, previous, next);
        self.nodes[node].run = NONE;
        self.nodes.free(node);
        if self.runs[run].len == 0 {
            self.lines[self.runs[run].line as usize].fill_first();
            self.runs.free(run);
            return key;
        }
        if next == NONE {
            self.note_tail(run);
        }
        if previous == NONE {
            self.note_head(run);
        }
        key
    }

    /// The line of the entry kept there, if there is one and `is_it` knows its number.
    pub(crate) fn line_of(&self, node: u32, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let node = self
            .nodes
            .get(node)
            .filter(|node| node.run != NONE && is_it(node.seq))?;
        Some(self.runs[node.run].line)
    }

    /// How many entries of `line` go before the entry `node`, which may be in another line.
    pub(crate) fn count_before(&self, line: u32, node: u32) -> u64 {
        let node = &self.nodes[node];
        let place = (self.runs[node.run].due_us, node.order, node.seq);
        let runs = self.line(line).tails.iter().map(|&(.., run)| run);
        runs.take_while(|&run| self.runs[run].due_us <= place.0)
            .map(|run| self.count_before_in(run, place))
            .sum()
    }

    fn count_before_in(&self, run: u32, place: Place) -> u64 {
        let run = &self.runs[run];
        if run.due_us < place.0 {
            return u64::from(run.len);
        }
        let mut count = 0;
        let mut at = run.first;
        while at != NONE && self.place_of(at) < place {
            count += 1;
            at = self.nodes[at].next;
        }
        count
    }

    fn place_of(&self, node: u32) -> Place {
        let node = &self.nodes[node];
        (self.runs[node.run].due_us, node.order, node.seq)
    }

    fn first_of(&self, run: u32) -> First {
        let node = self.runs[run].first;
        First {
            place: self.place_of(node),
            node,
        }
    }

    fn append(&mut self, run: u32, node: Node<K>) -> u32 {
        let previous = self.runs[run].last;
        let node = self.nodes.insert(Node { previous, ..node });
        if previous == NONE {
            self.runs[run].first = node;
        } else {
            self.nodes[previous].next = node;
        }
        self.runs[run].last = node;
        self.runs[run].len += 1;
        node
    }

    fn unlink(&mut self, run: u32, previous: u32, next: u32) {
        if previous == NONE {
            self.runs[run].first = next;
        } else {
            self.nodes[previous].next = next;
        }
        if next == NONE {
            self.runs[run].last = previous;
        } else {
            self.nodes[next].previous = previous;
        }
        self.runs[run].len -= 1;
    }

    fn tail(&self, run: u32) -> (Micros, u32, u32) {
        let state = &self.runs[run];
        (state.due_us, self.nodes[state.last].order, run)
    }

    fn note_tail(&mut self, run: u32) {
        let tail = self.tail(run);
        self.lines[self.runs[run].line as usize].tails.insert(tail);
    }

    fn forget_tail(&mut self, run: u32) {
        let tail = self.tail(run);
        self.lines[self.runs[run].line as usize].tails.remove(&tail);
    }

    fn note_head(&mut self, run: u32) {
        let head = self.first_of(run);
        let line = &mut self.lines[self.runs[run].line as usize];
        let rival = line.first.or_else(|| line.later.first().copied());
        if rival.is_some_and(|rival| rival < head) {
            line.later.insert(head);
            line.fill_first();
        } else {
            line.later.extend(line.first.replace(head));
        }
    }

    fn forget_head(&mut self, run: u32) {
        let head = self.first_of(run);
        let line = &mut self.lines[self.runs[run].line as usize];
        if line.first.take_if(|first| *first == head).is_none() {
            line.later.remove(&head);
        }
    }
}

impl Line {
    fn fill_first(&mut self) {
        if self.first.is_none() {
            self.first = self.later.pop_first();
        }
    }
}

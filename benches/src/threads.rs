//! Two threads on one contender. A batch counts only if both threads ran, undisturbed, from its begin to its end.

use std::fmt;
use std::mem;
use std::time::{Duration, Instant};

use crate::contenders::{Make, Run};
use crate::measure::Spread;
use crate::partner::{Batch, Partner, calls_in_batch, counted, mean, record};

/// One contender under two threads, and the same under one.
pub struct Pair {
    first: Run,
    second: Run,
    calls: u64,
    one: Vec<f64>,
    with: [Together; PARTNERS],
}

/// What two threads cost each other; a contender that spreads threads over its memory may do well by one partner and
/// badly by another.
#[derive(Debug, Default)]
pub struct Together {
    /// Nanoseconds per call of the batches that count.
    counted: Vec<f64>,
    /// A round's throughput, by those batches.
    throughput: Vec<f64>,
    /// A round's nanoseconds per call, by those batches; `None` where too few counted.
    rounds: Vec<Option<f64>>,
    /// How many batches there were, counted or not; and how many of them ran without a break, whatever the other thread
    /// did meanwhile.
    batches: usize,
    unbroken: usize,
    /// Nanoseconds per call over a whole round, and its throughput.
    all: Vec<f64>,
    throughput_of_all: Vec<f64>,
    rounds_of_all: Vec<Option<f64>>,
}

impl Pair {
    /// Makes a contender and a body for each thread.
    ///
    /// # Panics
    ///
    /// If the contender does not make two bodies.
    #[must_use]
    pub fn new(make: &Make) -> Self {
        let [mut first, second] = <[Run; 2]>::try_from(make(2)).ok().expect("two bodies were asked for");
        let calls = calls_in_batch(&mut first);
        Self { first, second, calls, one: Vec::new(), with: Default::default() }
    }

    /// What a call costs one thread alone, in nanoseconds.
    #[must_use]
    pub fn one(&self) -> Option<Spread> {
        Spread::of(self.one.clone())
    }

    /// The figures by each partner, the worse one first.
    #[must_use]
    pub fn together(&self) -> [&Together; PARTNERS] {
        let mut with = self.with.each_ref();
        let throughput = |figures: &Together| figures.throughput().unwrap_or(f64::INFINITY);
        with.sort_by(|a, b| throughput(a).total_cmp(&throughput(b)));
        with
    }

    /// How many times what `other` costs each of two threads this costs: the median over the rounds, by the partner with
    /// whom that is worse.
    #[must_use]
    pub fn ratio_to(&self, other: &Self) -> Option<f64> {
        let ratios = self.with.iter().zip(&other.with).filter_map(|(mine, others)| mine.ratio_to(others));
        ratios.max_by(f64::total_cmp)
    }

    /// One thread for a while, then two.
    fn round(&mut self, partner: &Partner, which: usize) {
        let alone: Vec<f64> =
            record(&mut self.first, self.calls).iter().filter(|batch| batch.clean).map(Batch::cost).collect();
        let second = mem::replace(&mut self.second, Box::new(|_| {}));
        let (left, right, second) = partner.together(&mut self.first, second, self.calls);
        self.second = second;
        self.with[which].take(median(&alone), &left, &right);
        self.one.extend(alone);
    }
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pair").field("calls", &self.calls).finish_non_exhaustive()
    }
}

impl Together {
    /// How many batches counted.
    #[must_use]
    pub fn clean(&self) -> usize {
        self.counted.len()
    }

    /// What a call costs each of the two threads.
    #[must_use]
    pub fn cost(&self) -> Option<Spread> {
        Spread::of(if self.sleeps() { self.all.clone() } else { self.counted.clone() })
    }

    /// How many calls both make in the time in which one alone makes one: 2 if they do not notice each other. The
    /// median over the rounds.
    #[must_use]
    pub fn throughput(&self) -> Option<f64> {
        median(if self.sleeps() { &self.throughput_of_all } else { &self.throughput })
    }

    /// Whether the threads send each other to sleep, so that most batches are broken. All of them stand in then: what
    /// else the machine does is in them too.
    ///
    /// Where batches are whole, and none counts, the threads did not run at the same time: then there is no figure.
    #[must_use]
    pub fn sleeps(&self) -> bool {
        self.unbroken * 2 < self.batches
    }

    fn ratio_to(&self, other: &Self) -> Option<f64> {
        let both = self.costs().iter().zip(other.costs());
        let ratios: Vec<f64> = both.filter_map(|(mine, others)| Some((*mine)? / (*others)?)).collect();
        median(&ratios)
    }

    fn costs(&self) -> &[Option<f64>] {
        if self.sleeps() { &self.rounds_of_all } else { &self.rounds }
    }

    /// Takes a round in, by what a call costs one thread alone.
    fn take(&mut self, one: Option<f64>, left: &[Batch], right: &[Batch]) {
        let costs = [counted(left, right), counted(right, left)];
        let medians = match costs.each_ref().map(|costs| median(costs)) {
            [Some(left), Some(right)] => Some([left, right]),
            _ => None,
        };
        self.throughput.extend(one.zip(medians).map(|(one, [left, right])| one / left + one / right));
        self.rounds.push(medians.map(|[left, right]| f64::midpoint(left, right)));
        self.counted.extend(costs.into_iter().flatten());
        let [left_all, right_all] = [mean(left), mean(right)];
        self.throughput_of_all.extend(one.map(|one| one / left_all + one / right_all));
        self.rounds_of_all.push(Some(f64::midpoint(left_all, right_all)));
        self.all.extend([left_all, right_all]);
        self.batches += left.len() + right.len();
        self.unbroken += left.iter().chain(right).filter(|batch| batch.clean).count();
    }
}

/// Runs the pairs in turns, with one partner and the other, until each has `wanted` batches that count by either, or
/// `patience` is used up.
pub fn interleave(pairs: &mut [Pair], wanted: usize, patience: Duration) {
    let partners: [Partner; PARTNERS] = std::array::from_fn(|_| Partner::new());
    let begun = Instant::now();
    let enough = |pair: &Pair| pair.with.iter().all(|figures| figures.clean() >= wanted);
    while begun.elapsed() < patience && !pairs.iter().all(enough) {
        for (which, partner) in partners.iter().enumerate() {
            pairs.iter_mut().for_each(|pair| pair.round(partner, which));
        }
    }
}

fn median(costs: &[f64]) -> Option<f64> {
    Spread::of(costs.to_vec()).map(|spread| spread.median)
}

const PARTNERS: usize = 2;

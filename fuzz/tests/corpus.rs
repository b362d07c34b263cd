//! The targets without libFuzzer: over the corpus, and over inputs that follow from it and from a fixed seed.

use std::{
    fs,
    panic::{self, AssertUnwindSafe},
    path::Path,
};

use seawall_fuzz::{TARGETS, Target};

const INPUTS: usize = 100_000;

#[test]
fn the_corpus_breaks_no_law() {
    for &(name, target) in TARGETS {
        for input in corpus(name) {
            run(name, target, &input);
        }
    }
}

#[test]
fn made_up_inputs_break_no_law() {
    for &(name, target) in TARGETS {
        let corpus = corpus(name);
        let mut luck = Luck(1);
        for _ in 0..INPUTS {
            run(name, target, &luck.input(&corpus));
        }
    }
}

#[test]
fn each_binary_is_a_target() {
    let manifest = fs::read_to_string(folder().join("Cargo.toml")).expect("the package has a manifest");
    assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
    for (name, _) in TARGETS {
        assert!(manifest.contains(&format!("name = \"{name}\"\npath = \"fuzz_targets/{name}.rs\"")), "{name}");
    }
}

fn run(name: &str, target: Target, input: &[u8]) {
    if let Err(panic) = panic::catch_unwind(AssertUnwindSafe(|| target(input))) {
        eprintln!("{name} fails on {input:?}");
        panic::resume_unwind(panic);
    }
}

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// In an order that does not hang on the file system.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(folder().join("corpus").join(name)).expect("each target has a corpus");
    let mut inputs: Vec<_> =
        entries.map(|entry| fs::read(entry.expect("an entry").path()).expect("a readable file")).collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "the corpus of {name} is empty");
    inputs
}

/// Splitmix64.
struct Luck(u64);

impl Luck {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    /// One time in four any bytes, else one of the corpus with a few changes.
    fn input(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        if self.below(4) == 0 {
            return (0..self.below(48)).map(|_| self.next() as u8).collect();
        }
        let mut input = corpus[self.below(corpus.len())].clone();
        for _ in 0..=self.below(3) {
            self.change(&mut input);
        }
        input
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len());
        match self.below(6) {
            0 => input.insert(at, self.next() as u8),
            1 => input.insert(at, b'0' + self.below(10) as u8),
            2 => input.truncate(at),
            3 if at < input.len() => drop(input.remove(at)),
            4 if at < input.len() => input[at] ^= 1 << self.below(8),
            _ if at < input.len() => input[at] = b'0' + self.below(10) as u8,
            _ => {}
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
//! What is in the corpus is read as it is, and damaged a little.

use fuzz::mutate::{Random, mutate};
use fuzz::targets::TARGETS;
use std::collections::BTreeSet;

/// How many damaged inputs of each format a test run reads.
const DAMAGED: u64 = 25;

#[test]
fn the_corpus_breaks_nothing() {
    for target in TARGETS {
        let seeds = fuzz::seeds(target.name).unwrap();
        assert!(!seeds.is_empty(), "{} has no input", target.name);
        for (name, bytes) in &seeds {
            println!("{}/{name}", target.name);
            (target.read)(bytes);
        }
        let inputs: Vec<&[u8]> = seeds.iter().map(|(_, bytes)| bytes.as_slice()).collect();
        for number in 0..DAMAGED {
            println!("{} damaged, {number}", target.name);
            (target.read)(&mutate(&inputs, &mut Random::new(number)));
        }
    }
}

#[test]
fn every_folder_of_the_corpus_has_a_reader() {
    let folders = std::fs::read_dir(fuzz::corpus("")).unwrap();
    let folders: BTreeSet<_> = folders.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(folders, TARGETS.iter().map(|target| target.name.to_owned()).collect());
}

#[test]
fn the_same_seed_gives_the_same_cases() {
    let seeds: [&[u8]; 2] = [b"[a]\nb = 12\n", b"<x y='1'/>"];
    let cases = |seed| -> Vec<_> {
        let mut random = Random::new(seed);
        (0..50).map(|_| mutate(&seeds, &mut random)).collect()
    };
    assert_eq!(cases(7), cases(7));
    assert_ne!(cases(7), cases(8));
}

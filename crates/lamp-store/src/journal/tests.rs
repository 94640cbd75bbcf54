//! Whatever happens to the bytes of a journal, it is noticed, and nothing is read that was not written.

use proptest::prelude::*;

use super::frame;
use super::payload;
use super::scan::{Scan, scan};
use super::segment::{HEAD, SegmentHead};
use super::{Checkpoint, Directory, Journal, Link, ORIGIN, Reach, Rows, Survey, apply, checkpoint};
use crate::backend::{Batch, Write};

fn batch(number: u64) -> Batch {
    let key = format!("key {}", number % 3).into_bytes();
    Batch { writes: vec![Write::Put(key, vec![b'x'; (number % 7) as usize]), Write::Remove(vec![1])] }
}

/// A segment of five frames, and where each of them ends.
fn segment() -> (Vec<u8>, Vec<usize>) {
    let mut bytes = SegmentHead { first: 1, previous: ORIGIN }.encode();
    let (mut link, mut ends): (Link, Vec<usize>) = (ORIGIN, Vec::new());
    for number in 1..=5 {
        let payload = payload::encode(&batch(number)).unwrap();
        let (frame, next) = frame::encode(number, &link, &payload).unwrap();
        bytes.extend(frame);
        link = next;
        ends.push(bytes.len());
    }
    (bytes, ends)
}

fn is_noticed(scan: &Scan) -> bool {
    !scan.damaged.is_empty() || scan.torn.is_some() || scan.is_stub
}

#[test]
fn a_segment_that_was_cut_off_anywhere_is_read_up_to_there_and_no_further() {
    let (bytes, ends) = segment();
    let whole = scan(&bytes);
    assert_eq!(whole.frames.len(), 5);
    assert!(!is_noticed(&whole));
    for cut in 0..bytes.len() {
        let found = scan(&bytes[..cut]);
        let expected = ends.iter().filter(|end| **end <= cut).count();
        assert_eq!(found.frames, whole.frames[..expected], "cut at {cut}");
        assert!(found.damaged.is_empty(), "a cut is no damage: {cut}");
        let at_an_end = cut == HEAD || ends.contains(&cut);
        assert_eq!(is_noticed(&found), !at_an_end, "cut at {cut}");
    }
}

#[test]
fn a_bit_that_flipped_anywhere_is_noticed_and_costs_no_other_frame() {
    let (bytes, ends) = segment();
    let whole = scan(&bytes);
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let found = scan(&damaged);
        assert!(!found.damaged.is_empty(), "bit {bit} was not noticed");
        let hit = ends.iter().position(|end| bit / 8 < *end).filter(|_| bit / 8 >= HEAD);
        let others = whole.frames.iter().enumerate().filter(|(number, _)| Some(*number) != hit);
        let others: Vec<_> = others.map(|(_, spot)| *spot).collect();
        assert_eq!(found.frames, others, "bit {bit}");
        assert_eq!(found.ends_damaged, hit == Some(4), "bit {bit}");
    }
}

#[test]
fn space_that_was_never_written_is_no_damage() {
    let (mut bytes, ends) = segment();
    bytes.extend([0; 4096]);
    let found = scan(&bytes);
    assert_eq!((found.frames.len(), found.torn), (5, Some(ends[4])));
    assert!(found.damaged.is_empty());
}

#[test]
fn a_checkpoint_with_a_flipped_bit_or_cut_off_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let directory = Directory::of(dir.path());
    crate::backend::directory::create(directory.path()).unwrap();
    let rows: Rows = [(b"a".to_vec(), b"1".to_vec()), (b"b".to_vec(), Vec::new())].into();
    let checkpoint = Checkpoint { sequence: 7, link: [9; 16], rows };
    checkpoint.write(&directory).unwrap();
    let path = directory.checkpoint(7);
    assert_eq!(Checkpoint::read(&path).unwrap(), Ok(checkpoint));
    let bytes = std::fs::read(&path).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&path, damaged).unwrap();
        assert!(Checkpoint::read(&path).unwrap().is_err(), "bit {bit}");
    }
    for cut in 0..bytes.len() {
        std::fs::write(&path, &bytes[..cut]).unwrap();
        assert!(Checkpoint::read(&path).unwrap().is_err(), "cut at {cut}");
    }
}

fn write() -> impl Strategy<Value = Write> {
    let bytes = prop::collection::vec(any::<u8>(), 0..20);
    let key = prop::collection::vec(0..4_u8, 1..3);
    prop_oneof![
        3 => (key.clone(), bytes).prop_map(|(key, value)| Write::Put(key, value)),
        1 => key.prop_map(Write::Remove),
    ]
}

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<Write>),
    /// Another segment, and a checkpoint of those before.
    Rotate,
    Reopen,
    /// The process dies while it writes: so many bytes of a frame are there.
    Tear(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => prop::collection::vec(write(), 1..4).prop_map(Step::Append),
        1 => Just(Step::Rotate),
        1 => Just(Step::Reopen),
        1 => (1..40_usize).prop_map(Step::Tear),
    ]
}

/// The rows that a journal holds, by its newest sound checkpoint.
fn rows_of(directory: &Directory) -> (Rows, Reach, Survey) {
    let survey = Survey::take(directory).unwrap();
    let base = survey.whole_checkpoints().next_back().cloned().unwrap();
    let reach = survey.reach(base.sequence, base.link);
    let mut rows = base.rows().unwrap();
    survey.replay(base.sequence, reach.sequence, |writes| apply(&mut rows, writes)).unwrap();
    (rows, reach, survey)
}

fn reopen(directory: &Directory) -> Journal {
    let (_, reach, survey) = rows_of(directory);
    assert!(survey.damaged_segments.is_empty(), "{:?}", survey.damaged_segments);
    assert_eq!(survey.evidence, reach.sequence);
    assert!(survey.ends_with(reach.sequence));
    Journal::resume(directory.clone(), &survey.tail.unwrap(), reach).unwrap()
}

fn play(steps: &[Step]) {
    let dir = tempfile::tempdir().unwrap();
    let directory = Directory::of(dir.path());
    crate::backend::directory::create(directory.path()).unwrap();
    Checkpoint::empty().write(&directory).unwrap();
    let mut journal = Journal::begin(directory.clone(), Reach { sequence: 0, link: ORIGIN }).unwrap();
    let (mut model, mut count) = (Rows::new(), 0);
    for step in steps {
        match step {
            Step::Append(writes) => {
                count += 1;
                assert_eq!(journal.append(&Batch { writes: writes.clone() }).unwrap(), count);
                apply(&mut model, writes.clone());
            }
            Step::Rotate if count > 0 => {
                let first = journal.rotate().unwrap();
                checkpoint::advance(&directory, first).unwrap();
            }
            Step::Rotate => {}
            Step::Reopen => journal = reopen(&directory),
            Step::Tear(bytes) => {
                let payload = payload::encode(&batch(1)).unwrap();
                let (frame, _) = frame::encode(count + 1, &journal.last().link, &payload).unwrap();
                let (path, _) = journal.end();
                let mut file = std::fs::File::options().append(true).open(path).unwrap();
                std::io::Write::write_all(&mut file, &frame[..(*bytes).min(frame.len() - 1)]).unwrap();
                journal = reopen(&directory);
            }
        }
        assert!(directory.checkpoints().unwrap().len() <= 2);
    }
    let (rows, reach, _) = rows_of(&directory);
    assert_eq!((rows, reach.sequence), (model.clone(), count));
    every_row_is_there_twice(&directory, &model);
}

/// From the older checkpoint one gets to the same rows.
fn every_row_is_there_twice(directory: &Directory, model: &Rows) {
    let survey = Survey::take(directory).unwrap();
    for base in survey.whole_checkpoints() {
        let reach = survey.reach(base.sequence, base.link);
        let mut rows = base.rows().unwrap();
        survey.replay(base.sequence, reach.sequence, |writes| apply(&mut rows, writes)).unwrap();
        assert_eq!((&rows, reach.sequence), (model, survey.evidence));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn a_batch_is_read_as_it_was_written(writes in prop::collection::vec(write(), 0..10)) {
        let bytes = payload::encode(&Batch { writes: writes.clone() }).unwrap();
        prop_assert_eq!(payload::decode(&bytes), Some(writes));
    }

    #[test]
    fn a_journal_is_what_was_written_into_it(steps in prop::collection::vec(step(), 1..30)) {
        play(&steps);
    }
}

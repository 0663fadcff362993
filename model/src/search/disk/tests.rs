//! What is searched on disk is what is searched in memory: in many runs, stopped here and there,
//! and resumed.

use std::fs;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};

use super::*;
use crate::cluster::{Cluster, Protocol};
use crate::reduce::{Reduce, Reductions};
use crate::search::RELAXED;
use crate::search::parallel::{self, Crew};
use crate::types::Term;
use crate::world::bounds::{Bounds, Replies, Terms};
use crate::world::properties::SAFETY;

type Model = PackedModel<4>;

fn model(protocol: Protocol, servers: u8, reductions: Reductions) -> Model {
    let cluster = Cluster::with(servers, protocol).unwrap();
    let bounds = Bounds::new(cluster, Terms::UpTo(Term::new(1)), Replies::All);
    Model::new(bounds, reductions).unwrap()
}

fn figure2() -> Model {
    model(Protocol::FIGURE2, 3, Reductions::NONE)
}

/// A new search with so many workers, and so much room for each.
fn disk(folder: &Path, workers: usize, room: usize) -> Disk {
    let election = "the specification".to_owned();
    let (folder, room) = (folder.join("search"), room * workers);
    Disk { folder, resume: false, workers, room, election, says: |_| () }
}

/// Searches alone.
fn search(
    model: &Model,
    properties: &[Property],
    disk: &Disk,
    control: &Arc<Control>,
) -> Result<OnDisk<4>, DiskError> {
    super::search(&Arc::new(model.clone()), properties, disk, None, control)
}

fn in_memory(model: &Model) -> Outcome {
    let crew = Crew { workers: 1, peers: None, keys: Keys::Exact };
    let model = Arc::new(model.clone());
    parallel::search(&model, &SAFETY, &crew, &Default::default()).unwrap()
}

/// What was covered, and how.
#[track_caller]
fn assert_same(found: &Outcome, expected: &Outcome) {
    assert_eq!(found.levels, expected.levels);
    assert_eq!((found.coverage, found.generated), (expected.coverage, expected.generated));
    assert_eq!((found.exhaustive, &found.violated), (expected.exhaustive, &expected.violated));
}

#[test]
fn a_graph_on_disk_is_the_graph_in_memory_however_little_fits() {
    let guarded = [Reductions::GUARDED, Reductions::SAFETY, Reductions::FREE_NEWS];
    let guarded = guarded.map(|reductions| model(Protocol::GUARDED, 2, reductions));
    for model in guarded.into_iter().chain([figure2()]) {
        let expected = in_memory(&model);
        for (workers, room) in [(1, 1 << 20), (1, 4096), (2, 512), (3, 1)] {
            let folder = tempfile::tempdir().unwrap();
            let disk = disk(folder.path(), workers, room);
            let found = search(&model, &SAFETY, &disk, &Arc::default()).unwrap();
            assert_same(&found.outcome, &expected);
        }
    }
}

/// How many reductions are left before a search is stopped, and which.
static LEFT: AtomicUsize = AtomicUsize::new(0);
static WATCHED: Mutex<Option<Arc<Control>>> = Mutex::new(None);

/// It stops the search when nothing is left, in the midst of a level.
const STOPPING: Reduce<4> = |reductions, bounds, layout, world| {
    if LEFT.fetch_sub(1, RELAXED) == 1 {
        WATCHED.lock().unwrap().as_ref().unwrap().stop(Stop::Interrupted);
    }
    reductions.reduce(bounds, layout, world)
};

/// It goes a little farther each time.
#[test]
fn a_search_that_is_stopped_goes_on_where_it_was() {
    let (model, folder) = (figure2(), tempfile::tempdir().unwrap());
    let watched = model.clone().reducing_with(STOPPING);
    let mut disk = disk(folder.path(), 1, 2048);
    let mut stops = 0;
    let found = loop {
        let control = Arc::new(Control::default());
        *WATCHED.lock().unwrap() = Some(Arc::clone(&control));
        LEFT.store(700 * (stops + 1), RELAXED);
        let found = search(&watched, &SAFETY, &disk, &control).unwrap();
        if found.outcome.stopped.is_none() {
            break found;
        }
        assert!(!found.outcome.exhaustive && found.outcome.stopped == Some(Stop::Interrupted));
        disk.resume = true;
        stops += 1;
    };
    assert!(stops > 2, "it was stopped {stops} times only");
    assert_same(&found.outcome, &in_memory(&model));
    let again = search(&model, &SAFETY, &disk, &Arc::default()).unwrap();
    assert_same(&again.outcome, &found.outcome);
}

/// How many reductions are left before the process of a test ends.
static LIFE: AtomicUsize = AtomicUsize::new(0);

/// It dies when nothing is left, in the midst of a level.
const MORTAL: Reduce<4> = |reductions, bounds, layout, world| {
    assert_ne!(LIFE.fetch_sub(1, RELAXED), 1, "the end");
    reductions.reduce(bounds, layout, world)
};

/// It lives a little longer each time, and leaves half a file.
#[test]
fn a_search_that_dies_goes_on_from_what_was_saved() {
    let (model, folder) = (figure2(), tempfile::tempdir().unwrap());
    let mortal = model.clone().reducing_with(MORTAL);
    let mut disk = disk(folder.path(), 1, 512);
    let mut deaths = 0;
    let found = loop {
        LIFE.store(700 * (deaths + 1), RELAXED);
        let control = Arc::default();
        let search = AssertUnwindSafe(|| search(&mortal, &SAFETY, &disk, &control).unwrap());
        match std::panic::catch_unwind(search) {
            Ok(found) => break found,
            Err(_) => deaths += 1,
        }
        disk.resume = true;
        fs::write(disk.folder.join("successors-half.run"), "half").unwrap();
        fs::write(disk.folder.join("checkpoint.new"), "{").unwrap();
    };
    assert!(deaths > 2, "it died {deaths} times only");
    assert_same(&found.outcome, &in_memory(&model));
}

#[test]
fn a_folder_with_another_search_is_refused_and_the_difference_named() {
    let (folder, control) = (tempfile::tempdir().unwrap(), Arc::default());
    let new = disk(folder.path(), 1, 1 << 20);
    let on = Disk { resume: true, ..new.clone() };
    let refusal = |model: &Model, disk: &Disk| {
        search(model, &SAFETY, disk, &control).unwrap_err().to_string()
    };
    assert!(refusal(&figure2(), &on).ends_with("has no search to resume"));
    search(&figure2(), &SAFETY, &new, &control).unwrap();
    assert!(refusal(&figure2(), &new).contains("has a search already"));
    let guarded = model(Protocol::GUARDED, 3, Reductions::GUARDED);
    let says = refusal(&guarded, &on);
    assert!(says.ends_with("its protocol is figure2, and here it is guarded"), "{says}");
    let mutant = Disk { election: "vote-given-twice".to_owned(), ..on };
    let says = refusal(&figure2(), &mutant);
    let expected = "its election is the specification, and here it is vote-given-twice";
    assert!(says.ends_with(expected), "{says}");
}

/// Another version of the program: its servers forget their votes, whatever it is called.
#[test]
fn a_graph_that_is_not_the_one_on_disk_is_refused() {
    let (folder, control) = (tempfile::tempdir().unwrap(), Arc::default());
    let new = disk(folder.path(), 1, 1 << 20);
    search(&figure2(), &SAFETY, &new, &control).unwrap();
    let other = figure2().driven_by(crate::search::tests::FORGETFUL);
    let on = Disk { resume: true, ..new };
    let refusal = search(&other, &SAFETY, &on, &control).unwrap_err().to_string();
    assert!(refusal.ends_with("this program is another version"), "{refusal}");
}

/// What was said of the folder, test by test.
static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Half a file, another bit, no file: of the last level, or of one before.
#[test]
fn a_file_that_is_not_what_was_written_costs_what_came_after_it() {
    let (folder, control) = (tempfile::tempdir().unwrap(), Arc::default());
    let new = disk(folder.path(), 1, 1 << 20);
    let expected = search(&figure2(), &SAFETY, &new, &control).unwrap().outcome;
    let says = |note: &str| SAID.lock().unwrap().push(note.to_owned());
    let on = Disk { resume: true, says, ..new };
    for level in [4, expected.levels.len()] {
        for damage in ["torn", "changed", "gone"] {
            let named = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
            let files = || fs::read_dir(&on.folder).unwrap().map(Result::unwrap);
            let number =
                |name: &str| name.strip_prefix("level-")?.strip_suffix(".run")?.parse().ok();
            let mut runs: Vec<u32> = files().filter_map(|entry| number(&named(&entry))).collect();
            runs.sort_unstable();
            let name = format!("level-{}.run", runs[level - 1]);
            let path = on.folder.join(&name);
            let mut bytes = fs::read(&path).unwrap();
            match damage {
                "torn" => fs::write(&path, &bytes[..bytes.len() / 2]).unwrap(),
                "changed" => {
                    bytes[0] ^= 4;
                    fs::write(&path, bytes).unwrap();
                }
                _ => fs::remove_file(&path).unwrap(),
            }
            assert_same(&search(&figure2(), &SAFETY, &on, &control).unwrap().outcome, &expected);
            let said = std::mem::take(&mut *SAID.lock().unwrap());
            let beginning = format!("from the beginning of level {}", level - 1);
            let [note] = &said[..] else { panic!("one note: {said:?}") };
            assert!(note.contains(&name) && note.ends_with(&beginning), "{damage}: {note}");
        }
    }
    fs::write(on.folder.join("level-1.run"), "?").unwrap();
    let refusal = search(&figure2(), &SAFETY, &on, &control).unwrap_err().to_string();
    assert!(refusal.contains("level-1.run is damaged: start anew"), "{refusal}");
}

#[test]
fn a_violation_has_a_shortest_way_from_the_files_of_each_level() {
    let (folder, control) = (tempfile::tempdir().unwrap(), Arc::default());
    let model = model(Protocol::FIGURE2, 2, Reductions::NONE);
    let model = model.driven_by(crate::search::tests::FORGETFUL);
    let disk = disk(folder.path(), 2, 64);
    for disk in [disk.clone(), Disk { resume: true, ..disk }] {
        let found = search(&model, &SAFETY, &disk, &control).unwrap();
        let expected = in_memory(&model);
        assert_same(&found.outcome, &expected);
        let steps = |findings: &Findings| {
            let steps = findings.violations().map(|(property, run)| (*property, run.moves.len()));
            steps.collect::<Vec<_>>()
        };
        let expected = expected.findings(&model, &SAFETY, &control);
        assert!(!steps(&expected).is_empty());
        assert!(found.ways.is_some(), "it is found in the files");
        assert_eq!(steps(&found.findings(&model, &SAFETY, &control)), steps(&expected));
    }
}

//! Pictures of runs show what was recorded, and nothing else.

mod clocks;
mod guards;

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;
use support::run::{Run, id, three_elections};
use support::{binary, simulation};

use raft_model::trace::picture::{Picture, PictureError, Range};
use raft_model::trace::replay::{Report, replay};
use roxmltree::{Document, Node};
use simulation::{Simulation, text, write};
use tempfile::TempDir;

const WHOLE: Range = Range { from: None, to: None };

fn draw(traces: &[String], range: Range) -> (Report, Result<String, PictureError>) {
    let folder = TempDir::new().unwrap();
    let files = write(&folder, traces);
    let report = replay(&files).unwrap();
    let picture = Picture::read(&files, &report, range);
    (report, picture.map(|picture| picture.to_string()))
}

fn drawn(traces: &[String], range: Range) -> String {
    draw(traces, range).1.unwrap()
}

/// The whole run, on so many screens.
fn zoomed(traces: &[String], screens: u32) -> String {
    let folder = TempDir::new().unwrap();
    let files = write(&folder, traces);
    let report = replay(&files).unwrap();
    Picture::read(&files, &report, WHOLE).unwrap().zoomed(screens).to_string()
}

/// How many elements have this class, within an element of that class.
fn count(picture: &str, outer: &str, inner: &str) -> usize {
    let document = Document::parse(picture).unwrap();
    let is = |node: Node, class: &str| node.attribute("class") == Some(class);
    let all = document.descendants().filter(|&node| is(node, outer));
    all.flat_map(|node| node.descendants()).filter(|&node| is(node, inner)).count()
}

/// What a message of this class looks like: how many arrive, are lost, or are left open.
fn messages(picture: &str, class: &str) -> (usize, usize, usize) {
    let outer = format!("message {class}");
    let [arrows, stubs, lost] =
        ["arrow", "stub", "lost"].map(|inner| count(picture, &outer, inner));
    (arrows, lost, stubs - lost)
}

/// So many messages of this class are received, lost, and left open.
#[track_caller]
fn are(picture: &str, class: &str, due: (usize, usize, usize)) {
    let told = |(received, lost, open): (usize, usize, usize)| {
        format!("{received} received, {lost} lost and {open} left open")
    };
    let drawn = messages(picture, class);
    assert!(drawn == due, "of {class} messages {} are due, and drawn {}", told(due), told(drawn));
}

#[track_caller]
fn says(picture: &str, text: &str) {
    assert!(picture.contains(text), "the picture does not say “{text}”");
}

/// What one reads when one points at something of this class.
fn titles(picture: &str, class: &str) -> Vec<String> {
    let document = Document::parse(picture).unwrap();
    let title = |node: Node| {
        let title = node.children().find(|child| child.has_tag_name("title"))?;
        Some(title.text()?.to_owned())
    };
    let all = document.descendants().filter(|node| node.attribute("class") == Some(class));
    all.filter_map(title).collect()
}

#[test]
fn each_message_is_an_arrow_or_a_stub() {
    let picture = drawn(&three_elections("demo").texts(), WHOLE);
    are(&picture, "request", (4, 4, 0));
    are(&picture, "granted", (2, 1, 0));
    are(&picture, "refused", (0, 0, 1));
    are(&picture, "heartbeat", (4, 2, 0));
}

#[test]
fn elections_terms_crashes_and_restarts_are_told() {
    let picture = drawn(&three_elections("demo").texts(), WHOLE);
    let elected = titles(&picture, "step Elected");
    assert_eq!(
        elected,
        [
            "0.202000 s: S1 has the vote of S2 and a quorum: it leads term 1 [Elected]\nS1: term 1  leader         voted for S1",
            "0.452000 s: S2 has the vote of S3 and a quorum: it leads term 2 [Elected]\nS2: term 2  leader         voted for S2",
        ]
    );
    assert_eq!(titles(&picture, "step Started").len(), 4);
    assert_eq!(titles(&picture, "step crash"), ["S1 is down: its last record is of 0.252000 s"]);
    let lines = ["follower", "candidate", "leader", "down"]
        .map(|role| titles(&picture, &format!("lane {role}")).len());
    assert_eq!(
        lines,
        [8, 4, 2, 1],
        "so many lines of followers, candidates, leaders, and of one down"
    );
    for text in [">leads term 1<", ">leads term 2<", ">term 3<", ">S3<", ">0.5 s<"] {
        says(&picture, text);
    }
}

/// Everything that was received is an arrow, whatever happened.
#[test]
fn runs_of_every_size_are_drawn() {
    for size in 1..=7 {
        let mut simulation = Simulation::new(size, u64::from(size));
        for round in 0..5 {
            simulation.run(400);
            simulation.restart(id(1 + round % size));
        }
        let traces: Vec<String> =
            (1..=size).map(|number| text(simulation.trace(id(number)))).collect();
        let arrows = |picture: &str| {
            let classes = ["request", "granted", "refused", "heartbeat", "answer"];
            classes.into_iter().map(|class| messages(picture, class).0 as u64).sum::<u64>()
        };
        let (report, picture) = draw(&traces, WHOLE);
        assert_eq!(arrows(&picture.unwrap()), report.received);
        let (report, picture) = draw(&traces[..1], WHOLE);
        let picture = picture.unwrap();
        assert_eq!(arrows(&picture), report.on_trust);
        assert_eq!(messages(&picture, "request").1, 0, "nobody knows what was lost");
    }
}

fn seconds(from: impl Into<Option<f64>>, to: impl Into<Option<f64>>) -> Range {
    let [from, to] = [from.into(), to.into()].map(|time| time.map(Duration::from_secs_f64));
    Range { from, to }
}

#[test]
fn a_part_of_a_run_is_drawn() {
    let traces = three_elections("demo").texts();
    let picture = drawn(&traces, seconds(0.3, 0.4525));
    assert_eq!(titles(&picture, "step Elected").len(), 1);
    are(&picture, "request", (1, 1, 0));
    are(&picture, "heartbeat", (1, 1, 0)); // one crosses the border
    says(&picture, "0.300 s to 0.453 s of 0.702 s");
    assert_eq!(titles(&picture, "lane down").len(), 1, "S1 went down before, and one line says so");
    assert_eq!(count(&picture, "label down", "label down"), 1, "one word says that S1 is down");
    assert_eq!(count(&picture, "label leader", "label leader"), 1, "one word says that S2 leads");
    assert_eq!(drawn(&traces, seconds(0.0, 100.0)), drawn(&traces, WHOLE));
}

#[test]
fn a_long_run_needs_a_range() {
    let mut run = three_elections("demo");
    run.start(61_500, 3);
    let traces = run.texts();
    for range in [WHOLE, seconds(2.0, None)] {
        let refusal = draw(&traces, range).1.unwrap_err().to_string();
        assert!(refusal.contains("61.500 s long"), "{refusal}");
        assert!(refusal.contains("--from") && refusal.contains("--to"), "{refusal}");
    }
    for range in [seconds(0.1, 1.0), seconds(None, 30.0), seconds(51.5, None)] {
        drawn(&traces, range);
    }
    for range in [seconds(70.0, None), seconds(0.5, 0.4), seconds(0.5, 0.5)] {
        let refusal = draw(&traces, range).1.unwrap_err().to_string();
        assert!(refusal.contains("nothing lies between"), "{refusal}");
    }
}

#[test]
fn of_a_long_run_the_command_draws_the_last_election() {
    let mut run = three_elections("demo");
    run.start(61_500, 3);
    let folder = TempDir::new().unwrap();
    let files = write(&folder, &run.texts());
    let files: Vec<&str> = files.iter().map(|file| file.to_str().unwrap()).collect();
    let out = folder.path().join("run.svg");
    let output = raft_model(&[&["replay", "--svg", out.to_str().unwrap()], &files[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("leads term"), "{told}");
    let picture = fs::read_to_string(out).unwrap();
    assert!(!titles(&picture, "step Elected").is_empty(), "no election is drawn");
}

/// Where something stands that has this attribute.
fn number(node: Node, attribute: &str) -> f64 {
    node.attribute(attribute).unwrap().parse().unwrap()
}

/// S3 comes up seconds after the others.
fn late() -> Run {
    let mut run = Run::new("demo");
    run.start(0, 1);
    run.start(0, 2);
    run.start(6_000, 3);
    for time in (6_100..8_000).step_by(200) {
        run.timeout(time, 3);
    }
    run
}

#[test]
fn nothing_is_said_of_a_server_before_it_comes_up() {
    let picture = zoomed(&late().texts(), 10);
    let document = Document::parse(&picture).unwrap();
    let of_class = |class: &'static str| {
        document.descendants().filter(move |node| {
            node.attribute("class").is_some_and(|is| is.split(' ').any(|word| word == class))
        })
    };
    let start =
        of_class("Started").filter_map(|node| node.attribute("transform")).next_back().unwrap();
    let (x, y) = start["translate(".len()..start.len() - 1].split_once(' ').unwrap();
    let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
    let words: Vec<_> =
        of_class("label").filter(|word| (number(*word, "y") - y).abs() < 48.0).collect();
    assert!(words.len() > 5, "hardly a word is said of S3");
    for word in words {
        let (at, text) = (number(word, "x"), word.text().unwrap());
        assert!(at >= x, "“{text}” is said at {at}, and S3 comes up at {x}");
    }
}

#[test]
fn no_arrow_is_drawn_over_a_word() {
    let picture = zoomed(&three_elections("demo").texts(), 3);
    let arrow = picture.rfind("class=\"arrow\"").expect("an arrow");
    let word = picture.find("label\" x=").expect("a word");
    assert!(arrow < word, "arrows are drawn after the first word");
}

#[test]
fn a_picture_fits_a_screen_or_as_many_as_one_wants() {
    let width = |picture: &str| number(Document::parse(picture).unwrap().root_element(), "width");
    let traces = late().texts();
    let (one, ten) = (width(&drawn(&traces, WHOLE)), width(&zoomed(&traces, 10)));
    assert!(one < 1_500.0, "a run of 8 s is {one} wide");
    assert!((12_400.0..13_000.0).contains(&ten), "on ten screens it is {ten} wide");
}

#[test]
fn names_are_no_markup() {
    let name = "<&>\"]]><!--\u{1}\u{ffff} ü";
    let picture = drawn(&three_elections(name).texts(), WHOLE);
    let document = Document::parse(&picture).unwrap();
    let title = document.root_element().children().find(|node| node.has_tag_name("title"));
    let title = title.unwrap().text().unwrap();
    assert!(title.contains("<&>") && title.contains("ü"), "{title}");
}

/// Compares a picture with one that was looked at, and is kept. `UPDATE_GOLDENFILES=1` keeps
/// another one: look at it.
#[track_caller]
fn is_as_kept(file: &str, picture: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures").join(file);
    if env::var_os("UPDATE_GOLDENFILES").is_some() {
        fs::write(&file, picture).unwrap();
    }
    let kept = fs::read_to_string(&file).unwrap();
    let differ = kept.lines().zip(picture.lines()).find(|(kept, drawn)| kept != drawn);
    assert_eq!(differ, None, "{}: what is kept, and what is drawn", file.display());
    assert_eq!(kept.lines().count(), picture.lines().count(), "{}", file.display());
}

#[test]
fn three_elections_are_drawn_as_they_always_were() {
    is_as_kept("three_elections.svg", &drawn(&three_elections("demo").texts(), WHOLE));
}

/// S1's clock is ahead, S3 gave no trace, a request arrives twice, a heartbeat is late, and S2
/// campaigns in a hurry and is down for a while. The picture begins and ends with a heartbeat of
/// S1, which leads no more then, and is two screens wide.
#[test]
fn a_part_of_a_confused_run_is_drawn_as_it_always_was() {
    let mut run = Run::new("demo");
    (1..=3).for_each(|server| run.start(0, server));
    let request = run.timeout(200, 1);
    let vote = run.receive(190, 2, request);
    let heartbeat = run.receive(202, 1, vote);
    run.receive(203, 2, heartbeat);
    run.receive(204, 2, request);
    let late = run.timeout(300, 1);
    let rival = run.timeout(420, 3);
    run.receive(430, 2, rival);
    run.receive(440, 2, late);
    let request = run.timeout(700, 2);
    for time in [701, 702, 703, 703, 703, 703] {
        run.timeout(time, 2);
    }
    run.start(1_500, 2);
    run.timeout(1_501, 1);
    run.receive(1_502, 1, request);
    run.timeout(1_750, 1);
    let folder = TempDir::new().unwrap();
    let files = write(&folder, &run.texts()[..2]);
    let report = replay(&files).unwrap();
    let picture = Picture::read(&files, &report, seconds(0.3, 1.501)).unwrap();
    is_as_kept("confused.svg", &picture.zoomed(2).to_string());
}

#[test]
fn a_run_of_a_moment_is_drawn() {
    let mut run = Run::new("demo");
    run.start(0, 1);
    says(&drawn(&run.texts()[..1], WHOLE), "0.000 s to 0.000 s of 0.000 s");
}

fn raft_model(arguments: &[&str]) -> Output {
    Command::new(binary::built("raft-model")).args(arguments).output().unwrap()
}

#[test]
fn the_command_draws_what_it_has_replayed() {
    let folder = TempDir::new().unwrap();
    let mut traces = three_elections("demo").texts();
    let files = write(&folder, &traces);
    let files: Vec<&str> = files.iter().map(|file| file.to_str().unwrap()).collect();
    let out = folder.path().join("run.svg");
    let draw = |out: &str, options: &[&str]| {
        let output = raft_model(&[&["replay", "--svg", out], options, &files[..]].concat());
        let error = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), error, String::from_utf8(output.stdout).unwrap())
    };
    let out_text = out.to_str().unwrap();
    fs::write(&out, "an older picture ".repeat(10_000)).unwrap();
    let (code, error, table) = draw(out_text, &["--to", "0.5"]);
    assert_eq!((code, &*error), (0, ""));
    assert!(table.contains("elected    2"), "{table}");
    let part = format!("drawn in {out_text}: 0.000 s to 0.500 s of 0.702 s\n");
    assert!(table.contains(&part), "no “{part}” in\n{table}");
    assert_eq!(fs::read_to_string(&out).unwrap(), drawn(&traces, seconds(None, 0.5)));

    for (out, options, message) in [
        ("/no/such/folder/run.svg", &[][..], "cannot write /no/such/folder/run.svg"),
        (files[1], &[], "this is a trace"),
        (out_text, &["--from", "9"], "the run is 0.702 s long"),
        (out_text, &["--from", "-1"], ""),
        (out_text, &["--to", "soon"], "not a number of seconds"),
        (out_text, &["--to", "nan"], "not a time"),
    ] {
        let (code, error, table) = draw(out, options);
        assert_eq!((code, &*table), (2, ""), "{error}");
        assert!(error.contains(message), "{error}");
    }

    // A damaged trace is not drawn.
    fs::remove_file(&out).unwrap();
    traces[1] = traces[1].replacen("\"persist\":true", "\"persist\":false", 1);
    write(&folder, &traces);
    assert_eq!(draw(out_text, &[]).0, 1);
    assert!(!out.exists());
}

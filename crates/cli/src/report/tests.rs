//! The reporters, from hand-written events to text.

use std::time::Duration;

use deployer_core::{Event, Plan};
use serde_json::{Value, json};

use super::*;
use crate::render::Theme;
use crate::report::board::Board;
use crate::samples;
use crate::world::Stream;
use crate::world::tests::Paper;

fn written<'a>(
    plan: &'a Plan,
    reporter: impl Fn(&'a Plan, Stream) -> Box<dyn Reporter + 'a>,
) -> String {
    let paper = Paper::default();
    let mut reporter = reporter(plan, Stream::new(paper.clone(), true));
    for event in samples::events() {
        reporter.event(&event);
        reporter.tick(event.at);
    }
    reporter.finish();
    drop(reporter);
    paper.text()
}

/// What a board shows: what scrolls away after `> `, and the board itself now and then.
fn board(theme: Theme, width: usize) -> String {
    let plan = samples::plan();
    let mut board = Board::new(&plan, theme, width, 24);
    let mut lines = Vec::new();
    for event in samples::events() {
        let stays = board.event(&event);
        if stays.is_empty() {
            lines.push(format!("at {:?}", event.at));
            lines.extend(board.lines(event.at));
        }
        lines.extend(stays.iter().map(|line| format!("> {line}")));
    }
    lines.join("\n")
}

#[test]
fn plain_lines() {
    let plan = samples::plan();
    insta::assert_snapshot!(written(&plan, |plan, out| {
        Box::new(Plain::new(plan, Theme::default(), out))
    }));
}

#[test]
fn plain_lines_in_colour() {
    let plan = samples::plan();
    insta::assert_snapshot!(written(&plan, |plan, out| {
        Box::new(Plain::new(plan, Theme::new(true), out))
    }));
}

#[test]
fn json_lines_are_the_plan_and_each_event() {
    let plan = samples::plan();
    let text = written(&plan, |plan, out| Box::new(Json::new(plan, out)));
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["event"], &lines[0]["version"]), (&json!("plan"), &json!(1)));
    assert_eq!(lines.len(), samples::events().len() + 1);
    insta::assert_snapshot!(text.lines().skip(1).collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_board_at_eighty_columns() {
    insta::assert_snapshot!(board(Theme::default(), 80));
}

#[test]
fn a_board_at_a_hundred_and_twenty_columns() {
    insta::assert_snapshot!(board(Theme::default(), 120));
}

#[test]
fn a_board_in_colour() {
    insta::assert_snapshot!(board(Theme::new(true), 80));
}

#[test]
fn a_board_never_outgrows_its_terminal() {
    let mut plan = samples::plan();
    let step = plan.steps[0].clone();
    plan.steps = (0..60).map(|id| deployer_core::Step { id, ..step.clone() }).collect();
    for (width, height) in [(80, 24), (40, 8)] {
        let mut board = Board::new(&plan, Theme::default(), width, height);
        for step in 0..60 {
            board.event(&Event { at: Duration::ZERO, what: deployer_core::What::Begun { step } });
        }
        let lines = board.lines(Duration::from_secs(5));
        assert!(lines.len() < height, "{} lines", lines.len());
        assert!(lines.iter().all(|line| line.chars().count() < width), "{lines:#?}");
    }
}

/// What a build says, or AWS of a failure, comes from outside.
#[test]
fn nothing_that_a_step_says_is_obeyed() {
    const OBEYED: [&str; 3] = ["\x1b[13A", "\x1b]52;c;cm0=\x07", "\x1b[8m"];
    let plan = samples::plan();
    let said = OBEYED.concat();
    let failure = deployer_core::Failure::new(deployer_core::Cause::Refused, "see", said.clone());
    let events = [
        deployer_core::What::Begun { step: 0 },
        deployer_core::What::Said { step: 0, line: said.clone() },
        deployer_core::What::Waiting { step: 0, on: said },
        deployer_core::What::Failed { step: 0, took: Duration::from_secs(1), failure },
    ];
    for is_board in [true, false] {
        let paper = Paper::default();
        let out = Stream::new(paper.clone(), true);
        let mut reporter: Box<dyn Reporter> = if is_board {
            Box::new(Human::new(&plan, Theme::default(), out, 80, 24))
        } else {
            Box::new(Plain::new(&plan, Theme::default(), out))
        };
        for (at, what) in (0..).zip(&events) {
            let at = Duration::from_secs(at);
            reporter.event(&Event { at, what: what.clone() });
            reporter.tick(at);
        }
        reporter.finish();
        let written = paper.text();
        for obeyed in OBEYED {
            assert!(!written.contains(obeyed), "{obeyed:?} in {written:?}");
        }
    }
}

/// What a terminal shows after each event, the first line that stands still at its top.
fn screens(is_interrupted: bool) -> Vec<String> {
    let plan = samples::plan();
    let paper = Paper::default();
    let out = Stream::new(paper.clone(), true);
    let mut human = Human::new(&plan, Theme::default(), out, 80, 24);
    let mut terminal = vt100::Parser::new(40, 80, 0);
    let mut screens = Vec::new();
    let mut show = |echo: &str| {
        terminal.process(&std::mem::take(&mut *paper.0.lock().unwrap()));
        terminal.process(echo.as_bytes());
        screens.push(terminal.screen().contents());
    };
    for event in samples::events() {
        human.event(&event);
        show(if is_interrupted { "^C" } else { "" });
    }
    human.finish();
    show("");
    screens
}

#[test]
fn what_is_finished_scrolls_away_above_the_board() {
    let screens = screens(false);
    let last = screens.last().unwrap();
    assert!(last.contains("✓ target-group/web created"), "{last}");
    assert!(!last.contains("running"), "the board is wiped out:\n{last}");
    let before = screens.iter().rev().find(|screen| screen.contains("running")).unwrap();
    insta::assert_snapshot!(before);
}

#[test]
fn an_echoed_ctrl_c_leaves_nothing_behind() {
    let (plain, interrupted) = (screens(false), screens(true));
    assert_eq!(plain.last(), interrupted.last());
    let is_there_twice = |screen: &String| screen.matches("running").count() > 1;
    assert!(!interrupted.iter().any(is_there_twice), "{interrupted:#?}");
}

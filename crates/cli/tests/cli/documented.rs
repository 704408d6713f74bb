//! `docs/commands.md` is as fresh as the code: `UPDATE=1 cargo test -p deployer-cli` writes its
//! generated parts anew.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use deployer_cli::{Exit, json_schema};

use crate::world::{STACK, World};

#[expect(clippy::disallowed_methods, reason = "asks a person's shell whether to write files anew")]
fn is_update() -> bool {
    std::env::var("UPDATE").is_ok()
}

/// The page with what stands between two marks replaced.
fn with(page: &str, mark: &str, generated: &str) -> String {
    let (open, close) = (format!("<!-- {mark} -->\n"), format!("<!-- /{mark} -->"));
    let (before, rest) = page.split_once(&open).expect("the mark is there");
    let (_, after) = rest.split_once(&close).expect("the mark is closed");
    format!("{before}{open}{generated}{close}{after}")
}

#[tokio::test]
async fn the_page_about_commands_says_what_the_code_does() {
    let world = World::with(STACK);
    let mut codes = "| code | meaning |\n|---:|---|\n".to_owned();
    for exit in Exit::ALL {
        // Writing to a string cannot fail.
        let _ = writeln!(codes, "| {} | {} |", exit.code(), exit.meaning());
    }
    let mut help = String::new();
    for command in commands(&world).await {
        let text = world.run(&format!("help {command}")).await.stdout;
        let _ = write!(help, "\n### {command}\n\n```text\n{}\n```\n", text.trim_end());
    }
    let path = Path::new("../../docs/commands.md");
    let page = fs::read_to_string(path).expect("the page is there");
    let fresh = with(&with(&page, "exit codes", &codes), "help", &format!("{help}\n"));
    if is_update() {
        fs::write(path, &fresh).expect("the page can be written");
    } else {
        assert!(
            page == fresh,
            "docs/commands.md is stale: run `UPDATE=1 cargo test -p deployer-cli`"
        );
    }
}

/// The commands that the help names.
async fn commands(world: &World) -> Vec<String> {
    let help = world.run("help").await.stdout;
    let listed = help.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next());
    let names = listed.expect("there is a list").lines();
    // A line that goes on is set in further.
    let names = names.filter(|line| !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn the_schema_of_what_is_printed_is_written_down() {
    let path = Path::new("../../docs/reference/json.schema.json");
    let fresh = format!("{:#}\n", json_schema());
    if is_update() {
        fs::write(path, &fresh).expect("it can be written");
    } else {
        let kept = fs::read_to_string(path).expect("it is there");
        assert!(
            kept == fresh,
            "{} is stale: run `UPDATE=1 cargo test -p deployer-cli`",
            path.display()
        );
    }
}

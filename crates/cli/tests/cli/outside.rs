//! What comes from outside and would be obeyed by a terminal, and what is secret.

use std::fmt::Write as _;

use deployer_cli::Exit;
use deployer_core::{Cause, Failure};
use deployer_engine::{Holder, Parameters, Secrecy};
use deployer_testkit::scope;

use crate::world::{Ran, STACK, World};

/// What each of these does to a terminal: moves up over lines and wipes them out, writes the
/// clipboard, hides, rings, turns the line.
const OBEYED: [&str; 6] =
    ["\x1b[13A\x1b[2K", "\x1b]52;c;cm0=\x07", "\x1b[8m", "\u{9b}7A", "\x08", "\u{202e}"];

/// As YAML writes it between quotes.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        write!(escaped, "\\u{:04x}", u32::from(letter)).expect("room");
    }
    escaped
}

fn obeys_nothing(ran: &Ran, what: &str) {
    for text in [&ran.stdout, &ran.stderr] {
        for obeyed in OBEYED {
            assert!(!text.contains(obeyed), "{what}: {obeyed:?} in {text:?}");
        }
    }
}

/// A stack with all of them in it, as a value, a key, and in a mistake.
fn stack(wrong: bool) -> String {
    let all: String = OBEYED.iter().map(|text| escaped(text)).collect();
    let key = if wrong { format!("    \"odd{all}\": {{}}\n") } else { String::new() };
    STACK
        .replace(
            "10.0.0.0/16 }",
            &format!("\"10.0.0.0/16{all}\", labels: {{ \"a{all}\": \"b{all}\" }} }}"),
        )
        .replace("outputs:\n", &format!("outputs:\n  odd: \"x{all}\"\n"))
        + &key
}

#[tokio::test(start_paused = true)]
async fn nothing_from_a_stack_or_the_cloud_is_obeyed_by_a_terminal() {
    for is_terminal in [true, false] {
        let mut world = World::with(&stack(false));
        world.is_terminal = is_terminal;
        for command in [
            "expand --env dev",
            "plan --env dev",
            "plan --env dev --full",
            "plan --env dev --json",
            "apply --env dev --yes",
            "status --env dev",
            "outputs --env dev",
            "outputs --env dev --json",
            "outputs odd --env dev",
            "drift --env dev",
        ] {
            let ran = world.run(command).await;
            assert!(matches!(ran.exit, Exit::Done), "{command}: {ran:?}");
            obeys_nothing(&ran, command);
        }
        world.write("deployer.yaml", &stack(true));
        for command in ["plan --env dev", "plan --env dev --json"] {
            let ran = world.run(command).await;
            assert_eq!(ran.exit, Exit::Wrong, "{ran:?}");
            obeys_nothing(&ran, command);
        }
        world.write("deployer.yaml", &stack(false));
        let message = OBEYED.concat();
        world.failure = Some(Failure::new(Cause::Denied, "see", message.clone()).help(message));
        for command in ["plan --env dev", "plan --env dev --json", "status --env dev"] {
            let ran = world.run(command).await;
            assert_eq!(ran.exit, Exit::Wrong, "{ran:?}");
            obeys_nothing(&ran, command);
        }
    }
}

/// Who has the lock says so itself, to whoever waits for it.
#[tokio::test(start_paused = true)]
async fn nothing_that_another_run_says_of_itself_is_obeyed() {
    for is_terminal in [true, false] {
        let mut world = World::with(STACK);
        world.is_terminal = is_terminal;
        let said = OBEYED.concat();
        let holder = Holder {
            name: said.clone(),
            command: said.clone(),
            since: said.clone(),
            run: Some(said),
            ..Holder::default()
        };
        let holder = serde_json::to_string(&holder).expect("a holder is JSON");
        let made = world.memory.make(&scope(), "lock/1", &holder, Secrecy::Open).await;
        assert!(made.expect("the cloud keeps parameters"));
        for command in ["apply --env dev --yes", "apply --env dev --yes --json"] {
            let ran = world.run(&format!("{command} --lock-timeout 0")).await;
            assert_eq!(ran.exit, Exit::Refused, "{ran:?}");
            obeys_nothing(&ran, command);
        }
    }
}

/// The value that machines get is what AWS has, whatever it is.
#[tokio::test(start_paused = true)]
async fn json_is_exact() {
    let world = World::with(&stack(false));
    let ran = world.run("plan --env dev --json").await;
    let plan: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let range = &plan["plan"]["steps"][0]["wanted"]["range"];
    assert_eq!(range, &format!("10.0.0.0/16{}", OBEYED.concat()), "{plan:#}");
}

/// What somebody else has written must not hide what is asked about.
#[tokio::test(start_paused = true)]
async fn nothing_is_obeyed_where_a_plan_is_approved() {
    for is_terminal in [true, false] {
        let mut world = World::applied(&stack(false)).await;
        world.is_terminal = is_terminal;
        world.write(
            "deployer.yaml",
            &stack(false).replace("\"b", "\"c").replace("    a: {", "    b: {"),
        );
        world.typed = Some("n\n".to_owned());
        for command in ["apply --env dev", "destroy --env dev"] {
            let ran = world.run(command).await;
            assert_eq!(ran.exit, Exit::Refused, "{command}: {ran:?}");
            obeys_nothing(&ran, command);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn variables_come_from_files_and_the_environment() {
    let stack = STACK.replace("outputs:", "variables: { size-of: 20, range: }\noutputs:");
    let stack =
        stack.replace("size: 20", "size: \"${size-of}\"").replace("10.0.0.0/16", "\"${range}\"");
    let mut world = World::with(&stack);
    let ran = world.run("expand --env dev").await;
    assert_eq!(ran.exit, Exit::Wrong, "{ran:?}");
    assert!(ran.stderr.contains("set DEPLOYER_VAR_RANGE"), "{}", ran.stderr);
    let expanded = async |world: &World, options: &str| {
        let ran = world.run(&format!("expand --env dev {options}")).await;
        assert_eq!(ran.exit, Exit::Done, "{options}: {ran:?}");
        ran.stdout
    };
    world.environment.insert("DEPLOYER_VAR_RANGE".to_owned(), "10.1.0.0/16".to_owned());
    world.environment.insert("DEPLOYER_VAR_size_of".to_owned(), "30".to_owned());
    world.environment.insert("DEPLOYER_VAR_UNUSED".to_owned(), "x".to_owned());
    let from_environment = expanded(&world, "").await;
    assert!(from_environment.contains("10.1.0.0/16") && from_environment.contains("size: 30"));
    world.write("a.yaml", "range: 10.2.0.0/16\nsize-of: 40\n");
    world.write("b.yaml", "range: 10.3.0.0/16\n");
    let from_files = expanded(&world, "--var-file a.yaml --var-file b.yaml").await;
    assert!(from_files.contains("10.3.0.0/16") && from_files.contains("size: 40"), "{from_files}");
    let typed = expanded(&world, "--var-file a.yaml --var range=10.4.0.0/16").await;
    assert!(typed.contains("10.4.0.0/16"), "{typed}");
    world.write("c.yaml", "range: [1]\n");
    for (file, said) in [("c.yaml", "c.yaml:1:1"), ("nowhere.yaml", "could not read nowhere.yaml")]
    {
        let ran = world.run(&format!("expand --env dev --var-file {file}")).await;
        assert_eq!(ran.exit, Exit::Wrong, "{ran:?}");
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
    }
    world.write("d.yaml", "rnage: 10.2.0.0/16\n");
    let ran = world.run("expand --env dev --var-file d.yaml").await;
    assert!(ran.stderr.contains("there is no variable `rnage`"), "{}", ran.stderr);
}

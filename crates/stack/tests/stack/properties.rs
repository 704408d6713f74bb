//! Whatever the text, a load ends with a stack or with mistakes inside of it.

use std::collections::BTreeMap;

use deployer_core::{Code, Diagnostic, Stack};
use deployer_stack::{Options, expanded, load, outline, to_yaml};
use proptest::prelude::*;

use crate::support::read;

fn loaded(text: &str, environment: Option<&str>) -> Result<Stack, Vec<Diagnostic>> {
    let options = Options { environment: environment.map(str::to_owned), ..Options::default() };
    load(text, &options, &deployer_kinds::all()).map(|loaded| loaded.stack)
}

fn within(text: &str, mistakes: &[Diagnostic]) -> bool {
    let mut labels = mistakes.iter().flat_map(|mistake| &mistake.labels);
    labels.all(|label| text.get(label.span.start..label.span.end).is_some())
}

/// Pieces that stacks are made of, put together at random.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "stack: a\n",
        "region: eu-west-1\n",
        "network:",
        "services:",
        "web:",
        "  ",
        "\n",
        " {}",
        "{",
        "}",
        "[",
        "]",
        ", ",
        ": ",
        "image",
        "cpu: 256",
        "${",
        "}",
        "$${a}",
        "${stack}",
        "${vpc/main.id}",
        "\"",
        "'",
        "#",
        "- ",
        "&a ",
        "*a",
        "!!str ",
        "|\n",
        ">\n",
        "\t",
        "é",
        "🦀",
        "resources:\n  vpc:\n    main:",
        "environments:\n  dev:",
        "~",
        "null",
        "1",
        "---\n",
        "? ",
        "uses: [databases/main]",
        "ports: { http: { port: 80 } }",
        "<<: *a\n",
        "%YAML 1.2\n",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_a_load_panic(text in any::<String>()) {
        let _ = outline(&text);
        if let Err(mistakes) = loaded(&text, None) {
            prop_assert!(within(&text, &mistakes));
        }
    }

    #[test]
    fn no_heap_of_pieces_makes_a_load_panic(text in pieces()) {
        let _ = outline(&text);
        if let Err(mistakes) = loaded(&text, None) {
            prop_assert!(!mistakes.is_empty());
            prop_assert!(within(&text, &mistakes));
        }
    }

    #[test]
    fn a_stack_with_a_stretch_cut_out_loads_or_says_why(start in 0_usize..1500, length in 1_usize..60) {
        let whole = read("stacks/notes.yaml");
        let kept = whole.chars().take(start).chain(whole.chars().skip(start + length));
        let text: String = kept.collect();
        match loaded(&text, Some("dev")) {
            Ok(stack) => {
                let again = loaded(&to_yaml(&expanded(&stack)), None);
                prop_assert_eq!(again.map_err(|_| ()), Ok(stack));
            }
            Err(mistakes) => prop_assert!(!mistakes.is_empty() && within(&text, &mistakes)),
        }
    }

    #[test]
    fn an_overlay_that_says_the_same_changes_nothing(zones in 2_u32..5, keep in 1_u32..50) {
        let sections = format!("network: {{ zones: {zones} }}\nrepositories: {{ a: {{ keep: {keep} }} }}\n");
        let head = "stack: shop\nregion: eu-west-1\n";
        let overlay = format!("    {}\n", sections.trim_end().replace('\n', "\n    "));
        let twice = format!("{head}{sections}environments:\n  dev:\n{overlay}");
        let once = format!("{head}{sections}environments: {{ dev: {{}} }}\n");
        let only_there = format!("{head}environments:\n  dev:\n{overlay}");
        let stack = loaded(&once, None).unwrap();
        prop_assert_eq!(&loaded(&twice, None).unwrap(), &stack);
        prop_assert_eq!(&loaded(&only_there, None).unwrap(), &stack);
    }

    #[test]
    fn zones_that_come_move_no_subnet(few in 1_u32..6, more in 0_u32..3) {
        let more = (few + more).min(6);
        let subnets = |zones: u32| -> BTreeMap<_, _> {
            let text = format!("stack: shop\nregion: eu-west-1\nnetwork: {{ zones: {zones} }}\n");
            let resources = loaded(&text, None).unwrap().resources;
            resources.into_iter().filter(|(address, _)| address.kind == "subnet").collect()
        };
        let (before, after) = (subnets(few), subnets(more));
        prop_assert_eq!(after.len(), 3 * more as usize);
        for (address, spec) in before {
            prop_assert_eq!(after.get(&address), Some(&spec));
        }
    }
}

#[test]
fn variables_cannot_blow_a_stack_up() {
    let (value, uses) = ("x".repeat(50_000), "${long}".repeat(1000));
    let text = format!(
        "stack: a\nregion: eu-west-1\nvariables: {{ long: {value} }}\noutputs: {{ o: \"{uses}\" }}\n"
    );
    assert_eq!(loaded(&text, None).unwrap_err()[0].code, Code::TooLarge);
}

#[test]
fn of_very_many_mistakes_the_first_are_reported() {
    let keys: Vec<String> = (0..3000).map(|key| format!("k{key}: 1\n")).collect();
    assert_eq!(loaded(&format!("stack: a\n{}", keys.concat()), None).unwrap_err().len(), 100);
}

#[test]
fn null_removes_what_the_stack_says() {
    let text = "
stack: shop
region: eu-west-1
network: {}
secrets: { session: { length: 64 }, other: }
environments: { dev: { secrets: { session: { length: null }, other: null }, network: null } }
";
    let stack = loaded(text, None).unwrap();
    let addresses: Vec<String> = stack.resources.keys().map(ToString::to_string).collect();
    assert_eq!(addresses, ["secret/session"]);
    assert_eq!(stack.resources.values().next().unwrap().spec["length"], 32);
}

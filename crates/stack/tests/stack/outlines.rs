//! What destroy and status need works on stacks whose sections have mistakes.

use deployer_core::Code;
use std::collections::BTreeMap;

use deployer_stack::{Outline, outline};

#[test]
fn an_outline_does_not_mind_mistakes_in_sections() {
    let text = "
stack: shop
origin: github.com/acme/shop:stack.yaml
region: eu-west-1
environments: { dev: {}, prod: { region: us-east-1, netwrok: 1 } }
services: { web: { image: 1 } }
colour: blue
";
    let outline = outline(text).unwrap();
    assert_eq!(outline.region_of("dev"), Some("eu-west-1"));
    assert_eq!(outline.region_of("prod"), Some("us-east-1"));
    assert_eq!(
        outline,
        Outline {
            name: "shop".to_owned(),
            origin: Some("github.com/acme/shop:stack.yaml".to_owned()),
            region: Some("eu-west-1".to_owned()),
            environments: vec!["dev".to_owned(), "prod".to_owned()],
            regions: BTreeMap::from([("prod".to_owned(), "us-east-1".to_owned())]),
        }
    );
}

#[test]
fn an_outline_chooses_the_environment_as_a_load_does() {
    let several = outline("stack: shop\nenvironments: { dev: {}, prod: {} }").unwrap();
    assert_eq!(several.environment(Some("prod")), Ok("prod".to_owned()));
    assert_eq!(several.environment(None).unwrap_err().code, Code::WhichEnvironment);
    assert_eq!(several.environment(Some("prd")).unwrap_err().code, Code::UnknownEnvironment);
    let none = outline("stack: shop").unwrap();
    assert_eq!(none.environment(None), Ok("default".to_owned()));
}

#[test]
fn without_a_name_there_is_no_outline() {
    for text in ["region: eu-west-1", "stack: 7", "stack: Shop", "stack: [", ""] {
        assert!(outline(text).is_err(), "{text}");
    }
}

//! What destroy and status need works on stacks whose sections have mistakes.

use deployer_core::Code;
use std::collections::BTreeMap;

use deployer_stack::{Outline, Whose, outline};

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
            homes: ["dev", "prod"].map(|it| (it.to_owned(), Whose::default())).into(),
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
fn an_outline_says_whose_account_an_environment_is_for_and_where_that_is_written() {
    let text = "
stack: shop
account: 012345678901
environments:
  dev: {}
  prod: { account: 111122223333, role: \"arn:aws:iam::111122223333:role/deploy\" }
  dr: { like: prod, account: null }
  wrong: { account: 11112222333 }
  crossed: { role: \"arn:aws:iam::111122223333:role/deploy\" }
services: { web: { image: 1 } }
";
    let outline = outline(text).unwrap();
    let home = |environment: &str| outline.home_of(environment).unwrap();
    let number = |environment: &str| home(environment).home.account;
    assert_eq!(number("dev").as_deref(), Some("012345678901"), "its zero stays");
    assert_eq!(number("prod").as_deref(), Some("111122223333"));
    assert_eq!(number("dr"), None);
    assert!(home("dr").home.role.is_some_and(|role| role.ends_with("role/deploy")));
    let span = home("prod").account_at.unwrap();
    assert_eq!(&text[span.start..span.end], "111122223333");
    for (environment, code) in [("wrong", Code::BadValue), ("crossed", Code::BadPlace)] {
        let mistakes = outline.home_of(environment).unwrap_err();
        assert_eq!(mistakes.iter().map(|it| it.code).collect::<Vec<_>>(), [code]);
    }
}

#[test]
fn without_a_name_there_is_no_outline() {
    for text in ["region: eu-west-1", "stack: 7", "stack: Shop", "stack: [", ""] {
        assert!(outline(text).is_err(), "{text}");
    }
}

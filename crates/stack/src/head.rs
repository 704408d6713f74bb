//! Whose stack this is: its name, environment, region and variables.

use std::collections::BTreeMap;

use deployer_core::{Code, Diagnostic, Home, Place, Scope, Span, is_account};

use crate::found::Found;
use crate::like;
use crate::mistakes::{Mistakes, listed, suggestion};
use crate::node::{Content, Entry, Node};
use crate::regions;
use crate::shape::bad_name;
use crate::words::is_word;
use crate::zones::Zones;

/// What a stack's text does not say.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The environment; needed when there are several.
    pub environment: Option<String>,
    /// The region, instead of the stack's own.
    pub region: Option<String>,
    /// What distinguishes the stack from another of the same name, unless the stack says it.
    pub origin: Option<String>,
    /// Values of variables.
    pub variables: BTreeMap<String, String>,
    /// What the surroundings have for variables that are not among those, in capitals and with
    /// underscores for hyphens; there may be more than the stack has.
    pub surroundings: BTreeMap<String, String>,
    /// The zones, where somebody has looked.
    pub zones: Option<Zones>,
    /// What the stack names and did not make, as far as somebody has looked.
    pub found: Found,
    /// The files of environment variables that it names, by their paths as it writes them, as far as
    /// somebody has read them: each its text, or why it cannot be read.
    pub files: BTreeMap<String, Result<String, String>>,
}

/// What a stack is called in AWS begins with its name, and load balancers take 32 characters.
const LONGEST: usize = 20;

/// Reads the stack's name, or reports why it cannot be one.
pub(crate) fn name(root: &Node, mistakes: &mut Mistakes) -> Option<String> {
    let Some(entry) = root.entry("stack") else {
        mistakes.push(
            Diagnostic::error(Code::MissingKey, "a stack needs a name")
                .at(Span { start: 0, end: 0 }, "`stack` is missing")
                .help("add `stack:` with a short name, such as `stack: notes`"),
        );
        return None;
    };
    let span = entry.value_span();
    let Some(name) = entry.value.written() else {
        mistakes.push(no_text("stack", span));
        return None;
    };
    if !is_word(&name) {
        mistakes.push(bad_name(&name, span));
        return None;
    }
    // So in many services (API references); what a single kind refuses is in its `Naming`.
    if name.starts_with("aws") {
        mistakes.push(
            Diagnostic::error(Code::BadName, format!("a stack cannot be called `{name}`"))
                .at(span, "AWS keeps `aws` to itself")
                .help("use another name"),
        );
        return None;
    }
    if name.len() > LONGEST {
        mistakes.push(
            Diagnostic::error(Code::BadName, format!("`{name}` is too long for a stack"))
                .at(span, format!("{} characters", name.len()))
                .help(format!("use a name of at most {LONGEST} characters")),
        );
        return None;
    }
    Some(name)
}

/// Reads what distinguishes the stack from another of the same name, if it is written.
pub(crate) fn origin(root: &Node, mistakes: &mut Mistakes) -> Option<String> {
    let entry = root.entry("origin")?;
    let Some(origin) = entry.value.written() else {
        mistakes.push(no_text("origin", entry.value_span()));
        return None;
    };
    let longest = Scope::LONGEST_ORIGIN;
    let is_right = (1..=longest).contains(&origin.len());
    if is_right && origin.chars().all(Scope::may_be_in_tag) {
        return Some(origin);
    }
    mistakes.push(
        Diagnostic::error(Code::BadName, "this cannot be an origin")
            .at(entry.value_span(), "")
            .help(format!("write at most {longest} letters, digits, spaces and `_.:/=+-@`")),
    );
    None
}

/// The longest key of a tag, and the longest value (tagging guide of AWS's general reference).
const LONGEST_KEY: usize = 128;
const LONGEST_VALUE: usize = 256;

/// Reads the tags of the user's own.
pub(crate) fn tags(root: &Node, mistakes: &mut Mistakes) -> BTreeMap<String, String> {
    let Some(section) = root.entry("tags") else { return BTreeMap::new() };
    let mut tags = BTreeMap::new();
    for entry in section.value.entries() {
        // What is no text is reported already, and what stands for something unknown as well.
        let Some(value) = entry.value.written() else { continue };
        let is_ours = entry.key.starts_with("deployer:") || entry.key == "Name";
        let is_of_aws = entry.key.to_ascii_lowercase().starts_with("aws:");
        let are_right = |text: &str| text.chars().all(Scope::may_be_in_tag);
        let wrong = if is_ours {
            Some((
                entry.span,
                format!("the tag `{}` is deployer's own", entry.key),
                "use another key",
            ))
        } else if is_of_aws {
            Some((entry.span, format!("the tag `{}` is AWS's own", entry.key), "use another key"))
        } else if !(1..=LONGEST_KEY).contains(&entry.key.chars().count()) || !are_right(&entry.key)
        {
            let help = "write 1 to 128 letters, digits, spaces and `_.:/=+-@`";
            Some((entry.span, format!("`{}` cannot be the key of a tag", entry.key), help))
        } else if value.chars().count() > LONGEST_VALUE || !are_right(&value) {
            let help = "write at most 256 letters, digits, spaces and `_.:/=+-@`";
            let title = format!("this cannot be the value of the tag `{}`", entry.key);
            Some((entry.value_span(), title, help))
        } else {
            None
        };
        match wrong {
            Some((span, title, help)) => {
                mistakes.push(Diagnostic::error(Code::BadName, title).at(span, "").help(help));
            }
            None => {
                tags.insert(entry.key.clone(), value);
            }
        }
    }
    if tags.len() > Scope::MOST_TAGS {
        let help = format!(
            "use at most {}: AWS takes 50 for one thing, and some are deployer's own",
            Scope::MOST_TAGS
        );
        mistakes.push(
            Diagnostic::error(Code::BadValue, format!("{} tags are too many", tags.len()))
                .at(section.span, "")
                .help(help),
        );
    }
    tags
}

/// Reports that a text is YAML but not a stack.
pub(crate) fn no_stack(span: Span) -> Diagnostic {
    Diagnostic::error(Code::WrongType, "this is not a stack")
        .at(span, "expected keys and values")
        .help("begin with `stack:` and a name, such as `stack: notes`")
}

fn no_text(key: &str, span: Span) -> Diagnostic {
    Diagnostic::error(Code::WrongType, format!("`{key}` is a text"))
        .at(span, "expected a text")
        .help(format!("write a name after `{key}:`"))
}

/// The names of the environments.
pub(crate) fn environments(root: &Node) -> Vec<String> {
    let section = root.field("environments");
    let names = section.into_iter().flat_map(Node::entries).map(|entry| entry.key.clone());
    // Patterns are not built yet, and name none.
    names.filter(|name| !name.contains('*')).collect()
}

/// The environment that was asked for, or the only one there is.
pub(crate) fn environment(
    root: &Node,
    options: &Options,
    mistakes: &mut Mistakes,
) -> Option<String> {
    let place = root.entry("environments").map(|entry| entry.span);
    let chosen = choose(&environments(root), options.environment.as_deref(), place);
    chosen.map_err(|mistake| mistakes.push(mistake)).ok()
}

/// Chooses among the environments of a stack; `place` is where they are written.
pub(crate) fn choose(
    known: &[String],
    asked: Option<&str>,
    place: Option<Span>,
) -> Result<String, Diagnostic> {
    let names: Vec<&str> = known.iter().map(String::as_str).collect();
    let (code, title, help) = match (asked, names.as_slice()) {
        (None | Some("default"), []) => return Ok("default".to_owned()),
        (None, [only]) => return Ok((*only).to_owned()),
        (Some(asked), names) if names.contains(&asked) => return Ok(asked.to_owned()),
        (None, [first, ..]) => (
            Code::WhichEnvironment,
            "there are several environments".to_owned(),
            format!("say which: `--env {first}` ({})", listed(&names)),
        ),
        (Some(asked), []) => (
            Code::UnknownEnvironment,
            format!("there is no environment `{asked}`"),
            format!("the stack has none; add `environments: {{ {asked}: {{}} }}`"),
        ),
        (Some(asked), _) => (
            Code::UnknownEnvironment,
            format!("there is no environment `{asked}`"),
            suggestion(asked, names),
        ),
    };
    let mistake = Diagnostic::error(code, title).help(help);
    Err(match place {
        Some(span) => mistake.at(span, "the environments there are"),
        None => mistake,
    })
}

/// The region: the one asked for, or the stack's.
pub(crate) fn region(root: &Node, options: &Options, mistakes: &mut Mistakes) -> Option<String> {
    if let Some(region) = &options.region {
        if is_region(region) {
            mistakes.extend(unknown_region(region));
            return Some(region.clone());
        }
        mistakes.push(
            Diagnostic::error(Code::UnknownRegion, format!("`{region}` is not a valid AWS region"))
                .help("expected one such as `eu-west-1`"),
        );
        return None;
    }
    let Some(entry) = root.entry("region") else {
        let start = root.entry("stack").map_or(Span { start: 0, end: 0 }, |entry| entry.span);
        mistakes.push(
            Diagnostic::error(Code::MissingRegion, "the stack has no region")
                .at(start, "`region` is missing")
                .help("add `region: eu-west-1`, or give `--region eu-west-1`"),
        );
        return None;
    };
    let Some(region) = entry.value.text() else {
        mistakes.push(no_text("region", entry.value_span()));
        return None;
    };
    if is_region(region) {
        let warning = unknown_region(region);
        mistakes.extend(warning.map(|it| it.at(entry.value_span(), "may be a mistake")));
        return Some(region.to_owned());
    }
    let zone = region.strip_suffix(|c: char| c.is_ascii_lowercase()).filter(|rest| is_region(rest));
    let help = match zone {
        Some(region) => format!("that is a zone; write `{region}`"),
        None => {
            "write one such as `eu-west-1`; variables cannot stand here, environments can differ"
                .to_owned()
        }
    };
    mistakes.push(
        Diagnostic::error(Code::UnknownRegion, format!("`{region}` is not a valid AWS region"))
            .at(entry.value_span(), "")
            .help(help),
    );
    None
}

/// Warns of a region that has the form of one and is not known.
fn unknown_region(region: &str) -> Option<Diagnostic> {
    let title = format!("`{region}` is not a region that this version knows");
    let likely = suggestion(region, regions::near(region));
    let help = format!("{likely} (leave it as it is if the region is new)");
    let warning = Diagnostic::warning(Code::UnknownRegion, title).help(help);
    (!regions::is_known(region)).then_some(warning)
}

/// The account that an environment is for and the role that leads there, and where the account is
/// written.
pub(crate) fn home(
    root: &Node,
    environment: &str,
    mistakes: &mut Mistakes,
) -> (Home, Option<Span>) {
    let overlays = like::overlays(root, environment, &mut Mistakes::default());
    // The last of those that lie over one another, where it does not take it out again.
    let said = |key: &str| {
        let layers = std::iter::once(root).chain(&overlays);
        let last = layers.filter_map(|layer| layer.entry(key)).next_back();
        last.filter(|entry| entry.value.content != Content::Null)
    };
    let (account, role) = (said("account"), said("role"));
    let number = account.and_then(|entry| entry.value.written());
    let arn = role.and_then(|entry| entry.value.written());
    let is_number = number.as_deref().is_some_and(is_account);
    let leads_to = arn.as_deref().and_then(Place::account_of_role);
    if let Some(entry) = account.filter(|_| !is_number) {
        let title = "this is not the number of an account";
        mistakes.push(
            Diagnostic::error(Code::BadValue, title)
                .at(entry.value_span(), "expected twelve digits")
                .help(
                    "write all twelve, a zero at the beginning too; `aws sts get-caller-identity` \
                     shows it, and variables cannot stand here",
                ),
        );
    }
    if let Some(entry) = role.filter(|_| leads_to.is_none()) {
        mistakes.push(
            Diagnostic::error(Code::BadPlace, "this is not the ARN of a role")
                .at(entry.value_span(), "")
                .help(
                    "write it as `arn:aws:iam::123456789012:role/NAME`; variables cannot stand here",
                ),
        );
    }
    if let (Some(number), Some(leads_to), Some(entry), true) = (&number, leads_to, role, is_number)
        && number != leads_to
    {
        let title = format!("the role leads to {leads_to}, and the stack is for {number}");
        mistakes.push(
            Diagnostic::error(Code::BadPlace, title)
                .at(entry.value_span(), "")
                .help("write a role of that account, or the account of this role beside it"),
        );
    }
    (Home { account: number, role: arn }, account.map(Entry::value_span))
}

/// What `${name}` stands for.
pub(crate) fn variables(
    root: &Node,
    options: &Options,
    mistakes: &mut Mistakes,
) -> BTreeMap<String, Content> {
    let mut values = BTreeMap::new();
    let section = root.field("variables");
    for entry in section.into_iter().flat_map(Node::entries) {
        let reserved = ["stack", "environment", "region"].contains(&entry.key.as_str());
        if reserved
            || entry.key.is_empty()
            || !entry.key.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
        {
            let why = if reserved {
                "this stands for something already"
            } else {
                "letters, digits, hyphens and underscores"
            };
            mistakes.push(
                Diagnostic::error(
                    Code::BadName,
                    format!("a variable cannot be called `{}`", entry.key),
                )
                .at(entry.span, why)
                .help("use another name"),
            );
            continue;
        }
        let surrounding = entry.key.replace('-', "_").to_ascii_uppercase();
        let given = options.variables.get(&entry.key);
        let given = given.or_else(|| options.surroundings.get(&surrounding));
        let value = match (given, &entry.value.content) {
            (Some(given), default) => typed(entry.key.as_str(), given, default, mistakes),
            (None, Content::Null) => {
                mistakes.push(
                    Diagnostic::error(
                        Code::MissingVariable,
                        format!("the variable `{}` has no value", entry.key),
                    )
                    .at(entry.span, "has no default")
                    .help(format!(
                        "give `--var {}=…`, set DEPLOYER_VAR_{surrounding}, or write a default here",
                        entry.key
                    )),
                );
                Content::Unknown
            }
            (None, default) => default.clone(),
        };
        values.insert(entry.key.clone(), value);
    }
    for given in options.variables.keys().filter(|given| !values.contains_key(*given)) {
        mistakes.push(
            Diagnostic::error(
                Code::UnknownVariable,
                format!("there is no variable `{given}` to set"),
            )
            .help(suggestion(given, values.keys().map(String::as_str))),
        );
    }
    values
}

/// A value from the command line, which has no types, in the type of the default.
fn typed(name: &str, given: &str, default: &Content, mistakes: &mut Mistakes) -> Content {
    let value = match default {
        Content::Bool(_) | Content::Number(_) => crate::scalar::plain(given),
        _ => return Content::Text(given.to_owned()),
    };
    if std::mem::discriminant(&value) == std::mem::discriminant(default) {
        return value;
    }
    let wanted = if matches!(default, Content::Bool(_)) { "`true` or `false`" } else { "a number" };
    mistakes.push(
        Diagnostic::error(
            Code::WrongType,
            format!("the variable `{name}` is {wanted}, and what was given is not"),
        )
        .help("its default says what it is"),
    );
    default.clone()
}

/// What `${stack}`, `${environment}` and `${region}` stand for.
pub(crate) fn words(scope: &Scope, region: &str) -> BTreeMap<String, Content> {
    [("stack", &*scope.stack), ("environment", &*scope.environment), ("region", region)]
        .map(|(word, value)| (word.to_owned(), Content::Text(value.to_owned())))
        .into()
}

/// Letters, words and a digit, such as `eu-west-1`, `us-gov-west-1` or `eusc-de-east-1`.
pub(crate) fn is_region(text: &str) -> bool {
    let pieces: Vec<&str> = text.split('-').collect();
    let is_word = |piece: &&str| !piece.is_empty() && piece.chars().all(|c| c.is_ascii_lowercase());
    match pieces.split_last() {
        Some((number, words)) => {
            words.len() >= 2
                && (2..=4).contains(&words[0].len())
                && words.iter().all(is_word)
                && number.len() == 1
                && number.chars().all(|c| c.is_ascii_digit())
        }
        None => false,
    }
}

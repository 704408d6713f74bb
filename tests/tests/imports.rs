//! Holds the arrows between the files of a crate: what a file takes something from takes nothing
//! from it, over however many others.
//!
//! An arrow goes to the file in which a thing is defined, whichever modules hand it on. What only
//! tests take is left out, and so are methods, which no path names.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::Path;

use deployer_tests::root;
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::visit::{self, Visit};
use syn::{Attribute, Ident, Item, LitStr, Macro, Meta, Token, UseTree, VisRestricted, token};

#[test]
fn no_file_takes_from_one_that_takes_from_it() {
    let crates = fs::read_dir(root().join("crates")).expect("a folder");
    let crates = crates.map(|entry| entry.expect("an entry").path());
    let mut wrong = Vec::new();
    for folder in crates.chain([root().join("tests")]) {
        let name = folder.file_name().expect("a name").display().to_string();
        let mut files = Files::new();
        below(&folder.join("src"), "", &mut files);
        wrong.extend(rings(&files).iter().map(|ring| format!("{name}: {ring}")));
    }
    assert!(wrong.is_empty(), "files that take from each other:\n{}", wrong.join("\n"));
}

/// The texts of a crate's files, by their paths below its sources.
type Files = BTreeMap<String, String>;

fn below(folder: &Path, prefix: &str, files: &mut Files) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
        let path = entry.path();
        let name = format!("{prefix}{}", entry.file_name().display());
        if path.is_dir() {
            below(&path, &format!("{name}/"), files);
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.insert(name, fs::read_to_string(path).expect("a text"));
        }
    }
}

/// The rings of a crate's files, each as `a.rs → b.rs → a.rs`.
fn rings(files: &Files) -> Vec<String> {
    let is_root =
        |file: &&String| ["lib.rs", "main.rs"].contains(&file.as_str()) || file.starts_with("bin/");
    let mut rings = BTreeSet::new();
    for file in files.keys().filter(is_root) {
        let modules = Crate::read(files, file);
        let arrows = modules.arrows();
        let mut told: BTreeSet<&str> = BTreeSet::new();
        for file in arrows.keys() {
            let ring = ring(&arrows, file);
            if ring.iter().all(|file| !told.contains(file)) && !ring.is_empty() {
                rings.insert([&ring[..], &[ring[0]]].concat().join(" → "));
            }
            told.extend(ring);
        }
    }
    rings.into_iter().collect()
}

type Arrows<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// The shortest ring that a file is in; empty where it is in none.
fn ring<'a>(arrows: &Arrows<'a>, file: &'a str) -> Vec<&'a str> {
    let mut ways = VecDeque::from([vec![file]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in arrows.get(way[way.len() - 1]).into_iter().flatten() {
            if *next == file {
                return way;
            }
            if seen.insert(*next) {
                ways.push_back([&way[..], &[*next]].concat());
            }
        }
    }
    Vec::new()
}

/// The pieces of a path, such as `crate::plan::Step`.
type Pieces = Vec<String>;

/// One module: a file, or a part of one.
#[derive(Default)]
struct Module {
    file: String,
    /// The names it defines.
    items: BTreeSet<String>,
    /// Whether a macro defines others.
    is_open: bool,
    /// The names it has from elsewhere, each with its paths: a type and a function may have
    /// the same name. All that is there is `*`.
    uses: BTreeMap<String, Vec<Pieces>>,
    /// The paths that are written where something is used.
    paths: Vec<Pieces>,
}

/// The modules of a crate, by their paths, without those of tests.
struct Crate(BTreeMap<Pieces, Module>);

impl Crate {
    fn read(files: &Files, root: &str) -> Self {
        let mut modules = BTreeMap::new();
        let mut next = vec![(Pieces::new(), root.to_owned())];
        while let Some((at, file)) = next.pop() {
            let text = syn::parse_file(&files[&file]).expect("Rust");
            let mut reader = Reader { modules: &mut modules, file, at, outside: Vec::new() };
            reader.module();
            reader.visit_file(&text);
            for module in reader.outside {
                let path = module.join("/");
                let names = [format!("{path}.rs"), format!("{path}/mod.rs")];
                let file = names.into_iter().find(|name| files.contains_key(name));
                next.push((module, file.expect("a module has a file")));
            }
        }
        Self(modules)
    }

    /// Which files each takes something from.
    fn arrows(&self) -> Arrows<'_> {
        let mut arrows = Arrows::new();
        for (at, module) in &self.0 {
            let uses = module.uses.values().flatten();
            let found = uses.chain(&module.paths).filter_map(|path| self.find(at, path, FUEL));
            let files = found.map(|found| self.0[&found].file.as_str());
            let others = files.filter(|file| *file != module.file);
            arrows.entry(module.file.as_str()).or_default().extend(others);
        }
        arrows
    }

    /// The module in which something is defined that a module calls by this path; none where it is
    /// of another crate, or a module itself: what is taken of that says from where.
    fn find(&self, at: &[String], path: &[String], fuel: usize) -> Option<Pieces> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => self.walk(&[], rest, fuel),
            "self" => self.walk(at, rest, fuel),
            "super" if rest.first().is_some_and(|next| next == "super") => {
                self.find(at.split_last()?.1, rest, fuel)
            }
            "super" => self.walk(at.split_last()?.1, rest, fuel),
            _ => self.walk(at, path, fuel),
        }
    }

    /// The same of a path that begins in a module.
    fn walk(&self, at: &[String], path: &[String], fuel: usize) -> Option<Pieces> {
        let fuel = fuel.checked_sub(1)?;
        let module = &self.0[at];
        let (name, rest) = path.split_first()?;
        let child = self.child(at, name);
        if let (Some(child), false) = (&child, rest.is_empty()) {
            return self.walk(child, rest, fuel);
        }
        if name == "*" || module.items.contains(name) {
            return Some(at.to_vec());
        }
        let of = |called: &str| module.uses.get(called).into_iter().flatten();
        // What is called as its path begins is of another crate.
        let mut named = of(name).filter(|path| child.is_some() || path[0] != *name).peekable();
        if named.peek().is_some() || child.is_some() {
            return named.find_map(|path| self.find(at, &[path, rest].concat(), fuel));
        }
        let is_ours = |all: &&Pieces| {
            ["crate", "self", "super"].contains(&&*all[0]) || self.child(at, &all[0]).is_some()
        };
        let within = |all: &Pieces| [&all[..all.len() - 1], path].concat();
        let found = of("*").filter(is_ours).find_map(|all| self.find(at, &within(all), fuel));
        found.or_else(|| module.is_open.then(|| at.to_vec()))
    }

    fn child(&self, at: &[String], name: &String) -> Option<Pieces> {
        let child = [at, std::slice::from_ref(name)].concat();
        self.0.contains_key(&child).then_some(child)
    }
}

/// More than any name is handed on.
const FUEL: usize = 16;

/// Takes down what the modules of one file define and use.
struct Reader<'a> {
    modules: &'a mut BTreeMap<Pieces, Module>,
    file: String,
    at: Pieces,
    /// The modules that are files of their own.
    outside: Vec<Pieces>,
}

impl Reader<'_> {
    fn module(&mut self) -> &mut Module {
        let module = || Module { file: self.file.clone(), ..Module::default() };
        self.modules.entry(self.at.clone()).or_insert_with(module)
    }

    /// Takes down a path that may lead to another module.
    fn path(&mut self, path: Pieces) {
        if path.len() > 1 {
            self.module().paths.push(path);
        }
    }

    fn names(&mut self, tree: &UseTree, mut path: Pieces) {
        match tree {
            UseTree::Path(more) => {
                path.push(more.ident.to_string());
                self.names(&more.tree, path);
            }
            UseTree::Name(last) if last.ident == "self" => self.name(None, path),
            UseTree::Rename(last) if last.ident == "self" => {
                self.name(Some(last.rename.to_string()), path);
            }
            UseTree::Name(last) => self.name(None, [path, vec![last.ident.to_string()]].concat()),
            UseTree::Rename(last) => {
                let path = [path, vec![last.ident.to_string()]].concat();
                self.name(Some(last.rename.to_string()), path);
            }
            UseTree::Glob(_) => self.name(None, [path, vec!["*".to_owned()]].concat()),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.names(tree, path.clone());
                }
            }
        }
    }

    fn name(&mut self, called: Option<String>, path: Pieces) {
        let called = called.or_else(|| path.last().cloned()).unwrap_or_default();
        self.module().uses.entry(called).or_default().push(path);
    }

    /// Paths in what is no syntax of its own: what a macro or an attribute is given.
    fn loose(&mut self, input: ParseStream<'_>, are_texts_paths: bool) -> syn::Result<()> {
        while !input.is_empty() {
            if input.peek(token::Paren) {
                let inner;
                syn::parenthesized!(inner in input);
                self.loose(&inner, are_texts_paths)?;
            } else if input.peek(token::Bracket) {
                let inner;
                syn::bracketed!(inner in input);
                self.loose(&inner, are_texts_paths)?;
            } else if input.peek(token::Brace) {
                let inner;
                syn::braced!(inner in input);
                self.loose(&inner, are_texts_paths)?;
            } else if input.peek(Ident::peek_any) {
                let mut path = vec![input.call(Ident::parse_any)?.to_string()];
                while input.peek(Token![::]) && input.peek3(Ident::peek_any) {
                    input.parse::<Token![::]>()?;
                    path.push(input.call(Ident::parse_any)?.to_string());
                }
                self.path(path);
            } else if are_texts_paths && input.peek(LitStr) {
                let text: LitStr = input.parse()?;
                if let Ok(path) = text.parse_with(syn::Path::parse_mod_style) {
                    self.visit_path(&path);
                }
            } else {
                input.step(|rest| Ok(((), rest.token_tree().map_or(*rest, |(_, rest)| rest))))?;
            }
        }
        Ok(())
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let (attributes, name) = match item {
            Item::Const(item) => (&item.attrs, Some(&item.ident)),
            Item::Enum(item) => (&item.attrs, Some(&item.ident)),
            Item::Fn(item) => (&item.attrs, Some(&item.sig.ident)),
            Item::Impl(item) => (&item.attrs, None),
            Item::Macro(item) => (&item.attrs, item.ident.as_ref()),
            Item::Mod(item) => (&item.attrs, None),
            Item::Static(item) => (&item.attrs, Some(&item.ident)),
            Item::Struct(item) => (&item.attrs, Some(&item.ident)),
            Item::Trait(item) => (&item.attrs, Some(&item.ident)),
            Item::Type(item) => (&item.attrs, Some(&item.ident)),
            Item::Use(item) => (&item.attrs, None),
            _ => return visit::visit_item(self, item),
        };
        if attributes.iter().any(is_of_tests) {
            return;
        }
        if let Some(name) = name {
            self.module().items.insert(name.to_string());
        }
        self.module().is_open |= matches!(item, Item::Macro(_)) && name.is_none();
        match item {
            Item::Use(item) => self.names(&item.tree, Pieces::new()),
            Item::Mod(item) => {
                let child = [&self.at[..], &[item.ident.to_string()]].concat();
                if item.content.is_none() {
                    self.outside.push(child);
                    return;
                }
                self.at = child;
                self.module();
                visit::visit_item_mod(self, item);
                self.at.pop();
            }
            item => visit::visit_item(self, item),
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.path(path.segments.iter().map(|piece| piece.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    /// Who may see something takes nothing.
    fn visit_vis_restricted(&mut self, _: &'ast VisRestricted) {}

    fn visit_macro(&mut self, called: &'ast Macro) {
        self.visit_path(&called.path);
        let tokens = called.tokens.clone();
        (|input: ParseStream<'_>| self.loose(input, false)).parse2(tokens).expect("tokens");
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            let tokens = list.tokens.clone();
            (|input: ParseStream<'_>| self.loose(input, true)).parse2(tokens).expect("tokens");
        }
    }
}

fn is_of_tests(attribute: &Attribute) -> bool {
    let Meta::List(list) = &attribute.meta else { return false };
    list.path.is_ident("cfg") && list.tokens.to_string() == "test"
}

fn rings_of(files: &[(&str, &str)]) -> Vec<String> {
    let files = files.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned()));
    rings(&files.collect())
}

#[test]
fn two_files_that_take_from_each_other_are_a_ring() {
    let found = rings_of(&[
        ("lib.rs", "mod a; mod b; mod c;"),
        ("a.rs", "use crate::b::B; pub(crate) struct A(B);"),
        ("b.rs", "pub(crate) struct B; pub(crate) fn b() -> crate::a::A { todo!() }"),
        ("c.rs", "use crate::a::*;"),
    ]);
    assert_eq!(found, ["a.rs → b.rs → a.rs"]);
}

#[test]
fn what_is_handed_on_leads_to_where_it_is_defined() {
    let found = rings_of(&[
        ("lib.rs", "mod part; mod top; pub use part::x as renamed; pub use top::Top;"),
        ("part/mod.rs", "mod x; mod y; pub(crate) use self::{x::x, y::*};"),
        ("part/x.rs", "use super::Y; pub(crate) fn x() -> Y { Y }"),
        ("part/y.rs", "pub(crate) struct Y; pub(crate) fn y() { drop(vec![crate::Top]) }"),
        ("top.rs", "pub struct Top; pub fn top() { crate::renamed() }"),
    ]);
    assert_eq!(found, ["part/x.rs → part/y.rs → top.rs → part/x.rs"]);
}

#[test]
fn children_may_take_from_each_other_by_their_parent_and_not_from_it() {
    let parent = "mod x; mod y; use self::x::X; pub fn top() { y::y() }";
    let child = "use super::{X, x}; pub(super) fn y() { x::x(); drop(X) }
        #[cfg(test)] mod tests { use crate::part::top; }";
    let mut files = vec![
        ("lib.rs", "mod part;"),
        ("part/mod.rs", parent),
        ("part/x.rs", "pub(super) struct X; pub(in crate::part) fn x() {}"),
        ("part/y.rs", child),
    ];
    assert!(rings_of(&files).is_empty());
    files[2].1 = "#[serde(default = \"super::top\")] pub(super) struct X; pub(super) fn x() {}";
    assert_eq!(rings_of(&files), ["part/mod.rs → part/x.rs → part/mod.rs"]);
}

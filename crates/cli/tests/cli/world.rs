//! A folder, a cloud in memory and a terminal that remembers.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Cursor, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use deployer_cli::{Connect, Exit, Reached, Stream, Terminal, json_schema, run};
use deployer_core::{Failure, Place, Stack};
use deployer_engine::{Access, Parameters, Registry};
use deployer_testkit::{Memory, registry};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// A stack with something slow, something that restarts and an output.
pub(crate) const STACK: &str = "\
stack: notes
region: eu-west-1
environments: { dev: {}, prod: {} }
outputs:
  store: store://${store/main.host}
resources:
  network:
    main: { range: 10.0.0.0/16 }
  part:
    a: { network: main, zone: a }
  store:
    main: { network: main, engine: pg, size: 20 }
";

/// Where a test runs commands.
pub(crate) struct World<C: Parameters = Memory> {
    pub(crate) folder: TempDir,
    pub(crate) memory: Arc<C>,
    pub(crate) registry: fn() -> Registry<C>,
    pub(crate) account: String,
    pub(crate) region: String,
    /// By which role each command came in, if by one.
    pub(crate) entered: Mutex<Vec<Option<String>>>,
    /// Why the cloud cannot be reached.
    pub(crate) failure: Option<Failure>,
    /// What is typed; nobody is there when none.
    pub(crate) typed: Option<String>,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) is_terminal: bool,
    pub(crate) cancel: CancellationToken,
}

/// What a command left.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) exit: Exit,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl World {
    /// An empty account, and a folder with this stack.
    pub(crate) fn with(stack: &str) -> Self {
        Self::new(registry, stack)
    }

    /// An account in which the stack has been applied.
    pub(crate) async fn applied(stack: &str) -> Self {
        let world = Self::with(stack);
        let ran = world.run("apply --env dev --yes").await;
        assert_eq!(ran.exit, Exit::Done, "{ran:?}");
        world
    }
}

impl<C: Parameters + Default> World<C> {
    /// An empty cloud with these kinds, and a folder with this stack.
    pub(crate) fn new(registry: fn() -> Registry<C>, stack: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let home = folder.path().join("home").display().to_string();
        let world = Self {
            folder,
            memory: Arc::default(),
            registry,
            account: "123456789012".to_owned(),
            region: "eu-west-1".to_owned(),
            entered: Mutex::default(),
            failure: None,
            typed: None,
            environment: BTreeMap::from([("HOME".to_owned(), home)]),
            is_terminal: false,
            cancel: CancellationToken::new(),
        };
        world.write("deployer.yaml", stack);
        world
    }
}

impl<C: Parameters> World<C> {
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).expect("a file");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).expect("a file")
    }

    /// Runs a command line; its words are separated by spaces.
    pub(crate) async fn run(&self, line: &str) -> Ran {
        let (stdout, stderr) = (Paper::default(), Paper::default());
        let terminal = Terminal {
            input: Box::new(Cursor::new(self.typed.clone().unwrap_or_default().into_bytes())),
            stdout: Stream::new(stdout.clone(), self.is_terminal),
            stderr: Stream::new(stderr.clone(), self.is_terminal),
            is_interactive: self.typed.is_some(),
            console: None,
            width: 80,
            height: 24,
            environment: self.environment.clone(),
            folder: self.folder.path().to_owned(),
        };
        let words = std::iter::once("deployer").chain(line.split_whitespace());
        let run = run(words.map(OsString::from), self, terminal, self.cancel.clone());
        let exit = Box::pin(run).await;
        let ran = Ran { exit, stdout: stdout.text(), stderr: stderr.text() };
        if line.split_whitespace().any(|word| word == "--json") {
            ran.fits_its_schema(line);
        }
        ran
    }
}

impl Ran {
    /// Whatever is printed for machines is as the published schema says.
    fn fits_its_schema(&self, line: &str) {
        let command = line.split_whitespace().next().unwrap_or_default();
        let mut schema = json_schema();
        if schema["$defs"][command].is_null() {
            return;
        }
        let all = schema.as_object_mut().expect("a schema");
        all.remove("anyOf");
        all.insert("$ref".to_owned(), format!("#/$defs/{command}").into());
        let validator = jsonschema::validator_for(&schema).expect("a schema that is one");
        for document in serde_json::Deserializer::from_str(&self.stdout).into_iter::<Value>() {
            let document = document.expect("JSON");
            let wrong: Vec<String> =
                validator.iter_errors(&document).map(|error| error.to_string()).collect();
            assert!(wrong.is_empty(), "{line}: {wrong:#?}\n{document:#}");
        }
    }
}

impl<C: Parameters> Connect for &World<C> {
    type Cloud = C;

    fn registry(&self) -> Registry<C> {
        (self.registry)()
    }

    async fn connect(
        &self,
        role: Option<&str>,
        region: Option<&str>,
        _folder: &Path,
    ) -> Result<Reached<C>, Failure> {
        let region = region.unwrap_or(&self.region).to_owned();
        self.entered.lock().expect("no panic").push(role.map(str::to_owned));
        match &self.failure {
            Some(failure) => Err(failure.clone()),
            None => Ok(Reached { cloud: Arc::clone(&self.memory), region }),
        }
    }

    /// Of a cloud in memory there is nothing to permit.
    fn policy(&self, access: Access, stack: &Stack) -> Value {
        json!({ "access": format!("{access:?}"), "stack": stack.scope.stack })
    }

    fn managed_policies(&self, access: Access, stack: &Stack) -> Vec<Value> {
        vec![self.policy(access, stack); 2]
    }

    fn longest_policy(&self) -> usize {
        60
    }

    /// Whoever came in by a role is in the account that it leads to.
    async fn account(&self, _: &C) -> Result<String, Failure> {
        let entered = self.entered.lock().expect("no panic");
        let role = entered.last().cloned().flatten();
        let leads_to = role.as_deref().and_then(Place::account_of_role).map(str::to_owned);
        Ok(leads_to.unwrap_or_else(|| self.account.clone()))
    }

    async fn caller(&self, _: &C) -> Result<String, Failure> {
        Ok(format!("arn:aws:iam::{}:user/alice", self.account))
    }
}

/// Keeps what is written to it.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Paper {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no panic").clone()).expect("text")
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

//! Queues: a service that works one off, what nobody could handle, and what goes with one.

use deployer_tests::{Lab, Ran, root, run_on, wait_until};
use serde_json::{Value, json};
use tempfile::TempDir;

/// As much shorter as makes a minute a second.
const SCALE: f64 = 1.0 / 60.0;

struct World {
    lab: Lab,
    folder: TempDir,
}

impl World {
    fn new(text: &str) -> Self {
        let world = Self { lab: Lab::start(SCALE), folder: tempfile::tempdir().expect("a folder") };
        world.write(text);
        world
    }

    fn write(&self, text: &str) {
        let text = format!("stack: post\nregion: eu-west-1\n{text}");
        std::fs::write(self.file(), text).expect("a file");
    }

    fn file(&self) -> String {
        self.folder.path().join("deployer.yaml").display().to_string()
    }

    fn run(&self, command: &str) -> Ran {
        let file = self.file();
        run_on(&self.lab, &file, &command.split(' ').collect::<Vec<_>>())
    }

    /// Does something with a queue, as a program does that was handed its URL.
    fn ask(&self, operation: &str, queue: &str, more: &Value) -> Value {
        let url = self.run(&format!("outputs {queue}")).expect(0).stdout;
        let mut body = json!({ "QueueUrl": url.trim() });
        let fields = more.as_object().cloned().unwrap_or_default();
        body.as_object_mut().expect("an object").extend(fields);
        self.lab.by_hand_in_json("sqs", &format!("AmazonSQS.{operation}"), &body)
    }

    fn send(&self, queue: &str, body: &str) {
        self.ask("SendMessage", queue, &json!({ "MessageBody": body }));
    }

    /// How many tasks run, and how many are wanted.
    fn tasks(&self) -> (u64, u64) {
        self.run("status --json").expect(0).tasks()
    }
}

#[test]
fn a_backlog_brings_tasks_and_an_empty_queue_takes_them_away_again() {
    let image = root().join("tests/contracts/images/answers.tar");
    let world = World::new(&format!(
        "\
network: {{ nat: none }}
repositories: {{ worker: {{ force-delete: true }} }}
queues: {{ mails: {{ visibility: 60 s }} }}
services:
  worker:
    subnets: public
    image: {{ build: {{ archive: {} }} }}
    uses: [{{ use: queues/mails, access: receive }}]
    scale: {{ min: 1, max: 4, backlog: {{ queue: mails, per-task: 2 }} }}
outputs: {{ mails: \"${{queues/mails.url}}\" }}
",
        image.display()
    ));
    world.run("apply --yes").expect(0);
    assert_eq!(world.tasks(), (1, 1), "a new one begins with the fewest");
    for number in 0..8 {
        world.send("mails", &number.to_string());
    }
    wait_until("four tasks run", || world.tasks().0 == 4);
    let status = world.run("status").expect(0).stdout;
    assert!(status.contains("8 messages waiting"), "{status}");
    // Nobody's plan takes the tasks back.
    world.run("plan --check").expect(0);
    world.ask("PurgeQueue", "mails", &json!({}));
    wait_until("one task runs", || world.tasks() == (1, 1));
    world.run("destroy --yes").expect(0);
    assert_eq!(world.lab.everything(), Vec::<String>::new());
}

#[test]
fn what_nobody_could_handle_is_kept_and_told_and_a_plan_says_what_goes_with_a_queue() {
    let world = World::new(
        "\
queues: { mails: { retries: 0 }, orders: { fifo: true } }
outputs: { mails: \"${queues/mails.url}\", orders: \"${queues/orders.url}\" }
",
    );
    world.run("apply --yes").expect(0);
    world.run("plan --check").expect(0);
    let url = world.run("outputs orders").expect(0).stdout;
    assert!(url.trim().ends_with("/post-default-orders.fifo"), "{url}");

    world.run("doctor").expect(0);
    world.send("mails", "poison");
    let at_once = json!({ "VisibilityTimeout": 0 });
    let received = world.ask("ReceiveMessage", "mails", &at_once);
    assert_eq!(received["Messages"][0]["Body"], "poison", "{received}");
    let again = world.ask("ReceiveMessage", "mails", &at_once);
    assert!(again["Messages"].is_null(), "there is no retry: {again}");
    let status = world.run("status").expect(0).stdout;
    assert!(status.contains("1 dead letters"), "{status}");
    let doctor = world.run("doctor").stdout;
    assert!(doctor.contains("nobody could handle a message of the queue `mails`"), "{doctor}");
    assert!(doctor.contains("start-message-move-task"), "{doctor}");

    world.send("mails", "one");
    world.send("mails", "two");
    world.write(
        "\
queues: { orders: { fifo: false } }
outputs: { orders: \"${queues/orders.url}\" }
",
    );
    let plan = world.run("plan").expect(0).stdout;
    for part in
        ["data loss: 2 messages in it", "data loss: 1 message in it", "replace  queue/orders"]
    {
        assert!(plan.contains(part), "{part} is in {plan}");
    }
    world.run("apply --yes").expect(0);
    let url = world.run("outputs orders").expect(0).stdout;
    assert!(url.trim().ends_with("/post-default-orders-2"), "{url}");
    world.run("destroy --yes").expect(0);
    assert_eq!(world.lab.everything(), Vec::<String>::new());
}

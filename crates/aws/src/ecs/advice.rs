//! What to do about a task that did not come up, by why: in words that can be typed.
//!
//! What ECS says stands in "Amazon ECS stopped tasks error messages" and "Amazon ECS service event
//! messages" in the ECS developer guide. It has no codes, so its words are what there is to go by; what
//! is not known gets advice that is true of all.

use aws_sdk_ecs::types::{ContainerDefinition, CpuArchitecture, TaskDefinition};
use deployer_engine::StopCause;

use super::stopped::{Culprit, Stopped};

/// How a container ends that the kernel has killed, mostly for its memory.
const KILLED: i32 = 128 + 9;

/// What a task needs to reach what is outside of its network.
const WAY_OUT: &str = "give its subnets a way out: a NAT gateway (`nat: single`), public subnets \
    (`subnets: public`), or endpoints (`private-access: true`); where it has an `egress:` of its own, \
    let that send to port 443";

/// What to do about a task that stopped, `of` being the service or the job whose it is. `log` is the end
/// of what the container to blame wrote.
pub(super) fn of_task(
    (task, of): (&Stopped, &str),
    culprit: Option<&Culprit<'_>>,
    definition: &TaskDefinition,
    log: &[String],
) -> String {
    let said = task.reason();
    let name = culprit.map_or("the container", |it| it.container.name.as_str());
    let is_for_another = || {
        [said.as_str()].into_iter().chain(log.iter().map(String::as_str)).any(is_wrong_processor)
    };
    match task.1.cause {
        StopCause::NotStarted | StopCause::Ended if is_for_another() => processor(definition),
        StopCause::NotStarted => of_start(&said, name, culprit.and_then(|it| it.definition)),
        StopCause::Ended => of_end(task, culprit, name, definition),
        StopCause::Interrupted => {
            "ECS starts another by itself where there is capacity; how many must \
             stay, `min:` of `scale:` or `base:` of `spot:` says"
                .to_owned()
        }
        StopCause::Person => {
            format!("somebody stopped it: `deployer events {of}` shows when, CloudTrail who")
        }
        _ if said.contains("container health checks") => {
            format!(
                "see what the command says in a task (`deployer exec {of}`), or give `{name}` longer \
                 to start with `grace-period:`"
            )
        }
        _ => format!(
            "check that `{name}` passes its health check, soon enough for the `grace-period:`"
        ),
    }
}

/// Whether a text says that a program or an image is for another processor.
fn is_wrong_processor(text: &str) -> bool {
    // What an exec says of it, and what a pull does (containerd, `platforms`).
    let text = text.to_lowercase();
    ["exec format error", "descriptor matching platform", "no match for platform"]
        .iter()
        .any(|words| text.contains(words))
}

fn processor(definition: &TaskDefinition) -> String {
    let (runs, other) = match definition.runtime_platform().and_then(|it| it.cpu_architecture()) {
        Some(CpuArchitecture::Arm64) => ("linux/arm64", "x86-64"),
        _ => ("linux/amd64", "arm64"),
    };
    format!(
        "the image is for another processor than its tasks: build it for {runs}, or give it \
         `architecture: {other}`"
    )
}

/// What to do about one that did not start.
fn of_start(said: &str, name: &str, container: Option<&ContainerDefinition>) -> String {
    let says = |words: &[&str]| words.iter().any(|words| said.contains(words));
    let image = container.and_then(|it| it.image()).unwrap_or("its image");
    let has_no_way = says(&["i/o timeout", "connection issue", "deadline exceeded", "canceled"])
        || says(&["RequestError", "signal: killed"]);
    let is_denied = says(&["AccessDenied", "not authorized", "403 Forbidden", "access denied"]);
    if has_no_way {
        return WAY_OUT.to_owned();
    }
    if let Some(advice) = of_words(said) {
        return advice;
    }
    if says(&["CannotPullContainer"]) {
        return match () {
            () if says(&["no space left"]) => {
                "give it more `storage:`: the image has to find room there too".to_owned()
            }
            () if says(&["toomanyrequests", "429 Too Many", "rate limit"]) => {
                "its registry allows no more pulls for now: name `credentials:` of an account there, \
                 or keep the image in ECR"
                    .to_owned()
            }
            () if is_denied || says(&["unauthorized", "no basic auth", "authentication"]) => {
                "let its execution role pull the image (`deployer apply` gives the roles that it makes \
                 what they need), or name `credentials:` of its registry"
                    .to_owned()
            }
            () => format!("push the image {image}, or name one that is there"),
        };
    }
    if says(&["permission denied"]) {
        return format!("make the program of `{name}` executable in its image (`chmod +x`)");
    }
    if says(&["no such file or directory", "executable file not found"]) {
        return format!(
            "name a program that the image of `{name}` has, in `command:` or in the image"
        );
    }
    if let Some((_, key)) = said.split_once("did not contain json key ") {
        let key = key.split([' ', ';', ',']).next().unwrap_or_default();
        return format!(
            "add the key `{key}` to the secret, or name one that it has, behind the `#` in `secrets:`"
        );
    }
    if says(&["logger args", "log stream", "log group"]) && !is_denied {
        return "`deployer apply` makes the log group again".to_owned();
    }
    if is_denied {
        return "let its execution role read that: `deployer apply` gives the roles that it makes what \
                they need, but for a key of KMS of your own, whose policy has to allow the role \
                `kms:Decrypt`"
            .to_owned();
    }
    if says(&["staging label"]) {
        return "give the secret a value: it has none".to_owned();
    }
    if says(&["specified secret", "invalid parameters", "ParameterNotFound"]) {
        return "make what it names, or name another one in `secrets:`".to_owned();
    }
    if says(&["dependencies timed out"]) {
        return "see in its log why the containers that start before it do not get that far"
            .to_owned();
    }
    "check that the image, the secrets and the log group it names exist, and that its execution role \
     may read them"
        .to_owned()
}

/// What to do about one that ended. The codes above 128 are signals, those below are a shell's
/// (POSIX, "Exit Status for Commands").
fn of_end(
    task: &Stopped,
    culprit: Option<&Culprit<'_>>,
    name: &str,
    definition: &TaskDefinition,
) -> String {
    let code = culprit.and_then(|it| it.container.exit_code);
    let reason = culprit.and_then(|it| it.container.reason.as_deref()).unwrap_or_default();
    if reason.contains("OutOfMemory") || (code == Some(KILLED) && task.is_its_own_fault()) {
        let own = culprit.and_then(|it| it.definition?.memory()).map(|mib| mib.to_string());
        let memory = own.as_deref().or(definition.memory()).unwrap_or_default();
        return format!("give `{name}` more `memory:` than {memory} MiB, or let it take less");
    }
    match code {
        Some(0) => format!(
            "let `{name}` go on running as long as its task is there; what runs to an end belongs to \
             `jobs:`"
        ),
        Some(126) => format!("make the command of `{name}` one that can be executed (`chmod +x`)"),
        Some(127) => format!("name a command that the image of `{name}` has"),
        Some(132) => format!(
            "build `{name}` for the processors that Fargate has: it uses an instruction that this one \
             lacks"
        ),
        Some(134 | 139) => format!(
            "find out why `{name}` crashes, in its log or by running it here: it was no error that it \
             could have handled"
        ),
        _ => format!("find out why `{name}` ends, in its log or by running it here"),
    }
}

/// What to do about a task that was never there, by what ECS says of that; nothing where it says
/// something else.
pub(super) fn of_words(said: &str) -> Option<String> {
    let says = |words: &[&str]| words.iter().any(|words| said.contains(words));
    let advice = if says(&["unable to assume the role"]) {
        let role = said.split('\'').nth(1).and_then(|arn| arn.rsplit('/').next());
        let role = role.map(|role| format!(" `{role}`")).unwrap_or_default();
        return Some(format!(
            "let the trust policy of the role{role} have the service `ecs-tasks.amazonaws.com`: \
             `deployer apply` puts that of its own roles back"
        ));
    } else if says(&["limit on the number of vCPUs", "limit on the number of tasks"]) {
        // "AWS Fargate service quotas" in the ECS developer guide; the code is that of vCPUs on demand.
        "ask AWS for more vCPUs: `aws service-quotas request-service-quota-increase --service-code \
         fargate --quota-code L-3032A538 --desired-value N` (L-36FBB829 for Spot)"
    } else if says(&["Capacity is unavailable", "RESOURCE:"]) {
        "AWS has no room for it now: wait, take less of `spot:`, or let the network have more `zones:`"
    } else if says(&["Rate exceeded", "RequestLimitExceeded", "Throttling"]) {
        "AWS takes no more calls from ECS for now, which asks again by itself: wait"
    } else if says(&["Create Network Interface", "InsufficientFreeAddresses", "free addresses"]) {
        "its subnets have no address left: give it others, or roll out fewer tasks at a time \
         (`maximum:` of `rollout:`)"
    } else {
        return None;
    };
    Some(advice.to_owned())
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::RuntimePlatform;

    use super::*;

    /// What is advised about a task that did not start.
    fn of_start_in(said: &str) -> String {
        let container = ContainerDefinition::builder().image("registry.example/web:7").build();
        of_start(said, "web", Some(&container))
    }

    #[test]
    fn what_to_do_goes_by_what_ecs_says() {
        let secrets = "ResourceInitializationError: unable to pull secrets or registry auth: ";
        let pull = "CannotPullContainerError: pull image manifest has been retried 1 time(s): ";
        for (said, part) in [
            (format!("{pull}failed to resolve ref x: x: not found"), "push the image registry.example/web:7"),
            (format!("{pull}failed to do request: Head x: dial tcp: i/o timeout"), "`nat: single`"),
            (format!("{pull}AccessDeniedException: User x is not authorized"), "execution role pull"),
            (format!("{pull}toomanyrequests: You have reached"), "`credentials:`"),
            (format!("{secrets}There is a connection issue between"), "private-access: true"),
            (format!("{secrets}AccessDeniedException: x"), "`kms:Decrypt`"),
            (format!("{secrets}can't find the specified secret."), "name another one in `secrets:`"),
            (format!("{secrets}can't find the specified secret value for staging label: x"), "a value"),
            (format!("{secrets}x did not contain json key user"), "the key `user`"),
            (format!("{secrets}invalid parameters: /app/x"), "name another one in `secrets:`"),
            (
                "ResourceInitializationError: failed to validate logger args: x: The specified log \
                 group does not exist."
                    .to_owned(),
                "makes the log group again",
            ),
            (
                "CannotStartContainerError: x: exec: \"/x\": stat /x: no such file or directory"
                    .to_owned(),
                "name a program",
            ),
            ("Unexpected EC2 error while attempting to Create Network Interface".to_owned(), "address"),
            ("something new".to_owned(), "check that the image"),
        ] {
            let advice = of_start_in(&said);
            assert!(advice.contains(part), "{said}: {advice}");
        }
    }

    #[test]
    fn what_never_was_a_task_has_advice_by_what_ecs_says_of_it() {
        let role = "failed to launch a task with (error ECS was unable to assume the role \
                    'arn:aws:iam::1:role/app/web' that was provided for this task.";
        for (said, part) in [
            (role, "of the role `web` have"),
            ("Reason: Capacity is unavailable at this time.", "more `zones:`"),
            ("You've reached the limit on the number of vCPUs you can run", "L-3032A538"),
            ("(error Rate exceeded)", "wait"),
        ] {
            assert!(of_words(said).is_some_and(|advice| advice.contains(part)), "{said}");
        }
        assert_eq!(of_words("has started 1 tasks"), None);
    }

    #[test]
    fn an_image_for_another_processor_is_told_by_what_an_exec_or_a_pull_says() {
        assert!(is_wrong_processor("exec /web: exec format error"));
        assert!(is_wrong_processor(
            "image Manifest does not contain descriptor matching platform 'linux/amd64'"
        ));
        let arm = RuntimePlatform::builder().cpu_architecture(CpuArchitecture::Arm64).build();
        let definition = TaskDefinition::builder().runtime_platform(arm).build();
        assert!(processor(&definition).contains("linux/arm64, or give it `architecture: x86-64`"));
    }
}

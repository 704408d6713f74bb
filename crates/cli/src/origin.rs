//! Where a stack file is kept, which distinguishes a stack from another of the same name.

use std::path::Path;
use std::process::Command;

use deployer_core::Scope;

/// The remote of the git repository that a file is in, and its path there:
/// `github.com/acme/shop:deploy/stack.yaml`, over HTTPS as over SSH, with whatever user. Aliases of
/// hosts in the settings of SSH are not looked up. Nothing for a file outside a repository, and for
/// a repository whose remote is on this machine.
pub(crate) fn of(file: &Path) -> Option<String> {
    let (folder, name) = (file.parent()?, file.file_name()?.to_str()?);
    // It expands what is set to stand `insteadOf` an address, and talks to nobody.
    let remote = git(folder, &["ls-remote", "--get-url", "origin"])?;
    let place = place(&remote)?;
    let path = git(folder, &["rev-parse", "--show-prefix"])?;
    Some(taggable(&format!("{place}:{path}{name}")))
}

/// The commit that is checked out in a folder, with `-dirty` behind it where files that git keeps
/// differ from it; nothing for a folder outside a repository.
pub(crate) fn commit(folder: &Path) -> Option<String> {
    // Without tags only the commit itself is left to name it (git-describe(1)).
    let named = ["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"];
    git(folder, &named).filter(|commit| !commit.is_empty())
}

/// What git says of a folder; nothing where there is no git.
fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    command.args(arguments).env_remove("GIT_DIR").env_remove("GIT_WORK_TREE");
    if !folder.as_os_str().is_empty() {
        command.current_dir(folder);
    }
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

/// The host and the path of a remote, without who reaches it and how (git-fetch(1), Git URLs).
fn place(remote: &str) -> Option<String> {
    let (authority, path) = match remote.split_once("://") {
        Some((scheme, _)) if scheme == "file" || scheme.contains("::") => return None,
        Some((_, rest)) => rest.split_once('/')?,
        None => remote.split_once(':').filter(|(host, _)| !host.contains('/'))?,
    };
    let host = authority.rsplit('@').next()?.split(':').next()?;
    // A password with a slash in it, unescaped, looks like this. It must not be shown.
    if path.contains('@') {
        return None;
    }
    let path = path.split(['?', '#']).next()?.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    if host.is_empty() || path.is_empty() {
        return None;
    }
    Some(format!("{}/{path}", host.to_lowercase()))
}

/// The text as an origin can be: its end, if it is too long.
fn taggable(text: &str) -> String {
    let plain: String =
        text.chars().map(|c| if Scope::may_be_in_tag(c) { c } else { '_' }).collect();
    plain[plain.len().saturating_sub(Scope::LONGEST_ORIGIN)..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_is_the_same_however_it_is_reached_and_by_whom() {
        for remote in [
            "https://github.com/acme/shop.git",
            "https://github.com/acme/shop/",
            "https://bot:ghp_secret@GitHub.com/acme/shop.git",
            "ssh://git@github.com:22/acme/shop.git",
            "git@github.com:acme/shop.git",
            "github.com:acme/shop",
        ] {
            assert_eq!(place(remote).as_deref(), Some("github.com/acme/shop"), "{remote}");
        }
    }

    #[test]
    fn a_remote_on_this_machine_or_with_a_broken_address_says_nothing() {
        for remote in [
            "origin",
            "/srv/git/shop",
            "../shop",
            "file:///srv/shop",
            "codecommit::eu-west-1://shop",
            "https://u:pa/ss@host/shop",
            "https://u:pa/s?s@host/shop",
        ] {
            assert_eq!(place(remote), None, "{remote}");
        }
    }

    #[test]
    fn what_no_tag_can_hold_is_replaced_and_cut() {
        assert_eq!(taggable("host/a:é b(1).yaml"), "host/a:_ b_1_.yaml");
        let long = format!("{}:stack.yaml", "x".repeat(300));
        let cut = taggable(&long);
        assert_eq!((cut.len(), cut.ends_with("x:stack.yaml")), (Scope::LONGEST_ORIGIN, true));
    }

    /// Whoever made the repository wrote its settings, and some of them are programs.
    #[test]
    fn what_a_repository_is_set_to_run_is_not_run() {
        let folder = tempfile::tempdir().unwrap();
        let run = |arguments: &[&str]| git(folder.path(), arguments).expect("git is there");
        run(&["init", "--quiet"]);
        let ran = folder.path().join("ran");
        let touch = format!("touch {} #", ran.display());
        let helper = format!("!{touch}");
        for (key, value) in [
            ("remote.origin.url", "ssh://git@example.invalid/acme/shop.git"),
            ("core.sshCommand", &touch),
            ("core.fsmonitor", &touch),
            ("core.pager", &touch),
            ("remote.origin.uploadpack", &touch),
            ("credential.helper", &helper),
        ] {
            run(&["config", key, value]);
        }
        let origin = of(&folder.path().join("stack.yaml"));
        assert_eq!(origin.as_deref(), Some("example.invalid/acme/shop:stack.yaml"));
        assert!(!ran.exists());
    }

    #[test]
    fn a_file_in_a_repository_is_distinguished_from_one_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("deploy");
        std::fs::create_dir(&below).unwrap();
        assert_eq!(of(&below.join("stack.yaml")), None, "there is no repository");
        let run = |arguments: &[&str]| git(folder.path(), arguments).expect("git is there");
        run(&["init", "--quiet"]);
        assert_eq!(of(&below.join("stack.yaml")), None, "it has no remote");
        run(&["remote", "add", "origin", "git@example.com:acme/shop.git"]);
        let origin = of(&below.join("stack.yaml"));
        assert_eq!(origin.as_deref(), Some("example.com/acme/shop:deploy/stack.yaml"));
    }
}

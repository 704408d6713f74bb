//! What the surroundings say of credentials and of the network, in AWS's own variables and files:
//! what to do when something is wrong with either depends on it.

use aws_config::profile::{self, ProfileSet};
use aws_types::os_shim_internal::{Env, Fs};
use deployer_core::{Cause, Failure};
use deployer_engine::Result;

/// The variables that name proxies, the names in lower case as well (curl's manual).
const PROXIES: [&str; 6] =
    ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// The variable that names the certificates to trust (AWS SDKs and tools guide, general
/// configuration), and the key of a profile that does.
const BUNDLE: (&str, &str) = ("AWS_CA_BUNDLE", "ca_bundle");

/// More profiles than are each other's source.
const LONGEST: usize = 16;

/// What they say.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    /// The profile that AWS_PROFILE names.
    profile: Option<String>,
    /// Whether the access key is in the environment, which goes before all else.
    has_keys: bool,
    /// The file that AWS_WEB_IDENTITY_TOKEN_FILE names.
    token_file: Option<String>,
    /// How one logs in again, by the profile.
    login: Option<String>,
    /// The command that hands out the credentials of a session of `aws login`, where the profile is
    /// one: the SDK reads such sessions with a dozen libraries more, and who has one has the AWS CLI.
    pub(crate) session: Option<String>,
    /// Whether the profile names a device of MFA.
    needs_mfa: bool,
    /// The variables that name a proxy.
    proxies: Vec<&'static str>,
    /// The file with the certificates to trust, and who names it.
    pub(crate) bundle: Option<(String, String)>,
    /// The address of a container's credentials, where it is named in full.
    pub(crate) container: Option<String>,
}

impl Surroundings {
    /// Those of this process.
    ///
    /// # Errors
    /// [`Cause::Credentials`] when AWS_PROFILE names a profile that is not configured, and
    /// [`Cause::Refused`] when a variable names a proxy that is not spoken with.
    pub(crate) async fn of_process() -> Result<Self> {
        let env = Env::real();
        // What cannot be read is spoken of by the SDK, if it is asked for.
        let profiles = profiles(&Fs::real(), &env).await;
        Self::of(&env, profiles.as_ref())
    }

    fn of(env: &Env, profiles: Option<&ProfileSet>) -> Result<Self> {
        let get = |name: &str| env.get(name).ok().filter(|value| !value.is_empty());
        let mut all = Self {
            profile: get("AWS_PROFILE"),
            has_keys: get("AWS_ACCESS_KEY_ID").is_some(),
            token_file: get("AWS_WEB_IDENTITY_TOKEN_FILE"),
            container: get("AWS_CONTAINER_CREDENTIALS_FULL_URI"),
            bundle: get(BUNDLE.0).map(|file| (file, BUNDLE.0.to_owned())),
            ..Self::default()
        };
        for name in PROXIES {
            let Some(proxy) = get(name) else { continue };
            // The address may have a password in it, and is not shown.
            if let Some((scheme, _)) = proxy.split_once("://")
                && !["http", "https"].contains(&scheme.to_ascii_lowercase().as_str())
            {
                let message = format!("{name} names a proxy of `{scheme}`");
                return Err(Failure::new(Cause::Refused, "use the proxy", message)
                    .help("name one as `http://HOST:PORT`; others are not spoken with"));
            }
            all.proxies.push(name);
        }
        if let Some(profiles) = profiles {
            all.read(profiles)?;
        }
        Ok(all)
    }

    /// Takes down what the profile says, and those that it builds on.
    fn read(&mut self, profiles: &ProfileSet) -> Result<()> {
        let mut name = profiles.selected_profile().to_owned();
        let Some(selected) = profiles.get_profile(&name) else {
            return match &self.profile {
                Some(profile) if !self.has_keys => {
                    let message = format!("the profile `{profile}` is not configured");
                    Err(Failure::new(Cause::Credentials, "find AWS credentials", message).help(
                        format!(
                            "AWS_PROFILE names it: `aws configure list-profiles` shows those there \
                             are, and `aws configure sso --profile {profile}` makes it"
                        ),
                    ))
                }
                _ => Ok(()),
            };
        };
        if let (None, Some(file)) = (&self.bundle, selected.get(BUNDLE.1)) {
            self.bundle = Some((file.to_owned(), format!("`{}` of the profile {name}", BUNDLE.1)));
        }
        let chosen = quoted(&name);
        for _ in 0..LONGEST {
            let Some(profile) = profiles.get_profile(&name) else { break };
            let has = |key: &str| profile.get(key).is_some();
            self.needs_mfa |= has("mfa_serial");
            if has("sso_session") || has("sso_start_url") {
                self.login = Some(format!("aws sso login --profile {name}"));
            } else if has("login_session") {
                self.login = Some(format!("aws login --profile {name}"));
                let command =
                    format!("aws configure export-credentials --profile {chosen} --format process");
                self.session = Some(command).filter(|_| !self.has_keys);
            }
            match profile.get("source_profile") {
                Some(source) if source != name => name = source.to_owned(),
                _ => break,
            }
        }
        Ok(())
    }

    /// Whether requests may go through a proxy.
    pub(crate) fn has_proxy(&self) -> bool {
        !self.proxies.is_empty()
    }

    /// The failure, with what to do about it in these surroundings.
    pub(crate) fn advise(&self, mut failure: Failure) -> Failure {
        match failure.cause {
            Cause::Credentials if failure.help.is_none() => {
                failure.help = Some(self.log_in(&failure));
            }
            Cause::Unsent => {
                failure.help = Some(format!(
                    "run it again when whoever gives the credentials answers{}",
                    self.by_way_of_a_proxy()
                ));
            }
            Cause::Unreachable => {
                if let Some(help) = &mut failure.help {
                    help.push_str(&self.by_way_of_a_proxy());
                }
            }
            Cause::Denied if failure.help.is_some() => {}
            Cause::Denied if self.needs_mfa && !self.has_keys => {
                let profile = self.profile.as_deref().unwrap_or("default");
                failure.help = Some(format!(
                    "the profile has `mfa_serial`, and deployer asks for no codes: `eval \"$(aws \
                     configure export-credentials --profile {profile} --format env)\"` does, or \
                     use `aws login`"
                ));
            }
            Cause::Denied => {
                failure.help = Some(
                    "let whoever runs this assume the role: its trust policy has to name them, or \
                     take the claims (`aud`, `sub`) of their token"
                        .to_owned(),
                );
            }
            _ => {}
        }
        failure
    }

    /// How to come by credentials that hold.
    fn log_in(&self, failure: &Failure) -> String {
        if self.has_keys {
            return "the keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY go before all else: \
                    set new ones, with their AWS_SESSION_TOKEN, or unset them and log in, such as \
                    with `aws sso login`"
                .to_owned();
        }
        if let Some(file) = &self.token_file {
            return format!(
                "AWS_WEB_IDENTITY_TOKEN_FILE names {file}: it needs a token that is a few minutes \
                 old at most; in GitHub Actions let `aws-actions/configure-aws-credentials` fetch \
                 it, in a job with `permissions: {{ id-token: write }}`"
            );
        }
        let named = match &self.profile {
            Some(profile) => format!("; AWS_PROFILE is `{profile}`"),
            None => ", or name a profile with AWS_PROFILE".to_owned(),
        };
        let clock = match failure.code.as_deref() {
            // EC2 says so of temporary credentials that have run out as well.
            Some("RequestExpired") => "; check this machine's clock too",
            _ => "",
        };
        match &self.login {
            Some(login) => format!("log in again with `{login}`{clock}"),
            None => format!("log in, such as with `aws sso login` or `aws login`{named}{clock}"),
        }
    }

    fn by_way_of_a_proxy(&self) -> String {
        match self.proxies.first() {
            Some(name) => format!("; requests go through the proxy that {name} names"),
            None => String::new(),
        }
    }
}

/// The profiles in AWS's files, if they can be read.
async fn profiles(files: &Fs, env: &Env) -> Option<ProfileSet> {
    #[expect(clippy::default_trait_access, reason = "the type is of a crate within the SDK")]
    profile::load(files, env, &Default::default(), None).await.ok()
}

/// A word as a shell takes it, whatever it consists of.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use aws_types::os_shim_internal::Fs;

    use super::*;

    async fn of(variables: &[(&str, &str)], config: &str) -> Result<Surroundings> {
        let variables = [("HOME", "/home/me")].iter().chain(variables).copied();
        let env: Vec<(&str, &str)> = variables.collect();
        let env = Env::from_slice(&env);
        let fs = Fs::from_slice(&[("/home/me/.aws/config", config)]);
        let profiles = profiles(&fs, &env).await.expect("profiles");
        Surroundings::of(&env, Some(&profiles))
    }

    async fn advice(variables: &[(&str, &str)], config: &str, cause: Cause) -> String {
        let surroundings = of(variables, config).await.expect("they can be used");
        let failure = surroundings.advise(Failure::new(cause, "plan", "no"));
        failure.help.expect("there is advice")
    }

    #[tokio::test]
    async fn what_to_do_is_what_the_profile_needs() {
        let config = "
[profile sso]
sso_session = acme
[profile above]
role_arn = arn:aws:iam::111122223333:role/deploy
source_profile = sso
[profile console]
login_session = arn:aws:iam::111122223333:user/me
[profile coded]
role_arn = arn:aws:iam::111122223333:role/deploy
source_profile = console
mfa_serial = arn:aws:iam::111122223333:mfa/me
";
        for (profile, cause, told) in [
            ("sso", Cause::Credentials, "`aws sso login --profile sso`"),
            ("above", Cause::Credentials, "`aws sso login --profile sso`"),
            ("console", Cause::Credentials, "`aws login --profile console`"),
            ("coded", Cause::Denied, "export-credentials --profile coded"),
        ] {
            let help = advice(&[("AWS_PROFILE", profile)], config, cause).await;
            assert!(help.contains(told), "{profile}: {help}");
        }
        let session = of(&[("AWS_PROFILE", "coded")], config).await.expect("fine").session;
        let command = "aws configure export-credentials --profile 'coded' --format process";
        assert_eq!(session.as_deref(), Some(command), "the CLI follows the chain");
        assert_eq!(quoted("it's"), "'it'\\''s'");
        let keys = [("AWS_PROFILE", "sso"), ("AWS_ACCESS_KEY_ID", "AKIA")];
        let help = advice(&keys, config, Cause::Credentials).await;
        assert!(help.contains("go before all else"), "{help}");
        let token = [("AWS_WEB_IDENTITY_TOKEN_FILE", "/run/token")];
        let help = advice(&token, "", Cause::Credentials).await;
        assert!(help.contains("/run/token") && help.contains("id-token: write"), "{help}");
    }

    #[tokio::test]
    async fn a_profile_that_is_not_configured_is_said_to_be() {
        let failure = of(&[("AWS_PROFILE", "prd")], "[profile prod]\n").await.expect_err("a typo");
        assert_eq!(failure.message, "the profile `prd` is not configured");
        assert!(failure.help.expect("advice").contains("list-profiles"));
        assert!(of(&[], "").await.is_ok());
    }

    #[tokio::test]
    async fn a_proxy_that_cannot_be_spoken_with_is_refused_without_its_password() {
        let proxies = [("https_proxy", "socks5://me:secret@proxy:1080")];
        let failure = of(&proxies, "").await.expect_err("it is SOCKS");
        assert!(failure.message.contains("https_proxy"), "{failure}");
        assert!(!failure.to_string().contains("secret"), "{failure}");
        assert!(of(&[("HTTPS_PROXY", "proxy:3128")], "").await.expect("a proxy").has_proxy());
    }

    #[tokio::test]
    async fn the_variable_goes_before_the_profile_and_says_which_certificates_are_trusted() {
        let config = "[default]\nca_bundle = /etc/ours.pem\n";
        let bundle = of(&[], config).await.expect("fine").bundle.expect("a file");
        assert_eq!(bundle.0, "/etc/ours.pem");
        let other = [("AWS_CA_BUNDLE", "/tmp/other.pem")];
        let bundle = of(&other, config).await.expect("fine").bundle.expect("a file");
        assert_eq!(bundle, ("/tmp/other.pem".to_owned(), "AWS_CA_BUNDLE".to_owned()));
    }
}

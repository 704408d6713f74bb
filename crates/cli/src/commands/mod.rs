//! The commands, one file each, all with the same sections: what it takes, what it does, its
//! helpers, its tests.

use crate::answer::Form;
use crate::command::Command;
use crate::exit::{Error, Exit};
use crate::session::Session;
use crate::world::Connect;

/// Declares the commands, each by its file and its name. Help, completion, the pages about
/// commands, the schema of what they print and who is called all follow from this list, in its
/// order.
macro_rules! commands {
    ($($module:ident: $name:ident,)*) => {
        $(pub(crate) mod $module;)*

        /// The command that is asked for. What each says of itself stands on its arguments.
        #[derive(Debug, clap::Subcommand)]
        pub(crate) enum Commands {
            $($name($module::Args),)*
        }

        impl Commands {
            /// What each prints with `--json`, by its name.
            pub(crate) const FORMS: &[(&str, Form)] =
                &[$((stringify!($module), <$module::Args as Command>::FORM),)*];

            /// Does what is asked for.
            pub(crate) async fn run<W: Connect>(
                self,
                session: &mut Session<'_, W>,
            ) -> Result<Exit, Error> {
                match self {
                    $(Self::$name(args) => args.run(session).await,)*
                }
            }
        }
    };
}

commands! {
    plan: Plan,
    verify: Verify,
    apply: Apply,
    publish: Publish,
    rollback: Rollback,
    r#continue: Continue,
    restart: Restart,
    scale: Scale,
    run: Run,
    exec: Exec,
    secret: Secret,
    destroy: Destroy,
    outputs: Outputs,
    status: Status,
    doctor: Doctor,
    logs: Logs,
    history: History,
    events: Events,
    drift: Drift,
    adopt: Adopt,
    expand: Expand,
    policy: Policy,
    schema: Schema,
    completions: Completions,
}

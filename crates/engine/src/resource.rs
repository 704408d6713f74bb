//! What the author of a kind writes for a cloud.

use std::future::Future;

use deployer_core::{Kind, Scope};

use crate::{Cloud, Concern, Context, Found, Progress, Result, Rival, Survey, Voice};

/// How a kind is scanned, created, changed and deleted in the cloud `C`.
///
/// Every method may be called again after a failure or a lost reply, so each must be safe to
/// repeat. None of them waits: the engine asks again, at its own pace and up to its own deadline.
pub trait Resource<C: Cloud>: Kind {
    /// Whether the cloud shows what was made or changed only a while later. A step is then done
    /// once a scan shows it; or else a plan that follows at once would make it again.
    const SHOWN_LATE: bool = false;

    /// Whether [`Resource::read`] also takes the name that a create is to give, in a call or two, so
    /// that a plan can ask whether somebody else has it.
    const READ_BY_NAME: bool = false;

    /// Whether the cloud makes only one of equal creates where no name keeps it from more, such as
    /// by a token in the request.
    const MADE_ONCE: bool = false;

    /// Whether what `delete` leaves behind on purpose is the thing itself, which is still there or
    /// can be brought back.
    const LEAVES_ITSELF: bool = false;

    /// Finds everything of this kind that carries the tags of the stack's environment, declared or
    /// not, finished or not, in as few calls as AWS allows.
    fn scan(survey: &Survey<'_, C>) -> impl Future<Output = Result<Vec<Found<Self>>>> + Send
    where
        Self: Sized;

    /// Finds one by its identifier, the `id` of its output, whoever made it and whatever its tags
    /// say; none where there is none. What they do not say is left out of its badge. A kind whose
    /// names are unique in an account and region finds one by its name as well.
    ///
    /// A kind that AWS shows by its identifier asks for that one alone. This default finds only
    /// what a scan does.
    fn read(
        survey: &Survey<'_, C>,
        id: &str,
    ) -> impl Future<Output = Result<Option<Found<Self>>>> + Send
    where
        Self: Sized,
    {
        async move {
            let mut found = Self::scan(survey).await?.into_iter();
            Ok(found.find(|it| serde_json::to_value(&it.output).is_ok_and(|it| it["id"] == *id)))
        }
    }

    /// The identifiers of all of this kind that the account shows, whoever made them, or at least
    /// of those that may be the scope's by where they are. Asked for only where the record has one
    /// that no scan shows; not needed where one is found by its name.
    fn ids(_survey: &Survey<'_, C>) -> impl Future<Output = Result<Vec<String>>> + Send
    where
        Self: Sized,
    {
        async { Ok(Vec::new()) }
    }

    /// Looks, in as few calls as that takes, for one that has what only one can have and a create with this name
    /// and spec is to have: a port, a place in an order, a name that is unique within something
    /// else. A reference of the spec may still name what is not there yet, where nothing is taken.
    fn rival(
        _survey: &Survey<'_, C>,
        _name: &str,
        _spec: &Self::Spec,
    ) -> impl Future<Output = Result<Option<Rival<Self>>>> + Send
    where
        Self: Sized,
    {
        async { Ok(None) }
    }

    /// Makes one, its tags in the very call that makes it.
    fn create(
        cx: &Context<'_, C>,
        spec: &Self::Spec,
    ) -> impl Future<Output = Result<Self::Output>> + Send;

    /// Changes what differs; may be called where some of it is done already.
    fn update(
        cx: &Context<'_, C>,
        live: &Found<Self>,
        spec: &Self::Spec,
    ) -> impl Future<Output = Result<Self::Output>> + Send
    where
        Self: Sized;

    /// Writes the tags of the identity over those that are there: what it was last given.
    fn remember(
        cx: &Context<'_, C>,
        output: &Self::Output,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Deletes one, and says what it leaves behind on purpose. One that is gone, or on its way
    /// out, is no failure.
    fn delete(
        cx: &Context<'_, C>,
        live: &Found<Self>,
    ) -> impl Future<Output = Result<Vec<String>>> + Send
    where
        Self: Sized;

    /// One look at whether a create or update is finished. The output it gives replaces the one
    /// that `create` or `update` gave.
    fn ready(
        _cx: &Context<'_, C>,
        output: Self::Output,
    ) -> impl Future<Output = Result<Progress<Self::Output>>> + Send {
        async { Ok(Progress::Done(output)) }
    }

    /// One look at whether a change holds that is watched for a while ([`Kind::watch`]); `Done`
    /// ends the watch.
    fn holds(
        _cx: &Context<'_, C>,
        _output: &Self::Output,
    ) -> impl Future<Output = Result<Progress<()>>> + Send {
        async { Ok(Progress::Done(())) }
    }

    /// One look at whether a deleted one is gone.
    fn gone(
        _cx: &Context<'_, C>,
        _output: &Self::Output,
    ) -> impl Future<Output = Result<Progress<()>>> + Send {
        async { Ok(Progress::Done(())) }
    }

    /// What the name of one begins with that a scan finds, where this one is called otherwise: what
    /// AWS lists by the beginnings of names is looked for by ours alone, so nobody would see it
    /// again if it were taken over.
    fn misnamed(_scope: &Scope, _output: &Self::Output) -> Option<String> {
        None
    }

    /// Looks, without a call, for what would keep one from being made, such as a file that is not
    /// there.
    fn preview(_cloud: &C, _spec: &Self::Spec) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }

    /// Looks whether what a spec names and the stack did not make is there and fit for use: an
    /// image, a secret and its keys, a role, room in a subnet. It changes nothing, and no value of
    /// a secret leaves it. What it may not look at it says as a concern. References to what the
    /// stack is yet to make are not physical; nothing is said of them.
    fn verify(_cloud: &C, _spec: &Self::Spec) -> impl Future<Output = Result<Vec<Concern>>> + Send {
        async { Ok(Vec::new()) }
    }

    /// Work that can be done before planning and makes the plan exact, such as building an image
    /// to learn its digest. `None` where there is none.
    fn prepare(
        _cloud: &C,
        _spec: &Self::Spec,
        _voice: &Voice,
    ) -> impl Future<Output = Result<Option<Self::Spec>>> + Send {
        async { Ok(None) }
    }
}

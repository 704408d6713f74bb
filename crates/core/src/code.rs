//! The kinds of mistakes.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Declares the kinds of mistakes, each with the name that people and scripts know it by.
macro_rules! codes {
    ($($(#[$about:meta])* $code:ident = $name:literal,)*) => {
        /// What kind of mistake something is. The names are a promise to scripts.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
        )]
        pub enum Code {
            $($(#[$about])* #[serde(rename = $name)] $code,)*
        }

        impl Code {
            /// The short stable name: `unknown-key`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)*
                }
            }
        }
    };
}

codes! {
    /// The existing resources belong to a stack of the same name that is kept elsewhere.
    AnotherStack = "another-stack",
    /// What would be deleted has something of others attached, which would go with it.
    Attached = "attached",
    /// A name has letters that cannot be in it, or is too long.
    BadName = "bad-name",
    /// A resource cannot be where it should be.
    BadPlace = "bad-place",
    /// A reference is not written as references are.
    BadReference = "bad-reference",
    /// What is named in `uses:` cannot be used.
    BadUse = "bad-use",
    /// A value has the right type but is not allowed.
    BadValue = "bad-value",
    /// AWS cannot make the change, and making the resource again would be worse.
    CannotChange = "cannot-change",
    /// A range of addresses is not inside the one that it should be a part of.
    CidrOutside = "cidr-outside",
    /// Two ranges of addresses overlap.
    CidrOverlap = "cidr-overlap",
    /// A number of tasks is said in two ways.
    CountTwice = "count-twice",
    /// Things wait for each other, or are like each other.
    Cycle = "cycle",
    /// Several things carry the same tags, and nobody knows which of them is ours.
    Disputed = "disputed",
    /// What `resources:` writes leaves out what a section makes.
    Drops = "drops",
    /// A key stands twice in one mapping.
    DuplicateKey = "duplicate-key",
    /// A zone is named twice.
    DuplicateZone = "duplicate-zone",
    /// It is not clear where an image comes from.
    ImageSource = "image-source",
    /// Something in AWS that is not ours has the name that a resource is to have.
    InTheWay = "in-the-way",
    /// `<<` is not part of the language.
    MergeKey = "merge-key",
    /// Something speaks HTTPS and has no certificate.
    MissingCertificate = "missing-certificate",
    /// A key that has to be there is not.
    MissingKey = "missing-key",
    /// Something needs a network, and the stack has none.
    MissingNetwork = "missing-network",
    /// Nothing says the region.
    MissingRegion = "missing-region",
    /// A variable has no value.
    MissingVariable = "missing-variable",
    /// Two entries would make the same resource.
    NameTaken = "name-taken",
    /// A network is too small or too large for its zones.
    NetworkSize = "network-size",
    /// Tasks have no way to fetch their image.
    NoWayOut = "no-way-out",
    /// Nothing says when there are to be more or fewer tasks.
    NothingScales = "nothing-scales",
    /// It is part of the language and not built yet.
    NotYet = "not-yet",
    /// Something needs two zones or more.
    OneZone = "one-zone",
    /// What a resource names is not there, or not fit for use.
    NotFit = "not-fit",
    /// A secret stands in the file.
    PlainText = "plain-text",
    /// What would be deleted is protected.
    Protected = "protected",
    /// Services would have public addresses.
    PublicServices = "public-services",
    /// Two resources would have the same name in AWS.
    SameName = "same-name",
    /// Two rules of one listener have the same turn.
    SamePriority = "same-priority",
    /// Two services take the same requests.
    SameRoute = "same-route",
    /// Two used things would hand over the same variable.
    SameVariable = "same-variable",
    /// Bounds that a schedule gives stay for ever.
    StaysScaled = "stays-scaled",
    /// The file holds more than one YAML document.
    SeveralDocuments = "several-documents",
    /// AWS shows a field that never changes otherwise than it was given.
    ShownOtherwise = "shown-otherwise",
    /// The file, or what comes of it, is larger than any stack.
    TooLarge = "too-large",
    /// A `${` has no `}`.
    UnclosedReference = "unclosed-reference",
    /// There is no such environment.
    UnknownEnvironment = "unknown-environment",
    /// There is no such key.
    UnknownKey = "unknown-key",
    /// There is no such kind of resource.
    UnknownKind = "unknown-kind",
    /// A resource, or an entry, has no such output.
    UnknownOutput = "unknown-output",
    /// Nothing has the name that is referred to.
    UnknownReference = "unknown-reference",
    /// AWS has no such region.
    UnknownRegion = "unknown-region",
    /// There is no such section.
    UnknownSection = "unknown-section",
    /// It is not one of the words that are possible.
    UnknownValue = "unknown-value",
    /// There is no such variable.
    UnknownVariable = "unknown-variable",
    /// The region has no such zone.
    UnknownZone = "unknown-zone",
    /// What the stack needs of a resource is not known, and will not be.
    Unresolvable = "unresolvable",
    /// What is ours by its name has lost the tags that say so.
    Untagged = "untagged",
    /// There are several environments, and none is named.
    WhichEnvironment = "which-environment",
    /// The credentials are those of another account than the stack is for.
    WrongAccount = "wrong-account",
    /// The resource that is referred to has another kind.
    WrongKind = "wrong-kind",
    /// A value has another type.
    WrongType = "wrong-type",
    /// The file is not YAML.
    YamlSyntax = "yaml-syntax",
    /// A YAML tag stands in the file.
    YamlTag = "yaml-tag",
}

impl Code {
    /// Whether it is no mistake of the stack's: continuing would harm what exists.
    pub fn is_refusal(self) -> bool {
        use Code::{
            AnotherStack, Attached, Disputed, Protected, ShownOtherwise, Untagged, WrongAccount,
        };
        matches!(
            self,
            AnotherStack
                | Protected
                | Attached
                | ShownOtherwise
                | Untagged
                | Disputed
                | WrongAccount
        )
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

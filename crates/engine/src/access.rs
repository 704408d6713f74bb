//! Who may do how much.

/// The three kinds of people there are around a stack, each of whom may do what the one before may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Looks: `plan`, `status`, `drift`, `outputs`.
    Reader,
    /// Changes what an environment has made, and nothing else.
    Deployer,
    /// Does everything that is ever done, on anything in the account: adopts, opens a shell, ends a
    /// rollout.
    BreakGlass,
}

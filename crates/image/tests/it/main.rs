//! The crate from outside: real binaries, a real registry, other people's archives.

mod archives;
mod building;
mod dockerfiles;
mod probe;
mod pushing;
mod quick;
mod registry;
mod running;
mod unsteady;

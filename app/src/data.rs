//! What is stored, and the one trait through which it is stored.

mod connect;
mod migrations;
mod model;
mod repository;
mod rows;
mod shared;
mod shared_redis;
mod shared_sql;
mod sql;

pub use self::{
    connect::connect,
    model::{Added, Body, HOME, IdempotencyKey, Invalid, Note, Notebook, Page, PageRequest, Title},
    repository::{DataError, Repository, SOME},
    rows::SqlRepository,
    shared::{Claim, SESSION_LIFETIME, Session, Shared},
    shared_redis::RedisShared,
};

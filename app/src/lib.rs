//! `notes`: short notes in notebooks, shared by link.
//!
//! The crate is a library with a thin binary so that its tests can start a whole server in their
//! own process and hand it a repository of their choice.

pub mod api;
pub mod app;
pub mod build;
pub mod clock;
pub mod command;
pub mod data;
pub mod failure;
pub mod grpc;
pub mod health;
pub mod limits;
pub mod listener;
pub mod logs;
pub mod metrics;
pub mod operations;
pub mod probe;
pub mod readiness;
pub mod secret;
pub mod server;
pub mod settings;
pub mod visitors;
pub mod web;
pub mod worker;

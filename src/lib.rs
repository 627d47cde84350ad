//! jwtrail follows a JWT through every hop of a request.
//!
//! Data flows one way, and the modules stand in its order: [`otlp`] decodes what services export, [`token`] turns raw
//! headers into fingerprints and forgets them, a bounded channel hands [`model`] values to the [`engine`], which owns
//! the [`trail`] (spans into hops, hops into verdicts) and publishes snapshots that [`tui`] draws and [`report`] prints.
//! Saved traces go to a trail without an engine, and those that do not fit into memory wait in the [`store`], on disk.
//! [`filter`] is the one language in which people say which hops they mean, and [`layout`] places a call graph's boxes
//! and lines on a picture. [`config`] reads the policy and the options in it.
//! [`app`] wires source, engine and consumer for each command of [`cli`].

pub mod model;

pub mod token;

pub mod otlp;

pub mod trail;

pub mod store;

pub mod filter;

pub mod engine;

pub mod layout;

pub mod report;

pub mod tui;

pub mod config;

pub mod cli;

pub mod app;

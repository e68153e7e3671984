//! Channels: which hosts may do which tasks. A channel has no history; which hosts are in it has.

mod edit;
mod get;
mod hosts;

pub mod store;

use crate::rpc::Method;

pub const METHODS: &[Method] = &[
    edit::ADD_CHANNEL,
    edit::DISABLE_CHANNEL,
    edit::EDIT_CHANNEL,
    edit::ENABLE_CHANNEL,
    edit::RENAME_CHANNEL,
    get::GET_CHANNEL,
    get::LIST_CHANNELS,
    hosts::ADD_HOST_TO_CHANNEL,
    hosts::REMOVE_HOST_FROM_CHANNEL,
];

//! Sessions: opening, renewing, sharing and closing them.
//!
//! A session lives until it is closed. It expires when it was not renewed in time; an expired one may do
//! nothing but log in again with `renew`, which keeps its id and gives it another key. A subsession has a
//! master, is closed with it, and is covered by its exclusive lock.

mod exclusive;
mod login;
mod logout;
mod open;
mod show;
mod verified;

use crate::rpc::Method;

pub const METHODS: &[Method] = &[
    exclusive::EXCLUSIVE_SESSION,
    exclusive::SHARED_SESSION,
    login::LOGIN,
    login::SUBSESSION,
    logout::LOGOUT,
    logout::LOGOUT_CHILD,
    show::GET_LOGGED_IN_USER,
    show::GET_SESSION_INFO,
    show::SHOW_SESSION,
    verified::SSL_LOGIN,
];

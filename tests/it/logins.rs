//! Logging in through a proxy, and what the hub answers to those whom it does not let in.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::toji::Site;

const PROXY: &str = "[hub.proxy]\ntrusted = ['127.0.0.0/8']\nuser_header = 'X-Remote-User'\n\
     [hub.options]\nProxyPrincipals = 'web/host@EXAMPLE.ORG'\nAllowedKrbRealms = 'EXAMPLE.ORG'\n";

/// Posts to the hub and returns the whole answer; headers end with line ends.
fn post(site: &Site, headers: &str, body: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", site.port)).expect("the hub");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
    let head = "POST /kojihub HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    write!(stream, "{head}Content-Length: {}\r\n{headers}\r\n", body.len()).expect("the hub listens");
    stream.write_all(body).expect("the hub takes all of it");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

/// Calls a method with text arguments.
fn call(site: &Site, headers: &str, method: &str, arguments: &[&str]) -> String {
    let param = |text: &&str| format!("<param><value><string>{text}</string></value></param>");
    let params: String = arguments.iter().map(param).collect();
    let body = format!("<methodCall><methodName>{method}</methodName><params>{params}</params></methodCall>");
    post(site, headers, body.as_bytes())
}

/// The text of a struct's member, whatever its type.
fn member<'a>(answer: &'a str, name: &str) -> &'a str {
    let found = answer.split_once(&format!("<name>{name}</name>")).and_then(|(_, rest)| rest.split_once("<value>"));
    let value = found.unwrap_or_else(|| panic!("no {name} in {answer}")).1;
    value.split(['<', '>']).nth(2).unwrap_or_default()
}

/// The headers of the session that a login opened.
fn session(answer: &str) -> String {
    let (id, key) = (member(answer, "session-id"), member(answer, "session-key"));
    format!("Koji-Session-Id: {id}\r\nKoji-Session-Key: {key}\r\n")
}

fn verified_users_log_in(site: &Site) {
    let _hub = site.start("hub", "nobody", PROXY);
    let by_proxy =
        |user: &str, arguments: &[&str]| call(site, &format!("X-Remote-User: {user}\r\n"), "sslLogin", arguments);
    assert_eq!(member(&call(site, "", "sslLogin", &[]), "faultCode"), "1002");

    let alice = by_proxy("alice@EXAMPLE.ORG", &[]);
    let shown = call(site, &session(&alice), "getLoggedInUser", &[]);
    assert_eq!(member(&shown, "name"), "alice");
    assert_eq!(member(&shown, "krb_principal"), "alice@EXAMPLE.ORG");
    assert_eq!(member(&call(site, &session(&alice), "sslLogin", &[]), "faultCode"), "1002");

    assert_eq!(member(&by_proxy("alice@ELSEWHERE.ORG", &[]), "faultCode"), "1002");
    assert_eq!(member(&by_proxy("alice@EXAMPLE.ORG", &["admin"]), "faultCode"), "1002");
    let admin = by_proxy("web/host@EXAMPLE.ORG", &["admin"]);
    assert_eq!(member(&call(site, &session(&admin), "getLoggedInUser", &[]), "name"), "admin");
}

#[test]
fn verified_users_log_in_on_sqlite() {
    verified_users_log_in(&Site::embedded());
}

#[test]
fn verified_users_log_in_on_postgres() {
    verified_users_log_in(&Site::production("memory:".into()));
}

#[test]
fn strangers_are_not_believed() {
    let site = Site::embedded();
    let _hub = site.start("hub", "nobody", "");
    let answer = call(&site, "X-Remote-User: admin\r\nX-Forwarded-For: 192.0.2.1\r\n", "sslLogin", &[]);
    assert_eq!(member(&answer, "faultCode"), "1002");
}

#[test]
fn who_sends_in_vain_sees_why() {
    let site = Site::embedded();
    let _hub = site.start("hub", "nobody", "");
    let much = vec![b'x'; 8 << 20];
    let upload = post(&site, "Content-Type: application/octet-stream\r\n", &much);
    assert!(upload.contains("<fault>"), "{upload}");
    let request = post(&site, "Content-Type: text/xml\r\n", &much);
    assert!(request.starts_with("HTTP/1.1 400 ") && request.contains("too long"), "{request}");
}

//! The program as a service: it starts, tells that it is ready, ends in order, and survives a crash.

use nix::sys::signal::Signal;

use crate::support::client::Koji;
use crate::support::rabbitmq::rabbitmq;
use crate::support::toji::{Site, get};

fn serves_and_ends(site: &Site, role: &str) {
    let host = site.host("builder");
    site.create_host(&host);
    let mut toji = site.start(role, &host, "");
    assert_eq!(get(site.port, "/healthz"), Some(200));
    assert_eq!(get(site.port, "/nothing-here"), Some(404));

    let admin = Koji::new(site, "admin", "admin");
    let greeting = admin.ok(&["moshimoshi"]);
    assert!(greeting.contains("admin!") && greeting.contains(&site.hub()), "{greeting}");
    assert_eq!(admin.call("getAPIVersion", &[]), 1);
    let stranger = Koji::new(site, "stranger", "unknown").run(&["moshimoshi"]);
    assert!(!stranger.ok, "{stranger:?}");

    toji.kill9();
    assert_eq!(get(site.port, "/healthz"), None);
    let toji = site.start(role, &host, "");
    admin.ok(&["moshimoshi"]);
    let status = toji.stop(Signal::SIGTERM);
    assert!(status.success(), "after SIGTERM: {status}");
    let status = site.start(role, &host, "").stop(Signal::SIGINT);
    assert!(status.success(), "after SIGINT: {status}");
}

#[test]
fn everything_in_one_process() {
    serves_and_ends(&Site::embedded(), "all");
}

#[test]
fn a_hub_alone() {
    serves_and_ends(&Site::production(rabbitmq().url()), "hub");
}

#[test]
fn a_wrong_configuration_is_named() {
    let site = Site::embedded();
    for (extra, named) in [("[hub.options]\nEnableMaven = 'perhaps'\n", "EnableMaven"), ("[queue]\n", "queue")] {
        let mut toji = site.start_silent("hub", "nobody", extra);
        assert!(!toji.ended_by_itself().success(), "{extra}");
        let log = std::fs::read_to_string(toji.log()).expect("a log");
        assert!(log.contains(named), "{named} is not in: {log}");
    }
}

//! What the worker's hub client does when the line or the hub fails.

mod support;

use std::time::Duration;

use sha2::{Digest, Sha256};
use support::{FakeHub, Mishap, Running};
use toji_proto::{Value, ValueExt, value};
use toji_worker::hub::{Expected, HubError, Session};

async fn start() -> (Running, Session) {
    let running = FakeHub::start().await;
    running.hub.script(|hub, method, params| match method {
        "echo" => Some(Ok(Value::Array(params.to_vec()))),
        "fail" => Some(Err((1005, "it does not build".into()))),
        "host.closeTask" => Some(Ok(value!(true))),
        "count" | "host.subtask" => Some(Ok(value!(hub.count(method) as i32))),
        _ => None,
    });
    let session = running.session().await;
    (running, session)
}

#[tokio::test]
async fn a_call_is_retried_until_it_is_answered() {
    let (running, session) = start().await;
    running.hub.befall("echo", Mishap::ServerError);
    running.hub.befall("echo", Mishap::Offline);
    running.hub.befall("echo", Mishap::ServerError);
    assert_eq!(session.call("echo", vec![value!(1)]).await.unwrap(), value!([1]));
    assert_eq!(running.hub.count("echo"), 1);
    let named = session.call_named("echo", vec![], toji_worker::members! { "a" => 1 }).await.unwrap();
    assert_eq!(named, value!([value!({ "a": 1, "__starstar": true })]));
}

#[tokio::test]
async fn a_hub_that_is_down_is_given_up_in_the_end() {
    let (running, session) = start().await;
    for _ in 0..6 {
        running.hub.befall("echo", Mishap::ServerError);
    }
    let error = session.call("echo", vec![]).await.unwrap_err();
    assert!(matches!(error, HubError::Transport { .. }), "{error}");
    assert!(error.to_string().contains("tried 6 times"), "{error}");
}

#[tokio::test]
async fn faults_are_told_and_not_retried() {
    let (running, session) = start().await;
    let error = session.call("fail", vec![]).await.unwrap_err();
    assert_eq!(error.code(), Some(1005));
    assert_eq!(running.hub.count("fail"), 1);
}

#[tokio::test]
async fn no_call_is_carried_out_twice_when_its_answer_is_lost() {
    let (running, session) = start().await;
    // The result is known without the answer.
    running.hub.befall("host.closeTask", Mishap::LostAnswer);
    session.call("host.closeTask", vec![]).await.unwrap();
    assert_eq!(running.hub.count("host.closeTask"), 1);
    // A call that gives the same again is made again, under a new number.
    running.hub.befall("host.subtask", Mishap::LostAnswer);
    assert_eq!(session.call("host.subtask", vec![]).await.unwrap(), value!(1));
    assert_eq!(running.hub.count("host.subtask"), 2);
    // Any other is the caller's to judge.
    running.hub.befall("count", Mishap::LostAnswer);
    let error = session.call("count", vec![]).await.unwrap_err();
    assert!(matches!(error, HubError::AnswerLost { .. }), "{error}");
    assert_eq!(running.hub.count("count"), 1);
}

#[tokio::test]
async fn an_expired_session_is_renewed() {
    let (running, session) = start().await;
    running.hub.befall("echo", Mishap::Expired);
    session.call("echo", vec![]).await.unwrap();
    let logins = running.hub.calls_of("login");
    assert_eq!(logins.len(), 2);
    assert_eq!(logins[1][2].get("renew"), Some(&value!(true)));
    session.call("echo", vec![]).await.unwrap();
}

#[tokio::test]
async fn subsessions_do_not_wait_for_each_other() {
    let (running, session) = start().await;
    let other = session.subsession().await.unwrap();
    running.hub.befall("host.closeTask", Mishap::Offline);
    let (slow, quick) = tokio::join!(session.call("host.closeTask", vec![]), async {
        let begun = std::time::Instant::now();
        other.call("echo", vec![]).await.unwrap();
        begun.elapsed()
    });
    slow.unwrap();
    assert!(quick < Duration::from_secs(5));
    let calls = running.hub.calls.lock().unwrap();
    let session_of = |method: &str| calls.iter().find(|(name, ..)| name == method).unwrap().2;
    assert_ne!(session_of("host.closeTask"), session_of("echo"));
}

#[tokio::test]
async fn each_of_many_calls_has_its_own_result() {
    let (_running, session) = start().await;
    let results = session.multicall(vec![("echo", vec![value!(1)]), ("fail", vec![]), ("echo", vec![])]).await.unwrap();
    assert_eq!(*results[0].as_ref().unwrap(), value!([1]));
    assert_eq!(results[1].as_ref().unwrap_err().code(), Some(1005));
    assert_eq!(*results[2].as_ref().unwrap(), value!([]));
}

fn noise(size: usize) -> Vec<u8> {
    let mut state = 1_u32;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(size)
    .collect()
}

#[tokio::test]
async fn an_upload_arrives_whole_whatever_happens_on_the_way() {
    let (running, session) = start().await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("big");
    let data = noise((3 << 20) + 17);
    std::fs::write(&path, &data).unwrap();
    running.hub.befall("rawUpload", Mishap::LostAnswer);
    running.hub.befall("rawUpload", Mishap::ServerError);
    running.hub.befall("rawUpload", Mishap::Expired);
    running.hub.befall("rawUpload", Mishap::Damaged);
    session.upload(&path, "tasks/1/1", "big").await.unwrap();
    assert_eq!(running.hub.files.lock().unwrap()["work/tasks/1/1/big"], data);
    // Again over the old one, and an empty one.
    std::fs::write(&path, b"").unwrap();
    session.upload(&path, "tasks/1/1", "big").await.unwrap();
    assert!(running.hub.files.lock().unwrap()["work/tasks/1/1/big"].is_empty());
}

#[tokio::test]
async fn a_download_goes_on_where_it_broke_off() {
    let (running, session) = start().await;
    let dir = tempfile::tempdir().unwrap();
    let dest = dir.path().join("sub/file");
    let data = noise(300_000);
    running.hub.files.lock().unwrap().insert("packages/a b/x%".into(), data.clone());
    running.hub.cuts.lock().unwrap().extend([100_000, 50_000]);
    let digest = hex::encode(Sha256::digest(&data));
    let expected = Expected { size: Some(data.len() as u64), digest: Some(digest) };
    session.download("packages/a b/x%", &dest, &expected).await.unwrap();
    assert_eq!(std::fs::read(&dest).unwrap(), data);
    assert_eq!(std::fs::read_dir(dest.parent().unwrap()).unwrap().count(), 1);
    assert_eq!(session.download_head("packages/a b/x%", 10).await.unwrap(), data[..10]);
}

#[tokio::test]
async fn a_file_that_is_wrong_or_absent_does_not_appear() {
    let (running, session) = start().await;
    let dir = tempfile::tempdir().unwrap();
    let dest = dir.path().join("file");
    running.hub.files.lock().unwrap().insert("x".into(), b"abc".to_vec());
    let wrong = Expected { size: None, digest: Some("0".repeat(32)) };
    let error = session.download("x", &dest, &wrong).await.unwrap_err().to_string();
    assert!(error.contains("900150983cd24fb0d6963f7d28e17f72"), "{error}");
    let error = session.download("y", &dest, &Expected::default()).await.unwrap_err();
    assert!(matches!(error, HubError::NotFound { .. }), "{error}");
    assert!(!dest.exists());
}

//! Sources from real servers of each kind.

use std::fs::Permissions;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use toji_worker::scm::{Checkout, Scm, ScmError};
use toji_worker::value::ValueExt;
use tokio_util::sync::CancellationToken;

/// Ends a server with its test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run(dir: &Path, line: &[&str]) -> String {
    let out = Command::new(line[0])
        .args(&line[1..])
        .current_dir(dir)
        .env("HOME", dir)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap_or_else(|e| panic!("{line:?}: {e}"));
    assert!(out.status.success(), "{line:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn wait_for(port: u16) {
    for _ in 0..200 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    panic!("nothing listens on port {port}");
}

fn serve(line: &[&str], port: u16) -> Server {
    let child =
        Command::new(line[0]).args(&line[1..]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect(line[0]);
    let server = Server(child);
    wait_for(port);
    server
}

/// Checks out `url` into a fresh folder.
async fn checkout(url: &str, common: bool) -> (TempDir, Result<Checkout, ScmError>, String) {
    let work = tempfile::tempdir().unwrap();
    let dir = work.path().join("scmroot");
    std::fs::create_dir(&dir).unwrap();
    let mut scm = Scm::parse(url, false).unwrap();
    scm.use_common = common;
    let log = work.path().join("checkout.log");
    let result = scm.checkout(&dir, &log, &CancellationToken::new()).await;
    let text = std::fs::read_to_string(&log).unwrap_or_default();
    (work, result, text)
}

fn git_repository(top: &Path, name: &str, files: &[(&str, &str)]) -> String {
    let work = top.join(format!("{name}.work"));
    std::fs::create_dir_all(&work).unwrap();
    run(&work, &["git", "init", "-q", "-b", "main"]);
    for (path, content) in files {
        let path = work.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    run(&work, &["git", "add", "-A"]);
    let who = ["-c", "user.name=t", "-c", "user.email=t@example.com"];
    run(&work, &[&["git"], &who[..], &["commit", "-q", "-m", "first"]].concat());
    run(top, &["git", "clone", "-q", "--bare", &work.to_string_lossy(), name]);
    run(&work, &["git", "rev-parse", "HEAD"])
}

#[tokio::test]
async fn git() {
    let top = tempfile::tempdir().unwrap();
    std::fs::create_dir(top.path().join("rpms")).unwrap();
    let place = top.path().join("rpms");
    let commit = git_repository(&place, "foo", &[("foo.spec", "Name: foo\n"), ("sub/bar.spec", "Name: bar\n")]);
    git_repository(&place, "common", &[("Makefile.common", "sources:\n")]);
    let work = place.join("foo.work");
    std::os::unix::fs::symlink("/etc", work.join("out")).unwrap();
    run(&work, &["git", "checkout", "-q", "-b", "evil"]);
    run(&work, &["git", "add", "-A"]);
    run(&work, &["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-q", "-m", "evil"]);
    run(&work, &["git", "push", "-q", &place.join("foo").to_string_lossy(), "evil"]);
    let port = free_port();
    let base = format!("--base-path={}", top.path().display());
    let line = ["git", "daemon", "--export-all", "--reuseaddr", "--listen=127.0.0.1"];
    let _server = serve(&[&line[..], &[&format!("--port={port}"), &base]].concat(), port);
    let host = format!("git://127.0.0.1:{port}");

    for revision in ["main", "origin/main", &commit, &commit[..10]] {
        let (work, result, log) = checkout(&format!("{host}/rpms/foo#{revision}"), false).await;
        let result = result.unwrap_or_else(|e| panic!("{revision}: {e}"));
        assert_eq!(result.source_dir, Path::new("foo"));
        assert_eq!(result.source["source"].as_str(), Some(format!("{host}/rpms/foo#{commit}").as_str()));
        assert!(work.path().join("scmroot/foo/foo.spec").exists());
        assert!(log.contains("$ git clone"), "{log}");
    }
    let (work, result, _) = checkout(&format!("{host}/rpms/foo?sub#main"), true).await;
    let result = result.unwrap();
    assert_eq!(result.source["source"].as_str(), Some(format!("{host}/rpms/foo?sub#{commit}").as_str()));
    assert!(work.path().join("scmroot/foo/common/Makefile.common").exists(), "../common of the module");

    let (_, result, log) = checkout(&format!("{host}/rpms/foo#no-such-branch"), false).await;
    assert!(result.unwrap_err().to_string().contains("see checkout.log"));
    assert!(log.contains("no-such-branch"), "{log}");
    let (_, result, _) = checkout(&format!("{host}/rpms/nothing#main"), false).await;
    assert!(result.is_err());
    let (_, result, _) = checkout(&format!("{host}/rpms/foo?out#evil"), false).await;
    let error = result.unwrap_err().to_string();
    assert!(error.contains("leads out"), "{error}");
}

#[tokio::test]
async fn subversion() {
    let top = tempfile::tempdir().unwrap();
    run(top.path(), &["svnadmin", "create", "repo"]);
    let local = format!("file://{}", top.path().join("repo").display());
    let tree = top.path().join("tree");
    std::fs::create_dir_all(tree.join("rpms/foo")).unwrap();
    std::fs::create_dir_all(tree.join("common")).unwrap();
    std::fs::write(tree.join("rpms/foo/foo.spec"), "Name: foo\n").unwrap();
    std::fs::write(tree.join("common/Makefile.common"), "sources:\n").unwrap();
    run(top.path(), &["svn", "import", "-q", "-m", "first", "tree", &local]);
    let port = free_port();
    let line = ["svnserve", "-d", "--foreground", "--listen-host", "127.0.0.1"];
    let root = top.path().to_string_lossy();
    let _server = serve(&[&line[..], &["--listen-port", &port.to_string(), "-r", &root]].concat(), port);

    let url = format!("svn://127.0.0.1:{port}/repo?rpms/foo#1");
    let (work, result, log) = checkout(&url, true).await;
    let result = result.unwrap_or_else(|e| panic!("{e}\n{log}"));
    assert_eq!(result.source["source"].as_str(), Some(url.as_str()));
    assert!(work.path().join("scmroot/rpms/foo/foo.spec").exists());
    assert!(work.path().join("scmroot/rpms/common/Makefile.common").exists());
    let (_, result, _) = checkout(&format!("svn://127.0.0.1:{port}/repo?rpms/foo#99"), false).await;
    assert!(result.is_err());
}

#[tokio::test]
async fn cvs() {
    let top = tempfile::tempdir().unwrap();
    let root = top.path().join("cvs");
    let place = root.to_string_lossy().into_owned();
    run(top.path(), &["cvs", "-d", &place, "init"]);
    let tree = top.path().join("tree");
    std::fs::create_dir_all(&tree).unwrap();
    std::fs::write(tree.join("foo.spec"), "Name: foo\n").unwrap();
    run(&tree, &["cvs", "-Q", "-d", &place, "import", "-m", "first", "rpms/foo", "vendor", "start"]);
    // The password server lets `anonymous` in as an account that is not root, and wants to lock.
    let locks = top.path().join("locks");
    std::fs::create_dir(&locks).unwrap();
    std::fs::set_permissions(&locks, Permissions::from_mode(0o777)).unwrap();
    std::fs::set_permissions(top.path(), Permissions::from_mode(0o755)).unwrap();
    std::fs::write(root.join("CVSROOT/config"), format!("LockDir={}\n", locks.display())).unwrap();
    std::fs::write(root.join("CVSROOT/passwd"), "anonymous::nobody\n").unwrap();
    std::fs::write(root.join("CVSROOT/readers"), "anonymous\n").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let allow = format!("--allow-root={place}");
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let socket: std::os::fd::OwnedFd = connection.into();
            let input = Stdio::from(socket.try_clone().unwrap());
            let mut child =
                Command::new("cvs").args(["-f", &allow, "pserver"]).stdin(input).stdout(socket).spawn().unwrap();
            std::thread::spawn(move || child.wait());
        }
    });

    let url = format!("cvs://127.0.0.1:{port}{place}?rpms/foo#start");
    let (work, result, log) = checkout(&url, false).await;
    let result = result.unwrap_or_else(|e| panic!("{e}\n{log}"));
    assert_eq!(result.source_dir, Path::new("rpms/foo"));
    assert!(work.path().join("scmroot/rpms/foo/foo.spec").exists());
}

#[tokio::test]
async fn a_checkout_can_be_cancelled() {
    // A server that takes the call and never answers.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let work = tempfile::tempdir().unwrap();
    let scm = Scm::parse(&format!("git://127.0.0.1:{port}/foo#main"), false).unwrap();
    let cancel = CancellationToken::new();
    let dir = work.path().join("scmroot");
    std::fs::create_dir(&dir).unwrap();
    let stop = cancel.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        stop.cancel();
    });
    let log = work.path().join("checkout.log");
    let result = tokio::time::timeout(Duration::from_secs(10), scm.checkout(&dir, &log, &cancel)).await.unwrap();
    assert!(matches!(result, Err(ScmError::Cancelled)));
}

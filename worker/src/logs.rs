//! Log files of a running task, sent to the hub while they grow.
//!
//! Each file is read on from where the last look ended and the new part is written at the same
//! place of the hub's copy, so looking again after an error neither repeats nor skips a byte. A
//! file that shrank or was replaced begins anew.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, SeekFrom};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::hub::{HubError, Session};

const PERIOD: Duration = Duration::from_secs(1);
/// Bytes sent at once.
const PART: u64 = 1 << 20;
/// How long the last parts may take, when the task is otherwise done.
const FINISH: Duration = Duration::from_secs(60);

/// Follows the files of one task. Clones share the list.
#[derive(Clone)]
pub struct LogUploader {
    shared: Arc<Shared>,
}

struct Shared {
    /// Files to follow that the loop has not taken over yet.
    added: Mutex<Vec<Followed>>,
    stop: CancellationToken,
    handle: Mutex<Option<JoinHandle<()>>>,
}

struct Followed {
    path: PathBuf,
    name: String,
    inode: Option<u64>,
    sent: u64,
    /// When which part was sent: the text of the `-ts.log`, and how much of it was sent.
    times: Option<(String, u64)>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LogUploader {
    /// Follows files into the folder `dir` below the hub's `work/`. With `timestamps` each file
    /// gets a companion `NAME-ts.log` of lines `SECONDS OFFSET`.
    pub fn start(hub: Session, dir: String, timestamps: bool) -> LogUploader {
        let shared =
            Arc::new(Shared { added: Mutex::default(), stop: CancellationToken::new(), handle: Mutex::default() });
        let handle = tokio::spawn(follow_all(shared.clone(), hub, dir, timestamps));
        *lock(&shared.handle) = Some(handle);
        LogUploader { shared }
    }

    /// Follows nothing: for tests without a hub.
    #[cfg(test)]
    pub(crate) fn detached() -> LogUploader {
        let shared = Shared { added: Mutex::default(), stop: CancellationToken::new(), handle: Mutex::default() };
        LogUploader { shared: Arc::new(shared) }
    }

    /// Uploads `path` as `name` into the task's folder, now and whenever it grows. The file need
    /// not exist yet. Following a name twice restarts it with the new file.
    pub fn follow(&self, path: impl Into<PathBuf>, name: &str) {
        let followed = Followed { path: path.into(), name: name.to_owned(), inode: None, sent: 0, times: None };
        lock(&self.shared.added).push(followed);
    }

    /// Sends what is left and follows no more. `wanted` says whether the hub still takes files of
    /// this task; if not, refusals are nothing to complain of.
    pub async fn finish(&self, wanted: bool) {
        self.shared.stop.cancel();
        let handle = lock(&self.shared.handle).take();
        if let Some(mut handle) = handle
            && tokio::time::timeout(FINISH, &mut handle).await.is_err()
        {
            handle.abort();
            if wanted {
                tracing::warn!("the last parts of the task's logs were not sent in time");
            }
        }
    }
}

async fn follow_all(shared: Arc<Shared>, hub: Session, dir: String, timestamps: bool) {
    let mut files: Vec<Followed> = Vec::new();
    loop {
        // What is there when the stop is seen must still be sent, so look at the token first.
        let last = shared.stop.is_cancelled();
        for mut added in std::mem::take(&mut *lock(&shared.added)) {
            files.retain(|file| file.name != added.name);
            added.times = timestamps.then(Default::default);
            files.push(added);
        }
        for file in &mut files {
            if let Err(error) = file.send_growth(&hub, &dir).await {
                tracing::info!(%error, log = file.name, "log not sent, will try again");
            }
        }
        if last {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(PERIOD) => {}
            () = shared.stop.cancelled() => {}
        }
    }
}

impl Followed {
    async fn send_growth(&mut self, hub: &Session, dir: &str) -> Result<(), HubError> {
        while let Some(data) =
            self.next_part().await.map_err(|source| HubError::File { path: self.path.clone(), source })?
        {
            let size = data.len() as u64;
            hub.upload_part(dir, &self.name, self.sent, data).await?;
            self.sent += size;
            self.note_time(hub, dir).await?;
        }
        Ok(())
    }

    /// What the file has beyond what was sent.
    async fn next_part(&mut self) -> io::Result<Option<Bytes>> {
        let mut file = match open_regular(&self.path).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let metadata = file.metadata().await?;
        if self.inode.is_some_and(|inode| inode != metadata.ino()) || metadata.len() < self.sent {
            self.sent = 0;
        }
        self.inode = Some(metadata.ino());
        file.seek(SeekFrom::Start(self.sent)).await?;
        let mut data = Vec::new();
        file.take(PART).read_to_end(&mut data).await?;
        Ok((!data.is_empty()).then(|| data.into()))
    }

    async fn note_time(&mut self, hub: &Session, dir: &str) -> Result<(), HubError> {
        let Some((text, sent)) = &mut self.times else { return Ok(()) };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        if text.is_empty() {
            text.push_str(&format!("{now} 0\n"));
        }
        text.push_str(&format!("{now} {}\n", self.sent));
        let part = text.as_bytes().get(*sent as usize..).unwrap_or_default().to_vec();
        let size = part.len() as u64;
        hub.upload_part(dir, &format!("{}-ts.log", self.name), *sent, part.into()).await?;
        *sent += size;
        Ok(())
    }
}

/// Opens a file that a build may have made: never a link to one of the host's files, nor a pipe
/// that would keep us waiting.
async fn open_regular(path: &Path) -> io::Result<File> {
    use nix::fcntl::OFlag;
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
    let file = tokio::fs::OpenOptions::new().read(true).custom_flags(flags).open(path).await?;
    if !file.metadata().await?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    Ok(file)
}

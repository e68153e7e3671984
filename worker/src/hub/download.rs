//! Files from the hub's tree.

use std::path::Path;
use std::time::Duration;

use futures::StreamExt;
use md5::Md5;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use reqwest::StatusCode;
use reqwest::header::RANGE;
use sha2::{Digest, Sha256};
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::http::causes;
use super::{HubError, Session};

/// A transfer that stands still for so long is begun again.
const STALLED: Duration = Duration::from_secs(60);

/// What a URL path cannot hold as it is.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'^')
    .add(b'{')
    .add(b'}')
    .add(b'|')
    .add(b'\\');

/// What a downloaded file must be.
#[derive(Debug, Default, Clone)]
pub struct Expected {
    /// Bytes, if known.
    pub size: Option<u64>,
    /// Hexadecimal MD5 or SHA-256 (told apart by length), if known.
    pub digest: Option<String>,
}

impl Session {
    /// The address of `path` in the hub's file tree; an absolute URL stays as it is.
    pub fn file_url(&self, path: &str) -> String {
        if path.starts_with("http://") || path.starts_with("https://") {
            return path.to_owned();
        }
        let path = utf8_percent_encode(path.trim_start_matches('/'), PATH);
        format!("{}/{path}", self.inner.http.settings().files)
    }

    /// Downloads `path` (below the hub's file tree, for instance `work/tasks/…`) or an absolute
    /// URL to `dest`, whose folders are made. Interrupted transfers go on where they ended; `dest`
    /// appears only when it is whole.
    pub async fn download(&self, path: &str, dest: &Path, expected: &Expected) -> Result<(), HubError> {
        let url = self.file_url(path);
        let mut partial = dest.as_os_str().to_owned();
        partial.push(".part");
        let partial = Path::new(&partial);
        if let Some(folder) = dest.parent() {
            tokio::fs::create_dir_all(folder).await.map_err(HubError::file(folder))?;
        }
        remove(partial).await?;
        let max_retries = self.inner.http.settings().max_retries;
        let mut tries = 0;
        loop {
            let reason = match self.transfer(&url, partial, expected).await {
                Ok(()) => break,
                Err(Transfer::Final(error)) => return Err(error),
                Err(Transfer::Passing(reason)) => reason,
            };
            tries += 1;
            if tries > max_retries {
                return Err(HubError::transport(&url, format!("{reason} (tried {tries} times)")));
            }
            tracing::info!(url, tries, reason, "download broke, resuming");
            self.inner.http.pause(tries).await;
        }
        tokio::fs::rename(partial, dest).await.map_err(HubError::file(dest))
    }

    /// The first `limit` bytes of a file, or all of a shorter one.
    pub async fn download_head(&self, path: &str, limit: usize) -> Result<Vec<u8>, HubError> {
        let url = self.file_url(path);
        let mut tries = 0;
        loop {
            let reason = match self.head_of(&url, limit).await {
                Ok(data) => return Ok(data),
                Err(Transfer::Final(error)) => return Err(error),
                Err(Transfer::Passing(reason)) => reason,
            };
            tries += 1;
            if tries > self.inner.http.settings().max_retries {
                return Err(HubError::transport(&url, reason));
            }
            self.inner.http.pause(tries).await;
        }
    }

    async fn head_of(&self, url: &str, limit: usize) -> Result<Vec<u8>, Transfer> {
        let request = self.inner.http.client().get(url).header(RANGE, format!("bytes=0-{}", limit.max(1) - 1));
        let response = request.send().await.map_err(|error| Transfer::Passing(causes(&error)))?;
        if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            return Ok(Vec::new()); // an empty file
        }
        check_status(url, response.status())?;
        let mut stream = response.bytes_stream();
        let mut data = Vec::new();
        while data.len() < limit {
            let Some(part) = next_part(&mut stream).await? else { break };
            data.extend_from_slice(&part);
        }
        data.truncate(limit);
        Ok(data)
    }

    async fn transfer(&self, url: &str, partial: &Path, expected: &Expected) -> Result<(), Transfer> {
        let have = match tokio::fs::metadata(partial).await {
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        };
        let mut request = self.inner.http.client().get(url);
        if have > 0 {
            request = request.header(RANGE, format!("bytes={have}-"));
        }
        let response = request.send().await.map_err(|error| Transfer::Passing(causes(&error)))?;
        let status = response.status();
        if status == StatusCode::RANGE_NOT_SATISFIABLE && have > 0 {
            // Everything was there already; or the file is another one by now.
            return self.verify(url, partial, expected).await;
        }
        check_status(url, status)?;
        let mut options = OpenOptions::new();
        options.create(true).write(true);
        if status == StatusCode::PARTIAL_CONTENT {
            options.append(true)
        } else {
            options.truncate(true)
        };
        let failed = |error| Transfer::Final(HubError::File { path: partial.into(), source: error });
        let mut file = options.open(partial).await.map_err(failed)?;
        let mut stream = response.bytes_stream();
        while let Some(part) = next_part(&mut stream).await? {
            file.write_all(&part).await.map_err(failed)?;
        }
        file.flush().await.map_err(failed)?;
        self.verify(url, partial, expected).await
    }

    /// Compares the whole file with what is known of it. A file that is too short is fetched on;
    /// a wrong one is fetched anew.
    async fn verify(&self, url: &str, partial: &Path, expected: &Expected) -> Result<(), Transfer> {
        let failed = |error| Transfer::Final(HubError::File { path: partial.into(), source: error });
        let size = tokio::fs::metadata(partial).await.map_err(failed)?.len();
        if let Some(wanted) = expected.size
            && size != wanted
        {
            if size > wanted {
                remove(partial).await.map_err(Transfer::Final)?;
            }
            return Err(Transfer::Passing(format!("{size} bytes of {wanted}")));
        }
        if let Some(wanted) = &expected.digest {
            let found = digest(partial, wanted.len()).await.map_err(failed)?;
            if !found.eq_ignore_ascii_case(wanted) {
                remove(partial).await.map_err(Transfer::Final)?;
                return Err(Transfer::Passing(format!("checksum {found} of {url} instead of {wanted}")));
            }
        }
        Ok(())
    }
}

enum Transfer {
    Final(HubError),
    Passing(String),
}

fn check_status(url: &str, status: StatusCode) -> Result<(), Transfer> {
    if status == StatusCode::NOT_FOUND {
        return Err(Transfer::Final(HubError::NotFound { url: url.to_owned() }));
    }
    if status.is_client_error() {
        return Err(Transfer::Final(HubError::transport(url, format!("HTTP status {status}"))));
    }
    if !status.is_success() {
        return Err(Transfer::Passing(format!("HTTP status {status}")));
    }
    Ok(())
}

async fn next_part<S>(stream: &mut S) -> Result<Option<bytes::Bytes>, Transfer>
where
    S: futures::Stream<Item = reqwest::Result<bytes::Bytes>> + Unpin,
{
    match tokio::time::timeout(STALLED, stream.next()).await {
        Err(_) => Err(Transfer::Passing(format!("nothing came for {} s", STALLED.as_secs()))),
        Ok(None) => Ok(None),
        Ok(Some(Ok(part))) => Ok(Some(part)),
        Ok(Some(Err(error))) => Err(Transfer::Passing(causes(&error))),
    }
}

async fn remove(path: &Path) -> Result<(), HubError> {
    match tokio::fs::remove_file(path).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(HubError::file(path)(error)),
        _ => Ok(()),
    }
}

/// The file's MD5, or its SHA-256 when that has the wanted length.
async fn digest(path: &Path, wanted_length: usize) -> std::io::Result<String> {
    let mut file = File::open(path).await?;
    let mut buffer = vec![0; 1 << 20];
    let (mut md5, mut sha256) = (Md5::new(), Sha256::new());
    let long = wanted_length == 64;
    loop {
        let count = file.read(&mut buffer).await?;
        if count == 0 {
            break;
        }
        if long { sha256.update(&buffer[..count]) } else { md5.update(&buffer[..count]) }
    }
    Ok(if long { hex::encode(sha256.finalize()) } else { hex::encode(md5.finalize()) })
}

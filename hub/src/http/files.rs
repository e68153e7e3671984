//! `/kojifiles`: the file tree, read only. Files with ranges and times, directories as listings.
//!
//! Symbolic links inside the tree are followed, since the tree itself has them (`latest`, `toplink`, moved
//! uploads). Hidden files, such as the owner notes of uploads, are not served.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Response, StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use tower_http::services::ServeFile;

use super::plain;
use crate::Hub;

/// What a name in a link keeps.
const IN_LINKS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'+');

pub async fn serve(State(hub): State<Arc<Hub>>, request: Request) -> Response<Body> {
    let asked = request.uri().path().strip_prefix("/kojifiles").unwrap_or("").to_string();
    let Some(relative) = checked(&asked) else { return not_found() };
    let path = hub.tree.top().join(relative);
    match tokio::fs::metadata(&path).await {
        Ok(about) if about.is_dir() && !asked.ends_with('/') => {
            let mut moved = plain(StatusCode::MOVED_PERMANENTLY, "a directory's address ends with a slash\n");
            if let Ok(location) = HeaderValue::from_str(&format!("/kojifiles{asked}/")) {
                moved.headers_mut().insert(header::LOCATION, location);
            }
            moved
        }
        Ok(about) if about.is_dir() => match tokio::task::spawn_blocking(move || listing(&path)).await {
            Ok(Ok(page)) => html(page),
            _ => not_found(),
        },
        Ok(about) if about.is_file() => match ServeFile::new(&path).try_call(request).await {
            Ok(response) => response.map(Body::new),
            Err(_) => not_found(),
        },
        _ => not_found(),
    }
}

/// The path below the tree, if it is one: no way up, nothing hidden.
fn checked(asked: &str) -> Option<PathBuf> {
    let decoded = percent_decode_str(asked.trim_start_matches('/')).decode_utf8().ok()?;
    let mut path = PathBuf::new();
    for component in Path::new(decoded.as_ref()).components() {
        match component {
            Component::Normal(name) if !name.to_str()?.starts_with('.') && !name.to_str()?.contains('\0') => {
                path.push(name);
            }
            _ => return None,
        }
    }
    Some(path)
}

fn listing(directory: &Path) -> std::io::Result<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            let slash = if entry.path().is_dir() { "/" } else { "" };
            names.push(format!("{name}{slash}"));
        }
    }
    names.sort();
    let links: String = std::iter::once("../".to_string())
        .chain(names)
        .map(|name| {
            let (bare, slash) = name.strip_suffix('/').map_or((name.as_str(), ""), |bare| (bare, "/"));
            format!("<li><a href=\"{}{slash}\">{}</a></li>\n", utf8_percent_encode(bare, IN_LINKS), escaped(&name))
        })
        .collect();
    Ok(format!("<!DOCTYPE html>\n<title>Files</title>\n<ul>\n{links}</ul>\n"))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn html(page: String) -> Response<Body> {
    let mut response = Response::new(Body::from(page));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

fn not_found() -> Response<Body> {
    plain(StatusCode::NOT_FOUND, "there is no such file\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_below_the_tree() {
        assert_eq!(checked("/packages/a%2Bb/1.0"), Some(PathBuf::from("packages/a+b/1.0")));
        assert_eq!(checked(""), Some(PathBuf::new()));
        for bad in ["/../x", "/a/../../x", "/%2e%2e/x", "/a/%2e%2e%2fx", "//../x", "/work/x/.user", "/a%00b", "/%ff"] {
            assert_eq!(checked(bad), None, "{bad}");
        }
    }
}

//! Log files become part of a build.

use std::path::Path;

use toji_proto::paths;

use crate::error::{self, Rpc};
use crate::files;
use crate::rpc::Call;
use crate::rpc::builds::store::Build;

/// Moves an uploaded log to the build's logs, below `subdir` (such as an arch) if there is one.
///
/// Faults: the upload is missing or no regular file; the build has a log of that name there.
pub async fn import_log(call: &mut Call, path: &Path, build: &Build, subdir: Option<&str>) -> Rpc<()> {
    files::upload_size(path).await?;
    let mut place = call.hub.tree.build_logs(&build.place())?;
    if let Some(subdir) = subdir {
        place.push(paths::relative(subdir)?);
    }
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    place.push(paths::component(name)?);
    files::take_over(call, path, &place).await.map_err(|e| match e {
        error::Error::Fault { code, text } => {
            error::Error::Fault { code, text: format!("cannot import a log: {text}") }
        }
        other => other,
    })
}

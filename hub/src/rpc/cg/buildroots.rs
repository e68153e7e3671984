//! The buildroots that a generator tells of.

use toji_proto::json::to_json_text;
use toji_proto::states::BuildrootType;
use toji_proto::{Struct, Value, ValueExt};

use super::components::{self, Components};
use super::metadata::{need, text};
use crate::db::Insert;
use crate::error::{self, Rpc};
use crate::rpc::{Call, FromArg, buildroots};

/// A buildroot to be entered.
pub struct Told {
    /// How the metadata refer to it, as text.
    pub key: String,
    version: String,
    container_type: Option<String>,
    container_arch: Option<String>,
    host_os: Option<String>,
    host_arch: Option<String>,
    extra: Value,
    components: Components,
    tools: Vec<(String, String)>,
}

impl Told {
    pub async fn read(call: &Call, told: Struct, log: &mut Vec<String>) -> Rpc<Self> {
        let part = |key: &str| Struct::from_arg(need(&told, key)?.clone(), key);
        let (generator, container, host) = (part("content_generator")?, part("container")?, part("host")?);
        let optional = |part: &Struct, key: &str| Option::<String>::from_arg(need(part, key)?.clone(), key);
        let components = Vec::from_arg(need(&told, "components")?.clone(), "components")?;
        let tools = Vec::<Struct>::from_arg(need(&told, "tools")?.clone(), "tools")?;
        let tool = |tool: &Struct| Ok((text(tool, "name")?, text(tool, "version")?));
        Ok(Self {
            key: need(&told, "id")?.repr().to_string(),
            version: text(&generator, "version")?,
            container_type: optional(&container, "type")?,
            container_arch: optional(&container, "arch")?,
            host_os: optional(&host, "os")?,
            host_arch: optional(&host, "arch")?,
            extra: told.get("extra").cloned().unwrap_or(Value::Nil),
            components: components::find(call, components, log).await?,
            tools: tools.iter().map(tool).collect::<Rpc<_>>()?,
        })
    }

    /// Enters it; returns its id.
    pub async fn insert(self, call: &Call, cg_id: i32) -> Rpc<i32> {
        let id = Insert::into("buildroot")
            .set("br_type", BuildrootType::External.code())
            .set("cg_id", cg_id)
            .set("cg_version", self.version)
            .set("container_type", self.container_type)
            .set("container_arch", self.container_arch)
            .set("host_os", self.host_os)
            .set("host_arch", self.host_arch)
            .set("extra", Some(&self.extra).filter(|extra| !extra.is_nil()).map(to_json_text))
            .returning_id(&call.db)
            .await?;
        buildroots::add_rpms(call, id, self.components.rpms, false).await?;
        buildroots::add_archives(call, id, self.components.archives, false).await?;
        for (tool, version) in self.tools {
            Insert::into("buildroot_tools_info")
                .set("buildroot_id", id)
                .set("tool", tool)
                .set("version", version)
                .run(&call.db)
                .await?;
        }
        Ok(id)
    }
}

/// The name of the one generator that all buildroots name.
pub fn generator(told: &[Struct]) -> Rpc<String> {
    let mut names = Vec::new();
    for buildroot in told {
        let generator = Struct::from_arg(need(buildroot, "content_generator")?.clone(), "content_generator")?;
        names.push(text(&generator, "name")?);
    }
    match names.first() {
        None => Err(error::param("the metadata names no content generator")),
        Some(first) if names.iter().any(|name| name != first) => {
            let names = names.join(", ");
            Err(error::generic(format!("only one content generator per import is supported, not {names}")))
        }
        Some(first) => Ok(first.clone()),
    }
}

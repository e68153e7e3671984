//! What a Maven project says of itself.

use std::path::Path;

use quick_xml::Reader;
use quick_xml::events::Event;
use toji_proto::{Struct, value};

use crate::error::{self, Error, Rpc};

/// More than any project needs.
const MAX_SIZE: u64 = 10 << 20;

/// The `group_id`, `artifact_id` and `version` in a project's description; what it lacks it has from its parent.
///
/// General fault if they are not told.
pub async fn read(path: &Path) -> Rpc<Struct> {
    let failed = || Error::io(format!("cannot read {}", path.display()));
    let size = tokio::fs::metadata(path).await.map_err(failed())?.len();
    if size > MAX_SIZE {
        return Err(error::generic(format!("{} is larger than any project description", path.display())));
    }
    let text = String::from_utf8_lossy(&tokio::fs::read(path).await.map_err(failed())?).into_owned();
    parse(&text).map_err(|why| error::generic(format!("{}: {why}", path.display())))
}

fn parse(text: &str) -> Result<Struct, String> {
    const FIELDS: [(&str, &str); 3] = [("groupId", "group_id"), ("artifactId", "artifact_id"), ("version", "version")];
    let mut own: [Option<String>; 3] = Default::default();
    let mut parent: [Option<String>; 3] = Default::default();
    let mut reader = Reader::from_str(text);
    let mut path: Vec<String> = Vec::new();
    let mut content = String::new();
    loop {
        match reader.read_event().map_err(|e| format!("no XML: {e}"))? {
            Event::Start(start) => {
                path.push(start.local_name().as_ref().to_string());
                content.clear();
            }
            Event::Text(part) => content.push_str(&part),
            Event::CData(part) => content.push_str(&part),
            // Nothing is expanded: an identifier has no entities.
            Event::GeneralRef(_) => content.push('?'),
            Event::End(_) => {
                let names: Vec<&str> = path.iter().map(String::as_str).collect();
                let (found, name) = match names[..] {
                    ["project", name] => (&mut own, name),
                    ["project", "parent", name] => (&mut parent, name),
                    _ => (&mut own, ""),
                };
                if let Some(i) = FIELDS.iter().position(|(field, _)| *field == name) {
                    found[i] = Some(content.trim().to_string());
                }
                path.pop();
                content.clear();
            }
            Event::Eof => break,
            _ => {}
        }
    }
    let mut info = Struct::new();
    for (i, (field, key)) in FIELDS.iter().enumerate() {
        let told = own[i].take().or_else(|| parent[i].take());
        let told = told.filter(|t| !t.is_empty()).ok_or_else(|| format!("the project has no {field}"))?;
        info.insert((*key).into(), value!(told));
    }
    Ok(info)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_inherits_from_its_parent() {
        let own = "<project xmlns=\"http://maven\"><parent><groupId>g</groupId><artifactId>p</artifactId>\
             <version>3</version></parent><artifactId> a </artifactId><dependencies><dependency>\
             <groupId>other</groupId></dependency></dependencies></project>";
        let told = Struct::from([
            ("group_id".into(), value!("g")),
            ("artifact_id".into(), value!("a")),
            ("version".into(), value!("3")),
        ]);
        assert_eq!(parse(own), Ok(told));
        assert!(parse("<project><groupId>g</groupId></project>").is_err());
        assert!(parse("no xml <").is_err());
        assert!(parse("<!DOCTYPE x [<!ENTITY e \"v\">]><project><groupId>&e;</groupId></project>").is_err());
    }
}

//! `comps.xml`: the groups of a tag as package managers read them.

use std::collections::{HashMap, HashSet};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesStart, BytesText, Event};

use crate::rpc::groups::store::{Group, Package};

type Written = std::io::Result<()>;

const DOCTYPE: &str = r#"comps PUBLIC "-//Red Hat, Inc.//DTD Comps info//EN" "comps.dtd""#;

/// The document. The packages of required groups, and of those that they require, count as the group's own:
/// builders need not know what a required group is.
pub fn comps(mut groups: Vec<Group>) -> std::io::Result<Vec<u8>> {
    groups.sort_by(|a, b| a.name.cmp(&b.name));
    let by_name: HashMap<&str, &Group> = groups.iter().map(|group| (group.name.as_str(), group)).collect();
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    xml.write_event(Event::DocType(BytesText::from_escaped(DOCTYPE)))?;
    xml.create_element("comps")
        .write_inner_content(|xml| groups.iter().try_for_each(|group| write_group(xml, group, &by_name)))?;
    let mut document = xml.into_inner();
    document.push(b'\n');
    Ok(document)
}

fn write_group(xml: &mut Writer<Vec<u8>>, group: &Group, groups: &HashMap<&str, &Group>) -> Written {
    let settings = &group.settings;
    let flag = |on: bool| if on { "true" } else { "false" };
    xml.create_element("group").write_inner_content(|xml| {
        text(xml, "id", &group.name)?;
        text(xml, "name", &settings.display_name)?;
        text(xml, "description", settings.description.as_deref().unwrap_or(""))?;
        text(xml, "default", flag(settings.is_default.0 == Some(true)))?;
        text(xml, "uservisible", flag(settings.uservisible.0 == Some(true)))?;
        if settings.biarchonly.0 == Some(true) {
            text(xml, "biarchonly", "true")?;
        }
        xml.create_element("packagelist").write_inner_content(|xml| {
            packages(group, groups).into_iter().try_for_each(|package| write_package(xml, package))
        })?;
        Ok(())
    })?;
    Ok(())
}

fn write_package(xml: &mut Writer<Vec<u8>>, package: &Package) -> Written {
    let mut start = BytesStart::new("packagereq");
    start.push_attribute(("type", legal(&package.kind).as_str()));
    if package.basearchonly.0 == Some(true) {
        start.push_attribute(("basearchonly", "true"));
    }
    if let Some(requires) = package.requires.as_deref().filter(|requires| !requires.is_empty()) {
        start.push_attribute(("requires", legal(requires).as_str()));
    }
    let end = start.to_end().into_owned();
    xml.write_event(Event::Start(start))?;
    xml.write_event(Event::Text(BytesText::new(&legal(&package.name))))?;
    xml.write_event(Event::End(end))
}

fn text(xml: &mut Writer<Vec<u8>>, name: &str, content: &str) -> Written {
    xml.create_element(name).write_text_content(BytesText::new(&legal(content)))?;
    Ok(())
}

/// Text without the characters that XML cannot hold.
fn legal(text: &str) -> String {
    text.chars()
        .filter(|c| matches!(c, '\t' | '\n' | '\r') || (*c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}')))
        .collect()
}

/// The group's own packages by name, then those of each group that it requires, near or far, each package once.
fn packages<'a>(group: &'a Group, groups: &HashMap<&'a str, &'a Group>) -> Vec<&'a Package> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let mut wanted: Vec<&str> = vec![&group.name];
    let mut next = 0;
    while let Some(name) = wanted.get(next).copied() {
        next += 1;
        let Some(group) = groups.get(name) else { continue };
        let mut own: Vec<&Package> = group.packages.iter().collect();
        own.sort_by(|a, b| a.name.cmp(&b.name));
        found.extend(own.into_iter().filter(|package| seen.insert(package.name.as_str())));
        for requirement in &group.requirements {
            if !wanted.contains(&requirement.required.as_str()) {
                wanted.push(&requirement.required);
            }
        }
    }
    found
}

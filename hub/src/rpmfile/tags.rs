//! Header tags by name, as librpm's Python users know them.

use std::collections::HashMap;
use std::sync::LazyLock;

use rpm::IndexData;
use toji_proto::value::{int, list};
use toji_proto::{Struct, Value};

use super::RpmFile;

/// A tag that clients may ask for.
struct Tag {
    number: u32,
    /// As listings name it.
    name: &'static str,
    /// Whether its value is a list, however many items there are.
    is_list: bool,
}

struct Tags {
    by_number: HashMap<u32, usize>,
    by_name: HashMap<&'static str, usize>,
    all: Vec<Tag>,
}

/// Number, `one` or `list`, and names, the first being the one that listings use: all tags that librpm 4.18
/// knows, but for those that hold other tags.
static TAGS: LazyLock<Tags> = LazyLock::new(|| {
    let mut tags = Tags { by_number: HashMap::new(), by_name: HashMap::new(), all: Vec::new() };
    for line in include_str!("tags.tsv").lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [number, kind, names] = fields[..] else { continue };
        let (Ok(number), Some(name)) = (number.parse(), names.split(' ').next()) else { continue };
        let index = tags.all.len();
        tags.by_number.insert(number, index);
        tags.by_name.extend(names.split(' ').map(|name| (name, index)));
        tags.all.push(Tag { number, name, is_list: kind == "list" });
    }
    tags
});

/// Where reading a package moves entries of its signature header.
const FROM_SIGNATURE: &[(u32, u32)] = &[(257, 1000), (259, 1002), (261, 1004), (262, 1005), (1046, 1007)];

/// Tags of the signature header that keep their number.
const SAME_IN_SIGNATURE: std::ops::RangeInclusive<u32> = 256..=999;

/// The value of a header field by its name, in any case: text, numbers, base64 for bytes, or lists. A field
/// that the package does not have is nil or an empty list. `None` if there is no field of that name.
pub fn field(file: &RpmFile, name: &str) -> Option<Value> {
    let tag = &TAGS.all[*TAGS.by_name.get(name.to_uppercase().as_str())?];
    let found = value(file, tag);
    if found != Value::Nil {
        return Some(found);
    }
    // The large ones stand in for those that are too small.
    let longer = match tag.name {
        "SIZE" => "LONGSIZE",
        "ARCHIVESIZE" => "LONGARCHIVESIZE",
        "SIGSIZE" => "LONGSIGSIZE",
        _ => return Some(if tag.is_list { Value::Array(vec![]) } else { Value::Nil }),
    };
    TAGS.by_name.get(longer).map(|index| value(file, &TAGS.all[*index]))
}

/// All fields that the package has, by name.
pub fn stored(file: &RpmFile) -> Struct {
    let signature = file.metadata.signature.get_all_entries().unwrap_or_default().into_iter();
    let signature = signature.filter_map(|(number, _)| {
        let moved = FROM_SIGNATURE.iter().find(|(_, from)| *from == number).map(|(to, _)| *to);
        moved.or_else(|| Some(number).filter(|n| SAME_IN_SIGNATURE.contains(n)))
    });
    let main = file.metadata.header.get_all_entries().unwrap_or_default().into_iter().map(|(number, _)| number);
    let tags = signature.chain(main).filter_map(|number| TAGS.by_number.get(&number)).map(|index| &TAGS.all[*index]);
    tags.map(|tag| (tag.name.to_string(), value(file, tag))).collect()
}

fn value(file: &RpmFile, tag: &Tag) -> Value {
    if let Some(computed) = computed(file, tag.name) {
        return computed;
    }
    entry(file, tag.number).map_or(Value::Nil, |data| convert(data, tag.is_list))
}

/// What the main header has, or else the signature header.
fn entry(file: &RpmFile, number: u32) -> Option<IndexData> {
    let metadata = &file.metadata;
    if let Ok(data) = metadata.header.entry(number) {
        return Some(data);
    }
    let moved = FROM_SIGNATURE.iter().find(|(to, _)| *to == number).map(|(_, from)| *from);
    let in_signature = moved.or_else(|| Some(number).filter(|n| SAME_IN_SIGNATURE.contains(n)))?;
    metadata.signature.entry(in_signature).ok()
}

fn convert(data: IndexData, is_list: bool) -> Value {
    let text = |text: String| Value::String(printable(&text));
    let items: Vec<Value> = match data {
        IndexData::Null => vec![],
        IndexData::Char(items) | IndexData::Int8(items) => {
            items.into_iter().map(|n| Value::Integer(n.into())).collect()
        }
        IndexData::Int16(items) => items.into_iter().map(|n| Value::Integer(n.into())).collect(),
        IndexData::Int32(items) => items.into_iter().map(|n| int(n.into())).collect(),
        IndexData::Int64(items) => items.into_iter().map(|n| int(i64::try_from(n).unwrap_or(i64::MAX))).collect(),
        IndexData::Bin(bytes) => vec![Value::Base64(bytes)],
        IndexData::StringTag(one) => vec![text(one)],
        IndexData::StringArray(all) => all.into_iter().map(text).collect(),
        // The first one is in the language of all.
        IndexData::I18NString(all) if !is_list => all.into_iter().take(1).map(text).collect(),
        IndexData::I18NString(all) => all.into_iter().map(text).collect(),
    };
    if is_list { Value::Array(items) } else { items.into_iter().next().unwrap_or(Value::Nil) }
}

/// Without the control characters that no client can show.
pub fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t')).collect()
}

/// Fields that are put together from others.
fn computed(file: &RpmFile, name: &str) -> Option<Value> {
    let number = |n: u32| entry(file, n).map(|data| convert(data, false));
    let text = |n: u32| match number(n) {
        Some(Value::String(text)) => text,
        _ => String::new(),
    };
    let epoch = || match number(1003) {
        Some(Value::Integer(epoch)) => format!("{epoch}:"),
        _ => String::new(),
    };
    let (n, vr) = (|| text(1000), || format!("{}-{}", text(1001), text(1002)));
    let arch = || if file.metadata.is_source_package() { "src".into() } else { text(1022) };
    Some(match name {
        "NVR" => Value::String(format!("{}-{}", n(), vr())),
        "NVRA" => Value::String(format!("{}-{}.{}", n(), vr(), arch())),
        "EVR" => Value::String(format!("{}{}", epoch(), vr())),
        "NEVR" => Value::String(format!("{}-{}{}", n(), epoch(), vr())),
        "NEVRA" => Value::String(format!("{}-{}{}.{}", n(), epoch(), vr(), arch())),
        "ARCHSUFFIX" => Value::String(format!(".{}", arch())),
        "EPOCHNUM" => number(1003).unwrap_or(Value::Integer(0)),
        "HEADERCOLOR" | "DBINSTANCE" => Value::Integer(0),
        "LONGSIZE" => entry(file, 5009).or_else(|| entry(file, 1009)).map_or(Value::Nil, |d| convert(d, false)),
        "LONGARCHIVESIZE" => entry(file, 271).or_else(|| entry(file, 1046)).map_or(Value::Nil, |d| convert(d, false)),
        "LONGSIGSIZE" => entry(file, 270).or_else(|| entry(file, 257)).map_or(Value::Nil, |d| convert(d, false)),
        "LONGFILESIZES" => entry(file, 5008).or_else(|| entry(file, 1028)).map_or(Value::Nil, |d| convert(d, true)),
        "FILENAMES" => list(file_names(file)),
        "FILECLASS" => file_classes(file)?,
        _ => relations(file, name.strip_suffix("NEVRS")?)?,
    })
}

/// The paths of the files, in the header's order.
pub fn file_names(file: &RpmFile) -> Vec<String> {
    let header = &file.metadata.header;
    let texts = |n: u32| match header.entry(n) {
        Ok(IndexData::StringArray(texts)) => texts,
        _ => vec![],
    };
    let (folders, names) = (texts(1118), texts(1117));
    let Ok(IndexData::Int32(indexes)) = header.entry(1116_u32) else { return texts(1027) };
    let folder = |index: u32| folders.get(index as usize).map_or("", String::as_str);
    names.iter().zip(indexes).map(|(name, index)| printable(&format!("{}{name}", folder(index)))).collect()
}

fn file_classes(file: &RpmFile) -> Option<Value> {
    let header = &file.metadata.header;
    let (Ok(IndexData::Int32(indexes)), Ok(IndexData::StringArray(classes))) =
        (header.entry(1141_u32), header.entry(1142_u32))
    else {
        return None;
    };
    // Links have none in the dictionary; their target is told instead.
    let targets = match header.entry(1036_u32) {
        Ok(IndexData::StringArray(targets)) => targets,
        _ => vec![],
    };
    let class = |(i, index): (usize, u32)| match targets.get(i).filter(|target| !target.is_empty()) {
        Some(target) => format!("symbolic link to `{target}'"),
        None => classes.get(index as usize).cloned().unwrap_or_default(),
    };
    Some(list(indexes.into_iter().enumerate().map(class)))
}

/// `name >= version` for each relation of a kind, such as `REQUIRE`.
fn relations(file: &RpmFile, kind: &str) -> Option<Value> {
    let all = dependencies(file, kind)?;
    let sign = |flags: u32| match flags & 0xe {
        2 => " < ",
        4 => " > ",
        8 => " = ",
        10 => " <= ",
        12 => " >= ",
        _ => "",
    };
    let shown = |(name, version, flags): (String, String, u32)| match sign(flags) {
        "" => name,
        sign => format!("{name}{sign}{version}"),
    };
    Some(list(all.into_iter().map(shown)))
}

/// The relations of a kind, such as `REQUIRE`: names, versions and flags.
pub fn dependencies(file: &RpmFile, kind: &str) -> Option<Vec<(String, String, u32)>> {
    let number = |part: &str| Some(TAGS.all[*TAGS.by_name.get(format!("{kind}{part}").as_str())?].number);
    let header = &file.metadata.header;
    let texts = |number: u32| match header.entry(number) {
        Ok(IndexData::StringArray(texts)) => texts,
        _ => vec![],
    };
    let flags = match header.entry(number("FLAGS")?) {
        Ok(IndexData::Int32(flags)) => flags,
        _ => vec![],
    };
    let (names, versions) = (texts(number("NAME")?), texts(number("VERSION")?));
    Some(names.into_iter().zip(versions).zip(flags).map(|((n, v), f)| (printable(&n), printable(&v), f)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read() {
        assert_eq!(TAGS.all.len(), include_str!("tags.tsv").lines().count());
        let number = |name: &str| TAGS.all[TAGS.by_name[name]].number;
        assert_eq!((number("REQUIRENAME"), number("REQUIRES"), number("FILEDIGESTS")), (1049, 1049, 1035));
    }

    #[test]
    fn control_characters_are_dropped() {
        assert_eq!(printable("a\u{1}b\n\tc\u{7f}"), "ab\n\tc");
    }
}

//! What tags inherit from, and the order in which that counts.
//!
//! Links (`tag_inheritance`) lead from a child to its parents, each with a priority of its own. The order of
//! inheritance walks them depth-first, the lowest priority first:
//!
//! * an intransitive link counts only for the tag that the walk began at;
//! * `maxdepth` bounds how far the walk goes on beyond a link; the smallest along the path counts;
//! * a link back to a tag on the path is left out, so loops do no harm;
//! * the filters of a path's links add up: a package passes if each of them matches where its name begins;
//! * a tag met again is listed again only if the visit before was of less use: shallower, filtered, or
//!   without configuration.
//!
//! All links that can matter are read with one query; the walk is done in memory.

use std::collections::{BTreeMap, BTreeSet};

use toji_proto::value::Record;

use super::Rpc;
use crate::db::{Db, Row, RowExt, Select, active_or_at};

/// A child's link to a parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub child_id: i32,
    pub parent_id: i32,
    /// The name of the parent or, read in reverse, of the child.
    pub name: String,
    pub priority: i32,
    pub maxdepth: Option<i32>,
    /// Counts only where it begins.
    pub intransitive: bool,
    /// The parent's arches and extra settings are not inherited.
    pub noconfig: bool,
    /// A regular expression for package names; empty or nil lets all pass.
    pub pkg_filter: Option<String>,
}

impl Link {
    /// A struct with `parent_id, name, priority, maxdepth, intransitive, noconfig, pkg_filter` and the
    /// child's id, under the name `child`.
    pub fn record(&self, child: &str) -> Record {
        Record::new()
            .set("parent_id", self.parent_id)
            .set(child, self.child_id)
            .set("name", &self.name)
            .set("priority", self.priority)
            .set("maxdepth", self.maxdepth)
            .set("intransitive", self.intransitive)
            .set("noconfig", self.noconfig)
            .set("pkg_filter", self.pkg_filter.clone())
    }
}

/// One step of the walk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub link: Link,
    /// How many links away from the beginning, from 1.
    pub depth: i32,
    /// How much further the walk may go.
    pub depth_left: Option<i32>,
    /// The filters on the way, the farthest last.
    pub filters: Vec<String>,
}

/// Up to parents, or down to children.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Parents,
    Children,
}

impl Direction {
    /// The column that a walk comes from, and the one that it goes to.
    fn columns(self) -> (&'static str, &'static str) {
        match self {
            Self::Parents => ("tag_id", "parent_id"),
            Self::Children => ("parent_id", "tag_id"),
        }
    }

    fn ends(self, link: &Link) -> (i32, i32) {
        match self {
            Self::Parents => (link.child_id, link.parent_id),
            Self::Children => (link.parent_id, link.child_id),
        }
    }
}

/// The links of one tag to its parents, by priority.
pub async fn parents(db: &Db, tag_id: i32, event: Option<i32>) -> Rpc<Vec<Link>> {
    let rows = links(Direction::Parents, event).clause("tag_id = ?", [tag_id.into()]).all(db).await?;
    rows.iter().map(link_of).collect()
}

/// The order of inheritance of a tag, itself not included.
pub async fn order(db: &Db, tag_id: i32, event: Option<i32>) -> Rpc<Vec<Step>> {
    walk(db, tag_id, event, Direction::Parents).await
}

/// A tag and the tags that it inherits from, in the order of inheritance, each once.
pub async fn chain(db: &Db, tag_id: i32, event: Option<i32>) -> Rpc<Vec<i32>> {
    let mut seen = BTreeSet::from([tag_id]);
    let mut chain = vec![tag_id];
    for step in order(db, tag_id, event).await? {
        if seen.insert(step.link.parent_id) {
            chain.push(step.link.parent_id);
        }
    }
    Ok(chain)
}

/// The steps of a walk from a tag. Downwards, `maxdepth` is held against the distance walked, and an
/// intransitive link is listed but not followed.
pub async fn walk(db: &Db, tag_id: i32, event: Option<i32>, direction: Direction) -> Rpc<Vec<Step>> {
    let (from, to) = direction.columns();
    let (in_force, params) = active_or_at("tag_inheritance", event);
    let reached = format!(
        "reached(id) AS (SELECT CAST(? AS integer) UNION SELECT {to} FROM tag_inheritance \
         JOIN reached ON tag_inheritance.{from} = reached.id WHERE {in_force})"
    );
    let params = std::iter::once(tag_id.into()).chain(params).collect();
    let rows = links(direction, event)
        .with(reached, params)
        .clause(&format!("{from} IN (SELECT id FROM reached)"), [])
        .all(db)
        .await?;
    let mut tree = Tree { direction, links: BTreeMap::new() };
    for row in &rows {
        let link = link_of(row)?;
        tree.links.entry(direction.ends(&link).0).or_default().push(link);
    }
    Ok(tree.walk(tag_id))
}

fn links(direction: Direction, event: Option<i32>) -> Select {
    let (_, to) = direction.columns();
    Select::from("tag_inheritance")
        .join(&format!("tag ON tag.id = tag_inheritance.{to}"))
        .columns(&[
            ("tag_inheritance.tag_id", "tag_id"),
            ("tag_inheritance.parent_id", "parent_id"),
            ("tag.name", "name"),
            ("tag_inheritance.priority", "priority"),
            ("tag_inheritance.maxdepth", "maxdepth"),
            ("tag_inheritance.intransitive", "intransitive"),
            ("tag_inheritance.noconfig", "noconfig"),
            ("tag_inheritance.pkg_filter", "pkg_filter"),
        ])
        .at_event("tag_inheritance", event)
        .order("priority,tag_id")
}

fn link_of(row: &Row) -> Rpc<Link> {
    Ok(Link {
        child_id: row.int("tag_id")?,
        parent_id: row.int("parent_id")?,
        name: row.text("name").into(),
        priority: row.int("priority")?,
        maxdepth: row.opt_int("maxdepth"),
        intransitive: row.is("intransitive"),
        noconfig: row.is("noconfig"),
        pkg_filter: row.opt_text("pkg_filter").map(Into::into),
    })
}

/// The links to walk, by the tag they come from, in order.
struct Tree {
    direction: Direction,
    links: BTreeMap<i32, Vec<Link>>,
}

/// What a walk has come through.
#[derive(Clone, Default)]
struct Path {
    tags: BTreeSet<i32>,
    depth_left: Option<i32>,
    noconfig: bool,
    filters: Vec<String>,
}

#[derive(Default)]
struct Walked {
    steps: Vec<Step>,
    /// Where in `steps` a tag was listed.
    visits: BTreeMap<i32, Vec<usize>>,
}

impl Tree {
    fn walk(&self, tag_id: i32) -> Vec<Step> {
        let mut walked = Walked::default();
        self.visit(tag_id, Path::default(), &mut walked);
        walked.steps
    }

    fn visit(&self, tag_id: i32, mut path: Path, walked: &mut Walked) {
        if path.depth_left.is_some_and(|left| left < 1) {
            return;
        }
        path.tags.insert(tag_id);
        let depth = i32::try_from(path.tags.len()).unwrap_or(i32::MAX);
        for link in self.links.get(&tag_id).into_iter().flatten() {
            let (_, next) = self.direction.ends(link);
            if path.tags.contains(&next) {
                continue;
            }
            let depth_left = match self.direction {
                Direction::Parents if link.intransitive && depth > 1 => continue,
                Direction::Parents => least(link.maxdepth, path.depth_left),
                Direction::Children if link.maxdepth.is_some_and(|max| max < depth - 1) => continue,
                Direction::Children => None,
            };
            // Once a link brings no configuration, its later siblings' visits are judged as if they brought
            // none either. Stock hubs do so, and it shows in what they list.
            path.noconfig |= link.noconfig;
            let own_filter = link.pkg_filter.clone().filter(|filter| !filter.is_empty());
            let filters: Vec<String> = path.filters.iter().cloned().chain(own_filter).collect();
            if walked.has_seen(next, depth_left, path.noconfig) {
                continue;
            }
            walked.visits.entry(next).or_default().push(walked.steps.len());
            walked.steps.push(Step { link: link.clone(), depth, depth_left, filters: filters.clone() });
            if link.intransitive && self.direction == Direction::Children {
                continue;
            }
            let onward = Path { tags: path.tags.clone(), depth_left, noconfig: path.noconfig, filters };
            self.visit(next, onward, walked);
        }
    }
}

/// The depth left after a link with a bound of its own, under the bound so far.
fn least(own: Option<i32>, so_far: Option<i32>) -> Option<i32> {
    match (own, so_far) {
        (own, None) => own,
        (None, Some(left)) => Some(left - 1),
        (Some(own), Some(left)) => Some(own.min(left) - 1),
    }
}

impl Walked {
    /// Whether an earlier visit brought all that another would bring.
    fn has_seen(&self, tag_id: i32, depth_left: Option<i32>, noconfig: bool) -> bool {
        self.visits.get(&tag_id).into_iter().flatten().filter_map(|i| self.steps.get(*i)).any(|before| {
            let as_deep = match (before.depth_left, depth_left) {
                (None, _) => true,
                (Some(_), None) => false,
                (Some(before), Some(now)) => before >= now,
            };
            as_deep && (noconfig || !before.link.noconfig) && before.filters.is_empty()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(child_id: i32, parent_id: i32, priority: i32) -> Link {
        let name = format!("tag{parent_id}");
        Link {
            child_id,
            parent_id,
            name,
            priority,
            maxdepth: None,
            intransitive: false,
            noconfig: false,
            pkg_filter: None,
        }
    }

    /// The parents in the order of inheritance from tag 1.
    fn walked(links: Vec<Link>) -> Vec<i32> {
        let mut tree = Tree { direction: Direction::Parents, links: BTreeMap::new() };
        for link in links {
            tree.links.entry(link.child_id).or_default().push(link);
        }
        tree.walk(1).iter().map(|step| step.link.parent_id).collect()
    }

    #[test]
    fn depth_comes_before_priority() {
        assert_eq!(walked(vec![link(1, 2, 0), link(1, 3, 1), link(2, 4, 9)]), [2, 4, 3]);
    }

    #[test]
    fn loops_end() {
        assert_eq!(walked(vec![link(1, 2, 0), link(2, 3, 0), link(3, 1, 0), link(3, 2, 1)]), [2, 3]);
    }

    #[test]
    fn intransitive_links_count_only_at_the_beginning() {
        let intransitive = |child, parent| Link { intransitive: true, ..link(child, parent, 0) };
        assert_eq!(walked(vec![intransitive(1, 2), link(2, 3, 0)]), [2, 3]);
        assert_eq!(walked(vec![link(1, 2, 0), intransitive(2, 3)]), [2]);
    }

    #[test]
    fn the_smallest_maxdepth_on_the_way_counts() {
        let bounded = |child, parent, max| Link { maxdepth: Some(max), ..link(child, parent, 0) };
        assert_eq!(walked(vec![bounded(1, 2, 0), link(2, 3, 0)]), [2]);
        assert_eq!(walked(vec![bounded(1, 2, 1), bounded(2, 3, 9), link(3, 4, 0)]), [2, 3]);
    }

    #[test]
    fn a_better_second_visit_is_listed() {
        let filtered = Link { pkg_filter: Some("^k".into()), ..link(1, 2, 0) };
        assert_eq!(walked(vec![filtered, link(1, 3, 1), link(3, 2, 0)]), [2, 3, 2]);
        assert_eq!(walked(vec![link(1, 2, 0), link(1, 3, 1), link(3, 2, 0)]), [2, 3]);
    }
}

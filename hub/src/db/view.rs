//! Queries whose clauses and fields the client puts together, from a table and what may be joined to it.

use chrono::{DateTime, Utc};
use toji_proto::json::to_json;
use toji_proto::{Value, ValueExt};

use super::{Db, Kind, Param, QueryOpts, Select, json};
use crate::error::{self, Rpc};
use crate::rpc::FromArg;
use crate::rpc::times::Moment;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    Int,
    Text,
    Bool,
    /// A time, for clients in seconds since 1970.
    Time,
    /// A time, for clients as text.
    Clock,
    /// A struct. Besides with `=` and `!=` it is compared with `@>` (has all members of) and `<@` (has no others
    /// than); the other one may be given as JSON text.
    Json,
}

/// A field that clients may ask for.
pub struct Field {
    pub name: &'static str,
    pub expr: &'static str,
    pub holds: Holds,
    /// The join that it needs.
    pub join: Option<&'static str>,
}

impl Field {
    pub const fn new(name: &'static str, expr: &'static str, holds: Holds) -> Self {
        Self { name, expr, holds, join: None }
    }

    pub const fn joined(name: &'static str, expr: &'static str, holds: Holds, join: &'static str) -> Self {
        Self { name, expr, holds, join: Some(join) }
    }

    fn param(&self, value: &Value) -> Rpc<Param> {
        let value = value.clone();
        Ok(match self.holds {
            Holds::Int => i32::from_arg(value, self.name)?.into(),
            Holds::Text => String::from_arg(value, self.name)?.into(),
            Holds::Bool => bool::from_arg(value, self.name)?.into(),
            Holds::Clock => Moment::from_arg(value, self.name)?.into(),
            Holds::Json => self.json(&value)?.into(),
            Holds::Time => {
                let seconds = f64::from_arg(value, self.name)?;
                let time: Option<DateTime<Utc>> = crate::rpc::times::from_seconds(seconds);
                time.ok_or_else(|| error::param(format!("Invalid time for {}: {seconds}", self.name)))?.into()
            }
        })
    }

    fn json(&self, value: &Value) -> Rpc<serde_json::Value> {
        match value {
            Value::String(text) => serde_json::from_str(text)
                .map_err(|e| error::param(format!("Invalid JSON for {}: {text}: {e}", self.name))),
            other => Ok(to_json(other)),
        }
    }

    fn kind(&self) -> Kind {
        match self.holds {
            Holds::Time => Kind::Epoch,
            Holds::Bool => Kind::Bool,
            Holds::Json => Kind::Json,
            Holds::Int | Holds::Text | Holds::Clock => Kind::Auto,
        }
    }
}

/// A table, its fields, and those that are shown if the client names none.
pub struct View {
    pub table: &'static str,
    pub fields: &'static [Field],
    pub default: &'static [&'static str],
}

impl View {
    /// Answers a query. `clauses` are lists of field, operator and value, or of field and value (equal to it, or
    /// one of a list); `fields` is a name or a list of names, of which `*` stands for all that need no further
    /// join and `**` for all. Faults: unknown fields and operators (1019).
    pub async fn answer(&self, db: &Db, clauses: Value, fields: Value, opts: Option<QueryOpts>) -> Rpc<Value> {
        let mut query = Query { view: self, db, joins: Vec::new(), select: Select::from(self.table) };
        let opts = opts.unwrap_or_default();
        query.order(&opts)?;
        query.clauses(&clauses)?;
        query.fields(&fields)?;
        let mut select = query.select;
        for join in query.joins {
            select = select.join(join);
        }
        select.order("id").opts(opts).answer(db).await
    }

    /// All fields of all rows, to be narrowed down.
    pub fn whole(&self) -> Select {
        self.select(self.fields.iter())
    }

    /// Some fields of all rows, to be narrowed down; names that are no fields do not count.
    pub fn only(&self, names: &[&str]) -> Select {
        self.select(self.fields.iter().filter(|field| names.contains(&field.name)))
    }

    fn select<'a>(&self, fields: impl Iterator<Item = &'a Field> + Clone) -> Select {
        let mut joins: Vec<&str> = Vec::new();
        for join in fields.clone().filter_map(|field| field.join) {
            if !joins.contains(&join) {
                joins.push(join);
            }
        }
        let select = joins.into_iter().fold(Select::from(self.table), Select::join);
        fields.fold(select, |select, field| select.column_as(field.expr, field.name, field.kind()))
    }

    fn field(&self, name: &str) -> Rpc<&'static Field> {
        let found = self.fields.iter().find(|f| f.name == name);
        found.ok_or_else(|| error::param(format!("Invalid field for query {name}")))
    }
}

struct Query<'a> {
    view: &'a View,
    db: &'a Db,
    joins: Vec<&'static str>,
    select: Select,
}

impl Query<'_> {
    fn field(&mut self, name: &str) -> Rpc<&'static Field> {
        let field = self.view.field(name)?;
        if let Some(join) = field.join
            && !self.joins.contains(&join)
        {
            self.joins.push(join);
        }
        Ok(field)
    }

    /// The client may order by any field, shown or not.
    fn order(&mut self, opts: &QueryOpts) -> Rpc<()> {
        for name in opts.order.as_deref().unwrap_or("id").split(',').filter(|name| !name.is_empty()) {
            let field = self.field(name.trim_start_matches('-'))?;
            self.select = std::mem::take(&mut self.select).orderable(field.expr, field.name);
        }
        Ok(())
    }

    fn clauses(&mut self, clauses: &Value) -> Rpc<()> {
        if clauses.is_nil() {
            return Ok(());
        }
        let invalid = |clause: &Value| error::param(format!("Invalid clause: {}", clause.repr()));
        for clause in clauses.as_array().ok_or_else(|| invalid(clauses))? {
            let (name, operator, value) = match clause.as_array() {
                Some([Value::String(name), value]) => {
                    (name, if matches!(value, Value::Array(_)) { "IN" } else { "=" }.to_owned(), value)
                }
                Some([Value::String(name), Value::String(operator), value]) => (name, operator.to_uppercase(), value),
                _ => return Err(invalid(clause)),
            };
            let field = self.field(name)?;
            let select = std::mem::take(&mut self.select);
            self.select = compare(self.db, select, field, &operator, value)?;
        }
        Ok(())
    }

    fn fields(&mut self, fields: &Value) -> Rpc<()> {
        let asked: Vec<String> = match fields {
            Value::String(name) => vec![name.clone()],
            given if given.is_true() => Vec::from_arg(given.clone(), "fields")?,
            _ => self.view.default.iter().map(|name| (*name).to_owned()).collect(),
        };
        let mut names: Vec<&str> = Vec::new();
        for name in &asked {
            match name.as_str() {
                "*" => {
                    let joined = |f: &&Field| f.join.is_none_or(|join| self.joins.contains(&join));
                    names.extend(self.view.fields.iter().filter(joined).map(|f| f.name));
                }
                "**" => names.extend(self.view.fields.iter().map(|f| f.name)),
                name => names.push(name),
            }
        }
        names.sort_unstable();
        names.dedup();
        for name in names {
            let field = self.field(name)?;
            self.select = std::mem::take(&mut self.select).column_as(field.expr, field.name, field.kind());
        }
        Ok(())
    }
}

fn compare(db: &Db, select: Select, field: &Field, operator: &str, value: &Value) -> Rpc<Select> {
    let Field { expr, name, .. } = field;
    if field.holds == Holds::Json && !value.is_nil() && matches!(operator, "=" | "!=" | "@>" | "<@") {
        let other = field.json(value)?;
        let (condition, params) = match operator {
            "@>" => json::holds(db, expr, &other),
            "<@" => json::within(db, expr, &other),
            _ => json::equals(db, expr, &other),
        };
        let not = if operator == "!=" { "NOT " } else { "" };
        return Ok(select.clause(&format!("{not}({condition})"), params));
    }
    match operator {
        "IN" => {
            let values = value.as_array().filter(|values| !values.is_empty());
            let values = values.ok_or_else(|| error::param(format!("IN takes a list, for {name}")))?;
            let marks = vec!["?"; values.len()].join(", ");
            let params: Vec<Param> = values.iter().map(|v| field.param(v)).collect::<Rpc<_>>()?;
            Ok(select.clause(&format!("{expr} IN ({marks})"), params))
        }
        "IS" | "IS NOT" => {
            let literal = match value {
                Value::Nil => "NULL",
                Value::Boolean(true) if field.holds == Holds::Bool => "TRUE",
                Value::Boolean(false) if field.holds == Holds::Bool => "FALSE",
                _ => return Err(error::param(format!("{operator} takes nil or a truth value, for {name}"))),
            };
            Ok(select.clause(&format!("{expr} {operator} {literal}"), []))
        }
        // Nothing equals nil.
        "=" | "!=" | ">" | "<" | ">=" | "<=" if value.is_nil() => Ok(select.clause("FALSE", [])),
        "=" | "!=" | ">" | "<" | ">=" | "<=" => {
            Ok(select.clause(&format!("{expr} {operator} ?"), [field.param(value)?]))
        }
        _ => Err(error::param(format!("Invalid operator: {operator}"))),
    }
}

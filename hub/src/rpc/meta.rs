//! Methods that call another one and make something of its answer. The other one runs in the same transaction,
//! with the caller's rights.

use std::cmp::Ordering;

use toji_hub_macros::rpc;
use toji_proto::{Value, ValueExt};

use super::{Call, FromArg, Method, Struct, dispatch};
use crate::error::{self, Rpc};

pub const METHODS: &[Method] = &[COUNT, COUNT_AND_FILTER_RESULTS, FILTER_RESULTS];

/// The length of another method's answer: of a list or struct the number of items, nothing counts 0, anything
/// else 1.
#[rpc("count(methodName, *args, **kw)", read)]
pub async fn count(call: &mut Call, method: String, args: Vec<Value>, kw: Struct) -> Rpc<usize> {
    Ok(match run(call, &method, args, kw).await? {
        Value::Nil => 0,
        Value::Array(items) => items.len(),
        Value::Struct(members) => members.len(),
        _ => 1,
    })
}

/// What `countAndFilterResults` answers, without the count.
#[rpc("filterResults(methodName, *args, **kw)", read)]
pub async fn filter_results(call: &mut Call, method: String, args: Vec<Value>, kw: Struct) -> Rpc<Value> {
    Ok(filtered(call, &method, args, kw).await?.1)
}

/// Another method's list of structs, sorted and cut, with the number of all: `[count, list]`.
///
/// `filterOpts` has `order` (a key, `-` before it for descending), `noneGreatest` (default true: nil comes last),
/// `offset` and `limit`; both cut as Python slices do, so negative ones count from the end. An answer of nothing
/// gives `[0, nil]`; any other answer is a fault, and so is a fault of the method (1000, whatever it was).
#[rpc("countAndFilterResults(methodName, *args, **kw)", read)]
pub async fn count_and_filter_results(
    call: &mut Call,
    method: String,
    args: Vec<Value>,
    kw: Struct,
) -> Rpc<(usize, Value)> {
    filtered(call, &method, args, kw).await
}

async fn run(call: &mut Call, method: &str, mut args: Vec<Value>, mut kw: Struct) -> Rpc<Value> {
    if call.hub.registry.get(method).is_none() {
        return Err(error::generic(format!("method {method} doesn't exist")));
    }
    if !kw.is_empty() {
        kw.insert("__starstar".into(), Value::Boolean(true));
        args.push(Value::Struct(kw));
    }
    Box::pin(dispatch::run(call, method, args)).await
}

async fn filtered(call: &mut Call, method: &str, args: Vec<Value>, mut kw: Struct) -> Rpc<(usize, Value)> {
    let opts: Option<Struct> = Option::from_arg(kw.remove("filterOpts").unwrap_or(Value::Nil), "filterOpts")?;
    let mut opts = opts.unwrap_or_default();
    let answer = run(call, method, args, kw).await.map_err(|e| match e {
        error::Error::Fault { text, .. } => error::generic(format!("method {method} raised an exception ({text})")),
        other => other,
    })?;
    let mut items = match answer {
        Value::Nil => return Ok((0, Value::Nil)),
        Value::Array(items) => items,
        _ => return Err(error::generic(format!("{method}() did not return a list"))),
    };
    let total = items.len();
    let mut take = |key: &str| opts.remove(key).filter(|v| *v != Value::Nil);
    let none_greatest = take("noneGreatest").is_none_or(|v| v.is_true());
    if let Some(order) = take("order").filter(ValueExt::is_true) {
        items = sorted(items, &String::from_arg(order, "order")?, none_greatest)?;
    }
    if let Some(offset) = take("offset") {
        let start = slice_index(i64::from_arg(offset, "offset")?, items.len());
        items.drain(..start);
    }
    if let Some(limit) = take("limit") {
        items.truncate(slice_index(i64::from_arg(limit, "limit")?, items.len()));
    }
    Ok((total, Value::Array(items)))
}

/// Where a Python slice of a list begins or ends.
fn slice_index(index: i64, length: usize) -> usize {
    let distance = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
    if index < 0 { length.saturating_sub(distance) } else { distance.min(length) }
}

fn sorted(items: Vec<Value>, order: &str, none_greatest: bool) -> Rpc<Vec<Value>> {
    let (key, descending) = match order.strip_prefix('-') {
        Some(key) => (key, true),
        None => (order, false),
    };
    let mut keyed = Vec::with_capacity(items.len());
    for item in items {
        let value = item.get(key).ok_or_else(|| error::param(format!("there is no {key} to order by")))?;
        let rank = Rank::of(value).ok_or_else(|| error::param(format!("the values of {key} have no order")))?;
        keyed.push((rank, item));
    }
    let texts = keyed.iter().filter(|(rank, _)| matches!(rank, Rank::Text(_))).count();
    let numbers = keyed.iter().filter(|(rank, _)| matches!(rank, Rank::Number(_))).count();
    if texts > 0 && numbers > 0 {
        return Err(error::param(format!("the values of {key} are texts as well as numbers")));
    }
    keyed.sort_by(|(a, _), (b, _)| {
        let ordering = a.compare(b, none_greatest);
        if descending { ordering.reverse() } else { ordering }
    });
    Ok(keyed.into_iter().map(|(_, item)| item).collect())
}

/// What a value is sorted by.
enum Rank {
    Nil,
    Number(f64),
    Text(String),
}

impl Rank {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Nil => Some(Self::Nil),
            Value::String(text) => Some(Self::Text(text.clone())),
            other => other.as_f64().or(other.as_bool().map(f64::from)).map(Self::Number),
        }
    }

    fn compare(&self, other: &Self, none_greatest: bool) -> Ordering {
        let nil = |ordering: Ordering| if none_greatest { ordering } else { ordering.reverse() };
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Nil, Self::Nil) => Ordering::Equal,
            (Self::Nil, _) => nil(Ordering::Greater),
            (_, Self::Nil) => nil(Ordering::Less),
            (Self::Number(_), Self::Text(_)) => Ordering::Less,
            (Self::Text(_), Self::Number(_)) => Ordering::Greater,
        }
    }
}

#[cfg(test)]
mod tests {
    use toji_proto::value;

    use super::*;

    #[test]
    fn slices_are_pythons() {
        for (index, length, expected) in [(0, 3, 0), (2, 3, 2), (9, 3, 3), (-1, 3, 2), (-9, 3, 0), (i64::MIN, 3, 0)] {
            assert_eq!(slice_index(index, length), expected);
        }
    }

    #[test]
    fn sorting_keeps_the_order_of_equals_and_refuses_mixtures() {
        let item = |n: Option<i32>, name: &str| value!({ "n": n, "name": name });
        let items = vec![item(Some(2), "a"), item(None, "b"), item(Some(1), "c"), item(Some(2), "d")];
        let names = |order: &str, none_greatest| -> Vec<String> {
            let sorted = sorted(items.clone(), order, none_greatest).expect("comparable");
            sorted.iter().map(|i| i.get("name").and_then(ValueExt::as_str).unwrap_or("").into()).collect()
        };
        assert_eq!(names("n", true), ["c", "a", "d", "b"]);
        assert_eq!(names("-n", true), ["b", "a", "d", "c"]);
        assert_eq!(names("n", false), ["b", "c", "a", "d"]);
        assert!(sorted(items.clone(), "nosuch", true).is_err());
        assert!(sorted(vec![value!({ "x": 1 }), value!({ "x": "a" })], "x", true).is_err());
    }
}

//! What a path finds in an object.

use std::cmp::Ordering;

use serde_json::Value;

use super::{Filter, Operand, Operator, Piece, Step};

/// The pieces as text; paths start at `here`, and `$` at `root`.
pub(super) fn render(pieces: &[Piece], root: &Value, here: &Value) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::Path(path) => find(path, root, here).into_iter().map(show).collect::<Vec<_>>().join(" "),
        Piece::Range(path, inner) => {
            find(path, root, here).into_iter().map(|item| render(inner, root, item)).collect()
        }
    };
    pieces.iter().map(piece).collect()
}

fn show(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn find<'a>(path: &[Step], root: &'a Value, here: &'a Value) -> Vec<&'a Value> {
    path.iter()
        .fold(vec![here], |found, step| found.into_iter().flat_map(|value| one(step, root, value)).collect())
}

fn one<'a>(step: &Step, root: &'a Value, value: &'a Value) -> Vec<&'a Value> {
    match step {
        Step::Root => vec![root],
        Step::Field(name) => value.get(name).into_iter().collect(),
        Step::Fields(names) => names.iter().filter_map(|name| value.get(name)).collect(),
        Step::All => children(value),
        Step::Descend(name) => descend(name, value),
        Step::Indexes(indexes) => {
            let items = items(value);
            indexes.iter().filter_map(|i| items.get(position(*i, items.len())?)).collect()
        }
        Step::Slice(from, to, every) => slice(items(value), *from, *to, *every),
        Step::Filter(filter) => {
            children(value).into_iter().filter(|item| holds(filter, root, item)).collect()
        }
    }
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn children(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(fields) => fields.values().collect(),
        _ => Vec::new(),
    }
}

fn descend<'a>(name: &str, value: &'a Value) -> Vec<&'a Value> {
    let here = if name == "*" { children(value) } else { value.get(name).into_iter().collect() };
    let below = children(value).into_iter().flat_map(|child| descend(name, child));
    here.into_iter().chain(below).collect()
}

/// Negative positions count from the end.
fn position(index: i64, length: usize) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    usize::try_from(if index < 0 { index + length } else { index }).ok()
}

fn slice(items: &[Value], from: Option<i64>, to: Option<i64>, every: usize) -> Vec<&Value> {
    let bound = |index: i64| position(index, items.len()).unwrap_or(0).min(items.len());
    let (from, to) = (from.map_or(0, bound), to.map_or(items.len(), bound));
    items.get(from..to).unwrap_or_default().iter().step_by(every).collect()
}

fn holds(filter: &Filter, root: &Value, item: &Value) -> bool {
    let left = find(&filter.left, root, item);
    let Some((operator, operand)) = &filter.test else {
        return !left.is_empty();
    };
    let right = match operand {
        Operand::Literal(value) => vec![value],
        Operand::Path(path) => find(path, root, item),
    };
    let (Some(left), Some(right)) = (left.first(), right.first()) else {
        return false;
    };
    compare(*operator, left, right)
}

fn compare(operator: Operator, left: &Value, right: &Value) -> bool {
    let order = match (left, right) {
        (Value::Number(a), Value::Number(b)) => a.as_f64().partial_cmp(&b.as_f64()),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => None,
    };
    match operator {
        Operator::Equal => left == right || order == Some(Ordering::Equal),
        Operator::NotEqual => !compare(Operator::Equal, left, right),
        Operator::Less => order == Some(Ordering::Less),
        Operator::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Operator::Greater => order == Some(Ordering::Greater),
        Operator::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
    }
}

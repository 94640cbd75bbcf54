//! From the text of a template to its pieces.

use serde_json::Value;

use super::{Filter, Operand, Operator, Piece, Step};

/// Longest first, so that `<=` is not read as `<`.
const OPERATORS: [(&str, Operator); 6] = [
    ("==", Operator::Equal),
    ("!=", Operator::NotEqual),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

pub(super) fn template(text: &str) -> Result<Vec<Piece>, String> {
    if !text.contains('{') && text.starts_with(['.', '$', '[']) {
        return Ok(vec![Piece::Path(path(text)?)]);
    }
    let (pieces, rest) = pieces(text, false)?;
    debug_assert!(rest.is_empty());
    Ok(pieces)
}

/// Pieces up to the end of the text, or up to `{end}` inside a range; and what follows.
fn pieces(mut text: &str, inside: bool) -> Result<(Vec<Piece>, &str), String> {
    let mut found = Vec::new();
    while !text.is_empty() {
        let Some(open) = text.find('{') else {
            found.push(Piece::Text(text.to_owned()));
            text = "";
            break;
        };
        if open > 0 {
            found.push(Piece::Text(text[..open].to_owned()));
        }
        let close = end_of(&text[open..], '{', '}')?;
        let (body, rest) = (text[open + 1..open + close].trim(), &text[open + close + 1..]);
        text = rest;
        match body.strip_prefix("range ") {
            Some(over) => {
                let (inner, after) = pieces(text, true)?;
                found.push(Piece::Range(path(over.trim())?, inner));
                text = after;
            }
            None if body == "end" && inside => return Ok((found, text)),
            None if body == "end" => return Err("{end} without {range}".to_owned()),
            None => found.push(expression(body)?),
        }
    }
    if inside { Err("{range} without {end}".to_owned()) } else { Ok((found, text)) }
}

fn expression(body: &str) -> Result<Piece, String> {
    if body.starts_with(['"', '\'']) { quoted(body).map(Piece::Text) } else { path(body).map(Piece::Path) }
}

/// Where the bracket that opens `text` is closed; brackets in quotes do not count.
fn end_of(text: &str, open: char, close: char) -> Result<usize, String> {
    let (mut depth, mut quote, mut escaped) = (0_usize, None, false);
    for (at, c) in text.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(q) if c == q => quote = None,
            Some(_) => {}
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c == open => depth += 1,
            None if c == close && depth == 1 => return Ok(at),
            None if c == close => depth -= 1,
            None => {}
        }
    }
    match quote {
        Some(_) => Err(format!("a quote is not closed in {text:?}")),
        None => Err(format!("`{close}` is missing in {text:?}")),
    }
}

/// A text in quotes with `\n`, `\t` and the like.
fn quoted(text: &str) -> Result<String, String> {
    let inner = text.strip_prefix('\'').and_then(|t| t.strip_suffix('\''));
    let json = inner.map_or_else(|| text.to_owned(), |t| format!("\"{}\"", t.replace('"', "\\\"")));
    serde_json::from_str(&json).map_err(|_| format!("{text} is no text in quotes"))
}

fn path(text: &str) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let used = match first {
            '$' | '@' => {
                if first == '$' {
                    steps.push(Step::Root);
                }
                1
            }
            '[' => {
                let close = end_of(rest, '[', ']')?;
                steps.push(bracket(rest[1..close].trim())?);
                close + 1
            }
            '.' if rest.starts_with("..") => {
                let (name, used) = field(&rest[2..]);
                steps.push(Step::Descend(name));
                used + 2
            }
            '.' => {
                let (name, used) = field(&rest[1..]);
                steps.extend(named(name));
                used + 1
            }
            _ if steps.is_empty() => {
                let (name, used) = field(rest);
                steps.extend(named(name));
                used
            }
            _ => return Err(format!("{rest:?} cannot follow in the path {text:?}")),
        };
        rest = &rest[used..];
    }
    Ok(steps)
}

fn named(name: String) -> Option<Step> {
    match name.as_str() {
        "" => None,
        "*" => Some(Step::All),
        _ => Some(Step::Field(name)),
    }
}

/// A name up to `.` or `[`, and how many bytes it took; `\.` is a dot in the name.
fn field(text: &str) -> (String, usize) {
    let (mut name, mut escaped) = (String::new(), false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => {
                name.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '.' | '[' | ' ' => return (name, at),
            _ => name.push(c),
        }
    }
    (name, text.len())
}

fn bracket(inner: &str) -> Result<Step, String> {
    if inner == "*" {
        return Ok(Step::All);
    }
    if let Some(condition) = inner.strip_prefix("?(").and_then(|c| c.strip_suffix(')')) {
        return filter(condition.trim()).map(Step::Filter);
    }
    if inner.starts_with(['\'', '"']) {
        return inner.split(',').map(|name| quoted(name.trim())).collect::<Result<_, _>>().map(Step::Fields);
    }
    let number =
        |text: &str| text.trim().parse::<i64>().map_err(|_| format!("{:?} is no index", text.trim()));
    if inner.contains(':') {
        let part = |text: Option<&str>| text.filter(|t| !t.trim().is_empty()).map(number).transpose();
        let mut parts = inner.splitn(3, ':');
        let (from, to) = (part(parts.next())?, part(parts.next())?);
        let step = part(parts.next())?.unwrap_or(1);
        let step = usize::try_from(step).ok().filter(|s| *s > 0).ok_or("the step of a slice is 1 or more")?;
        return Ok(Step::Slice(from, to, step));
    }
    inner.split(',').map(number).collect::<Result<_, _>>().map(Step::Indexes)
}

fn filter(condition: &str) -> Result<Filter, String> {
    let found = OPERATORS.iter().filter_map(|(sign, op)| condition.find(sign).map(|at| (at, *sign, *op)));
    // The first sign counts; at one place the longer one, which stands first in the list.
    let first = found.min_by_key(|(at, _, _)| *at);
    let Some((at, sign, operator)) = first else {
        return Ok(Filter { left: path(condition)?, test: None });
    };
    let right = condition[at + sign.len()..].trim();
    let operand = if right.starts_with(['@', '$', '.']) {
        Operand::Path(path(right)?)
    } else if right.starts_with(['\'', '"']) {
        Operand::Literal(Value::String(quoted(right)?))
    } else {
        Operand::Literal(
            serde_json::from_str(right).map_err(|_| format!("{right:?} is no value to compare with"))?,
        )
    };
    Ok(Filter { left: path(condition[..at].trim())?, test: Some((operator, operand)) })
}

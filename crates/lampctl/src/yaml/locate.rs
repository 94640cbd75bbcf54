//! Where a field stands in the text: `spec.tiers[1].capacity.min` to bytes of the file.

use std::ops::Range;

use serde_saphyr::granit_parser::{Event, Parser, Span};

/// Where a field stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    /// Bytes of its name; for an item of a list, of the item.
    pub(crate) key: Range<usize>,
    /// Bytes of its value.
    pub(crate) value: Range<usize>,
    /// Whether the field itself is there; else this is the nearest field around it.
    pub(crate) exact: bool,
}

/// One step of a path: a name, or a position in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Name(String),
    Position(usize),
}

/// A value in the text.
#[derive(Clone, Debug)]
struct Node {
    range: Range<usize>,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    /// A plain value, or a reference to one that stands elsewhere.
    Leaf {
        empty: bool,
    },
    Map(Vec<(String, Range<usize>, Node)>),
    List(Vec<Node>),
}

/// Finds `path` in the document of `text` with this number (empty ones do not count), below item `item` of its list
/// if that is given. None where the text is not the YAML that it was.
pub(crate) fn locate(text: &str, document: usize, item: Option<usize>, path: &str) -> Option<Location> {
    let root = documents(text)?.into_iter().nth(document)?;
    let below = item.map_or_else(Vec::new, |i| vec![Step::Name("items".to_owned()), Step::Position(i)]);
    let mut here = Location { key: start(&root.range), value: start(&root.range), exact: false };
    let mut node = &root;
    for step in below.into_iter().chain(steps(path)) {
        let Some((key, child)) = node.child(&step) else {
            return Some(here);
        };
        here = Location { key, value: child.range.clone(), exact: false };
        node = child;
    }
    Some(Location { exact: true, ..here })
}

fn start(range: &Range<usize>) -> Range<usize> {
    range.start..range.start
}

impl Node {
    fn child(&self, step: &Step) -> Option<(Range<usize>, &Node)> {
        match (&self.content, step) {
            (Content::Map(fields), Step::Name(name)) => {
                fields.iter().find(|(key, ..)| key == name).map(|(_, range, node)| (range.clone(), node))
            }
            (Content::List(items), Step::Position(at)) => {
                items.get(*at).map(|node| (node.range.clone(), node))
            }
            _ => None,
        }
    }
}

/// `spec.tiers[1].name`, `metadata.annotations[lamplighter.dev/adopt]`.
fn steps(path: &str) -> Vec<Step> {
    let (mut steps, mut name, mut rest) = (Vec::new(), String::new(), path.chars());
    let end_name = |name: &mut String, steps: &mut Vec<Step>| {
        if !name.is_empty() {
            steps.push(Step::Name(std::mem::take(name)));
        }
    };
    while let Some(c) = rest.next() {
        match c {
            '.' => end_name(&mut name, &mut steps),
            '[' => {
                end_name(&mut name, &mut steps);
                let inner: String = rest.by_ref().take_while(|c| *c != ']').collect();
                steps.push(inner.parse().map_or(Step::Name(inner), Step::Position));
            }
            _ => name.push(c),
        }
    }
    end_name(&mut name, &mut steps);
    steps
}

/// The roots of all documents that hold something.
fn documents(text: &str) -> Option<Vec<Node>> {
    let mut parser = Parser::new_from_str(text);
    let mut found = Vec::new();
    while let Some(event) = parser.next_event() {
        if let (Event::DocumentStart(..), _) = event.ok()? {
            let root = node(&mut parser)?;
            if !matches!(root.content, Content::Leaf { empty: true }) {
                found.push(root);
            }
        }
    }
    Some(found)
}

type TextParser<'a> = Parser<'a, serde_saphyr::granit_parser::StrInput<'a>>;

/// The next event that is no remark.
fn next<'a>(parser: &mut TextParser<'a>) -> Option<(Event<'a>, Span)> {
    loop {
        let (event, span) = parser.next_event()?.ok()?;
        if !matches!(event, Event::Comment(..) | Event::Anchor(..)) {
            return Some((event, span));
        }
    }
}

fn node(parser: &mut TextParser<'_>) -> Option<Node> {
    let first = next(parser)?;
    build(parser, first)
}

fn build<'a>(parser: &mut TextParser<'a>, (event, span): (Event<'a>, Span)) -> Option<Node> {
    let range = span.byte_range()?;
    match event {
        Event::MappingStart(..) => {
            let mut fields = Vec::new();
            loop {
                let (event, span) = next(parser)?;
                if matches!(event, Event::MappingEnd) {
                    let end = fields.last().map_or(range.end, |(_, _, node): &(_, _, Node)| node.range.end);
                    return Some(Node { range: range.start..end, content: Content::Map(fields) });
                }
                let key = if let Event::Scalar(text, ..) = &event { text.to_string() } else { String::new() };
                let key_node = build(parser, (event, span))?;
                let value = node(parser)?;
                fields.push((key, key_node.range, value));
            }
        }
        Event::SequenceStart(..) => {
            let mut items = Vec::new();
            loop {
                let first = next(parser)?;
                if matches!(first.0, Event::SequenceEnd) {
                    let end = items.last().map_or(range.end, |node: &Node| node.range.end);
                    return Some(Node { range: range.start..end, content: Content::List(items) });
                }
                items.push(build(parser, first)?);
            }
        }
        Event::Scalar(text, style, ..) => {
            let plain = style == serde_saphyr::granit_parser::ScalarStyle::Plain;
            let empty = plain && matches!(text.as_ref(), "" | "~" | "null");
            Some(Node { range, content: Content::Leaf { empty } })
        }
        Event::Alias(..) | Event::UnresolvedAlias(..) => {
            Some(Node { range, content: Content::Leaf { empty: false } })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# a site\napiVersion: v1\nspec:\n  tiers:\n  - name: web\n  - name: äpp # the second\n    \
                        capacity: {min: 3, max: 2}\n    parameters:\n      a.b/c: x\n---\n---\nspec: {region: eu}\n";

    fn found(document: usize, path: &str) -> (&'static str, &'static str, bool) {
        let location = locate(TEXT, document, None, path).unwrap();
        (&TEXT[location.key], &TEXT[location.value], location.exact)
    }

    #[test]
    fn fields_are_found_by_their_path() {
        assert_eq!(found(0, "apiVersion"), ("apiVersion", "v1", true));
        assert_eq!(found(0, "spec.tiers[1].name"), ("name", "äpp", true));
        assert_eq!(found(0, "spec.tiers[1].capacity.max"), ("max", "2", true));
        assert_eq!(found(0, "spec.tiers[1].parameters[a.b/c]"), ("a.b/c", "x", true));
    }

    #[test]
    fn empty_documents_do_not_count() {
        assert_eq!(found(1, "spec.region"), ("region", "eu", true));
        assert_eq!(locate(TEXT, 2, None, "spec"), None);
    }

    #[test]
    fn a_missing_field_is_shown_at_what_should_hold_it() {
        let (key, _, exact) = found(0, "spec.tiers[1].capacity.step");
        assert_eq!((key, exact), ("capacity", false));
        assert!(!found(0, "status.x").2);
    }

    #[test]
    fn items_of_lists_are_found() {
        let text = "items:\n- {a: 1}\n- {a: 2}\n";
        let location = locate(text, 0, Some(1), "a").unwrap();
        assert_eq!(&text[location.value.start..], "2}\n");
    }

    #[test]
    fn text_that_is_no_yaml_has_no_places() {
        assert_eq!(locate("a: [", 0, None, "a"), None);
    }
}

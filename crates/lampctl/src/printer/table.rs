//! Tables without borders, as kubectl prints them.

use serde::Deserialize;
use serde_json::Value;

/// `meta.k8s.io/v1` `Table`: the server says what a person should see.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Table {
    #[serde(default)]
    pub(crate) metadata: Value,
    #[serde(default)]
    pub(crate) column_definitions: Vec<Column>,
    #[serde(default)]
    pub(crate) rows: Vec<Row>,
}

/// A column; one with a priority above 0 shows only with `-o wide`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Column {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) priority: i32,
}

/// A row, with the metadata of the object that it stands for.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Row {
    pub(crate) cells: Vec<Value>,
    #[serde(default)]
    pub(crate) object: Value,
}

/// What of a table is shown.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shown {
    pub(crate) wide: bool,
    pub(crate) namespace: bool,
    pub(crate) headers: bool,
}

impl Table {
    /// The table as lines of text.
    #[cfg(test)]
    pub(crate) fn text(&self, shown: Shown) -> String {
        self.columns(shown, Vec::new()).text()
    }

    /// The table in columns, at least as wide as those that were printed before.
    pub(crate) fn columns(&self, shown: Shown, least: Vec<usize>) -> Columns {
        let mut columns = Columns::aligned(least);
        if shown.headers {
            columns.row(self.headers(shown));
        }
        for row in &self.rows {
            columns.row(self.cells(row, shown));
        }
        columns
    }

    fn headers(&self, shown: Shown) -> Vec<String> {
        let namespace = shown.namespace.then(|| "NAMESPACE".to_owned());
        let visible = self.column_definitions.iter().filter(|c| shown.wide || c.priority == 0);
        namespace.into_iter().chain(visible.map(|c| c.name.to_uppercase())).collect()
    }

    fn cells(&self, row: &Row, shown: Shown) -> Vec<String> {
        let namespace = row.object["metadata"]["namespace"].as_str().unwrap_or_default();
        let namespace = shown.namespace.then(|| namespace.to_owned());
        let visible = |i: usize| shown.wide || self.column_definitions.get(i).is_none_or(|c| c.priority == 0);
        let cells = row.cells.iter().enumerate().filter(|(i, _)| visible(*i)).map(|(_, value)| cell(value));
        namespace.into_iter().chain(cells).collect()
    }
}

/// A cell on one line.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => "<none>".to_owned(),
        Value::String(text) => text.replace('\n', "\\n"),
        other => other.to_string(),
    }
}

/// Columns as wide as their widest cell, three spaces apart. Cells may be coloured.
#[derive(Clone, Debug, Default)]
pub(crate) struct Columns {
    rows: Vec<Vec<String>>,
    indent: usize,
    /// Columns are at least this wide.
    least: Vec<usize>,
}

impl Columns {
    pub(crate) fn indented(indent: usize) -> Self {
        Self { indent, ..Self::default() }
    }

    /// At least as wide as the columns that were printed before.
    pub(crate) fn aligned(least: Vec<usize>) -> Self {
        Self { least, ..Self::default() }
    }

    /// How wide each column is.
    pub(crate) fn widths(&self) -> Vec<usize> {
        let count = self.rows.iter().map(Vec::len).chain([self.least.len()]).max().unwrap_or(0);
        let least = |i: usize| self.least.get(i).copied().unwrap_or(0);
        let cells = |i: usize| self.rows.iter().filter_map(move |row| row.get(i)).map(|cell| width(cell));
        (0..count).map(|i| cells(i).fold(least(i), usize::max)).collect()
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// All rows, each with a line break; the last cell of a row is not padded.
    pub(crate) fn text(&self) -> String {
        let widths = self.widths();
        self.rows.iter().map(|row| self.line(row, &widths)).collect()
    }

    fn line(&self, row: &[String], widths: &[usize]) -> String {
        let mut line = " ".repeat(self.indent);
        for (i, (cell, wide)) in row.iter().zip(widths).enumerate() {
            line.push_str(cell);
            if i + 1 < row.len() {
                line.push_str(&" ".repeat(wide - width(cell) + 3));
            }
        }
        line.truncate(line.trim_end().len());
        line + "\n"
    }
}

/// Characters that show: colour takes no room.
fn width(text: &str) -> usize {
    anstream::adapter::strip_str(text).to_string().chars().count()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::*;
    use crate::printer::style;

    fn table() -> Table {
        serde_json::from_value(json!({
            "columnDefinitions": [
                {"name": "Name", "priority": 0}, {"name": "Url", "priority": 1}, {"name": "Age", "priority": 0}
            ],
            "rows": [
                {"cells": ["shop", "http://x", "37s"], "object": {"metadata": {"namespace": "default"}}},
                {"cells": ["a-longer-one", null, "5m"], "object": {"metadata": {"namespace": "web"}}}
            ]
        }))
        .unwrap()
    }

    #[test]
    fn a_table_looks_like_that_of_kubectl() {
        expect![[r"
            NAME           AGE
            shop           37s
            a-longer-one   5m
        "]]
        .assert_eq(&table().text(Shown { headers: true, ..Shown::default() }));
        expect![[r"
            NAMESPACE   NAME           URL        AGE
            default     shop           http://x   37s
            web         a-longer-one   <none>     5m
        "]]
        .assert_eq(&table().text(Shown { headers: true, wide: true, namespace: true }));
        assert_eq!(table().text(Shown::default()), "shop           37s\na-longer-one   5m\n");
    }

    #[test]
    fn colour_takes_no_room() {
        let mut columns = Columns::indented(2);
        columns.row(vec![style::bad("✖"), "x".into()]);
        columns.row(vec!["ab".into(), "y".into()]);
        let plain = anstream::adapter::strip_str(&columns.text()).to_string();
        assert_eq!(plain, "  ✖    x\n  ab   y\n");
    }
}

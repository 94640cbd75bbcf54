//! `get`: objects as the server's table, or for programs.

use clap::Args;
use kube::core::WatchEvent;
use lamp_api::kinds;
use serde_json::Value;

use super::read;
use crate::client::{Selection, Tail, decode};
use crate::exit::{Failure, Outcome};
use crate::printer::format::{self, Format};
use crate::printer::table::{Shown, Table};
use crate::session::Session;
use crate::target::{self, Target, targets};

#[derive(Debug, Args)]
pub(crate) struct Get {
    /// `[TYPE]`, `TYPE NAME…` or `TYPE/NAME…`; types are lamp, events, plans and ns [default: lamp]
    #[arg(value_name = "WHAT")]
    what: Vec<String>,
    /// wide, json, yaml, name or jsonpath=TEMPLATE
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<Format>,
    /// In all namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// Only objects with these labels, for example team=web,env!=test
    #[arg(short = 'l', long, value_name = "LABELS")]
    selector: Option<String>,
    /// Only objects with these fields, for example metadata.name=shop
    #[arg(long, value_name = "FIELDS")]
    field_selector: Option<String>,
    /// No headings
    #[arg(long)]
    no_headers: bool,
    /// Objects that do not exist are no failure
    #[arg(long)]
    ignore_not_found: bool,
    /// With JSON and YAML: who owns which fields as well
    #[arg(long)]
    show_managed_fields: bool,
    /// Go on and show changes
    #[arg(short, long)]
    watch: bool,
}

/// What was asked for.
enum Question {
    All(Selection),
    Named(Vec<Target>),
}

/// Rows that were printed need rows of the same shape after them.
struct Printed {
    widths: Vec<usize>,
    /// Whether headings still come first.
    headings: bool,
}

impl Get {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Outcome, Failure> {
        let table = matches!(self.output, None | Some(Format::Wide));
        match (self.question(session, table)?, &self.output) {
            (Question::All(selection), Some(format)) if !table => {
                self.objects(session, &selection, format).await?
            }
            (Question::All(selection), _) => self.table(session, &selection).await?,
            (Question::Named(named), Some(format)) if !table => {
                self.named_objects(session, &named, format).await?
            }
            (Question::Named(named), _) => self.named_table(session, &named).await?,
        }
        Ok(Outcome::Done)
    }

    fn question(&self, session: &Session, table: bool) -> Result<Question, Failure> {
        let kind = match self.what.as_slice() {
            [] => &kinds::LAMPSTACK,
            [only] if !only.contains('/') => target::kind(only).ok_or_else(|| not_a_type(only))?,
            words => return self.named(words),
        };
        let mut selection = Selection::new(kind, &session.namespace);
        if self.all_namespaces {
            selection.namespace = None;
        }
        selection.labels.clone_from(&self.selector);
        selection.fields.clone_from(&self.field_selector);
        selection.table = table;
        Ok(Question::All(selection))
    }

    fn named(&self, words: &[String]) -> Result<Question, Failure> {
        if let Some(first) = words.first().filter(|w| !w.contains('/') && target::kind(w).is_none()) {
            return Err(not_a_type(first));
        }
        if self.all_namespaces || self.selector.is_some() || self.field_selector.is_some() {
            let text =
                "names cannot be combined with -A, -l or --field-selector: a name says which object is meant";
            return Err(Failure::Usage(text.to_owned()));
        }
        let named = targets(words, &kinds::LAMPSTACK)?;
        if self.watch && named.len() != 1 {
            return Err(Failure::Usage("-w watches one object, or all of a type".to_owned()));
        }
        Ok(Question::Named(named))
    }

    async fn table(&self, session: &mut Session, selection: &Selection) -> Result<(), Failure> {
        let (table, version) = pages(session, selection).await?;
        let mut printed = Printed { widths: Vec::new(), headings: true };
        if table.rows.is_empty() {
            if !self.watch && !self.ignore_not_found {
                session.talk.say(&nothing(selection));
            }
        } else {
            self.print(session, &table, &mut printed)?;
        }
        if self.watch {
            self.watch_table(session, selection.clone(), &version, printed).await
        } else {
            Ok(())
        }
    }

    async fn named_table(&self, session: &mut Session, named: &[Target]) -> Result<(), Failure> {
        let mut failures = Vec::new();
        let mut printed = Printed { widths: Vec::new(), headings: true };
        let mut kind_before = None;
        for Target { kind, name } in named {
            let mut selection = Selection::new(kind, &session.namespace);
            selection.table = true;
            match session.server.send(selection.get(name)?).await {
                Ok(answer) => {
                    if kind_before.is_some_and(|before| before != *kind) {
                        session.out.line("")?;
                        printed = Printed { widths: Vec::new(), headings: true };
                    }
                    kind_before = Some(*kind);
                    let table: Table = decode(answer)?;
                    let version = version(&table);
                    self.print(session, &table, &mut printed)?;
                    if self.watch {
                        return self.watch_table(session, selection.named(name), &version, printed).await;
                    }
                }
                Err(failure) if self.ignore_not_found && failure.http_code() == Some(404) => {}
                Err(failure @ Failure::Unreachable { .. }) => return Err(failure),
                Err(failure) => failures.push(failure),
            }
        }
        Failure::all(failures)
    }

    fn print(&self, session: &mut Session, table: &Table, printed: &mut Printed) -> Result<(), Failure> {
        let shown = Shown {
            wide: self.output == Some(Format::Wide),
            namespace: self.all_namespaces,
            headers: printed.headings && !self.no_headers,
        };
        let columns = table.columns(shown, std::mem::take(&mut printed.widths));
        *printed = Printed { widths: columns.widths(), headings: false };
        session.out.write(&columns.text())
    }

    async fn watch_table(
        &self,
        session: &mut Session,
        selection: Selection,
        version: &str,
        mut printed: Printed,
    ) -> Result<(), Failure> {
        let mut definitions = Vec::new();
        let mut tail = Tail::new(selection, version);
        loop {
            let Some(object) = changed(tail.next(&session.server).await?) else { continue };
            let mut table: Table = decode(object)?;
            // The server may name the columns with the first event only.
            if table.column_definitions.is_empty() {
                table.column_definitions.clone_from(&definitions);
            } else {
                definitions.clone_from(&table.column_definitions);
            }
            self.print(session, &table, &mut printed)?;
        }
    }

    async fn objects(
        &self,
        session: &mut Session,
        selection: &Selection,
        format: &Format,
    ) -> Result<(), Failure> {
        let (items, version) = read::list(session, selection).await?;
        let items: Vec<Value> = items.into_iter().map(|item| self.shown(item)).collect();
        if !self.watch {
            return session.out.write(&format.text(&format::list(items))?);
        }
        for item in &items {
            session.out.write(&document(format, item)?)?;
        }
        self.watch_objects(session, selection.clone(), &version, format).await
    }

    async fn named_objects(
        &self,
        session: &mut Session,
        named: &[Target],
        format: &Format,
    ) -> Result<(), Failure> {
        let (mut found, mut failures) = (Vec::new(), Vec::new());
        for Target { kind, name } in named {
            match session.server.send(Selection::new(kind, &session.namespace).get(name)?).await {
                Ok(object) => found.push(self.shown(object)),
                Err(failure) if self.ignore_not_found && failure.http_code() == Some(404) => {}
                Err(failure @ Failure::Unreachable { .. }) => return Err(failure),
                Err(failure) => failures.push(failure),
            }
        }
        if let (true, [only], [target]) = (self.watch, found.as_slice(), named) {
            session.out.write(&document(format, only)?)?;
            let version = only["metadata"]["resourceVersion"].as_str().unwrap_or("0").to_owned();
            let selection = Selection::new(target.kind, &session.namespace).named(&target.name);
            return self.watch_objects(session, selection, &version, format).await;
        }
        if named.len() == 1 {
            for object in &found {
                session.out.write(&format.text(object)?)?;
            }
        } else if !found.is_empty() {
            session.out.write(&format.text(&format::list(found))?)?;
        }
        Failure::all(failures)
    }

    async fn watch_objects(
        &self,
        session: &mut Session,
        selection: Selection,
        version: &str,
        format: &Format,
    ) -> Result<(), Failure> {
        let mut tail = Tail::new(selection, version);
        loop {
            if let Some(object) = changed(tail.next(&session.server).await?) {
                session.out.write(&document(format, &self.shown(object))?)?;
            }
        }
    }

    /// The object as it is printed. A template gets all of it, as in kubectl.
    fn shown(&self, object: Value) -> Value {
        let hides = !self.show_managed_fields && matches!(self.output, Some(Format::Json | Format::Yaml));
        if hides { format::without_managed_fields(object) } else { object }
    }
}

fn not_a_type(word: &str) -> Failure {
    let unknown = target::unknown_kind(word);
    Failure::Usage(format!("{unknown}. For the stack of that name write `get lamp {word}`."))
}

fn nothing(selection: &Selection) -> String {
    match &selection.namespace {
        Some(namespace) => format!("No resources found in {namespace} namespace."),
        None => "No resources found".to_owned(),
    }
}

fn version(table: &Table) -> String {
    table.metadata["resourceVersion"].as_str().unwrap_or("0").to_owned()
}

async fn pages(session: &Session, selection: &Selection) -> Result<(Table, String), Failure> {
    let mut all: Table = decode(session.server.send(selection.list(None)?).await?)?;
    let mut at = version(&all);
    while let Some(token) = all.metadata["continue"].as_str().filter(|t| !t.is_empty()) {
        let more: Table = decode(session.server.send(selection.list(Some(token))?).await?)?;
        at = version(&more);
        all.metadata = more.metadata;
        all.rows.extend(more.rows);
    }
    Ok((all, at))
}

/// The object of a change.
fn changed(change: WatchEvent<Value>) -> Option<Value> {
    match change {
        WatchEvent::Added(object) | WatchEvent::Modified(object) | WatchEvent::Deleted(object) => {
            Some(object)
        }
        WatchEvent::Bookmark(_) | WatchEvent::Error(_) => None,
    }
}

/// One of several objects in a stream.
fn document(format: &Format, object: &Value) -> Result<String, Failure> {
    let text = format.text(object)?;
    Ok(if *format == Format::Yaml { format!("---\n{text}") } else { text })
}

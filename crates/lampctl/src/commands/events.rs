//! `events`: what happened, newest last.

use clap::Args;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event;
use kube::core::WatchEvent;
use lamp_api::kinds::{self, KindInfo};

use super::read;
use crate::age::present;
use crate::client::{Selection, Tail, decode};
use crate::exit::{Failure, Outcome};
use crate::printer::format::{Format, list as list_object};
use crate::printer::table::Columns;
use crate::session::Session;
use crate::target::{Target, targets};
use crate::view::event;

#[derive(Debug, Args)]
pub(crate) struct Events {
    /// Only what happened to this stack, or to this TYPE/NAME
    name: Option<String>,
    /// In all namespaces
    #[arg(short = 'A', long, conflicts_with = "name")]
    all_namespaces: bool,
    /// Go on and show what happens
    #[arg(short, long)]
    watch: bool,
    /// json, yaml, name or jsonpath=TEMPLATE
    #[arg(short, long, conflicts_with = "watch", value_name = "FORMAT")]
    output: Option<Format>,
}

impl Events {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Outcome, Failure> {
        let selection = self.selection(session)?;
        let (events, version) = list(session, &selection).await?;
        if let Some(format) = &self.output {
            let (objects, _) = read::list(session, &selection).await?;
            session.out.write(&format.text(&list_object(objects))?)?;
            return Ok(Outcome::Done);
        }
        if events.is_empty() && !self.watch {
            session.talk.say("No events found.");
            return Ok(Outcome::Done);
        }
        let widths = show(session, &events, Vec::new(), true, self.all_namespaces)?;
        if self.watch {
            watch(session, selection, &version, widths, self.all_namespaces).await?;
        }
        Ok(Outcome::Done)
    }

    fn selection(&self, session: &Session) -> Result<Selection, Failure> {
        if let Some(word) = &self.name {
            let Target { kind, name } = targets(std::slice::from_ref(word), &kinds::LAMPSTACK)?.remove(0);
            return Ok(about(&session.namespace, kind, &name));
        }
        let mut selection = Selection::new(&kinds::EVENT, &session.namespace);
        if self.all_namespaces {
            selection.namespace = None;
        }
        Ok(selection)
    }
}

/// Events about one object.
pub(super) fn about(namespace: &str, kind: &KindInfo, name: &str) -> Selection {
    let mut selection = Selection::new(&kinds::EVENT, namespace);
    selection.fields = Some(format!("involvedObject.kind={},involvedObject.name={name}", kind.kind));
    selection
}

/// The events, newest last, and the version of the list.
pub(super) async fn list(session: &Session, selection: &Selection) -> Result<(Vec<Event>, String), Failure> {
    let (items, version) = read::list(session, selection).await?;
    let mut events: Vec<Event> = items.into_iter().map(decode).collect::<Result<_, _>>()?;
    events.sort_by_key(event::last_seen);
    Ok((events, version))
}

/// Prints events in columns at least as wide as `widths`; gives the widths for the next.
fn show(
    session: &mut Session,
    events: &[Event],
    widths: Vec<usize>,
    headings: bool,
    namespaces: bool,
) -> Result<Vec<usize>, Failure> {
    let mut columns = Columns::aligned(widths);
    let row = |namespace: &str, cells: Vec<String>| {
        let first = namespaces.then(|| namespace.to_owned());
        first.into_iter().chain(cells).collect::<Vec<_>>()
    };
    if headings {
        columns.row(row("NAMESPACE", event::HEADINGS.map(str::to_owned).to_vec()));
    }
    let now = present(Timestamp::now(), events.iter().filter_map(event::last_seen));
    for one in events {
        columns.row(row(one.metadata.namespace.as_deref().unwrap_or_default(), event::cells(one, now)));
    }
    session.out.write(&columns.text())?;
    Ok(columns.widths())
}

async fn watch(
    session: &mut Session,
    selection: Selection,
    version: &str,
    mut widths: Vec<usize>,
    namespaces: bool,
) -> Result<(), Failure> {
    let mut tail = Tail::new(selection, version);
    loop {
        // An event that is forgotten is nothing that happens.
        if let WatchEvent::Added(object) | WatchEvent::Modified(object) = tail.next(&session.server).await? {
            widths = show(session, &[decode(object)?], widths, false, namespaces)?;
        }
    }
}

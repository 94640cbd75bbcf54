//! One region of the emulator for one test, and the words that tests are written in.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use lamp_aws::{AwsCloud, Config};
use lamp_cloud::kinds::{subnet::Subnet, vpc::Vpc};
use lamp_cloud::{
    Body, Change, Cloud, CloudError, DeleteOptions, Kind, Listing, Owner, Part, Read, Reading, Reference,
    Request, Resource, ResourceId, Tags,
};

use crate::server::Server;

/// The installation that the tests play.
pub(crate) const INSTALL: &str = "test";

/// The emulator of this test binary: started by the first test, ended with the last that still runs.
static SERVER: Mutex<Weak<Server>> = Mutex::new(Weak::new());

fn server() -> Arc<Server> {
    let mut running = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(server) = running.upgrade() {
        return server;
    }
    let server = Arc::new(Server::start().expect("the emulator starts"));
    *running = Arc::downgrade(&server);
    server
}

/// A region of its own for one test: the emulator keeps regions apart.
pub(crate) struct Account {
    pub(crate) cloud: AwsCloud,
    region: &'static str,
    server: Arc<Server>,
}

impl Account {
    pub(crate) async fn new(region: &'static str) -> Self {
        let server = server();
        let config = Config { region: region.into(), install: INSTALL.into() };
        let cloud = AwsCloud::connect_to(config, server.url()).await.expect("a connection");
        Self { cloud, region, server }
    }

    /// The same region, as another installation sees it.
    pub(crate) async fn as_install(&self, install: &str) -> AwsCloud {
        let config = Config { region: self.region.into(), install: install.into() };
        AwsCloud::connect_to(config, self.server.url()).await.expect("a connection")
    }

    /// Where the emulator listens.
    pub(crate) fn url(&self) -> &str {
        self.server.url()
    }

    /// Runs boto3, as a person or another program would.
    pub(crate) fn python(&self, program: &str) -> String {
        self.server.python(self.region, program).expect("the program runs")
    }

    pub(crate) async fn create(&self, part: &str, name: &str, body: impl Into<Body>) -> ResourceId {
        self.try_create(part, name, body).await.expect(part)
    }

    pub(crate) async fn try_create(
        &self,
        part: &str,
        name: &str,
        body: impl Into<Body>,
    ) -> Result<ResourceId, CloudError> {
        let request = Request::Create {
            part: part.into(),
            name: name.into(),
            tags: tags(part),
            token: format!("{:0<32}", name.replace(|c: char| !c.is_ascii_alphanumeric(), "")),
            body: body.into(),
        };
        let applied = self.cloud.apply(&request).await?;
        Ok(applied.id.expect("the id of what was created"))
    }

    pub(crate) async fn change(&self, id: &str, change: Change) {
        let operation = change.operation();
        self.try_change(id, change).await.expect(operation);
    }

    pub(crate) async fn try_change(&self, id: &str, change: Change) -> Result<(), CloudError> {
        let token =
            format!("{:?}", change).bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31) + u64::from(byte));
        let request = Request::Change { id: id.into(), token: format!("change-{token}"), change };
        self.cloud.apply(&request).await.map(|_| ())
    }

    pub(crate) async fn delete(&self, kind: Kind, id: &str) {
        self.try_delete(kind, id, DeleteOptions::default()).await.expect(id);
    }

    pub(crate) async fn try_delete(
        &self,
        kind: Kind,
        id: &str,
        options: DeleteOptions,
    ) -> Result<(), CloudError> {
        self.cloud.apply(&Request::Delete { kind, id: id.into(), options }).await.map(|_| ())
    }

    /// Puts another tag on a resource.
    pub(crate) async fn tag(&self, kind: Kind, id: &str) {
        let tags = Tags::from([("extra".to_owned(), "yes".to_owned())]);
        self.cloud.apply(&Request::Tag { kind, id: id.into(), tags }).await.expect("tagged");
    }

    pub(crate) async fn read(&self, read: Read) -> Reading {
        self.cloud.read(&read).await.expect("an answer")
    }

    /// Every resource of a kind, page by page.
    pub(crate) async fn list(&self, kind: Kind) -> Vec<Resource> {
        list(&self.cloud, kind).await
    }

    /// The one that is listed under an id, and its body.
    pub(crate) async fn find(&self, kind: Kind, id: &str) -> Option<Resource> {
        self.list(kind).await.into_iter().find(|row| row.id == id)
    }

    pub(crate) async fn one(&self, kind: Kind, id: &str) -> Resource {
        self.find(kind, id).await.unwrap_or_else(|| panic!("{} {id} is not listed", kind.name()))
    }

    /// Tags of a resource whose listing shows none.
    pub(crate) async fn tags(&self, kind: Kind, id: &str) -> Tags {
        let Reading::Tags(rows) = self.read(Read::Tags { kind, ids: vec![id.into()] }).await else {
            panic!("another reading");
        };
        let (found, tags) = rows.into_iter().next().expect("tags");
        assert_eq!(found, id);
        tags
    }

    pub(crate) async fn vpc(&self) -> Reference {
        let body = Vpc { cidr: "10.20.0.0/16".into(), dns_support: None, dns_hostnames: None };
        Reference::id(self.create("vpc", "vpc", body).await)
    }

    pub(crate) async fn subnet(&self, vpc: &Reference, index: u8) -> Reference {
        let zone = format!("{}{}", self.region, ['a', 'b', 'c'][usize::from(index) % 3]);
        let cidr = format!("10.20.{index}.0/24");
        let body = Subnet { vpc: vpc.clone(), cidr, zone, public_addresses: false };
        let part = format!("subnet/{index}");
        Reference::id(self.create(&part, &part, body).await)
    }
}

pub(crate) async fn list(cloud: &AwsCloud, kind: Kind) -> Vec<Resource> {
    let mut rows = Vec::new();
    let mut page = None;
    loop {
        let read = Read::List { listing: Listing::Resources(kind), page };
        let Reading::Resources(answer) = cloud.read(&read).await.expect("a page") else {
            panic!("another reading");
        };
        rows.extend(answer.items);
        page = answer.next;
        if page.is_none() {
            return rows;
        }
    }
}

/// The tags that the planner puts on a part.
pub(crate) fn tags(part: &str) -> Tags {
    let owner = Owner {
        install: INSTALL.into(),
        namespace: "default".into(),
        name: "shop".into(),
        uid: "uid-1".into(),
    };
    owner.tags(&Part::new(part), "intent-1")
}

/// The body of a row, as the kind that it must be.
macro_rules! body {
    ($row:expr, $kind:ident) => {
        match &$row.body {
            lamp_cloud::Body::$kind(body) => body.clone(),
            other => panic!("not a {}: {other:?}", stringify!($kind)),
        }
    };
}
pub(crate) use body;

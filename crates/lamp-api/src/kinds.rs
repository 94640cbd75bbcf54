//! The kinds that the API serves, as data: discovery, storage and admission read this table.

/// A kind as the API shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindInfo {
    /// Empty for the core group.
    pub group: &'static str,
    pub version: &'static str,
    pub kind: &'static str,
    pub plural: &'static str,
    pub singular: &'static str,
    pub short_names: &'static [&'static str],
    pub categories: &'static [&'static str],
    pub namespaced: bool,
    /// Whether `/status` is a subresource, so that the main endpoint ignores `status` and the other way round.
    pub has_status: bool,
}

impl KindInfo {
    /// `lamplighter.dev/v1alpha1`, or `v1` for the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }
}

pub const LAMPSTACK: KindInfo = KindInfo {
    group: crate::GROUP,
    version: "v1alpha1",
    kind: "LampStack",
    plural: "lampstacks",
    singular: "lampstack",
    short_names: &["lamp"],
    categories: &["all", "lamplighter"],
    namespaced: true,
    has_status: true,
};

pub const PLAN: KindInfo = KindInfo {
    group: crate::GROUP,
    version: "v1alpha1",
    kind: "Plan",
    plural: "plans",
    singular: "plan",
    short_names: &[],
    categories: &["lamplighter"],
    namespaced: true,
    has_status: true,
};

pub const IMPORT: KindInfo = KindInfo {
    group: crate::GROUP,
    version: "v1alpha1",
    kind: "Import",
    plural: "imports",
    singular: "import",
    short_names: &[],
    categories: &["lamplighter"],
    namespaced: true,
    has_status: true,
};

pub const ORPHAN_REPORT: KindInfo = KindInfo {
    group: crate::GROUP,
    version: "v1alpha1",
    kind: "OrphanReport",
    plural: "orphanreports",
    singular: "orphanreport",
    short_names: &[],
    categories: &["lamplighter"],
    namespaced: true,
    has_status: true,
};

pub const ORPHAN_DELETION: KindInfo = KindInfo {
    group: crate::GROUP,
    version: "v1alpha1",
    kind: "OrphanDeletion",
    plural: "orphandeletions",
    singular: "orphandeletion",
    short_names: &[],
    categories: &["lamplighter"],
    namespaced: true,
    has_status: true,
};

pub const DATABASE_OPERATION: KindInfo = KindInfo {
    group: crate::GROUP,
    version: "v1alpha1",
    kind: "DatabaseOperation",
    plural: "databaseoperations",
    singular: "databaseoperation",
    short_names: &["dbop"],
    categories: &["lamplighter"],
    namespaced: true,
    has_status: true,
};

pub const SCALING_HISTORY: KindInfo = KindInfo {
    group: crate::GROUP,
    version: "v1alpha1",
    kind: "ScalingHistory",
    plural: "scalinghistories",
    singular: "scalinghistory",
    short_names: &[],
    categories: &["lamplighter"],
    namespaced: true,
    has_status: true,
};

pub const NAMESPACE: KindInfo = KindInfo {
    group: "",
    version: "v1",
    kind: "Namespace",
    plural: "namespaces",
    singular: "namespace",
    short_names: &["ns"],
    categories: &[],
    namespaced: false,
    has_status: true,
};

pub const EVENT: KindInfo = KindInfo {
    group: "",
    version: "v1",
    kind: "Event",
    plural: "events",
    singular: "event",
    short_names: &["ev"],
    categories: &[],
    namespaced: true,
    has_status: false,
};

pub const ACCESS_TOKEN: KindInfo = KindInfo {
    group: crate::GROUP,
    version: "v1alpha1",
    kind: "AccessToken",
    plural: "accesstokens",
    singular: "accesstoken",
    short_names: &[],
    categories: &[],
    namespaced: false,
    has_status: false,
};

pub const ROLE: KindInfo = KindInfo {
    group: crate::rbac::GROUP,
    version: "v1",
    kind: "Role",
    plural: "roles",
    singular: "role",
    short_names: &[],
    categories: &[],
    namespaced: true,
    has_status: false,
};

pub const CLUSTER_ROLE: KindInfo = KindInfo {
    group: crate::rbac::GROUP,
    version: "v1",
    kind: "ClusterRole",
    plural: "clusterroles",
    singular: "clusterrole",
    short_names: &[],
    categories: &[],
    namespaced: false,
    has_status: false,
};

pub const ROLE_BINDING: KindInfo = KindInfo {
    group: crate::rbac::GROUP,
    version: "v1",
    kind: "RoleBinding",
    plural: "rolebindings",
    singular: "rolebinding",
    short_names: &[],
    categories: &[],
    namespaced: true,
    has_status: false,
};

pub const CLUSTER_ROLE_BINDING: KindInfo = KindInfo {
    group: crate::rbac::GROUP,
    version: "v1",
    kind: "ClusterRoleBinding",
    plural: "clusterrolebindings",
    singular: "clusterrolebinding",
    short_names: &[],
    categories: &[],
    namespaced: false,
    has_status: false,
};

/// Every kind that is served. A new kind is one line here.
pub const KINDS: &[KindInfo] = &[
    LAMPSTACK,
    PLAN,
    IMPORT,
    ORPHAN_REPORT,
    ORPHAN_DELETION,
    DATABASE_OPERATION,
    SCALING_HISTORY,
    ACCESS_TOKEN,
    NAMESPACE,
    EVENT,
    ROLE,
    CLUSTER_ROLE,
    ROLE_BINDING,
    CLUSTER_ROLE_BINDING,
];

/// The groups that are served, but for the core group, in the order of [`KINDS`].
pub fn groups() -> Vec<&'static str> {
    let mut groups = Vec::new();
    for kind in KINDS.iter().filter(|kind| !kind.group.is_empty()) {
        if !groups.contains(&kind.group) {
            groups.push(kind.group);
        }
    }
    groups
}

/// The kind with this plural name, if it is served.
pub fn by_plural(group: &str, plural: &str) -> Option<&'static KindInfo> {
    KINDS.iter().find(|k| k.group == group && k.plural == plural)
}

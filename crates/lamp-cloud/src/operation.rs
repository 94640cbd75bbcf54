//! Names of AWS operations. Each is written once, beside the variant that makes the call: a list of all of them and the
//! name of one come from the same table.

use std::fmt;

use crate::Service;

/// An operation of an AWS service, for example `ec2:CreateVpc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Operation {
    pub service: Service,
    /// As AWS spells it, for example `CreateVpc`.
    pub name: &'static str,
}

impl Operation {
    pub const fn new(service: Service, name: &'static str) -> Self {
        Self { service, name }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.service.name(), self.name)
    }
}

/// The operations of the changes of a kind, within `impl Declared`: expands to `CHANGES` and `operation`.
macro_rules! changes {
    () => {
        const CHANGES: &'static [&'static str] = &[];

        fn operation(change: &Self::Change) -> &'static str {
            match *change {}
        }
    };
    ($name:literal) => {
        const CHANGES: &'static [&'static str] = &[$name];

        fn operation(_: &Self::Change) -> &'static str {
            $name
        }
    };
    ($( $variant:pat => $name:literal ),+ $(,)?) => {
        const CHANGES: &'static [&'static str] = &[$( $name ),+];

        fn operation(change: &Self::Change) -> &'static str {
            match change { $( $variant => $name ),+ }
        }
    };
}
pub(crate) use changes;

/// The operations of an enum of calls: those that a variant alone decides, and those that it must be asked for.
/// Expands to `CONSTANT` and `called`.
macro_rules! calls {
    (
        constant { $( $variant:pat => $service:ident $name:literal ),+ $(,)? }
        asked { $( $other:pat => $operation:expr ),+ $(,)? }
    ) => {
        const CONSTANT: &'static [$crate::Operation] =
            &[$( $crate::Operation::new($crate::Service::$service, $name) ),+];

        /// The AWS operation that it calls.
        pub fn called(&self) -> $crate::Operation {
            match self {
                $( $variant => $crate::Operation::new($crate::Service::$service, $name), )+
                $( $other => $operation, )+
            }
        }
    };
}
pub(crate) use calls;

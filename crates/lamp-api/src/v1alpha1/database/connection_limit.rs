//! How many connections a database server accepts.

use super::{Database, Engine};

const GIB: u64 = 1 << 30;

impl Database {
    /// The connections that a server of `class` accepts, as far as the spec lets it be known:
    /// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html> (maximum number of connections).
    pub fn connection_limit(&self, class: &str) -> Option<u32> {
        let parameter = || self.parameters.get("max_connections")?.parse().ok();
        self.connections.max.or_else(parameter).or_else(|| by_memory(self.engine, class))
    }

    /// The class of read replicas.
    pub fn replica_class(&self) -> &str {
        self.replicas.instance_class.as_deref().unwrap_or(&self.instance_class)
    }
}

/// `{DBInstanceClassMemory/12582880}`, and for MariaDB half of it.
fn by_memory(engine: Engine, class: &str) -> Option<u32> {
    let (bytes_each, most) = match engine {
        Engine::Mysql => (12_582_880, 16_000),
        Engine::Mariadb => (25_165_760, 12_000),
    };
    let connections = (memory(class)? / bytes_each).min(most);
    u32::try_from(connections).ok()
}

/// Bytes of memory of an instance class: <https://aws.amazon.com/rds/instance-types/>.
fn memory(class: &str) -> Option<u64> {
    let (family, size) = class.strip_prefix("db.")?.split_once('.')?;
    if family.starts_with('t') {
        return burstable(size);
    }
    // A quarter of a GiB: what one `xlarge` has, of which other sizes are multiples.
    let quarters: u64 = match family {
        "r3" | "r4" => 122,
        "x1" => 244,
        "x1e" => 488,
        "x2idn" | "x2g" => 256,
        "x2iedn" | "x2iezn" => 512,
        _ if family.starts_with('m') => 64,
        _ if family.starts_with('r') => 128,
        _ => return None,
    };
    let halves: u64 = match size {
        "large" => 1,
        "xlarge" => 2,
        _ => 2 * size.strip_suffix("xlarge")?.parse::<u64>().ok().filter(|number| *number <= 64)?,
    };
    Some(quarters * halves * GIB / 8)
}

fn burstable(size: &str) -> Option<u64> {
    let gib = match size {
        "micro" => 1,
        "small" => 2,
        "medium" => 4,
        "large" => 8,
        "xlarge" => 16,
        "2xlarge" => 32,
        _ => return None,
    };
    Some(gib * GIB)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_that_of_the_class() {
        let table = [
            ("db.t3.micro", 1.0),
            ("db.t4g.medium", 4.0),
            ("db.m5.large", 8.0),
            ("db.m6g.4xlarge", 64.0),
            ("db.r4.large", 15.25),
            ("db.r6g.large", 16.0),
            ("db.r6i.16xlarge", 512.0),
            ("db.x2g.large", 32.0),
        ];
        for (class, gib) in table {
            assert_eq!(memory(class), Some((gib * GIB as f64) as u64), "{class}");
        }
        for unknown in ["db.c6gd.medium", "r6g.large", "db.r6g", "db.r6g.metal", "db.r6g.999xlarge"] {
            assert_eq!(memory(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn the_limit_is_what_the_spec_says_or_else_a_parameter_or_else_rds_formula() {
        let text = r#"{"version": "8.0", "instanceClass": "db.r6g.large"}"#;
        let mut database: Database = serde_json::from_str(text).unwrap();
        assert_eq!(database.connection_limit("db.r6g.large"), Some(1365));
        assert_eq!(database.connection_limit("db.z1.large"), None);
        database.parameters.insert("max_connections".to_owned(), "{DBInstanceClassMemory/1000}".to_owned());
        assert_eq!(database.connection_limit("db.r6g.large"), Some(1365), "a formula is not worked out");
        database.parameters.insert("max_connections".to_owned(), "500".to_owned());
        assert_eq!(database.connection_limit("db.r6g.large"), Some(500));
        database.connections.max = Some(400);
        assert_eq!(database.connection_limit("db.r6g.large"), Some(400));
        database = serde_json::from_str(text).unwrap();
        database.engine = Engine::Mariadb;
        assert_eq!(database.connection_limit("db.r6g.large"), Some(682));
        database.engine = Engine::Mysql;
        assert_eq!(database.connection_limit("db.r6i.32xlarge"), Some(16_000));
    }
}

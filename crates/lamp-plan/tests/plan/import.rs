//! Reading a spec from a site that exists.

use expect_test::{ExpectFile, expect_file};
use lamp_cloud::{Body, Instance, InstanceState, Kind, Part, Reference, Resource};
use lamp_plan::{Import, Survey, import};

use crate::adoption::foreign;
use crate::support::{Site, owner, time};

fn rows(site: &Site) -> Vec<Resource> {
    let rows = site.world.inventory.unlisted.values().flatten();
    let mut rows: Vec<Resource> = rows.map(|row| row.as_ref().clone()).collect();
    for row in &mut rows {
        if let Body::LaunchTemplate(template) = &mut row.body {
            let data = template.data.as_mut().unwrap();
            "#!/bin/sh\n./serve\n".clone_into(&mut data.user_data);
        }
    }
    rows
}

fn read(rows: &[Resource], instances: &[Instance]) -> Import {
    let (owner, vpc) = (owner(), "vpc-1".to_owned());
    let now = time("2026-01-01T01:00:00Z");
    import(&Survey { owner: &owner, region: "eu-central-1", vpc: &vpc, rows, instances, now }).unwrap()
}

fn check(import: &Import, expected: &ExpectFile) {
    let mut text = serde_json::to_string_pretty(&import.spec).unwrap() + "\n";
    for rest in &import.unexpressed {
        let field = &rest.field;
        text.push_str(&format!("unexpressed {} {field}\n", rest.part));
    }
    text.extend(import.made.iter().map(|part| format!("made {part}\n")));
    text.extend(import.left_out.iter().map(|out| format!("left out {} {}: {}\n", out.kind, out.id, out.why)));
    text.extend(import.problems.iter().map(|problem| format!("problem {problem}\n")));
    expected.assert_eq(&text);
}

#[test]
fn a_site_is_read_back_as_it_was_written() {
    let site = foreign();
    let import = read(&rows(&site), &[]);
    check(&import, &expect_file!["imported.txt"]);
    assert_eq!(import.adopt, site.adoption.parts, "each resource is the part that it was");
}

#[test]
fn what_has_no_place_in_a_stack_is_left_out_and_named() {
    let site = foreign();
    let mut rows = rows(&site);
    let group = rows.iter().find(|row| row.kind() == Kind::SecurityGroup).unwrap().clone();
    rows.push(Resource { id: "sg-cache".to_owned(), name: "cache".to_owned(), tags: [].into(), ..group });
    let bastion = Instance {
        id: "i-bastion".to_owned(),
        tags: [("Name".to_owned(), "bastion".to_owned())].into(),
        group: None,
        state: InstanceState::Running,
        zone: "eu-central-1a".to_owned(),
        instance_type: "t3.micro".to_owned(),
        launched_at: time("2026-01-01T00:00:00Z"),
        status: None,
        events: Vec::new(),
    };
    let import = read(&rows, &[bastion]);
    let left_out: Vec<String> = import.left_out.iter().map(|out| format!("{} {}", out.id, out.why)).collect();
    assert_eq!(
        left_out,
        [r#"sg-cache "cache" has no place in a stack"#, r#"i-bastion "bastion" is in no Auto Scaling group"#]
    );
}

#[test]
fn what_a_spec_cannot_say_is_told_field_by_field() {
    let site = foreign();
    let mut rows = rows(&site);
    for row in &mut rows {
        match &mut row.body {
            Body::Subnet(subnet) if subnet.zone.ends_with('a') => subnet.public_addresses = true,
            Body::TargetGroup(group) => {
                group.attributes.as_mut().unwrap().least_outstanding_requests = false;
            }
            Body::DbInstance(database) => "gp2".clone_into(&mut database.storage_type),
            _ => {}
        }
    }
    let told = |import: &Import, part: &str| -> Vec<String> {
        let of = import.unexpressed.iter().filter(|rest| rest.part == Part::from(part));
        of.map(|rest| format!("{} {}", rest.found, rest.wanted)).collect()
    };
    let import = read(&rows, &[]);
    assert_eq!(told(&import, "subnet/public/1"), ["true false"]);
    assert_eq!(told(&import, "database"), ["gp2 gp3"]);
    assert_eq!(told(&import, "target-group/web").len(), 1);
    assert_eq!(told(&import, "vpc"), Vec::<String>::new());
}

#[test]
fn a_parameter_group_of_aws_itself_is_nobodys_to_take() {
    let site = foreign();
    let mut rows = rows(&site);
    for row in &mut rows {
        match &mut row.body {
            Body::DbInstance(database) => database.parameter_group = Reference::id("default.mysql8.0"),
            Body::DbParameterGroup(_) => "default.mysql8.0".clone_into(&mut row.id),
            _ => {}
        }
    }
    let import = read(&rows, &[]);
    assert_eq!(import.made, [Part::from("db-parameter-group/mysql8-0")]);
    assert!(!import.adopt.values().any(|id| id.starts_with("default.")));
}

#[test]
fn a_network_that_is_not_there_is_an_error() {
    let (owner, vpc) = (owner(), "vpc-9".to_owned());
    let now = time("2026-01-01T01:00:00Z");
    let survey = Survey { owner: &owner, region: "eu-central-1", vpc: &vpc, rows: &[], instances: &[], now };
    assert!(import(&survey).unwrap_err().contains("no network vpc-9"));
}

//! What a person should know of an imported stack, as comments above it.

use lamp_api::v1alpha1::ImportStatus;

/// Values longer than this say no more to a person.
const SHOWN: usize = 60;

/// Comment lines: what the spec cannot say, what would be made, and what stays foreign.
pub(crate) fn remarks(vpc: &str, status: &ImportStatus) -> String {
    let unexpressed = status.unexpressed.iter().map(|rest| {
        format!(
            "{} ({}) {}: is {}, not {}",
            rest.part,
            rest.id,
            rest.field,
            brief(&rest.found),
            brief(&rest.wanted)
        )
    });
    let left_out = status.left_out.iter().map(|out| format!("{} {}: {}", out.kind, out.id, out.why));
    let sections = [
        section("To be put right before it is accepted:", status.problems.clone()),
        section("What a spec cannot say, and spec.ignore leaves as it is:", unexpressed.collect()),
        section("What would be made, as the site has none:", status.made.clone()),
        section("What stays foreign:", left_out.collect()),
    ];
    let head =
        format!("# The site in {vpc}. Nothing is changed while spec.mode is Observe: see `lampctl plan`.\n");
    head + &sections.concat()
}

fn section(title: &str, lines: Vec<String>) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let lines: String = lines.iter().map(|line| format!("#   {}\n", one_line(line))).collect();
    format!("#\n# {title}\n{lines}")
}

/// No line of a value may end the comment.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn brief(value: &str) -> String {
    match value.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use lamp_api::v1alpha1::{LeftOutResource, UnexpressedField};

    use super::*;

    #[test]
    fn every_line_is_a_comment() {
        let status = ImportStatus {
            unexpressed: vec![UnexpressedField {
                part: "launch-template/web".to_owned(),
                id: "lt-1".to_owned(),
                field: "userData".to_owned(),
                wanted: "MIME".to_owned(),
                found: "#!/bin/sh\nspec: {}\n".to_owned(),
            }],
            made: vec!["route-table/data".to_owned()],
            left_out: vec![LeftOutResource {
                kind: "Instance".to_owned(),
                id: "i-1".to_owned(),
                why: "\"bastion\" is in no Auto Scaling group".to_owned(),
            }],
            ..ImportStatus::default()
        };
        expect![[r##"
            # The site in vpc-1. Nothing is changed while spec.mode is Observe: see `lampctl plan`.
            #
            # What a spec cannot say, and spec.ignore leaves as it is:
            #   launch-template/web (lt-1) userData: is #!/bin/sh spec: {} , not MIME
            #
            # What would be made, as the site has none:
            #   route-table/data
            #
            # What stays foreign:
            #   Instance i-1: "bastion" is in no Auto Scaling group
        "##]]
        .assert_eq(&remarks("vpc-1", &status));
    }
}

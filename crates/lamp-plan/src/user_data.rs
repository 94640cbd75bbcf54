//! What an instance runs at its first boot: our environment file, then what the spec says.
//!
//! A MIME message, as cloud-init takes several parts only so. The environment is written by a boot hook, which runs
//! before anything that the spec can ask for.

/// Where the environment stands on an instance.
pub(crate) const ENVIRONMENT: &str = "/etc/lamplighter/environment";

const BOUNDARY: &str = "==lamplighter-part==";

/// The user data of an instance.
pub(crate) fn user_data(environment: &[(String, String)], user: Option<&str>) -> String {
    let mut message =
        format!("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"{BOUNDARY}\"\n\n");
    message.push_str(&part("text/cloud-boothook", &boot_hook(environment)));
    if let Some(user) = user.filter(|user| !user.trim().is_empty()) {
        message.push_str(&user_part(user));
    }
    message.push_str(&format!("--{BOUNDARY}--\n"));
    message
}

fn part(content_type: &str, content: &str) -> String {
    let end = if content.ends_with('\n') { "" } else { "\n" };
    format!("--{BOUNDARY}\nContent-Type: {content_type}; charset=\"utf-8\"\n\n{content}{end}")
}

fn boot_hook(environment: &[(String, String)]) -> String {
    let lines: String =
        environment.iter().map(|(name, value)| format!("{name}={}\n", quote(value))).collect();
    format!(
        "#!/bin/sh\nset -eu\numask 022\nmkdir -p /etc/lamplighter\ncat > {ENVIRONMENT} <<'END_OF_ENVIRONMENT'\n\
         {lines}END_OF_ENVIRONMENT\n"
    )
}

/// A value in single quotes, so that no shell reads anything into it.
pub(crate) fn quote(value: &str) -> String {
    let one_line: String = value.chars().filter(|c| !c.is_control()).collect();
    format!("'{}'", one_line.replace('\'', r"'\''"))
}

/// cloud-init's type for what the spec gives, by its first line; what names none is a shell script.
fn user_part(user: &str) -> String {
    const TYPES: [(&str, &str); 5] = [
        ("#cloud-config", "text/cloud-config"),
        ("#cloud-boothook", "text/cloud-boothook"),
        ("#include", "text/x-include-url"),
        ("## template: jinja", "text/jinja2"),
        ("#!", "text/x-shellscript"),
    ];
    match TYPES.iter().find(|(start, _)| user.starts_with(start)) {
        Some((_, content_type)) => part(content_type, user),
        None => part("text/x-shellscript", &format!("#!/bin/sh\n{user}")),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn nothing_escapes_the_quotes() {
        let cases = [
            ("plain", "'plain'"),
            ("", "''"),
            ("it's", r"'it'\''s'"),
            ("$(reboot) `x` \"y\" \\", r#"'$(reboot) `x` "y" \'"#),
            ("two\nlines\r", "'twolines'"),
            ("'; rm -rf / #", r"''\''; rm -rf / #'"),
        ];
        for (value, expected) in cases {
            assert_eq!(quote(value), expected);
        }
    }

    #[test]
    fn the_environment_comes_before_the_script() {
        let environment = [("LAMP_TIER".to_owned(), "web".to_owned())];
        expect![[r##"
            MIME-Version: 1.0
            Content-Type: multipart/mixed; boundary="==lamplighter-part=="

            --==lamplighter-part==
            Content-Type: text/cloud-boothook; charset="utf-8"

            #!/bin/sh
            set -eu
            umask 022
            mkdir -p /etc/lamplighter
            cat > /etc/lamplighter/environment <<'END_OF_ENVIRONMENT'
            LAMP_TIER='web'
            END_OF_ENVIRONMENT
            --==lamplighter-part==
            Content-Type: text/cloud-config; charset="utf-8"

            #cloud-config
            packages: [httpd]
            --==lamplighter-part==--
        "##]]
        .assert_eq(&user_data(&environment, Some("#cloud-config\npackages: [httpd]")));
    }

    #[test]
    fn what_names_no_type_is_a_shell_script() {
        let message = user_data(&[], Some("dnf install -y httpd"));
        assert!(
            message.contains("text/x-shellscript; charset=\"utf-8\"\n\n#!/bin/sh\ndnf install"),
            "{message}"
        );
        assert!(user_data(&[], Some("#!/usr/bin/python3\n")).contains("\n\n#!/usr/bin/python3\n"));
        assert!(!user_data(&[], Some(" \n")).contains("x-shellscript"));
    }
}

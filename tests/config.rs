//! Configuration: what every variable takes, and what it refuses without repeating the value.

use std::time::Duration;

use nango_mcp::Config;
use nango_mcp::config::{Approval, Base, ConfigError, ReadBy, VARIABLES, warnings};

use crate::table::KEY;

const OTHER: &str = "7b0c9d2e-1f3a-4b5c-8d6e-9f0a1b2c3d4e";

fn load(vars: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::from_vars(vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
}

#[track_caller]
fn good(vars: &[(&str, &str)]) -> Config {
    load(vars).unwrap_or_else(|error| panic!("{error}"))
}

/// Refused by name, and the value is not repeated.
#[track_caller]
fn bad(vars: &[(&str, &str)], variable: &str) -> String {
    let error = load(vars).expect_err("it was taken");
    assert_eq!(error.variable, variable);
    let text = error.to_string();
    assert!(text.starts_with(&format!("{variable} ")) && !text.ends_with('.'), "{text}");
    for (_, value) in vars.iter().filter(|(_, value)| value.len() > 8) {
        assert!(!text.contains(value) && !format!("{error:?}").contains(value), "the value is in the message: {text}");
    }
    text
}

#[test]
fn nothing_set_is_a_configuration() {
    let config = good(&[]);
    assert_eq!(config.base.to_string(), "https://api.nango.dev");
    assert_eq!((config.public_url, config.read_only, config.allow_credentials), (None, false, false));
    assert_eq!((config.approval, config.request_timeout), (Approval::Off, Duration::from_secs(20)));
    let [environment] = config.environments.as_slice() else { panic!("one environment") };
    assert_eq!((environment.name.as_str(), environment.key_variable.as_str()), ("default", "NANGO_SECRET_KEY"));
    assert!(environment.key.is_none() && environment.aliases.is_empty());
}

#[test]
fn an_empty_value_counts_as_absent() {
    let names: Vec<String> = VARIABLES.iter().map(|variable| variable.name.replace("<ENV>", "DEFAULT")).collect();
    for value in ["", "  ", "\t"] {
        let vars: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), value)).collect();
        assert_eq!(format!("{:?}", good(&vars)), format!("{:?}", good(&[])));
    }
}

#[test]
fn base_urls() {
    for (url, shown, host, cloud) in [
        ("https://api.nango.dev", "https://api.nango.dev", "api.nango.dev", true),
        ("https://API.Nango.dev/", "https://API.Nango.dev", "api.nango.dev", true),
        ("http://localhost:3003", "http://localhost:3003", "localhost", false),
        ("http://[::1]:3003/", "http://[::1]:3003", "[::1]", false),
        ("https://gw.example/nango/v1/", "https://gw.example/nango/v1", "gw.example", false),
        (" https://gw.example ", "https://gw.example", "gw.example", false),
        ("https://nango.dev.evil.example", "https://nango.dev.evil.example", "nango.dev.evil.example", false),
        ("https://evilnango.dev", "https://evilnango.dev", "evilnango.dev", false),
    ] {
        let base = good(&[("NANGO_BASE_URL", url)]).base;
        assert_eq!((base.to_string().as_str(), base.host.as_str(), base.is_cloud()), (shown, host, cloud), "{url}");
    }
    for url in [
        "host.example",
        "//host.example",
        "ftp://host.example",
        "https://",
        "https:///x",
        "https://user@host.example",
        "https://user:pass@host.example",
        "https://host.example?x=1",
        "https://host.example/?x",
        "https://host.example/#top",
        "https://host.example/a/../b",
        "https://host.example/%2e%2e/b",
        "https://host.example/.",
        "https://ho st.example",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "/api/v1",
        "https://host.example/a\\..\\b",
    ] {
        let say = bad(&[("NANGO_BASE_URL", url)], "NANGO_BASE_URL");
        assert!(say.contains("such as https://api.nango.dev"), "{say}");
        bad(&[("NANGO_MCP_PUBLIC_NANGO_URL", url)], "NANGO_MCP_PUBLIC_NANGO_URL");
    }
    assert_eq!(good(&[("NANGO_MCP_PUBLIC_NANGO_URL", "https://n.example/api/")]).public_url.as_deref(), Some("https://n.example/api"));
    assert!(
        Base::parse("X", "https://h.example:3003/a")
            .is_ok_and(|base| base.authority == "h.example:3003" && base.prefix == "/a" && base.https)
    );
}

#[test]
fn keys_are_uuids_of_version_4_or_handles_of_the_host() {
    for key in [KEY, &KEY.to_uppercase(), "host:dev", "host:live-eu", &format!(" {KEY} ")] {
        let config = good(&[("NANGO_SECRET_KEY", key)]);
        assert_eq!(config.environments[0].key.as_ref().unwrap().expose(), key.trim());
        assert_eq!(config.secrets().count(), usize::from(!key.starts_with("host:")), "a handle is no secret");
    }
    let version_1 = KEY.replace("-4d1a-", "-1d1a-");
    let variant = KEY.replace("-9a51-", "-ca51-");
    for key in [
        "sk_live_0123456789abcdef",
        &KEY[..35],
        &format!("{KEY}0"),
        &KEY.replace('-', ""),
        &version_1,
        &variant,
        "Bearer host:dev",
        &KEY.replace('f', "g"),
        "HOST:dev",
    ] {
        let say = bad(&[("NANGO_SECRET_KEY", key)], "NANGO_SECRET_KEY");
        assert!(say.contains("Environment Settings"), "{say}");
        bad(&[("NANGO_MCP_ENVIRONMENTS", "dev,live"), ("NANGO_SECRET_KEY_LIVE", key)], "NANGO_SECRET_KEY_LIVE");
    }
}

#[test]
fn several_environments_each_have_a_key_of_their_own() {
    let config = good(&[
        ("NANGO_MCP_ENVIRONMENTS", " dev , live-eu,, My Test "),
        ("NANGO_SECRET_KEY_DEV", KEY),
        ("NANGO_SECRET_KEY_LIVE_EU", OTHER),
        ("NANGO_SECRET_KEY", "7b0c9d2e-1f3a-4b5c-8d6e-000000000000"),
        ("NANGO_MCP_ENVIRONMENT_ALIASES_LIVE_EU", "prod, Production"),
    ]);
    let shown: Vec<(&str, Option<&str>, &str)> = config
        .environments
        .iter()
        .map(|environment| (environment.name.as_str(), environment.key.as_ref().map(|key| key.expose()), environment.key_variable.as_str()))
        .collect();
    assert_eq!(
        shown,
        [
            ("dev", Some(KEY), "NANGO_SECRET_KEY_DEV"),
            ("live-eu", Some(OTHER), "NANGO_SECRET_KEY_LIVE_EU"),
            ("My Test", None, "NANGO_SECRET_KEY_MY_TEST")
        ]
    );
    assert_eq!(config.environments[1].aliases, ["prod", "Production"]);
    for (name, found) in [
        ("DEV", Some("dev")),
        ("liveeu", Some("live-eu")),
        ("production", Some("live-eu")),
        ("my_test", Some("My Test")),
        ("staging", None),
        ("", None),
        ("--", None),
    ] {
        assert_eq!(config.environment(name).map(|environment| environment.name.as_str()), found, "{name}");
    }
    assert_eq!(config.aliases_sentence(), " Aliases: prod = live-eu, Production = live-eu.");
    assert_eq!(good(&[]).aliases_sentence(), "");
}

#[test]
fn the_one_environment_takes_either_spelling_of_its_key() {
    let key = |vars: &[(&str, &str)]| {
        let config = good(vars);
        (config.environments[0].key.as_ref().map(|key| key.expose().to_owned()), config.environments[0].key_variable.clone())
    };
    let (name, plain, own) = (("NANGO_ENVIRONMENT", "prod eu"), ("NANGO_SECRET_KEY", KEY), ("NANGO_SECRET_KEY_PROD_EU", OTHER));
    assert_eq!(key(&[name, plain]), (Some(KEY.into()), "NANGO_SECRET_KEY".into()));
    assert_eq!(key(&[name, own]), (Some(OTHER.into()), "NANGO_SECRET_KEY_PROD_EU".into()));
    assert_eq!(key(&[name, plain, own]), (Some(OTHER.into()), "NANGO_SECRET_KEY_PROD_EU".into()), "the more exact one");
    assert_eq!(key(&[name]), (None, "NANGO_SECRET_KEY".into()));
    // One name in the list of several is one of several.
    assert_eq!(key(&[("NANGO_MCP_ENVIRONMENTS", "dev"), plain]), (None, "NANGO_SECRET_KEY_DEV".into()));
}

#[test]
fn names_that_cannot_be_told_apart_are_refused() {
    let list = "NANGO_MCP_ENVIRONMENTS";
    for names in ["dev,dev", "dev,DEV", "live-eu,live_eu", "live eu,live.eu", "live-eu,liveeu"] {
        bad(&[(list, names)], list);
    }
    bad(&[(list, "dev,live"), ("NANGO_MCP_ENVIRONMENT_ALIASES_LIVE", "prod,DEV")], list);
    bad(&[(list, "dev,live"), ("NANGO_MCP_ENVIRONMENT_ALIASES_LIVE", "shared"), ("NANGO_MCP_ENVIRONMENT_ALIASES_DEV", "Shared")], list);
    for names in [",", " , ", "dev,--", "dévé", "dev,a/b", "dev;live!", &"n".repeat(65)] {
        bad(&[(list, names)], list);
    }
    bad(&[("NANGO_ENVIRONMENT", "a/b/c/d")], "NANGO_ENVIRONMENT");
    bad(&[("NANGO_MCP_ENVIRONMENT_ALIASES_DEFAULT", "prod,<live>")], "NANGO_MCP_ENVIRONMENT_ALIASES_DEFAULT");
    good(&[(list, "dev,live"), ("NANGO_MCP_ENVIRONMENT_ALIASES_LIVE", "live, Live")]);
}

#[test]
fn switches() {
    type Read = fn(&Config) -> bool;
    let switches: [(&str, Read); 3] = [
        ("NANGO_MCP_READ_ONLY", |config| config.read_only),
        ("NANGO_MCP_ALLOW_CREDENTIALS", |config| config.allow_credentials),
        ("NANGO_MCP_REQUIRE_CONFIRMATION", |config| config.approval == Approval::Phrase),
    ];
    for (name, read) in switches {
        for (value, expected) in [
            ("true", true),
            ("TRUE", true),
            ("1", true),
            ("yes", true),
            ("on", true),
            ("false", false),
            ("0", false),
            ("No", false),
            ("off", false),
            ("", false),
        ] {
            assert_eq!(read(&good(&[(name, value)])), expected, "{name}={value}");
        }
        for value in ["maybe so", "2", "truefalse", "y", "enabled"] {
            bad(&[(name, value)], name);
        }
    }
}

#[test]
fn approval_has_an_older_spelling() {
    let approval = |vars: &[(&str, &str)]| good(vars).approval;
    assert_eq!(approval(&[("NANGO_MCP_APPROVAL", "phrase")]), Approval::Phrase);
    // Neither of two that contradict each other is taken in silence.
    bad(&[("NANGO_MCP_APPROVAL", "off"), ("NANGO_MCP_REQUIRE_CONFIRMATION", "true")], "NANGO_MCP_APPROVAL");
    assert_eq!(approval(&[("NANGO_MCP_APPROVAL", "elicit"), ("NANGO_MCP_REQUIRE_CONFIRMATION", "true")]), Approval::Elicit);
    for value in ["Elicit", "Phrase", "phrases", "true"] {
        bad(&[("NANGO_MCP_APPROVAL", value)], "NANGO_MCP_APPROVAL");
    }
    for value in ["Text", "url", "none", "true"] {
        bad(&[("NANGO_MCP_LINK_DELIVERY", value)], "NANGO_MCP_LINK_DELIVERY");
    }
}

#[test]
fn timeouts() {
    for (value, millis) in [("20", 20_000), ("0.1", 100), ("2.5", 2500), ("50", 50_000), ("1e1", 10_000), (" 7 ", 7000)] {
        assert_eq!(good(&[("NANGO_MCP_REQUEST_TIMEOUT", value)]).request_timeout, Duration::from_millis(millis), "{value}");
    }
    for value in ["0", "0.09", "50.1", "-1", "NaN", "inf", "20s", "20 seconds", "1e999", "null", "0x10", "\"20\"", "true"] {
        let say = bad(&[("NANGO_MCP_REQUEST_TIMEOUT", value)], "NANGO_MCP_REQUEST_TIMEOUT");
        assert!(say.contains("from 0.1 to 50"), "{say}");
    }
}

#[test]
fn every_variable_of_the_component_is_read() {
    // A value that no variable takes: whoever ignores a variable of the table, takes it.
    for variable in VARIABLES.iter().filter(|variable| variable.read_by != ReadBy::Host) {
        if variable.name == "NANGO_MCP_METADATA_NAMESPACE" {
            continue;
        }
        let name = variable.name.replace("<ENV>", "DEFAULT");
        bad(&[(name.as_str(), "?<not-a-value>?")], &name);
    }
}

#[test]
fn variables_of_the_python_server_are_named_with_what_replaces_them() {
    for (name, remedy) in [
        ("NANGO_MCP_NANGO_URL", "set NANGO_BASE_URL instead"),
        ("INFISICAL_CLIENT_SECRET", "--key-command 'infisical secrets get"),
        ("NANGO_MCP_INFISICAL_PROJECT_ID", "--key-command"),
        ("NANGO_MCP_SECRET_RESOLVER", "--key-command"),
        ("NANGO_MCP_TOKENS", "http --policy"),
        ("NANGO_MCP_TRANSPORT", "`stdio` or `http`"),
        ("NANGO_MCP_HTTP_PORT", "--listen"),
        ("NANGO_MCP_HTTP_ALLOWED_HOSTS", "NANGO_MCP_ALLOWED_HOSTS"),
        ("NANGO_MCP_HTTP_MAX_CONNECTIONS", "pooled"),
        ("NANGO_MCP_AUTH_MODE", "`nango-mcp-host token`"),
        ("NANGO_MCP_OAUTH_ISSUER", "authenticating proxy"),
        ("NANGO_MCP_DENY_ENVIRONMENTS", "NANGO_MCP_ENVIRONMENTS"),
        ("NANGO_MCP_RATE_LIMIT_MAX_WAIT", "deadline"),
        ("NANGO_MCP_ARTIFACT_DIR", "disk"),
    ] {
        let lines = warnings([name]);
        assert!(
            lines.len() == 1 && lines[0].starts_with(&format!("{name} has no effect here: ")) && lines[0].contains(remedy),
            "{lines:?}"
        );
    }
}

#[test]
fn an_unknown_variable_of_ours_names_the_nearest() {
    for (name, near) in [
        ("NANGO_MCP_READONLY", "NANGO_MCP_READ_ONLY"),
        ("NANGO_MCP_ENVIRONMENT", "NANGO_MCP_ENVIRONMENTS"),
        ("NANGO_MCP_REQUEST_TIMEOUTS", "NANGO_MCP_REQUEST_TIMEOUT"),
    ] {
        assert_eq!(warnings([name]), [format!("{name} is not known and has no effect; did you mean {near}?")]);
    }
    assert_eq!(warnings(["NANGO_MCP_QQQQQQQQQQQQQQQQQQQQ"]), ["NANGO_MCP_QQQQQQQQQQQQQQQQQQQQ is not known and has no effect"]);
}

#[test]
fn known_variables_and_those_of_others_are_silent() {
    let known: Vec<String> = VARIABLES.iter().map(|variable| variable.name.replace("<ENV>", "LIVE_EU")).collect();
    assert_eq!(warnings(known.iter().map(String::as_str)), [""; 0]);
    assert_eq!(warnings(["PATH", "HOME", "NANGO_SERVER_URL", "NANGO_PUBLIC_CONNECT_URL", "nango_mcp_x", "NANGOMCP"]), [""; 0]);
    let sorted = warnings(["NANGO_MCP_TRANSPORT", "PATH", "NANGO_MCP_AUTH_MODE"]);
    assert!(sorted.len() == 2 && sorted[0].starts_with("NANGO_MCP_AUTH_MODE"), "in order: {sorted:?}");
}

#[test]
fn what_is_not_used_is_held_to_its_form_too() {
    bad(&[("NANGO_MCP_ENVIRONMENTS", "dev"), ("NANGO_SECRET_KEY", "not-a-key-at-all")], "NANGO_SECRET_KEY");
    bad(&[("NANGO_MCP_APPROVAL", "off"), ("NANGO_MCP_REQUIRE_CONFIRMATION", "maybe")], "NANGO_MCP_REQUIRE_CONFIRMATION");
    bad(&[("NANGO_MCP_METADATA_NAMESPACE", "!! bad name")], "NANGO_MCP_METADATA_NAMESPACE");
    bad(&[("NANGO_BASE_URL", "http://nango.example:0")], "NANGO_BASE_URL");
    good(&[("NANGO_MCP_METADATA_NAMESPACE", "nango_mcp")]);
}

//! Where every tool and argument of LevSky22/nango-mcp-server went: the data of docs/migration.md.
//!
//! Arguments are named in snake case here, as 0.x spells them and 2.x does in camel case. What is not named keeps its
//! name, in snake case; a test holds that the new tool takes it.

/// Where an argument went.
pub(super) enum To {
    /// It is there, and something about it is otherwise.
    Kept(&'static str),
    /// These arguments stand for it.
    Into(&'static [&'static str], &'static str),
    /// Nowhere, for this reason.
    Gone(&'static str),
}
use To::{Gone, Into, Kept};

/// Where a tool went.
pub(super) struct Row {
    pub(super) old: &'static str,
    /// None of ours does it, for the reason in `note`.
    pub(super) new: Option<&'static str>,
    pub(super) note: &'static str,
    pub(super) arguments: &'static [(&'static str, To)],
}

const fn kept(name: &'static str, arguments: &'static [(&'static str, To)]) -> Row {
    Row { old: name, new: Some(name), note: "", arguments }
}

const fn moved(old: &'static str, new: &'static str, note: &'static str, arguments: &'static [(&'static str, To)]) -> Row {
    Row { old, new: Some(new), note, arguments }
}

const fn gone(old: &'static str, note: &'static str) -> Row {
    Row { old, new: None, note, arguments: &[] }
}

/// Arguments that many tools had.
pub(super) const EVERYWHERE: &[(&str, To)] = &[
    ("confirmation", Kept("needed only with `NANGO_MCP_APPROVAL=phrase`, by the same phrases")),
    ("refresh", Gone(NO_CACHE)),
    ("refresh_secret", Gone(NO_CACHE)),
];

const NO_CACHE: &str = "keys are read anew for every call, nothing is cached";
const PROVIDER: &str = "get_provider shows one template";
const OVERRIDE: &str = "refused unless the operator sets `NANGO_MCP_ALLOW_BASE_URL_OVERRIDE=true`";
const SHAPES: &str = "small JSON comes whole, large JSON as shape, preview and cursor; `describe` asks for the shape alone";
const POINTER: &str = "from the root of the provider's own JSON: without `/response` in front";
const FIELDS: &str = "names with dots, `company.name`, where it takes pointers, `/company/name`";
const FILTERS: &str = "each is `{field, op, value}`: `field` with dots where it takes a pointer in `path`, and `op` is always given";
const LOGS: &str = "it called the private API of Nango's dashboard; Nango's public API has no logs";

/// Every tool of 0.x and 2.x.
pub(super) const TOOLS: &[Row] = &[
    kept("describe_connection_convention", &[]),
    kept("list_environments", &[]),
    moved("check_environment", "check_environment", "it asks Nango now, so a wrong key is found", &[]),
    kept("list_integrations", &[]),
    kept("get_integration", &[("include_credentials", Gone("credentials of integrations are never shown"))]),
    kept("search_provider_templates", &[("limit", Kept("1 to 50; another number is refused")), ("include_raw_templates", Gone(PROVIDER))]),
    kept(
        "create_integration",
        &[(
            "payload",
            Into(
                &["provider", "unique_key", "display_name", "credentials", "forward_webhooks", "integration_config", "custom"],
                "its members are arguments of their own; `credentials.scopes` is a list, no text with commas",
            ),
        )],
    ),
    kept(
        "update_integration",
        &[
            (
                "fields",
                Into(
                    &["display_name", "unique_key", "credentials", "scopes", "forward_webhooks", "integration_config", "custom"],
                    "its members are arguments of their own; `scopes` is a list, and stands for `oauth_scopes`, `default_scopes` and `credentials.scopes`",
                ),
            ),
            (
                "auto_reconnect_single_matching_connection",
                Into(&["reconnect_connection_ids"], "no connection is chosen unasked; name those that need a reconnect link"),
            ),
        ],
    ),
    kept("delete_integration", &[]),
    kept(
        "list_connections",
        &[
            ("end_user_id", Kept("matches the tag, and where that finds nobody the older end user id")),
            ("end_user_organization_id", Into(&["organization_id"], "matches the tag, and where that finds nobody the older id")),
            ("limit", Kept("1 to 200; the rest by `cursor`")),
        ],
    ),
    kept(
        "get_connection",
        &[("include_credentials", Kept("refused unless the operator sets `NANGO_MCP_ALLOW_CREDENTIALS=true`; then they come unredacted"))],
    ),
    kept("refresh_connection_credentials", &[]),
    kept("get_connection_context", &[("include_raw_provider_template", Gone(PROVIDER))]),
    kept(
        "import_connection",
        &[(
            "payload",
            Into(
                &["provider_config_key", "credentials", "connection_id", "metadata", "connection_config", "tags", "end_user"],
                "its members are arguments of their own; those of `credentials` are in snake case, `config_override` is among them, \
                 `webhook_url_override` is not offered; a connection that exists is overwritten only with `overwrite`",
            ),
        )],
    ),
    kept("delete_connection", &[]),
    kept("replace_connection_tags", &[]),
    moved("patch_connection_tags", "replace_connection_tags", "as since 2.0; it replaces all tags unless `mode` is merge", &[]),
    kept("update_connection_metadata", &[]),
    moved(
        "set_connection_metadata",
        "update_connection_metadata",
        "as since 2.0",
        &[("patch", Into(&["mode"], "true is merge, which is now the default; false, the default then, is replace"))],
    ),
    kept("update_connection_end_user", &[]),
    kept("create_connect_session", &[("tags", Kept("either it or `end_user` is required, as Nango demands"))]),
    kept("create_standard_connect_session", &[]),
    kept("create_reconnect_session", &[]),
    moved(
        "stage_proxy_request_body",
        "proxy_request",
        "bodies up to 1 MiB go into the call itself, and nothing is kept between calls",
        &[],
    ),
    kept(
        "proxy_request",
        &[
            ("method", Kept("OPTIONS is not offered")),
            ("base_url_override", Kept(OVERRIDE)),
            ("body_artifact_id", Into(&["body"], "bodies up to 1 MiB go into the call itself")),
            ("response_mode", Gone(SHAPES)),
            ("response_path", Kept(POINTER)),
            ("fields", Kept(FIELDS)),
            ("filters", Kept(FILTERS)),
            ("response_page_size", Into(&["page_size"], "as since 1.0")),
            ("response_cursor", Into(&["cursor"], "as since 1.0")),
            ("response_filter", Into(&["filters"], FILTERS)),
        ],
    ),
    moved(
        "query_response_artifact",
        "proxy_request",
        "answers are not kept; the request itself takes the same shaping, and asks the provider again",
        &[
            ("artifact_id", Into(&["provider_config_key", "connection_id", "method", "path", "query"], "the request whose answer it was")),
            ("response_path", Kept(POINTER)),
            ("fields", Kept(FIELDS)),
            ("filters", Kept(FILTERS)),
            ("object_mode", Gone("a large object comes as its shape; `response_path` goes into it")),
            ("text_search", Gone("`filters` search by contains and icontains")),
        ],
    ),
    moved(
        "download_provider_file",
        "download_provider_file",
        "the file itself is in the result, no link to it",
        &[("base_url_override", Kept(OVERRIDE))],
    ),
    kept("build_connection_convention", &[]),
    kept("apply_connection_convention", &[]),
    kept("audit_connection_conventions", &[("limit", Kept("1 to 2000 a call, 500 without it; the rest by `cursor`"))]),
    gone("search_log_operations", LOGS),
    gone("get_log_operation", LOGS),
    gone("search_log_messages", LOGS),
];

/// Variables that are the same, and what about them is otherwise.
pub(super) const VARIABLES: &[(&str, &str)] = &[
    ("NANGO_SECRET_KEY", ""),
    ("NANGO_BASE_URL", ""),
    ("NANGO_ENVIRONMENT", ""),
    ("NANGO_MCP_ENVIRONMENTS", ""),
    ("NANGO_SECRET_KEY_<ENV>", ""),
    ("NANGO_MCP_ENVIRONMENT_ALIASES_<ENV>", ""),
    ("NANGO_MCP_PUBLIC_NANGO_URL", "Without it, links of Nango Cloud get no apiURL; they need none."),
    ("NANGO_MCP_REQUEST_TIMEOUT", "0.1 to 50 seconds; another value is refused at start."),
    ("NANGO_MCP_READ_ONLY", "Tools that write are not listed either."),
    ("NANGO_MCP_REQUIRE_CONFIRMATION", "Of 0.x; the newer spelling is NANGO_MCP_APPROVAL=phrase."),
    ("NANGO_MCP_METADATA_NAMESPACE", "At most 64 letters, digits, `_`, `-` and `.`."),
    ("NANGO_MCP_ENV_FILE", "A `.env` that nobody named is read only where the environment has no API key."),
];

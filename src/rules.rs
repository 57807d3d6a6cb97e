//! Rules that the published schemas leave out: the only refusals of arguments, beside `environment`, that a client
//! cannot foresee from a tool's schema.

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// The code of the error.
    pub code: &'static str,
    /// What it demands.
    pub says: &'static str,
}

/// All of them.
pub static RULES: &[Rule] = &[
    Rule { code: "dot_segment", says: "An identifier that stands in a path has no `.` or `..` segment, in any encoding." },
    Rule { code: "stray_dot", says: "An email address has no leading and no double dot." },
    Rule { code: "no_such_time", says: "A time has a day that exists." },
    Rule { code: "link_or_token", says: "A Connect session is named by its link or by its token, not by both." },
    Rule { code: "one_way_to_wait", says: "Waiting is for a person, for tags or for one connection." },
    Rule { code: "one_integration", says: "A connection is waited for at its own integration alone." },
    Rule { code: "person_missing", says: "A Connect session names the person: by `tags` or by `end_user`." },
    Rule { code: "duplicate_tag", says: "Tag keys differ without case: Nango keeps them in lower case." },
    Rule { code: "tag_too_long", says: "A tag value has at most 255 UTF-16 units." },
    Rule { code: "tag_not_an_email", says: "The tag end_user_email is an email address." },
    Rule { code: "too_many_tags", says: "Given tags and those Nango makes from end user and organization are at most 10 together." },
    Rule { code: "bad_cursor", says: "A cursor comes from an earlier call with the same other arguments." },
    Rule {
        code: "unsafe_path",
        says: "A provider's path begins with one slash and has no `.` or `..` segment and no control character, in any encoding.",
    },
    Rule { code: "forbidden_header", says: "A header for the provider is not one that Nango or HTTP sets, and is given once." },
    Rule { code: "unsendable_id", says: "An id of a proxied call has no blanks at its ends: it travels in a header." },
    Rule { code: "bad_query_value", says: "A query parameter is a text, a number, true or false, or a list of these." },
    Rule { code: "bad_filter", says: "A filter's value fits its op." },
    Rule { code: "body_not_allowed", says: "GET and HEAD have no body." },
    Rule { code: "body_too_large", says: "The body of a proxied call has at most 1 MiB." },
    Rule {
        code: "cursor_mismatch",
        says: "A cursor of proxy_request goes with the arguments and the environment of the call that returned it.",
    },
    Rule { code: "scopes_twice", says: "Scopes are given alone or within credentials, not both." },
    Rule { code: "nothing_to_change", says: "An update names something to change." },
    Rule { code: "blank_principal", says: "A principal is more than blanks." },
    Rule { code: "connection_id_too_long", says: "An id made by the convention has at most 255 characters." },
    Rule { code: "credentials_incomplete", says: "Credentials have all fields that their type requires." },
    Rule { code: "credentials_surplus", says: "Credentials have no fields of another type." },
    Rule { code: "scopes_not_a_list", says: "For an import, connection_config.oauth_scopes_override is a list of texts." },
    Rule { code: "invalid_end_user_identity", says: "A person is named by at least one of id, email and display_name, none of blanks." },
];

/// Codes of arguments that only the answer shows to be wrong: the request was sent, and can be sent again.
pub static FOUND_IN_ANSWERS: &[&str] = &["no_such_path", "no_such_field", "several_lists", "data_changed"];

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
    Rule { code: "person_missing", says: "A Connect session names the person: by `tags` or by `end_user`." },
    Rule { code: "duplicate_tag", says: "Tag keys differ without case: Nango keeps them in lower case." },
    Rule { code: "tag_too_long", says: "A tag value has at most 255 UTF-16 units." },
    Rule { code: "tag_not_an_email", says: "The tag end_user_email is an email address." },
    Rule { code: "too_many_tags", says: "Given tags and those Nango makes from end user and organization are at most 10 together." },
    Rule { code: "bad_cursor", says: "A cursor comes from an earlier call with the same other arguments." },
    Rule { code: "blank_principal", says: "A principal is more than blanks." },
];

//! Who connects.

use serde_json::Value;

use super::super::session::Session;
use super::html::Html;

/// One thing known about the person: what it is, what people call it, and its id where that is another.
pub(super) struct Line {
    what: &'static str,
    value: String,
    id: Option<String>,
}

impl Line {
    /// A name, an id, or both.
    fn of(what: &'static str, name: Option<&str>, id: Option<&str>) -> Option<Line> {
        let [name, id] = [name, id].map(|text| text.filter(|text| !text.is_empty()));
        let value = name.or(id)?.to_owned();
        Some(Line { what, id: id.filter(|id| *id != value).map(str::to_owned), value })
    }

    pub(super) fn show(&self, html: Html) -> Html {
        let html = html.markup("<dt>").markup(self.what).markup("</dt><dd>").theirs(&self.value);
        let html = match &self.id {
            Some(id) => html.markup(" (<code>").theirs(id).markup("</code>)"),
            None => html,
        };
        html.markup("</dd>\n")
    }
}

/// By the end user of the session or, where it has none, by its tags. Nango itself shows no tags here.
pub(super) fn lines(session: &Session) -> Vec<Line> {
    let user = session.end_user.as_ref();
    let organization = user.and_then(|user| user.organization.as_ref());
    let or_tag = |given: Option<&String>, name: &str| {
        let tag = || session.tags.get(name).and_then(Value::as_str);
        given.map(String::as_str).or_else(tag).map(str::to_owned)
    };
    let name = or_tag(user.and_then(|user| user.display_name.as_ref()), "end_user_display_name");
    let id = or_tag(user.map(|user| &user.id), "end_user_id");
    let email = or_tag(user.and_then(|user| user.email.as_ref()), "end_user_email");
    let organization_name = or_tag(organization.and_then(|known| known.display_name.as_ref()), "organization_display_name");
    let organization_id = or_tag(organization.map(|known| &known.id), "organization_id");
    let lines = [
        Line::of("For", name.as_deref(), id.as_deref()),
        Line::of("Email", email.as_deref(), None),
        Line::of("Organization", organization_name.as_deref(), organization_id.as_deref()),
    ];
    lines.into_iter().flatten().collect()
}

//! One integration on the page, and how it stands.

use super::super::routes::Turn;
use super::super::session::Session;
use super::html::Html;

/// One integration of a session.
pub(super) struct Item {
    /// Its unique key.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// What a real Nango would ask for, and this one leaves out.
    left_out: &'static str,
    /// Whether the session reconnects: then there is no other account to connect.
    renews: bool,
    pub standing: Standing,
}

/// How an integration stands in this session.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing came of it yet.
    Open,
    /// The session reconnects a connection: it has stopped working, it works all the same, or it was deleted.
    Broken,
    Working,
    Deleted,
    /// Connected in this session: the connections, the newest last.
    Connected(Vec<String>),
    /// Connected in this session, but its provider has taken the access back since.
    Stopped,
    /// The integration itself was deleted.
    Gone,
}

impl Item {
    pub(super) fn of(turn: &Turn, session: &Session, key: &str) -> Item {
        let integration = turn.state.environments.get(&session.environment).and_then(|environment| environment.integrations.get(key));
        let mode = integration.and_then(|found| turn.catalogue.auth_mode(&found.provider)).unwrap_or_default();
        Item {
            key: key.to_owned(),
            name: integration.map_or(key, |found| &found.display_name).to_owned(),
            left_out: left_out(mode),
            renews: session.reconnects.is_some(),
            standing: if integration.is_some() { standing(turn, session, key) } else { Standing::Gone },
        }
    }

    /// Whether this session has connected it.
    pub(super) fn connected(&self) -> bool {
        matches!(self.standing, Standing::Connected(_))
    }

    /// Its entry in the list.
    pub(super) fn entry(&self, html: Html) -> Html {
        let html = html.markup("<li>\n<h2>").theirs(&self.name).markup("</h2>\n<p><code>").theirs(&self.key).markup("</code>");
        let html = if self.standing == Standing::Open { html.markup(" \u{b7} ").markup(self.left_out) } else { html };
        let html = html.markup("</p>\n");
        match &self.standing {
            Standing::Open => self.form(html, true),
            Standing::Broken => self.form(bad(html, "The connection has stopped working."), true),
            Standing::Working => self.form(good(html, "The connection works. Connecting again gives it new credentials."), true),
            Standing::Deleted => self.form(bad(html, "The connection was deleted. Connecting brings it back under its id."), true),
            Standing::Stopped => bad(html, "Connected, but it has stopped working since. Ask for a link that renews it."),
            Standing::Gone => bad(html, "This integration does not exist any more."),
            Standing::Connected(ids) => {
                let html = good(html, "Connected");
                let html = html.each(ids, |html, id| html.markup("<p>Connection <code>").theirs(id).markup("</code></p>\n"));
                if self.renews { html } else { self.form(html, false) }
            }
        }
    }

    /// Its buttons; each says for what it is to whoever does not see where it stands.
    fn form(&self, html: Html, first: bool) -> Html {
        let button = |html: Html, head: &'static str, tail: &'static str| {
            html.markup(head).markup("<span class=\"hidden\"> (").theirs(&self.name).markup(")</span>").markup(tail)
        };
        let html =
            html.markup("<form method=\"post\">\n<input type=\"hidden\" name=\"integration\" value=\"").text(&self.key).markup("\">\n");
        let html = if first {
            let html = button(html, "<button name=\"do\" value=\"connect\">Connect", "</button>\n");
            button(html, "<button name=\"do\" value=\"fail\" class=\"quiet\">Let it fail", "</button>\n")
        } else {
            button(html, "<button name=\"do\" value=\"another\" class=\"quiet\">Connect another account", "</button>\n")
        };
        html.markup("</form>\n")
    }
}

fn good(html: Html, words: &'static str) -> Html {
    html.markup("<p class=\"state good\">").markup(words).markup("</p>\n")
}

fn bad(html: Html, words: &'static str) -> Html {
    html.markup("<p class=\"state bad\">").markup(words).markup("</p>\n")
}

fn standing(turn: &Turn, session: &Session, key: &str) -> Standing {
    let works = |id: &str| {
        let held = turn.state.environments.get(&session.environment)?.connections.iter().find(|connection| connection.is(id, key))?;
        Some(held.auth_errors.is_empty())
    };
    let made = session.attempts.iter().filter(|attempt| attempt.integration == key).filter_map(|attempt| attempt.connection_id.as_deref());
    let (working, broken): (Vec<&str>, Vec<&str>) = made.filter(|id| works(id).is_some()).partition(|id| works(id) == Some(true));
    if !working.is_empty() {
        return Standing::Connected(working.into_iter().map(str::to_owned).collect());
    }
    match &session.reconnects {
        Some((id, _)) => match works(id) {
            None => Standing::Deleted,
            Some(true) => Standing::Working,
            Some(false) => Standing::Broken,
        },
        None if broken.is_empty() => Standing::Open,
        None => Standing::Stopped,
    }
}

/// What a real Nango would ask for, and this one leaves out.
fn left_out(mode: &str) -> &'static str {
    match mode {
        "OAUTH1" | "OAUTH2" | "APP" | "CUSTOM" | "MCP_OAUTH2" => "without signing in",
        "API_KEY" => "without an API key",
        "BASIC" => "without a password",
        "NONE" => "needs no credentials",
        _ => "without credentials",
    }
}

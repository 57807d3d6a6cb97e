//! The page of an open session: who connects what, until when, and what came of it.

use time::OffsetDateTime;

use super::super::answer::Answer;
use super::super::clock::javascript;
use super::super::routes::Turn;
use super::super::session::{Attempt, Session};
use super::frame::page;
use super::html::Html;
use super::item::{Item, Standing};
use super::person::{self, Line};

/// What the page shows.
pub(super) struct View {
    person: Vec<Line>,
    /// The id of the connection that is renewed.
    renews: Option<String>,
    until: OffsetDateTime,
    items: Vec<Item>,
    last: Option<Attempt>,
}

impl View {
    pub(super) fn of(turn: &Turn, session: &Session) -> View {
        let mut keys: Vec<&str> = Vec::new();
        match &session.allowed_integrations {
            Some(allowed) => keys.extend(allowed.iter().map(String::as_str)),
            None => {
                let all = turn.state.environments.get(&session.environment).map(|environment| environment.integrations.keys());
                keys.extend(all.into_iter().flatten().map(String::as_str));
            }
        }
        let mut items: Vec<Item> = Vec::new();
        for key in keys {
            if items.iter().all(|item| item.key != key) {
                items.push(Item::of(turn, session, key));
            }
        }
        View {
            person: person::lines(session),
            renews: session.reconnects.as_ref().map(|(id, _)| id.clone()),
            until: session.expires_at,
            items,
            last: session.attempts.last().cloned(),
        }
    }

    /// Whether this session has connected an integration already, so that connecting it once more is a slip.
    pub(super) fn connected(&self, key: &str) -> bool {
        self.items.iter().any(|item| item.key == key && (item.connected() || item.standing == Standing::Stopped))
    }

    /// The page as things stand.
    pub(super) fn answer(&self) -> Answer {
        let outcome = self.last.as_ref().and_then(|last| self.outcome(last));
        let title = match &outcome {
            Some(_) if self.done() => "Done",
            Some((true, _)) => "Connected",
            Some((false, _)) => "Not connected",
            None if self.renews.is_some() => "Connect again",
            None => "Connect",
        };
        page(200, title, &self.main(outcome))
    }

    /// The page after something that was not understood.
    pub(super) fn refusal(&self, status: u16, why: &'static str) -> Answer {
        page(status, "Not done", &self.main(Some((false, Html::default().markup(why)))))
    }

    /// All that this link is for is connected, and nothing failed after that.
    fn done(&self) -> bool {
        self.items.iter().all(Item::connected) && self.last.as_ref().is_some_and(|last| last.connection_id.is_some())
    }

    /// What came of the last try, and whether that is good. What does not hold any more is not told.
    fn outcome(&self, last: &Attempt) -> Option<(bool, Html)> {
        let item = self.items.iter().find(|item| item.key == last.integration)?;
        let html = Html::default().theirs(&item.name);
        match (&last.connection_id, &self.renews) {
            (Some(_), _) if !item.connected() => None,
            (Some(_), Some(_)) => Some((true, html.markup(" is connected again and has kept its id. You can close this page."))),
            (Some(_), None) if self.done() => Some((true, html.markup(" is connected. You can close this page."))),
            (Some(_), None) => Some((true, html.markup(" is connected. Connect another, or close this page."))),
            (None, Some(_)) => Some((false, html.markup(" said no. The connection is as it was before. You can try again."))),
            (None, None) => Some((false, html.markup(" said no. Nothing was connected. You can try again."))),
        }
    }

    fn main(&self, outcome: Option<(bool, Html)>) -> Html {
        let html = self.heading(Html::default().markup("<h1>")).markup("</h1>\n");
        let html = match outcome {
            // Where the browser begins to read: the page is new, so nothing else would tell that this is.
            Some((good, words)) => {
                let class = if good { "good" } else { "bad" };
                html.markup("<p class=\"outcome ")
                    .markup(class)
                    .markup("\" role=\"status\" tabindex=\"-1\" autofocus>")
                    .html(&words)
                    .markup("</p>\n")
            }
            None => html,
        };
        let html = html.markup("<dl>\n").each(&self.person, |html, line| line.show(html));
        let html = match &self.renews {
            Some(id) => html.markup("<dt>Renews the connection</dt><dd><code>").theirs(id).markup("</code></dd>\n"),
            None => html,
        };
        let html = html
            .markup("<dt>Link works until</dt><dd><time datetime=\"")
            .text(&javascript(self.until))
            .markup("\">")
            .text(&minute(self.until))
            .markup("</time></dd>\n</dl>\n");
        if self.items.is_empty() {
            return html.markup("<p>There is nothing to connect: this environment has no integrations.</p>\n");
        }
        html.markup("<ul>\n").each(&self.items, |html, item| item.entry(html)).markup("</ul>\n")
    }

    fn heading(&self, html: Html) -> Html {
        match (self.items.as_slice(), &self.renews) {
            _ if self.done() => html.markup("Done"),
            ([one], Some(_)) => html.markup("Connect ").theirs(&one.name).markup(" again"),
            ([one], None) => html.markup("Connect ").theirs(&one.name),
            _ => html.markup("Connect your accounts"),
        }
    }
}

/// `13:12 UTC on 23 November 2026`; the seconds are cut, so it never promises too much.
fn minute(time: OffsetDateTime) -> String {
    format!("{:02}:{:02} UTC on {} {} {}", time.hour(), time.minute(), time.day(), time.month(), time.year())
}

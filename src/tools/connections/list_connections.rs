//! Connections, found by person, integration or tag.

use serde_json::Value;

use super::{ConnectionError, Person};
use crate::context::Context;
use crate::error::Error;
use crate::json::{self, kind_of};
use crate::nango::tags::{self, Tags};
use crate::nango::{AnyKey, ConnectionId, Cursor, IntegrationKey, Label, Path, Request, Search, TagKey, TagValue, Window};
use crate::tool::{Dict, Effect, Int, List, Passed, Toolset, object, result};
use crate::tools::listing::Place;

object! {
    /// Arguments.
    pub(crate) struct Args {
        /// Only connections of this integration, by unique key.
        integration_id: Option<IntegrationKey>,
        /// Only the connection of exactly this id.
        connection_id: Option<ConnectionId>,
        /// Only where id, person's name or email contains this.
        search: Option<Search>,
        /// Only of this person, by the tag end_user_id, else by the older end user id.
        end_user_id: Option<Label>,
        /// Only of this organization, by the tag organization_id, else by the older id.
        organization_id: Option<Label>,
        /// Only with all these tags; keys compare without case, values exactly.
        tags: Option<Dict<TagKey, TagValue, 10>>,
        /// Only those of the page that report errors.
        with_errors: bool = false,
        /// Rows of a page.
        limit: Int<1, 200> = 50,
        /// next_cursor of the page before; other arguments unchanged.
        cursor: Option<Cursor>,
    }
}

result! {
    /// A connection in short.
    pub(crate) struct Row {
        /// The connection's id; with provider_config_key it names the connection.
        connection_id: String,
        /// Its integration's unique key.
        provider_config_key: String,
        /// Nango's name for the provider.
        provider: Option<String>,
        /// When it was made.
        created: Option<String>,
        /// What is wrong; empty when nothing is known to be.
        errors: Option<List<ConnectionError, 0, 1000>>,
        /// The person, where the connection was made with end_user.
        end_user: Option<Person>,
        /// Tags.
        tags: Option<Dict<AnyKey, String, 100>>,
    }
}

result! {
    /// A page.
    pub(crate) struct Output {
        /// The connections, newest first.
        connections: List<Passed<Row>, 0, 200>,
        /// Where the next page begins; absent on the last one.
        next_cursor: Option<String>,
        /// How many fields of Nango's rows are not shown here, metadata among them.
        dropped_fields: Int<0, 1_000_000>,
    }
}

/// Found by tags, as connections are made today.
const BY_TAGS: char = 't';
/// Found by the end user record of connections from before tags.
const BY_END_USER: char = 'e';

/// See [`crate::tool::Tool`].
pub(crate) struct Tool;

impl crate::tool::Tool for Tool {
    type Args = Args;
    type Output = Output;
    const NAME: &'static str = "list_connections";
    const TITLE: &'static str = "Find connections";
    const DESCRIPTION: &'static str = "List the connections of an environment, newest first, in pages: whose account is connected where, and whether it \
        works. Use it to find a person's connection, to see whether somebody finished a link, or to find broken ones; for one \
        connection with metadata use get_connection, for services that can be connected list_integrations. with_errors filters \
        the page it read, so a page may be short and still have a next_cursor. Needs environment:connections:list.";
    const TOOLSET: Toolset = Toolset::Connections;
    const EFFECT: Effect = Effect::Read;
    const IDEMPOTENT: bool = true;
    const SCOPES: &'static [&'static str] = &["environment:connections:list"];

    fn rules(args: &Args) -> Result<(), Error> {
        let person = [("end_user_id", args.end_user_id.is_some()), ("organization_id", args.organization_id.is_some())];
        let mut keys: Vec<String> = person.into_iter().filter(|(_, given)| *given).map(|(key, _)| key.to_owned()).collect();
        for (key, _) in args.tags.iter().flat_map(|tags| &tags.0) {
            let lower = key.to_ascii_lowercase();
            if keys.contains(&lower) {
                let say =
                    "one tag is asked for twice: Nango keeps keys in lower case, and `end_user_id` and `organization_id` are tags too";
                return Err(Error::argument("duplicate_tag", "tags", say));
            }
            keys.push(lower);
        }
        Ok(())
    }

    fn call(cx: &Context<'_>, args: &Args) -> Result<Output, Error> {
        let mut place = Place::of(cx, args.cursor.as_ref(), BY_TAGS)?;
        let rows = usize::try_from(args.limit.0).unwrap_or(1);
        let window = Window::over(place.offset, rows);
        let mut page = fetch(cx, args, window, place.way)?;
        let person = args.end_user_id.is_some() || args.organization_id.is_some();
        let tagged = args.tags.as_ref().is_some_and(|tags| !tags.0.is_empty());
        if page.found == 0 && person && !tagged && args.cursor.is_none() {
            place.way = BY_END_USER;
            page = fetch(cx, args, window, place.way)?;
        }
        let next = Place { offset: place.offset + rows, way: place.way };
        let next_cursor = window.has_next(page.found, rows).then(|| next.write(cx));
        Ok(Output { connections: List(page.shown), next_cursor, dropped_fields: Int(page.dropped) })
    }
}

/// What one request found.
struct Page {
    /// Rows of the answer, shown or not.
    found: usize,
    shown: Vec<Passed<Row>>,
    dropped: i64,
}

/// Whether anything stands in `errors`; what cannot be read stands there as an empty object.
fn has_errors(row: &Value) -> bool {
    !json::items(row, "errors").is_empty()
}

fn fetch(cx: &Context<'_>, args: &Args, window: Window, way: char) -> Result<Page, Error> {
    let mut request = Request::get("GET /connections", Path::fixed("/connections"))
        .query_if("integrationId", args.integration_id.as_deref())
        .query_if("connectionId", args.connection_id.as_deref())
        .query_if("search", args.search.as_deref());
    let (user, organization) = (args.end_user_id.as_deref(), args.organization_id.as_deref());
    let mut wanted = Tags::new();
    if way == BY_END_USER {
        request = request.query_if("endUserId", user).query_if("endUserOrganizationId", organization);
    } else {
        for (key, value) in [("end_user_id", user), ("organization_id", organization)] {
            wanted.extend(value.map(|value| (key.to_owned(), value.to_owned())));
        }
    }
    let given = args.tags.iter().flat_map(|tags| &tags.0).map(|(key, value)| (key.to_ascii_lowercase(), value.to_string())).collect();
    for (key, value) in tags::lay(wanted, &given) {
        request = request.query(format!("tags[{key}]"), value);
    }
    let request = request.query("limit", window.limit.to_string()).query("page", window.page.to_string());
    // An answer without the list must not read as "nobody is connected": `each` refuses it.
    let answer = cx.send(&request)?;
    let mut page = Page { found: 0, shown: Vec::new(), dropped: 0 };
    let rows = window.skip..window.skip + usize::try_from(args.limit.0).unwrap_or(1);
    answer.each("connections", kind_of::<Row>(), &mut page.dropped, &mut |row| {
        let shown = rows.contains(&page.found) && (!args.with_errors || has_errors(&row));
        page.found += 1;
        if shown {
            page.shown.push(Passed::of(row));
        }
        shown
    })?;
    Ok(page)
}

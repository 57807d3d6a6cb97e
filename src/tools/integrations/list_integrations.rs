//! The integrations of an environment.

use super::Integration;
use crate::context::Context;
use crate::error::Error;
use crate::json::kind_of;
use crate::nango::{Cursor, Path, Request};
use crate::tool::{Effect, Int, List, Passed, Toolset, object, result};
use crate::tools::listing::Place;

object! {
    /// Arguments.
    pub(crate) struct Args {
        /// Rows of a page.
        limit: Int<1, 200> = 50,
        /// next_cursor of the page before; other arguments unchanged.
        cursor: Option<Cursor>,
    }
}

result! {
    /// A page.
    pub(crate) struct Output {
        /// The integrations, by unique key.
        integrations: List<Passed<Integration>, 0, 200>,
        /// How many there are in all.
        total: Int<0, 1_000_000>,
        /// Where the next page begins; absent on the last one.
        next_cursor: Option<String>,
        /// How many fields of Nango's rows are not shown here.
        dropped_fields: Int<0, 1_000_000>,
    }
}

/// See [`crate::tool::Tool`].
pub(crate) struct Tool;

impl crate::tool::Tool for Tool {
    type Args = Args;
    type Output = Output;
    const NAME: &'static str = "list_integrations";
    const TITLE: &'static str = "List configured integrations";
    const DESCRIPTION: &'static str = "List the integrations of an environment: the services people can connect there, with the unique keys that other tools \
        ask for. Use it when a key is not known; for one integration use get_integration, for services that could be set up \
        search_provider_templates, for connected accounts list_connections. Credentials are never shown. Needs \
        environment:integrations:list.";
    const TOOLSET: Toolset = Toolset::Integrations;
    const EFFECT: Effect = Effect::Read;
    const IDEMPOTENT: bool = true;
    const SCOPES: &'static [&'static str] = &["environment:integrations:list"];

    fn call(cx: &Context<'_>, args: &Args) -> Result<Output, Error> {
        let place = Place::of(cx, args.cursor.as_ref(), 'i')?;
        // Nango answers all of them at once, sorted by key.
        let answer = cx.send(&Request::get("GET /integrations", Path::fixed("/integrations")))?;
        let limit = usize::try_from(args.limit.0).unwrap_or(1);
        let next = Place { offset: place.offset + limit, ..place };
        let (mut integrations, mut total, mut dropped) = (Vec::new(), 0, 0);
        answer.each("data", kind_of::<Integration>(), &mut dropped, &mut |row| {
            let shown = (place.offset..next.offset).contains(&total);
            total += 1;
            if shown {
                integrations.push(Passed::of(row));
            }
            shown
        })?;
        Ok(Output {
            integrations: List(integrations),
            total: Int(i64::try_from(total).unwrap_or(i64::MAX)),
            next_cursor: (total > next.offset).then(|| next.write(cx)),
            dropped_fields: Int(dropped),
        })
    }
}

//! An integration deleted, with the connections that vanish with it counted.

use serde_json::Value;

use super::path;
use crate::context::Context;
use crate::error::Error;
use crate::json::kind_of;
use crate::nango::{IntegrationKey, Path, Request};
use crate::tool::{Effect, Int, List, Toolset, object, result};

/// Connections counted; where there are more, this many at least.
const COUNTED: i64 = 1000;

object! {
    /// Arguments.
    pub(crate) struct Args {
        /// Unique key, as list_integrations shows it.
        integration_id: IntegrationKey,
    }
}

result! {
    /// What of a connection is counted.
    struct Row {
        /// Its id.
        connection_id: String,
        /// Its integration.
        provider_config_key: String,
    }
}

result! {
    /// What is gone.
    pub(crate) struct Output {
        /// Whether the integration is gone.
        deleted: bool,
        /// How many connections it had just before, which are gone with it; absent where the API key may not list them.
        connections_removed: Option<Int<0, COUNTED>>,
        /// Whether there may have been more: only the first 1,000 are counted.
        at_least: bool,
        /// What could not be told.
        warnings: List<String, 0, 1>,
    }
}

/// See [`crate::tool::Tool`].
pub(crate) struct Tool;

impl crate::tool::Tool for Tool {
    type Args = Args;
    type Output = Output;
    const NAME: &'static str = "delete_integration";
    const TITLE: &'static str = "Delete an integration and its connections";
    const DESCRIPTION: &'static str = "Delete an integration with its credentials and all its connections, for good: people have to connect again. Use it \
        only for a service no longer wanted, after list_connections has shown whose accounts go; to remove one account use \
        delete_connection, to change the integration update_integration. Connections are counted first; if that fails nothing \
        is deleted, but a key without environment:connections:list deletes uncounted and says so. At the provider nothing is \
        revoked. Needs environment:integrations:delete.";
    const TOOLSET: Toolset = Toolset::Integrations;
    const EFFECT: Effect = Effect::Destructive;
    const IDEMPOTENT: bool = false;
    const SCOPES: &'static [&'static str] = &["environment:integrations:delete"];
    const BETTER_WITH: &'static [&'static str] = &["environment:connections:list"];

    fn call(cx: &Context<'_>, args: &Args) -> Result<Output, Error> {
        let mut warnings = Vec::new();
        // In one request; where so many rows are too much for one, in pages.
        let counted = match count(cx, &args.integration_id, COUNTED + 1) {
            Err(error) if error.code() == "answer_too_large" => count(cx, &args.integration_id, 100),
            counted => counted,
        };
        let counted = match counted {
            Ok(counted) => Some(counted),
            // The count decides nothing: who may delete integrations and not list connections was given just that.
            Err(error) if error.code() == "missing_scope" => {
                warnings
                    .push("the API key may not list connections (environment:connections:list), so how many went is not known".to_owned());
                None
            }
            Err(error) => return Err(error.after(&[], &["the deletion"])),
        };
        let answer = cx.send(&Request::delete("DELETE /integrations/:uniqueKey", path(&args.integration_id)))?;
        if answer.json()?.get("success") != Some(&Value::Bool(true)) {
            return Err(Error::invalid_answer(answer.route, answer.status));
        }
        Ok(Output {
            deleted: true,
            connections_removed: counted.map(|counted| Int(counted.min(COUNTED))),
            at_least: counted.is_some_and(|counted| counted > COUNTED),
            warnings: List(warnings),
        })
    }
}

/// How many connections an integration has; one more than [`COUNTED`] where there are more.
fn count(cx: &Context<'_>, key: &IntegrationKey, size: i64) -> Result<i64, Error> {
    let (mut counted, mut page) = (0, 0);
    loop {
        // integrationId is a list with commas, which no key has.
        let request = Request::get("GET /connections", Path::fixed("/connections"))
            .query("integrationId", &**key)
            .query("limit", size.to_string())
            .query_if("page", (page > 0).then(|| page.to_string()));
        let mut rows = 0;
        cx.send(&request)?.each("connections", kind_of::<Row>(), &mut 0, &mut |row| {
            counted += i64::from(row.get("provider_config_key").and_then(Value::as_str) == Some(key));
            rows += 1;
            false
        })?;
        page += 1;
        if rows < size || counted > COUNTED || page * size > COUNTED {
            return Ok(counted);
        }
    }
}

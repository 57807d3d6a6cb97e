//! Connections held against the convention.

use serde_json::Value;

use super::lacks;
use crate::context::Context;
use crate::error::Error;
use crate::json::{self, kind_of};
use crate::nango::{Cursor, IntegrationKey, Path, Request};
use crate::tool::{Effect, Int, List, Open, Passed, Toolset, object, result};
use crate::tools::listing::Place;

/// Connections of a request: an answer with their metadata stays within the cap.
const PAGE: usize = 100;
/// Requests of a call.
const PAGES: usize = 20;
/// Findings of a result.
const SHOWN: usize = 100;

object! {
    /// Arguments.
    pub(crate) struct Args {
        /// Check only connections of this integration, by unique key.
        integration_id: Option<IntegrationKey>,
        /// How many connections this call checks at most; each hundred is one request.
        limit: Int<1, 2000> = 500,
        /// Where to go on: next_cursor of the call before, with the other arguments unchanged.
        cursor: Option<Cursor>,
    }
}

result! {
    /// What is looked at of a connection.
    struct Row {
        /// Its id.
        connection_id: String,
        /// Its integration.
        provider_config_key: String,
        /// Tags.
        tags: Option<Open>,
        /// Metadata.
        metadata: Option<Open>,
    }
}

result! {
    /// A connection that lacks something.
    pub(crate) struct Finding {
        /// The connection's id.
        connection_id: String,
        /// Its integration's unique key.
        provider_config_key: String,
        /// What makes it hard to attribute: missing_tag:end_user_id, invalid_tag:owner_kind, invalid_tag:purpose.
        required_issues: List<String, 0, 3>,
        /// What it should have too: missing_tag:…, missing_or_wrong_tag:environment, missing_metadata:….
        recommendations: List<String, 0, 4>,
    }
}

result! {
    /// The audit.
    pub(crate) struct Output {
        /// The environment; its name is what the tag of that name should say.
        environment: String,
        /// How many connections this call checked.
        checked: Int<0, 2000>,
        /// Required issues of all of them.
        required_issue_count: Int<0, 10_000>,
        /// Recommendations of all of them.
        recommendation_count: Int<0, 10_000>,
        /// Whether none of them has a required issue.
        healthy: bool,
        /// The connections that lack something: those with required issues first, each kind newest first.
        findings: List<Passed<Finding>, 0, 100>,
        /// How many more lack something than are shown; a smaller limit shows them in parts.
        findings_left_out: Int<0, 2000>,
        /// Whether all connections from here to the end of the list were checked.
        complete: bool,
        /// Where the next call goes on; absent when complete.
        next_cursor: Option<String>,
    }
}

/// See [`crate::tool::Tool`].
pub(crate) struct Tool;

impl crate::tool::Tool for Tool {
    type Args = Args;
    type Output = Output;
    const NAME: &'static str = "audit_connection_conventions";
    const TITLE: &'static str = "Audit connections' tags";
    const DESCRIPTION: &'static str = "Check the connections of an environment against the convention: who is missing, which owner_kind or purpose is \
        unknown, which recommended tags and metadata are absent. Use it to find connections nobody can attribute; to repair \
        one use apply_connection_convention, for the findings' meaning describe_connection_convention, for an account's values \
        build_connection_convention, for other questions list_connections. It looks at tags and metadata, not at health. A \
        call reads at most 20 pages of 100; complete false and next_cursor tell that there is more; smaller limits leave no \
        finding out. Needs environment:connections:list.";
    const TOOLSET: Toolset = Toolset::Conventions;
    const EFFECT: Effect = Effect::Read;
    const IDEMPOTENT: bool = true;
    const SCOPES: &'static [&'static str] = &["environment:connections:list"];

    fn call(cx: &Context<'_>, args: &Args) -> Result<Output, Error> {
        let start = Place::of(cx, args.cursor.as_ref(), 'a')?;
        let limit = usize::try_from(args.limit.0).unwrap_or(1);
        let mut audit = Audit::default();
        let mut complete = false;
        for _ in 0..PAGES {
            // What was checked so far is worth more than one page more that may not come.
            if audit.checked > 0 && !cx.has_time() {
                break;
            }
            // A full last page may be the end: only a look at what would come next tells.
            let looked = audit.checked == limit;
            let found = audit.page(cx, args, start.offset, limit)?;
            complete = !found;
            if complete || looked {
                break;
            }
        }
        if let (0, Some(key)) = (audit.checked + start.offset, &args.integration_id) {
            // No connection is no finding, but the name may be wrong. A key that may not look knows no better.
            let request = Request::get("GET /integrations/:uniqueKey", Path::fixed("/integrations").segment(key));
            if let Err(error) = cx.send(&request)
                && error.code() == "unknown_integration"
            {
                return Err(error);
            }
        }
        let next = Place { offset: start.offset + audit.checked, ..start };
        Ok(audit.result(cx, complete, (!complete).then(|| next.write(cx))))
    }
}

/// What was found so far.
#[derive(Default)]
struct Audit {
    checked: usize,
    required: usize,
    recommended: usize,
    lacking: usize,
    /// Findings with required issues, and those without.
    worse: Vec<Passed<Finding>>,
    others: Vec<Passed<Finding>>,
}

impl Audit {
    /// Check the next page, up to `limit` in all. Returns whether there may be more connections behind what is checked.
    fn page(&mut self, cx: &Context<'_>, args: &Args, start: usize, limit: usize) -> Result<bool, Error> {
        // A page begins at a multiple of its size, so the place may lie within one.
        let size = if self.checked == limit { 1 } else { PAGE.min(limit) };
        let from = start + self.checked;
        let request = Request::get("GET /connections", Path::fixed("/connections"))
            .query_if("integrationId", args.integration_id.as_deref())
            .query("limit", size.to_string())
            .query("page", (from / size).to_string());
        let mut found = 0;
        let wanted = from % size..(from % size + limit - self.checked).min(size);
        // An answer without the list must not read as "all is well": `each` refuses it. No row is kept.
        cx.send(&request)?.each("connections", kind_of::<Row>(), &mut 0, &mut |row| {
            if wanted.contains(&found) {
                self.check(&row, cx);
            }
            found += 1;
            false
        })?;
        Ok(found >= size || found > wanted.end)
    }

    fn check(&mut self, row: &Value, cx: &Context<'_>) {
        let (required, recommended) = lacks(row, cx.environment(), &cx.config.metadata_namespace);
        self.checked += 1;
        self.required += required.len();
        self.recommended += recommended.len();
        if required.is_empty() && recommended.is_empty() {
            return;
        }
        self.lacking += 1;
        let findings = if required.is_empty() { &mut self.others } else { &mut self.worse };
        if findings.len() < SHOWN {
            let field = |name: &str| row.get(name).cloned().unwrap_or_default();
            let finding = json::object([
                ("connection_id", field("connection_id")),
                ("provider_config_key", field("provider_config_key")),
                ("required_issues", required.into()),
                ("recommendations", recommended.into()),
            ]);
            findings.push(Passed::of(finding.into()));
        }
    }

    fn result(mut self, cx: &Context<'_>, complete: bool, next_cursor: Option<String>) -> Output {
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.worse.append(&mut self.others);
        self.worse.truncate(SHOWN);
        Output {
            environment: cx.environment().to_owned(),
            checked: Int(count(self.checked)),
            required_issue_count: Int(count(self.required)),
            recommendation_count: Int(count(self.recommended)),
            healthy: self.required == 0,
            findings_left_out: Int(count(self.lacking - self.worse.len())),
            findings: List(self.worse),
            complete,
            next_cursor,
        }
    }
}

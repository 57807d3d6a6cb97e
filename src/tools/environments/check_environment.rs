//! Whether an environment works: reach, key, scopes.

use serde_json::Value;

use crate::config::Config;
use crate::context::Context;
use crate::error::Error;
use crate::nango::{Answer, AnyKey, Path, RateLimit, Request};
use crate::tool::{Dict, Effect, Int, List, Toolset, object, result};
use crate::tools::TOOLS;

object! {
    /// Arguments: the environment alone.
    pub(crate) struct Args {}
}

result! {
    /// What is left of the account's allowance.
    pub(crate) struct Allowance {
        /// Requests a minute, for the whole Nango account.
        limit: Int<0, 4_294_967_295>,
        /// Requests left in this minute.
        remaining: Int<0, 4_294_967_295>,
        /// When the minute ends, in Unix seconds.
        reset: Int<0, 9_007_199_254_740_991>,
    }
}

result! {
    /// The diagnosis.
    pub(crate) struct Output {
        /// Whether Nango is there and takes the key; scopes may still be missing.
        ready: bool,
        /// The environment.
        environment: String,
        /// Where Nango's API is.
        base_url: String,
        /// Whether anything answered as Nango does.
        reachable: bool,
        /// Whether the API key is one of this Nango.
        key_accepted: bool,
        /// API key scopes: granted, missing, or unknown (only using it would tell).
        scopes: Dict<AnyKey, String, 10>,
        /// Scopes that each offered toolset needs for all of its tools.
        toolset_scopes: Dict<AnyKey, List<String, 0, 20>, 10>,
        /// What is left of the rate limit.
        rate_limit: Option<Allowance>,
        /// What is wrong, each with its remedy; empty when all is well.
        problems: List<String, 0, 10>,
    }
}

/// See [`crate::tool::Tool`].
pub(crate) struct Tool;

impl crate::tool::Tool for Tool {
    type Args = Args;
    type Output = Output;
    const NAME: &'static str = "check_environment";
    const TITLE: &'static str = "Check an environment";
    const DESCRIPTION: &'static str = "Check whether an environment works: is Nango reachable, is the API key accepted, which scopes has it, how much of the \
        rate limit is left. Use it when calls fail for no clear reason, or once before longer work; for the configured names \
        use list_environments. It sends four reads and reports `problems` with remedies instead of failing. Any API key will \
        do.";
    const TOOLSET: Toolset = Toolset::Environments;
    const EFFECT: Effect = Effect::Read;
    const IDEMPOTENT: bool = true;
    const SCOPES: &'static [&'static str] = &[];
    const BETTER_WITH: &'static [&'static str] = &["environment:integrations:list", "environment:connections:list"];

    fn call(cx: &Context<'_>, _args: &Args) -> Result<Output, Error> {
        // GET /providers/:provider takes any key, and a provider that this Nango does not know is an answer too.
        let github = Path::fixed("/providers/github");
        let [health, provider] = cx
            .send_both(&[Request::get("GET /health", Path::fixed("/health")).keyless(), Request::get("GET /providers/:provider", github)]);
        let provider = holding(provider, "GET /providers/:provider", |body| body.get("data").is_some_and(Value::is_object));
        let key_accepted = provider.is_ok()
            || provider.as_ref().is_err_and(|error| error.api().is_some_and(|api| api.status == 404 && api.code != "not_nango"));
        // The limit counts requests of keys that are known.
        let limited = provider.as_ref().err().filter(|error| error.code() == "rate_limited").map(Error::sentence);
        let key_accepted = key_accepted || limited.is_some();
        let key_rejected = matches!(&provider, Err(error) if error.code() == "key_rejected");
        let reachable =
            health.and_then(|answer| answer.json()).is_ok_and(|body| body.get("result").is_some()) || key_accepted || key_rejected;
        let mut rate_limit = provider.as_ref().ok().and_then(|answer| answer.rate_limit);
        let mut problems: Vec<String> = limited.into_iter().collect();
        let mut scopes = vec![("environment:connect_sessions:write".to_owned(), "unknown".to_owned())];
        if let (false, Err(error)) = (key_accepted, provider) {
            // Without a key no request leaves, and the remedy is the operator's.
            if error.code() == "missing_key" {
                return Err(error);
            }
            problems.push(error.sentence());
        } else {
            let requests = [
                Request::get("GET /integrations", Path::fixed("/integrations")),
                Request::get("GET /connections", Path::fixed("/connections")).query("limit", "1"),
            ];
            let [integrations, connections] = cx.send_both(&requests);
            for (scope, route, field, answer) in [
                ("environment:integrations:list", "GET /integrations", "data", integrations),
                ("environment:connections:list", "GET /connections", "connections", connections),
            ] {
                let state = match holding(answer, route, |body| body.get(field).is_some_and(Value::is_array)) {
                    Ok(answer) => {
                        rate_limit = answer.rate_limit.or(rate_limit);
                        "granted"
                    }
                    Err(error) if error.code() == "missing_scope" => "missing",
                    Err(error) => {
                        problems.push(error.sentence());
                        "unknown"
                    }
                };
                scopes.push((scope.to_owned(), state.to_owned()));
            }
        }
        Ok(Output {
            ready: key_accepted && problems.is_empty(),
            environment: cx.environment().to_owned(),
            base_url: cx.config.base.to_string(),
            reachable,
            key_accepted,
            scopes: scopes.into_iter().collect(),
            toolset_scopes: Toolset::ALL.iter().filter_map(|set| needed(cx.config, *set)).collect(),
            rate_limit: rate_limit.map(allowance),
            problems: List(problems),
        })
    }
}

/// What the offered tools of a toolset need, beside a key; `None` if none of them is offered.
fn needed(config: &Config, set: Toolset) -> Option<(String, List<String, 0, 20>)> {
    let (mut offered, mut scopes) = (false, Vec::new());
    for entry in TOOLS.iter().filter(|entry| entry.toolset == set && entry.is_offered(config)) {
        offered = true;
        for scope in entry.scopes {
            if !scopes.iter().any(|known: &String| known == scope) {
                scopes.push((*scope).to_owned());
            }
        }
    }
    offered.then(|| (set.name().to_owned(), List(scopes)))
}

/// The answer, if it holds what the route answers with: something that answers `{}` to everything is no Nango.
fn holding(answer: Result<Answer, Error>, route: &str, fits: impl Fn(&Value) -> bool) -> Result<Answer, Error> {
    let answer = answer?;
    // What takes more than any of these answers would is none of them either.
    if fits(&answer.json()?) { Ok(answer) } else { Err(Error::invalid_answer(route, 200)) }
}

fn allowance(left: RateLimit) -> Allowance {
    Allowance { limit: Int(left.limit.into()), remaining: Int(left.remaining.into()), reset: Int(i64::try_from(left.reset).unwrap_or(0)) }
}

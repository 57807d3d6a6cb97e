//! The configured environments.

use crate::context::Context;
use crate::error::Error;
use crate::tool::{Effect, List, Toolset, object, result};

object! {
    /// Arguments: none.
    pub(crate) struct Args {}
}

result! {
    /// An environment.
    pub(crate) struct Row {
        /// The name that other tools take as environment.
        name: String,
        /// Other names for it.
        aliases: List<String, 0, 100>,
        /// Whether calls may leave environment out: it is the only one.
        default: bool,
        /// Whether an API key is configured; not whether it works.
        has_key: bool,
    }
}

result! {
    /// The configuration, as far as it is anybody's business.
    pub(crate) struct Output {
        /// The environments, in the order of configuration.
        environments: List<Row, 1, 1000>,
        /// Where Nango's API is.
        base_url: String,
        /// Whether tools that write are switched off.
        read_only: bool,
    }
}

/// See [`crate::tool::Tool`].
pub(crate) struct Tool;

impl crate::tool::Tool for Tool {
    type Args = Args;
    type Output = Output;
    const NAME: &'static str = "list_environments";
    const TITLE: &'static str = "List configured environments";
    const DESCRIPTION: &'static str = "List the Nango environments this server is configured for, with their aliases. Use it to learn what other tools take \
        as environment; whether an environment's API key works tells check_environment. It reads the configuration only, sends \
        nothing and shows no key.";
    const TOOLSET: Toolset = Toolset::Environments;
    const EFFECT: Effect = Effect::Read;
    const IDEMPOTENT: bool = true;
    const SCOPES: &'static [&'static str] = &[];
    const ENVIRONMENT: bool = false;
    const OPEN_WORLD: bool = false;

    fn call(cx: &Context<'_>, _args: &Args) -> Result<Output, Error> {
        let environments = &cx.config.environments;
        let row = |environment: &crate::config::Environment| Row {
            name: environment.name.clone(),
            aliases: List(environment.aliases.clone()),
            default: environments.len() == 1,
            has_key: environment.key.is_some(),
        };
        Ok(Output {
            environments: List(environments.iter().map(row).collect()),
            base_url: cx.config.base.to_string(),
            read_only: cx.config.read_only,
        })
    }
}

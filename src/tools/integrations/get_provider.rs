//! One provider of Nango's catalogue.

use serde_json::Value;

use super::needs;
use crate::context::Context;
use crate::error::Error;
use crate::json;
use crate::nango::{Answer, AnyKey, Path, ProviderName, Request};
use crate::tool::{Arg, Dict, Effect, Int, List, Passed, Toolset, object, result};

object! {
    /// Arguments.
    pub(crate) struct Args {
        /// The provider's name in the catalogue, such as github or zendesk.
        provider: ProviderName,
    }
}

result! {
    /// A field of a form, without the value of what is secret.
    pub(crate) struct Field {
        /// Kind of value.
        r#type: Option<String>,
        /// Its name for people.
        title: Option<String>,
        /// What it is.
        description: Option<String>,
        /// A value for example; never of a secret field.
        example: Option<String>,
        /// The regular expression that values match.
        pattern: Option<String>,
        /// The form of values, such as uri.
        format: Option<String>,
        /// What stands before the value.
        prefix: Option<String>,
        /// What stands behind the value.
        suffix: Option<String>,
        /// The only values allowed.
        r#enum: Option<List<String, 0, 100>>,
        /// The value without an answer; never of a secret field.
        default_value: Option<String>,
        /// Whether it may be left out.
        optional: Option<bool>,
        /// Whether values are secret.
        secret: Option<bool>,
        /// Whether Nango finds the value itself.
        automated: Option<bool>,
        /// Whether people are not asked for it.
        hidden: Option<bool>,
    }
}

/// A form: its fields by name.
pub(crate) type Form = Option<Dict<AnyKey, Field, 100>>;

result! {
    /// What the catalogue says about a provider.
    pub(crate) struct Provider {
        /// Its name in the catalogue: what create_integration takes as provider.
        name: String,
        /// The name for people.
        display_name: Option<String>,
        /// How accounts are connected, such as OAUTH2 or API_KEY.
        auth_mode: String,
        /// What kind of service it is.
        categories: Option<List<String, 0, 50>>,
        /// Nango's page about it.
        docs: Option<String>,
        /// Nango's instructions for the person who connects.
        docs_connect: Option<String>,
        /// Nango's instructions for registering an app at the provider.
        setup_guide_url: Option<String>,
        /// Where people authorize; ${connectionConfig.x} stands for a field of connection_config.
        authorization_url: Option<String>,
        /// Where tokens come from, if it is one address.
        token_url: Option<String>,
        /// Scopes that Nango asks for without any of the integration's own.
        default_scopes: Option<List<String, 0, 200>>,
        /// Fields of the integration: what create_integration takes as integration_config.
        integration_config: Form,
        /// Fields of a connection, which the Connect page asks for: connection_config by name.
        connection_config: Form,
        /// Credentials that the Connect page asks the person for.
        credentials: Form,
    }
}

result! {
    /// The provider.
    pub(crate) struct Output {
        /// The provider.
        provider: Passed<Provider>,
        /// What create_integration needs in credentials for it.
        needs: String,
        /// How many fields of Nango's object are not shown here.
        dropped_fields: Int<0, 1_000_000>,
        /// What paths of proxy_request stand below.
        base_url: Option<String>,
    }
}

/// See [`crate::tool::Tool`].
pub(crate) struct Tool;

impl crate::tool::Tool for Tool {
    type Args = Args;
    type Output = Output;
    const NAME: &'static str = "get_provider";
    const TITLE: &'static str = "Show a provider of the catalogue";
    const DESCRIPTION: &'static str = "Show one provider of Nango's catalogue: auth mode, the fields and credentials asked of a person, default scopes and \
        instructions. Use it before create_integration, or to fill connection_config for a link; for a name that is not known \
        use search_provider_templates, for an existing integration get_integration. Fields marked secret show neither default \
        nor example. An unknown name fails with `unknown_provider`. Any API key will do.";
    const TOOLSET: Toolset = Toolset::Integrations;
    const EFFECT: Effect = Effect::Read;
    const IDEMPOTENT: bool = true;
    const SCOPES: &'static [&'static str] = &[];

    fn call(cx: &Context<'_>, args: &Args) -> Result<Output, Error> {
        let answer = cx.send(&Request::get("GET /providers/:provider", Path::fixed("/providers").segment(&args.provider)))?;
        let mut dropped = 0;
        let mut provider = answer.project::<Passed<Provider>>(Some("data"), &mut dropped)?.give();
        if provider.get("name") != Some(&json::text(&args.provider)) {
            return Err(Error::invalid_answer(answer.route, answer.status));
        }
        for form in ["integration_config", "connection_config", "credentials"] {
            if let Some(Value::Object(fields)) = provider.get_mut(form) {
                fields.values_mut().for_each(|field| dropped += without_secrets(field));
            }
        }
        let needs = needs(provider.get("auth_mode").and_then(Value::as_str).unwrap_or_default()).to_owned();
        let base_url = base_url(&answer);
        Ok(Output { provider: Passed::of(provider), needs, dropped_fields: Int(dropped), base_url })
    }
}

/// `proxy.base_url` of the template.
fn base_url(answer: &Answer) -> Option<String> {
    let body = answer.json().ok()?;
    json::text_at(body.get("data")?, "proxy", "base_url").map(str::to_owned)
}

/// Take the values out of a field that is secret; how many there were.
fn without_secrets(field: &mut Value) -> i64 {
    let secret = field.get("secret") == Some(&Value::Bool(true));
    let Some(field) = field.as_object_mut().filter(|_| secret) else { return 0 };
    ["example", "default_value"].into_iter().filter(|name| field.shift_remove(*name).is_some()).count() as i64
}

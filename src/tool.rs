//! What a tool is.
//!
//! A tool is declared once: `object!` for its arguments and its result, and a [`Tool`] impl of constants and one
//! `call`. Schema, check, README table and snapshot are read from that.

mod arg;
mod check;
mod kind;
mod schema;

use serde_json::{Map, Value};

pub use self::arg::{
    Arg, Dict, Int, Key, List, Object, Open, Passed, Raw, argument_doc, first, members, named, next, plain, result_doc, values,
};
pub(crate) use self::arg::{choices, declare, object, result, text};
pub use self::check::{fits, is_hidden, nearest};
pub use self::kind::{Beyond, Kind, Param, Pattern, Text};
use crate::ask::{self, Person, Said};
use crate::config::{Approval, Config};
use crate::context::Context;
use crate::error::Error;
use crate::json;

/// What a tool does to the world, at worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Changes nothing.
    Read,
    /// Creates or changes something that can be changed back.
    Write,
    /// Deletes or overwrites.
    Destructive,
}

/// The group a tool belongs to: what an operator switches on or off together, and the folder it lives in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toolset {
    /// Let a person connect an account.
    Connect,
    /// What is configured and whether it works.
    Environments,
    /// Nango's integrations.
    Integrations,
    /// Nango's connections.
    Connections,
    /// Calls to providers through Nango.
    Proxy,
    /// The tagging convention.
    Conventions,
}

impl Toolset {
    /// All of them, in the order of README. Each is offered unless NANGO_MCP_TOOLSETS says otherwise.
    pub const ALL: &'static [Self] =
        &[Self::Connect, Self::Environments, Self::Integrations, Self::Connections, Self::Proxy, Self::Conventions];

    /// Its name in configuration and documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Environments => "environments",
            Self::Integrations => "integrations",
            Self::Connections => "connections",
            Self::Proxy => "proxy",
            Self::Conventions => "conventions",
        }
    }
}

/// A tool. Every item but the last ones must be stated: leaving one out does not compile.
pub trait Tool {
    /// Its own arguments; `environment` and `confirmation` are added by [`Entry::params`].
    type Args: Object;
    /// Its result.
    type Output: Object;
    /// `verb_noun`, as clients call it.
    const NAME: &'static str;
    /// The name for people.
    const TITLE: &'static str;
    /// What it does and what sets it apart; when to use it, when not, which tool then; what to know beforehand.
    const DESCRIPTION: &'static str;
    /// The group.
    const TOOLSET: Toolset;
    /// The worst it may do.
    const EFFECT: Effect;
    /// Whether calling it again with the same arguments changes nothing more.
    const IDEMPOTENT: bool;
    /// API key scopes it cannot do without, in Nango's spelling.
    const SCOPES: &'static [&'static str];
    /// Scopes without which it does less.
    const BETTER_WITH: &'static [&'static str] = &[];
    /// Whether it works on one environment, and so takes `environment`.
    const ENVIRONMENT: bool = true;
    /// Whether it reaches Nango.
    const OPEN_WORLD: bool = true;
    /// Whether its result carries Connect session tokens on purpose: in `connect_link` and `token`, or in the
    /// `connect_link` of its `reconnect_links`.
    const LINK: bool = false;
    /// Whether its result carries a file.
    const FILES: bool = false;

    /// What remains of it in read-only mode, if its worst is not all it can do: the argument that decides, and the values
    /// that only read.
    const READ_ONLY: Option<(&'static str, &'static [&'static str])> = None;

    /// What this call does.
    fn effect(_args: &Self::Args) -> Effect {
        Self::EFFECT
    }

    /// What a schema cannot say about several arguments together: refused before anything is sent.
    ///
    /// # Errors
    /// An [`Error::argument`] whose code stands in [`crate::rules::RULES`].
    fn rules(_args: &Self::Args) -> Result<(), Error> {
        Ok(())
    }

    /// Do it. Reaches the world only through `cx`.
    ///
    /// # Errors
    /// Whatever went wrong, by who must act.
    fn call(cx: &Context<'_>, args: &Self::Args) -> Result<Self::Output, Error>;
}

/// A tool with its types erased.
#[derive(Debug)]
pub struct Entry {
    /// See [`Tool::NAME`].
    pub name: &'static str,
    /// See [`Tool::TITLE`].
    pub title: &'static str,
    /// See [`Tool::DESCRIPTION`].
    pub description: &'static str,
    /// See [`Tool::TOOLSET`].
    pub toolset: Toolset,
    /// See [`Tool::EFFECT`].
    pub effect: Effect,
    /// See [`Tool::IDEMPOTENT`].
    pub idempotent: bool,
    /// See [`Tool::OPEN_WORLD`].
    pub open_world: bool,
    /// See [`Tool::SCOPES`].
    pub scopes: &'static [&'static str],
    /// See [`Tool::BETTER_WITH`].
    pub better_with: &'static [&'static str],
    /// See [`Tool::ENVIRONMENT`].
    pub environment: bool,
    /// See [`Tool::LINK`].
    pub link: bool,
    /// See [`Tool::FILES`].
    pub files: bool,
    /// See [`Tool::READ_ONLY`].
    pub read_only: Option<(&'static str, &'static [&'static str])>,
    /// Fields of the result.
    pub output: &'static [Param],
    /// The same as the table of one object.
    pub(crate) result: &'static Kind,
    own_params: &'static [Param],
    run: Run,
}

/// Take, rule, ask the policy, call, give.
type Run = fn(&Context<'_>, Map<String, Value>, Policy<'_>) -> Result<Map<String, Value>, Error>;

/// What stands between checked arguments and the call: run after the rules, so that bad input is named first.
pub(crate) type Policy<'a> = &'a dyn Fn(Effect) -> Result<(), Error>;

/// Erase a tool's types.
pub(crate) const fn entry<T: Tool>() -> Entry {
    Entry {
        name: T::NAME,
        title: T::TITLE,
        description: argument_doc(T::DESCRIPTION),
        toolset: T::TOOLSET,
        effect: T::EFFECT,
        idempotent: T::IDEMPOTENT,
        open_world: T::OPEN_WORLD,
        scopes: T::SCOPES,
        better_with: T::BETTER_WITH,
        environment: T::ENVIRONMENT,
        link: T::LINK,
        files: T::FILES,
        read_only: T::READ_ONLY,
        output: T::Output::PARAMS,
        result: &T::Output::TABLE,
        own_params: T::Args::PARAMS,
        run: |cx, arguments, policy| {
            let mut fit = true;
            let args = T::Args::take(arguments, &mut fit);
            if !fit {
                return Err(Error::argument("wrong_type", "", "the arguments do not fit the input schema"));
            }
            T::rules(&args)?;
            policy(T::effect(&args))?;
            Ok(T::call(cx, &args)?.give())
        },
    }
}

/// `environment`: its values are configuration, so the schema gets them at listing time.
static ENVIRONMENT: Param =
    Param { name: "environment", doc: "Nango environment.", kind: &Kind::Text(Text::of(1, 64)), required: true, default: None };

/// `confirmation`, for every tool that writes.
static CONFIRMATION: Param = Param {
    name: "confirmation",
    doc: "The phrase a refusal asked for.",
    kind: &Kind::Text(Text::of(0, 200)),
    required: false,
    default: None,
};

/// An argument that a cursor is bound to.
fn binding(param: &Param, value: &Value) -> Option<(String, Value)> {
    let default = || param.default.and_then(|text| json::read(text.as_bytes()));
    (param.name != "cursor" && default().as_ref() != Some(value)).then(|| (param.name.to_owned(), value.clone()))
}

impl Entry {
    /// All arguments: `environment`, the tool's own, `confirmation`.
    pub fn params(&self) -> Vec<&'static Param> {
        let shared = self.environment.then_some(&ENVIRONMENT);
        let last = (self.effect != Effect::Read).then_some(&CONFIRMATION);
        shared.into_iter().chain(self.own_params).chain(last).collect()
    }

    /// What it may do under this configuration, at worst.
    pub fn effect_under(&self, config: &Config) -> Effect {
        if config.read_only && self.read_only.is_some() { Effect::Read } else { self.effect }
    }

    /// Whether this configuration offers it.
    pub fn is_offered(&self, config: &Config) -> bool {
        config.offers(self) && (!config.read_only || self.effect_under(config) == Effect::Read)
    }

    /// The JSON Schema of its arguments under this configuration.
    pub fn input_schema(&self, config: &Config) -> Map<String, Value> {
        let mut schema = schema::arguments(self.params());
        if let Some(environment) = schema.get_mut("properties").and_then(|properties| properties.get_mut("environment")) {
            let names: Vec<&str> = config.environments.iter().map(|environment| environment.name.as_str()).collect();
            let doc = format!("{}{}", ENVIRONMENT.doc, config.aliases_sentence());
            *environment = json::object([("type", "string".into()), ("enum", names.into()), ("description", doc.into())]).into();
        }
        if let (true, Some((name, choices))) = (config.read_only, self.read_only)
            && let Some(Value::Object(argument)) = schema.get_mut("properties").and_then(|properties| properties.get_mut(name))
        {
            json::put(argument, "enum", choices.into());
        }
        schema
    }

    /// The JSON Schema of its result.
    pub fn output_schema(&self) -> Map<String, Value> {
        schema::result(self.output)
    }

    /// Read the arguments: the text of one JSON object, or nothing at all.
    pub(crate) fn read(&self, text: &str) -> Option<Map<String, Value>> {
        let mut arguments = json::empty();
        if text.is_empty() {
            return Some(arguments);
        }
        let mut whole = true;
        let raw = |name: &str| self.own_params.iter().any(|param| param.name == name && matches!(param.kind, Kind::Raw));
        let object = json::parts(text, &mut |part, text| match part {
            json::Part::Key(name) if raw(name) => json::put(&mut arguments, name, json::text(text)),
            json::Part::Key(name) => match json::read(text.as_bytes()) {
                Some(value) => json::put(&mut arguments, name, value),
                None => whole = false,
            },
            json::Part::Index(_) => {}
        });
        (whole && object == Some(json::Parts::Object)).then_some(arguments)
    }

    /// Check the arguments and call the tool.
    ///
    /// The order is a promise: schema, environment, rules over several arguments, the operator's policy; only then
    /// may anything be sent.
    pub(crate) fn call(
        &self,
        cx: &mut Context<'_>,
        mut arguments: Map<String, Value>,
        person: Person<'_>,
    ) -> Result<Map<String, Value>, Error> {
        let params = self.params();
        let given = self.environment.then(|| arguments.get("environment").cloned()).flatten();
        if self.environment && given.is_none() {
            // Exactly one environment leaves nothing to guess.
            match cx.config.environments.as_slice() {
                [only] => json::put(&mut arguments, "environment", json::text(&only.name)),
                _ => {
                    let say = format!("missing argument `environment`; configured: {}", cx.config.names());
                    return Err(Error::argument("missing_argument", "environment", say));
                }
            }
        }
        check::arguments(&params, &arguments)?;
        if let Value::String(name) = json::take(&mut arguments, "environment") {
            cx.choose(&name)?;
        }
        let confirmation = json::take(&mut arguments, "confirmation");
        if params.iter().any(|param| param.name == "cursor") {
            cx.bind(self.name, self.own_params.iter().filter_map(|param| binding(param, arguments.get(param.name)?)).collect());
        }
        let cx = &*cx;
        let phrase = confirmation.as_str();
        if cx.config.approval == Approval::Elicit && person.client.elicit_form && self.effect != Effect::Read {
            // Before the tool takes the arguments.
            let (about, state) = (ask::about(&arguments), ask::binding(self, cx.environment(), &arguments));
            return (self.run)(cx, arguments, &|effect| {
                self.allowed(effect, cx.config, None, true)?;
                if effect == Effect::Read { Ok(()) } else { self.approved(cx, effect, person, &about, &state) }
            });
        }
        (self.run)(cx, arguments, &|effect| self.allowed(effect, cx.config, phrase, false))
    }

    /// Whether the person has approved exactly this call; if nobody has asked them, that is to be done.
    fn approved(&self, cx: &Context<'_>, effect: Effect, person: Person<'_>, about: &str, state: &str) -> Result<(), Error> {
        match person.said(ask::APPROVE).filter(|_| person.state == Some(state)) {
            Some(Said::Yes) => Ok(()),
            Some(Said::No) => {
                let say = "the person did not approve this call, and nothing was done: ask what they want instead";
                Err(Error::policy("declined", say))
            }
            None => {
                cx.question.replace(Some((ask::approve(self, cx.environment(), effect, about), state.to_owned())));
                Err(Error::policy("approval_required", format!("`{}` needs the person's consent, which the client asks for", self.name)))
            }
        }
    }

    /// Read-only mode and, unless the person is asked otherwise, confirmation.
    fn allowed(&self, effect: Effect, config: &Config, phrase: Option<&str>, asked: bool) -> Result<(), Error> {
        if effect == Effect::Read {
            return Ok(());
        }
        if config.read_only {
            return Err(Error::policy(
                "read_only",
                format!(
                    "this call of `{}` would change something, and this server is read-only; the operator lifts that with NANGO_MCP_READ_ONLY=false",
                    self.name
                ),
            ));
        }
        let demanded = match effect {
            Effect::Destructive => "I understand this deletes Nango configuration",
            _ => "I understand this changes the Nango environment",
        };
        // Under `elicit` the phrase is what is left where the client cannot ask.
        if config.approval != Approval::Off && !asked && phrase != Some(demanded) {
            return Err(Error::policy(
                "confirmation_required",
                format!("`{}` needs the person's consent: ask, then call again with `confirmation` exactly \"{demanded}\"", self.name),
            ));
        }
        Ok(())
    }
}

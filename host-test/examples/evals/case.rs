//! A case as it stands in its file. `evals/README.md` says what each part means.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Map, Value};

/// What an environment is called where a case names none.
pub(crate) const DEFAULT: &str = "default";

/// One everyday request: where it begins, how it is done, how it is not done, and how to tell.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// The file's name without its ending.
    #[serde(skip)]
    pub(crate) name: String,
    /// The case in a few words.
    pub(crate) title: String,
    /// Who asks, and what the operator knows of them.
    pub(crate) who: String,
    /// What they say.
    pub(crate) says: String,
    #[serde(default)]
    pub(crate) start: Start,
    pub(crate) right: Way,
    pub(crate) wrong: Vec<Way>,
    #[serde(default)]
    pub(crate) end: End,
}

/// The situation before anybody asks.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Start {
    /// Environments, where there are others than the one called default.
    #[serde(default)]
    pub(crate) environments: Vec<String>,
    /// What the operator's API keys may do, where that is not everything.
    #[serde(default)]
    pub(crate) scopes: Option<Vec<String>>,
    /// Integrations; without them, the embedded Nango's samples.
    #[serde(default)]
    pub(crate) integrations: Vec<Integration>,
    #[serde(default)]
    pub(crate) connections: Vec<Connection>,
    /// Many connections that are all alike.
    #[serde(default)]
    pub(crate) many: Option<Many>,
    #[serde(default)]
    pub(crate) links: Vec<Link>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Integration {
    pub(crate) key: String,
    /// Its name in the catalogue, where the key is another.
    pub(crate) provider: Option<String>,
    pub(crate) environment: Option<String>,
    pub(crate) display_name: Option<String>,
    #[serde(default)]
    pub(crate) scopes: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Connection {
    pub(crate) id: String,
    pub(crate) integration: String,
    pub(crate) environment: Option<String>,
    #[serde(default)]
    pub(crate) tags: Map<String, Value>,
    #[serde(default)]
    pub(crate) metadata: Map<String, Value>,
    /// Nango's end user record: `id`, `email`, `display_name`.
    pub(crate) person: Option<Map<String, Value>>,
    /// The provider has taken the access back.
    #[serde(default)]
    pub(crate) broken: bool,
    /// OAuth2: its token can be refreshed.
    #[serde(default)]
    pub(crate) refreshable: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Many {
    pub(crate) integration: String,
    pub(crate) count: usize,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Link {
    pub(crate) name: String,
    pub(crate) environment: Option<String>,
    /// What it offers; nothing: everything.
    #[serde(default)]
    pub(crate) integrations: Vec<String>,
    #[serde(default)]
    pub(crate) tags: Map<String, Value>,
    /// The connection it repairs.
    pub(crate) reconnects: Option<String>,
    /// It was made so long ago that it works no longer.
    #[serde(default)]
    pub(crate) expired: bool,
}

/// A way to go about it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Way {
    /// What is wrong with it; the right way has nothing wrong with it.
    #[serde(default)]
    pub(crate) why: String,
    /// Part of what the judge says of it, so that it fails for this and not for something else.
    #[serde(default)]
    pub(crate) caught: String,
    #[serde(default)]
    pub(crate) steps: Vec<Step>,
    /// What the person who asked is told in the end.
    pub(crate) answer: String,
}

/// A call, or something that happens between calls. Exactly one of `call`, `opens`, `revokes` and `minutes`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// A tool.
    pub(crate) call: Option<String>,
    /// The connection it is about, as an earlier answer has it: its `connection_id` and its `provider_config_key`.
    pub(crate) of: Option<Value>,
    /// Its arguments: an object, or a placeholder for one.
    pub(crate) with: Option<Value>,
    /// More arguments, over those.
    pub(crate) and: Option<Value>,
    /// The call is refused with this code, and the operator sees it; or the person finds that the link does not work.
    pub(crate) refused: Option<String>,
    /// Somebody opens this link and connects.
    pub(crate) opens: Option<String>,
    /// What they connect.
    #[serde(default)]
    pub(crate) connects: Vec<String>,
    /// The provider takes the access of this connection back.
    pub(crate) revokes: Option<String>,
    /// Its integration.
    pub(crate) at: Option<String>,
    /// So much time passes.
    pub(crate) minutes: Option<u64>,
}

/// What differs from the start in the end. Whatever is not named here must be as it was.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct End {
    #[serde(default)]
    pub(crate) connections: Vec<ConnectionEnd>,
    #[serde(default)]
    pub(crate) integrations: Vec<IntegrationEnd>,
    #[serde(default)]
    pub(crate) links: Vec<LinkEnd>,
    /// What the provider received through the proxy.
    #[serde(default)]
    pub(crate) received: Vec<Received>,
    #[serde(default)]
    pub(crate) answer: AnswerEnd,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectionEnd {
    /// Which one; a new one may have any.
    pub(crate) id: Option<String>,
    pub(crate) integration: String,
    pub(crate) environment: Option<String>,
    /// It was not there at the start.
    #[serde(default)]
    pub(crate) new: bool,
    /// It is no longer there.
    #[serde(default)]
    pub(crate) gone: bool,
    /// Tags that are other than before; of a new one, those it must have.
    #[serde(default)]
    pub(crate) tags: Map<String, Value>,
    /// The same for the uppermost keys of metadata.
    #[serde(default)]
    pub(crate) metadata: Map<String, Value>,
    /// The same for the end user record.
    #[serde(default)]
    pub(crate) person: Map<String, Value>,
    /// Whether it works; without this as before, and a new one does.
    pub(crate) works: Option<bool>,
    /// Its credentials are other ones than before: refreshed, or authorized again.
    #[serde(default)]
    pub(crate) renewed: bool,
    /// The API key in its credentials.
    pub(crate) api_key: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IntegrationEnd {
    pub(crate) key: String,
    pub(crate) environment: Option<String>,
    #[serde(default)]
    pub(crate) new: bool,
    #[serde(default)]
    pub(crate) gone: bool,
    /// Of a new one.
    pub(crate) provider: Option<String>,
    pub(crate) display_name: Option<String>,
    /// Its scopes, in any order.
    pub(crate) scopes: Option<Vec<String>>,
    /// Of a new one.
    pub(crate) client_id: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinkEnd {
    /// One of the start, by its name; the other fields are for those made since.
    pub(crate) name: Option<String>,
    /// Whether it still works.
    #[serde(default = "yes")]
    pub(crate) open: bool,
    pub(crate) environment: Option<String>,
    /// Exactly what it offers.
    #[serde(default)]
    pub(crate) integrations: Vec<String>,
    /// Tags that it must bring; one that reconnects must bring those of its connection too.
    #[serde(default)]
    pub(crate) tags: Map<String, Value>,
    /// The connection it repairs; without this it repairs none.
    pub(crate) reconnects: Option<String>,
    /// It may be there or not: the person has used it.
    #[serde(default)]
    pub(crate) optional: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Received {
    /// Through which connection.
    pub(crate) connection: String,
    pub(crate) integration: String,
    pub(crate) method: String,
    /// Path without query.
    pub(crate) path: String,
    /// What the body must hold.
    #[serde(default)]
    pub(crate) body: Map<String, Value>,
}

/// What the last word to the person must say and must not say.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswerEnd {
    /// Facts: words that must stand in it, or one of several.
    #[serde(default)]
    pub(crate) says: Vec<Fact>,
    /// Words that must not.
    #[serde(default)]
    pub(crate) says_not: Vec<String>,
    /// How many links it hands over: made since the start, still working, and no others.
    pub(crate) links: Option<usize>,
}

/// A word or a few, or one of several.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Fact {
    One(String),
    OneOf(Vec<String>),
}

fn yes() -> bool {
    true
}

impl Case {
    /// The environments; the first is where a case means no other.
    pub(crate) fn environments(&self) -> Vec<&str> {
        match self.start.environments.as_slice() {
            [] => vec![DEFAULT],
            named => named.iter().map(String::as_str).collect(),
        }
    }

    /// The environment that is meant.
    pub(crate) fn environment<'a>(&'a self, named: Option<&'a String>) -> &'a str {
        named.map_or_else(|| self.environments().first().copied().unwrap_or(DEFAULT), String::as_str)
    }

    /// All ways: the right one, then the wrong ones.
    pub(crate) fn ways(&self) -> impl Iterator<Item = &Way> {
        std::iter::once(&self.right).chain(&self.wrong)
    }

    fn check(&self) -> Result<()> {
        for (at, way) in self.ways().enumerate() {
            for (nth, step) in way.steps.iter().enumerate() {
                let which = if at == 0 { "the right way".to_owned() } else { format!("wrong way {at}") };
                step.check().with_context(|| format!("{which}, step {}", nth + 1))?;
            }
        }
        ensure!(self.right.why.is_empty() && self.right.caught.is_empty(), "`why` and `caught` are for wrong ways");
        ensure!(self.wrong.iter().all(|way| !way.why.is_empty() && !way.caught.is_empty()), "a wrong way has `why` and `caught`");
        let mut ids = BTreeSet::new();
        for connection in &self.start.connections {
            ensure!(ids.insert(&connection.id), "two connections have the id {}", connection.id);
        }
        let known: Vec<&str> = self.environments();
        let named = self.start.integrations.iter().map(|held| &held.environment);
        let named = named.chain(self.start.connections.iter().map(|held| &held.environment));
        let named = named.chain(self.start.links.iter().map(|held| &held.environment));
        let named = named.chain(self.end.connections.iter().map(|held| &held.environment));
        let named = named.chain(self.end.integrations.iter().map(|held| &held.environment));
        for environment in named.chain(self.end.links.iter().map(|held| &held.environment)).flatten() {
            ensure!(known.contains(&environment.as_str()), "there is no environment {environment}");
        }
        Ok(())
    }
}

impl Step {
    fn check(&self) -> Result<()> {
        let kinds = [self.call.is_some(), self.opens.is_some(), self.revokes.is_some(), self.minutes.is_some()];
        ensure!(kinds.into_iter().filter(|kind| *kind).count() == 1, "a step has exactly one of call, opens, revokes, minutes");
        let arguments = [&self.of, &self.with, &self.and].into_iter().any(Option::is_some);
        ensure!(self.call.is_some() || !arguments, "`of`, `with` and `and` belong to a call");
        ensure!(self.opens.is_some() != self.connects.is_empty(), "`opens` and `connects` belong together");
        ensure!(self.revokes.is_some() == self.at.is_some(), "`revokes` and `at` belong together");
        Ok(())
    }
}

/// One case.
///
/// # Errors
/// The file cannot be read, or is no case.
pub(crate) fn load(path: &Path) -> Result<Case> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let read = || -> Result<Case> {
        let mut case: Case = toml::from_str(&text)?;
        case.name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        case.check()?;
        Ok(case)
    };
    read().with_context(|| format!("{} is no case", path.display()))
}

/// All cases of a folder, by name.
///
/// # Errors
/// As [`load`]; and a folder without any.
pub(crate) fn load_all(folder: &Path) -> Result<Vec<Case>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    if paths.is_empty() {
        bail!("no case in {}", folder.display());
    }
    paths.iter().map(|path| load(path)).collect()
}

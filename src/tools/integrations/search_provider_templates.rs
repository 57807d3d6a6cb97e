//! Providers of Nango's catalogue, found by name, kind or auth mode.
//!
//! Nango's own search knows names only, as regular expressions, so the whole catalogue (0.92 MB, 0.71.10) is visited
//! here, and only what is shown is kept.

use serde_json::Value;

use super::needs;
use crate::context::Context;
use crate::error::Error;
use crate::json::{self, kind_of};
use crate::nango::{Answer, Label, Path, Request, Search};
use crate::tool::{Effect, Int, List, Passed, Toolset, object, result};

object! {
    /// Arguments.
    pub(crate) struct Args {
        /// Words of the provider's name or kind, such as google drive, or crm; all of them have to match.
        query: Search,
        /// Only providers of this auth mode, such as OAUTH2 or API_KEY.
        auth_mode: Option<Label>,
        /// Only providers of this category, such as crm or e-commerce.
        category: Option<Label>,
        /// Best matches shown.
        limit: Int<1, 50> = 10,
    }
}

result! {
    /// What is read of a template.
    struct Template {
        /// Its name in the catalogue.
        name: String,
        /// The name for people.
        display_name: Option<String>,
        /// How accounts are connected.
        auth_mode: Option<String>,
        /// What kind of service it is.
        categories: Option<List<String, 0, 50>>,
        /// Nango's page about it.
        docs: Option<String>,
        /// Nango's instructions for the person who connects.
        docs_connect: Option<String>,
        /// Scopes that Nango asks for by itself.
        default_scopes: Option<List<String, 0, 200>>,
    }
}

result! {
    /// A provider that matches.
    pub(crate) struct Match {
        /// Its name in the catalogue: what get_provider and other tools take as provider.
        name: String,
        /// The name for people.
        display_name: Option<String>,
        /// How accounts are connected, such as OAUTH2 or API_KEY.
        auth_mode: Option<String>,
        /// What kind of service it is.
        categories: Option<List<String, 0, 50>>,
        /// Nango's page about it.
        docs: Option<String>,
        /// Nango's instructions for the person who connects.
        docs_connect: Option<String>,
        /// Scopes that Nango asks for without any of the integration's own.
        default_scopes: Option<List<String, 0, 200>>,
        /// What create_integration needs in credentials for it.
        needs: String,
        /// Unique keys of the integrations that exist of it; absent where the API key may not list them.
        configured: Option<List<String, 0, 10_000>>,
    }
}

result! {
    /// What of an integration tells its provider.
    struct Configured {
        /// Its unique key.
        unique_key: String,
        /// Its provider.
        provider: String,
    }
}

result! {
    /// The best matches.
    pub(crate) struct Output {
        /// The best matches first: exact name, beginning of the name, of a word in it, part of it, category; then by name.
        matches: List<Passed<Match>, 0, 50>,
        /// How many providers match in all.
        total_matches: Int<0, 1_000_000>,
        /// What could not be told, and what the filters left out when they left nothing.
        warnings: List<String, 0, 2>,
    }
}

/// See [`crate::tool::Tool`].
pub(crate) struct Tool;

impl crate::tool::Tool for Tool {
    type Args = Args;
    type Output = Output;
    const NAME: &'static str = "search_provider_templates";
    const TITLE: &'static str = "Search Nango's provider catalogue";
    const DESCRIPTION: &'static str = "Search Nango's catalogue of about 1,000 providers by name or category, best matches first, with the integrations that \
        exist of each. Use it when a service is to be connected and its catalogue name is not known; for one provider in full \
        use get_provider, for existing integrations list_integrations. A service may have several entries that differ in auth \
        mode. Any API key will do; `configured` needs environment:integrations:list.";
    const TOOLSET: Toolset = Toolset::Integrations;
    const EFFECT: Effect = Effect::Read;
    const IDEMPOTENT: bool = true;
    const SCOPES: &'static [&'static str] = &[];
    const BETTER_WITH: &'static [&'static str] = &["environment:integrations:list"];

    fn call(cx: &Context<'_>, args: &Args) -> Result<Output, Error> {
        let requests =
            [Request::get("GET /providers", Path::fixed("/providers")), Request::get("GET /integrations", Path::fixed("/integrations"))];
        let [catalogue, integrations] = cx.send_both(&requests);
        let mut found = Found::default();
        found.search(&catalogue?, args)?;
        let mut warnings = Vec::new();
        match integrations {
            Ok(answer) => found.mark(&answer)?,
            Err(error) if error.code() == "missing_scope" => warnings
                .push("the API key may not list integrations (environment:integrations:list), so `configured` is not known".to_owned()),
            Err(error) => return Err(error),
        }
        if found.total == 0 && found.unfiltered > 0 {
            warnings.push(found.left_out());
        }
        Ok(Output {
            matches: List(found.best.into_iter().map(|best| Passed::of(best.template)).collect()),
            total_matches: Int(found.total),
            warnings: List(warnings),
        })
    }
}

/// A match and its place among the others.
struct Best {
    rank: u8,
    name: String,
    template: Value,
}

/// What a search has found so far.
#[derive(Default)]
struct Found {
    best: Vec<Best>,
    total: i64,
    /// Matches of the query alone, and what there is among them to filter by.
    unfiltered: i64,
    auth_modes: Vec<String>,
    categories: Vec<String>,
}

impl Found {
    fn search(&mut self, catalogue: &Answer, args: &Args) -> Result<(), Error> {
        let query = plain(&args.query);
        let most = usize::try_from(args.limit.0).unwrap_or(1);
        // Of every template the same fields stay behind, so that counting them would tell nothing.
        catalogue.each("data", kind_of::<Template>(), &mut 0, &mut |template| self.take(template, &query, args, most))
    }

    /// Keep a template if it is among the best so far.
    fn take(&mut self, mut template: Value, query: &str, args: &Args, most: usize) -> bool {
        let text = |name: &str| template.get(name).and_then(Value::as_str).unwrap_or_default();
        let categories = || json::items(&template, "categories").iter().filter_map(Value::as_str);
        let (name, mode) = (text("name"), text("auth_mode"));
        let Some(rank) = rank(query, &plain(name), &plain(text("display_name")), &categories().map(plain).collect::<Vec<_>>()) else {
            return false;
        };
        self.unfiltered += 1;
        let mode_fits = args.auth_mode.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(mode));
        let category_fits = args.category.as_ref().is_none_or(|wanted| categories().any(|category| wanted.eq_ignore_ascii_case(category)));
        if !mode_fits || !category_fits {
            note(&mut self.auth_modes, mode);
            categories().for_each(|category| note(&mut self.categories, category));
            return false;
        }
        self.total += 1;
        let at = self.best.partition_point(|best| (best.rank, best.name.as_str()) <= (rank, name));
        if at >= most {
            return false;
        }
        let (name, needs) = (name.to_owned(), json::text(needs(mode)));
        if let Value::Object(fields) = &mut template {
            json::put(fields, "needs", needs);
        }
        self.best.insert(at, Best { rank, name, template });
        self.best.truncate(most);
        true
    }

    /// Say of every match which integrations there are of it.
    fn mark(&mut self, integrations: &Answer) -> Result<(), Error> {
        for best in &mut self.best {
            if let Value::Object(fields) = &mut best.template {
                json::put(fields, "configured", Vec::<Value>::new().into());
            }
        }
        integrations.each("data", kind_of::<Configured>(), &mut 0, &mut |row| {
            let Some(best) = self.best.iter_mut().find(|best| row.get("provider").and_then(Value::as_str) == Some(&best.name)) else {
                return false;
            };
            if let (Some(Value::Array(keys)), Some(key)) = (best.template.get_mut("configured"), row.get("unique_key")) {
                keys.push(key.clone());
            }
            true
        })
    }

    fn left_out(&self) -> String {
        let (modes, categories) = (self.auth_modes.join(", "), self.categories.join(", "));
        format!("the query alone matches {}: auth modes {modes}; categories {categories}", self.unfiltered)
    }
}

/// Put a name in its place among those noted, once; of more than there are in Nango the rest is left out.
fn note(names: &mut Vec<String>, name: &str) {
    let at = names.partition_point(|have| have.as_str() < name);
    if names.len() < 50 && names.get(at).is_none_or(|have| have != name) {
        names.insert(at, name.to_owned());
    }
}

/// Lower-case words, one blank between them: `Google-Drive` is `google drive`.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    // By ASCII: Unicode's tables would be 10 kB of the compressed component, and names of providers hardly need them.
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || !c.is_ascii() {
            plain.push(c.to_ascii_lowercase());
        } else if !plain.is_empty() && !plain.ends_with(' ') {
            plain.push(' ');
        }
    }
    plain.truncate(plain.trim_end_matches(' ').len());
    plain
}

/// How well a template matches, 0 being best; `None` if one of the words does not match.
fn rank(query: &str, name: &str, display_name: &str, categories: &[String]) -> Option<u8> {
    let names = [name, display_name];
    if query.is_empty() {
        return None;
    }
    if names.contains(&query) {
        return Some(0);
    }
    if names.iter().any(|name| name.starts_with(query)) {
        return Some(1);
    }
    let begins = |text: &str, word: &str| text.split(' ').any(|part| part.starts_with(word));
    let word = |word: &str| {
        if names.iter().any(|name| begins(name, word)) {
            return Some(2);
        }
        if names.iter().any(|name| name.contains(word)) {
            return Some(3);
        }
        categories.iter().any(|category| begins(category, word)).then_some(4)
    };
    query.split(' ').try_fold(0, |worst, part| Some(word(part)?.max(worst)))
}

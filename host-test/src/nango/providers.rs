//! `/providers`: a small catalogue in the form of Nango's, which has about a thousand; and as many made up as wanted.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::routes::Turn;
use super::synthetic;
use super::validate::{Fields, Issues, Path, Text, UNIQUE_KEY};

/// More than this many synthetic providers are no catalogue any more.
const SYNTHETIC_MAX: usize = 10_000;

static KEPT: LazyLock<Map<String, Value>> = LazyLock::new(|| serde_json::from_str(include_str!("providers.json")).unwrap_or_default());

/// The providers that are known: by name, in the order of the list.
pub(crate) struct Catalogue(Map<String, Value>);

impl Catalogue {
    /// The small catalogue, with so many synthetic providers among it.
    pub(crate) fn with(synthetic: usize) -> Catalogue {
        let mut entries: Vec<(String, Value)> = KEPT.clone().into_iter().collect();
        entries.extend((1..=synthetic.min(SYNTHETIC_MAX)).map(synthetic::provider));
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        Catalogue(entries.into_iter().collect())
    }

    /// A provider's entry.
    pub(crate) fn entry(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// How a provider's accounts are authorized.
    pub(crate) fn auth_mode(&self, name: &str) -> Option<&str> {
        self.entry(name)?.get("auth_mode")?.as_str()
    }

    /// Where a provider's API is, if it is at one place.
    pub(crate) fn base_url(&self, name: &str) -> Option<&str> {
        self.entry(name)?.get("proxy")?.get("base_url")?.as_str()
    }
}

/// Where a provider's logo would be.
pub(crate) fn logo(public_url: &str, name: &str) -> String {
    format!("{public_url}/images/template-logos/{name}.svg")
}

fn shown(name: &str, entry: &Value, public_url: &str) -> Value {
    let mut shown = entry.clone();
    if let Value::Object(map) = &mut shown {
        map.insert("name".to_owned(), name.into());
        map.insert("logo_url".to_owned(), logo(public_url, name).into());
    }
    shown
}

/// `GET /providers`. The search is a regular expression on the name; of what its characters allow, only the dot
/// means something.
pub(crate) fn list(turn: &mut Turn) -> Result<Answer, Answer> {
    let mut issues = Issues::default();
    let mut fields = Fields::over(&turn.call.query, Path::root(), &mut issues);
    let search = fields.optional_text("search", Text::of(UNIQUE_KEY));
    fields.end();
    issues.done("invalid_query_params")?;
    let found = turn.catalogue.0.iter().filter(|(name, _)| search.as_ref().is_none_or(|term| found(name, term)));
    let data: Vec<Value> = found.map(|(name, entry)| shown(name, entry, turn.public_url)).collect();
    Ok(Answer::json(200, &json!({ "data": data })))
}

fn found(name: &str, term: &str) -> bool {
    let (name, term) = (name.as_bytes(), term.as_bytes());
    name.windows(term.len()).any(|part| part.iter().zip(term).all(|(n, t)| *t == b'.' || n.eq_ignore_ascii_case(t)))
}

/// `GET /providers/:provider`.
pub(crate) fn one(turn: &mut Turn) -> Result<Answer, Answer> {
    turn.no_query()?;
    match turn.catalogue.entry(&turn.param) {
        Some(entry) => Ok(Answer::json(200, &json!({ "data": shown(&turn.param, entry, turn.public_url) }))),
        None => Err(Answer::coded(404, "not_found", &format!("Unknown provider {}", turn.param))),
    }
}

/// `GET /providers.json`: the catalogue as it is kept, for anyone.
pub(crate) fn map(turn: &mut Turn) -> Result<Answer, Answer> {
    Ok(Answer::json(200, &Value::Object(turn.catalogue.0.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_sorted_and_whole() {
        let Catalogue(catalogue) = Catalogue::with(1000);
        let names: Vec<&String> = catalogue.keys().collect();
        assert!(names.len() >= 1012 && names.is_sorted(), "{}", names.len());
        assert_eq!(names[0], "acme-0001-crm");
        for (name, entry) in &catalogue {
            for field in ["display_name", "auth_mode", "docs"] {
                assert!(entry.get(field).is_some_and(Value::is_string), "{name} has no {field}");
            }
        }
    }

    #[test]
    fn a_thousand_make_as_much_as_nangos_catalogue() {
        let Catalogue(catalogue) = Catalogue::with(1000);
        let shown: usize = catalogue.iter().map(|(name, entry)| shown(name, entry, "http://localhost:3003").to_string().len() + 1).sum();
        assert!((900_000..=940_000).contains(&shown), "{shown}");
    }

    #[test]
    fn a_search_is_on_the_name() {
        assert!(found("github-pat", "GitHub"));
        assert!(found("github-pat", "b.p"));
        assert!(!found("github-pat", "personal"));
    }
}

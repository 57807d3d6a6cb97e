//! Tags: their rules, the ones generated from an end user, and how the database orders them.

use serde_json::{Map, Value};

use super::end_user::{EndUser, Organization};
use super::validate::{Issues, Path, is_email, length, record};

/// How many tags there may be.
pub(crate) const CAPACITY: usize = 10;
const KEY_LENGTH: usize = 64;
const VALUE_LENGTH: usize = 255;

/// Tags, keys in lower case.
pub(crate) type Tags = Map<String, Value>;

/// More tags, generated ones included, than there may be. Nango finds out when it writes them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

/// Checks given tags and lowers their keys.
pub(crate) fn read(value: Option<&Value>, path: &Path, issues: &mut Issues) -> Option<Tags> {
    let given = record(value, path, issues)?;
    let before = issues.len();
    for (key, value) in given {
        let path = path.at(key);
        if !is_key(key) {
            issues.add("invalid_key", "Invalid key in record", &path);
            continue;
        }
        let Value::String(text) = value else {
            issues.wrong_type("string", Some(value), &path);
            continue;
        };
        if text.is_empty() {
            issues.add("too_small", "Too small: expected string to have >=1 characters", &path);
        } else if length(text) > VALUE_LENGTH {
            issues.add("too_big", format!("Tag values must be at most {VALUE_LENGTH} characters"), &path);
        }
    }
    if issues.len() > before {
        return None;
    }
    if given.len() > CAPACITY {
        issues.add("custom", too_many(), path);
    }
    let mut tags = Tags::new();
    for (key, value) in given {
        let key = key.to_ascii_lowercase();
        if key == "end_user_email" && !value.as_str().is_some_and(is_email) {
            issues.add("custom", format!("Tag \"{key}\" must be a valid email"), path);
        }
        if tags.contains_key(&key) {
            issues.add("custom", format!("Duplicate tag key after case normalization: \"{key}\""), path);
        }
        tags.insert(key, value.clone());
    }
    Some(tags)
}

/// What Nango says of tags above the capacity.
pub(super) fn too_many() -> String {
    format!("Tags cannot contain more than {CAPACITY} keys")
}

fn is_key(key: &str) -> bool {
    key.len() <= KEY_LENGTH
        && key.starts_with(|c: char| c.is_ascii_alphabetic())
        && key.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c))
}

/// The tags that an end user and an organization bring along. An end user's own tags come all or, when they do not
/// fit, not at all; one with a bad key is left out, a long value is cut.
pub(crate) fn generated(user: Option<&EndUser>, organization: Option<&Organization>) -> Tags {
    let mut tags = Tags::new();
    let mut put = |key: &str, value: Option<&String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            tags.insert(key.to_owned(), Value::String(cut(value)));
        }
    };
    if let Some(user) = user {
        put("end_user_id", Some(&user.id));
        put("end_user_email", user.email.as_ref());
        put("end_user_display_name", user.display_name.as_ref());
    }
    let organization = organization.or_else(|| user.and_then(|user| user.organization.as_ref()));
    if let Some(organization) = organization {
        put("organization_id", Some(&organization.id));
        put("organization_display_name", organization.display_name.as_ref());
    }
    if let Some(own) = user.and_then(|user| user.tags.as_ref()).filter(|own| own.len() + tags.len() <= CAPACITY) {
        for (key, value) in own {
            if let (true, Some(text)) = (is_key(key), value.as_str().filter(|text| !text.is_empty())) {
                tags.entry(key.to_ascii_lowercase()).or_insert_with(|| Value::String(cut(text)));
            }
        }
    }
    tags
}

fn cut(text: &str) -> String {
    let mut units = 0;
    text.chars()
        .take_while(|c| {
            units += c.len_utf16();
            units <= VALUE_LENGTH
        })
        .collect()
}

/// Generated tags under given ones.
pub(crate) fn merged(mut generated: Tags, given: Option<Tags>) -> Result<Tags, TooMany> {
    generated.extend(given.unwrap_or_default());
    if generated.len() > CAPACITY { Err(TooMany) } else { Ok(stored(generated)) }
}

/// As PostgreSQL's jsonb gives an object back: short keys first, then by their bytes; at every depth.
pub(crate) fn stored(map: Map<String, Value>) -> Map<String, Value> {
    let mut entries: Vec<(String, Value)> = map.into_iter().map(|(key, value)| (key, stored_value(value))).collect();
    entries.sort_by(|(a, _), (b, _)| (a.len(), a).cmp(&(b.len(), b)));
    entries.into_iter().collect()
}

fn stored_value(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(stored(map)),
        Value::Array(items) => Value::Array(items.into_iter().map(stored_value).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn tags(count: usize) -> Value {
        Value::Object((0..count).map(|n| (format!("k{n}"), json!("v"))).collect())
    }

    fn read_all(value: &Value) -> (Option<Tags>, usize) {
        let mut issues = Issues::default();
        let tags = read(Some(value), &Path::root().at("tags"), &mut issues);
        (tags, issues.len())
    }

    fn user(own: usize) -> EndUser {
        EndUser {
            id: "u".to_owned(),
            email: Some("u@example.com".to_owned()),
            display_name: None,
            tags: tags(own).as_object().cloned(),
            organization: None,
        }
    }

    #[test]
    fn ten_tags_fit_and_eleven_do_not() {
        assert_eq!(read_all(&tags(10)).1, 0);
        assert_eq!(read_all(&tags(11)).1, 1);
    }

    #[test]
    fn an_end_users_own_tags_come_all_or_not_at_all() {
        assert_eq!(generated(Some(&user(8)), None).len(), 10);
        assert_eq!(generated(Some(&user(9)), None).len(), 2);
    }

    #[test]
    fn generated_and_given_tags_share_the_capacity() {
        let given = |count| tags(count).as_object().cloned();
        assert_eq!(merged(generated(Some(&user(0)), None), given(8)).unwrap().len(), 10);
        assert_eq!(merged(generated(Some(&user(0)), None), given(9)), Err(TooMany));
    }

    #[test]
    fn a_given_tag_wins_over_a_generated_one() {
        let given = json!({ "end_user_id": "other" }).as_object().cloned();
        assert_eq!(merged(generated(Some(&user(0)), None), given).unwrap()["end_user_id"], "other");
    }

    #[test]
    fn keys_are_lowered_values_are_not() {
        let (tags, issues) = read_all(&json!({ "Project": "Alpha" }));
        assert_eq!((tags.unwrap()["project"].clone(), issues), (json!("Alpha"), 0));
        assert_eq!(read_all(&json!({ "A": "1", "a": "2" })).1, 1);
    }

    #[test]
    fn an_organizations_tags_need_no_end_user() {
        let organization = Organization { id: "o".to_owned(), display_name: Some("Org".to_owned()) };
        assert_eq!(generated(None, Some(&organization)).len(), 2);
    }
}

//! The tags a Connect session ends up with, and Nango's rules about them, checked before anything is sent.
//!
//! Nango answers a broken rule with "Invalid key in record", and ten tags that become eleven with status 500
//! (packages/shared/lib/services/tags/schema.ts, endUser.service.ts; observed).

use crate::error::Error;

/// Nango's limit, with those it makes from end user and organization.
pub const MAX_TAGS: usize = 10;

/// Tags in the order in which they were given, keys in lower case.
pub type Tags = Vec<(String, String)>;

/// Given tags with their keys in lower case, as Nango keeps them.
///
/// # Errors
/// `duplicate_tag`, `tag_too_long` or `tag_not_an_email` where Nango would refuse them; `path` is the argument.
pub fn normalise(tags: &[(String, impl AsRef<str>)], path: &str) -> Result<Tags, Error> {
    let mut out = Tags::new();
    for (key, value) in tags {
        let lower = key.to_ascii_lowercase();
        if out.iter().any(|(seen, _)| *seen == lower) {
            let say = format!("`{path}` names a key twice: Nango keeps keys in lower case, so `A` and `a` are one");
            return Err(Error::argument("duplicate_tag", path, say));
        }
        short(value.as_ref(), &format!("{path}.{lower}"))?;
        if lower == "end_user_email" && super::Email::from_text(value.as_ref()).is_none() {
            return Err(Error::argument(
                "tag_not_an_email",
                format!("{path}.{lower}"),
                format!("`{path}.{lower}` must be an email address"),
            ));
        }
        out.push((lower, value.as_ref().to_owned()));
    }
    Ok(out)
}

/// Refuse a value that is too long for a tag: Nango counts UTF-16 units, JSON Schema code points.
///
/// # Errors
/// `tag_too_long`; `path` is the argument.
pub fn short(value: &str, path: &str) -> Result<(), Error> {
    if value.encode_utf16().count() > 255 {
        return Err(Error::argument("tag_too_long", path, format!("`{path}` is longer than Nango's 255 UTF-16 units")));
    }
    Ok(())
}

/// Lay `over` on `under`: values of `over` win, the order of `under` stays.
pub fn lay(under: Tags, over: &Tags) -> Tags {
    let mut out = under;
    for (key, value) in over {
        match out.iter_mut().find(|(have, _)| have == key) {
            Some((_, old)) => old.clone_from(value),
            None => out.push((key.clone(), value.clone())),
        }
    }
    out
}

/// Refuse more tags than Nango takes.
///
/// # Errors
/// `too_many_tags`, with the count and where they come from.
pub fn capacity(tags: &Tags) -> Result<(), Error> {
    if tags.len() <= MAX_TAGS {
        return Ok(());
    }
    let say = format!(
        "these make {} tags, and Nango takes {MAX_TAGS}: `tags`, those made from `end_user` and `organization` (end_user_id, end_user_email, \
         end_user_display_name, organization_id, organization_display_name and end_user.tags), and those kept from the connection count together",
        tags.len()
    );
    Err(Error::argument("too_many_tags", "tags", say))
}

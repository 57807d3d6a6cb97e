//! The link that a person opens to connect an account.

use percent_encoding::percent_decode_str;

use super::WebUrl;
use super::path::encode;
use crate::config::Config;

/// The link with the address of Nango's API in it, where the page needs that.
///
/// Connect UI asks api.nango.dev unless the query says `apiURL`; on a self-hosted Nango it then reports an expired
/// session (NangoHQ/nango#5432). On Nango Cloud the link is left alone. An `apiURL` that Nango wrote itself is
/// kept unless the operator has configured another. Other parameters keep their order and spelling.
///
/// `None` if it is no http(s) URL: such a link must not reach a person.
pub fn for_person(link: &str, config: &Config) -> Option<String> {
    let (rest, fragment) = match link.split_once('#') {
        Some((rest, fragment)) => (rest, Some(fragment)),
        None => (link, None),
    };
    WebUrl::parse(link)?;
    if config.public_url.is_none() && config.base.is_cloud() {
        return Some(link.to_owned());
    }
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    let is_api_url = |pair: &&str| pair.split('=').next().is_some_and(|name| percent_decode_str(name).eq("apiURL".bytes()));
    let pairs = || query.split('&').filter(|pair| !pair.is_empty());
    if config.public_url.is_none() && pairs().any(|pair| is_api_url(&pair)) {
        return Some(link.to_owned());
    }
    let api_url = config.public_url.clone().unwrap_or_else(|| config.base.to_string());
    let api_url = format!("apiURL={}", encode(&api_url));
    let query: Vec<&str> = pairs().filter(|pair| !is_api_url(pair)).chain([api_url.as_str()]).collect();
    let fragment = fragment.map(|fragment| format!("#{fragment}")).unwrap_or_default();
    Some(format!("{address}?{}{fragment}", query.join("&")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(base: &str, public: &str, link: &str, expected: Option<&str>) {
        let vars = [("NANGO_BASE_URL", base), ("NANGO_MCP_PUBLIC_NANGO_URL", public)];
        let config = Config::from_vars(vars.map(|(name, value)| (name.to_owned(), value.to_owned()))).unwrap();
        assert_eq!(for_person(link, &config).as_deref(), expected);
    }

    #[test]
    fn the_link_is_right_on_cloud_and_self_hosted() {
        let cloud = "https://connect.nango.dev/?session_token=t";
        check("https://api.nango.dev", "", cloud, Some(cloud));
        check("https://api-staging.nango.dev", "", cloud, Some(cloud));
        check(
            "https://api.nango.dev.evil.example",
            "",
            cloud,
            Some("https://connect.nango.dev/?session_token=t&apiURL=https%3A%2F%2Fapi.nango.dev.evil.example"),
        );
        check(
            "http://nango:3003",
            "",
            "http://c:3009/?session_token=t",
            Some("http://c:3009/?session_token=t&apiURL=http%3A%2F%2Fnango%3A3003"),
        );
        check(
            "http://nango:3003/",
            "https://n.example/api/",
            "http://c/sub/?session_token=t",
            Some("http://c/sub/?session_token=t&apiURL=https%3A%2F%2Fn.example%2Fapi"),
        );
        check(
            "https://api.nango.dev",
            "https://n.example",
            cloud,
            Some("https://connect.nango.dev/?session_token=t&apiURL=https%3A%2F%2Fn.example"),
        );
    }

    #[test]
    fn other_parameters_and_the_fragment_stay() {
        check("http://n", "", "http://c?b=2&a=1&b=%20x#top", Some("http://c?b=2&a=1&b=%20x&apiURL=http%3A%2F%2Fn#top"));
        check("http://n", "", "http://c/?apiURL=http%3A%2F%2Fown&t=1", Some("http://c/?apiURL=http%3A%2F%2Fown&t=1"));
        check("http://n", "http://p", "http://c/?api%55RL=x&t=1", Some("http://c/?t=1&apiURL=http%3A%2F%2Fp"));
    }

    #[test]
    fn what_is_no_web_link_is_not_handed_out() {
        for link in ["javascript:alert(1)", "/relative", "", "http://", "file:///etc/passwd", "http://c/ x", "http://c/\u{7}"] {
            check("http://n", "", link, None);
            check("https://api.nango.dev", "", link, None);
        }
    }
}

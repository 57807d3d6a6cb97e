//! One request to a provider.

use super::answer::{Meta, Shown, View, show};
use super::cursor::{self, Start};
use super::narrow::{self, Fields, Filters, Pointer};
use super::{Headers, Query, lower, may_override, pairs};
use crate::context::Context;
use crate::error::Error;
use crate::nango::proxy::{Call, ProviderAnswer, refusal, request};
use crate::nango::{AnyKey, BaseUrl, ConnectionId, Cursor, IntegrationKey, ProxyPath};
use crate::project::scan_bytes;
use crate::tool::{Dict, Effect, Int, List, Raw, Toolset, choices, object, result};

choices! {
    /// HTTP methods that Nango passes on; it answers OPTIONS itself (observed).
    pub(crate) enum Method {
        Get = "GET",
        Head = "HEAD",
        Post = "POST",
        Put = "PUT",
        Patch = "PATCH",
        Delete = "DELETE",
    }
}

object! {
    /// Arguments.
    pub(crate) struct Args {
        /// The connection's integration, by unique key.
        provider_config_key: IntegrationKey,
        /// Connection id, as list_connections shows it.
        connection_id: ConnectionId,
        /// HTTP method.
        method: Method,
        /// Path below the provider's base URL, such as /crm/v3/objects/contacts; escapes stay.
        path: ProxyPath,
        /// Query parameters: text, number, true or false; a list repeats the name.
        query: Option<Query>,
        /// Headers for the provider; not Authorization, cookies or HTTP's own.
        headers: Option<Headers>,
        /// JSON body up to 1 MiB; not with GET and HEAD.
        body: Option<Raw>,
        /// Another base URL; refused unless the operator allows it.
        base_url_override: Option<BaseUrl>,
        /// How often Nango repeats a failed request, after 3 and 6 s; the provider may see a write twice.
        retries: Int<0, 2> = 0,
        /// Where in the answer to look (JSON Pointer), such as /data/items.
        response_path: Option<Pointer>,
        /// Keep only these fields of every item; dots go into objects.
        fields: Option<Fields>,
        /// Keep only items that meet all of these.
        filters: Option<Filters>,
        /// Items of a page.
        page_size: Int<1, 100> = 20,
        /// next_cursor of the call before; other arguments unchanged.
        cursor: Option<Cursor>,
        /// Return names and types of the answer, no values.
        describe: bool = false,
        /// Bytes of JSON above which a page or preview is shown.
        inline_limit: Int<1024, 32_768> = 32768,
    }
}

result! {
    /// The provider's answer.
    pub(crate) struct Output {
        /// Whether the provider answered with 2xx.
        ok: bool,
        /// The provider's HTTP status.
        status: Int<0, 999>,
        /// The media type, as the provider said it.
        content_type: Option<String>,
        /// Request ids, and of refusals retry-after and ratelimit.
        headers: Dict<AnyKey, String, 30>,
        /// The body: JSON, text, or base64 of bytes. Absent where there is none.
        response: Option<serde_json::Value>,
        /// What the response is, and how to get at the rest.
        response_meta: Meta,
    }
}

/// Largest body of a request, in bytes.
const BODY: usize = 1024 * 1024;
/// Largest answer, in bytes.
const ANSWER: usize = 4 * 1024 * 1024;

/// See [`crate::tool::Tool`].
pub(crate) struct Tool;

impl crate::tool::Tool for Tool {
    type Args = Args;
    type Output = Output;
    const NAME: &'static str = "proxy_request";
    const TITLE: &'static str = "Call a provider's API";
    const DESCRIPTION: &'static str = "Send one request to a provider's own API as a connected account; Nango adds the credentials, never shown. Use it for \
        whatever the account holds; for files use download_provider_file, for the connection itself get_connection. A \
        provider's error is a result with ok false. Answers up to 32 KiB come whole, larger lists as a page, larger objects as \
        shape and preview: narrow them by response_path, fields and filters. A cursor asks again, so prefer the provider's \
        paging in query; Link headers do not arrive. Methods but GET and HEAD act at once and cannot be undone here. Answers \
        end at 4 MiB, requests at 20 s. Needs environment:proxy.";
    const TOOLSET: Toolset = Toolset::Proxy;
    const EFFECT: Effect = Effect::Destructive;
    const IDEMPOTENT: bool = false;
    const SCOPES: &'static [&'static str] = &["environment:proxy"];
    const READ_ONLY: Option<(&'static str, &'static [&'static str])> = Some(("method", &["GET", "HEAD"]));

    fn effect(args: &Args) -> Effect {
        match args.method {
            Method::Get | Method::Head => Effect::Read,
            Method::Post | Method::Put | Method::Patch => Effect::Write,
            Method::Delete => Effect::Destructive,
        }
    }

    fn rules(args: &Args) -> Result<(), Error> {
        super::rules(&args.provider_config_key, &args.connection_id, args.query.as_ref(), args.headers.as_ref())?;
        if let Some(body) = &args.body {
            if Self::effect(args) == Effect::Read {
                return Err(Error::argument("body_not_allowed", "body", "`body` has no place in a GET or HEAD request: use `query`"));
            }
            if body.0.len() > BODY {
                return Err(Error::argument("body_too_large", "body", "`body` is larger than 1 MiB: send less at a time"));
            }
        }
        if args.cursor.is_some() && args.method != Method::Get {
            return Err(Error::argument("bad_cursor", "cursor", "`cursor` goes with GET only: it sends the request again"));
        }
        args.filters.as_ref().map_or(Ok(()), narrow::rules)
    }

    fn call(cx: &Context<'_>, args: &Args) -> Result<Output, Error> {
        may_override(cx, args.base_url_override.as_ref())?;
        let start = cursor::start(cx, args.cursor.as_ref())?;
        let request = request(Call {
            method: args.method.as_str(),
            integration: &args.provider_config_key,
            connection: &args.connection_id,
            path: &args.path,
            query: pairs(args.query.as_ref()),
            headers: lower(args.headers.as_ref()),
            accept: "application/json, text/*;q=0.9, */*;q=0.8",
            body: args.body.as_ref().map(|body| body.0.clone()),
            base_url: args.base_url_override.as_ref(),
            retries: args.retries.0,
            answer_cap: ANSWER,
        });
        let mut answer = cx.pass(&request)?;
        if let Some(refused) = refusal(&request, &answer, cx.chosen()) {
            return Err(refused);
        }
        // Before anything is cut: the last scan knows no half of a secret.
        scan_bytes(&mut answer.body, cx.config);
        let ok = (200..300).contains(&answer.status);
        let mut shown = view(cx, args, &answer, ok, start)?;
        if !ok && args.method == Method::Head {
            let say = "the answer to HEAD has no body that tells the provider's refusal from one of Nango's, such as an unknown connection";
            shown.meta.warnings.0.push(say.to_owned());
        }
        if let Some(next) = &shown.next {
            shown.meta.next_cursor = Some(cursor::write(cx, next));
            shown.meta.refetch = Some(true);
        }
        Ok(Output {
            ok,
            status: Int(answer.status.into()),
            content_type: answer.header("content-type").map(str::to_owned),
            headers: headers(&answer, ok),
            response: shown.response,
            response_meta: shown.meta,
        })
    }
}

/// The answer as the call wants it. A refusal, and the answer to a write, is shown even where it is not as the call
/// expects: asking again would not do, and it must not be lost.
fn view(cx: &Context<'_>, args: &Args, answer: &ProviderAnswer, ok: bool, start: Start) -> Result<Shown, Error> {
    let none = List(Vec::new());
    let size = |number: i64| usize::try_from(number).unwrap_or(1);
    let plain = View {
        response_path: None,
        fields: None,
        filters: &none,
        start: Start::default(),
        page_size: size(args.page_size.0),
        describe: false,
        inline: size(args.inline_limit.0),
        again: ok && args.method == Method::Get,
        file: cx.config.max_download_bytes,
    };
    if !ok {
        return show(answer, &plain);
    }
    let wanted = View {
        response_path: args.response_path.as_deref(),
        fields: args.fields.as_ref(),
        filters: args.filters.as_ref().unwrap_or(&none),
        start,
        describe: args.describe,
        ..plain
    };
    show(answer, &wanted).or_else(|error| {
        if matches!(args.method, Method::Get | Method::Head) {
            return Err(error);
        }
        let plain = View { response_path: None, fields: None, filters: &none, start: Start::default(), describe: false, ..wanted };
        let mut shown = show(answer, &plain)?;
        shown.meta.warnings.0.push(format!("the request was sent and answered; {}", error.sentence()));
        Ok(shown)
    })
}

/// Headers worth showing. `x-ratelimit-*` are not: Nango's own stand there wherever the provider sends none (observed).
fn headers(answer: &ProviderAnswer, ok: bool) -> Dict<AnyKey, String, 30> {
    const IDS: &[&str] = &["request-id", "x-request-id", "x-correlation-id", "x-ms-request-id"];
    let shown = |name: &str| IDS.contains(&name) || (!ok && (name == "retry-after" || name.starts_with("ratelimit")));
    let headers = answer.headers.iter().filter(|(name, value)| shown(name) && value.len() <= 500);
    headers.take(30).map(|(name, value)| (name.clone(), value.clone())).collect()
}

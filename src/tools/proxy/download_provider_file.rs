//! A file of a provider's, as bytes.

use sha2::{Digest, Sha256};

use super::{Headers, Query, lower, may_override, pairs};
use crate::call::File;
use crate::context::Context;
use crate::error::{ApiError, Error};
use crate::nango::proxy::{Call, refusal, request};
use crate::nango::{BaseUrl, ConnectionId, IntegrationKey, ProxyPath};
use crate::project::mask;
use crate::tool::{Effect, Int, Pattern, Toolset, object, result, text};

text! {
    /// A file name.
    pub(crate) struct FileName(1..=120, &FILE_NAME);
}

static FILE_NAME: Pattern = Pattern {
    regex: "^[A-Za-z0-9][A-Za-z0-9._-]*$",
    matches: |text| text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(is_of_name),
    rule: "begin with a letter or digit and go on with letters, digits, `.`, `_` and `-`",
    beyond: None,
};

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

object! {
    /// Arguments.
    pub(crate) struct Args {
        /// The connection's integration, by unique key.
        provider_config_key: IntegrationKey,
        /// Connection id, as list_connections shows it.
        connection_id: ConnectionId,
        /// Path of the file below the provider's base URL, such as /drive/v3/files/1a2b.
        path: ProxyPath,
        /// Query parameters: text, number, true or false; a list repeats the name.
        query: Option<Query>,
        /// Headers for the provider; not Authorization, cookies or HTTP's own.
        headers: Option<Headers>,
        /// Another base URL; refused unless the operator allows it.
        base_url_override: Option<BaseUrl>,
        /// What to call the file; without it the last part of the path.
        suggested_name: Option<FileName>,
    }
}

result! {
    /// The file, whose bytes are a resource of the same result.
    pub(crate) struct Output {
        /// What it is called.
        name: String,
        /// The media type, as the provider said it.
        media_type: Option<String>,
        /// Its bytes.
        size: Int<1, 8_388_608>,
        /// SHA-256 of the bytes, in hexadecimal digits.
        sha256: String,
    }
}

/// See [`crate::tool::Tool`].
pub(crate) struct Tool;

impl crate::tool::Tool for Tool {
    type Args = Args;
    type Output = Output;
    const NAME: &'static str = "download_provider_file";
    const TITLE: &'static str = "Download a provider's file";
    const DESCRIPTION: &'static str = "Download one file from a provider as a connected account, by GET, as an embedded resource with name, media type, size \
        and SHA-256. Use it for documents, images and exports; for JSON use proxy_request, which pages and filters. Files end \
        at 1 MiB unless the operator allows more (NANGO_MCP_MAX_DOWNLOAD_BYTES, up to 8 MiB). An empty file and a provider's \
        error are failures that name the status. Needs environment:proxy.";
    const TOOLSET: Toolset = Toolset::Proxy;
    const EFFECT: Effect = Effect::Read;
    const IDEMPOTENT: bool = true;
    const SCOPES: &'static [&'static str] = &["environment:proxy"];
    const FILES: bool = true;

    fn rules(args: &Args) -> Result<(), Error> {
        super::rules(&args.provider_config_key, &args.connection_id, args.query.as_ref(), args.headers.as_ref())
    }

    fn call(cx: &Context<'_>, args: &Args) -> Result<Output, Error> {
        may_override(cx, args.base_url_override.as_ref())?;
        let request = request(Call {
            method: "GET",
            integration: &args.provider_config_key,
            connection: &args.connection_id,
            path: &args.path,
            query: pairs(args.query.as_ref()),
            headers: lower(args.headers.as_ref()),
            accept: "*/*",
            body: None,
            base_url: args.base_url_override.as_ref(),
            retries: 0,
            answer_cap: cx.config.max_download_bytes,
        });
        let answer = cx.pass(&request)?;
        if let Some(refused) = refusal(&request, &answer, cx.chosen()) {
            return Err(refused);
        }
        if !(200..300).contains(&answer.status) {
            return Err(failed(answer.status, "provider_error", "the provider refused the file"));
        }
        if answer.body.is_empty() {
            return Err(failed(answer.status, "empty_file", "the provider answered without a file"));
        }
        let media_type = answer.header("content-type").map(str::to_owned);
        let mut bytes = answer.body;
        mask(&mut bytes, cx.config);
        let sha256 = crate::tools::hex(&Sha256::digest(&bytes));
        let name = args.suggested_name.as_deref().map_or_else(|| name_of(&args.path), str::to_owned);
        let size = Int(i64::try_from(bytes.len()).unwrap_or(i64::MAX));
        cx.attach(File { uri: format!("nango-file:{sha256}/{name}"), media_type: media_type.clone(), bytes });
        Ok(Output { name, media_type, size, sha256 })
    }
}

fn failed(status: u16, code: &str, what: &str) -> Error {
    Error::nango(ApiError {
        status,
        code: code.to_owned(),
        message: format!("{what}, with status {status}"),
        hint: Some("proxy_request with the same arguments and method GET shows its answer".to_owned()),
        ..ApiError::default()
    })
}

/// The last part of a path, as a file name.
fn name_of(path: &str) -> String {
    let route = path.split('?').next().unwrap_or_default();
    let last = route.rsplit('/').find(|part| !part.is_empty()).unwrap_or_default();
    let name: String = last.chars().map(|c| if is_of_name(c) { c } else { '-' }).take(120).collect();
    let name = name.trim_start_matches(['.', '-', '_']);
    if name.is_empty() { "file".to_owned() } else { name.to_owned() }
}

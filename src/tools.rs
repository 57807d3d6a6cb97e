//! The tools, one a file, grouped by toolset. The order of [`TOOLS`] is the order of tools/list and of README.

mod connect;
mod connections;
mod conventions;
mod environments;
mod integrations;
mod listing;
mod proxy;

use sha2::{Digest, Sha256};

use crate::tool::{Entry, entry};

/// Every tool.
pub static TOOLS: &[Entry] = &[
    entry::<connect::create_connect_session::Tool>(),
    entry::<connect::create_standard_connect_session::Tool>(),
    entry::<connect::create_reconnect_session::Tool>(),
    entry::<connect::ensure_connection::Tool>(),
    entry::<connect::wait_for_connection::Tool>(),
    entry::<connect::get_connect_session::Tool>(),
    entry::<connect::cancel_connect_session::Tool>(),
    entry::<environments::list_environments::Tool>(),
    entry::<environments::check_environment::Tool>(),
    entry::<integrations::list_integrations::Tool>(),
    entry::<integrations::get_integration::Tool>(),
    entry::<integrations::search_provider_templates::Tool>(),
    entry::<integrations::get_provider::Tool>(),
    entry::<integrations::create_integration::Tool>(),
    entry::<integrations::update_integration::Tool>(),
    entry::<integrations::delete_integration::Tool>(),
    entry::<connections::list_connections::Tool>(),
    entry::<connections::get_connection::Tool>(),
    entry::<connections::get_connection_context::Tool>(),
    entry::<connections::refresh_connection_credentials::Tool>(),
    entry::<connections::import_connection::Tool>(),
    entry::<connections::delete_connection::Tool>(),
    entry::<connections::replace_connection_tags::Tool>(),
    entry::<connections::update_connection_metadata::Tool>(),
    entry::<connections::update_connection_end_user::Tool>(),
    entry::<proxy::proxy_request::Tool>(),
    entry::<proxy::download_provider_file::Tool>(),
    entry::<conventions::describe_connection_convention::Tool>(),
    entry::<conventions::build_connection_convention::Tool>(),
    entry::<conventions::apply_connection_convention::Tool>(),
    entry::<conventions::audit_connection_conventions::Tool>(),
];

/// A digest that binds a cursor to what it belongs to. Half of SHA-256: mistakes are to be caught, not attacks. A forged
/// cursor reads nothing that its tool would not show anyway.
pub(crate) fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
        hash.update([0]);
    }
    text_of(hash)
}

/// A digest as text.
#[inline(never)]
fn text_of(hash: Sha256) -> String {
    hex(hash.finalize().get(..16).unwrap_or_default())
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

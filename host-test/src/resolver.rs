//! Names to addresses, for the one granted origin: a public origin must not turn out to be a private address, whatever DNS
//! says (DNS rebinding; the metadata services of clouds).

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower_service::Service;

/// The system's resolver, its answers held to what the origin is.
#[derive(Clone)]
pub(crate) struct Resolver {
    inner: GaiResolver,
    /// Whether the origin is one inside: said by its name, else by what it first resolves to. Self-hosted Nangos are.
    inside: Arc<OnceLock<bool>>,
}

impl Resolver {
    /// For the origin of this host name.
    pub(crate) fn of(host: &str) -> Self {
        let inside = OnceLock::new();
        let known = match host {
            "localhost" => Some(true),
            host if host.ends_with(".localhost") => Some(true),
            host if host == "nango.dev" || host.ends_with(".nango.dev") => Some(false),
            _ => None,
        };
        if let Some(known) = known {
            let _ = inside.set(known);
        }
        Self { inner: GaiResolver::new(), inside: Arc::new(inside) }
    }

    /// The addresses that may be used of those that a name has.
    fn allowed(&self, addresses: Vec<SocketAddr>) -> io::Result<Vec<SocketAddr>> {
        let inside = *self.inside.get_or_init(|| !addresses.is_empty() && addresses.iter().all(|address| is_private(address.ip())));
        let fits = |address: &SocketAddr| !is_never(address.ip()) && (inside || !is_private(address.ip()));
        let allowed: Vec<SocketAddr> = addresses.into_iter().filter(fits).collect();
        if allowed.is_empty() {
            tracing::warn!("denied outbound: the granted host name resolves to addresses that are not public");
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, Prohibited));
        }
        Ok(allowed)
    }
}

/// Why there is no address.
#[derive(Debug)]
pub(crate) struct Prohibited;

impl std::fmt::Display for Prohibited {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the host name resolves to addresses that are not public")
    }
}

impl std::error::Error for Prohibited {}

/// Addresses that lead nowhere outside (RFC 1918, RFC 4193, RFC 6598, loopback).
fn is_private(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [first, second, ..] = ip.octets();
            ip.is_private() || ip.is_loopback() || (first == 100 && (64..128).contains(&second)) || is_never(ip.into())
        }
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || is_never(ip.into()),
    }
}

/// Addresses that no Nango has: link-local, where clouds keep their credentials, and those that are no single host.
fn is_never(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.is_link_local() || ip.is_unspecified() || ip.is_broadcast() || ip.is_multicast(),
        IpAddr::V6(ip) => ip.is_unicast_link_local() || ip.is_unspecified() || ip.is_multicast(),
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let found = self.inner.call(name);
        let this = self.clone();
        Box::pin(async move { this.allowed(found.await?.collect()).map(Vec::into_iter) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(resolver: &Resolver, addresses: &[&str]) -> Vec<String> {
        let addresses = addresses.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 443)).collect();
        resolver.allowed(addresses).map(|found| found.iter().map(|address| address.ip().to_string()).collect()).unwrap_or_default()
    }

    #[test]
    fn a_public_origin_does_not_become_a_private_address() {
        for host in ["api.nango.dev", "nango.example"] {
            let resolver = Resolver::of(host);
            assert_eq!(allowed(&resolver, &["93.184.216.34"]), ["93.184.216.34"], "{host}");
            for inside in [
                "127.0.0.1",
                "10.1.2.3",
                "192.168.0.1",
                "172.16.0.9",
                "100.64.0.1",
                "169.254.169.254",
                "0.0.0.0",
                "::1",
                "fd00::1",
                "fe80::1",
                "::ffff:127.0.0.1",
                "::ffff:169.254.169.254",
            ] {
                assert!(allowed(&resolver, &[inside]).is_empty(), "{host} {inside}");
            }
            assert_eq!(allowed(&resolver, &["10.0.0.1", "93.184.216.34"]), ["93.184.216.34"], "{host}");
        }
    }

    #[test]
    fn a_private_origin_may_be_private_but_never_link_local() {
        let resolver = Resolver::of("nango");
        assert_eq!(allowed(&resolver, &["172.18.0.3"]), ["172.18.0.3"], "a name inside a container network");
        assert_eq!(allowed(&resolver, &["172.18.0.4"]), ["172.18.0.4"]);
        assert!(allowed(&resolver, &["169.254.169.254"]).is_empty());
        assert_eq!(allowed(&Resolver::of("localhost"), &["127.0.0.1"]), ["127.0.0.1"]);
        assert!(allowed(&Resolver::of("api.nango.dev"), &["10.0.0.1"]).is_empty(), "Nango Cloud is never inside");
        assert!(allowed(&Resolver::of("metadata"), &["169.254.169.254"]).is_empty(), "not even at first");
    }
}

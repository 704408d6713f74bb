//! Who asks: the address of the other end, or what a proxy that is trusted says of it.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::HeaderMap;

use super::FORWARDED_FOR;

/// A client, as far as limits tell one from another. Whoever has an IPv6 address has a network of
/// 2^64 of them, so they count as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Client(IpAddr);

/// What an IPv6 address has in common with all others of its network.
const NETWORK: u128 = !0 << 64;

impl Client {
    /// Finds out who asks, when so many proxies stand before us.
    ///
    /// Each proxy appends to `X-Forwarded-For` who spoke to it. So the entry that the first of ours
    /// wrote is that many from the end, and what stands before it is the client's own words. When
    /// there is no such entry, or it is no address, the request came another way, and its peer is
    /// the client.
    pub(super) fn who_asks(peer: IpAddr, headers: &HeaderMap, proxies: usize) -> Self {
        let forwarded = proxies.checked_sub(1).and_then(|others| from_the_end(headers, others));
        Self::at(forwarded.unwrap_or(peer))
    }

    fn at(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & NETWORK).into(),
        })
    }
}

/// Finds an entry, counted from the last one, over all headers of the name.
fn from_the_end(headers: &HeaderMap, number: usize) -> Option<IpAddr> {
    let values = headers.get_all(FORWARDED_FOR).iter().rev();
    let mut entries = values.flat_map(|value| value.to_str().unwrap_or_default().rsplit(','));
    let entry = entries.nth(number)?.trim();
    // Some proxies add the port.
    entry.parse().ok().or_else(|| Some(entry.parse::<SocketAddr>().ok()?.ip()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const PEER: &str = "10.20.0.9";

    fn who(headers: &[&str], proxies: usize) -> String {
        let value = |text: &&str| (FORWARDED_FOR, HeaderValue::from_str(text).expect("a header"));
        let headers = headers.iter().map(value).fold(HeaderMap::new(), |mut all, (name, value)| {
            all.append(name, value);
            all
        });
        Client::who_asks(PEER.parse().expect("an address"), &headers, proxies).0.to_string()
    }

    #[test]
    fn without_a_trusted_proxy_the_header_says_nothing() {
        assert_eq!(who(&["198.51.100.7"], 0), PEER);
    }

    #[test]
    fn a_trusted_proxy_wrote_the_last_entry_and_the_client_the_others() {
        for headers in [
            &["198.51.100.7"][..],
            &["203.0.113.1, 198.51.100.7"],
            &["203.0.113.1,203.0.113.2 ,198.51.100.7:49152"],
            &["203.0.113.1", "203.0.113.2, 198.51.100.7"],
            &["\u{fc}, <script>, 198.51.100.7", "198.51.100.7"],
        ] {
            assert_eq!(who(headers, 1), "198.51.100.7", "{headers:?}");
        }
    }

    #[test]
    fn of_two_trusted_proxies_the_first_knows_the_client() {
        assert_eq!(who(&["203.0.113.1, 198.51.100.7, 192.0.2.1"], 2), "198.51.100.7");
    }

    #[test]
    fn a_header_without_the_entry_or_with_a_strange_one_leaves_the_peer() {
        for headers in [&[][..], &[""], &["198.51.100.7, unknown"], &["198.51.100.7,"]] {
            assert_eq!(who(headers, 1), PEER, "{headers:?}");
        }
        assert_eq!(who(&["198.51.100.7"], 2), PEER);
    }

    #[test]
    fn an_ipv6_network_is_one_client_and_ipv4_is_the_same_in_both_dresses() {
        assert_eq!(who(&["2001:db8:0:7:1::1"], 1), "2001:db8:0:7::");
        assert_eq!(who(&["2001:db8:0:7:ffff:ffff:ffff:ffff"], 1), "2001:db8:0:7::");
        assert_eq!(who(&["[2001:db8:0:8::1]:443"], 1), "2001:db8:0:8::");
        assert_eq!(who(&["::ffff:198.51.100.7"], 1), "198.51.100.7");
    }
}

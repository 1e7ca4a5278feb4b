"""Which addresses are public. Pure.

What the library of this Python calls private differs from version to version, so the networks stand here.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_STANDS_FOR_IPV4 = tuple(
    (ip_network(network), behind)
    for network, behind in (
        ("::ffff:0:0/96", 0),  # mapped, RFC 4291 2.5.5.2
        ("::ffff:0:0:0/96", 0),  # translated, RFC 2765
        ("::/96", 0),  # compatible, RFC 4291 2.5.5.1
        ("64:ff9b::/96", 0),  # NAT64, RFC 6052
        ("2002::/16", 80),  # 6to4, RFC 3056
    )
)
"""IPv6 networks whose addresses hold an IPv4 address, and how many bits lie behind it."""
_NEVER = tuple(
    map(
        ip_network,
        (
            "64:ff9b:1::/48",  # NAT64 for local use, RFC 8215
            "fec0::/10",  # site-local, RFC 3879
            "fc00::/7",  # unique local, RFC 4193
            "fe80::/10",  # link-local
            "ff00::/8",  # multicast
            "2001::/32",  # Teredo: the IPv4 address in it is inverted, RFC 4380
            "2001:db8::/32",  # documentation
            "3fff::/20",  # documentation, RFC 9637
            "5f00::/16",  # segment routing, RFC 9602
            "100::/64",  # discard-only, RFC 6666
            "0.0.0.0/8",  # this network
            "100.64.0.0/10",  # shared, RFC 6598
            "192.0.0.0/24",  # protocol assignments, RFC 6890
            "192.88.99.0/24",  # 6to4 relay, RFC 7526
            "198.18.0.0/15",  # benchmarks, RFC 2544
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved
        ),
    )
)
"""Beside what the library calls private."""


def plain(address: str) -> IPv4Address | IPv6Address:
    """An address without its zone; IPv6 that stands for an IPv4 address is that one. Raises ``ValueError``."""
    parsed = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv6Address) and not parsed.is_loopback:
        for network, behind in _STANDS_FOR_IPV4:
            if parsed in network:
                return IPv4Address(int(parsed) >> behind & 0xFFFFFFFF)
    return parsed


def public(address: str) -> bool:
    """Whether it may be called without being listed in the settings."""
    parsed = plain(address)
    never = any(parsed in network for network in _NEVER if network.version == parsed.version)
    return parsed.is_global and not parsed.is_multicast and not never

"""Where a callback may be sent: pure checks of URLs and of addresses.

Whoever names a URL has the API send a request to it, from inside of whatever network the API is in. So only addresses
that anybody in the Internet could reach are taken, unless the settings say otherwise.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import httpx

from api.tasks.errors import FieldsError

FIELD = "callback_url"
MAX_CHARACTERS = 2048
PORTS = {"http": 80, "https": 443}
# what a URL is written with; a backslash is a slash to some, and a letter to others
WRITTEN = re.compile(r"[!-\[\]-~]+")
AUTHORITY_END = re.compile(r"[/?#]")

# global by the registry's first column, and yet no host of the Internet's
NOT_HOSTS = tuple(map(IPv4Network, ("192.88.99.0/24", "192.0.0.0/24")))
# of IPv6 only this is handed out to hosts
UNICAST = IPv6Network("2000::/3")
NOT_UNICAST = tuple(
    map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "2620:4f:8000::/48", "5f00::/16"))
)
# in their last bits an address of IPv4, to which a gateway may pass on what is sent
NAT64 = IPv6Network("64:ff9b::/96")

Address = IPv4Address | IPv6Address


@dataclass(frozen=True)
class Target:
    """A URL in its parts, as a request has them."""

    scheme: str
    host: str
    port: int
    path: bytes

    @property
    def authority(self) -> str:
        """What the head field `Host` says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def target_of(url: str) -> Target:
    """The parts of a callback's URL.

    Raises:
        FieldsError: it is none that is taken.
    """
    if len(url) > MAX_CHARACTERS:
        raise _refused(f"has more than {MAX_CHARACTERS} characters")
    if not WRITTEN.fullmatch(url):
        raise _refused("has characters that are to be percent-encoded, or punycode in the host's name")
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        raise _refused("is no URL") from None
    if parsed.scheme not in PORTS:
        raise _refused("begins with neither https:// nor http://")
    if not parsed.host:
        raise _refused("names no host")
    if parsed.userinfo or "@" in AUTHORITY_END.split(url.partition("//")[2])[0]:
        raise _refused("has a user or a password in it: callbacks are signed instead")
    port = PORTS[parsed.scheme] if parsed.port is None else parsed.port
    if not 0 < port < 2**16:
        raise _refused("has a port that is none")
    return Target(parsed.scheme, parsed.raw_host.decode("ascii"), port, parsed.raw_path)


def check_addresses(host: str, addresses: list[str], *, allow_private: bool) -> None:
    """Check what a host's name stands for: one address that must not be reached is enough to refuse it.

    Raises:
        FieldsError: it stands for such an address, or for none.
    """
    if not addresses:
        raise _refused(f"names a host that has no address: {host}")
    if not allow_private and not all(is_public(ip_address(address)) for address in addresses):
        raise _refused(f"names a host of this machine or of a private network: {host} (CALLBACK_ALLOW_PRIVATE)")


def is_public(address: Address) -> bool:
    """Whether anybody in the Internet could reach a host at this address."""
    if isinstance(address, IPv6Address):
        # any gateway on the way would unwrap these
        if address in NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        return address.is_global and address in UNICAST and not any(address in each for each in NOT_UNICAST)
    return address.is_global and not address.is_multicast and not any(address in each for each in NOT_HOSTS)


def _refused(why: str) -> FieldsError:
    return FieldsError((FIELD, why))

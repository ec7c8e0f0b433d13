from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.tasks.callbacks.target import check_addresses, is_public, target_of
from api.tasks.errors import FieldsError

PRIVATE = (
    *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1"),  # noqa: S104
    *("169.254.169.254", "100.64.0.1", "192.0.0.1", "192.0.0.9", "192.0.2.1", "198.18.0.1", "198.51.100.1"),
    *("203.0.113.1", "192.88.99.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1"),
    # an address of IPv4 within: mapped, compatible, NAT64, local NAT64, 6to4, Teredo
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe"),
    *("64:ff9b:1::808:808", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:808:808::1", "2001:0:7f00:1::1"),
    *("100::1", "3fff::1", "5f00::1", "4000::1"),
)
PUBLIC = (
    *("8.8.8.8", "1.1.1.1", "93.184.216.34", "172.32.0.1", "2606:4700::1111", "2a00:1450:4001::200e"),
    *("::ffff:8.8.8.8", "64:ff9b::808:808"),
)


@pytest.mark.parametrize("address", PRIVATE)
def test_what_not_everybody_can_reach_is_refused(address: str) -> None:
    assert not is_public(ip_address(address))
    with pytest.raises(FieldsError, match="private network"):
        check_addresses("a.example", ["8.8.8.8", address], allow_private=False)
    check_addresses("a.example", ["8.8.8.8", address], allow_private=True)


@pytest.mark.parametrize("address", PUBLIC)
def test_what_everybody_can_reach_is_taken(address: str) -> None:
    assert is_public(ip_address(address))
    check_addresses("a.example", [address], allow_private=False)


def test_a_name_without_addresses_is_refused() -> None:
    for allow_private in (True, False):
        with pytest.raises(FieldsError, match="no address"):
            check_addresses("a.example", [], allow_private=allow_private)


@given(st.ip_addresses(v=4))
def test_an_address_is_no_better_in_the_clothes_of_another(address: IPv4Address) -> None:
    for prefix in ("::ffff:", "64:ff9b::"):
        assert is_public(IPv6Address(f"{prefix}{address}")) == is_public(address)
    if not address.is_global:
        assert not is_public(address)


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("https://hooks.example", ("https", "hooks.example", 443, b"/", "hooks.example")),
        ("http://hooks.example:8080/a?b=c#d", ("http", "hooks.example", 8080, b"/a?b=c", "hooks.example:8080")),
        ("HTTPS://Hooks.Example:443/%20", ("https", "hooks.example", 443, b"/%20", "hooks.example")),
        ("https://[2606:4700::1111]:444/", ("https", "2606:4700::1111", 444, b"/", "[2606:4700::1111]:444")),
        ("https://xn--bcher-kva.example/", ("https", "xn--bcher-kva.example", 443, b"/", "xn--bcher-kva.example")),
    ],
)
def test_a_url_is_taken_apart(url: str, parts: tuple[object, ...]) -> None:
    target = target_of(url)
    assert (target.scheme, target.host, target.port, target.path, target.authority) == parts


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "characters"),
        ("hooks.example/a", "https://"),
        ("//hooks.example/a", "https://"),
        ("ftp://hooks.example/a", "https://"),
        ("file:///etc/passwd", "https://"),
        ("gopher://hooks.example:25/", "https://"),
        ("https:///a", "no host"),
        ("https://", "no host"),
        ("https://user:secret@hooks.example/", "user or a password"),
        ("https://user@hooks.example/", "user or a password"),
        ("https://@hooks.example/", "user or a password"),
        ("https://hooks.example:0/", "a port"),
        ("https://hooks.example:65536/", "a port|no URL"),
        ("https://hooks.example:port/", "no URL"),
        ("https://[::1/", "no URL"),
        ("https://hooks.example\\@127.0.0.1/", "percent-encoded"),
        ("https://hooks.example/a b", "percent-encoded"),
        ("https://hooks.example/\r\nHost: other", "percent-encoded"),
        ("https://bücher.example/", "percent-encoded"),
        ("https://hooks.example/" + "a" * 2048, "2048"),
    ],
)
def test_any_other_url_is_refused_by_its_field(url: str, words: str) -> None:
    with pytest.raises(FieldsError, match=words) as refused:
        target_of(url)
    assert [field for field, _ in refused.value.problems] == ["callback_url"]


@given(st.text(max_size=60), st.sampled_from(["", "http://", "https://", "https://a@", "https://["]))
def test_whatever_is_given_is_a_target_or_is_refused(rest: str, start: str) -> None:
    try:
        target = target_of(start + rest)
    except FieldsError:
        return
    assert target.scheme in ("http", "https")
    assert target.host
    assert b"\r" not in target.path
    assert b"\n" not in target.path

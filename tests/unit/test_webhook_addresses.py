"""Where webhooks may go."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from app.domain.addresses import may_call
from app.domain.webhook_url import parse_url
from app.errors import InvalidInput

REFUSED = [
    "127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "100.127.255.254", "0.0.0.0", "0.1.2.3", "192.0.0.8", "192.0.2.1", "192.88.99.1", "198.18.0.1",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "::", "::1",
    "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::ffff:0:8.8.8.8", "64:ff9b::7f00:1",
    "64:ff9b::808:808", "64:ff9b:1::1", "2002:7f00:1::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1",
    "fc00::1", "fd12::1", "fe80::1", "fec0::1", "ff02::1", "ff0e::1", "100::1",
]  # fmt: skip
PUBLIC = [
    "8.8.8.8", "1.1.1.1", "93.184.216.34", "100.63.255.255", "100.128.0.1", "2606:4700::1111",
    "2a00:1450:4001:830::200e",
]  # fmt: skip


@pytest.mark.parametrize("address", REFUSED)
def test_what_is_not_public_is_refused(address: str) -> None:
    assert not may_call(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_may_be_called(address: str) -> None:
    assert may_call(ip_address(address))


def test_an_operator_may_allow_a_network_and_nothing_beside_it() -> None:
    allowed = [ip_network("10.1.0.0/16"), ip_network("fd00::/8")]
    assert may_call(ip_address("10.1.2.3"), allowed)
    assert may_call(ip_address("fd00::1"), allowed)
    assert not may_call(ip_address("10.2.0.1"), allowed)
    assert not may_call(ip_address("::ffff:10.1.2.3"), allowed)


@pytest.mark.parametrize(
    ("text", "place", "host_header", "at"),
    [
        ("https://Example.com", "example.com:443", "example.com", "https://93.184.216.34:443/"),
        ("http://example.com:80/a?b=c", "example.com:80", "example.com", "http://93.184.216.34:80/a?b=c"),
        ("https://example.com:8443/a/b/", "example.com:8443", "example.com:8443", "https://93.184.216.34:8443/a/b/"),
        ("https://[2606:4700::1111]/x", "[2606:4700::1111]:443", "[2606:4700::1111]", "https://93.184.216.34:443/x"),
    ],
)
def test_a_url_is_taken_apart(text: str, place: str, host_header: str, at: str) -> None:
    url = parse_url(text)
    assert (url.place, url.host_header, url.at("93.184.216.34")) == (place, host_header, at)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "1 to 2,000 characters"),
        ("https://example.com/" + "x" * 2000, "1 to 2,000 characters"),
        ("https://exa mple.com/", "without spaces"),
        ("https://exämple.com/", "ASCII"),
        ("ftp://example.com/", "must begin with https://"),
        ("example.com/hook", "must begin with https://"),
        ("https:///hook", "must begin with https://"),
        ("https://me:secret@example.com/", "a name or a password"),
        ("https://example.com/#part", "after #"),
        ("https://exa%6dple.com/", "not a name"),
        ("https://-.example.com/", "not a name"),
        ("https://example.com:99999/", "cannot be read"),
        ("https://[::1/", "cannot be read"),
        ("http://127.0.0.1:8000/", "127.0.0.1 is not a public address"),
        ("http://169.254.169.254/latest/meta-data", "TAAS_WEBHOOK_ALLOWED_NETWORKS"),
        ("http://[::ffff:10.0.0.1]/", "not a public address"),
    ],
)
def test_a_url_that_cannot_be_is_refused_with_its_field(text: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_url(text)
    assert words in caught.value.detail
    assert [error.pointer for error in caught.value.errors] == ["/url"]

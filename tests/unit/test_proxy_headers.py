"""Which headers pass the proxy, and which host is whose, as tables."""

from __future__ import annotations

from uuid import UUID

import pytest

from app.domain.endpoints.hosts import address_of, endpoint_at, label_at
from app.proxy import headers

ID = UUID("01990000-0000-7000-8000-00000000000a")


def raw(**pairs: str) -> list[tuple[bytes, bytes]]:
    return [(name.replace("_", "-").encode(), value.encode()) for name, value in pairs.items()]


@pytest.mark.parametrize(
    ("name", "passes"),
    [
        ("accept", True),
        ("range", True),
        ("if-none-match", True),
        ("content-length", True),
        ("user-agent", True),
        ("host", True),
        ("cookie", False),
        ("Cookie", False),
        ("authorization", False),
        ("Proxy-Authorization", False),
        ("x-forwarded-user", False),
        ("X-Forwarded-For", False),
        ("x-auth-request-email", False),
        ("X-Remote-Group", False),
        ("remote-user", False),
        ("kubeflow-userid", False),
        ("x-goog-authenticated-user-email", False),
        ("forwarded", False),
        ("x-real-ip", False),
        ("connection", False),
        ("upgrade", False),
        ("te", False),
        ("transfer-encoding", False),
        ("expect", False),
    ],
)
def test_what_an_endpoint_is_sent(name: str, passes: bool) -> None:
    assert bool(headers.upstream([(name.encode(), b"x")])) is passes


def test_what_the_connection_header_names_goes_no_further() -> None:
    sent = headers.upstream(raw(connection="keep-alive, X-Secret", x_secret="1", x_open="2"))
    assert sent == [(b"x-open", b"2")]


def test_a_websocket_is_opened_with_headers_of_its_own() -> None:
    sent = headers.upstream_of_socket(
        raw(host="h", origin="o", sec_websocket_key="k", cookie="c", accept_language="de")
    )
    assert sent == [(b"accept-language", b"de")]


@pytest.mark.parametrize(
    ("name", "passes"),
    [
        ("content-type", True),
        ("content-length", True),
        ("content-encoding", True),
        ("etag", True),
        ("content-security-policy", True),
        ("set-cookie", False),
        ("Set-Cookie", False),
        ("clear-site-data", False),
        ("access-control-allow-origin", False),
        ("strict-transport-security", False),
        ("alt-svc", False),
        ("x-frame-options", False),
        ("transfer-encoding", False),
        ("service-worker-allowed", True),
    ],
)
def test_what_a_browser_is_sent(name: str, passes: bool) -> None:
    given = [(name.encode(), b"x")]
    assert ((name.lower().encode(), b"x") in headers.downstream(given, address="10.0.0.1:80")) is passes


def test_the_endpoints_own_policy_and_ours_both_hold() -> None:
    answer = headers.downstream(raw(content_security_policy="script-src 'none'"), address="10.0.0.1:80")
    policies = [value for name, value in answer if name == b"content-security-policy"]
    assert policies == [b"script-src 'none'", headers.POLICY]


def test_an_endpoint_cannot_loosen_what_keeps_it_apart() -> None:
    answer = dict(headers.downstream(raw(cross_origin_resource_policy="cross-origin"), address="10.0.0.1:80"))
    assert answer[b"cross-origin-resource-policy"] == b"same-origin"


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("http://10.0.0.1:80/a?b", "/a?b"),
        ("/a", "/a"),
        ("http://10.0.0.1:80", "http://10.0.0.1:80"),
        ("http://10.0.0.1:8000/a", "http://10.0.0.1:8000/a"),
        ("https://elsewhere.example/", "https://elsewhere.example/"),
    ],
)
def test_redirects_to_itself_become_relative(location: str, told: str) -> None:
    answer = dict(headers.downstream(raw(location=location), address="10.0.0.1:80"))
    assert answer[b"location"] == told.encode()


@pytest.mark.parametrize(
    ("given", "told"),
    [("public, max-age=9", "private, max-age=9"), ("no-cache", "private, no-cache"), ("", "no-store")],
)
def test_nothing_is_kept_by_others(given: str, told: str) -> None:
    pairs = raw(cache_control=given) if given else []
    assert dict(headers.downstream(pairs, address="a:1"))[b"cache-control"] == told.encode()


def test_every_cookie_of_a_name_is_seen() -> None:
    sent = [(b"cookie", b"a=1; taas_app=x; taas_app=y"), (b"Cookie", b"taas_app=z=")]
    assert headers.cookies_of(sent, "taas_app") == ["x", "y", "z="]


@pytest.mark.parametrize(
    ("host", "label"),
    [
        ("abc.localhost", "abc"),
        ("ABC.Localhost:8000", "abc"),
        ("abc.localhost.:8000", "abc"),
        ("localhost:8000", None),
        ("127.0.0.1:8000", None),
        ("[::1]:8000", None),
        ("a.b.localhost", None),
        ("abc.localhost.evil.example", None),
        ("", None),
    ],
)
def test_labels(host: str, label: str | None) -> None:
    assert label_at(host, "localhost") == label


@pytest.mark.parametrize(
    ("host", "found"),
    [
        (f"{ID.hex}.apps.example.com", ID),
        (f"{ID.hex}.apps.example.com:8443", ID),
        (f"{ID}.apps.example.com", None),
        (f"{'g' * 32}.apps.example.com", None),
        (f"{ID.hex}.example.com", None),
        ("apps.example.com", None),
    ],
)
def test_hosts(host: str, found: UUID | None) -> None:
    assert endpoint_at(host, "apps.example.com") == found


@pytest.mark.parametrize(
    ("base", "apps_host", "address"),
    [
        ("http://127.0.0.1:8000", "localhost", f"http://{ID.hex}.localhost:8000"),
        ("https://taas.example.com", "apps.example.com", f"https://{ID.hex}.apps.example.com"),
        ("https://taas.example.com:8443/", "apps.example.com", f"https://{ID.hex}.apps.example.com:8443"),
    ],
)
def test_addresses(base: str, apps_host: str, address: str) -> None:
    assert address_of(base, apps_host, ID) == address

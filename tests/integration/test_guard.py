"""What every request has to pass, and what every answer carries."""

from __future__ import annotations

import re

import httpx
import pytest
from fastapi.routing import APIRoute
from starlette.types import Message

from app.api.guard import BODY_MAX
from app.api.routes import ROUTERS
from tests.support.database import PostgresForTests
from tests.support.web import HOST, Web

UNSAFE = {"post", "put", "patch", "delete"}


def unsafe_routes(web: Web) -> list[tuple[str, str]]:
    """Every operation of the OpenAPI that may change something, with its path filled in."""
    paths = web.app.openapi()["paths"]
    return [
        (method.upper(), re.sub(r"\{[^}]+\}", "x", path))
        for path, operations in paths.items()
        for method in operations
        if method in UNSAFE
    ]


async def test_every_unsafe_route_refuses_another_sites_page(web: Web) -> None:
    routes = unsafe_routes(web)
    assert len(routes) > 5
    async with web.client() as browser:
        browser.cookies.set("taas_session", "whatever", domain="127.0.0.1")
        for method, path in routes:
            for headers in (
                {"Sec-Fetch-Site": "cross-site"},
                {"Sec-Fetch-Site": "same-site"},
                {"Sec-Fetch-Site": "cross-site", "Origin": HOST},
                {"Origin": "https://evil.example"},
                {"Origin": "http://127.0.0.1:9999"},
                {"Origin": "null"},
                {},  # a cookie and no word about where it comes from
            ):
                answer = await browser.request(method, path, headers=headers)
                assert answer.status_code == 403, (method, path, headers)
                assert answer.json()["code"] == "cross_site"
                assert ("of another site" if headers else "API token") in answer.json()["detail"]


def test_no_unsafe_api_route_hides_from_the_document() -> None:
    """So that the test above has seen them all."""
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    assert len(routes) > 10
    assert [route.path for route in routes if route.methods - {"GET", "HEAD"} and not route.include_in_schema] == []


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {"Origin": HOST}, {"Authorization": "Bearer x"}],
)
async def test_our_own_pages_and_programs_pass(web: Web, headers: dict[str, str]) -> None:
    async with web.client() as client:
        client.cookies.set("taas_session", "whatever", domain="127.0.0.1")
        answer = await client.post("/api/v1/tokens", json={"name": "x"}, headers=headers)
    assert answer.status_code == 401


async def test_a_program_without_cookies_may_log_in(web: Web) -> None:
    async with web.client() as client:
        answer = await client.post("/api/v1/session", json={"name": "x", "password": "y"})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "[", "a" * 300, "127.0.0.1@evil.example"]
)
async def test_a_strange_host_is_refused(web: Web, host: str) -> None:
    async with web.client() as client:
        answer = await client.get("/api/v1/session", headers={"Host": host})
        assert answer.status_code == 400
        assert "TAAS_ALLOWED_HOSTS" in answer.json()["detail"]
        assert (await client.get("/healthz", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8000", "[::1]:8000"])
async def test_loopback_is_known(web: Web, host: str) -> None:
    async with web.client() as client:
        assert (await client.get("/api/v1/session", headers={"Host": host})).status_code == 401


async def test_every_answer_carries_the_headers(web: Web) -> None:
    async with web.client() as client:
        for path in ("/healthz", "/api/v1/session", "/nowhere", "/%00"):
            headers = (await client.get(path)).headers
            assert "default-src 'self'" in headers["content-security-policy"]
            assert "unsafe" not in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-request-id"]


async def test_a_harmless_request_id_is_kept_and_another_replaced(web: Web) -> None:
    async with web.client() as client:
        assert (await client.get("/healthz", headers={"X-Request-ID": "abc-1"})).headers["x-request-id"] == "abc-1"
        assert (await client.get("/healthz", headers={"X-Request-ID": "a b"})).headers["x-request-id"] != "a b"


async def test_unknown_addresses_and_methods_are_problems(web: Web, member: httpx.AsyncClient) -> None:
    missing = await member.get("/api/v1/nowhere")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    wrong = await member.put("/api/v1/tokens")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert set(wrong.headers["allow"].split(", ")) == {"GET", "POST"}
    for answer in (missing, wrong):
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/api/v1/users/%00", "/api/v1/users?cursor=%00", "/api/v1/users?x=a%00b"])
async def test_a_nul_in_the_address_is_refused(member: httpx.AsyncClient, path: str) -> None:
    assert (await member.get(path)).status_code == 400


@pytest.mark.parametrize("text", ["a\\u0000b", "a\\ud800b"])
async def test_text_no_database_can_hold_is_refused(member: httpx.AsyncClient, text: str) -> None:
    answer = await member.post(
        "/api/v1/tokens", content=f'{{"name": "{text}"}}', headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[]", b"null", b'"x"', b"", b"[" * 5000])
async def test_a_body_that_is_no_json_object_is_a_problem(member: httpx.AsyncClient, body: bytes) -> None:
    answer = await member.post("/api/v1/tokens", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_json_that_does_not_say_so_is_told_how_to(member: httpx.AsyncClient) -> None:
    """As `curl -d` sends it."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await member.post("/api/v1/tokens", content=b'{"name": "a"}', headers=form)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert "send it with the header Content-Type: application/json" in answer.json()["detail"]


async def test_a_mistake_in_json_is_at_a_character_and_in_no_field(member: httpx.AsyncClient) -> None:
    body = b'{"name": "a",, }'
    answer = await member.post("/api/v1/tokens", content=body, headers={"Content-Type": "application/json"})
    (error,) = answer.json()["errors"]
    assert (answer.json()["code"], error["pointer"]) == ("invalid_json", "")
    assert error["detail"].endswith("at character 14.")


async def test_a_body_over_its_limit_is_refused_early_and_late(web: Web, member: httpx.AsyncClient) -> None:
    declared = await member.post("/api/v1/tokens", content=b"x", headers={"Content-Length": str(BODY_MAX + 1)})
    assert declared.status_code == 413
    sent = 0

    async def endless() -> Message:
        nonlocal sent
        sent += 65536
        return {"type": "http.request", "body": b" " * 65536, "more_body": True}

    answers: list[Message] = []

    async def collect(message: Message) -> None:
        answers.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/v1/session",
        "raw_path": b"/api/v1/session",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
        "scheme": "http",
        "http_version": "1.1",
        "root_path": "",
    }
    await web.app(scope, endless, collect)
    assert answers[0]["status"] == 413
    assert sent <= BODY_MAX + 2 * 65536


BROWSER = {"Accept": "text/html,application/xhtml+xml", "Cookie": "taas_session=whatever"}
REFUSALS: list[tuple[str, str, dict[str, str], int, str]] = [
    ("GET", "/projects", {"Host": "evil.example"}, 400, "TAAS_ALLOWED_HOSTS"),
    ("GET", "/projects", {"Host": "["}, 400, "TAAS_ALLOWED_HOSTS"),
    ("POST", "/projects", {"Sec-Fetch-Site": "cross-site"}, 403, "a page of another site"),
    ("POST", "/projects", {"Origin": HOST, "Content-Length": str(BODY_MAX + 1)}, 413, "the 4 MiB that are allowed"),
    ("GET", "/projects/%00", {}, 400, "contains a NUL"),
    ("GET", "/projects?tag=%00", {}, 400, "contains a NUL"),
]


@pytest.mark.parametrize(("method", "path", "headers", "status", "words"), REFUSALS)
async def test_a_browser_is_refused_with_a_page_and_a_program_with_a_problem(
    web: Web, postgres: PostgresForTests, method: str, path: str, headers: dict[str, str], status: int, words: str
) -> None:
    """Neither needs the database."""
    name = web.context.database.url.split("/")[3].split("?")[0]
    await postgres.run(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    async with web.client() as client:
        page = await client.request(method, path, headers={**BROWSER, **headers})
        assert (page.status_code, page.headers["content-type"]) == (status, "text/html; charset=utf-8")
        assert words in page.text
        assert page.headers["x-request-id"] in page.text
        assert "default-src 'self'" in page.headers["content-security-policy"]
        assert 'aria-label="Main"' not in page.text
        piece = await client.request(method, path, headers={**BROWSER, **headers, "HX-Request": "true"})
        assert (piece.status_code, "<html" in piece.text, words in piece.text) == (status, False, True)
        for address, accept in ((path, "*/*"), (f"/api/v1{path}", BROWSER["Accept"])):
            program = await client.request(method, address, headers={**BROWSER, **headers, "Accept": accept})
            assert (program.status_code, program.headers["content-type"]) == (status, "application/problem+json")
            assert words in program.json()["detail"]


async def test_the_page_for_a_strange_host_can_be_drawn_and_links_nowhere(web: Web) -> None:
    async with web.client() as client:
        page = await client.get("/", headers={**BROWSER, "Host": "evil.example"})
        assert 'href="/"' not in page.text
        [style] = re.findall(r'href="(/static/[^"]*app[^"]*\.css[^"]*)"', page.text)
        assert (await client.get(style, headers={"Host": "evil.example"})).status_code == 200


async def test_an_unexpected_failure_tells_nothing_but_the_id(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken() -> None:
        raise RuntimeError("the secret is 1234")

    monkeypatch.setattr(type(web.context.health), "checks", lambda self: broken())
    async with web.client() as client:
        answer = await client.get("/readyz", headers={"X-Request-ID": "find-me"})
    assert answer.status_code == 500
    assert "1234" not in answer.text
    assert "find-me" in answer.json()["detail"]


async def test_a_database_that_is_gone_is_503_and_said_by_readyz(web: Web, postgres) -> None:  # type: ignore[no-untyped-def]
    name = web.context.database.url.split("/")[3].split("?")[0]
    async with web.client_of("mel") as client:
        await postgres.run(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        await postgres.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        answer = await client.get("/api/v1/session")
        assert answer.status_code == 503
        assert answer.json()["code"] == "database_unavailable"
        ready = await client.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["checks"][0]["ok"] is False
        assert (await client.get("/healthz")).status_code == 200
        await postgres.run(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        assert (await client.get("/api/v1/session")).status_code == 200


async def test_readyz_names_what_trainings_lack(web: Web) -> None:
    async with web.client() as client:
        ready = await client.get("/readyz")
        assert ready.status_code == 200
        checks = {check["name"]: check for check in ready.json()["checks"]}
        assert checks["database"]["ok"]
        assert checks["migrations"]["ok"]
        assert not checks["worker"]["ok"]
        assert "taas worker" in checks["worker"]["detail"]
        assert (await client.get("/readyz?all=true")).status_code == 503


async def test_metrics_count_routes_not_paths(web: Web, member: httpx.AsyncClient) -> None:
    await member.get("/api/v1/users/somebody-in-particular")
    text = (await member.get("/metrics")).text
    assert "/api/v1/users/{name}" in text
    assert "somebody-in-particular" not in text

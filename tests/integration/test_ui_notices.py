"""The pages about notices, through forms as a browser posts them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from aiohttp.web import Response
from standardwebhooks import Webhook

from app.db.engine import Database
from app.domain.access import UserRole
from tests.support.posting import Post
from tests.support.projects import make_project
from tests.support.receiver import LOOPBACK, receiver
from tests.support.visitor import logged_in
from tests.support.web import Web, web_for_tests

HOSTILE = "<script>alert(1)</script>"
FORM = {"target": "https://example.com/taas", "project": "", "description": "", "kinds": ["failed", "late"]}


@pytest.fixture
async def site(database: Database, tmp_path: Path) -> AsyncIterator[Web]:
    """With a mail server, and webhooks on loopback allowed."""
    settings = {"smtp_host": "mail.example.com", "webhook_allowed_networks": LOOPBACK}
    async with web_for_tests(database, tmp_path, **settings) as web:
        yield web


async def add(client: httpx.AsyncClient, **form: object) -> tuple[str, str]:
    """The webhook's page and its secret."""
    made = await client.post("/notices/webhooks", data=FORM | form)
    assert made.status_code == 200, made.text
    address = re.search(r'action="(/notices/webhooks/[0-9a-f-]+)/test"', made.text)
    secret = re.search(r'id="webhook-secret">(whsec_[^<]+)<', made.text)
    assert address is not None
    assert secret is not None
    return address[1], secret[1]


async def test_a_webhook_from_its_form_to_what_became_of_its_deliveries(
    site: Web, database: Database, tmp_path: Path
) -> None:
    post = await Post.create(database, tmp_path)
    async with logged_in(site, "ada") as client, receiver() as there:
        assert "No webhooks yet" in (await client.get("/notices")).text
        address, secret = await add(client, target=there.url, description=HOSTILE, project=post.maker.name)
        shown = await client.get(address)
        assert secret not in shown.text
        assert HOSTILE not in shown.text
        assert "Nothing was sent yet" in shown.text
        assert there.url.replace("&", "&amp;") in (await client.get("/notices")).text

        assert (await client.post(f"{address}/test")).headers["location"] == f"{address}?done=test"
        assert await post.send() == 1
        Webhook(secret).verify(there.got[0].body, there.got[0].headers)
        shown = await client.get(address)
        assert "Received" in shown.text
        assert there.got[0].headers["webhook-id"] in shown.text

        again = re.search(r'action="([^"]+/redeliver)"', shown.text)
        assert again is not None
        assert (await client.post(again[1])).headers["location"] == f"{address}?done=again"
        assert await post.send() == 1
        assert there.got[1].headers["webhook-id"] == there.got[0].headers["webhook-id"]

        rotated = await client.post(f"{address}/rotate", data={"keep_old": "day"})
        new = re.search(r'id="webhook-secret">(whsec_[^<]+)<', rotated.text)
        assert new is not None
        assert new[1] != secret
        assert (await client.post(f"{address}/rotate", data={"keep_old": "ever"})).status_code == 422

        await client.post(f"{address}/disable")
        assert "ada disabled it." in (await client.get(address)).text
        assert (await client.post(f"{address}/test")).status_code == 409
        await client.post(f"{address}/enable")
        assert "ada disabled it." not in (await client.get(address)).text
        assert (await client.post(f"{address}/delete")).headers["location"] == "/notices?done=deleted"
        assert (await client.get(address)).status_code == 404


async def test_the_list_says_where_nothing_arrives(site: Web, database: Database, tmp_path: Path) -> None:
    post = await Post.create(database, tmp_path)
    async with logged_in(site, "ada") as client, receiver() as there:
        address, _ = await add(client, target=there.url, project=post.maker.name)
        for status, arrives in ((204, True), (500, False), (204, True)):
            there.answer = lambda _, status=status: Response(status=status)  # type: ignore[misc]
            await client.post(f"{address}/test")
            assert await post.send() == 1
            listed = (await client.get("/notices")).text
            assert ("Not arriving" in listed, ">Enabled<" not in listed) == (not arrives, not arrives)
            assert ('title="It answered 500; only 2xx counts as received."' in listed) is not arrives


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"target": "ftp://example.com"}, "must begin with https://"),
        ({"target": "http://10.0.0.1/"}, "not a public address"),
        ({"project": "nothing-of-that-name"}, "There is no project named nothing-of-that-name."),
        ({"kinds": []}, "Choose at least one of"),
        ({"kinds": ["test", "nonsense"]}, "Choose at least one of"),
        ({"description": "x" * 201}, "use at most 200"),
    ],
)
async def test_a_form_that_is_wrong_says_what_and_keeps_what_was_written(
    site: Web, form: dict[str, object], words: str
) -> None:
    async with logged_in(site, "ada") as client:
        answer = await client.post("/notices/webhooks", data=FORM | form)
        assert answer.status_code == 422
        assert words in answer.text
        assert str(form.get("target", FORM["target"])) in answer.text


async def test_settings_are_changed_in_place(site: Web) -> None:
    async with logged_in(site, "ada") as client:
        address, _ = await add(client)
        good = await client.post(address, data=FORM | {"target": "https://example.org/", "kinds": ["slow"]})
        assert good.headers["location"] == f"{address}?done=saved"
        assert "https://example.org/" in (await client.get(address)).text
        bad = await client.post(address, data=FORM | {"target": "https://example.org/#x", "kinds": ["slow"]})
        assert bad.status_code == 422
        assert "after #" in bad.text


async def test_mail_is_offered_where_there_is_a_server_and_explained_where_not(site: Web, web: Web) -> None:
    async with logged_in(site, "ada") as client:
        made = await client.post("/notices/mail", data=FORM | {"target": "ada@example.com"})
        assert made.headers["location"].endswith("?done=made")
        assert "ada@example.com" in (await client.get(made.headers["location"])).text
        wrong = await client.post("/notices/mail", data=FORM | {"target": "ada"})
        assert (wrong.status_code, "is not an e-mail address" in wrong.text) == (422, True)
    async with logged_in(web, "bob") as client:
        assert "TAAS_SMTP_HOST" in (await client.get("/notices")).text
        refused = await client.post("/notices/mail", data=FORM | {"target": "bob@example.com"})
        assert refused.status_code == 409


async def test_the_project_page_leads_to_its_notices(site: Web) -> None:
    async with site.client_of("mel") as program:
        await make_project(program)
    async with logged_in(site, "ada") as client:
        assert 'href="/notices?project=hello"' in (await client.get("/projects/hello")).text
        assert 'value="hello"' in (await client.get("/notices?project=hello")).text
        assert 'href="/notices"' in (await client.get("/account")).text


async def test_somebody_elses_are_not_there_and_viewers_only_look(site: Web) -> None:
    async with logged_in(site, "ada") as client:
        address, _ = await add(client)
    async with logged_in(site, "eve") as client:
        assert (await client.get(address)).status_code == 404
        for action in ("test", "enable", "disable", "delete"):
            assert (await client.post(f"{address}/{action}")).status_code == 404
        assert (await client.post("/notices/webhooks", data=FORM | {"everything": "yes"})).status_code == 403
    async with logged_in(site, "vic", UserRole.VIEWER) as client:
        assert "Add a webhook" not in (await client.get("/notices")).text
        assert (await client.post("/notices/webhooks", data=FORM)).status_code == 403
    async with logged_in(site, "root", UserRole.ADMIN) as client:
        assert "Everybody&#39;s projects" in (await client.get("/notices")).text
        assert (await client.get(address)).status_code == 200

"""A project's triggers through forms as a browser posts them."""

from __future__ import annotations

import html
import re

import httpx
import pytest

from app.domain import incoming
from app.domain.hook import ParamRule, ParamType, Signing
from app.ui.hook_form import ReadRules, rules_of, text_of
from tests.support.hooks import MadeHook, deliver, payload
from tests.support.projects import make_project
from tests.support.visitor import logged_in
from tests.support.web import HOST, PASSWORD, Web

HERE = "/projects/hello/triggers"
RULES = "dataset /data/path\n\nepochs? /epochs integer = 3\nflag /flag boolean = true"


async def visit(web: Web, client: httpx.AsyncClient) -> str:
    """A hook made on the page; the address of its page."""
    made = await client.post(f"{HERE}/hooks", data={"name": "nightly", "signing": "standard", "rules": RULES})
    assert made.status_code == 200
    assert "whsec_" in made.text
    found = re.search(r'action="(/projects/hello/hooks/[0-9a-f-]+)"', made.text)
    assert found
    return found[1]


def token_in(text: str) -> str:
    found = re.search(rf"{HOST}/hooks/(hk_[\w-]{{43}})", text)
    assert found, "the address is shown"
    return found[1]


async def test_a_hook_from_its_making_to_its_end(web: Web) -> None:
    async with logged_in(web, "mel") as client:
        async with web.client(await _token(web)) as api:
            await make_project(api)
        assert "No hooks yet" in (await client.get(HERE)).text
        page = await visit(web, client)
        shown = (await client.get(page)).text
        assert "Nothing was delivered yet" in shown
        assert "whsec_" not in shown.replace("#whsec_", "")
        assert ("snippet-github" in shown, "snippet-airflow" in shown) == (True, False)
        assert "have no snippets here" in shown
        tried = await client.post(f"{page}/test", data={"payload": '{"data": {"path": "<b>"}}'})
        assert "It would start" in tried.text
        assert '<dd class="mono wrap">&lt;b&gt;</dd>' in tried.text
        assert "/data/path" in (await client.post(f"{page}/test", data={"payload": "{}"})).text
        broken = await client.post(f"{page}/test", data={"payload": '{"a": 1,\n "b"}'})
        assert (broken.status_code, "not JSON from line 2, character 5 on" in broken.text) == (422, True)
        bad = await client.post(page, data={"rules": "dataset data", "signing": "none", "enabled": "1"})
        assert (bad.status_code, "Line 1 is not of the form" in bad.text) == (422, True)
        typed = await client.post(page, data={"rules": "a /a\nb /b int", "signing": "none", "enabled": "1"})
        assert "Line 2: 'int' is no type; use one of string, integer" in html.unescape(typed.text)
        every = {"rules": "a data\n\n9 /b int\nc /~", "signing": "standard", "secret": "short", "enabled": "1"}
        told = html.unescape((await client.post(page, data=every)).text)
        assert "Line 1 is not of the form" in told
        assert "Line 3: 'int' is no type" in told
        assert "Line 3: Name a parameter" in told
        assert "Line 4: Give a JSON pointer" in told
        assert incoming.rule(Signing.STANDARD) in told
        new = await client.post(f"{HERE}/hooks", data={"name": "Not possible", "rules": "a data\nb /~"})
        assert new.status_code == 422
        told = html.unescape(new.text)
        assert "Line 1 is not of the form" in told
        assert "Line 2: Give a JSON pointer" in told
        assert "'Not possible' cannot be a hook's name" in told
        saved = await client.post(page, data={"rules": "dataset /data/path", "signing": "none", "enabled": "1"})
        assert "Saved." in saved.text
        unsigned = (await client.get(page)).text
        assert ("snippet-airflow" in unsigned, "have no snippets here" in unsigned) == (True, False)
        assert f"Only the machine that TaaS runs on reaches <code>{HOST}</code>" in unsigned
        rotated = await client.post(f"{page}/rotate", data={"overlap": "none"})
        hook = MadeHook("", token_in(rotated.text), None)
        assert (await deliver(web, hook, payload("<i>", token="t"))).status_code == 202
        listed = (await client.get(page)).text
        assert "&lt;i&gt;" in listed
        assert "(hidden)" in listed
        replay = re.search(rf'action="({page}/deliveries/[0-9a-f-]+/replay)"', listed)
        assert replay
        assert (await client.post(replay[1])).headers["location"] == f"{page}?done=replayed"
        assert "replayed by mel" in (await client.get(page)).text
        assert (await client.post(f"{page}/revoke")).headers["location"] == f"{HERE}?done=revoked"
        assert (await client.get(page)).status_code == 404


async def test_following_another_project(web: Web) -> None:
    async with logged_in(web, "mel") as client:
        async with web.client(await _token(web)) as api:
            await make_project(api)
            await make_project(api, "before")
        form = {"upstream": "before", "params": "model={{ model_dir }}"}
        refused = await client.post(f"{HERE}/follows", data=form)
        assert (refused.status_code, "model: before has no storage" in refused.text) == (422, True)
        form["params"] = "number={{ number }}"
        assert (await client.post(f"{HERE}/follows", data=form)).headers["location"] == f"{HERE}?done=follows"
        shown = html.unescape((await client.get(HERE)).text)
        assert "number={{ number }}" in shown
        assert "Followed by" in (await client.get("/projects/before/triggers")).text
        circle = await client.post("/projects/before/triggers/follows", data={"upstream": "hello", "params": ""})
        assert (circle.status_code, "hello → before → hello" in circle.text) == (409, True)
        wrong = await client.post(f"{HERE}/follows", data={"upstream": "before", "params": "a={{ b }}\n9=x"})
        assert wrong.status_code == 422
        assert "a: {{ b }} is nothing that can be filled in" in html.unescape(wrong.text)
        assert "9: Name a parameter" in wrong.text
        every = await client.post(f"{HERE}/follows", data={"upstream": "none", "params": "a\n9=x"})
        assert every.status_code == 422
        for told in ("There is no project named none", "'a' is not of the form key=value", "9: Name a parameter"):
            assert told in html.unescape(every.text)
        end = re.search(r'action="(/projects/hello/follows/[0-9a-f-]+/delete)"', shown)
        assert end
        assert (await client.post(end[1])).headers["location"] == f"{HERE}?done=ended"
        assert "It follows no project" in (await client.get(HERE)).text


async def test_others_see_nothing_of_it(web: Web, member: httpx.AsyncClient) -> None:
    await make_project(member)
    async with logged_in(web, "nat") as client:
        assert (await client.get(HERE)).status_code == 403
        assert "/triggers" not in (await client.get("/projects/hello")).text


@pytest.mark.parametrize(
    "rule",
    [
        ParamRule("a", "/a"),
        ParamRule("a", "/a/b~1c", ParamType.BOOLEAN, False, "true"),
        ParamRule("a", "/a", default="x = y"),
    ],
)
def test_rules_are_read_as_they_are_written(rule: ParamRule) -> None:
    assert rules_of(text_of([rule])) == ReadRules([rule], [1])


async def _token(web: Web) -> str:
    """A token of mel, who is logged in."""
    _, secret = await web.context.accounts.log_in("mel", PASSWORD, address="a", user_agent="")
    viewer = await web.context.accounts.by_session(secret)
    return (await web.context.tokens.create(viewer, "t", None))[1]

"""Where a webhook's message really goes: the address that was checked, and no other."""

from __future__ import annotations

import asyncio
from ipaddress import ip_network
from pathlib import Path

import pytest

from app.db.engine import Database
from app.domain.webhook_url import parse_url
from app.scheduler.resolving import NotSent
from app.scheduler.webhooks import Poster
from tests.support.certificates import certificates
from tests.support.posting import Post
from tests.support.receiver import LOOPBACK, receiver

HOST = "hooks.example.com"


class Rebinding:
    """A resolver that gives another answer each time it is asked, as an attacker's name server may."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked += 1
        return self.answers.pop(0)


async def test_a_name_is_resolved_once_and_the_checked_address_is_called(tmp_path: Path, database: Database) -> None:
    """The second answer would lead elsewhere; nobody asks for it."""
    post = await Post.create(database, tmp_path)
    async with receiver() as there:
        await post.webhook(f"http://{HOST}:{there.port}/hook")
        await post.tell()
        resolver = Rebinding(["127.0.0.1"], ["127.0.0.99"])
        await post.send(post.other(Poster(post.context.settings.webhook_allowed_networks, resolve=resolver)))
        [got] = there.got
    assert resolver.asked == 1
    assert got.headers["Host"] == f"{HOST}:{there.port}"


@pytest.mark.parametrize(
    "answer",
    [["127.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["::1"], ["64:ff9b::7f00:1"], ["::ffff:127.0.0.1"], ["10.0.0.7"]],
)
async def test_a_private_address_among_the_answers_is_never_called(answer: list[str]) -> None:
    async with receiver() as there:
        poster = Poster(resolve=Rebinding(answer))
        private = rf"^{HOST} leads to [0-9a-f:.]+, which is not a public address, so webhooks may not call it\."
        with pytest.raises(NotSent, match=private):
            await poster.post(parse_url(f"http://{HOST}:{there.port}/"), {}, b"{}")
        assert there.got == []


async def test_a_name_that_rebinds_between_two_tries_is_refused_at_the_second(
    tmp_path: Path, database: Database
) -> None:
    post = await Post.create(database, tmp_path, webhook_allowed_networks="")
    async with receiver() as there:
        await post.webhook(f"http://{HOST}:{there.port}/hook")
        await post.tell()
        # Nothing public answers from here, so the first try fails with an error of its own.
        resolver = Rebinding([], ["127.0.0.1"])
        outbox = post.other(Poster(resolve=resolver))
        await post.send(outbox)
        await post.let_pass()
        await post.send(outbox)
        assert there.got == []
    [row] = await post.rows()
    assert "not a public address" in row["problem"]
    assert row["state"] == "pending"


async def test_other_spellings_of_loopback_are_refused() -> None:
    async with receiver() as there:
        for host in ("localhost", "0x7f000001", "2130706433", "127.1", "0"):
            with pytest.raises(NotSent, match="not a public address"):
                await Poster().post(parse_url(f"http://{host}:{there.port}/"), {}, b"{}")
        assert there.got == []


async def test_the_next_address_is_tried_when_the_first_takes_no_connection(tmp_path: Path, database: Database) -> None:
    post = await Post.create(database, tmp_path)
    async with receiver() as there:
        await post.webhook(f"http://{HOST}:{there.port}/hook")
        await post.tell()
        resolver = Rebinding(["127.0.0.55", "127.0.0.1"])
        await post.send(post.other(Poster(post.context.settings.webhook_allowed_networks, resolve=resolver)))
        assert len(there.got) == 1


async def test_tls_asks_for_and_checks_the_name_not_the_address(tmp_path: Path) -> None:
    asked: list[str | None] = []
    server, client = certificates(tmp_path, HOST)
    server.sni_callback = lambda _socket, name, _context: asked.append(name)
    async with receiver(server) as there:
        poster = Poster([ip_network(LOOPBACK)], resolve=Rebinding(["127.0.0.1"], ["127.0.0.1"]), tls=client)
        answer = await poster.post(parse_url(f"https://{HOST}:{there.port}/x"), {}, b"{}")
        assert (answer.status, asked) == (204, [HOST])
        assert there.got[0].headers["Host"] == f"{HOST}:{there.port}"
        with pytest.raises(NotSent, match=r"(?i)certificate"):
            await poster.post(parse_url(f"https://other.example.com:{there.port}/x"), {}, b"{}")
        assert len(there.got) == 1


async def test_a_resolver_that_never_answers_is_left() -> None:
    async def never(_host: str, _port: int) -> list[str]:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(NotSent, match="No complete answer came"):
        await Poster(resolve=never, seconds=0.2).post(parse_url(f"https://{HOST}/"), {}, b"{}")

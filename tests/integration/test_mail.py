"""Mail, through a real SMTP server on loopback: what arrives, and what is said when nothing does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.db.engine import Database
from app.domain.access import UserRole
from app.domain.notice import NoticeKind
from app.scheduler.mail import Mailer
from app.scheduler.outbox import AT_ONCE_PER_PLACE
from tests.support.certificates import certificates
from tests.support.mailbox import PASSWORD, USER, Mailbox, mailbox
from tests.support.notices import subscribe
from tests.support.posting import Post
from tests.support.web import web_for_tests


async def posting(database: Database, home: Path, box: Mailbox, **changes: Any) -> Post:
    settings = {"smtp_host": "127.0.0.1", "smtp_port": box.port, "smtp_tls": "none", "smtp_from": "taas@example.com"}
    post = await Post.create(database, home, public_url="https://taas.example.com", **(settings | changes))
    await subscribe(database, post.maker.owner_id)
    return post


async def test_a_person_reads_what_happened_and_where_to_look(database: Database, tmp_path: Path) -> None:
    async with mailbox() as box:
        post = await posting(database, tmp_path, box)
        await post.tell(message="worker-0 ran out of memory: raise memory → try again.")
        await post.send()
        [mail] = box.got
    assert mail["Subject"] == f"{post.maker.name} #7 failed"
    assert (mail["To"], mail["From"]) == ("ada@example.com", "taas@example.com")
    [row] = await post.rows()
    assert row["state"] == "sent"
    assert mail["Message-ID"].startswith(f"<evt_{row['notice_id'].hex}.")
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    for part in (plain.get_content(), html.get_content()):
        assert "raise memory → try again." in part
        assert f"https://taas.example.com/trainings/{row['training_id']}" in part
    assert "https://taas.example.com/notices" in plain.get_content()


async def test_it_is_sent_again_when_a_person_asks(database: Database, tmp_path: Path) -> None:
    async with mailbox() as box:
        post = await posting(database, tmp_path, box)
        await post.tell()
        await post.send()
        [row] = await post.rows()
        async with web_for_tests(database, tmp_path) as web, web.client_of("eve", UserRole.ADMIN) as admin:
            at = f"/api/v1/mail-subscriptions/{row['subscription_id']}/deliveries"
            assert (await admin.post(f"{at}/{row['subscription_id']}/redeliver")).status_code == 404
            again = await admin.post(f"{at}/{row['notice_id']}/redeliver")
            assert (again.status_code, again.json()["state"]) == (202, "pending")
        await post.send()
        first, second = box.got
    assert first["Message-ID"] == second["Message-ID"]


async def test_it_goes_over_tls_with_a_login(database: Database, tmp_path: Path) -> None:
    server, client = certificates(tmp_path, "127.0.0.1")
    async with mailbox(server, login=True) as box:
        post = await posting(database, tmp_path, box, smtp_tls="starttls", smtp_user=USER, smtp_password=PASSWORD)
        await post.tell()
        await post.send(post.other(mailer=Mailer(post.context.settings, tls=client)))
        assert len(box.got) == 1


async def test_a_server_without_tls_is_refused_unless_the_operator_says_so(database: Database, tmp_path: Path) -> None:
    async with mailbox() as box:
        post = await posting(database, tmp_path, box, smtp_tls="starttls")
        await post.tell()
        await post.send()
        assert box.got == []
    [row] = await post.rows()
    assert "TAAS_SMTP_TLS" in row["problem"]
    assert row["state"] == "pending"


async def test_a_certificate_that_nobody_vouches_for_is_refused(database: Database, tmp_path: Path) -> None:
    server, _ = certificates(tmp_path, "127.0.0.1")
    async with mailbox(server) as box:
        post = await posting(database, tmp_path, box, smtp_tls="starttls")
        await post.tell()
        await post.send()
        assert box.got == []
    [row] = await post.rows()
    assert "certificate" in row["problem"]


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
async def test_a_wrong_password_is_said_without_the_password(database: Database, tmp_path: Path) -> None:
    async with mailbox(login=True) as box:
        post = await posting(database, tmp_path, box, smtp_user=USER, smtp_password="a wrong password")
        await post.tell()
        await post.send()
        assert box.got == []
    [row] = await post.rows()
    assert row["problem"].startswith("The mail server refuses TaaS' user or password (535")
    assert "a wrong password" not in row["problem"]
    assert (row["state"], row["status"]) == ("pending", 535)


@pytest.mark.parametrize(("said", "state"), [("550 nobody here", "failed"), ("451 not now", "pending")])
async def test_an_address_that_is_refused_for_good_is_given_up(
    database: Database, tmp_path: Path, said: str, state: str
) -> None:
    async with mailbox() as box:
        box.refusal = said
        post = await posting(database, tmp_path, box)
        await post.tell()
        await post.send()
    [row] = await post.rows()
    assert (row["state"], row["status"]) == (state, int(said[:3]))
    assert row["problem"].endswith(f"refuses ada@example.com: {said}")


async def test_without_a_server_it_waits_and_says_what_to_set(database: Database, tmp_path: Path) -> None:
    post = await Post.create(database, tmp_path)
    await subscribe(database, post.maker.owner_id)
    await post.tell(NoticeKind.MISSED)
    await post.send()
    [row] = await post.rows()
    assert "TAAS_SMTP_HOST" in row["problem"]


async def test_mail_goes_out_a_few_at_a_time(database: Database, tmp_path: Path) -> None:
    async with mailbox() as box:
        post = await posting(database, tmp_path, box)
        for _ in range(AT_ONCE_PER_PLACE + 1):
            await post.tell()
        assert await post.send() == AT_ONCE_PER_PLACE
        assert await post.send() == 1
        assert len(box.got) == AT_ONCE_PER_PLACE + 1

"""The commands themselves."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from pydantic import ValidationError

from app.api.sentences import sentence
from app.auth import seal
from app.auth.credentials import new_password
from app.cli import processes
from app.cli.retention import going_in_words
from app.cli.welcome import Welcome
from app.context import build_context
from app.db import migrate as migrations
from app.db.open import open_database
from app.domain.access import UserRole
from app.domain.project import Framework
from app.errors import TaasError
from app.settings import Settings
from app.telemetry import configure_logging

main = typer.Typer(
    name="taas",
    help="Training as a Service. Settings come from TAAS_… variables and from .env.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
user = typer.Typer(help="People who may log in.", no_args_is_help=True)
secrets = typer.Typer(help="Secrets at rest.", no_args_is_help=True)
main.add_typer(user, name="user")
main.add_typer(secrets, name="secrets")
retention = typer.Typer(help="What is removed because of its age.", no_args_is_help=True)
main.add_typer(retention, name="retention")

NewPassword = Annotated[
    str | None, typer.Option("--password", envvar="TAAS_NEW_PASSWORD", help="Unset: a random one is printed.")
]


@main.command()
def up(
    example: Annotated[
        Path | None,
        typer.Option(
            help="A folder with run.sh and project.json: make that project if it is missing, and run it once."
        ),
    ] = None,
    image: Annotated[
        list[str] | None,
        typer.Option(metavar="FRAMEWORK=REFERENCE", help="The default image of a framework that has none."),
    ] = None,
    folder: Annotated[
        str | None,
        typer.Option(
            metavar="NODE:PATH",
            help="A directory of this machine, which is that node of the cluster, as default storage if there is none.",
        ),
    ] = None,
) -> None:
    """Migrate, then run the web process and a worker together, for a laptop or a first look."""
    what = _welcome(example, image or [], folder)
    _run(lambda settings: processes.up(settings, what))


def _welcome(example: Path | None, images: list[str], folder: str | None) -> Welcome:
    node, colon, path = (folder or "").partition(":")
    if folder and not (node and colon and path):
        _fail(f"--folder {folder}: write the node's name and the directory, as in node-1:/srv/taas.")
    references = {}
    for item in images:
        framework, equals, reference = item.partition("=")
        if framework not in list(Framework) or not equals or not reference:
            _fail(f"--image {item}: write one of {', '.join(Framework)}, '=', and the image's reference.")
        references[Framework(framework)] = reference
    return Welcome(example, references, node, Path(path) if folder else None)


@main.command()
def web() -> None:
    """Run the web process. It needs no access to the cluster."""
    _run(processes.web)


@main.command()
def worker() -> None:
    """Run a worker. Any number may run."""
    _run(processes.worker)


@main.command()
def migrate() -> None:
    """Bring the database's tables to what this version needs."""

    async def run(settings: Settings) -> None:
        async with open_database(settings) as database:
            await migrations.upgrade(database)
            typer.echo(f"The database is at {await migrations.current(database)}.")

    _run(run)


@user.command("create")
def create_user(name: str, role: UserRole = UserRole.MEMBER, password: NewPassword = None) -> None:
    """Make somebody who may log in."""
    chosen = password or new_password()

    async def run(settings: Settings) -> None:
        async with open_database(settings) as database:
            await build_context(settings, database).accounts.add(
                name=name, role=role, password=chosen, actor="command line"
            )
        typer.echo(f"{name.lower()} may log in as {role}" + ("." if password else f" with the password {chosen}"))

    _run(run)


@user.command("reset-password")
def reset_password(name: str, password: NewPassword = None) -> None:
    """Give somebody a new password; ends all of their sessions."""
    chosen = password or new_password()

    async def run(settings: Settings) -> None:
        async with open_database(settings) as database:
            await build_context(settings, database).accounts.reset_password(name, chosen)
        typer.echo(f"{name.lower()} has a new password" + ("." if password else f": {chosen}"))

    _run(run)


@secrets.command("rotate")
def rotate(
    drop_old: Annotated[bool, typer.Option(help="Afterwards keep the newest key only.")] = False,
) -> None:
    """Seal every stored secret anew with a new key: one that you put first in TAAS_ENCRYPTION_KEYS, else a made one."""

    async def run(settings: Settings) -> None:
        own_file = settings.encryption_keys is None
        if own_file and not drop_old:
            typer.echo(f"New key {seal.add_key_to_file(settings.home)} in {settings.home / seal.KEY_FILE}.")
        async with open_database(settings) as database:
            changed = await build_context(settings, database).secrets.reseal()
        typer.echo(f"{changed} secrets sealed anew.")
        if own_file and drop_old:
            typer.echo(f"{seal.drop_old_keys_from_file(settings.home)} old keys dropped.")

    _run(run)


@retention.command("preview")
def preview_retention() -> None:
    """Print what would go now by TAAS_KEEP_RECORDS and TAAS_KEEP_LOGS, and bundles of no version. Removes nothing."""

    async def run(settings: Settings) -> None:
        async with open_database(settings) as database:
            typer.echo(going_in_words(await build_context(settings, database).retention.look()))

    _run(run)


def _run(command: Any) -> None:
    settings = _settings()
    configure_logging(style=settings.log_format, level=settings.log_level)
    work: Coroutine[Any, Any, int | None] = command(settings)
    try:
        with suppress(KeyboardInterrupt):
            sys.exit(asyncio.run(work) or 0)
    except TaasError as exc:
        _fail(exc.detail)


def _settings() -> Settings:
    try:
        return Settings()
    except ValidationError as exc:
        problems = [
            sentence({**error, "loc": ("settings", f"TAAS_{error['loc'][0]}".upper())}) for error in exc.errors()
        ]
        _fail("These settings are not valid:\n  " + "\n  ".join(problems))


def _fail(text: str) -> NoReturn:
    typer.secho(text, err=True, fg="red")
    raise SystemExit(1)

"""The pages of the administration: forms as browsers post them, errors beside fields, who sees what."""

from __future__ import annotations

import re
from html import unescape

import httpx
import pytest

from app.domain.access import UserRole
from tests.support.projects import make_project
from tests.support.visitor import logged_in, visitor
from tests.support.web import HOST, Web

ADMINS_ONLY = ("users", "users/ada", "registries", "settings", "audit")
FORMS = ("new/image", "new/registry", "new/storage")
HOSTILE = "<script>alert(1)</script>"
CANARY = "canary-77-password"
REGISTRY = {"name": "ours", "host": "Registry.example.com", "username": "robot", "password": CANARY}
IMAGE = {"name": "tf", "reference": "tensorflow/tensorflow:2.21.0", "framework": "tensorflow", "description": HOSTILE}
NFS = {"name": "shared", "kind": "nfs", "config.server": "nfs.example.com", "config.path": "/srv/taas"}


@pytest.mark.parametrize("role", [UserRole.MEMBER, UserRole.VIEWER])
async def test_others_look_at_the_catalogue_and_are_told_so_elsewhere(web: Web, role: UserRole) -> None:
    async with logged_in(web, "ada", UserRole.ADMIN) as admin, logged_in(web, "mel", role) as client:
        await admin.post("/admin/images", data=IMAGE)
        await admin.post("/admin/storages", data=NFS)
        assert (await client.get("/admin")).headers["location"] == "/admin/images"
        images = await client.get("/admin/images")
        assert "tensorflow/tensorflow:2.21.0" in images.text
        assert "/admin/images/tf" not in images.text
        storage = await client.get("/admin/storages/shared")
        assert "nfs.example.com" in storage.text
        assert 'method="post" action="/admin' not in storage.text
        for part in (*ADMINS_ONLY, *FORMS, "images/tf"):
            refused = await client.get(f"/admin/{part}")
            assert refused.status_code == 403, part
            assert "Only admins see this page" in refused.text
        for address, form in (
            ("users", {"name": "x", "role": "admin"}),
            ("users/mel", {"role": "admin"}),
            ("users/ada/password", {}),
            ("users/ada/disable", {}),
            ("images", IMAGE | {"name": "other"}),
            ("images/tf", IMAGE),
            ("images/tf/delete", {}),
            ("registries", REGISTRY),
            ("storages", NFS | {"name": "other"}),
            ("storages/shared", NFS),
            ("storages/shared/delete", {}),
        ):
            assert (await client.post(f"/admin/{address}", data=form)).status_code == 403, address


async def test_somebody_new_logs_in_with_the_password_that_is_shown_once(web: Web) -> None:
    async with logged_in(web, "ada", UserRole.ADMIN) as client:
        made = await client.post("/admin/users", data={"name": "Grace", "role": "viewer"})
        password = shown_password(made)
        assert await may_log_in(web, "grace", password)
        assert password not in (await client.get("/admin/users")).text
        again = await client.post("/admin/users", data={"name": "grace", "role": "viewer"})
        assert again.status_code == 409
        assert "There is somebody named grace already" in beside(again, "f-name")
        wrong = await client.post("/admin/users", data={"name": HOSTILE, "role": "viewer"})
        assert wrong.status_code == 422
        assert "use 1 to 63" in beside(wrong, "f-name")
        assert HOSTILE not in wrong.text
        assert "Choose one" in beside(await client.post("/admin/users", data={"name": "x", "role": "god"}), "f-role")


async def test_roles_passwords_and_accounts_change(web: Web) -> None:
    async with logged_in(web, "ada", UserRole.ADMIN) as client, logged_in(web, "mel") as mel:
        saved = await client.post("/admin/users/mel", data={"role": "viewer"})
        assert "The role was changed" in (await client.get(saved.headers["location"])).text
        assert (await client.get("/api/v1/users/mel")).json()["role"] == "viewer"
        password = shown_password(await client.post("/admin/users/mel/password"))
        assert (await mel.get("/account")).status_code == 303
        assert await may_log_in(web, "mel", password)
        await client.post("/admin/users/mel/disable")
        assert not await may_log_in(web, "mel", password)
        assert "/admin/users/mel/enable" in (await client.get("/admin/users/mel")).text
        await client.post("/admin/users/mel/enable")
        assert await may_log_in(web, "mel", password)
        for address, form in (("/admin/users/ada", {"role": "member"}), ("/admin/users/ada/disable", {})):
            refused = await client.post(address, data=form)
            assert refused.status_code == 409
            assert "ada is the only admin left" in refused.text
        assert (await client.get("/admin/users/nobody")).status_code == 404


async def test_an_image_is_offered_changed_and_deleted(web: Web) -> None:
    async with logged_in(web, "ada", UserRole.ADMIN) as client:
        assert "No images yet" in (await client.get("/admin/images")).text
        made = await client.post("/admin/images", data=IMAGE | {"is_default": "yes"})
        assert made.headers["location"] == "/admin/images?done=made"
        page = await client.get("/admin/images?framework=tensorflow")
        assert HOSTILE not in page.text
        assert "default" in page.text
        assert "None match" in (await client.get("/admin/images?framework=pytorch")).text
        await client.post("/admin/images/tf", data={"reference": "ours/tf:1", "description": ""})
        image = (await client.get("/api/v1/images/tf")).json()
        assert (image["reference"], image["description"], image["is_default"]) == ("ours/tf:1", "", False)
        assert "There is an image named tf already" in beside(await client.post("/admin/images", data=IMAGE), "f-name")
        wrong = await client.post("/admin/images", data={"name": "A b", "reference": "!", "framework": "plain"})
        assert wrong.status_code == 422
        assert "cannot be a name" in beside(wrong, "f-name")
        assert "must be an image" in beside(wrong, "f-reference")
        assert (await client.post("/admin/images/tf/delete")).headers["location"] == "/admin/images?done=deleted"
        assert (await client.get("/admin/images/tf")).status_code == 404


async def test_a_registrys_password_is_never_shown_and_its_projects_are(web: Web) -> None:
    async with logged_in(web, "ada", UserRole.ADMIN) as client:
        assert "No registry needs a login" in (await client.get("/admin/registries")).text
        assert (await client.post("/admin/registries", data=REGISTRY)).status_code == 303
        await make_project(client, "here", image="registry.example.com/python:3")
        await make_project(client, "elsewhere", image="other.example.com/python:3")
        page = await client.get("/admin/registries/ours")
        assert "<b>here</b> pull from it" in page.text
        assert "elsewhere" not in page.text
        uses = (await client.get("/api/v1/registries/ours/projects")).json()
        assert uses["items"] == [{"project": "here", "image": "registry.example.com/python:3"}]
        missing = await client.post("/admin/registries/ours", data={"username": "", "password": CANARY})
        assert "The user name is missing" in beside(missing, "f-username")
        refused = await client.post("/admin/registries", data=REGISTRY | {"name": "again", "host": "https://x"})
        assert "without https://" in beside(refused, "f-host")
        await client.post("/admin/registries/ours", data={"username": "other", "password": ""})
        assert (await client.get("/api/v1/registries/ours")).json()["username"] == "other"
        for answer in (page, missing, refused, await client.get("/admin/registries"), await client.get("/admin/audit")):
            assert CANARY not in answer.text
        await client.post("/admin/registries/ours/delete")
        assert (await client.get("/admin/registries/ours")).status_code == 404


async def test_projects_without_a_host_come_from_the_default_registry(admin: httpx.AsyncClient) -> None:
    await admin.post("/api/v1/registries", json=REGISTRY | {"host": "docker.io"})
    for name, image in (("a", "python:3"), ("b", "team/python:3"), ("c", "localhost/python:3"), ("d", "host:5000/x")):
        await make_project(admin, name, image=image)
    await make_project(admin, "e", image="docker.io/team/python")
    uses = (await admin.get("/api/v1/registries/ours/projects?limit=2")).json()
    more = (
        await admin.get("/api/v1/registries/ours/projects", params={"limit": 2, "cursor": uses["next_cursor"]})
    ).json()
    assert [use["project"] for use in uses["items"] + more["items"]] == ["a", "b", "e"]


async def test_each_kind_of_storage_has_its_own_fields(web: Web) -> None:
    async with logged_in(web, "ada", UserRole.ADMIN) as client:
        assert "No storages yet" in (await client.get("/admin/storages")).text
        kinds = (await client.get("/api/v1/storage-kinds")).json()["items"]
        for kind in kinds:
            form = await client.get(f"/admin/new/storage?kind={kind['name']}")
            fields = set(re.findall(r'name="config\.(\w+)"', form.text))
            assert fields == {setting["name"] for setting in kind["settings"]}
        assert (await client.get("/admin/new/storage?kind=tape")).status_code == 404
        made = await client.post("/admin/storages", data=NFS | {"config.mount_options": "hard\r\nnfsvers=4.1"})
        assert made.headers["location"] == "/admin/storages?done=made"
        config = (await client.get("/api/v1/storages/shared")).json()["config"]
        assert config == {"server": "nfs.example.com", "path": "/srv/taas", "mount_options": ["hard", "nfsvers=4.1"]}
        assert "hard\nnfsvers=4.1" in (await client.get("/admin/storages/shared")).text
        wrong = await client.post("/admin/storages/shared", data=NFS | {"config.path": "../x"})
        assert wrong.status_code == 422
        assert "absolute path" in beside(wrong, "f-config-path")
        await client.post("/admin/storages/shared", data=NFS | {"is_default": "yes"})
        assert (await client.get("/api/v1/storages/shared")).json()["is_default"]
        await make_project(client, "user", storage="shared")
        used = await client.post("/admin/storages/shared/delete")
        assert used.status_code == 409
        assert "in use by project user" in used.text
        await client.delete("/api/v1/projects/user", headers={"If-Match": '"1"'})
        assert (await client.post("/admin/storages/shared/delete")).status_code == 303


def shown_password(page: httpx.Response) -> str:
    found = re.search(r'id="password-secret">([^<]+)<', page.text)
    assert found is not None, page.status_code
    return unescape(found[1])


async def may_log_in(web: Web, name: str, password: str) -> bool:
    async with visitor(web) as client:
        return (await client.post("/login", data={"name": name, "password": password})).status_code == 303


def beside(page: httpx.Response, field: str) -> str:
    """The error beside a field of the form."""
    found = re.search(rf'id="{field}-wrong">.*?<span>(.*?)</span>', page.text, re.S)
    assert found is not None, f"no error beside {field}, status {page.status_code} at {page.url.path} of {HOST}"
    return unescape(found[1])

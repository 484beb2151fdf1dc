"""What tasks use, measured by a real metrics-server on the real cluster: in the API, on the page, on the record."""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic
from typing import Any
from urllib.parse import unquote

import pytest
from playwright.async_api import Browser, expect

from tests.support.browser import log_in, visit
from tests.support.cluster import LocalCluster
from tests.support.lab import Lab, Run, laboratory
from tests.support.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.cluster]

MIB = 1024**2
HELD = 200
EVERY = 5
PASSWORD = "a password of her own"
# Task 0 holds 200 MiB and keeps a processor busy, task 1 does nothing; both until they are told to stop.
SCRIPT = f"""
if [ "$TAAS_INDEX" = 0 ]; then
  exec python3 -c 'held = bytearray(b"x") * ({HELD} << 20)
while True: sum(range(10000))'
fi
exec sleep infinity
"""
# metrics-server needs two looks at a pod, ten seconds apart, and TaaS another one; the machine may be busy.
MEASURED_SECONDS = 180


@pytest.fixture(scope="module")
def measured(local_cluster: LocalCluster) -> Iterator[LocalCluster]:
    with local_cluster.with_metrics():
        yield local_cluster


async def test_a_busy_task_shows_what_it_uses(measured: LocalCluster, browser: Browser) -> None:
    async with laboratory(measured, TAAS_USAGE_SECONDS=str(EVERY)) as lab:
        begin, mark = monotonic(), measured.audit_mark()
        resources = {"cpu": "500m", "cpu_limit": "2", "memory": "512Mi"}
        run = await lab.train("busy", SCRIPT, roles={"worker": lab.on(count=2, resources=resources)})
        await run.reaches("running")
        busy, idle = await eventually(lambda: both(run), seconds=MEASURED_SECONDS)
        assert 100 <= busy["cpu_now"] <= 2500
        assert HELD * MIB <= busy["memory_now"] <= (HELD + 100) * MIB
        assert (busy["cpu_request"], busy["cpu_limit"], busy["memory_limit"]) == (500, 2000, 512 * MIB)
        assert idle["cpu_now"] < 100
        assert idle["memory_now"] < 50 * MIB
        await on_the_page(lab, run, browser)
        await run.stop()
        await run.ends("stopped", "stopped_by_user")
        busy, idle = await usage(run)
        assert (busy["cpu_now"], busy["memory_now"]) == (None, None)
        assert busy["memory_peak"] >= HELD * MIB
        assert busy["cpu_peak"] >= 100
        await run.is_gone()
        assert await usage(run) == [busy, idle]
        assert_one_request_a_turn(measured, mark, monotonic() - begin)
        assert (await lab.http.get("cluster")).json()["usage_problem"] == ""


async def usage(run: Run) -> list[Any]:
    return [task["usage"] for _, task in sorted((await run.tasks()).items())]


async def both(run: Run) -> list[Any] | None:
    """As soon as both tasks are measured and the busy one holds all that it wants."""
    found = await usage(run)
    measured = all(one and one["cpu_now"] is not None for one in found)
    return found if measured and found[0]["memory_now"] >= HELD * MIB and found[0]["cpu_now"] >= 100 else None


async def on_the_page(lab: Lab, run: Run, browser: Browser) -> None:
    made = await lab.http.post("users", json={"name": "grace", "role": "member", "password": PASSWORD})
    assert made.status_code == 201, made.text
    async with visit(browser, lab.taas.url) as seen:
        await log_in(seen.page, "grace", PASSWORD)
        await seen.page.goto(f"/trainings/{run.id}")
        row = seen.page.locator("#task-worker-0")
        await expect(row).to_contain_text("of 2 CPU")
        await expect(row).to_contain_text("of 512 MiB")
        await expect(row.locator("svg.usage")).to_have_count(2)
        assert await seen.overflow() <= 0


def assert_one_request_a_turn(cluster: LocalCluster, mark: int, seconds: float) -> None:
    """For all pods together, however many there are."""
    addresses = [unquote(event["requestURI"]) for event in cluster.audit_since(mark, agent="taas")]
    pods = [address for address in addresses if "metrics.k8s.io" in address and "/pods" in address]
    assert pods
    of_the_whole_cluster = "/apis/metrics.k8s.io/v1beta1/pods?labelSelector=taas.dev/installation="
    assert all(address.startswith(of_the_whole_cluster) for address in pods)
    assert len(pods) <= seconds / EVERY + 1

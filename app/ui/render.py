"""Jinja2 for the pages: one environment for whole pages and for the parts of them that change live."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from app.ui import filters, notice_words, words
from app.ui.assets import asset
from app.ui.browser_words import browser_words
from app.ui.record_tabs import TABS

TEMPLATES = Path(__file__).parent / "templates"
ICONS = "vendor/tabler-icons/icons.svg"


def render(name: str, context: Mapping[str, Any]) -> str:
    """A whole page, such as `pages/home.html`, or a part of one."""
    return environment.get_template(name).render(context)


def partial(target: str, html: str) -> str:
    """A piece of a live answer: htmx morphs `html` into the element with the id `target`, keeping focus."""
    return f'<hx-partial hx-target="#{target}" hx-swap="outerMorph">{html}</hx-partial>'


def icon(name: str, label: str = "") -> Markup:
    """An icon of the sprite; decoration unless `label` says what it means."""
    meaning = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup('<svg class="icon" {}><use href="{}#{}"/></svg>').format(meaning, asset(ICONS), name)


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(
        asset=asset,
        delivery_look=notice_words.delivery_look,
        icon=icon,
        look=words.look,
        record_tabs=TABS,
        run_look=words.run_look,
        since=filters.since,
    )
    made.filters.update(
        about_words=notice_words.about_words,
        ago=filters.ago,
        amount=filters.amount,
        at=filters.at,
        cores=filters.cores,
        duration=filters.duration,
        browser_words=browser_words,
        figure=filters.figure,
        framework_words=words.framework_words,
        size=filters.size,
        kind_words=notice_words.kind_words,
        number=filters.number,
        pair=filters.pair,
        percent=filters.percent,
        plural=filters.plural,
        pretty=filters.pretty,
        resource_words=filters.resource_words,
        reason_words=words.reason_words,
        rule_words=words.rule_words,
        share=filters.share,
        weekday=filters.weekday,
        trigger_words=words.trigger_words,
        with_code=filters.with_code,
        with_times=filters.with_times,
    )
    return made


environment = _environment()

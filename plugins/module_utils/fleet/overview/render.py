# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as text: HTML, Markdown, JSON. Private to the collection.

Every value goes through an escape: of Jinja in HTML, where nothing is marked as safe but our own style and script, and
of :func:`markdown_text` in Markdown. The page allows nothing but these two, by their digests, and no request.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import re
import typing as t
from pathlib import Path

from . import picture, words
from .judge import SEVERITIES

Object = t.Mapping[str, t.Any]
_FOLDER = Path(__file__).parent
#: What means something in Markdown, or begins HTML.
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~$^=-])")
_BLANK = re.compile(r">\n+<")
FORMATS = ("html", "json", "markdown")


def text_of(report: Object, form: str) -> str:
    """The report in one of :data:`FORMATS`."""
    return {"html": html, "json": as_json, "markdown": markdown}[form](report)


def as_json(report: Object) -> str:
    """The document as it is."""
    return json.dumps(report, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def html(report: Object) -> str:
    """One page that needs nothing else."""
    from markupsafe import Markup

    style, script = (_read(f"report.{kind}") for kind in ("css", "js"))
    made = _environment(autoescape=True).get_template("report.html.j2")
    text = made.render(
        report=report,
        pictures=[("wide", picture.draw(report, picture.WIDE)), ("narrow", picture.draw(report, picture.NARROW))],
        # Our own text, which no input is a part of.
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        policy=policy(style, script),
        **_words(report),
    )
    # Blank text between elements would be half of what a browser keeps of the page; values hold no < or > of their own.
    return _BLANK.sub("><", text)


def markdown(report: Object) -> str:
    """The same for chats, tickets and repositories, without the picture."""
    environment = _environment(autoescape=False)
    # Not a filter that could be forgotten: every value that is printed goes through it.
    environment.finalize = markdown_text
    text: str = environment.get_template("report.md.j2").render(report=report, **_words(report))
    return text


def markdown_text(value: t.Any) -> str:
    """A value that Markdown shows as it is, in a line of a table or anywhere else."""
    if value is None:
        return ""
    text = " ".join(str(value).split())
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # No link is made of what only looks like one.
    return _SPECIAL.sub(r"\\\1", text).replace("://", ":&#47;&#47;").replace("www.", "www&#46;").replace("@", "&#64;")


def policy(style: str, script: str) -> str:
    """The Content-Security-Policy: our style and script by their digests, and nothing else."""
    found = [base64.b64encode(hashlib.sha256(part.encode()).digest()).decode() for part in (style, script)]
    return (
        f"default-src 'none'; style-src 'sha256-{found[0]}'; script-src 'sha256-{found[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _environment(autoescape: bool) -> t.Any:
    # Ships with ansible-core; imported here, because checks of the collection import every file without it.
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=autoescape,  # noqa: S701 - Markdown has an escape of its own
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _words(report: Object) -> dict[str, t.Any]:
    """What templates may call."""
    at = t.cast(datetime.datetime, words.when(report["at"]))
    places = {item["name"]: number for number, item in enumerate(report["clusters"])}
    return {
        "ago": lambda text: words.ago(text, at),
        "until": lambda text: words.until(text, at),
        "minute": words.minute,
        "shown": words.shown,
        "share": words.share,
        "step": lambda part: min(100, round(part * 20) * 5),
        "percent": lambda part: "" if part is None else f"{part:.0%}",
        "place": places.get,
        "own": _own(report),
        "severities": SEVERITIES,
        "worst": lambda item: next((key for key in SEVERITIES[:2] if item["findings"][key]), "ok"),
        "first_end": lambda item: words.first(one["expires"] for one in item["certificates"]),
        "modes": {"create": "created", "attach": "attached"},
        "broken": lambda found: [item for item in found or () if item["result"] not in ("pass", "skip")],
    }


def _own(report: Object) -> dict[str, list[Object]]:
    """Findings by cluster."""
    found: dict[str, list[Object]] = {item["name"]: [] for item in report["clusters"]}
    for item in report["findings"]:
        if item["cluster"] in found:
            found[item["cluster"]].append(item)
    return found

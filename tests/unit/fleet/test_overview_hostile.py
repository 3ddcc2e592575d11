# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever a cluster, a label or a message says, the report shows it and does not obey it."""

from __future__ import annotations

import base64
import hashlib
import re
import typing as t
from html.parser import HTMLParser

import markdown_it
import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import hub_view
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.overview import collect, document, render

from .report_hostile import PAYLOADS, spoiled
from .report_samples import SILENT, answering, node, quota, record, report_of, sample, scan

Tag = tuple[str, tuple[str, ...]]


class Structure(HTMLParser):
    """Tags with the names of their attributes, in order; addresses; texts; what is in style and script."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[Tag] = []
        self.links: list[str] = []
        self.text = ""
        self.own: dict[str, str] = {}
        self.policy = ""
        self._within = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _value in attrs)))
        self._within = tag
        for name, value in attrs:
            if name in ("href", "src", "action", "srcset", "data", "formaction"):
                self.links.append(str(value))
            if name == "content" and dict(attrs).get("http-equiv"):
                self.policy = str(value)

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within in ("style", "script"):
            self.own[self._within] = data
        else:
            self.text += data


BENIGN = [f"word{number}" for number in range(len(PAYLOADS))]


def test_the_page_has_the_same_structure_whatever_is_said_in_it() -> None:
    report = report_of(sample())
    good, bad = (Structure(render.html(spoiled(report, words))) for words in (BENIGN, PAYLOADS))
    assert bad.tags == good.tags
    assert len(good.tags) > 500
    assert {link[0] for link in bad.links} == {"#"}
    assert "<script>document.hacked=1</script>" in bad.text  # it is shown


def test_nothing_but_our_style_and_script_may_run() -> None:
    page = Structure(render.html(report_of(sample())))
    for kind, directive in (("style", "style-src"), ("script", "script-src")):
        digest = base64.b64encode(hashlib.sha256(page.own[kind].encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in page.policy
    assert page.policy.startswith("default-src 'none'; ")
    assert "unsafe" not in page.policy
    attributes = {name for _tag, names in page.tags for name in names}
    assert "style" not in attributes
    assert not [name for name in attributes if name.startswith("on")]
    # Nothing is asked for, and the policy stands before what it is about.
    assert {tag for tag, _names in page.tags} & {"link", "img", "iframe", "object", "embed", "base"} == set()
    tags = [tag for tag, _names in page.tags]
    assert tags.index("meta") < tags.index("style")


def test_a_hostile_cluster_goes_through_the_whole_report() -> None:
    """From the API's answers to the text of every format: nothing breaks, nothing is longer than it may be."""
    for text in PAYLOADS:
        made = record(text, set=text, labels={text: text}, version=text, expires=text)
        made["status"]["conditions"].append(dict.fromkeys(("type", "status", "reason", "message"), text))
        made["spec"]["taints"] = [{"key": text, "value": text, "effect": text}]
        bad = node(text, version=text, conditions=[dict.fromkeys(("type", "status", "reason", "message"), text)])
        told = answering(text, [bad], quotas=[quota(text, text, text)], version=text, certificate=None)
        silent = {**SILENT, "reason": text}
        views = [{**hub_view.view(made), "live": one} for one in (told, silent)]
        known = collect.Known(views[:1], asked=True)
        known.policies = {text: collect.scan_of(scan(text, **{text: (text, "fail", text)}))}
        known.runs = [
            {"at": "2026-01-01T00:00:00Z", "clusters": [{"cluster": text, "problem": text}], "problems": [text]}
        ]
        for one in (known, collect.Known(views[1:], asked=True)):
            report = report_of(one, title=text)
            page = Structure(render.html(report))
            assert {link[0] for link in page.links} == {"#"}
            assert ("img", ("src", "onerror")) not in page.tags
            assert document.tidy(report) == report
            assert not re.search("[\x00\x1b\u2028\u202e]", render.html(report) + render.markdown(report))
            assert len(render.as_json(report)) < 200_000


@pytest.mark.parametrize("text", PAYLOADS)
def test_markdown_shows_a_text_as_it_is(text: str) -> None:
    """By a parser of CommonMark with tables: in a cell and in a line, only text comes out, and it is the text."""
    parser = markdown_it.MarkdownIt("gfm-like", {"html": True, "linkify": False})
    shown = render.markdown_text(text)
    plain = " ".join(text.split())
    tokens = parser.parse(shown)
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert {child.type for child in tokens[1].children or ()} <= {"text", "text_special"}
    assert "".join(child.content for child in tokens[1].children or ()) == plain.replace("\x00", "\ufffd")
    row = parser.parse(f"| a | b |\n|---|---|\n| {shown} | x |\n")
    cells = [token for token in row if token.type == "td_open"]
    assert len(cells) == 2
    assert not re.search(r"https?://|www\.|@", shown)


def test_every_line_of_the_markdown_is_ours() -> None:
    report = report_of(sample())
    good, bad = (render.markdown(spoiled(report, words)).splitlines() for words in (BENIGN, PAYLOADS))
    assert [re.match(r"#*|\||- ", line)[0] for line in bad] == [re.match(r"#*|\||- ", line)[0] for line in good]  # type: ignore[index]

    def columns(line: str) -> int:
        return len(re.findall(r"(?<!\\)\|", line))

    assert [columns(line) for line in bad] == [columns(line) for line in good]


def test_a_message_of_a_terminal_is_no_command(capsys: t.Any) -> None:
    from ansible_collections.lodestar.platform.plugins.module_utils.fleet.overview.operation import table

    lines = table(spoiled(report_of(sample()), PAYLOADS))
    assert all(line.isprintable() for line in lines)

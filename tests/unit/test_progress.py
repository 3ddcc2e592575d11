# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run is watched in a terminal, and is what it was anywhere else."""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import struct
import subprocess
import sys
import termios
import threading
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.plugin_utils.board import Board, Screen

ROOT = Path(__file__).resolve().parents[2]
CLUSTERS = ["global", "east", "west"]
OWNERS = {"g1": "global", "e1": "east", "e2": "east", "w1": "west"}
INVENTORY = {
    "all": {"vars": {"ansible_connection": "local"}},
    "clusters": {"hosts": dict.fromkeys(("east", "west"))},
    "machines": {"children": {"east_machines": {"hosts": {"e1": None}}, "west_machines": {"hosts": {"w1": None}}}},
}
PLAYS = [
    {
        "name": "Look",
        "hosts": "machines",
        "gather_facts": False,
        "tasks": [
            {"name": "Note", "ansible.builtin.set_fact": {"noted": True}},
            {"name": "Leave out", "ansible.builtin.debug": {"msg": "never"}, "when": False},
            {"name": "Take a while", "ansible.builtin.wait_for": {"timeout": 1}, "when": "inventory_hostname == 'e1'"},
        ],
    },
    {
        "name": "Work",
        "hosts": "clusters",
        "gather_facts": False,
        "tasks": [
            {"name": "Tell", "ansible.builtin.debug": {"msg": "told"}},
            {"name": "Go wrong", "ansible.builtin.fail": {"msg": "because"}, "when": "inventory_hostname == 'west'"},
        ],
    },
]


def board(**more: t.Any) -> Board:
    return Board(CLUSTERS, OWNERS, 3, **more)


def test_a_row_says_what_became_of_a_cluster_in_every_play() -> None:
    made = board()
    made.play("Look")
    made.task("Read")
    for host, state in (("g1", "ok"), ("e1", "changed"), ("e2", "ok"), ("w1", "skipped")):
        made.start(host, 0)
        made.end(host, state)
    made.play("Work")
    made.task("Join")
    for host in ("e1", "e2", "w1"):
        made.start(host, 10)
    made.end("w1", "failed")
    assert made.lines(75, 80, 20) == [
        "2/3 Work: Join" + " " * 57 + "1:15 min",
        "global  ✓·",
        "east    ●▸   e1, e2, 1:05 min",
        "west    –✗   failed: w1",  # noqa: RUF001
        "– nothing to do  ✓ unchanged  ● changed  ✗ failed",  # noqa: RUF001
    ]


def test_a_board_that_has_no_room_shows_what_matters() -> None:
    names = [f"c{number:03d}" for number in range(100)]
    made = Board(names, {}, 1, plain=True)
    made.play("Work")
    made.end("c070", "failed")
    made.start("c090", 0)
    lines = made.lines(5, 40, 7)
    assert [line.split()[0] for line in lines] == ["1/1", "c070", "c090", "c000", "and", "-"]
    assert lines[4] == "and 97 more"
    assert all(len(line) < 40 and line.isascii() for line in lines)
    assert all(len(line) < 10 for line in made.lines(5, 10, 4))


def test_a_name_does_not_command_the_terminal() -> None:
    made = Board(["\x1b[2Jevil"], {}, 1)
    made.play("\x1b]0;title\x07")
    assert all(line.isprintable() for line in made.lines(0, 80, 10))


def test_what_is_written_stands_above_the_board() -> None:
    stream, made = io.StringIO(), board()
    made.play("Look")
    screen = Screen(stream, threading.RLock(), made)
    screen.write("TASK [Read]\n")
    screen.write("half ")
    screen.write("a line\n")
    screen.close()
    screen.write("RECAP\n")
    assert shown(stream.getvalue()) == ["TASK [Read]", "half a line", "RECAP"]


def shown(text: str) -> list[str]:
    """What a terminal shows in the end, of text with the few commands that a board uses."""
    lines: list[str] = [""]
    for part in text.replace("\r", "").replace("\x1b[K", "").split("\x1b["):
        head, _sep, rest = part.partition("J") if part.startswith("J") else ("", "", part)
        if part.startswith("J"):
            del lines[len(lines) :]
        elif part[:-1].isdigit() and part.endswith("A"):
            del lines[len(lines) - 1 - int(part[:-1]) :]
            lines.append("")
            continue
        first, *more = rest.split("\n")
        lines[-1] += first
        lines += more
        assert not head
    return lines[:-1] if lines[-1] == "" else lines


@pytest.fixture
def play(tmp_path: Path) -> t.Callable[[str], list[str]]:
    """The command of a run with a callback."""
    (tmp_path / "hosts.json").write_text(json.dumps(INVENTORY))
    (tmp_path / "play.json").write_text(json.dumps(PLAYS))
    return lambda callback: [
        *("env", "-u", "CI", "-u", "GITHUB_ACTIONS", f"ANSIBLE_CONFIG={ROOT / 'ansible.cfg'}", "ANSIBLE_NOCOLOR=1"),
        "ANSIBLE_FORKS=1",  # hosts end in one order
        *(f"ANSIBLE_STDOUT_CALLBACK={callback}", "TERM=xterm", "COLUMNS=", "LINES="),
        *(f"ANSIBLE_PYTHON_INTERPRETER={sys.executable}", sys.executable, "-m", "ansible", "playbook"),
        *("-i", str(tmp_path / "hosts.json"), str(tmp_path / "play.json")),
    ]


def on_terminal(command: t.Sequence[str]) -> str:
    """What a run writes to a terminal of 100 columns and 40 lines."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    process = subprocess.Popen(command, cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    found, until = b"", time.monotonic() + 120
    while time.monotonic() < until:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        found += part
    os.close(ours)
    assert process.wait(timeout=30) == 2
    return found.decode()


def test_a_terminal_shows_a_board_and_what_matters(play: t.Callable[[str], list[str]]) -> None:
    said = on_terminal(play("lodestar.platform.progress"))
    assert "1/2 Look: Take a while" in said
    assert "east  ▸   e1, " in said
    left = shown(said)
    text = "\n".join(left)
    assert "TASK [Go wrong]" in text
    assert "because" in text
    assert "told" in text
    assert "PLAY RECAP" in text
    for hidden in ("Leave out", "skipping", "ok: [e1]", "▸", "unchanged"):
        assert hidden not in text, hidden
    assert left[-1] == "" or ":" in left[-1]


def test_it_is_the_default_anywhere_else(play: t.Callable[[str], list[str]]) -> None:
    said = [
        subprocess.run(play(name), cwd=ROOT, capture_output=True, text=True)
        for name in ("lodestar.platform.progress", "ansible.builtin.default")
    ]
    assert said[0].stdout == said[1].stdout
    assert (said[0].returncode, said[0].stderr) == (2, said[1].stderr)
    assert "TASK [Leave out]" in said[0].stdout
    assert "\x1b" not in said[0].stdout

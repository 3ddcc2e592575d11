# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook destroy as a user runs it, on a real hub, with machines that answer nobody."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.access_info import OPERATION as INFO
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.destroy import OPERATION as DESTROY
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.detach import OPERATION as DETACH

from ..harness.apiserver import ApiServer
from .conftest import LODESTAR, run
from .plays import Fleet, changed, recap
from .test_destroy import found
from .test_destroy import inventory as entry
from .test_detach import everything, settled
from .test_play import declaration

Object = dict[str, t.Any]
CONFIRMED = ("-e", "destroy=east", "-e", "destroy_confirm=east")
DEAD = ("-e", "destroy_unreachable=e1,e2")


@pytest.fixture
def household(hosted: ApiServer, hub_access: Object, tmp_path: Path) -> t.Iterator[Fleet]:
    """A hub, the created cluster east, whose machines answer nobody, and one to attach."""
    fleet = Fleet(tmp_path / "fleet", hub_access, {"legacy": {"kubeconfig": hosted.kubeconfig()}})
    whole, ours = declaration(), fleet.folder / "hosts.yml"
    inventory = yaml.safe_load(ours.read_text())
    inventory["clusters"]["hosts"]["east"] = whole["clusters"]["hosts"]["east"]
    inventory["machines"]["children"]["east_machines"] = whole["machines"]["children"]["east_machines"]
    for group in inventory["machines"]["children"].values():
        for part in group["children"].values():
            for variables in part["hosts"].values():
                address = variables["ansible_host"]
                variables.update(node_ip=address, ansible_host=address.replace("192.0", "127.0"), ansible_port=1)
    ours.write_text(yaml.safe_dump(inventory))
    yield fleet
    for state in ("destroying", "absent"):
        run(DESTROY, cluster="east", state=state, hub_access=hub_access, **entry("east", "e1", "e2"))


def said(fleet: Fleet, code: int, *arguments: str, playbook: str = "destroy") -> str:
    """What a run says, which must end as foreseen; in one line, since messages are wrapped."""
    done = fleet.play(playbook, *arguments)
    text = done.stdout + done.stderr
    assert (done.returncode == 0) == (code == 0), text
    return text


def holds(text: str, *words: str) -> None:
    """Raises AssertionError with the words that were not said."""
    flat = " ".join(text.replace("\\n", " ").split())
    assert [word for word in words if word not in flat] == [], text


def test_what_is_not_confirmed_only_tells(hub: ApiServer, east: Object, hub_access: Object, household: Fleet) -> None:
    found("east", east, hub_access)
    mark = hub.audit.mark()
    holds(said(household, 1), "destroy = ''", "Nothing was changed")
    holds(said(household, 1, "-e", "destroy=east", "-e", "destroy_confirm=west"), 'destroy_confirm = "west"')
    holds(said(household, 1, *CONFIRMED, "--limit", "east_machines"), "the hub hub is not part of this run")
    unconfirmed = said(household, 1, "-e", "destroy=east")
    holds(
        unconfirmed,
        "would end the cluster east for good, and nothing was changed",
        "machines that are reset, etcd's data included: e1, e2",
        "lost with it: nothing but what the platform has brought",
        "the hub forgets: ManagedCluster east",
        "pass -e destroy_confirm=east",
    )
    assert changed(unconfirmed) == 0
    foreseen = said(household, 1, "-e", "destroy=east", "--check", "--diff")
    holds(foreseen, "The hub would keep it as being destroyed", "Not reset: - e1:")
    foreseen = said(household, 0, "-e", "destroy=east", "--check", "--diff", *DEAD)
    holds(foreseen, "take it out of the inventory now")
    assert changed(foreseen) == 2  # the mark, and what the hub forgets
    assert not [item for item in hub.audit.since(mark, LODESTAR) if item.writes]


def test_a_cluster_ends_and_its_neighbours_go_on(
    hub: ApiServer, east: Object, hub_access: Object, household: Fleet
) -> None:
    before = everything(hub)
    found("east", east, hub_access)
    first = said(household, 1, *CONFIRMED)
    holds(first, "east is not destroyed yet", "Not reset: - e1:", "- e2:", "-e destroy_unreachable=e1,e2")
    assert changed(first) == 1
    assert changed(said(household, 1, *CONFIRMED)) == 0
    assert run(INFO, cluster="east", hub_access=hub_access)["state"] == "destroying"

    others = said(household, 1, playbook="attach")
    holds(others, "east: it is being destroyed since", "lodestar.platform.destroy and -e destroy=east")
    counts = recap(others)
    assert (counts["east"]["failed"], counts["legacy"]["failed"], counts["legacy"]["changed"] > 0) == (1, 0, True)
    assert run(DETACH, cluster="legacy", hub_access=hub_access, timeout=60)["state"] == "detached"

    last = said(household, 0, *CONFIRMED, *DEAD)
    assert changed(last) == 1
    holds(last, "dead for good, so left as they are: e1, e2", "founds a new cluster of that name")
    assert settled(hub, before) == []
    again = said(household, 0, *CONFIRMED, *DEAD)
    assert changed(again) == 0
    assert json.dumps(east["token"]) not in first + last

# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hub's Secret, and what is done about an access that ages."""

from __future__ import annotations

import base64
import datetime
import json
from dataclasses import replace

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import PlatformError
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import access_secret
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.access_secret import Stored
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.attach import choose

NOW = datetime.datetime(2026, 11, 22, 12, 0, tzinfo=datetime.UTC)
CA = "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n"


def token(**claims: int) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{payload}.sig"


def stored(**changes: object) -> Stored:
    base = Stored(
        cluster="east",
        server="https://192.0.2.1:6443",
        ca_data=CA,
        token="abc.def.ghi",
        expires="2026-11-22T20:00:00Z",
        lifetime=12 * 3600,
        uid="u-1",
        tier="tenant",
        rights="r-1",
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def test_the_secret_gives_back_what_was_put_in_and_shows_no_token() -> None:
    secret = access_secret.to_secret(stored())
    assert access_secret.from_secret("east", secret) == stored()
    assert secret["metadata"]["namespace"] == "east"
    assert "abc.def.ghi" not in json.dumps(secret["metadata"])
    assert "abc.def.ghi" not in repr(stored())


def test_a_ca_as_base64_is_kept_as_base64_of_pem_once() -> None:
    secret = access_secret.to_secret(stored(ca_data=base64.b64encode(CA.encode()).decode()))
    assert access_secret.from_secret("east", secret) == stored()


@pytest.mark.parametrize("value", ["", "bm8=", "****", base64.b64encode(b"users: [{}]").decode()])
def test_a_secret_of_another_content_is_refused_without_showing_it(value: str) -> None:
    secret = access_secret.to_secret(stored())
    secret["data"]["value"] = value
    with pytest.raises(PlatformError, match="east/east-kubeconfig") as caught:
        access_secret.from_secret("east", secret)
    assert "rekey: east" in str(caught.value)


def test_a_kubeconfig_of_cluster_api_is_understood() -> None:
    secret = access_secret.to_secret(stored(token=token(exp=1795377600, iat=1795334400)))
    secret["metadata"].pop("annotations")
    found = access_secret.from_secret("east", secret)
    assert found is not None
    assert found.expires == "2026-11-22T20:00:00+00:00"


CASES = {
    "nothing is kept": (None, {}, "attach"),
    "more than half is left": (stored(), {}, "keep"),
    "half is left": (stored(lifetime=16 * 3600), {}, "renew"),
    "it has ended": (stored(expires="2026-11-22T12:00:00Z"), {}, "expired"),
    "it has ended in the middle of this run": (stored(expires="2026-11-22T12:00:00Z"), {"tried": True}, "attach"),
    "the same, and nothing is supplied": (
        stored(expires="2026-11-22T12:00:00Z"),
        {"tried": True, "supplied": False},
        "expired",
    ),
    "it has ended and rekey is asked for": (stored(expires="2026-11-22T12:00:00Z"), {"rekey": True}, "attach"),
    "rekey of a good one": (stored(), {"rekey": True}, "attach"),
    "another tier": (stored(tier="observe"), {}, "attach"),
    "rights of an older collection, credential given": (stored(rights="r-0"), {}, "attach"),
    "rights of an older collection, none given": (stored(rights="r-0"), {"supplied": False}, "keep"),
}


@pytest.mark.parametrize(("kept", "more", "action"), CASES.values(), ids=CASES.keys())
def test_what_is_done_about_an_access(kept: Stored | None, more: dict[str, bool], action: str) -> None:
    given = {"supplied": True, "rekey": False, **more}
    choice = choose(kept, now=NOW, tier="tenant", rights="r-1", **given)
    assert choice.action == action
    assert bool(choice.warning) == (kept is not None and kept.rights == "r-0" and not given["supplied"])

# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The keys that a cluster cannot be read again without: what a recovery file holds, and whether it fits. Pure.

Decisions are made by digests, so that no key leaves a machine or a file for being compared. Private to the collection.
"""

from __future__ import annotations

import contextlib
import json
import time
import typing as t

from ..errors import InvalidInput, PlatformError, Problem, Refused
from . import paths, settings, x509
from .decide import FOUND, Decision, Probe, complete

SCHEMA = 1
ENCRYPTION = "encryption"
#: Name in the file -> path on a control plane. All control planes hold the same.
KEYS: dict[str, str] = {
    **{name: f"{paths.PKI}/{name}" for name in ("ca.crt", "ca.key", "front-proxy-ca.crt", "front-proxy-ca.key")},
    **{name: f"{paths.PKI}/{name}" for name in ("etcd/ca.crt", "etcd/ca.key", "sa.pub", "sa.key")},
    ENCRYPTION: paths.ENCRYPTION,
}
_PAIRS = (
    ("ca.crt", "ca.key"),
    ("front-proxy-ca.crt", "front-proxy-ca.key"),
    ("etcd/ca.crt", "etcd/ca.key"),
    ("sa.pub", "sa.key"),
)
_FIELDS = {"schema", "cluster", "uid", "keys"}
#: How a recovery file was found.
ABSENT, PLAIN, VAULT, LOCKED = "absent", "plain", "vault", "locked"


def digest(name: str, text: str) -> str:
    """What tells two keys apart and says nothing else of them; white space and the order of JSON do not count."""
    content = text.strip()
    if name == ENCRYPTION:
        with contextlib.suppress(ValueError):
            content = json.dumps(json.loads(text), sort_keys=True)
    return settings.fingerprint(content)


def digests(keys: t.Mapping[str, str]) -> dict[str, str]:
    """The digest of each key."""
    return {name: digest(name, text) for name, text in keys.items()}


def parse(document: t.Any) -> dict[str, t.Any]:
    """The content of a recovery file: C(cluster), C(uid) (or C(None)) and C(keys) (text by name).

    :param document: the file as data.
    :raises PlatformError: it is no recovery file. The message holds nothing of it but names of fields.
    """
    if not isinstance(document, t.Mapping):
        raise PlatformError("it is no mapping")
    unknown = sorted(str(key) for key in set(document) - _FIELDS)
    if unknown:
        raise PlatformError(f"it has unknown fields: {', '.join(unknown)}")
    if document.get("schema") != SCHEMA:
        raise PlatformError(f"its schema is not {SCHEMA}")
    if not isinstance(document.get("cluster"), str):
        raise PlatformError("cluster is missing, the name of the cluster whose keys it holds")
    if not isinstance(document.get("uid"), (str, type(None))):
        raise PlatformError("uid is no text")
    return {"cluster": document["cluster"], "uid": document.get("uid"), "keys": _keys(document.get("keys"))}


def _keys(given: t.Any) -> dict[str, str]:
    if not isinstance(given, t.Mapping):
        raise PlatformError("keys is no mapping")
    unknown = sorted(str(name) for name in set(given) - set(KEYS))
    if unknown:
        raise PlatformError(f"keys has unknown names: {', '.join(unknown)}; known are {', '.join(KEYS)}")
    keys = dict(given)
    if isinstance(keys.get(ENCRYPTION), t.Mapping):
        keys[ENCRYPTION] = settings.document(keys[ENCRYPTION])
    for name, text in keys.items():
        wanted = "EncryptionConfiguration" if name == ENCRYPTION else "-----BEGIN "
        if not isinstance(text, str) or wanted not in text:
            raise PlatformError(f"keys.{name} holds no {'EncryptionConfiguration' if name == ENCRYPTION else 'PEM'}")
    halves = [name for pair in _PAIRS for name in pair if len(set(pair) & set(keys)) == 1 and name not in keys]
    if halves:
        raise PlatformError(f"keys lacks the other half of a pair: {', '.join(halves)}")
    return {name: keys[name] for name in KEYS if name in keys}


def render(cluster: str, uid: str | None, keys: t.Mapping[str, str]) -> str:
    """A recovery file: JSON, which is YAML."""
    held = {name: keys[name] for name in KEYS if name in keys}
    return settings.document({"schema": SCHEMA, "cluster": cluster, "uid": uid, "keys": held})


def expired(keys: t.Mapping[str, str], now: float) -> list[str]:
    """The certificates among the keys that have ended, or cannot be read."""
    today = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    answer = []
    for name in (name for name in keys if name.endswith(".crt")):
        try:
            ended = x509.parse_pem(keys[name].encode()).not_after <= today
        except ValueError:
            ended = True
        if ended:
            answer.append(name)
    return answer


def decide(
    cluster: t.Mapping[str, t.Any],
    probes: t.Mapping[str, Probe | None],
    decisions: t.Mapping[str, Decision],
    seen: t.Mapping[str, t.Any],
) -> tuple[str | None, list[str]]:
    """Which machine's keys are to be written to the recovery file (C(None): nothing is to be written), and warnings.

    :param seen: what is at the path: ``path``, ``state``, ``cluster``, ``uid``, ``keys`` (digests), ``expired``, and
        ``problem`` (reason and remedy) if it cannot be used. Empty where none is declared.
    :raises Refused: control planes hold different keys, or the file does not fit. Nothing was changed.
    """
    members = {
        name: probe
        for name in cluster["control_plane"]
        if (probe := probes.get(name)) and complete({**probe, "role": "control_plane"}) and probe.get("keys")
    }
    _check_alike(cluster, members)
    founder = next((name for name, decision in decisions.items() if decision.action == FOUND), None)
    if not seen or not (founder or members):
        return None, []
    if seen.get("problem"):
        raise InvalidInput([Problem(f"{cluster['name']}: cluster_recovery_file", seen["path"], **seen["problem"])])
    if seen["state"] == LOCKED:
        return _locked(cluster, seen, founder)
    if seen["state"] != ABSENT and seen["cluster"] != cluster["name"]:
        raise _misfit(cluster, seen, f"it holds the keys of {seen['cluster']}")
    if founder:
        return _founding(cluster, seen, founder)
    source = next((name for name in members if members[name]["api_healthy"]), None)
    return _living(cluster, seen, source, members[source]) if source else (None, [])


def _misfit(cluster: t.Mapping[str, t.Any], seen: t.Mapping[str, t.Any], reason: str) -> InvalidInput:
    remedy = "Name another file, or put this one away (older backups may need it); it is never overwritten"
    return InvalidInput([Problem(f"{cluster['name']}: cluster_recovery_file", seen["path"], reason, remedy)])


def _check_alike(cluster: t.Mapping[str, t.Any], members: t.Mapping[str, Probe]) -> None:
    lines = []
    for key, path in KEYS.items():
        holders: dict[str, list[str]] = {}
        for name, probe in members.items():
            holders.setdefault(probe["keys"].get(key) or "none", []).append(name)
        if len(holders) > 1:
            said = "; ".join(f"{', '.join(names)}: {held}" for held, names in holders.items())
            lines.append(f"- {path}: {said}")
    if lines:
        raise Refused(
            f"the control planes of {cluster['name']} hold different keys; nothing was changed.\n"
            + "\n".join(lines)
            + "\nWhat one has written another cannot read. Put the right file back on the machine that differs,"
            " or reset it, and run again.",
            cluster=cluster["name"],
        )


def _locked(cluster: t.Mapping[str, t.Any], seen: t.Mapping[str, t.Any], founder: str | None) -> tuple[None, list[str]]:
    if founder:
        raise InvalidInput(
            [
                Problem(
                    f"{cluster['name']}: cluster_recovery_file",
                    seen["path"],
                    "is encrypted, and no vault secret of this run opens it; a cluster that is founded uses its keys",
                    "Give the secret with --vault-id, or put the file away to have new keys",
                )
            ]
        )
    return None, [
        f"{cluster['name']}: {seen['path']} is encrypted, and no vault secret of this run opens it; it was not compared"
    ]


def _founding(
    cluster: t.Mapping[str, t.Any], seen: t.Mapping[str, t.Any], founder: str
) -> tuple[str | None, list[str]]:
    if seen.get("expired"):
        raise _misfit(cluster, seen, f"its certificates have ended: {', '.join(seen['expired'])}")
    if seen["state"] == VAULT:
        lacking = [name for name in KEYS if name not in seen["keys"]]
        return None, [_incomplete(cluster, seen, lacking)] if lacking else []
    return founder, []


def _living(
    cluster: t.Mapping[str, t.Any], seen: t.Mapping[str, t.Any], source: str, probe: Probe
) -> tuple[str | None, list[str]]:
    if seen["state"] == ABSENT:
        return source, []
    other = [name for name, held in seen["keys"].items() if probe["keys"].get(name) != held]
    if other:
        raise _misfit(cluster, seen, f"it holds other keys than the control planes: {', '.join(other)}")
    same = seen["uid"] in (None, probe["uid"])
    # With its CA it is the same cluster, founded again from this file.
    if not same and "ca.crt" not in seen["keys"]:
        raise _misfit(cluster, seen, f"it is of the cluster {seen['uid']}, and this one is {probe['uid']}")
    lacking = [name for name in probe["keys"] if name not in seen["keys"]]
    if seen["state"] == VAULT:
        return None, [_incomplete(cluster, seen, lacking)] if lacking else []
    return source if lacking or seen["uid"] != probe["uid"] else None, []


def _incomplete(cluster: t.Mapping[str, t.Any], seen: t.Mapping[str, t.Any], lacking: t.Sequence[str]) -> str:
    return (
        f"{cluster['name']}: {seen['path']} lacks {', '.join(lacking)}, and a file that is encrypted is not changed:"
        " decrypt it with ansible-vault, run again, and encrypt it"
    )

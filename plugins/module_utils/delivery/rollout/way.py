# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is done about a delivery with a rollout: it goes on, is left as it stands, or goes back.

Private to the collection.
"""

from __future__ import annotations

import base64
import binascii
import secrets
import typing as t
from dataclasses import dataclass, field, replace

from ...declaration import Reader
from ...errors import InvalidInput, PlatformError, Problem, Refused
from ...fleet.identity import NAMESPACE
from ...kube.client import Client
from ...kube.desired import Normal
from ...kube.steps import PARENT_WAVE
from ...plan import Step
from .. import model
from ..content import Content
from ..division import DIVISIONS, Division, is_scaled, with_replicas
from ..rendering import Rendering
from . import kept
from .conduct import names
from .standing import COMPLETE, ENDED, ROLLED_BACK, ROLLING_BACK, Standing

Object = dict[str, t.Any]

GO, HELD, BACK = "go", "held", "back"
_KEY_NAME = "delivery-digests"
_KEY_FIELD = "key"


class Returning:
    """What clusters get back: what each had of the last good set, and of those that were none of its clusters the same
    set, with no part of replicas that were divided, so that their sum stays. What a chart gives is known only of
    clusters that had it.

    :param clusters: that have, or may have, something else.
    """

    def __init__(self, delivery: model.Delivery, good: kept.Good, clusters: t.Sequence[str]) -> None:
        self._good, self.clusters = good, tuple(clusters)
        reader = Reader()
        item = {key: value for key, value in good.item.items() if key != "chart"}
        self._charted = "chart" in good.item
        read = model.read({"name": delivery.name, "objects": ["kept"], **item}, reader, "kept")
        if reader.problems:
            raise PlatformError(f"delivery {delivery.name}: what the hub keeps of its last good set cannot be read")
        self._divided = read.division.way != DIVISIONS[0]
        self._plain = replace(read, division=Division())
        #: As it was declared then; what has to go for it may be much.
        self.delivery = replace(
            delivery,
            adopt=read.adopt, force=read.force, default_namespace=read.default_namespace, prune_limit=100,
        )  # fmt: skip

    def of(self, cluster: t.Mapping[str, t.Any], client: Client | None = None) -> Normal:
        """The objects for a cluster.

        :raises Refused: nobody knows what its chart gave there.
        """
        held = self._good.clusters.get(cluster["name"])
        if held is not None:
            return held
        if self._charted:
            raise Refused("its last good set was never there, and has a chart, so nobody knows what to go back to")
        made = Content(self._plain, self._good.declared, (), {}).of(cluster)
        return Normal(with_replicas(obj, 0) if self._divided and is_scaled(obj) else obj for obj in made)

    def replicas(self) -> dict[str, dict[str, int]]:
        """Nothing is divided anew."""
        return {}

    def warnings(self) -> list[str]:
        """None: what was good is known."""
        return []

    def problems(self) -> list[Problem]:
        """None: what was good is known."""
        return []


@dataclass(frozen=True)
class Way:
    """What is done about a delivery.

    :param what: C(go) on, C(held) as it stands, or C(back) to the last good set.
    :param digest: of what is C(declared), made by the C(hasher).
    :param standing: as the hub records it.
    :param returning: what clusters get back.
    """

    what: str
    digest: str
    declared: Normal = field(repr=False)
    hasher: kept.Hasher = field(repr=False)
    standing: Standing | None = None
    returning: Returning | None = None

    def told(self, name: str) -> str:
        """Why nothing is done, and what to do."""
        standing = self.standing
        if standing is None or self.what != HELD:
            return ""
        again = f"Change the declaration, or try it again with delivery_resume={name}"
        why = f": {standing.reason}" if standing.reason else ""
        if standing.state == ROLLED_BACK:
            return f"what is declared was rolled back{why}. {again}"
        parts = [f"its rollout has stopped{why}"]
        parts += [f"failed: {names(sorted(standing.failed))}"] if standing.failed else []
        parts += [f"not begun: {names(standing.waiting)}"] if standing.waiting else []
        back = f", or go back to the last good set with delivery_rollback={name}" if standing.good else ""
        return f"{'; '.join(parts)}. {again}{back}"


class Ways:
    """Decides what is done about deliveries with a rollout, by their names.

    :param contents: by delivery, the objects as declared.
    :param standings: by delivery, how its rollout stands.
    :param charts: by delivery that has one, what renders it.
    :param hub: asked for the key of digests where a set holds Secrets, and for the set to which one goes back.
    :ivar opening: steps on the hub before anything else.
    :raises InvalidInput: an argument is wrong, or there is nothing to go back to.
    """

    def __init__(
        self,
        params: t.Mapping[str, t.Any],
        deliveries: t.Sequence[model.Delivery],
        contents: t.Mapping[str, Normal],
        standings: t.Callable[[str], Standing | None],
        hub: Client,
        charts: t.Mapping[str, Rendering],
    ) -> None:
        self._charts = charts
        self._resume, self._rollback, self._hub = set(params["resume"]), set(params["rollback"]), hub
        self._target = params["hub"]
        self.opening: list[Step] = []
        self.warnings: list[str] = []
        self._keyed: kept.Hasher | None = None
        rolled = [one for one in deliveries if one.rollout is not None]
        self._check(params, {one.name for one in rolled}, {one.name for one in deliveries})
        self.found = {one.name: self._way(one, contents[one.name], standings(one.name)) for one in rolled}

    def _check(self, params: t.Mapping[str, t.Any], rolled: set[str], chosen: set[str]) -> None:
        problems = []
        for key in ("resume", "rollback"):
            for name in dict.fromkeys(params[key]):
                if name not in chosen:
                    reason = f"is no delivery of this run; there are {', '.join(sorted(chosen)) or 'none'}"
                    problems.append(Problem(key, name, reason, "Correct the name"))
                elif name not in rolled:
                    remedy = "Add rollout to it: the last good set is kept from then on"
                    problems.append(Problem(key, name, "is a delivery without a rollout", remedy))
        problems += [
            Problem("rollback", name, "is to be resumed as well", "Choose one of them")
            for name in sorted(self._resume & self._rollback)
        ]
        if problems:
            raise InvalidInput(problems)

    def _way(self, delivery: model.Delivery, objects: Normal, standing: Standing | None) -> Way:
        chart = self._charts.get(delivery.name)
        hasher = self._hasher(objects, chart is not None)
        item = kept.ways(delivery.item)
        digest = hasher.of_set(objects, item if chart is None else {**item, "files": chart.digest})
        if delivery.name in self._rollback:
            return self._back(delivery, digest, objects, hasher, standing)
        ended = standing is not None and standing.state in ENDED and standing.digest == digest
        if standing is not None and ended and standing.state == ROLLING_BACK and delivery.name not in self._resume:
            # A rollback that was killed, or did not reach every cluster, is taken up.
            return self._back(delivery, digest, objects, hasher, standing)
        if delivery.name in self._resume and not ended:
            self.warnings.append(
                f"delivery {delivery.name}: its rollout has not stopped, so there is nothing to resume"
            )
        held = ended and delivery.name not in self._resume
        return Way(HELD if held else GO, digest, objects, hasher, standing)

    def _back(
        self,
        delivery: model.Delivery,
        digest: str,
        objects: Normal,
        hasher: kept.Hasher,
        standing: Standing | None,
    ) -> Way:
        name = delivery.name
        if standing is not None and standing.state == ROLLED_BACK:
            return Way(HELD, digest, objects, hasher, standing)
        wrong = ""
        if standing is None or not standing.good:
            wrong = "has no last good set: it was not ready on all its clusters yet"
        elif standing.state == COMPLETE or standing.digest == standing.good:
            wrong = "is on its clusters as the last good set; older ones are not kept"
        if wrong or standing is None:
            raise InvalidInput([Problem("rollback", name, wrong, "Change the declaration, or withdraw it")])
        secret = self._hub.get("v1", "Secret", kept.secret_name(name), NAMESPACE)
        returning = Returning(delivery, kept.unpack(name, secret), standing.touched)
        return Way(BACK, digest, objects, hasher, standing, returning)

    def _hasher(self, objects: Normal, charted: bool) -> kept.Hasher:
        """With the hub's key where there is something to guess."""
        if not charted and not any(obj["kind"] == "Secret" for obj in objects):
            return kept.Hasher()
        if self._keyed is None:
            secret = self._hub.get("v1", "Secret", _KEY_NAME, NAMESPACE)
            key = _key(secret)
            if key is None:
                key = secrets.token_bytes(32)
                self.opening.append(_key_step(self._hub, key, self._target))
            self._keyed = kept.Hasher(key)
        return self._keyed


def _key(secret: t.Mapping[str, t.Any] | None) -> bytes | None:
    try:
        return base64.b64decode(str((secret or {})["data"][_KEY_FIELD]), validate=True) or None
    except (KeyError, TypeError, ValueError, binascii.Error):
        return None


def _key_step(hub: Client, key: bytes, target: str) -> Step:
    named = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": _KEY_NAME, "namespace": NAMESPACE}}
    secret = {**named, "data": {_KEY_FIELD: base64.b64encode(key).decode()}}
    return Step(
        id=f"v1/Secret/{NAMESPACE}/{_KEY_NAME}",
        action="create",
        target=target,
        description=f"create Secret {NAMESPACE}/{_KEY_NAME}",
        after=named,
        perform=lambda: hub.apply(secret, force=True),
        wave=PARENT_WAVE,
    )

# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which delivery is held where, and which leaves a cluster: what is decided against what is recorded and seen.

Private to the collection.
"""

from __future__ import annotations

import typing as t

from ..declaration import DNS_LABEL, DNS_LABEL_RULE, shown
from ..errors import InvalidInput, Problem
from ..kube.client import Client
from ..kube.token import stamp
from . import failover
from .act import Move
from .decisions import Decision
from .failover_rule import Mark, Rule
from .look import CLEAR, HOLD, LEAVE, Found, Work
from .model import Delivery
from .record import Records, render
from .rollout.marks import Progress, drop_step, keep_step, marks
from .rollout.way import BACK, HELD, Way, Ways

Object = t.Mapping[str, t.Any]


class Assembly:
    """What is decided and recorded of the deliveries of a run.

    :ivar hold: by delivery, the clusters that are decided.
    :ivar leave: by delivery, recorded clusters that are not.
    :ivar unrecorded: deliveries of which only the clusters know where they are.
    :ivar left: by delivery and cluster, C(state) and C(reason) of what this run does nothing about.
    :param ways: what is done about those with a rollout.
    :raises InvalidInput: a delivery is to be withdrawn that is declared for clusters.
    """

    def __init__(
        self,
        params: t.Mapping[str, t.Any],
        deliveries: t.Sequence[Delivery],
        decisions: t.Mapping[str, Decision],
        records: Records,
        ways: Ways,
    ) -> None:
        self.clusters: t.Mapping[str, Object] = params["clusters"]
        self.deliveries, self._decisions, self._records, self._ways = deliveries, decisions, records, ways
        self._hub, self._withdraw = params["hub"], list(dict.fromkeys(params["withdraw"]))
        self._rollback = set(params["rollback"])
        #: With these the others are left as they are, and nothing leaves a cluster.
        self._only = frozenset(params["only"]) or None
        self._presumed = frozenset(params["presume_lost"])
        self.hold: dict[str, tuple[str, ...]] = {}
        self.leave: dict[str, list[str]] = {}
        self.unrecorded: list[str] = []
        self.left: dict[str, dict[str, dict[str, str]]] = {}
        self.problems: list[str] = []
        self.warnings: list[str] = list(ways.warnings)
        self._check_withdrawn()
        for one in deliveries:
            self._of_declared(one.name)
        declared = {str(item.get("name")) for item in params["deliveries"]} | {one.name for one in deliveries}
        self._of_others(declared, bool(params["names"] or self._only))

    def _check_withdrawn(self) -> None:
        problems = []
        if self._withdraw and self._only is not None:
            reason, remedy = "a delivery leaves all clusters or none", "Run without a limit to some clusters"
            problems.append(Problem("withdraw", self._withdraw, reason, remedy))
        for name in self._withdraw:
            decision = self._decisions.get(name)
            if not DNS_LABEL.fullmatch(name):
                remedy = "Give the name of a delivery"
                problems.append(Problem("withdraw", shown(name), f"is not a name: {DNS_LABEL_RULE}", remedy))
            elif decision is not None and (decision.places or decision.unknown):
                reason = f"is declared, and is for {', '.join(decision.places) or decision.unknown}"
                problems.append(Problem("withdraw", name, reason, "Remove it from deliveries first"))
        if problems:
            raise InvalidInput(problems)

    def _of_declared(self, name: str) -> None:
        decision, recorded, way = self._decisions[name], self._records.clusters(name), self._ways.found.get(name)
        if way is not None and self._only is not None:
            reason = "it has a rollout, which goes over all of its clusters: run without a limit to some of them"
            self._left_alone(name, recorded, reason)
        elif way is not None and way.what == HELD:
            self._left_standing(name, way, {*recorded, *decision.clusters})
        elif way is not None and way.returning is not None:
            self.hold[name] = tuple(one for one in way.returning.clusters if one in self.clusters)
            self.leave[name] = []
        elif decision.unknown:
            where = f"it stays on {', '.join(recorded)}" if recorded else "it is nowhere yet"
            self._left_alone(name, recorded, f"{decision.unknown}; {where}")
        elif recorded and not decision.clusters and not decision.waiting and name not in self._withdraw:
            reason = f"no cluster is decided for it any more; it stays on {', '.join(recorded)}, unless it is withdrawn"
            self._left_alone(name, recorded, reason)
        else:
            self._of_decided(name, decision, recorded)

    def _of_decided(self, name: str, decision: Decision, recorded: t.Sequence[str]) -> None:
        """One of which it is known where it goes, if it must not wait for clusters that do not answer."""
        leaving = [cluster for cluster in recorded if cluster not in decision.clusters]
        self.hold[name] = decision.clusters
        if self._only is not None:
            # What it leaves is not asked, so nothing proves that a new copy would be the only one.
            alone = leaving and any(one.failover.forbids for one in self.deliveries if one.name == name)
            held = [cluster for cluster in decision.clusters if cluster in self._only]
            self.hold[name] = tuple(cluster for cluster in held if cluster in recorded or not alone)
        elif not decision.waiting:
            self.leave[name] = leaving
            if name not in self._records.names:
                self.unrecorded.append(name)
        for cluster, why in decision.waiting.items():
            self._note(name, cluster, "waiting", why)
        for cluster in leaving if decision.waiting else ():
            reason = f"it stays there while {', '.join(sorted(decision.waiting))} must wait"
            self.left[name].setdefault(cluster, {"state": "kept", "reason": reason})

    def _left_alone(self, name: str, recorded: t.Iterable[str], reason: str) -> None:
        self.problems.append(f"delivery {name}: {reason}")
        self.left[name] = {cluster: {"state": "waiting", "reason": reason} for cluster in recorded}

    def _left_standing(self, name: str, way: Way, clusters: t.Collection[str]) -> None:
        """A rollout that has ended is not taken up by itself."""
        standing = way.standing
        if standing is None:
            return
        if name not in self._rollback:
            self.problems.append(f"delivery {name}: {way.told(name)}")
        why = dict.fromkeys(clusters, f"the rollout is {standing.state.replace('_', ' ')}")
        why |= dict.fromkeys(standing.waiting, "it was not begun")
        why |= {cluster: f"it failed: {reason}" for cluster, reason in standing.failed.items()}
        self.left[name] = {one: {"state": standing.state, "reason": why[one]} for one in sorted(clusters)}

    def _of_others(self, declared: t.Collection[str], chosen: bool) -> None:
        """Deliveries that are recorded, or to be withdrawn, and not declared."""
        for name in self._withdraw:
            if name not in declared and name not in self._records.names:
                self.leave[name] = []
                self.unrecorded.append(name)
        for name in self._records.names:
            recorded = self._records.clusters(name)
            if name in declared:
                continue
            if name in self._withdraw:
                self.leave[name] = recorded
            elif not chosen:
                self.warnings.append(
                    f"delivery {name} is no longer declared, and stays on {', '.join(recorded) or 'no cluster'}: "
                    "declare it again, or withdraw it"
                )

    def moves(self, hub: Client, found: t.Mapping[str, Found]) -> list[Move]:
        """What is to be done, from what was seen of the clusters; notes what cannot be done.

        :param hub: that writes the records.
        """
        declared = {one.name: one for one in self.deliveries}
        moves = []
        for name in dict.fromkeys([*self.hold, *self.leave]):
            one = declared.get(name)
            works = [work for seen in found.values() for work in seen.works if work.delivery == name]
            broken = self._broken(name, found, [work.cluster for work in works if work.what == HOLD])
            left = [work.cluster for work in works if work.what == LEAVE]
            gone = self._unreached(name, found, left)
            silent = [cluster for cluster in self.leave.get(name, ()) if cluster not in gone and cluster not in left]
            works, away = self._after_failover(name, works, silent, one.failover if one is not None else Rule())
            if broken:
                works = self._without_leaving(name, works, broken)
            recorded = set(self._records.clusters(name))
            during = recorded | {work.cluster for work in works}
            after = during - gone - {work.cluster for work in works if work.what != HOLD}
            way = self._ways.found.get(name)
            if one is not None and way is not None and after:
                moves.append(self._rolling(hub, one, way, works, broken, (during, after), away))
                continue
            opening, closing = self._records.steps(hub, self._hub, name, during, after, lost=away)
            if self._records.standing(name) is not None:
                closing = [drop_step(hub, name, self._hub), *closing]
            moves.append(
                Move(name, tuple(works), tuple(opening), tuple(closing), one.wait if one is not None else None)
            )
        self._warn_of_presumed(found)
        return moves

    def _warn_of_presumed(self, found: t.Mapping[str, Found]) -> None:
        for cluster in sorted(self._presumed):
            if cluster in found and found[cluster].state == "usable":
                self.warnings.append(f"{cluster} is presumed lost, and it answers: nothing is presumed of it")

    def _rolling(
        self,
        hub: Client,
        delivery: Delivery,
        way: Way,
        works: t.Sequence[Work],
        broken: t.Iterable[str],
        places: tuple[set[str], set[str]],
        away: t.Mapping[str, Mark],
    ) -> Move:
        """The move of a delivery with a rollout.

        :param places: the clusters on which it may be during the run, and after.
        :param away: those that were replaced while they did not answer.
        """
        name, (during, after) = delivery.name, places
        held = {work.cluster: work for work in works if work.what == HOLD}
        lost = {cluster: self.left[name][cluster]["reason"] for cluster in broken}
        noted = marks(way, delivery, self._decisions[name].groups, held, lost)
        opening, closing = self._records.steps(hub, self._hub, name, during, after, (noted.during, noted.after), away)
        first, self._ways.opening = self._ways.opening, []
        if noted.good is not None:
            known = way.standing.good if way.standing is not None else ""
            closing = [keep_step(hub, name, noted.good, known, self._hub), *closing]
        progress = None
        if noted.moving and noted.during is not None:
            progress = Progress(
                lambda standing: hub.apply(render(name, during, standing, away), force=True),
                noted.during,
                way.what == BACK,
            )
        return Move(
            name, tuple(works), (*first, *opening), tuple(closing), delivery.patience, noted.pace, progress,
            way.what == BACK,
        )  # fmt: skip

    def _after_failover(
        self, name: str, works: t.Sequence[Work], silent: t.Collection[str], rule: Rule
    ) -> tuple[list[Work], dict[str, Mark]]:
        """The works that the rule allows, and the marks of the clusters that were replaced.

        :param silent: clusters that it leaves, and that do not answer.
        """
        before, decision = self._records.lost(name), self._decisions.get(name)
        if decision is None or name in self._withdraw:
            return list(works), before
        found, kept = failover.sorted_out(works, before, rule)
        for cluster in kept:
            reason = (
                f"it answers again, and was replaced at {before[cluster].since}: its copy stays (surplus: keep) until "
                "the rule says remove, or the delivery is decided for it again"
            )
            self.left.setdefault(name, {})[cluster] = {"state": "surplus", "reason": reason}
            self.warnings.append(f"delivery {name}: {cluster}: surplus: {reason}")
        presumed = self._presumed if rule.forbids else frozenset()
        unproven = sorted(set(silent) - set(before) - presumed) if rule.forbids else []
        if unproven and set(decision.clusters) - set(self._records.clusters(name)):
            reason = f"nothing is begun while it may run on {', '.join(unproven)} (duplicates: forbid)"
            for work in (work for work in found if work.what != CLEAR):
                self._note(name, work.cluster, "waiting", reason)
            found = [work for work in found if work.what == CLEAR]
        return found, failover.marked(before, silent, decision, presumed, stamp())

    def _broken(self, name: str, found: t.Mapping[str, Found], held: t.Collection[str]) -> list[str]:
        """The decided clusters on which it cannot be held now."""
        broken = [cluster for cluster in self.hold.get(name, ()) if cluster not in held]
        for cluster in broken:
            one = found[cluster]
            reason = one.problems.get(name) or one.reason
            self._note(name, cluster, "refused" if one.state == "usable" else one.state, reason)
        return broken

    def _unreached(self, name: str, found: t.Mapping[str, Found], seen: t.Collection[str]) -> set[str]:
        """Notes clusters that it should leave and that cannot be asked. Returns those that are none any more."""
        gone = set()
        for cluster in self.leave.get(name, ()):
            one = found[cluster]
            if one.gone:
                gone.add(cluster)
            elif cluster not in seen:
                reason = one.problems.get(name) or one.reason
                self._note(
                    name, cluster, "refused" if one.state == "usable" else one.state, f"it stays there: {reason}"
                )
        if name in self.unrecorded:
            unasked = [one.name for one in found.values() if one.delivered is None and not one.gone]
            unasked = [cluster for cluster in unasked if cluster not in self.hold.get(name, ())]
            if unasked:
                self.warnings.append(f"delivery {name}: nobody knows whether it is on {', '.join(unasked)}")
        return gone

    def _without_leaving(self, name: str, works: t.Iterable[Work], broken: t.Sequence[str]) -> list[Work]:
        kept = []
        for work in works:
            if work.what != LEAVE:
                kept.append(work)
            else:
                reason = f"it stays there, since it is not on {', '.join(broken)} yet"
                self.left.setdefault(name, {})[work.cluster] = {"state": "kept", "reason": reason}
        return kept

    def _note(self, name: str, cluster: str, state: str, reason: str) -> None:
        self.left.setdefault(name, {})[cluster] = {"state": state, "reason": reason}
        self.problems.append(f"delivery {name}: {cluster}: {state}: {reason}")

    def summary(self, moves: t.Sequence[Move]) -> dict[str, dict[str, t.Any]]:
        """By delivery, the clusters that are decided, and those that it leaves in this run."""
        leaving = {move.delivery: sorted(one.cluster for one in move.works if one.what != HOLD) for move in moves}
        return {
            name: {"clusters": list(self.hold.get(name, ())), "leaving": leaving.get(name, [])}
            for name in dict.fromkeys([*(one.name for one in self.deliveries), *self.hold, *self.leave])
        }

    def rollouts(self, moves: t.Sequence[Move]) -> dict[str, dict[str, t.Any]]:
        """By delivery with a rollout, what is done about it, and its stages with the clusters that are changed."""
        by_name = {move.delivery: move for move in moves}
        return {
            name: {
                "digest": way.digest,
                "state": way.standing.state if way.standing is not None else None,
                "way": way.what,
                "stages": by_name[name].stages() if name in by_name else [],
            }
            for name, way in self._ways.found.items()
        }

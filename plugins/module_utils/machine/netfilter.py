# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which rules, chains, sets and tables of a machine's packet filter are those of a cluster. Pure. Private to the
collection.

Ours are the chains of kubelet, kube-proxy, kube-router and the CNI plugins, the rules of any chain that lead into them,
those that name a set or an interface that only they make, and those with a comment of kube-router's. Everything else is
somebody else's.
"""

from __future__ import annotations

import itertools
import shlex
import typing as t
from dataclasses import dataclass, field

_CHAINS = ("KUBE-", "CNI-")
_SETS = ("KUBE-", "kube-router-", "inet6:KUBE-", "inet6:kube-router-")
#: Of rules by which kube-router accepts, in chains of everybody.
_COMMENTS = (
    "KUBE-ROUTER rule to explicitly ACCEPT traffic that comply to network policies",
    "allow outbound node port traffic on node interface with which node ip is associated",
    "allow inbound traffic to pods",
    "allow outbound traffic from pods",
)
#: Interfaces that a node's pods and Services hang on.
INTERFACES = ("kube-bridge", "kube-dummy-if", "kube-ipvs0")
#: Tables of nftables that kube-proxy and the CNI plugins make, whatever their family.
_TABLES = ("kube-proxy", "cni_hostport", "cni_plugins_masquerade")


@dataclass
class Table:
    """A table as iptables-save shows it.

    :param chains: policy by name, C("-") of a user's chain.
    :param rules: C(-A CHAIN ...), as they stand there.
    """

    name: str
    chains: dict[str, str] = field(default_factory=dict)
    rules: list[str] = field(default_factory=list)

    def own_chains(self) -> list[str]:
        """The chains that are ours."""
        return sorted(name for name in self.chains if is_own_chain(name))

    def own_rules(self) -> list[str]:
        """The rules of other chains that are ours."""
        return [rule for rule in self.rules if not is_own_chain(_chain_of(rule)) and is_own_rule(rule)]

    def empty_chains(self) -> list[str]:
        """The kernel's chains that hold nothing when what is ours is gone, and refuse nothing."""
        rules = set(self.own_rules())
        used = {_chain_of(rule) for rule in self.rules if rule not in rules}
        return sorted(name for name, policy in self.chains.items() if policy == "ACCEPT" and name not in used)

    def foreign(self) -> bool:
        """Whether anything is left when what is ours is gone: a rule, a chain, or a policy that refuses."""
        return bool({name for name in self.chains if not is_own_chain(name)} - set(self.empty_chains()))


def is_own_chain(name: str) -> bool:
    """Whether a chain of iptables is of a cluster."""
    return name.startswith(_CHAINS)


def is_own_set(name: str) -> bool:
    """Whether a set of ipset is of a cluster."""
    return name.startswith(_SETS)


def is_own_table(table: str) -> bool:
    """Whether a table of nftables, as C(family name), is of a cluster."""
    return table.partition(" ")[2] in _TABLES


def is_own_rule(rule: str) -> bool:
    """Whether a rule, of whatever chain, is of a cluster."""
    words = shlex.split(rule)
    for option, value in itertools.pairwise(words):
        if option in ("-j", "-g", "--jump", "--goto") and is_own_chain(value):
            return True
        if option == "--match-set" and is_own_set(value):
            return True
        if option == "--comment" and value in _COMMENTS:
            return True
        if option in ("-i", "-o", "--physdev-in", "--physdev-out") and value in INTERFACES:
            return True
    return False


def _chain_of(rule: str) -> str:
    return rule.split(" ", 2)[1]


def parse(saved: str) -> list[Table]:
    """Reads what iptables-save prints."""
    tables: list[Table] = []
    for line in saved.splitlines():
        if line.startswith("*"):
            tables.append(Table(line[1:].strip()))
        elif line.startswith(":") and tables:
            name, policy = line[1:].split()[:2]
            tables[-1].chains[name] = policy
        elif line.startswith("-A ") and tables:
            tables[-1].rules.append(line)
    return tables


def own(tables: t.Iterable[Table]) -> list[str]:
    """What is ours in words, for plans: C(filter KUBE-FORWARD), C(filter -A FORWARD ...)."""
    return [f"{table.name} {item}" for table in tables for item in [*table.own_rules(), *table.own_chains()]]


def undoing(tables: t.Iterable[Table]) -> str:
    """What iptables-restore --noflush must read to take away what is ours, and nothing else."""
    lines: list[str] = []
    for table in tables:
        rules, chains = table.own_rules(), table.own_chains()
        if not rules and not chains:
            continue
        lines.append(f"*{table.name}")
        lines += ["-D" + rule.removeprefix("-A") for rule in rules]
        # A chain can be removed once nothing leads into it, so all are emptied first.
        lines += [f"-F {chain}" for chain in chains]
        lines += [f"-X {chain}" for chain in chains]
        lines.append("COMMIT")
    return "".join(f"{line}\n" for line in lines)

# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Helm chart of a delivery, and the values of each cluster: read from plain data. Pure.

Private to the collection.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ..declaration import DNS_LABEL, DNS_LABEL_RULE, Reader
from ..fleet.cluster_choice import check_selector
from ..fleet.identity import NAMESPACE
from ..kube.helm import OCI, Registry
from ..labels import matches
from .patches import veiled

Object = dict[str, t.Any]

KEYS = (
    "source", "version", "release_name", "namespace", "values", "values_files", "cluster_values", "include_crds",
    "hooks", "ca_file", "username", "password",
)  # fmt: skip
VALUES_KEYS = ("clusters", "values", "values_files")
#: What becomes of hooks: the chart is refused, they are objects like others, or they are left out.
HOOKS = ("refuse", "objects", "leave_out")
#: The longest name of a release that helm takes.
_LONGEST_RELEASE = 53
_LONGEST_PATH = 4096
_REMOTE = ("version", "ca_file", "username", "password")
_PATH = re.compile(r"[^\x00-\x1f\x7f]+")
_FILE = re.compile(r'[^\x00-\x1f\x7f,"]+')
_FILE_RULE = "a path is text of one line, and helm takes none with a comma or a quotation mark"
_REFERENCE = re.compile(
    r"oci://[A-Za-z0-9][-A-Za-z0-9.]*(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+(@sha256:[0-9a-f]{64})?"
)
_USERNAME = re.compile(r"[^:\x00-\x1f\x7f]+")
_VERSION = re.compile(r"v?[0-9]+\.[0-9]+\.[0-9]+([-+][-+.0-9A-Za-z]+)?")


@dataclass(frozen=True)
class ClusterValues:
    """Values of some clusters: an empty selector means all."""

    selector: t.Mapping[str, t.Any] = field(default_factory=dict)
    values: t.Mapping[str, t.Any] = field(default_factory=dict, repr=False)
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chart:
    """A chart, and what it is rendered with.

    :param source: a directory, an archive, or a reference that begins with C(oci://).
    :param values: those of all clusters first, then those that are for some, in their order.
    :param hooks: one of :data:`HOOKS`.
    """

    source: str
    version: str = ""
    release: str = ""
    namespace: str = ""
    values: tuple[ClusterValues, ...] = ()
    include_crds: bool = False
    hooks: str = HOOKS[0]
    registry: Registry = field(default_factory=Registry)

    @property
    def is_remote(self) -> bool:
        """True for one that a registry has."""
        return self.source.startswith(OCI)

    def values_of(self, cluster: t.Mapping[str, t.Any]) -> tuple[tuple[str, ...], Object]:
        """The files of values for a cluster, in their order, and the values that win over all of them."""
        chosen = [one for one in self.values if matches(one.selector, cluster.get("labels") or {})]
        found: Object = {}
        for one in chosen:
            found = overlaid(found, one.values)
        return tuple(file for one in chosen for file in one.files), found


def overlaid(below: t.Any, above: t.Any) -> t.Any:
    """Values with others over them, as helm merges files: mappings are merged, everything else replaces. ``null`` is
    kept, since it removes what the chart itself says.
    """
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return {**below, **{key: overlaid(below[key], part) if key in below else part for key, part in above.items()}}


def read_chart(item: t.Mapping[str, t.Any], reader: Reader, key: str, default_name: str) -> Chart | None:
    """The chart of an item of C(deliveries); None where it has none. Problems are left with the reader."""
    if item.get("chart") is None:
        return None
    part = reader.mapping(veiled(item["chart"], KEYS), key, KEYS)
    if item.get("default_namespace") is not None:
        reason = "stands beside a chart, whose namespace is that of all objects which name none"
        reader.problem(f"{key}.namespace", item["default_namespace"], reason, "remove default_namespace")
    source = _source(part, reader, key)
    return Chart(
        source=source,
        version=_version(part, source, reader, key),
        release=reader.text(
            part.get("release_name", default_name or "x"), f"{key}.release_name", DNS_LABEL,
            f"{DNS_LABEL_RULE}; that of a release has at most {_LONGEST_RELEASE}", _LONGEST_RELEASE,
        ),
        namespace=_namespace(part, reader, f"{key}.namespace"),
        values=(
            ClusterValues({}, _values(part, reader, key), _files(part, reader, key)),
            *(
                _cluster_values(value, reader, f"{key}.cluster_values[{place}]")
                for place, value in enumerate(reader.sequence(part.get("cluster_values"), f"{key}.cluster_values"))
            ),
        ),
        include_crds=reader.boolean(part.get("include_crds", False), f"{key}.include_crds"),
        hooks=reader.choice(part.get("hooks", HOOKS[0]), f"{key}.hooks", HOOKS),
        registry=_registry(part, source, reader, key),
    )  # fmt: skip


def _source(part: Object, reader: Reader, key: str) -> str:
    source = part.get("source")
    if isinstance(source, str) and source.startswith(OCI):
        rule = "a chart in a registry is oci://host[:port]/path, maybe with @sha256:..., and its version is version"
        return reader.text(source, f"{key}.source", _REFERENCE, rule, 500)
    if isinstance(source, str) and re.match(r"[a-z+]+://", source):
        reason = "is no source of charts: a directory or a .tgz on this machine, or oci://"
        reader.problem(f"{key}.source", source, reason, "pull the chart, or push it to a registry")
        return ""
    return reader.text(source, f"{key}.source", _PATH, "a chart is a path or oci://...", _LONGEST_PATH)


def _version(part: Object, source: str, reader: Reader, key: str) -> str:
    """A registry's chart is named whole, so that every run renders the same one."""
    where, digest = f"{key}.version", "@" in source
    if not source.startswith(OCI):
        for name in _REMOTE:
            if part.get(name) is not None:
                told = None if name == "password" else part[name]
                reader.problem(f"{key}.{name}", told, "is for a chart in a registry (oci://)", "remove it")
        return ""
    if part.get("version") is None and digest:
        return ""
    rule = "a chart in a registry is named by its whole version, such as 1.2.3, or by its digest"
    if digest:
        reader.problem(where, part["version"], "the digest names the chart already", "remove one of them")
    return reader.text(part.get("version"), where, _VERSION, rule, 100)


def _namespace(part: Object, reader: Reader, key: str) -> str:
    if part.get("namespace") == NAMESPACE:
        reader.problem(key, NAMESPACE, "is the platform's own namespace", "choose another namespace")
    return reader.text(part.get("namespace"), key, DNS_LABEL, f"a release has a namespace, and {DNS_LABEL_RULE}", 63)


def _values(part: Object, reader: Reader, key: str) -> Object:
    values = part.get("values")
    if values is None or isinstance(values, dict):
        return values or {}
    # They may be secret, so they are not repeated.
    found = type(values).__name__
    reader.problem(f"{key}.values", found, "is no mapping of values", "write it as a mapping")
    return {}


def _files(part: Object, reader: Reader, key: str) -> tuple[str, ...]:
    found = reader.texts(part.get("values_files"), f"{key}.values_files", _FILE, _FILE_RULE, _LONGEST_PATH)
    return tuple(file for file in found if file)


def _cluster_values(value: t.Any, reader: Reader, key: str) -> ClusterValues:
    part = reader.mapping(veiled(value, VALUES_KEYS), key, VALUES_KEYS)
    chosen = reader.mapping(part.get("clusters"), f"{key}.clusters", ("selector",))
    check_selector(chosen.get("selector"), reader, f"{key}.clusters.selector")
    if isinstance(value, dict) and not part.get("values") and not part.get("values_files"):
        reader.problem(key, sorted(map(str, value)), "says nothing", "give values or values_files")
    return ClusterValues(chosen.get("selector") or {}, _values(part, reader, key), _files(part, reader, key))


def _registry(part: Object, source: str, reader: Reader, key: str) -> Registry:
    if not source.startswith(OCI):
        return Registry()
    username, password = part.get("username"), part.get("password")
    if (username is None) != (password is None):
        missing = "password" if password is None else "username"
        reader.problem(f"{key}.{missing}", None, "a user name and a password belong together", f"give {missing}")
    if username is not None:
        reader.text(username, f"{key}.username", _USERNAME, "a user name is text of one line without a colon")
    if password is not None and (not isinstance(password, str) or not password):
        reader.problem(f"{key}.password", type(password).__name__, "is no text, or empty", "quote it")
    ca_file = part.get("ca_file")
    if ca_file is not None:
        reader.text(ca_file, f"{key}.ca_file", _PATH, "a path is text of one line", _LONGEST_PATH)
    return Registry(str(ca_file or ""), str(username or ""), str(password or ""))

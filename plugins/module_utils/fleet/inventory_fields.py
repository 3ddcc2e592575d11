# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads typed values from the declaration and gathers what is wrong with them. Pure. Private to the collection."""

from __future__ import annotations

import difflib
import re
import typing as t

from ..declaration import DNS_SUBDOMAIN, is_label_key, is_label_value, shown
from ..errors import Problem

#: Linux interface names are at most 15 bytes (IFNAMSIZ); the characters are those that need no quoting anywhere.
INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@:-]{0,14}")
#: Flags of Kubernetes components.
FLAG_NAME = re.compile(r"[a-z][a-z0-9-]{0,99}")
PREFLIGHT_CHECK = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,199}")
#: A path of one line, without what a shell or a template would read as more than a path.
PATH = re.compile(r"[^\x00-\x1f\x7f`$;&|<>{}\"'\\*?]{1,1024}")

Fits: t.TypeAlias = "re.Pattern[str] | t.Callable[[str], object]"

#: Why a key is refused that nobody reads.
UNKNOWN_KEY = "is not a known key"

_TRUE, _FALSE = ("true", "yes", "on"), ("false", "no", "off")


def kind_of(value: t.Any) -> str:
    """What YAML made of a value, in an operator's words."""
    for kind, name in ((bool, "a boolean"), (int, "a number"), (float, "a number"), (str, "a string")):
        if isinstance(value, kind):
            return name
    if isinstance(value, t.Mapping):
        return "a mapping"
    return "a list" if isinstance(value, list) else f"a {type(value).__name__}"


def suggestion(key: str, known: t.Iterable[str]) -> str:
    """Remedy for an unknown key: the known one that it resembles, or all of them."""
    names = list(known)
    close = difflib.get_close_matches(key, names, 1, 0.6)
    return f"Did you mean {close[0]}" if close else f"Remove it, or use one of: {', '.join(names)}"


def is_dns_name(text: str) -> bool:
    """True for an RFC 1123 subdomain of at most 253 characters, with labels of at most 63."""
    return len(text) <= 253 and DNS_SUBDOMAIN.fullmatch(text) is not None and max(map(len, text.split("."))) <= 63


class Fields:
    """One mapping of the declaration. Every reader returns a usable value, and notes what is wrong with the real one.

    :param where: prefix of the keys in problems: ``east: ``.
    :param problems: what is wrong is appended here.
    """

    def __init__(self, where: str, values: t.Mapping[str, t.Any], problems: list[Problem]) -> None:
        self.where = where
        self.values = values
        self.problems = problems

    def wrong(self, key: str, reason: str, remedy: str) -> None:
        """Notes a problem of the key."""
        self.problems.append(Problem(self.where + key, shown(self.values.get(key)), reason, remedy))

    def given(self, key: str) -> bool:
        """True when the key is there and is not null."""
        return self.values.get(key) is not None

    def text(self, key: str, fits: Fits, allowed: str, default: str | None = None) -> str | None:
        """A string that the whole pattern, or the predicate, fits. ``allowed`` completes "must be ..."."""
        value = self.values.get(key)
        if value is None:
            return default
        if not isinstance(value, str):
            self.wrong(key, f"must be {allowed}, but is {kind_of(value)}", "Put quotes around it if it is meant so")
            return default
        if not (fits(value) if callable(fits) else fits.fullmatch(value)):
            self.wrong(key, f"must be {allowed}", "Correct it")
            return default
        return value

    def choice(self, key: str, allowed: t.Sequence[str], default: str) -> str:
        """One of the allowed words."""
        value = self.values.get(key)
        if value is None:
            return default
        if value not in allowed:
            self.wrong(key, f"must be one of {', '.join(allowed)}", suggestion(str(value), allowed))
            return default
        return str(value)

    def flag(self, key: str, default: bool) -> bool:
        """A boolean, or a word for one, since surveys and INI inventories know strings only."""
        value = self.values.get(key)
        if value is None:
            return default
        word = str(value).lower()
        if not isinstance(value, (bool, str)) or word not in _TRUE + _FALSE:
            self.wrong(key, "must be true or false", "Correct it")
            return default
        return word in _TRUE

    def number(self, key: str, low: int, high: int, default: int) -> int:
        """A whole number in the range, or a string of one."""
        value = self.values.get(key)
        if value is None:
            return default
        digits = isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}", value)
        if isinstance(value, bool) or not (isinstance(value, int) or digits) or not low <= int(value) <= high:
            self.wrong(key, f"must be a whole number from {low} to {high}", "Correct it")
            return default
        return int(value)

    def amount(self, key: str, most: float) -> float | None:
        """A number that need not be whole, from 0, or a string of one; None where it is not given."""
        value = self.values.get(key)
        if value is None:
            return None
        digits = isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}([.][0-9]{1,9})?", value)
        # Neither infinity nor what is no number is within bounds.
        if isinstance(value, bool) or not (isinstance(value, (int, float)) or digits) or not 0 <= float(value) <= most:
            self.wrong(key, f"must be a number from 0 to {most}", "Write for example 0.35 or 12")
            return None
        return float(value)

    def mapping(self, key: str) -> dict[str, t.Any]:
        """A mapping whose keys are strings; its values are for others to judge."""
        value = self.values.get(key)
        if value is None:
            return {}
        if not isinstance(value, t.Mapping):
            self.wrong(key, f"must be a mapping, but is {kind_of(value)}", "Write it as key: value pairs")
            return {}
        return {str(name): item for name, item in value.items()}

    def items(self, key: str) -> list[t.Any]:
        """A list; its items are for others to judge."""
        value = self.values.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.wrong(key, f"must be a list, but is {kind_of(value)}", "Write it as a list")
            return []
        return value

    def strings(self, key: str, fits: Fits, allowed: str) -> list[str]:
        """A list of strings that the pattern or predicate fits."""
        items = self.items(key)
        fields = Fields(self.where, {f"{key}[{index}]": item for index, item in enumerate(items)}, self.problems)
        found = [fields.text(name, fits, allowed) for name in fields.values]
        for name in fields.values:
            if not fields.given(name):
                fields.wrong(name, f"must be {allowed}", "Correct or remove it")
        return [item for item in found if item is not None]

    def section(self, key: str, known: t.Sequence[str]) -> Fields:
        """A mapping with known keys; others are problems."""
        fields = Fields(f"{self.where}{key}.", self.mapping(key), self.problems)
        fields.only(known)
        return fields

    def only(self, known: t.Sequence[str]) -> None:
        """Notes the keys that are not known."""
        for name in self.values:
            if name not in known:
                self.wrong(name, UNKNOWN_KEY, suggestion(str(name), known))

    def labels(self, key: str, reserved: tuple[str, ...] = ()) -> dict[str, str]:
        """Labels of a Kubernetes object, whose keys begin with none of the reserved prefixes."""
        answer: dict[str, str] = {}
        fields = Fields(f"{self.where}{key}.", self.mapping(key), self.problems)
        for name, value in fields.values.items():
            if not is_label_key(name):
                fields.wrong(
                    name, "the key is not that of a label: [prefix/]name, letters, digits, '-', '_', '.'", "Correct it"
                )
            elif name.startswith(reserved):
                fields.wrong(name, "is a label by which the platform knows its records", "Choose another prefix")
            elif not isinstance(value, str):
                fields.wrong(name, f"must be a string, but is {kind_of(value)}", "Put quotes around it")
            elif not is_label_value(value):
                fields.wrong(name, "must be at most 63 letters, digits, '-', '_' or '.'", "Correct it")
            else:
                answer[name] = value
        return answer

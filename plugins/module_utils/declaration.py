# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads plain data that an operator wrote, and collects everything that is wrong with it at once.

Shared by the packages that read items of platform-wide lists (tenancy, policy). Pure. Private to the collection.
"""

from __future__ import annotations

import difflib
import re
import typing as t

from .errors import Problem

#: On every namespace and object of a tenant: whose it is. NetworkPolicies and policies select by it.
TENANT_LABEL = "lodestar.platform/tenant"
#: Members of this group pass every policy; binding somebody to it is the way out of a policy that went wrong.
BREAK_GLASS_GROUP = "lodestar:break-glass"
#: What an item's C(description) becomes.
DESCRIPTION_ANNOTATION = "lodestar.platform/description"

#: RFC 1123 label, the rule for namespaces; ``fullmatch`` it, since ``$`` would accept a trailing newline.
DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
#: RFC 1123 subdomain, the rule for most object names (length is checked apart).
DNS_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
#: The part of a label or annotation key after the slash, and a label's value that is not empty.
_QUALIFIED = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
#: What an identity provider may call a user or a group: printable text without blanks at its ends.
SUBJECT = re.compile(r"[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?")
#: The longest piece of a wrong value that a message repeats.
_SHOWN = 80

DNS_LABEL_RULE = "a name has 1 to 63 characters out of a-z, 0-9 and '-', and begins and ends with a letter or digit"


def shown(value: t.Any) -> t.Any:
    """The value as a message may repeat it: long text is cut."""
    if isinstance(value, str):
        return value if len(value) <= _SHOWN else value[:_SHOWN] + "..."
    text = repr(value)
    return value if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def is_label_key(key: str) -> bool:
    """True for a valid label or annotation key: an optional DNS subdomain and a slash, then a qualified name."""
    prefix, slash, name = key.rpartition("/")
    if slash and (len(prefix) > 253 or DNS_SUBDOMAIN.fullmatch(prefix) is None):
        return False
    return _QUALIFIED.fullmatch(name) is not None


def is_label_value(value: str) -> bool:
    """True for a valid label value; the empty text is one."""
    return value == "" or _QUALIFIED.fullmatch(value) is not None


def item_key(group: str, item: t.Mapping[str, t.Any], place: int) -> str:
    """How an item of a list is called in problems: by its name, or by its place when the name could not be read."""
    name = item.get("name")
    legible = isinstance(name, str) and 0 < len(name) <= 63 and name.isprintable()
    return f"{group}[{name if legible else place}]"


class Reader:
    """Typed access to an operator's data. A wrong value becomes a :class:`Problem`, and something harmless."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def problem(self, key: str, value: t.Any, reason: str, remedy: str) -> None:
        """Notes one problem."""
        self.problems.append(Problem(key, shown(value), reason, remedy))

    def mapping(self, value: t.Any, key: str, allowed: t.Collection[str] = ()) -> dict[str, t.Any]:
        """A mapping; with ``allowed``, one that has no other keys. ``None`` is an empty one."""
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.problem(key, value, "is not a mapping", f"write it as a mapping{_of(allowed)}")
            return {}
        for name in value if allowed else ():
            if name not in allowed:
                near = difflib.get_close_matches(str(name), list(allowed), n=1)
                hint = f"did you mean {near[0]!r}? " if near else ""
                self.problem(
                    f"{key}.{shown(str(name))}", value[name], "is not a known key", f"{hint}Known are {_words(allowed)}"
                )
        return value

    def sequence(self, value: t.Any, key: str) -> list[t.Any]:
        """A list. ``None`` is an empty one; a text is not a list of characters."""
        if value is None:
            return []
        if not isinstance(value, list):
            self.problem(key, value, "is not a list", "write it as a list, one '- ' a line")
            return []
        return value

    def text(self, value: t.Any, key: str, pattern: re.Pattern[str], rule: str, longest: int = 253) -> str:
        """A text that matches the pattern whole and is no longer than ``longest``."""
        if isinstance(value, str) and len(value) <= longest and pattern.fullmatch(value) is not None:
            return value
        self.problem(
            key, value, f"is not allowed here: {rule}", "write a valid one, as text (quote what looks like a number)"
        )
        return ""

    def choice(self, value: t.Any, key: str, choices: t.Sequence[str]) -> str:
        """One of the choices; the first of them stands in for a wrong value."""
        if isinstance(value, str) and value in choices:
            return value
        near = difflib.get_close_matches(value, choices, n=1) if isinstance(value, str) else []
        hint = f"did you mean {near[0]!r}? " if near else ""
        self.problem(key, value, "is not a choice", f"{hint}Choose one of {_words(choices)}")
        return choices[0]

    def boolean(self, value: t.Any, key: str) -> bool:
        """A boolean that is written as one."""
        if not isinstance(value, bool):
            self.problem(key, value, "is not a boolean", "write true or false, without quotes")
        return value is True

    def texts(self, value: t.Any, key: str, pattern: re.Pattern[str], rule: str, longest: int = 253) -> list[str]:
        """A list of texts, each once."""
        items = [
            self.text(item, f"{key}[{place}]", pattern, rule, longest)
            for place, item in enumerate(self.sequence(value, key))
        ]
        for item in sorted({item for item in items if item and items.count(item) > 1}):
            self.problem(key, item, "is listed twice", "list it once")
        return items

    def labels(self, value: t.Any, key: str, reserved: t.Sequence[str] = ()) -> dict[str, str]:
        """A mapping of labels whose keys begin with none of the reserved prefixes."""
        read = self._metadata(value, key, reserved)
        for name, content in read.items():
            if not is_label_value(content):
                rule = "a label's value has at most 63 characters out of letters, digits, '-', '_' and '.'"
                self.problem(
                    f"{key}.{name}",
                    content,
                    f"is not a valid label value: {rule}",
                    "shorten it, or make it an annotation",
                )
        return read

    def annotations(self, value: t.Any, key: str, reserved: t.Sequence[str] = ()) -> dict[str, str]:
        """A mapping of annotations whose keys begin with none of the reserved prefixes."""
        return self._metadata(value, key, reserved)

    def _metadata(self, value: t.Any, key: str, reserved: t.Sequence[str]) -> dict[str, str]:
        read: dict[str, str] = {}
        for name, content in self.mapping(value, key).items():
            where = f"{key}.{shown(str(name))}"
            if not isinstance(name, str) or not is_label_key(name):
                self.problem(where, name, "is not a valid key", "write it as name or example.org/name")
            elif any(name.startswith(prefix) for prefix in reserved):
                self.problem(
                    where, content, f"is reserved: {_words(reserved)} belong to the platform", "choose another prefix"
                )
            elif not isinstance(content, str):
                self.problem(where, content, "is not text", "quote it")
            else:
                read[name] = content
        return read


def _words(names: t.Collection[str]) -> str:
    return ", ".join(names)


def _of(allowed: t.Collection[str]) -> str:
    return f" of {_words(allowed)}" if allowed else ""

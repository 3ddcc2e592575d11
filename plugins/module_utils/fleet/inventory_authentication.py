# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who signs people on to a created cluster: the variable C(cluster_authentication). Pure. Private to the collection.

It has the shape of Kubernetes' AuthenticationConfiguration (apiserver.config.k8s.io/v1). What only an API server can
judge, the expressions first of all, is judged by the one of the bundle.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t
import urllib.parse

from ..errors import Problem
from .inventory_fields import UNKNOWN_KEY, Fields, kind_of
from .inventory_registries import is_url

KEY = "cluster_authentication"
_ISSUER_KEYS = ("url", "discoveryURL", "audiences", "audienceMatchPolicy", "certificateAuthority")
_JWT_KEYS = ("issuer", "claimMappings", "claimValidationRules", "userValidationRules")
_MAPPING_KEYS = ("username", "groups", "uid", "extra")
#: What a text of one line may hold.
_LINE = re.compile(r"[^\x00-\x1f\x7f]+")
_PATH = re.compile(r"/[!-~]*")
_PEM = re.compile(r"\s*(-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*)+")
_HIDDEN = "(not shown)"
#: Arguments of an API server that say the same in another way, which it refuses beside the file.
_OTHER_WAYS = ("oidc-", "authentication-config")


def read(fields: Fields, created: bool, issuers: t.Collection[str]) -> dict[str, t.Any]:
    """The configuration as declared; empty where none is. Problems are left with the fields.

    :param created: the platform has made the cluster, and its API servers are ours to configure.
    :param issuers: of the cluster's own ServiceAccount tokens, which no other may be.
    """
    if not fields.given(KEY):
        return {}
    if not created:
        reason = "the API servers of an attached cluster are configured by whoever made it"
        fields.problems.append(
            Problem(fields.where + KEY, _HIDDEN, reason, "Remove it, and configure the issuer there")
        )
        return {}
    problems = len(fields.problems)
    part = fields.section(KEY, ("jwt", "anonymous"))
    entries = _entries(part, "jwt")
    urls: set[str] = set(issuers)
    for where, entry in entries:
        _check_jwt(Fields(f"{where}.", entry, part.problems), urls)
    _check_anonymous(part)
    _check_arguments(fields, part)
    if not entries and not part.given("anonymous") and len(fields.problems) == problems:
        fields.wrong(KEY, "configures nothing", "List issuers under jwt, or remove it")
    # Settings of clients, from which people copy, hold a secret.
    fields.problems[problems:] = [
        dataclasses.replace(item, value=_HIDDEN) if item.reason == UNKNOWN_KEY else item
        for item in fields.problems[problems:]
    ]
    return dict(part.values)


def _entries(part: Fields, key: str, required: bool = False) -> list[tuple[str, dict[str, t.Any]]]:
    """Where each mapping of a list stands, and the mapping."""
    found = []
    items = part.items(key)
    if required and not items:
        part.wrong(key, "is required, as a list that is not empty", "Correct it")
    for index, item in enumerate(items):
        where = f"{part.where}{key}[{index}]"
        if isinstance(item, t.Mapping):
            found.append((where, {str(name): value for name, value in item.items()}))
        else:
            part.problems.append(Problem(where, kind_of(item), "must be a mapping", "Write it as key: value pairs"))
    return found


def _check_jwt(jwt: Fields, urls: set[str]) -> None:
    jwt.only(_JWT_KEYS)
    _check_issuer(jwt.section("issuer", _ISSUER_KEYS), urls)
    mappings = jwt.section("claimMappings", _MAPPING_KEYS)
    if not mappings.given("username"):
        mappings.wrong("username", "is required", "Set {claim: ..., prefix: ...} or {expression: ...}")
    for name in ("username", "groups"):
        _check_mapping(mappings, name, ("claim", "prefix", "expression"))
    _check_mapping(mappings, "uid", ("claim", "expression"))
    for where, entry in _entries(mappings, "extra"):
        extra = Fields(f"{where}.", entry, mappings.problems)
        extra.only(("key", "valueExpression"))
        _require(extra, "key", "valueExpression")
    for where, entry in _entries(jwt, "claimValidationRules"):
        rule = Fields(f"{where}.", entry, jwt.problems)
        rule.only(("claim", "requiredValue", "expression", "message"))
        _one_of(rule, "claim", "expression")
    for where, entry in _entries(jwt, "userValidationRules"):
        rule = Fields(f"{where}.", entry, jwt.problems)
        rule.only(("expression", "message"))
        _require(rule, "expression")


def _check_issuer(issuer: Fields, urls: set[str]) -> None:
    for key in ("url", "discoveryURL"):
        address = _https(issuer, key)
        if address and address in urls:
            reason = "is the address of another issuer, or of the cluster's own tokens"
            issuer.wrong(key, reason, "Give each issuer its own")
        if address:
            urls.add(address)
    if not issuer.given("url"):
        issuer.wrong("url", "is required", "Set it to the issuer of the tokens, such as https://sso.example.org")
    audiences = issuer.strings("audiences", _LINE, "the audience of a token, as text of one line")
    if not issuer.items("audiences"):
        issuer.wrong("audiences", "is required: a token for others must not be good here", "List the client's id")
    elif len(set(audiences)) < len(audiences):
        issuer.wrong("audiences", "names one twice", "Name each once")
    policy = issuer.choice("audienceMatchPolicy", ("MatchAny",), "")
    if len(audiences) > 1 and not policy:
        reason = "is required with more than one audience"
        issuer.wrong("audienceMatchPolicy", reason, "Set MatchAny, or name one audience")
    authority = issuer.values.get("certificateAuthority")
    if authority is not None and not (isinstance(authority, str) and _PEM.fullmatch(authority)):
        # Whoever mistakes the files puts a key here.
        reason = "must be certificates in PEM, and nothing else"
        remedy = "Give the certificate of the authority that signs the issuer's, such as with the lookup file"
        issuer.problems.append(Problem(f"{issuer.where}certificateAuthority", _HIDDEN, reason, remedy))


def _https(part: Fields, key: str) -> str | None:
    """An HTTPS address without user, query and fragment, which may hold a password and are not shown."""
    value = part.values.get(key)
    if value is None:
        return None
    if isinstance(value, str) and set(value) & set("@?#"):
        reason = "must be an address without user, query and fragment"
        part.problems.append(Problem(f"{part.where}{key}", _HIDDEN, reason, "Remove them"))
        return None
    return part.text(key, _is_https, "an address that begins with https://")


def _is_https(text: str) -> bool:
    return is_url(text) and urllib.parse.urlsplit(text).scheme == "https"


def _check_mapping(mappings: Fields, key: str, known: t.Sequence[str]) -> None:
    if not mappings.given(key):
        return
    part = mappings.section(key, known)
    if not _one_of(part, "claim", "expression") or "prefix" not in known:
        return
    prefix = part.values.get("prefix")
    if part.given("claim") and not isinstance(prefix, str):
        reason = 'is required with a claim, as text; "" leaves names as the issuer has them'
        part.wrong("prefix", reason, "Set a prefix such as 'sso:'")
    elif isinstance(prefix, str) and prefix.startswith("system:"):
        reason = "would make names of Kubernetes itself of all that the issuer says"
        part.wrong("prefix", reason, "Choose another, such as 'sso:'")
    elif prefix and not part.given("claim"):
        part.wrong("prefix", "has no effect on an expression", "Remove it, and write it into the expression")
    elif prefix and not _LINE.fullmatch(prefix):
        part.wrong("prefix", "must be text of one line", "Correct it")


def _one_of(part: Fields, *keys: str) -> bool:
    _texts(part)
    if sum(part.given(key) for key in keys) == 1:
        return True
    part.wrong(keys[0], f"exactly one of {' and '.join(keys)} is required", "Set one of them")
    return False


def _require(part: Fields, *keys: str) -> None:
    for key in keys:
        if not part.given(key):
            part.wrong(key, "is required", "Set it")
    _texts(part)


def _texts(part: Fields) -> None:
    for key, value in part.values.items():
        if value is not None and not isinstance(value, str):
            part.wrong(key, f"must be text, but is {kind_of(value)}", "Put quotes around it")


def _check_anonymous(part: Fields) -> None:
    if not part.given("anonymous"):
        return
    anonymous = part.section("anonymous", ("enabled", "conditions"))
    if anonymous.values.get("enabled") is not True and isinstance(part.values["anonymous"], t.Mapping):
        reason = "must be true: kubelets probe API servers without a name, and machines that join ask so, too"
        anonymous.wrong("enabled", reason, "Set it to true, and conditions to [] for these paths alone")
    for where, entry in _entries(anonymous, "conditions"):
        condition = Fields(f"{where}.", entry, anonymous.problems)
        condition.only(("path",))
        if condition.text("path", _PATH, "a path that begins with /") is None and not condition.given("path"):
            condition.wrong("path", "is required", "Set it")


def _check_arguments(fields: Fields, part: Fields) -> None:
    given = fields.values.get("api_server_args")
    other = _OTHER_WAYS + (("anonymous-auth",) if part.given("anonymous") else ())
    for name in given if isinstance(given, t.Mapping) else ():
        if str(name).startswith(other):
            reason = f"cannot be set beside {KEY}, which says it in another way"
            remedy = f"Remove it, and write it into {KEY}"
            fields.problems.append(Problem(f"{fields.where}api_server_args.{name}", _HIDDEN, reason, remedy))

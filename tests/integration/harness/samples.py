# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One object of every built-in kind, with the spellings that people use and servers change: quantities, numbers as
text, empty lists, fields that are defaulted, elements in any order.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

import yaml

#: Kinds that cannot be kept by apply, and why.
NOT_KEPT = {
    "Binding": "a request to the scheduler",
    "CertificateSigningRequest": "holds what somebody signed with a key",
    "ClusterTrustBundle": "holds a certificate",
    "ComponentStatus": "read only",
    "Eviction": "a request",
    "LocalSubjectAccessReview": "a question",
    "PodCertificateRequest": "made by kubelets only",
    "Scale": "a subresource",
    "SelfSubjectAccessReview": "a question",
    "SelfSubjectReview": "a question",
    "SelfSubjectRulesReview": "a question",
    "SubjectAccessReview": "a question",
    "TokenRequest": "a request",
    "TokenReview": "a question",
}


def samples(name: str) -> list[dict[str, t.Any]]:
    """The objects, named so, in the namespace C(default); the caller takes that off those whose kind has none."""
    text = Path(__file__).with_suffix(".yaml").read_text().replace("NAME", name)
    return [
        {**obj, "metadata": {"name": name, "namespace": "default", **(obj.get("metadata") or {})}}
        for obj in yaml.safe_load(text)["objects"]
    ]

# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Speaks to the API server of this machine with the standard library. Private to the collection."""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import socket
import ssl
import typing as t

from ..errors import PlatformError
from . import host, paths

FIELD_MANAGER = "lodestar"
_APPLY = "application/apply-patch+yaml"
#: Long enough for a SYN that was lost, which goes out again after one second (RFC 6298).
_ACCEPTS_SECONDS = 1.5


class ApiError(PlatformError):
    """The API server refused a request. C(status) is the HTTP status, 0 when there was no answer."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message, status=status)
        self.status = status


def credential(kubeconfig: str, key: str) -> bytes:
    """A C(*-data) field of a kubeconfig that kubeadm or we have written. Pure.

    :raises PlatformError: it has none.
    """
    found = re.search(rf'"?{re.escape(key)}"?: *"?([A-Za-z0-9+/=]+)', kubeconfig)
    if found is None:
        raise PlatformError(f"the kubeconfig holds no {key}")
    return base64.b64decode(found.group(1))


def client_context(ca: bytes, certificate: bytes | None = None, key: bytes | None = None) -> ssl.SSLContext:
    """A TLS context with a client certificate that never touches a disk."""
    context = ssl.create_default_context(cadata=ca.decode("ascii"))
    if certificate is not None and key is not None:
        descriptor = os.memfd_create("credential")
        try:
            os.write(descriptor, certificate + b"\n" + key)
            context.load_cert_chain(f"/proc/self/fd/{descriptor}")
        finally:
            os.close(descriptor)
    return context


class Api:
    """Keep-alive HTTPS to one API server.

    :param context: TLS context; ``None`` does not verify, for looking only.
    :param timeout: seconds for a connection and for an answer.
    """

    def __init__(self, address: str, port: int, context: ssl.SSLContext | None, timeout: float = 10) -> None:
        if context is None:
            # Loading the system's authorities takes longer than the request.
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        self._connection = http.client.HTTPSConnection(address, port, context=context, timeout=timeout)
        self.where = f"https://[{address}]:{port}" if ":" in address else f"https://{address}:{port}"

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()

    def raw(
        self,
        method: str,
        path: str,
        body: t.Any = None,
        content_type: str = "application/json",
        token: str | None = None,
    ) -> tuple[int, bytes]:
        """One request. Returns status and body.

        :raises ApiError: there was no answer; status 0.
        """
        headers = {"Accept": "application/json", "User-Agent": "lodestar.platform"}
        if body is not None:
            headers["Content-Type"] = content_type
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body)
        try:
            self._connection.request(method, path, body=data, headers=headers)
            answer = self._connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as exc:
            self._connection.close()
            raise ApiError(f"{self.where} does not answer: {exc}", 0) from exc

    def request(
        self, method: str, path: str, body: t.Any = None, content_type: str = "application/json"
    ) -> dict[str, t.Any]:
        """One request that must succeed.

        :raises ApiError: it did not; the server's message is told, our body never.
        """
        status, data = self.raw(method, path, body, content_type)
        try:
            answer = json.loads(data or b"{}")
        except ValueError:
            answer = {"message": data[:200].decode("utf-8", "replace")}
        if status >= 400:
            message = answer.get("message", "") if isinstance(answer, dict) else ""
            raise ApiError(f"{method} {path}: {status} {message}", status)
        return answer if isinstance(answer, dict) else {}

    def get(self, path: str) -> dict[str, t.Any] | None:
        """An object, ``None`` when there is none."""
        try:
            return self.request("GET", path)
        except ApiError as exc:
            if exc.status == 404:
                return None
            raise

    def apply(self, path: str, document: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """Server-side apply as our field manager."""
        return self.request("PATCH", f"{path}?fieldManager={FIELD_MANAGER}&force=true", dict(document), _APPLY)

    def delete(self, path: str) -> bool:
        """Deletes an object; false when there was none."""
        try:
            self.request("DELETE", path)
        except ApiError as exc:
            if exc.status == 404:
                return False
            raise
        return True

    def live(self) -> bool:
        """Whether C(/livez) says ok."""
        try:
            return self.raw("GET", "/livez")[0] == 200
        except ApiError:
            return False

    def ready(self) -> bool:
        """Whether C(/readyz) says ok."""
        try:
            return self.raw("GET", "/readyz")[0] == 200
        except ApiError:
            return False


def local_admin(address: str, port: int, timeout: float = 10) -> Api | None:
    """The API server of this control plane with the machine's own admin.conf; ``None`` where there is none."""
    kubeconfig = host.read(paths.ADMIN_CONF)
    if kubeconfig is None:
        return None
    try:
        context = client_context(
            credential(kubeconfig, "certificate-authority-data"),
            credential(kubeconfig, "client-certificate-data"),
            credential(kubeconfig, "client-key-data"),
        )
    except (PlatformError, ValueError, ssl.SSLError):
        # A run was killed while kubeadm wrote it.
        return None
    return Api(address, port, context, timeout)


def require_local_admin(address: str, port: int) -> Api:
    """The API server of this control plane with the machine's own admin.conf, whether it answers or not.

    :raises PlatformError: there is none that could be used.
    """
    api = local_admin(address, port)
    if api is None:
        raise PlatformError(f"{paths.ADMIN_CONF} is missing or damaged")
    return api


def holds_cluster(address: str, port: int) -> bool:
    """Whether this machine is a control plane with an admin.conf of its own, whether its API answers or not."""
    api = local_admin(address, port)
    if api is not None:
        api.close()
    return api is not None


def accepts(address: str, port: int, seconds: float) -> bool:
    """Whether anything takes connections there. An address that nobody holds keeps a connection waiting."""
    try:
        socket.create_connection((address, port), timeout=seconds).close()
    except OSError:
        return False
    return True


def cluster_ca(address: str, port: int, timeout: float = 5) -> tuple[bool, bytes | None]:
    """Looks at an endpoint without trusting it: whether anything answers, and the CA that it publishes for joining.

    :param timeout: seconds for an answer from what accepts connections.
    """
    if not accepts(address, port, _ACCEPTS_SECONDS):
        return False, None
    api = Api(address, port, None, timeout)
    try:
        status, data = api.raw("GET", "/api/v1/namespaces/kube-public/configmaps/cluster-info")
        if status != 200:
            return True, None
        return True, credential(json.loads(data)["data"]["kubeconfig"], "certificate-authority-data")
    except ApiError:
        return False, None
    except (PlatformError, ValueError, KeyError, TypeError):
        return True, None
    finally:
        api.close()

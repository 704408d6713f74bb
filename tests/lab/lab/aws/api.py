"""The AWS API: faults, then moto with the overlay under the lab's lock, then the journal."""

from __future__ import annotations

import io
import sys
import traceback
from typing import TYPE_CHECKING, Any
from wsgiref.types import WSGIEnvironment

from lab.aws.authorization.refusals import refusal
from lab.aws.common.small_pages import query_with_small_page, with_small_page
from lab.aws.sts import sessions
from lab.http import cbor
from lab.http.calls import Call, identify
from lab.http.errors import Reply, error_reply, stale_credentials, throttled
from lab.http.faults import Verdict

if TYPE_CHECKING:
    from lab.http.clients import Client
    from lab.world.lab import Lab


class Aws:
    """Serves every call to a service of AWS."""

    def __init__(self, lab: Lab) -> None:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

        self._lab = lab
        self._moto = DomainDispatcherApplication(create_backend_app)

    def answer(
        self, environ: WSGIEnvironment, client: Client, body: bytes
    ) -> tuple[Reply, Verdict]:
        """Serves one call; says what is still to happen after its reply."""
        operation = cbor.operation_of(environ)
        if operation is None:
            return self._answer(environ, client, body)
        text = cbor.as_json(environ, body, operation)
        reply, verdict = self._answer(environ, client, text)
        return cbor.as_cbor(reply, operation), verdict

    def _answer(
        self, environ: WSGIEnvironment, client: Client, body: bytes
    ) -> tuple[Reply, Verdict]:
        call = identify(environ, sessions.account_of, body)

        def effect() -> Reply:
            strict = self._lab.strict
            if refused := sessions.refused(environ, call.protocol):
                return refused
            if self._lab.regions.is_off(call.region):
                return stale_credentials(call.protocol, "invalid")
            if strict.is_on("buckets") and not self._lab.buckets.allows(call):
                return throttled(call.service, call.protocol)
            if strict.is_on("pages"):
                _replace_body(environ, with_small_page(call))
                _replace_query(environ, query_with_small_page(call), call.target)
            return self._effect(environ, call)

        return self._lab.faults.befall(call, client, effect, self._lab.calls)

    def _effect(self, environ: WSGIEnvironment, call: Call) -> Reply:
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> None:
            started[:] = [int(status.split(maxsplit=1)[0]), headers]

        try:
            with self._lab.lock:
                if refused := refusal(self._lab, call):
                    return refused
                content = b"".join(self._moto(environ, start_response))
        except NotImplementedError as error:
            message = f"the lab does not know this operation: {error}"
            return error_reply(call.protocol, "NotImplemented", message, 501)
        except Exception:  # noqa: BLE001 - a bug of the emulator is shown, not hidden
            text = traceback.format_exc()
            print(f"lab: moto failed\n{text}", file=sys.stderr, flush=True)
            return error_reply(call.protocol, "InternalFailure", text.splitlines()[-1], 500)
        return started[0], started[1], content


def _replace_body(environ: WSGIEnvironment, body: bytes) -> None:
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))


def _replace_query(environ: WSGIEnvironment, query: str, target: str) -> None:
    """For requests by method and path alone, whose target says what they ask for."""
    if target:
        environ["QUERY_STRING"] = query
        environ["RAW_URI"] = f"{environ['RAW_URI'].partition('?')[0]}?{query}"

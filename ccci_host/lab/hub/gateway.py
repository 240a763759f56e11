"""The stand-in's front door: the registry API under every registry's own names, before the real registry.

It checks the bearer token, spends the pull budget, meets the faults and relays what remains.
"""

import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import anyio
import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from ccci_host.lab.hub import faults
from ccci_host.lab.hub.access_log import Entry, entry_of
from ccci_host.lab.hub.accounts import AccountBook
from ccci_host.lab.hub.blobs import BlobKinds
from ccci_host.lab.hub.budget import Budget
from ccci_host.lab.hub.registries import Directory, Registry
from ccci_host.lab.hub.state import LiveState
from ccci_host.lab.hub.token_service import TokenService, read_asked
from ccci_host.lab.hub.tokens import Bearer, Mint

_PATH = re.compile(r"/v2/(?P<repository>.+)/(?P<section>manifests|blobs|tags)/(?P<rest>.*)")
_READING = ("GET", "HEAD")
_CHUNK = 64 * 1024
_PASSED_UP = ("accept", "content-type", "content-length", "content-range", "range", "if-none-match")
_PASSED_DOWN = (
    "accept-ranges",
    "content-length",
    "content-range",
    "content-type",
    "docker-content-digest",
    "docker-distribution-api-version",
    "docker-upload-uuid",
    "etag",
    "link",
    "location",
    "range",
)
OVER_LIMIT = (
    "You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: "
    "https://www.docker.com/increase-rate-limit"
)


@dataclass(frozen=True, slots=True)
class Target:
    """What a request of the registry API is about."""

    repository: str
    section: str
    rest: str

    @property
    def is_manifest(self) -> bool:
        """Whether it reads or writes a manifest."""
        return self.section == "manifests"

    @property
    def blob(self) -> str | None:
        """The digest of the blob that it reads; None for anything else, uploads included."""
        return self.rest if self.section == "blobs" and self.rest.startswith("sha256:") else None

    def backend_path(self, registry: Registry) -> str:
        """Where the real registry has it."""
        return f"/v2/{registry.name}/{self.repository}/{self.section}/{self.rest}"


@dataclass(frozen=True, slots=True)
class Call:
    """A request about one repository of one registry, and its line in the access log."""

    request: Request
    entry: Entry
    registry: Registry
    target: Target


@dataclass(frozen=True, slots=True)
class Payer:
    """A bucket, and what `docker-ratelimit-source` says of it: an address or an account's id."""

    bucket: str
    source: str


class Gateway:
    """An ASGI application. It must run inside `LoggedApp`, whose entries it fills in."""

    def __init__(
        self,
        *,
        directory: Directory,
        book: AccountBook,
        mint: Mint,
        state: LiveState,
        backend: httpx.AsyncClient,
    ) -> None:
        self._directory = directory
        self._book = book
        self._mint = mint
        self._state = state
        self._budget = Budget(state.budget)
        self._backend = backend
        self._kinds = BlobKinds()

    @property
    def budget(self) -> Budget:
        """The buckets, for the control door."""
        return self._budget

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        response = await self._answer(request, entry_of(scope))
        await response(scope, receive, send)

    async def _answer(self, request: Request, entry: Entry) -> Response:
        registry = self._directory.of_host(request.headers.get("host", ""))
        if registry is None:
            return JSONResponse({"message": "no registry of this name is played here"}, status_code=421)
        entry.registry = registry.name
        host = request.headers["host"].partition(":")[0].lower()
        path = request.url.path
        if path == "/token" and host == registry.auth_host and request.method in ("GET", "POST"):
            return await self._token(request, entry, registry)
        if host in registry.hosts and (path == "/v2" or path.startswith("/v2/")):
            return await self._registry_api(request, entry, registry)
        return JSONResponse({"message": "not found"}, status_code=404)

    async def _token(self, request: Request, entry: Entry, registry: Registry) -> Response:
        entry.kind = "token"
        asked = await read_asked(request)
        if asked.credentials:
            entry.account = asked.credentials.account
        if asked.scopes:
            entry.repository = asked.scopes[0].repository
            entry.reference = " ".join(map(str, asked.scopes))
        fault = self._strike(entry)
        if refusal := await _suffer(fault):
            return refusal
        service = TokenService(
            registry, self._mint, self._book, frozenset(self._state.private), self._repository_exists
        )
        return await service.answer(request, entry, asked)

    async def _registry_api(self, request: Request, entry: Entry, registry: Registry) -> Response:
        bearer = self._bearer(request, registry)
        entry.account = bearer.account if bearer else None
        match = _PATH.fullmatch(request.url.path)
        if match is None:
            return self._base(request, registry, bearer)
        call = Call(request, entry, registry, Target(**match.groupdict()))
        await self._describe(call)
        fault = self._strike(entry)
        if refusal := await _suffer(fault):
            return refusal
        action = "pull" if request.method in _READING else "push"
        if bearer is None or not bearer.allows(call.target.repository, action):
            return _challenge(registry, bearer, call, action)
        return await self._relay(call, self._payer(call, bearer), fault)

    async def _describe(self, call: Call) -> None:
        """Write into the log entry what the request is about."""
        call.entry.repository = call.target.repository
        call.entry.kind = await self._kind(call.target, call.registry)
        if call.target.is_manifest:
            call.entry.reference = call.target.rest
        if call.target.rest.startswith("sha256:"):
            call.entry.digest = call.target.rest

    def _bearer(self, request: Request, registry: Registry) -> Bearer | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return self._mint.verify(token, service=registry.service) if scheme.lower() == "bearer" else None

    def _base(self, request: Request, registry: Registry, bearer: Bearer | None) -> Response:
        """`/v2/`, which `docker login` asks for, and whatever else has no repository in it."""
        if request.url.path.rstrip("/") != "/v2":
            return _error(404, "UNSUPPORTED", "The operation is unsupported.")
        if bearer is None:
            return _challenge(registry, None)
        return JSONResponse({}, headers=_API_VERSION)

    def _payer(self, call: Call, bearer: Bearer) -> Payer | None:
        """Whose bucket this request is about; None where there is no budget."""
        if not call.registry.metered or not call.target.is_manifest or call.request.method not in _READING:
            return None
        account = self._book.accounts.get(bearer.account) if bearer.account else None
        if account is not None:
            return Payer(f"account:{account.name}", account.id)
        return Payer(f"address:{call.entry.source}", call.entry.source)

    async def _relay(self, call: Call, payer: Payer | None, fault: faults.Fault | None) -> Response:
        counts = payer is not None and call.request.method == "GET"
        if payer is not None and counts and self._budget.remaining(payer.bucket) <= 0:
            headers = self._budget.headers(payer.bucket, payer.source)
            return _error(429, "TOOMANYREQUESTS", OVER_LIMIT, headers=headers)
        try:
            answer = await self._backend.send(self._for_backend(call), stream=True)
        except httpx.HTTPError:
            return _error(502, "UNAVAILABLE", "the registry behind the stand-in does not answer")
        call.entry.digest = answer.headers.get("docker-content-digest", call.entry.digest)
        headers = {name: answer.headers[name] for name in _PASSED_DOWN if name in answer.headers}
        if "location" in headers:
            headers["location"] = headers["location"].replace(f"/v2/{call.registry.name}/", "/v2/", 1)
        if payer is not None:
            if counts and answer.status_code == 200:
                self._budget.spend(payer.bucket)
                self._state.save()
            headers |= self._budget.headers(payer.bucket, payer.source)
        learns = call.target.is_manifest and call.request.method == "GET"
        return Relayed(answer, headers, fault=fault, learn=self._kinds if learns else None)

    def _for_backend(self, call: Call) -> httpx.Request:
        """The same request for the real registry, which knows the repository by a longer name."""
        request = call.request
        headers = {
            # dockerd sends an `Accept` line for each type
            name: ", ".join(request.headers.getlist(name))
            for name in _PASSED_UP
            if name in request.headers
        }
        headers["accept-encoding"] = "identity"
        params = dict(request.query_params)
        if "from" in params:
            params["from"] = f"{call.registry.name}/{params['from']}"
        return self._backend.build_request(
            request.method,
            call.target.backend_path(call.registry),
            params=params or None,
            headers=headers,
            content=None if request.method in _READING else request.stream(),
        )

    async def _kind(self, target: Target, registry: Registry) -> faults.Kind:
        if target.is_manifest:
            return "manifest"
        if target.blob is None:
            return "other"
        known = self._kinds.of(target.blob)
        if known is not None:
            return known
        answer = await self._backend.get(target.backend_path(registry), headers={"range": "bytes=0-0"})
        return self._kinds.guess(target.blob, answer.content) if answer.status_code in (200, 206) else "other"

    def _strike(self, entry: Entry) -> faults.Fault | None:
        if not self._state.faults.faults:
            return None
        fault = self._state.faults.strike(
            faults.Request(
                registry=entry.registry,
                kind=entry.kind,
                method=entry.method,
                repository=entry.repository,
                account=entry.account,
            )
        )
        self._state.save()
        return fault

    async def _repository_exists(self, backend_repository: str) -> bool:
        answer = await self._backend.get(f"/v2/{backend_repository}/tags/list")
        return answer.status_code == 200


class Relayed(Response):
    """The real registry's answer, passed on in pieces; slowed down or broken off where a fault says so."""

    def __init__(
        self,
        answer: httpx.Response,
        headers: Mapping[str, str],
        *,
        fault: faults.Fault | None,
        learn: BlobKinds | None,
    ) -> None:
        super().__init__(status_code=answer.status_code)
        self.raw_headers = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        self._answer = answer
        self._fault = fault
        self._learn = learn

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        """Send it. Returning early is how a server is told to break the connection off."""
        try:
            await send(
                {
                    "type": "http.response.start",
                    "status": self.status_code,
                    "headers": self.raw_headers,
                }
            )
            if scope["method"] == "HEAD":
                await send({"type": "http.response.body", "body": b""})
                return
            passed = bytearray()
            async for chunk in self._chunks():
                if self._learn is not None:
                    passed += chunk
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            if self._learn is not None:
                self._learn.learn(bytes(passed))
            if not self._is_cut:
                await send({"type": "http.response.body", "body": b""})
        finally:
            await self._answer.aclose()

    @property
    def _is_cut(self) -> bool:
        return self._fault is not None and self._fault.effect == "cut"

    async def _chunks(self) -> AsyncIterator[bytes]:
        size = int(self._answer.headers.get("content-length", 0))
        left = size // 2 if self._is_cut else None
        pace = self._fault.bytes_per_second if self._fault else None
        async for chunk in self._answer.aiter_raw(_CHUNK):
            piece = chunk if left is None else chunk[:left]
            if pace is not None:
                await anyio.sleep(len(piece) / pace)
            if piece:
                yield piece
            if left is not None:
                left -= len(piece)
                if left <= 0:
                    return


_API_VERSION = {"docker-distribution-api-version": "registry/2.0"}


async def _suffer(fault: faults.Fault | None) -> Response | None:
    """Wait as a fault says, and answer for the registry where it says that, too."""
    if fault is None:
        return None
    await anyio.sleep(fault.seconds)
    if fault.effect != "status":
        return None
    code = {429: "TOOMANYREQUESTS", 401: "UNAUTHORIZED"}.get(fault.status, "UNAVAILABLE")
    message = OVER_LIMIT if fault.status == 429 else "the stand-in was told to fail"
    return _error(fault.status, code, message)


def _challenge(
    registry: Registry, bearer: Bearer | None, call: Call | None = None, action: str = "pull"
) -> Response:
    """401 as Docker Hub says it; an unknown repository and a private one look the same."""
    parts = {"realm": registry.realm, "service": registry.service}
    detail = None
    headers = {}
    if call is not None:
        repository = call.target.repository
        parts["scope"] = f"repository:{repository}:{'pull' if action == 'pull' else 'pull,push'}"
        detail = [{"Type": "repository", "Class": "", "Name": repository, "Action": action}]
        if registry.metered:
            headers["docker-ratelimit-source"] = call.entry.source
    if bearer is not None:
        parts["error"] = "insufficient_scope"
    challenge = ",".join(f'{name}="{value}"' for name, value in parts.items())
    headers["www-authenticate"] = f"Bearer {challenge}"
    return _error(401, "UNAUTHORIZED", "authentication required", detail, headers=headers)


def _error(
    status: int, code: str, message: str, detail: object = None, *, headers: Mapping[str, str] | None = None
) -> Response:
    """An error in the form of the registry API."""
    body = json.dumps({"errors": [{"code": code, "message": message, "detail": detail}]})
    return Response(
        body, status_code=status, media_type="application/json", headers={**_API_VERSION, **(headers or {})}
    )

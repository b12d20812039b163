"""The codec service: decrypts for the Temporal UI and command line, for those with a token.

The UI's browser sends what it got from the Temporal server, and shows what comes back; the server
itself never has a key. It speaks as Temporal's remote codecs do: POST /decode and /encode.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs

import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from commands.codec import pages
from commands.codec.payloads import MOST_IN_BYTES, PayloadReader, parsed, written
from commands.errors import Misuse
from domain.access import FLEET
from runtime.database import Database
from runtime.tokens import Token, Tokens

# Of the preflight's answer; a browser asks again at most this often.
_PREFLIGHT_S: Final = 600
_MOST_TOKEN: Final = 200
_MOST_FORM: Final = 1_000

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True)
class Terms:
    """For whom it decrypts what.

    Attributes:
        origins: Of the UIs whose pages may ask, as `http://127.0.0.1:8233`.
        namespace: Whose payloads these keys are for.
        tenants: Whose tokens may read. The keys are one for all tenants, and so is the UI.
        address: Under which browsers reach it.
    """

    origins: tuple[str, ...]
    namespace: str
    tenants: tuple[str, ...]
    address: str


class Refused(Exception):
    """A request that is answered with why not."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status = status


def build(database: Database, terms: Terms) -> Starlette:
    """Return the application."""
    service = _Service(database, terms)
    cors = Middleware(
        CORSMiddleware,
        allow_origins=list(terms.origins),
        allow_methods=["POST"],
        allow_headers=["Authorization", "Authorization-Extras", "Content-Type", "X-Namespace"],
        allow_credentials=True,
        max_age=_PREFLIGHT_S,
    )
    return Starlette(
        routes=[
            Route("/decode", service.decode, methods=["POST"]),
            Route("/encode", service.encode, methods=["POST"]),
            Route("/", service.show),
            Route("/login", service.login, methods=["POST"]),
            Route("/logout", service.logout, methods=["POST"]),
            Route("/healthz", service.healthz),
        ],
        middleware=[cors],
        exception_handlers={Refused: _refuse, Misuse: _refuse},
    )


class _Service:
    def __init__(self, database: Database, terms: Terms) -> None:
        self._database = database
        self._terms = terms
        self._reader = PayloadReader(database)

    async def decode(self, request: Request) -> Response:
        """Return the payloads in the clear."""
        who = await self._caller(request)
        payloads = parsed(await _body(request, MOST_IN_BYTES))
        # Who read how much, and when; never what.
        _log.info("decoding", by=who.name, tenant=who.tenant, payloads=len(payloads))
        return _json(written(await self._reader.decode(payloads)))

    async def encode(self, request: Request) -> Response:
        """Return the payloads encrypted: what a person sends by the UI's dialogs."""
        await self._caller(request)
        payloads = parsed(await _body(request, MOST_IN_BYTES))
        return _json(written(await self._reader.encode(payloads)))

    async def show(self, request: Request) -> Response:
        """Ask a browser for a token, or say that it has one."""
        holder = await self._holder(request.cookies.get(pages.COOKIE, ""))
        if holder is None:
            return _page(pages.asking())
        return _page(pages.known(holder.name, self._terms.address))

    async def login(self, request: Request) -> Response:
        """Keep a token in the browser."""
        self._refuse_strangers(request, own=True)
        form = parse_qs((await _body(request, _MOST_FORM)).decode("utf-8", "replace"))
        text = form.get("token", [""])[0].strip()
        if await self._holder(text) is None:
            told = "This token is unknown, revoked or expired, or may not read here."
            return _page(pages.asking(told), HTTPStatus.FORBIDDEN)
        response = RedirectResponse("/", HTTPStatus.SEE_OTHER, headers=pages.HEADERS)
        response.set_cookie(
            pages.COOKIE,
            text,
            httponly=True,
            secure=self._terms.address.startswith("https:"),
            samesite="strict",
        )
        return response

    async def logout(self, request: Request) -> Response:
        """Take the token out of the browser."""
        self._refuse_strangers(request, own=True)
        response = RedirectResponse("/", HTTPStatus.SEE_OTHER, headers=pages.HEADERS)
        response.delete_cookie(pages.COOKIE, httponly=True, samesite="strict")
        return response

    async def healthz(self, _: Request) -> Response:
        """Say that it answers."""
        return Response("ok\n", media_type="text/plain")

    async def _caller(self, request: Request) -> Token:
        """Return whose request it is.

        Raises:
            Refused: nobody's with a good token, another site's page, or of another namespace.
        """
        self._refuse_strangers(request, own=False)
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        text = given if scheme.lower() == "bearer" else request.cookies.get(pages.COOKIE, "")
        holder = await self._holder(text.strip())
        if holder is None:
            raise Refused(
                HTTPStatus.UNAUTHORIZED,
                "a good token is needed, as `Authorization: Bearer hf_...` or given at "
                f"{self._terms.address}/",
            )
        namespace = request.headers.get("x-namespace", self._terms.namespace)
        if namespace != self._terms.namespace:
            raise Refused(
                HTTPStatus.FORBIDDEN,
                f"this codec reads the namespace {self._terms.namespace!r}, not {namespace[:64]!r}",
            )
        return holder

    async def _holder(self, text: str) -> Token | None:
        if not text or len(text) > _MOST_TOKEN:
            return None
        holder = await Tokens(self._database).holder(text)
        if holder is None or "read" not in holder.scopes:
            return None
        return holder if holder.tenant in {FLEET, *self._terms.tenants} else None

    def _refuse_strangers(self, request: Request, *, own: bool) -> None:
        """Refuse what another site's page sends, whose browser adds the cookie by itself."""
        origin = request.headers.get("origin")
        allowed = {self._terms.address, str(request.base_url).rstrip("/")}
        if origin is not None and origin not in (allowed if own else self._terms.origins):
            raise Refused(HTTPStatus.FORBIDDEN, "pages of this origin may not ask here")


async def _body(request: Request, most: int) -> bytes:
    """Return a body, and read no more than that.

    Raises:
        Refused: it is larger.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise Refused(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is larger than {most:,} bytes"
            )
    return bytes(body)


def _page(html: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return HTMLResponse(html, status, headers=pages.HEADERS)


def _json(text: str) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(text, media_type="application/json", headers=headers)


async def _refuse(_: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, Refused) else HTTPStatus.BAD_REQUEST
    return JSONResponse({"message": str(error)}, status)

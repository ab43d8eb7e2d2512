"""Makes pages: templates, texts, and the headers that every page has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from edge_agent.api.browser import SAFE_METHODS
from edge_agent.api.problems import Problem
from edge_agent.api.screen.navigation import places_for
from edge_agent.api.screen.static_files import build, static_files
from edge_agent.api.screen.texts import Texts, catalogue, chosen
from edge_agent.api.screen.views.moments import moment_of
from edge_agent.api.screen.views.spoken import speak
from edge_agent.domain.access import Principal

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; "
    "manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""No script and no style but those of our files, nothing from anywhere else."""

PAGE_HEADERS = {
    "Content-Security-Policy": POLICY,
    # With no-referrer a browser hides where a form comes from, and nobody could tell our pages from others.
    "Referrer-Policy": "same-origin",
    "Vary": "Cookie, Accept-Language",
}

LANGUAGE_COOKIE, THEME_COOKIE = "language", "theme"
THEMES = ("light", "dark")
MAX_NEXT = 500


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at a page, and how they want it; `theme` is empty where the browser decides."""

    texts: Texts
    theme: str
    principal: Principal | None


class Screen:
    """Renders the templates. One for the life of the agent; safe to call from any thread.

    Args:
        zone: the restaurant's, in which all pages tell the time.
    """

    def __init__(self, zone: tzinfo) -> None:
        files = static_files()
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals["static"] = lambda name: files[name].url
        self._templates.globals["build"] = build()
        self._templates.globals["speak"] = speak
        self._templates.globals["zone"] = str(zone)
        self._templates.globals["here_at"] = lambda recorded_at: moment_of(recorded_at, zone)

    def page(self, request: Request, template: str, *, status: int = 200, here: str = "", **values: object) -> Response:
        """A whole page.

        Args:
            request: who asks; a route behind the gate knows them.
            template: the file's name.
            status: of the answer.
            here: the name of its place in the navigation.
            values: what the template shows.
        """
        viewer = viewer_of(request)
        role = None if viewer.principal is None else viewer.principal.role
        around = {
            "here": here,
            "languages": tuple(catalogue().values()),
            "places": places_for(role),
            "path": _asked(request),
            "themes": THEMES,
        }
        content = self.fragment(viewer, template, **around, **values)
        headers = {**PAGE_HEADERS, "Content-Language": viewer.texts.language}
        return HTMLResponse(content, status_code=status, headers=headers)

    def fragment(self, viewer: Viewer, template: str, **values: object) -> Markup:
        """A template as text that is escaped already; it is given `t` (the texts), `viewer` and the values."""
        return Markup(self._templates.get_template(template).render(t=viewer.texts, viewer=viewer, **values))  # noqa: S704  autoescape made it

    def part(self, request: Request, template: str, *, status: int = 200, **values: object) -> Response:
        """A part of a page, as an answer to htmx."""
        return self.ready_part(self.fragment(viewer_of(request), template, **values), status=status)

    def ready_part(self, html: str, *, status: int = 200) -> Response:
        """The same of what is a fragment already."""
        return HTMLResponse(html, status_code=status, headers=PAGE_HEADERS)

    def refusal(self, request: Request, problem: Problem) -> Response:
        """What somebody sees who asked for what cannot be, or may not: to sign in, or why it is so."""
        if problem.kind in ("unauthenticated", "too-many-failures") and not _is_stream(request):
            return self._led_to_login(request)
        texts = viewer_of(request).texts
        known = f"problem.{problem.kind}"
        said = texts(known if known in texts.sentences else "problem.other")
        headers = {name: value for name, value in (problem.headers or {}).items() if name == "Retry-After"}
        if _is_htmx(request):
            answer = self.part(request, "notice.html", status=problem.status_code, said=said)
            headers |= {"HX-Retarget": "#notice", "HX-Reswap": "innerHTML"}
        else:
            answer = self.page(request, "problem.html", status=problem.status_code, said=said)
        answer.headers.update(headers)
        return answer

    def _led_to_login(self, request: Request) -> Response:
        if _is_htmx(request):
            return Response(status_code=200, headers={"HX-Redirect": "/login"})
        asked = _asked(request) if request.method in SAFE_METHODS else "/"
        return RedirectResponse(f"/login?next={quote(asked, safe='/')}", status_code=303)


def viewer_of(request: Request) -> Viewer:
    """Who asks; their language and theme are what they chose, else what the browser says."""
    theme = request.cookies.get(THEME_COOKIE, "")
    return Viewer(
        texts=chosen(request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language", "")),
        theme=theme if theme in THEMES else "",
        principal=getattr(request.state, "principal", None),
    )


def local_path(asked: str) -> str:
    """An address of this box to go on to; `/` where it is anything else: a link must not lead away from here."""
    plain = asked.isascii() and asked.isprintable() and "\\" not in asked and " " not in asked
    fits = plain and len(asked) <= MAX_NEXT and asked.startswith("/") and not asked.startswith("//")
    return asked if fits else "/"


def _asked(request: Request) -> str:
    query = request.url.query
    return local_path(request.url.path + (f"?{query}" if query else ""))


def _is_htmx(request: Request) -> bool:
    return request.headers.get("hx-request") == "true"


def _is_stream(request: Request) -> bool:
    return "text/event-stream" in request.headers.get("accept", "")

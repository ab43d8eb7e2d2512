"""What the pages load: files that are known when the agent starts, never paths that somebody sends."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "static"

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".LICENSE": "text/plain; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file; `version` changes with its content."""

    name: str
    content: bytes
    media_type: str
    version: str

    @property
    def url(self) -> str:
        """Its address; of another content it is another, so that browsers may keep it for good."""
        return f"/static/{self.name}?v={self.version}"


@cache
def static_files() -> dict[str, StaticFile]:
    """Every file by its name."""
    found = {}
    for path in sorted(FOLDER.rglob("*")):
        media_type = MEDIA_TYPES.get(path.suffix)
        if media_type is not None and path.is_file():
            name, content = path.relative_to(FOLDER).as_posix(), path.read_bytes()
            found[name] = StaticFile(name, content, media_type, hashlib.sha256(content).hexdigest()[:12])
    return found


@cache
def build() -> str:
    """Changes when a file or a template does: a page that is open since before an upgrade loads itself anew."""
    known = hashlib.sha256()
    for file in static_files().values():
        known.update(f"{file.name} {file.version}\n".encode())
    for path in sorted((FOLDER.parent / "templates").glob("*.html")):
        known.update(path.read_bytes())
    return known.hexdigest()[:12]

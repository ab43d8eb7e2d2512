"""The archive that `edge-agent backup` writes: a tar with one file per thing kept, and a manifest as its last member.

The manifest comes last because pictures are hashed while they are copied; an archive that was cut off has none, and is
refused for that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from edge_agent.formats.pack import Sha256
from edge_agent.formats.yaml_file import FileModel

MANIFEST_MEMBER = "manifest.json"
MAX_MANIFEST_BYTES = 256 * 1024 * 1024
"""A million pictures have one of some 150 MB."""

DATABASE, CONFIG, MENU, TOKENS, ACTIVE = "edge.sqlite", "edge.yaml", "menu.yaml", "tokens.json", "active"
SINGLE_MEMBERS = (DATABASE, CONFIG, MENU, TOKENS, ACTIVE)

SETUP_MEMBER = re.compile(
    r"setup/(setup\.yaml|menu-[0-9a-f]{12}\.yaml|reference-[a-z0-9][a-z0-9-]{0,31}-[0-9a-f]{12}\.png)"
)
"""What was chosen on the Set-up pages, as `adapters.setup_folder` names it."""

MAX_SETUP_MEMBERS = 20

PICTURE_MEMBER = re.compile(r"pictures/([0-9]{4}-[0-9]{2}-[0-9]{2})/([A-Za-z0-9][A-Za-z0-9._-]{0,99}\.jpg)")
"""The names that pictures have (`adapters.picture_folder`), and no other: none of them leads anywhere else."""


class BackupMember(FileModel):
    """One file of the archive."""

    bytes: Annotated[int, Field(ge=0)]
    sha256: Sha256


class BackupManifest(FileModel):
    """What the archive holds, and what wrote it."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    created_at: AwareDatetime
    agent_version: str
    site: str
    pictures_missing: Annotated[int, Field(ge=0)] = 0
    """Pictures that the database names and that were not there (their time was over meanwhile)."""
    members: Mapping[str, BackupMember]


def is_known_member(name: str) -> bool:
    """Whether a member of this name may stand in an archive."""
    kinds = (PICTURE_MEMBER, SETUP_MEMBER)
    return name in SINGLE_MEMBERS or any(kind.fullmatch(name) is not None for kind in kinds)

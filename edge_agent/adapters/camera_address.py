"""The address of a camera with its password put in: made at the last moment, shown to nobody."""

from __future__ import annotations

import os
from collections.abc import Callable
from urllib.parse import quote

from edge_agent.domain.said import reason_of, say
from edge_agent.errors import CameraUnusable
from edge_agent.settings.camera import PASSWORD, CameraSettings

MAX_SECRET_BYTES = 4096
"""A larger file is no password."""


def url_of(camera: CameraSettings) -> str:
    """The camera's URL with its password.

    Raises:
        CameraUnusable: the password cannot be read.
    """
    return _filled(camera.url or "", camera, lambda secret: quote(secret, safe=""))


def pipeline_of(camera: CameraSettings) -> str:
    """The camera's GStreamer pipeline with its password, in quotes that no password can leave.

    Raises:
        CameraUnusable: the password cannot be read.
    """
    return _filled(camera.pipeline or "", camera, _quoted)


def _filled(template: str, camera: CameraSettings, write: Callable[[str], str]) -> str:
    return template.replace(PASSWORD, write(_secret(camera))) if PASSWORD in template else template


def _quoted(secret: str) -> str:
    escaped = secret.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _secret(camera: CameraSettings) -> str:
    """The password, read anew for every connection, so that a changed one needs no restart."""
    if camera.password_env is not None:
        secret = os.environ.get(camera.password_env, "")
        if not secret:
            raise CameraUnusable(
                say(
                    "camera_no_env",
                    "the environment has no {name}; set it to the camera's password",
                    name=camera.password_env,
                )
            )
        return secret
    path = camera.password_file
    if path is None:
        raise CameraUnusable(
            say(
                "camera_no_password", "the camera's address asks for a password; name its password_file or password_env"
            )
        )
    try:
        with path.open("rb") as file:
            secret = file.read(MAX_SECRET_BYTES).decode("utf-8").strip("\r\n")
    except OSError as error:
        raise CameraUnusable(
            say(
                "camera_password_unreadable",
                "{path}: the camera's password cannot be read: {why}",
                path=path,
                why=reason_of(error),
            )
        ) from None
    except UnicodeDecodeError:
        secret = ""
    if not secret or "\n" in secret or "\0" in secret:
        raise CameraUnusable(
            say("camera_password_none", "{path}: this is no password; the file must hold one line of text", path=path)
        )
    return secret

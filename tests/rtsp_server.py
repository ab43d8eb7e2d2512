"""A real RTSP server: a program for the system's Python, with GStreamer from Debian. Run by tests as a child process.

    /usr/bin/python3 tests/rtsp_server.py PORT [USER PASSWORD]
    /usr/bin/python3 tests/rtsp_server.py PORT --play VIDEO

It serves `/test`, live H.264 of a moving ball at 15 frames a second, or a recording from its beginning for everyone
who connects, and prints `ready` once it listens, and `playing` as a recording begins.
"""

from __future__ import annotations

import sys
from typing import Any

import gi  # type: ignore[import-not-found]

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # type: ignore[import-not-found]  # noqa: E402  after the versions

LAUNCH = (
    "( videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=15/1 "
    "! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 ! rtph264pay name=pay0 pt=96 config-interval=1 )"
)


PLAY = "( filesrc location={video} ! qtdemux ! h264parse ! rtph264pay name=pay0 pt=96 )"


def main() -> None:
    """Serve until killed."""
    port, credentials = sys.argv[1], sys.argv[2:]
    video = credentials.pop() if credentials[:1] == ["--play"] else None
    credentials = [] if video else credentials
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(PLAY.format(video=video) if video else LAUNCH)
    factory.set_shared(video is None)
    if video:
        factory.connect("media-configure", lambda _factory, _media: print("playing", flush=True))  # noqa: T201
    if credentials:
        protect(server, factory, *credentials)
    server.get_mount_points().add_factory("/test", factory)
    server.attach(None)
    print("ready", flush=True)  # noqa: T201  the tests wait for it
    GLib.MainLoop().run()


def protect(server: Any, factory: Any, user: str, password: str) -> None:
    """Let only this user in."""
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    server.set_auth(auth)
    role = Gst.Structure.new_empty("viewer")
    role.set_value("media.factory.access", True)
    role.set_value("media.factory.construct", True)
    factory.add_role_from_structure(role)


main()

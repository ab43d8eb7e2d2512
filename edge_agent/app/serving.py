"""The process around the running agent: its configuration, its signals, its port."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from edge_agent.adapters.model_pack import ModelPack
from edge_agent.adapters.model_shelf import led_to
from edge_agent.adapters.systemd_notify import SystemdNotify
from edge_agent.app.last_good import keep_as_good, last_good, state_folders
from edge_agent.app.living import LiveAgent, live_agent
from edge_agent.domain.said import placed, say
from edge_agent.errors import BadConfig, BadModelPack
from edge_agent.formats.menu import load_menu
from edge_agent.settings import ApiSettings, Settings, load_settings

logger = logging.getLogger(__name__)

BACKLOG = 128

STARTING_S, RUNNING_S = 0.1, 0.5
"""So often it is looked whether the API answers; and, once it does, whether the agent gives up."""

OnAddress = Callable[[str, Settings], None]


def serve_agent(config: Path, *, strict: bool = False, on_address: OnAddress = lambda _a, _s: None) -> str:
    """Run the agent until it is told to end; returns why it must be started anew, or nothing.

    Args:
        config: the configuration.
        strict: refuse one that does not read, where there is a last good one.
        on_address: told the API's address once it answers.

    Raises:
        BadConfig: the configuration does not read and there is no last good one, or the port cannot be had.
        EdgeAgentError: the model, the menu or the database cannot be used.
    """
    settings, complaints = _settings_from(config, strict=strict)
    notify = SystemdNotify.from_environment()
    _end_when_told()
    with contextlib.closing(_socket_for(settings.api)) as listening:
        with live_agent(
            settings,
            notify=notify,
            read_again=lambda: load_settings(config),
            complaints=complaints,
            config=config,
        ) as agent:
            if not complaints:
                keep_as_good(settings)
            scheme = "https" if settings.api.tls else "http"
            host = f"[{settings.api.host}]" if ":" in settings.api.host else settings.api.host
            address = f"{scheme}://{host}:{listening.getsockname()[1]}/"

            def started() -> None:
                keep_for_good()
                notify.ready(f"checking; {address}")
                on_address(address, settings)

            asyncio.run(_serve(agent, settings.api, listening, notify, started))
            notify.stopping()
        logger.info("ended: %s", agent.ending.why or "as it was told to")
        return agent.ending.why


def _end_when_told() -> None:
    """As long as the agent starts, SIGTERM ends what has begun in its order, as Ctrl-C does; later the loop listens."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


def _settings_from(config: Path, *, strict: bool) -> tuple[Settings, tuple[str, ...]]:
    """The configuration; the last good one where it or its menu does not read, or does not fit, with the complaint."""
    settings = None
    try:
        settings = load_settings(config)
        load_menu(settings.menu, model_classes=_classes_of(settings))
    except BadConfig as error:
        folders = state_folders(config) if settings is None else [settings.store.path.parent]
        found = () if strict else (last_good(folder) for folder in folders)
        known = next((each for each in found if each is not None and _fits(each)), None)
        if known is None:
            raise
        said = say(
            "on_last_good",
            "{said}; the agent runs on the last configuration that worked: mend the file and restart",
            said=placed(error),
        )
        logger.error("%s", said)  # noqa: TRY400  the sentence says it all
        return known, (said,)
    return settings, ()


def _fits(known: Settings) -> bool:
    """Whether the menu that was kept fits the model, which may be another one since."""
    try:
        load_menu(known.menu, model_classes=_classes_of(known))
    except BadConfig as error:
        logger.info("the last good configuration does not fit either: %s", placed(error))
        return False
    return True


def _classes_of(settings: Settings) -> tuple[str, ...] | None:
    """What the menu must fit; None where the model itself does not read, which its own opening says better."""
    try:
        return ModelPack.manifest_of(led_to(settings.detector.pack)).classes
    except BadModelPack:
        return None


def _socket_for(api: ApiSettings) -> socket.socket:
    """A socket that listens: a port that is taken is said in a sentence, before anything else begins."""
    family = socket.AF_INET6 if ":" in api.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((api.host, api.port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise BadConfig(
            f"the API cannot listen on {api.host} port {api.port} ({error.strerror}): is another agent running? "
            "api.host and api.port are in the configuration"
        ) from error
    return listening


def keep_for_good() -> None:
    """Take what is there after the start, which stays until the end, out of the garbage collector's sight.

    It is most of what there is, and to walk over it takes a tenth of a second, in which nothing is answered or checked.
    """
    gc.collect()
    gc.freeze()


async def _serve(
    agent: LiveAgent, api: ApiSettings, listening: socket.socket, notify: SystemdNotify, started: Callable[[], None]
) -> None:
    """Answer until a signal comes, or the agent gives up."""
    from edge_agent.app.http_server import server_for

    server = server_for(agent.api, api)

    def end() -> None:
        # Streams of events end by themselves then, instead of holding the server up.
        agent.feed.close()
        server.should_exit = True

    def reload() -> None:
        notify.reloading()
        said = loop.run_in_executor(None, agent.reload)
        said.add_done_callback(lambda done: notify.ready(str(done.exception() or done.result())))

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    loop.add_signal_handler(signal.SIGHUP, reload)
    serving = asyncio.create_task(server.serve(sockets=[listening]), name="http")
    told = False
    while not serving.done():
        if server.started and not told:
            told = True
            started()
        if agent.ending.is_asked:
            end()
        await asyncio.wait([serving], timeout=RUNNING_S if told else STARTING_S)
    await serving

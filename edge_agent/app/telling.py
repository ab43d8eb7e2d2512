"""Put together what tells people by MQTT."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from edge_agent.adapters.mqtt_client import MqttBroker
from edge_agent.errors import BadConfig
from edge_agent.formats.mqtt_messages import Topics, last_will
from edge_agent.ports import Alerts, Clock, Outbox
from edge_agent.runtime.answer_desk import AnswerDesk
from edge_agent.runtime.conversation import Said
from edge_agent.runtime.station_board import StationBoard
from edge_agent.runtime.telling import Bell, Teller, TellingPlan
from edge_agent.settings import MqttSettings, Settings


@contextmanager
def telling(
    settings: Settings, mqtt: MqttSettings, *, bell: Bell, outbox: Outbox, alerts: Alerts, clock: Clock
) -> Iterator[Teller]:
    """What tells, running; with the embedded broker, where that is asked for.

    Raises:
        BadConfig: the embedded broker would be open without a password, or its extra is not installed.
        BrokerError: the embedded broker cannot listen.
    """
    with ExitStack() as stack:
        if mqtt.is_embedded:
            stack.enter_context(_embedded(mqtt))
        topics = Topics(settings.site)
        board = StationBoard(
            topics=topics,
            stations=tuple(station.id for station in settings.stations),
            shadow=settings.shadow,
            clock=clock,
            changed=bell.ring,
        )
        desk = stack.enter_context(AnswerDesk(alerts=alerts))
        broker = MqttBroker(settings=mqtt, client_id=f"edge-agent-{settings.site}", will=last_will(topics))
        said = Said(topics=topics, outbox=outbox, board=board, answers=desk, clock=clock)
        yield stack.enter_context(Teller(TellingPlan(broker=broker, said=said), bell=bell))


def _embedded(mqtt: MqttSettings) -> AbstractContextManager[object]:
    # Only who asks for it needs its extra.
    try:
        from edge_agent.adapters.embedded_broker import EmbeddedBroker
    except ModuleNotFoundError as error:
        said = f"mqtt.broker: embedded needs the extra 'broker' ({error.name} is missing)"
        said = f"{said}: pip install -c constraints.txt '.[broker]'"
        raise BadConfig(f"{said}, or name a broker") from error
    return EmbeddedBroker(settings=mqtt)

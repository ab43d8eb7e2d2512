"""What stands in the log of alerts."""

from __future__ import annotations

import logging

import pytest

from edge_agent.domain.alert import Alert, Resolution
from edge_agent.domain.events import AlertRaised, AlertResolved
from edge_agent.domain.matching import LineResult
from edge_agent.domain.order import OrderKey
from edge_agent.runtime.alert_log import note_alert
from tests.unit.test_alert_desk import fault


def test_an_alert_and_its_end_are_a_line_each_and_all_else_is_none(caplog: pytest.LogCaptureFixture) -> None:
    lines = (fault("fries", off_by=2), fault("cola", LineResult.EXTRA))
    alert = Alert(
        alert_id="7-a1",
        session_id="7-s1",
        orders=(OrderKey("till", "2026-11-30", "A-1"),),
        lines=lines,
        raised_at_s=1.0,
    )
    with caplog.at_level(logging.INFO):
        note_alert("pass", AlertRaised(at_s=1.0, alert=alert, sounds=True))
        note_alert("pass", AlertResolved(at_s=2.0, alert_id="7-a1", resolution=Resolution.TRAY_LEFT))
        note_alert("pass", AlertResolved(at_s=2.0, alert_id="7-a2", resolution=Resolution.FIXED, by_staff=True))
    assert caplog.messages == [
        "station pass: alert 7-a1 on order A-1: 2 fries missing, cola too many (critical)",
        "station pass: alert 7-a1 has ended: tray left, by what the camera sees",
        "station pass: alert 7-a2 has ended: fixed, by staff",
    ]

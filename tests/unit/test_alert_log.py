"""What stands in the log of alerts."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from edge_agent.domain.alert import Alert, Resolution
from edge_agent.domain.events import AlertRaised, AlertResolved
from edge_agent.domain.matching import LineResult
from edge_agent.domain.order import OrderKey
from edge_agent.runtime.alert_log import AlertLog
from tests.unit.test_alert_desk import fault

ALERT = Alert(
    alert_id="7-a1",
    session_id="7-s1",
    orders=(OrderKey("till", "2026-11-30", "A-1"),),
    lines=(fault("fries", off_by=2), fault("cola", LineResult.EXTRA)),
    raised_at_s=1.0,
)


def raised(alert: Alert = ALERT) -> AlertRaised:
    return AlertRaised(at_s=1.0, alert=alert, sounds=True)


def ended(how: Resolution, alert_id: str = "7-a1", *, by_staff: bool = False) -> AlertResolved:
    return AlertResolved(at_s=2.0, alert_id=alert_id, resolution=how, by_staff=by_staff)


def test_an_alert_and_its_end_are_a_line_each(caplog: pytest.LogCaptureFixture) -> None:
    log = AlertLog()
    with caplog.at_level(logging.INFO):
        log.note("pass", raised())
        log.note("", ended(Resolution.TRAY_LEFT))
        log.note("pass", raised(replace(ALERT, alert_id="7-a2", late=True)))
        log.note("", ended(Resolution.FIXED, "7-a2", by_staff=True))
    what = "2 fries missing, cola too many"
    assert caplog.messages == [
        f"station pass: alert 7-a1 on order A-1: {what} (critical)",
        "station pass: alert 7-a1 has ended: tray left, by what the camera sees",
        f"station pass: alert 7-a2 on order A-1: {what} (critical, late: the tray was leaving)",
        "station pass: alert 7-a2 has ended: fixed, by staff",
    ]


def test_what_the_till_has_ended_the_camera_has_not(caplog: pytest.LogCaptureFixture) -> None:
    """Nor is anything known of the station of an alert that an earlier life of the agent left open."""
    with caplog.at_level(logging.INFO):
        AlertLog().note("", ended(Resolution.CANCELLED))
        AlertLog().note("", ended(Resolution.SUPERSEDED))
    assert caplog.messages == ["alert 7-a1 has ended: cancelled", "alert 7-a1 has ended: superseded"]


def test_in_shadow_mode_the_log_says_that_nobody_was_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        AlertLog(shadow=True).note("pass", raised())
    assert caplog.messages[0].endswith(" (shadow mode: nobody was told)")


@pytest.mark.parametrize("broken", ["\n", "\r", "\u2028", "\x1b[2J", "\x00"])
def test_no_order_can_write_a_line_of_its_own(caplog: pytest.LogCaptureFixture, broken: str) -> None:
    order = OrderKey("till", "2026-11-30", f"A-1{broken}ERROR the disk is full")
    line = fault(f"fries{broken}")
    with caplog.at_level(logging.INFO):
        AlertLog().note("pass", raised(replace(ALERT, orders=(order,), lines=(line,))))
    (said,) = caplog.messages
    assert said.isprintable()
    assert "A-1?" in said

"""Version 4: looking back: counts by time, words to search by, and why an auditor was shown a tray.

What is counted of a tray or an order, and by which words a check or an alert is found, is said once, here, by views
over the rows of earlier versions. The tables `tallies`, `check_terms` and `alert_terms` keep what the views say, so
that a million checks need not be read to answer; the writer brings them up to date in the transaction that changes the
rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

_SCHEMA = """
CREATE TABLE about (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO about (name, value) VALUES ('store_id', lower(hex(randomblob(16))));

ALTER TABLE audits ADD COLUMN drawn TEXT;
ALTER TABLE audits ADD COLUMN found TEXT;

CREATE INDEX orders_by_time ON orders (recorded_at);

CREATE TABLE tallies (
    counted TEXT NOT NULL,
    unit_s INTEGER NOT NULL,
    at INTEGER NOT NULL,
    item TEXT NOT NULL,
    station TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (counted, unit_s, at, item, station)
) STRICT, WITHOUT ROWID;

CREATE TABLE check_terms (
    term TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    check_id INTEGER NOT NULL,
    PRIMARY KEY (term, recorded_at, check_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE alert_terms (
    term TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    alert_row INTEGER NOT NULL,
    PRIMARY KEY (term, recorded_at, alert_row)
) STRICT, WITHOUT ROWID;
"""

# A word may come twice; the tables keep it once. Numbers and channels are those of the snapshot that a check was judged
# by: a later revision changes no word.
_WORDS = """
CREATE VIEW check_words AS
SELECT c.id AS check_id, c.recorded_at AS recorded_at, 'verdict:' || c.verdict AS term FROM checks AS c
UNION ALL
SELECT c.id, c.recorded_at, 'number:' || lower(o.order_id)
FROM checks AS c JOIN check_orders AS co ON co.check_id = c.id JOIN orders AS o ON o.id = co.order_row
UNION ALL
SELECT c.id, c.recorded_at, 'number:' || lower(json_extract(v.snapshot, '$.display_number'))
FROM checks AS c JOIN check_orders AS co ON co.check_id = c.id JOIN order_revisions AS v ON v.id = co.revision_row
WHERE json_extract(v.snapshot, '$.display_number') <> ''
UNION ALL
SELECT c.id, c.recorded_at, 'channel:' || lower(json_extract(v.snapshot, '$.channel'))
FROM checks AS c JOIN check_orders AS co ON co.check_id = c.id JOIN order_revisions AS v ON v.id = co.revision_row
WHERE json_extract(v.snapshot, '$.channel') <> ''
UNION ALL
SELECT c.id, c.recorded_at, 'item:' || k.value
FROM checks AS c JOIN check_lines AS l ON l.check_id = c.id, json_each(l.skus) AS k
WHERE l.result IN ('missing', 'extra', 'unsure');

CREATE VIEW alert_words AS
SELECT a.id AS alert_row, a.recorded_at AS recorded_at, 'severity:' || a.severity AS term FROM alerts AS a
UNION ALL
SELECT a.id, a.recorded_at, 'number:' || lower(o.order_id)
FROM alerts AS a JOIN alert_orders AS ao ON ao.alert_row = a.id JOIN orders AS o ON o.id = ao.order_row
UNION ALL
SELECT a.id, a.recorded_at, 'number:' || lower(json_extract(v.snapshot, '$.display_number'))
FROM alerts AS a JOIN check_orders AS co ON co.check_id = a.check_id JOIN order_revisions AS v ON v.id = co.revision_row
WHERE json_extract(v.snapshot, '$.display_number') <> ''
UNION ALL
SELECT a.id, a.recorded_at, 'channel:' || lower(json_extract(v.snapshot, '$.channel'))
FROM alerts AS a JOIN check_orders AS co ON co.check_id = a.check_id JOIN order_revisions AS v ON v.id = co.revision_row
WHERE json_extract(v.snapshot, '$.channel') <> ''
UNION ALL
SELECT a.id, a.recorded_at, 'item:' || k.value
FROM alerts AS a, json_each(a.lines) AS l, json_each(l.value, '$.skus') AS k;
"""

# A quarter is the number of quarters of an hour since 1970 began. What has no time at all counts as that moment. The
# same is kept by whole hours, of which a year has few enough to be read at once: that serves where the zone's hours are
# those of UTC, and the quarters serve everywhere.
_COUNTS = """
CREATE VIEW tested AS
SELECT c.session_row AS session_row FROM checks AS c JOIN check_orders AS co ON co.check_id = c.id
JOIN order_revisions AS v ON v.id = co.revision_row WHERE json_extract(v.snapshot, '$.test') = 1;

CREATE VIEW trays AS
SELECT s.id AS session_row, f.id AS check_id, f.recorded_at AS recorded_at, f.verdict AS verdict,
    f.association AS association, coalesce(CAST(strftime('%s', f.recorded_at) AS INTEGER) / 900, 0) AS quarter,
    coalesce(p.station, r.station) AS station,
    EXISTS (SELECT 1 FROM alerts AS a WHERE a.session_row = s.id) AS red
FROM checks AS f JOIN sessions AS s ON s.id = f.session_row JOIN runs AS r ON r.id = s.run_id
LEFT JOIN run_slots AS p ON p.run_id = s.run_id AND p.slot_id = s.slot_id
WHERE f.is_final = 1 AND s.settled_at_s IS NOT NULL
AND NOT EXISTS (SELECT 1 FROM tested AS x WHERE x.session_row = s.id);

CREATE VIEW tray_alerts AS
SELECT a.id AS id, a.session_row AS session_row, a.severity AS severity, a.late AS late, a.lines AS lines,
    a.raised_at_s AS raised_at_s, a.resolution AS resolution, a.by_staff AS by_staff, r.tells AS tells,
    coalesce(CAST(strftime('%s', a.recorded_at) AS INTEGER) / 900, 0) AS quarter,
    coalesce(p.station, r.station) AS station
FROM alerts AS a JOIN sessions AS s ON s.id = a.session_row JOIN runs AS r ON r.id = a.run_id
LEFT JOIN run_slots AS p ON p.run_id = s.run_id AND p.slot_id = s.slot_id
WHERE NOT EXISTS (SELECT 1 FROM tested AS x WHERE x.session_row = s.id);

CREATE VIEW drawn_audits AS
SELECT u.session_row AS session_row, u.drawn AS drawn, u.found AS found FROM audits AS u
WHERE u.id = (SELECT max(n.id) FROM audits AS n
    WHERE n.session_row = u.session_row AND n.drawn IS NOT NULL AND n.answer <> 'skipped');

CREATE VIEW tray_counts AS
SELECT t.session_row AS session_row, 'tray' AS counted,
    CASE WHEN t.association IN ('which_order', 'no_order') THEN t.association ELSE t.verdict END AS item,
    t.quarter AS quarter, t.station AS station
FROM trays AS t
UNION ALL
SELECT b.session_row, 'latency', CAST(
    CASE WHEN b.took_ms < 1000 THEN b.took_ms / 50 * 50 WHEN b.took_ms < 5000 THEN b.took_ms / 100 * 100
    ELSE b.took_ms / 1000 * 1000 END AS TEXT), b.quarter, b.station
FROM (
    SELECT t.session_row AS session_row, t.quarter AS quarter, t.station AS station,
        min(max(CAST(round((c.at_s - c.still_since_s) * 1000) AS INTEGER), 0), 60000) AS took_ms
    FROM trays AS t JOIN checks AS c ON c.id = (SELECT min(n.id) FROM checks AS n WHERE n.session_row = t.session_row)
    WHERE c.late = 0
) AS b
UNION ALL
SELECT t.session_row, 'frame', CASE WHEN t.red THEN 'red' ELSE 'random' END, t.quarter, t.station
FROM trays AS t WHERE t.red OR t.association NOT IN ('which_order', 'no_order')
UNION ALL
SELECT t.session_row, 'audit', u.drawn || ':' || coalesce(u.found, 'unjudged'), t.quarter, t.station
FROM trays AS t JOIN drawn_audits AS u ON u.session_row = t.session_row
WHERE t.red OR t.association NOT IN ('which_order', 'no_order')
UNION ALL
SELECT a.session_row, 'alert', CASE WHEN a.tells THEN a.severity ELSE 'shadow' END, a.quarter, a.station
FROM tray_alerts AS a
UNION ALL
SELECT a.session_row, 'forgotten', json_extract(l.value, '$.name'), a.quarter, a.station
FROM tray_alerts AS a, json_each(a.lines) AS l
WHERE json_extract(l.value, '$.result') = 'missing' AND coalesce(a.resolution, '') NOT IN ('system_wrong', 'accepted')
AND NOT EXISTS (SELECT 1 FROM alerts AS b, json_each(b.lines) AS m WHERE b.session_row = a.session_row
    AND (b.id < a.id OR (b.id = a.id AND m.key < l.key))
    AND json_extract(m.value, '$.result') = 'missing' AND coalesce(b.resolution, '') NOT IN ('system_wrong', 'accepted')
    AND json_extract(m.value, '$.name') = json_extract(l.value, '$.name'))
AND NOT EXISTS (SELECT 1 FROM drawn_audits AS u
    WHERE u.session_row = a.session_row AND u.drawn = 'red' AND u.found = 'match')
UNION ALL
SELECT a.session_row, 'told', CASE
    WHEN EXISTS (SELECT 1 FROM drawn_audits AS u
        WHERE u.session_row = a.session_row AND u.drawn = 'red' AND u.found = 'match') THEN 'false_audit'
    WHEN EXISTS (SELECT 1 FROM alerts AS b
            WHERE b.session_row = a.session_row AND b.resolution = 'fixed' AND b.late = 0)
        AND NOT EXISTS (SELECT 1 FROM checks AS f
            WHERE f.session_row = a.session_row AND f.is_final = 1 AND f.verdict = 'mismatch')
    THEN CASE
        WHEN EXISTS (SELECT 1 FROM alerts AS b WHERE b.session_row = a.session_row AND b.resolution = 'fixed'
            AND b.late = 0 AND (b.by_staff = 1 OR EXISTS (SELECT 1 FROM confirmations AS n
                JOIN checks AS k ON k.id = n.check_id
                WHERE n.session_row = b.session_row AND k.at_s > b.raised_at_s))) THEN 'fixed_crew'
        WHEN EXISTS (SELECT 1 FROM drawn_audits AS u
            WHERE u.session_row = a.session_row AND u.drawn = 'red' AND u.found = 'mismatch') THEN 'fixed_audit'
        ELSE 'fixed_seen' END
    WHEN EXISTS (SELECT 1 FROM alerts AS b WHERE b.session_row = a.session_row AND b.resolution = 'system_wrong')
    THEN 'system_wrong'
    WHEN EXISTS (SELECT 1 FROM alerts AS b WHERE b.session_row = a.session_row AND b.resolution = 'accepted')
    THEN 'accepted'
    WHEN EXISTS (SELECT 1 FROM alerts AS b WHERE b.session_row = a.session_row AND b.resolution IS NULL) THEN 'open'
    WHEN NOT EXISTS (SELECT 1 FROM alerts AS b WHERE b.session_row = a.session_row AND b.late = 0) THEN 'late'
    WHEN EXISTS (SELECT 1 FROM alerts AS b WHERE b.session_row = a.session_row
        AND b.resolution IN ('tray_left', 'fixed')) THEN 'left'
    ELSE 'other' END, a.quarter, a.station
FROM tray_alerts AS a
WHERE a.tells = 1 AND a.id = (SELECT min(b.id) FROM alerts AS b WHERE b.session_row = a.session_row);

CREATE VIEW order_counts AS
SELECT o.id AS order_row, 'order' AS counted, CASE
    WHEN c.id IS NULL THEN 'no_tray'
    WHEN c.verdict = 'match' THEN 'decided'
    ELSE coalesce(
        (SELECT l.reason FROM check_lines AS l WHERE l.check_id = c.id AND l.result = 'unsure'
            ORDER BY l.position LIMIT 1),
        CASE WHEN c.verdict = 'mismatch' THEN 'decided'
        WHEN EXISTS (SELECT 1 FROM check_lines AS l WHERE l.check_id = c.id AND l.result = 'ok') THEN 'parts'
        ELSE 'nothing_visible' END) END AS item,
    coalesce(CAST(strftime('%s', o.recorded_at) AS INTEGER) / 900, 0) AS quarter,
    coalesce(p.station, r.station, '') AS station
FROM orders AS o
LEFT JOIN checks AS c ON c.id = (SELECT max(f.id) FROM check_orders AS co JOIN checks AS f ON f.id = co.check_id
    WHERE co.order_row = o.id AND f.is_final = 1)
LEFT JOIN sessions AS s ON s.id = c.session_row
LEFT JOIN runs AS r ON r.id = s.run_id
LEFT JOIN run_slots AS p ON p.run_id = s.run_id AND p.slot_id = s.slot_id
WHERE o.state IN ('handed_out', 'expired') AND o.test = 0;
"""

_FILL = """
INSERT OR IGNORE INTO check_terms (term, recorded_at, check_id) SELECT term, recorded_at, check_id FROM check_words;
INSERT OR IGNORE INTO alert_terms (term, recorded_at, alert_row) SELECT term, recorded_at, alert_row FROM alert_words;
INSERT INTO tallies (counted, unit_s, at, item, station, n)
SELECT counted, 900, quarter, item, station, count(*) FROM (
    SELECT counted, quarter, item, station FROM tray_counts
    UNION ALL SELECT counted, quarter, item, station FROM order_counts
) GROUP BY counted, quarter, item, station;
INSERT INTO tallies (counted, unit_s, at, item, station, n)
SELECT counted, 3600, at / 4, item, station, sum(n) FROM tallies GROUP BY counted, at / 4, item, station;
"""


def m004_reporting(db: Database) -> None:
    """Counts by time, words to search by, and why an auditor was shown a tray."""
    db.executescript(_SCHEMA)
    db.executescript(_WORDS)
    db.executescript(_COUNTS)
    db.executescript(_FILL)

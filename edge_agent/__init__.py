"""Edge Agent: sees what lies on the tray, compares it with the order, tells the crew before the tray leaves."""

import os

# ONNX Runtime tells its maker of every model and machine (since 1.29, also on Linux), unless this is set before it is
# imported. Nothing leaves the box.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

__version__ = "0.1.0"

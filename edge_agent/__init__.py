"""Edge Agent: sees what lies on the tray, compares it with the order, tells the crew before the tray leaves."""

__version__ = "0.1.0"

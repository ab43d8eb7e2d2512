"""The kitchen screen: pages that the agent serves itself. docs/screen.md says how one is added."""

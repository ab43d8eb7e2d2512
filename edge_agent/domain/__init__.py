"""The words of the trade as frozen values and pure functions; imports nothing but the standard library."""

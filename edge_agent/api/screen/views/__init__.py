"""What the pages show: frozen values made by pure functions of what the ports say, in words of the catalogue."""

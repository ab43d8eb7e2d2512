"""The Set-up pages, in the order of a first hour. For admins alone; each change is logged with whose token made it."""

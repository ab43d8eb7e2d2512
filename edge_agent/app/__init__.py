"""The composition root: the only room that names every concrete class."""

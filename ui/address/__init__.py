"""State of a page in its address, so that a link, F5 and the back button keep it."""

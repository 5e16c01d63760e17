"""Pages for people: rendered here, complete without any script, from the same reports as the API.

``overview`` and ``session`` gather what a page shows, ``formats`` spells it, ``rendering`` fills
the templates beside this file, ``routes`` serves them.
"""

"""Pages for people: rendered here, complete without any script, from the same reports as the API.

A page is a noun: ``<noun>.py`` gathers what it shows in one read transaction and makes its tables
(``tables``) and charts (``charts``), ``templates/<noun>.html`` lays it out with the macros of
``parts.html``, and a route puts it into the ``frame`` with what the address narrows it to
(``filters``). ``formats`` spells numbers, ``rendering`` fills templates.
"""

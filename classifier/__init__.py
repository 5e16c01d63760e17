"""Was it worth it, and how do we know: links, outcomes, cost shares, labels, verdicts.

``assay`` starts it; it reads and writes through ``store`` and never meets ``collector`` or ``api``.
Everything here except what talks to ``store`` is pure and takes the time (``as_of``) as an
argument: the same facts give the same answer, last month's included.

Begin with ``link`` (which commits and changes a session made), then ``outcomes`` (what became of
them), ``rules`` (the label, ``docs/rules.md``) and ``verdicts`` (the tool, ``docs/verdicts.md``).
"""

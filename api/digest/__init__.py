"""The weekly digest: what a lead reads on Monday, from the numbers to every form it is sent in.

Begin with ``content``, which says what a digest tells; ``edition`` is what it is written out to.
Who gets it and when is up to ``assay``.
"""

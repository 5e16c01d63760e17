"""The shapes of all answers. Every field says what it means and in which unit.

Null means *not told*: no record said it. Zero means that a record said zero. Each module holds the
shapes of one noun and the functions that fill them from the store's values.
"""

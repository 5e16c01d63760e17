"""The database, and nobody else's business: tables, engine, queries.

The only importer of SQLAlchemy. Functions take a connection and give frozen values; nobody
commits but ``engine.Database.writing``. Begin with ``tables``.
"""

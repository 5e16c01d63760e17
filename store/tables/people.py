"""Who is who: what was said about identities, and which of them are one person."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from store.tables.base import metadata

# What providers, mailmaps and the like say.
same_person = Table(
    "same_person",
    metadata,
    Column("one", String(64), primary_key=True),
    Column("other", String(64), primary_key=True),
    Column("source", String(32), primary_key=True),
    Column("strength", String(16), primary_key=True),
    Index("ix_same_person_other", "other"),
)

# Under which display names (pseudonyms as well) an identity works in a repository.
display_names = Table(
    "display_names",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("identity", String(64), primary_key=True),
    Index("ix_display_names_identity", "identity"),
    Index("ix_display_names_name", "name"),
)

# What the operator's file says: an identity, or a display name, is this person's.
people_file = Table(
    "people_file",
    metadata,
    Column("identity", String(64), primary_key=True),
    Column("person", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Index("ix_people_file_person", "person"),
)

# Names in plain words, kept only while the operator has turned them on.
people_names = Table(
    "people_names",
    metadata,
    Column("person", String(64), primary_key=True),
    Column("name", Text, nullable=False),
)

# What follows from all of it, of identities that are not alone.
persons = Table(
    "persons",
    metadata,
    Column("identity", String(64), primary_key=True),
    Column("person", String(64), nullable=False),
    Index("ix_persons_person", "person"),
)

# Hours since the epoch, as usage is kept; 0 where a membership has no beginning, NULL where it has
# no end. Those who only lead a team are no members of it.
team_members = Table(
    "team_members",
    metadata,
    Column("team", Text, primary_key=True),
    Column("person", String(64), primary_key=True),
    Column("from_hour", Integer, primary_key=True, autoincrement=False),
    Column("lead", Boolean, primary_key=True),
    Column("to_hour", Integer),
    Index("ix_team_members_person", "person"),
)

dirty_people = Table(
    "dirty_people",
    metadata,
    Column("identity", String(64), primary_key=True),
    Column("marks", BigInteger, nullable=False),
)

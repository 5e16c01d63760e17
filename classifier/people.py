"""Which identities are one person.

First the operator's file: what it names is settled, also against everything else. Then what
providers and mailmaps say (strong); it carries over any number of identities, but two persons of
the file never become one by it: what both could claim is nobody's. Last what is only probable
(medium): one display name within one repository. It ties an identity that nothing else is known of
to the one person known under that name, and identities that nothing is known of to each other; it
is never passed on, so that two who share a name with a third are not one person by that.

The answer depends on what is said alone, not on its order.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from domain.people import MACHINE, SamePerson, Statements, Strength

# Identities of one name in one repository of which nothing else is known. The person with most of
# them has six in the repository that the linker is measured on; a name that more share (root,
# Developer, CI) is no person's.
MOST_OF_ONE_NAME = 8


def resolve(told: Statements) -> dict[str, str]:
    """The person of each identity that belongs to one with others, or is named by the file.

    All others are persons of their own.
    """
    groups = _strong_groups(told)
    groups |= _medium_groups(told, groups)
    members: dict[str, list[str]] = defaultdict(list)
    for identity in told.identities:
        members[groups.get(identity, identity)].append(identity)
    filed = set(told.filed.values())
    persons: dict[str, str] = {}
    for group, some in members.items():
        if group in filed or len(some) > 1:
            # An installation names a machine: a person is better named by anything else.
            person = group if group in filed else min(some, key=_names_machine_then_value)
            persons |= dict.fromkeys(some, person)
    return persons


def _names_machine_then_value(identity: str) -> tuple[bool, str]:
    return identity.startswith(MACHINE), identity


def _strong_groups(told: Statements) -> dict[str, str]:
    """The group of every identity: a person of the file, or the first identity of the group."""
    filed = told.filed
    strong = [each for each in told.same if each.strength is Strength.STRONG]
    free = _joined(each for each in strong if each.one not in filed and each.other not in filed)
    claims: dict[str, set[str]] = defaultdict(set)
    for each in strong:
        for identity, other in ((each.one, each.other), (each.other, each.one)):
            if identity not in filed and other in filed:
                claims[free.get(identity, identity)].add(filed[other])
    groups = {}
    for identity in told.identities:
        group = free.get(identity, identity)
        claimed = claims[group]
        owner = next(iter(claimed)) if len(claimed) == 1 else group
        groups[identity] = filed.get(identity, owner)
    return groups


def _joined(pairs: Iterable[SamePerson]) -> dict[str, str]:
    """The least identity of the set that each belongs to (union-find)."""
    parents: dict[str, str] = {}

    def root(of: str) -> str:
        while (above := parents.setdefault(of, of)) != of:
            parents[of] = parents[above]
            of = above
        return of

    for pair in pairs:
        low, high = sorted((root(pair.one), root(pair.other)))
        parents[high] = low
    return {identity: root(identity) for identity in list(parents)}


def _medium_groups(told: Statements, groups: Mapping[str, str]) -> dict[str, str]:
    """The new group of each identity whose group medium evidence ties to another."""
    sizes: dict[str, int] = defaultdict(int)
    for group in groups.values():
        sizes[group] += 1
    filed = set(told.filed.values())
    known = {group for group in groups.values() if sizes[group] > 1 or group in filed} | filed
    owners: dict[str, set[str]] = defaultdict(set)
    near: dict[str, set[str]] = defaultdict(set)
    for circle in _circles(told, groups):
        persons, strangers = circle & known, circle - known
        # Of several persons known under one name nobody can say whose the others are.
        if len(persons) > 1 or len(strangers) > MOST_OF_ONE_NAME:
            continue
        for each in strangers:
            owners[each] |= persons
            near[each] |= strangers
    tied = {each: next(iter(found)) for each, found in owners.items() if len(found) == 1}
    # Those near to the same strangers are near to each other, and to nobody that the rest is not.
    alike: dict[frozenset[str], list[str]] = defaultdict(list)
    for each, others in near.items():
        if not owners[each]:
            alike[frozenset(others)].append(each)
    tied |= {each: min(same) for same in alike.values() for each in same}
    # A stranger's group is one identity.
    return {identity: tied[identity] for identity in told.identities if identity in tied}


def _circles(told: Statements, groups: Mapping[str, str]) -> Iterable[set[str]]:
    """Groups that one medium statement holds to be one person."""
    for each in told.same:
        if each.strength is Strength.MEDIUM:
            yield {groups[each.one], groups[each.other]}
    named: dict[tuple[str, str], set[str]] = defaultdict(set)
    for each_named in told.named:
        key = (each_named.repo, each_named.name)
        named[key].add(groups[each_named.identity])
        if each_named.name in told.filed:
            named[key].add(told.filed[each_named.name])
    yield from named.values()

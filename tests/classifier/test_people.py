"""Who is one person, from what is said about identities."""

from itertools import combinations
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from classifier.people import MOST_OF_ONE_NAME, resolve
from domain.people import Named, SamePerson, Statements, Strength

REPO = "acme/shop"
IDENTITIES = [f"p_{letter}" for letter in "abcdefgh"]
NAMES = ["p_name1", "p_name2"]


def strong(one: str, other: str) -> SamePerson:
    return SamePerson(one=one, other=other, strength=Strength.STRONG, source="github")


def medium(one: str, other: str) -> SamePerson:
    return SamePerson(one=one, other=other, strength=Strength.MEDIUM, source="gitlab")


def named(identity: str, name: str = "p_name1", repo: str = REPO) -> Named:
    return Named(repo=repo, name=name, identity=identity)


def said(*told: SamePerson | Named, **filed: str) -> Statements:
    same = tuple(each for each in told if isinstance(each, SamePerson))
    names = tuple(each for each in told if isinstance(each, Named))
    about = {identity for each in same for identity in (each.one, each.other)}
    about |= {each.identity for each in names}
    about |= {identity for identity in filed if identity not in NAMES}
    return Statements(identities=frozenset(about), same=same, named=names, filed=filed)


def test_strong_statements_carry_over_any_number_of_identities() -> None:
    told = said(strong("p_c", "p_b"), strong("p_b", "p_a"), strong("p_x", "p_y"))
    assert resolve(told) == {"p_a": "p_a", "p_b": "p_a", "p_c": "p_a", "p_x": "p_x", "p_y": "p_x"}


def test_an_identity_of_which_nothing_is_known_is_not_named() -> None:
    assert resolve(Statements(identities=frozenset({"p_a"}))) == {}


def test_a_person_is_rather_named_by_a_mail_address_than_by_a_machine() -> None:
    assert resolve(said(strong("i_a", "p_z"))) == {"i_a": "p_z", "p_z": "p_z"}


def test_the_file_names_its_person_and_whoever_providers_tie_to_them() -> None:
    told = said(strong("p_a", "p_b"), strong("p_b", "p_c"), p_a="p_jane")
    assert resolve(told) == {"p_a": "p_jane", "p_b": "p_jane", "p_c": "p_jane"}


def test_the_file_parts_what_a_provider_joins() -> None:
    told = said(strong("p_a", "p_b"), p_a="p_jane", p_b="p_john")
    assert resolve(told) == {"p_a": "p_jane", "p_b": "p_john"}


def test_what_two_persons_of_the_file_could_claim_is_nobodys() -> None:
    told = said(strong("p_a", "p_m"), strong("p_m", "p_b"), p_a="p_jane", p_b="p_john")
    assert resolve(told) == {"p_a": "p_jane", "p_b": "p_john"}


def test_a_display_name_ties_an_address_to_the_one_person_known_by_it() -> None:
    told = said(strong("p_login", "p_mail"), named("p_mail"), named("p_other"), named("p_third"))
    assert resolve(told) == dict.fromkeys(("p_login", "p_mail", "p_other", "p_third"), "p_login")


def test_a_display_name_ties_addresses_of_which_nothing_else_is_known() -> None:
    assert resolve(said(named("p_a"), named("p_b"))) == {"p_a": "p_a", "p_b": "p_a"}


def test_a_display_name_says_nothing_where_two_persons_bear_it() -> None:
    told = said(
        strong("p_a", "p_b"), strong("p_c", "p_d"), named("p_a"), named("p_c"), named("p_e")
    )
    assert resolve(told) == {"p_a": "p_a", "p_b": "p_a", "p_c": "p_c", "p_d": "p_c"}


def test_a_display_name_counts_within_one_repository() -> None:
    assert resolve(said(named("p_a"), named("p_b", repo="acme/other"))) == {}


def test_a_display_name_in_the_file_counts_in_every_repository() -> None:
    told = said(named("p_a"), named("p_b", repo="acme/other"), p_name1="p_jane")
    assert resolve(told) == {"p_a": "p_jane", "p_b": "p_jane"}


def test_a_name_that_many_bear_is_no_persons_name() -> None:
    few = [named(f"p_{number}") for number in range(MOST_OF_ONE_NAME)]
    assert len(resolve(said(*few))) == MOST_OF_ONE_NAME
    assert resolve(said(*few, named("p_one_more"))) == {}


def test_what_is_only_probable_is_not_passed_on() -> None:
    assert resolve(said(medium("p_a", "p_b"), medium("p_b", "p_c"))) == {}
    # The name ties a to the person, b is tied to a alone.
    told = said(strong("p_x", "p_y"), named("p_x"), named("p_a"), medium("p_a", "p_b"))
    assert resolve(told) == {"p_x": "p_a", "p_y": "p_a", "p_a": "p_a"}


pairs = st.builds(
    SamePerson,
    one=st.sampled_from(IDENTITIES),
    other=st.sampled_from(IDENTITIES),
    strength=st.sampled_from(Strength),
    source=st.just("github"),
).filter(lambda pair: pair.one != pair.other)
bearers = st.builds(
    Named,
    repo=st.sampled_from([REPO, "acme/other"]),
    name=st.sampled_from(NAMES),
    identity=st.sampled_from(IDENTITIES),
)
files = st.dictionaries(
    st.sampled_from([*IDENTITIES, *NAMES]), st.sampled_from(["p_jane", "p_john"]), max_size=3
)
all_said = st.builds(
    lambda told, filed: said(*told, **filed), st.lists(st.one_of(pairs, bearers)), files
)


@given(all_said, st.randoms(use_true_random=False))
def test_order_and_repetition_make_no_difference(told: Statements, random: Random) -> None:
    same, names = [*told.same, *told.same], [*told.named, *told.named]
    random.shuffle(same)
    random.shuffle(names)
    filed = dict(random.sample(sorted(told.filed.items()), len(told.filed)))
    turned = [
        SamePerson(one=each.other, other=each.one, strength=each.strength, source=each.source)
        for each in same
    ]
    shuffled = Statements(
        identities=told.identities, same=tuple(turned), named=tuple(names), filed=filed
    )
    assert resolve(shuffled) == resolve(told)


@given(all_said)
def test_the_file_always_wins(told: Statements) -> None:
    persons = resolve(told)
    filed = {of: person for of, person in told.filed.items() if of in told.identities}
    assert {of: persons[of] for of in filed} == filed


@given(all_said)
def test_strong_evidence_without_a_file_is_never_overruled(told: Statements) -> None:
    persons = resolve(Statements(identities=told.identities, same=told.same, named=told.named))
    joined = [each for each in told.same if each.strength is Strength.STRONG]
    assert all(persons[each.one] == persons[each.other] for each in joined)


@given(all_said)
def test_medium_evidence_joins_no_two_that_are_known(told: Statements) -> None:
    strong_only = Statements(
        identities=told.identities,
        same=tuple(each for each in told.same if each.strength is Strength.STRONG),
        filed=told.filed,
    )
    known, persons = resolve(strong_only), resolve(told)
    for one, other in combinations(sorted(known), 2):
        assert (persons[one] == persons[other]) == (known[one] == known[other])


@given(all_said)
def test_medium_evidence_joins_strangers_only_where_it_names_both(told: Statements) -> None:
    strong_only = Statements(
        identities=told.identities,
        same=tuple(each for each in told.same if each.strength is Strength.STRONG),
        filed=told.filed,
    )
    known, persons = resolve(strong_only), resolve(told)
    circles = [{e.one, e.other} for e in told.same]
    circles += [
        {e.identity for e in told.named if (e.repo, e.name) == place}
        for place in {(e.repo, e.name) for e in told.named}
    ]
    for one, other in combinations(sorted(persons.keys() - known.keys()), 2):
        if persons[one] == persons[other] and not _belongs_to_known(persons, known, one):
            assert any({one, other} <= circle for circle in circles)


def _belongs_to_known(persons: dict[str, str], known: dict[str, str], identity: str) -> bool:
    files = {"p_jane", "p_john"}
    return persons[identity] in files or any(persons[of] == persons[identity] for of in known)

"""Who a person is: identities in one form, merges that can be taken back."""

from __future__ import annotations

import pytest

from ringfold.core.profiles import Identity, Profile, merge, profile_from_doc, read_identity, unmerge

A, B, C = (Profile(f"prf_{name}", "org_1", identities=(Identity("account_id", name),)) for name in "abc")


@pytest.mark.accept("H1", "H9")
@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("phone", " +15125551234 ", "+15125551234"),
        ("phone", "5125551234", None),
        ("phone", "anonymous", None),
        ("phone", "+266696687", None),
        ("email", "Jane@Example.COM", "jane@example.com"),
        ("email", "jane@home", None),
        ("email", "@example.com", None),
        ("email", "jane doe@example.com", None),
        ("account_id", "A-17", "A-17"),
        ("account_id", " ", None),
        ("account_id", "x" * 129, None),
        ("twitter", "jane", None),
    ],
)
def test_an_identity_has_one_form(kind: str, value: str, expected: str | None) -> None:
    """What is none is nobody's: an anonymous caller has no profile."""
    found = read_identity(kind, value)

    assert expected == (found.value if found else None)


@pytest.mark.accept("H9", "I4")
def test_a_merge_and_its_undoing() -> None:
    """Nothing is lost on the way."""
    one, into = merge(A, B)

    assert ("prf_b", ("prf_a",)) == (one.merged_into, into.merged)
    assert (A, B) == unmerge(one, into)


@pytest.mark.accept("I4")
def test_what_could_not_be_undone_is_refused() -> None:
    """With the reason."""
    one, into = merge(A, B)
    for this, other, reason in (
        (A, A, "into itself"),
        (one, C, "already"),
        (C, one, "already"),
        (into, C, "unmerge them first"),
    ):
        with pytest.raises(ValueError, match=reason):
            merge(this, other)
    with pytest.raises(ValueError, match="is not merged"):
        unmerge(A, C)


def test_it_is_stored_and_read_as_it_is() -> None:
    """With the version it has in the table."""
    one, into = merge(A, B)

    assert [one, into] == [profile_from_doc(each.to_doc(), each.version) for each in (one, into)]

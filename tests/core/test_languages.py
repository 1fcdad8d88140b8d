"""Which languages both providers of a call know."""

from __future__ import annotations

import pytest

from ringfold.core import languages, relay_settings
from ringfold.core.languages import LISTENERS, SPEAKERS, offered, verdict


@pytest.mark.accept("E12")
@pytest.mark.parametrize("speaker", SPEAKERS)
@pytest.mark.parametrize("listener", LISTENERS)
def test_what_is_offered_is_known_to_both(speaker: str, listener: str) -> None:
    """The languages offered are the intersection of what is spoken and what is heard."""
    found = offered(speaker, listener)

    assert found
    assert ["yes"] * len(found) == [verdict(tag, speaker=speaker, listener=listener).support for tag in found]


@pytest.mark.parametrize(
    ("tag", "speaker", "listener", "support", "lacking"),
    [
        ("en-US", "ElevenLabs", "Deepgram", "yes", ""),
        ("en", "Google", "Google", "yes", ""),
        ("nb-NO", "ElevenLabs", "Deepgram", "yes", ""),
        ("zh-CN", "Amazon", "Deepgram", "yes", ""),
        ("fil-PH", "ElevenLabs", "Deepgram", "yes", ""),
        ("multi", "ElevenLabs", "Deepgram", "yes", ""),
        ("sw-KE", "ElevenLabs", "Deepgram", "no", "ElevenLabs"),
        ("es-419", "Amazon", "Deepgram", "no", "Amazon"),
        ("sw-KE", "Google", "Deepgram", "unknown", "Deepgram"),
        ("fr-FR", "ElevenLabs", "Google", "unknown", "Google"),
        ("en-US", "Somebody", "Deepgram", "unknown", "Somebody"),
    ],
)
def test_a_language_that_one_provider_lacks_is_told(
    tag: str, speaker: str, listener: str, support: str, lacking: str
) -> None:
    """Refused where the provider's list is complete, doubted where it is not, and the provider is named."""
    found = verdict(tag, speaker=speaker, listener=listener)

    assert (support, lacking) == (found.support, found.lacking)


def test_one_side_can_be_asked_alone() -> None:
    """The language spoken need not be the one heard."""
    assert "yes" == verdict("sw-KE", listener=None, speaker="Google").support
    assert "unknown" == verdict("sw-KE", listener="Deepgram").support


def test_the_tables_are_about_the_providers_there_are() -> None:
    """Whoever adds a provider to the attributes adds its languages."""
    assert set(relay_settings.ATTRIBUTES["ttsProvider"].rule.choices) == set(SPEAKERS)
    assert set(relay_settings.ATTRIBUTES["transcriptionProvider"].rule.choices) == set(LISTENERS)


def test_every_table_says_where_it_is_from() -> None:
    """A list without a date and a source is a rumour."""
    assert languages.AS_OF.startswith("20")
    assert all(provider.source for provider in (*SPEAKERS.values(), *LISTENERS.values()))


def test_doubts_about_the_listener_do_not_hide_a_certain_no() -> None:
    """What is certain wins over what is doubtful."""
    assert "no" == verdict("sw-KE", speaker="Amazon", listener="Google").support

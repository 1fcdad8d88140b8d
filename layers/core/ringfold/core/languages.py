"""Which languages a call can be held in: what the provider that speaks and the provider that listens both know.

ConversationRelay refuses a language that one of its two providers lacks, and the caller is disconnected (errors 64101
and 64106). Twilio passes the language on to the providers, so what they publish is the table here. Each row says where
it is from and how far it can be trusted: a complete list decides, of an incomplete one a language that is missing is
only doubtful.

Google and Amazon name regions (``en-GB``); ElevenLabs and Deepgram name languages (``en``), whatever the region.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

AS_OF: Final = "2026-11-26"
"""When the tables were last compared with their sources."""

Support = Literal["yes", "no", "unknown"]


@dataclass(frozen=True, slots=True)
class Provider:
    """What one provider knows.

    Attributes:
        tags: Languages (``en``) or languages with their region (``en-GB``).
        by_region: Whether the tags name regions.
        complete: Whether a language that is not among them is certainly not there.
        source: Where the list is from, and of when.
    """

    tags: frozenset[str]
    by_region: bool
    complete: bool
    source: str


def _tags(text: str) -> frozenset[str]:
    return frozenset(text.split())


SPEAKERS: Final[Mapping[str, Provider]] = MappingProxyType(
    {
        "ElevenLabs": Provider(
            _tags("ar bg cs da de el en es fi fil fr hi hr hu id it ja ko ms nl no pl pt ro ru sk sv ta tr uk vi zh"),
            by_region=False,
            complete=True,
            source="elevenlabs.io/docs/overview/models, Flash v2.5, 2026-11",
        ),
        "Amazon": Provider(
            _tags(
                "ar-AE arb ca-ES cmn-CN cs-CZ cy-GB da-DK de-AT de-CH de-DE en-AU en-GB en-GB-WLS en-IE en-IN en-NZ "
                "en-SG en-US en-ZA es-ES es-MX es-US fi-FI fr-BE fr-CA fr-FR hi-IN is-IS it-IT ja-JP ko-KR nb-NO "
                "nl-BE nl-NL pl-PL pt-BR pt-PT ro-RO ru-RU sv-SE tr-TR yue-CN"
            ),
            by_region=True,
            complete=True,
            source="LanguageCode in Polly's API (botocore 1.44), 2026-11",
        ),
        "Google": Provider(
            _tags(
                "ar-XA bg-BG bn-IN cmn-CN cs-CZ da-DK de-DE el-GR en-AU en-GB en-IN en-US es-ES es-US et-EE fi-FI "
                "fr-CA fr-FR gu-IN he-IL hi-IN hr-HR hu-HU id-ID it-IT ja-JP kn-IN ko-KR lt-LT lv-LV ml-IN mr-IN "
                "nb-NO nl-BE nl-NL pl-PL pt-BR ro-RO ru-RU sk-SK sl-SI sr-RS sv-SE sw-KE ta-IN te-IN th-TH tr-TR "
                "uk-UA ur-IN vi-VN"
            ),
            by_region=True,
            complete=False,
            source="docs.cloud.google.com/text-to-speech/docs/chirp3-hd, Chirp 3 HD voices only, 2026-11",
        ),
    }
)
"""Who speaks (``ttsProvider``)."""

LISTENERS: Final[Mapping[str, Provider]] = MappingProxyType(
    {
        "Deepgram": Provider(
            _tags(
                "be bg bn bs ca cs da de el en es et fa fi fr gu he hi hr hu id it ja kk kn ko lt lv mk mr ms ne nl "
                "no pa pl pt ro ru sk sl sr sv ta te th tl tr uk ur vi zh"
            ),
            by_region=False,
            complete=False,
            source="developers.deepgram.com/changelog, Nova-2 of 2024-05-14, Nova-3 of 2025-08-15 to 2026-09-03",
        ),
        "Google": Provider(
            _tags("en-US ja-JP ko-KR"),
            by_region=True,
            complete=False,
            source="cloud.google.com/speech-to-text, rows of the model telephony that could be read, 2026-11",
        ),
    }
)
"""Who listens (``transcriptionProvider``)."""

_SAME: Final[Mapping[str, str]] = MappingProxyType(
    # Two names of one language, or a standard written for its spoken form.
    {"cmn": "zh", "yue": "zh", "nb": "no", "nn": "no", "arb": "ar", "fil": "tl", "iw": "he", "in": "id"}
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a call can be held in a language.

    Attributes:
        support: ``no`` only where a complete list says so.
        lacking: The provider that does not know it, or may not; ``""`` when both do.
        source: Of what is said about that provider.
    """

    support: Support
    lacking: str = ""
    source: str = ""


def verdict(tag: str, *, speaker: str | None = None, listener: str | None = None) -> Verdict:
    """Whether the providers know a language.

    Args:
        tag: ``en-US``, ``en`` or ``multi``, which is the providers' own affair.
        speaker: ``ttsProvider``; ``None`` to leave out who speaks.
        listener: ``transcriptionProvider``; ``None`` to leave out who listens.
    """
    found = Verdict("yes")
    for name, table in ((speaker, SPEAKERS), (listener, LISTENERS)):
        if name is None or tag == "multi":
            continue
        provider = table.get(name)
        if provider is None:
            found = Verdict("unknown", name, "no table for this provider")
        elif not _knows(provider, tag):
            if provider.complete:
                return Verdict("no", name, provider.source)
            found = Verdict("unknown", name, provider.source)
    return found


def offered(speaker: str, listener: str) -> list[str]:
    """The languages that both providers certainly know, as tags to set.

    Tags with a region where one of the two names regions; else plain languages.
    """
    speaks, listens = SPEAKERS[speaker], LISTENERS[listener]
    by_region = [provider for provider in (speaks, listens) if provider.by_region]
    candidates = by_region[0].tags if by_region else speaks.tags
    return sorted(tag for tag in candidates if _knows(speaks, tag) and _knows(listens, tag))


def _knows(provider: Provider, tag: str) -> bool:
    same = [known for known in provider.tags if _language(known) == _language(tag)]
    if not provider.by_region or "-" not in tag:
        return bool(same)
    return _region(tag) in {_region(known) for known in same}


def _region(tag: str) -> str:
    return tag.partition("-")[2].lower()


def _language(tag: str) -> str:
    primary = tag.partition("-")[0].lower()
    return _SAME.get(primary, primary)

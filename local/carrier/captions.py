"""Writes what the voice does into a call's record."""

from __future__ import annotations

from local.carrier import voice
from local.carrier.record import Record


def record_sound(record: Record, sound: voice.Sound) -> None:
    match sound:
        case voice.Began(utterance=utterance, dry_s=dry_s) if dry_s:
            record.add("dry", utterance=utterance.number, gap_ms=round(dry_s * 1000))
        case voice.Word(utterance=utterance, text=text, upto=upto):
            record.add("agent_word", utterance=utterance.number, text=text, upto=upto)
        case voice.Played(utterance=utterance, text=text, kind=kind) if kind != "text":
            record.add("agent_sound", utterance=utterance.number, what=text)
        case voice.Done(utterance=utterance):
            record.add("agent_done", utterance=utterance.number, text=utterance.sent, heard=utterance.heard)


def record_cut(record: Record, cut: voice.Cut, by: str) -> None:
    if cut.utterance is not None:
        record.add("agent_cut", utterance=cut.utterance.number, text=cut.utterance.sent, heard=cut.heard, by=by)

"""All cases: the transcripts, and the hostile ones."""

from __future__ import annotations

import functools

import hostile_lines
import hostile_runs
import hostile_secrets
from case import Case
from player import play
from transcript import Transcript, transcripts


def all_cases() -> list[Case]:
    """In execution order. Raises GrammarError for an invalid transcript."""
    hostile = [
        case for module in (hostile_runs, hostile_secrets)
        for case in vars(module).values() if isinstance(case, Case)]
    return [
        *map(as_case, transcripts()), *(table.case() for table in hostile_lines.TABLES), *hostile]


def as_case(transcript: Transcript) -> Case:
    return Case(
        f"transcript/{transcript.path.stem}", transcript.about, transcript.proves,
        "--sandbox" in transcript.arguments, functools.partial(play, transcript))

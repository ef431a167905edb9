"""Plays protocol/transcripts with the conformance kit's player, and looks at what they prove."""

from __future__ import annotations

import pytest
from Support.host import EXECUTABLE, TIMEOUT, environment
from player import play
from process import Launch
from protocol_text import sections
from transcript import transcripts

TRANSCRIPTS = transcripts()


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=[each.path.stem for each in TRANSCRIPTS])
def test_host_follows_the_transcript(transcript):
    play(transcript, Launch([EXECUTABLE, "serve"], TIMEOUT, environment()))


def test_every_paragraph_on_framing_methods_files_and_agents_is_proved_by_a_transcript():
    paragraphs = {number: section for section in sections() for number in section.paragraphs}
    proved = {number for transcript in TRANSCRIPTS for number in transcript.proves}
    assert proved <= set(paragraphs), f"there is no paragraph {sorted(proved - set(paragraphs))}"
    owed = {number for number, section in paragraphs.items() if section.number in ("2", "3", "5", "9")}
    assert owed <= proved, f"no transcript proves {sorted(owed - proved)}"

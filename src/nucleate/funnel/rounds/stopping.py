"""When rounds end: by their number, without a find for some time, without enough that is new, without anyone to ask."""

from __future__ import annotations

from collections.abc import Sequence

from nucleate.funnel.rounds.settings import Rounds
from nucleate.records.rounds import Round


def stopped(settings: Rounds, over: Sequence[Round]) -> str:
    """Why no further round follows those that are over, in one sentence; "" where one does."""
    if not over:
        return ""
    last, patience = over[-1], settings.patience
    if last.asked == 0:
        return f"nobody was left to ask about in round {last.round}"
    if last.candidates and last.new < settings.least_new * last.candidates:
        return (
            f"{last.new} of {last.candidates} candidates of round {last.round} came through, "
            f"and {settings.least_new:.0%} have to"
        )
    if patience and len(over) >= patience and not any(one.found for one in over[-patience:]):
        return f"nothing within {settings.most:g} eV/atom of the hull was found in {patience} rounds"
    if last.round >= settings.rounds:
        return f"{last.round} of {settings.rounds} rounds are over"
    return ""

"""Structures as a list that notebooks draw."""

from __future__ import annotations

from typing import TypeVar

from nucleate.notebooks import DrawnInNotebooks

Structure = TypeVar("Structure")


class Structures(list[Structure], DrawnInNotebooks):
    """A list in all that it does; a notebook shows a table of its crystals."""

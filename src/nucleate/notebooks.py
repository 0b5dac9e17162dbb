"""How notebooks draw crystals: a class of crystals asks the page, which stands far above it, when it is asked."""

from __future__ import annotations

from importlib import import_module

PAGE = "nucleate.web.notebook"


class DrawnInNotebooks:
    """A class whose crystals notebooks draw with the views of `nucleate show`."""

    def _repr_html_(self) -> str:
        return html_of(self)


def html_of(thing: object) -> str:
    """What `nucleate.web.notebook` draws. Named and not imported: what is drawn knows nothing of the page."""
    return import_module(PAGE).html(thing)

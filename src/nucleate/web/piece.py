"""The page as one piece of HTML: no server, no other file, no network; for notebooks, and for files to send.

Scripts, styles and answers lie in it compressed, and the browser unpacks them; 3Dmol.js with the first crystal that is
drawn. In a notebook the piece stands in a frame of its own, which can't reach the notebook around it.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from functools import cache
from html import escape
from typing import Any

from nucleate.web.assets import asset_bytes

LOADED = ("app.js", "3Dmol-min.js")
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
</head>
<body>
<div id="app"></div>
<noscript>Crystals are drawn with JavaScript, all of which is in this piece.</noscript>
<script>
{{
const packed = {packed};
const unpack = async (name) => {{
  const bytes = Uint8Array.from(atob(packed[name]), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).text();
}};
const load = async (name) => {{
  const script = document.createElement('script');
  script.textContent = await unpack(name);
  document.head.append(script);
}};
(async () => {{
  const style = document.createElement('style');
  style.textContent = await unpack('app.css');
  document.head.append(style);
  window.nucleateSite = {{ answers: JSON.parse(await unpack('answers')), start: {start}, load }};
  await load('app.js');
}})();
}}
</script>
</body>
</html>
"""
FRAME = (
    '<iframe srcdoc="{document}" title="{title}" sandbox="allow-scripts allow-downloads" loading="lazy" '
    'style="width: 100%; height: {height}px; border: 1px solid #8886; border-radius: 8px"></iframe>'
)


def document(answers: Mapping[str, Any], start: str, title: str) -> str:
    """A whole page.

    Args:
        answers: what the page will ask for, by address, as in an exported copy.
        start: the view that is shown first, such as #/crystal/KEY/0.
    """
    text = json.dumps(answers, ensure_ascii=False, separators=(",", ":"))
    packed = {name: _asset(name) for name in ("app.css", *LOADED)} | {"answers": _packed(text.encode())}
    return PAGE.format(
        title=escape(title), packed=json.dumps(packed), start=json.dumps(start).replace("<", "\\u003c")
    )


def frame(document: str, title: str, height: int) -> str:
    """A page in a frame. height: pixels."""
    return FRAME.format(document=escape(document), title=escape(title), height=height)


@cache
def _asset(name: str) -> str:
    found = asset_bytes(name)
    assert found is not None
    return _packed(found)


def _packed(data: bytes) -> str:
    # without a time the same piece is the same text
    return base64.b64encode(gzip.compress(data, 9, mtime=0)).decode()

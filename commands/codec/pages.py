"""The page on which a person gives a token, and what keeps it in the browser: a cookie."""

from html import escape
from typing import Final

COOKIE: Final = "holdfast_codec"
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Holdfast codec</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 12vh auto; max-width: 34rem;
  padding: 0 1.5rem; color: #1c2430; background: #f6f7f9; }}
main {{ background: #fff; border: 1px solid #d9dee6; border-radius: 8px; padding: 1.5rem 2rem; }}
h1 {{ font-size: 1.25rem; margin: 0 0 .75rem; }}
label {{ display: block; font-weight: 600; margin: 1rem 0 .25rem; }}
input {{ font: inherit; width: 100%; box-sizing: border-box; padding: .5rem;
  border: 1px solid #9aa5b5; border-radius: 4px; }}
button {{ font: inherit; margin-top: 1rem; padding: .45rem 1.2rem; border: 0; border-radius: 4px;
  background: #1d4ed8; color: #fff; cursor: pointer; }}
.said {{ border-left: 4px solid #1d4ed8; padding-left: .75rem; }}
.refused {{ border-left-color: #b91c1c; }}
code {{ background: #eef1f5; padding: 0 .25rem; border-radius: 3px; }}
</style></head><body><main>
<h1>Read encrypted runs in the Temporal UI</h1>
{said}
{form}
</main></body></html>
"""
_ASK: Final = """<p>Give a token of <code>python starter.py tokens add NAME --role reader</code>. It
stays in this browser as a cookie, until you take it back here or the browser is closed.</p>
<form method="post" action="/login"><label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="off" autofocus required>
<button>Keep it</button></form>"""
_KNOWN: Final = """<p>In the Temporal UI open the glasses at the top right (Codec Server), enter
<code>{address}</code> as the endpoint, and switch <b>Include cross-origin credentials</b> on.</p>
<form method="post" action="/logout"><button>Take the token back</button></form>"""


def asking(refused: str = "") -> str:
    """Return the page that asks for a token."""
    said = f'<p class="said refused">{escape(refused)}</p>' if refused else ""
    return _PAGE.format(said=said, form=_ASK)


def known(name: str, address: str) -> str:
    """Return the page for a browser that has a good token."""
    said = f'<p class="said">This browser reads as <b>{escape(name)}</b>.</p>'
    return _PAGE.format(said=said, form=_KNOWN.format(address=escape(address)))

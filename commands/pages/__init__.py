"""A run as one self-contained HTML page."""

from commands.pages.audit import audit_page
from commands.pages.gather import page
from commands.pages.run import run_page
from commands.pages.several import several_page

__all__ = ["audit_page", "page", "run_page", "several_page"]

"""How the specialists of a research are attended: not at all, since their supervisor decides."""

from datetime import timedelta
from typing import Final

from domain.spec import ApprovalPolicy

# An answer that stays wrong fails the specialist's run after a second. The supervisor then tries
# again, takes another specialist, or asks a person at the research itself.
UNATTENDED: Final = ApprovalPolicy(timeout=timedelta(seconds=1), silence="reject")

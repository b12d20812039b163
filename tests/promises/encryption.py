"""What encryption promises."""

from typing import Final

from tests.promises import Requirement

_PAGE: Final = "docs/encryption.md"

PROMISES: Final[dict[str, Requirement]] = {
    "C6.6:payloads": Requirement("What a run is asked and says reaches the server sealed.", _PAGE),
    "C6.6:mixed": Requirement("What is in the clear is read while encryption is turned on.", _PAGE),
    "C6.6:tamper": Requirement("What was changed or renamed does not open.", _PAGE),
    "C6.6:missing": Requirement("A missing key is named, and found without a restart.", _PAGE),
    "C6.6:waits": Requirement("A worker that lacks a key loses no run and no attempt.", _PAGE),
    "C6.6:rotation": Requirement("A new key encrypts from a moment on; old ones decrypt.", _PAGE),
    "C6.6:files": Requirement("Keys come from a file or mounted secret of one's own.", _PAGE),
    "C6.6:large": Requirement("Large payloads are sealed and kept once in the database.", _PAGE),
    "C6.6:failures": Requirement("Messages and stack traces of failures are sealed.", _PAGE),
    "C6.6:columns": Requirement("Content of the database is sealed, column by column.", _PAGE),
    "C6.6:retire": Requirement("A key that anything needs is not removed.", _PAGE),
    "C6.6:codec": Requirement("The codec service decrypts for those with a token alone.", _PAGE),
    "C6.6:run": Requirement("A run leaves no plain text at the server.", _PAGE),
    "C6.6:tls": Requirement("Certificates and API keys reach the server as configured.", _PAGE),
}

"""What may be shown of what others say. An answer may quote what it was asked with, a token in the worst case, so only
sentences that name who, what and where are passed on; of all others their code.
"""

from __future__ import annotations

import logging
import re

_NAME = r"[\w@.:/#|*-]+"
#: ARM's AuthorizationFailed, with and without a deny assignment; RBAC of Kubernetes; Azure's authorizer within it.
_REFUSAL = re.compile(
    rf"The client '{_NAME}' with object id '{_NAME}' does not have authorization to perform action '{_NAME}' over "
    r"scope '[\w./() -]+' or the scope is invalid"
    rf"|The client '{_NAME}' with object id '{_NAME}' has permission to perform action '{_NAME}' on scope "
    r"'[\w./() -]+'; however, it is denied access because of the deny assignment"
    rf'|{_NAME}(?: "{_NAME}")? is forbidden: User "{_NAME}" cannot [a-z]+ resource "{_NAME}" in API group "[\w.-]*" '
    rf'(?:at the cluster scope|in the namespace "{_NAME}")'
    r"(?:: User does not have access to the resource in Azure\. Update role assignment to allow access)?"
    rf'|forbidden: User "{_NAME}" cannot [a-z]+ path "[\w./-]+"'
    r"|User does not have access to the resource in Azure\. Update role assignment to allow access"
)
_CODE = re.compile(r"[A-Z][A-Za-z]{2,60}|[A-Z]{2,12}[0-9]{2,8}")
_ENTRA_CODE = re.compile(r"AADSTS[0-9]{4,8}")
#: Where the sentences of azure-identity go over into what they were answered.
_ANSWER_BEGINS = re.compile(r"[:({\[\"]")


def code(text: object) -> str:
    """An error code as Azure and Kubernetes spell them; empty for anything else."""
    return text if isinstance(text, str) and _CODE.fullmatch(text) else ""


def refusal(message: object) -> str:
    """The sentence that says who lacks which permission where; empty where a message holds none."""
    found = _REFUSAL.search(message) if isinstance(message, str) else None
    return f"{found[0]}." if found else ""


def sign_in(message: str) -> str:
    """What azure-identity says of a sign-in, up to where it may quote an answer, with the codes of Microsoft Entra
    ID.
    """
    codes = dict.fromkeys(_ENTRA_CODE.findall(message))
    own = _ANSWER_BEGINS.split(message.strip(), maxsplit=1)[0].strip()
    return " ".join([own, *codes])


class QuietFormatter(logging.Formatter):
    """Logs of SDKs for ``--debug``; those on sign-ins quote answers, and exceptions do."""

    _QUOTING = ("azure.identity", "msal")

    def format(self, record: logging.LogRecord) -> str:
        """As inherited, without the answers."""
        if not record.name.startswith(self._QUOTING):
            return super().format(record)
        lines = (sign_in(line) for line in record.getMessage().splitlines())
        said = " ".join(line for line in lines if line)
        return f"{record.levelname} {record.name}: {said}"

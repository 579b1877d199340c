"""How a report is to be presented: what its readers want beside its facts."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import msgspec


class SarifProfile(StrEnum):
    """Who reads the SARIF file: GitHub code scanning, Azure DevOps, or viewers that follow the whole standard."""

    GITHUB = "github"
    AZDO = "azdo"
    GENERIC = "generic"


class Presentation(msgspec.Struct, frozen=True, kw_only=True):
    """What is not said stays out. ``templates`` is a folder of Jinja2 templates that override blocks of the HTML."""

    title: str = ""
    customer: str = ""
    author: str = ""
    classification: str = ""
    logo: Path | None = None
    templates: Path | None = None
    sarif_profile: SarifProfile = SarifProfile.GITHUB

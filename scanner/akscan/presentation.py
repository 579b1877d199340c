"""How a report is to be presented: what its readers want beside its facts."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta


class SarifProfile(StrEnum):
    """Who reads the SARIF file: GitHub code scanning, Azure DevOps, or viewers that follow the whole standard."""

    GITHUB = "github"
    AZDO = "azdo"
    GENERIC = "generic"


class Anchor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where in a repository a cluster is defined: a relative path with slashes, and the line, or else a text by which
    the line is found (without one: the cluster's name).
    """

    file: str
    line: Annotated[int, Meta(ge=1)] | None = None
    key: str = ""

    @property
    def is_relative(self) -> bool:
        """Whether the path stays within the repository."""
        parts = self.file.split("/")
        return "\\" not in self.file and ":" not in parts[0] and all(part not in ("", ".", "..") for part in parts)

    def line_for(self, cluster: str) -> int:
        """The line to point at; 1 where the file does not tell, or is not there."""
        if self.line is not None:
            return self.line
        try:
            lines = Path(self.file).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return 1
        wanted = self.key or cluster
        return next((number for number, text in enumerate(lines, 1) if wanted in text), 1)


class Presentation(msgspec.Struct, frozen=True, kw_only=True):
    """What is not said stays out. ``templates`` is a folder of Jinja2 templates that override blocks of the HTML;
    ``anchors`` go by the names of clusters. What covers less than ``min_coverage`` percent of a cluster replaces
    nothing that is known of it. At ``information_uri`` readers learn how akscan is run here. ``part`` counts the files
    of a reporter that needs several, from 0.
    """

    title: str = ""
    customer: str = ""
    author: str = ""
    classification: str = ""
    logo: Path | None = None
    templates: Path | None = None
    sarif_profile: SarifProfile = SarifProfile.GITHUB
    anchors: dict[str, Anchor] = {}
    information_uri: str | None = None
    min_coverage: float | None = None
    part: int = 0

"""What all REST objects of Azure have in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import msgspec

from akscan.model.text import ArmId, Token


class Rest(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An object of a REST answer."""


class Resource(Rest, frozen=True, kw_only=True):
    """A resource with an id; ``arm_type`` is its type with the provider."""

    arm_type: ClassVar[Token] = Token()
    id: ArmId = ArmId()
    name: str = ""

    def references(self) -> Iterator[ArmId]:
        """Ids of other resources that this one points to and that the collectors follow."""
        yield from ()


#: The tags that say what a resource is for; all others are dropped.
ENVIRONMENT_TAGS = ("environment", "env", "stage")


class Tagged(Resource, frozen=True, kw_only=True):
    """A resource whose `ENVIRONMENT_TAGS` are kept."""

    tags: dict[str, str] = {}

    def __post_init__(self) -> None:
        kept = {key: value for key, value in self.tags.items() if key.casefold() in ENVIRONMENT_TAGS}
        msgspec.structs.force_setattr(self, "tags", kept)

    @property
    def environment(self) -> str | None:
        """What the first of these tags says, in lower case; None where there is none."""
        lowered = {key.casefold(): value.casefold() for key, value in self.tags.items()}
        return next((lowered[key] for key in ENVIRONMENT_TAGS if key in lowered), None)


class Reference(Rest, frozen=True, kw_only=True):
    """A pointer to another resource."""

    id: ArmId = ArmId()

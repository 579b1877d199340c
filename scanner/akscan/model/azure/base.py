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


class Reference(Rest, frozen=True, kw_only=True):
    """A pointer to another resource."""

    id: ArmId = ArmId()
